"""vegeta's targets as text: a request line, headers, and perhaps the file of the body."""

from harness import (INPUT, NOT_ALL_OK, OK, STOPPED, Case, answering, header, json_lines, main,
                     response)


class Targets(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(
            lambda r: response(status="400 Bad" if r.target == "/bad" else "200 OK")))

    def send_files(self, *args, expect=OK):
        run = self.run_ringsend("send", *args)
        self.assertEqual(run.status, expect, run.err)
        return run

    TARGETS = """\
# get a ball

GET URLa?item=ball
# specify a test account
X-Account-ID: 99
GET URLb
  HEAD URLc

DELETE URLd
X-Two: 1
X-Two: 2
Authorization: Token DEADBEEF

POST URLe
X-Account-ID: 8
@FILE
PUT /f\r
@ FILE \r
{"method": "POST", "url": "URLg", "body": "Ym9keQ=="}
GET URLh"""

    def targets(self, text):
        text = text.replace("URL", self.echo.url).replace("FILE", self.file("body", b"text"))
        return self.file("targets", text.encode())

    def test_vegetas_targets_as_text(self):
        self.send_files("-c", "1", "--format", "vegeta", "--url", self.echo.url, "-H", "X-All: 1",
                        "-H", "X-Account-ID: 0", self.targets(self.TARGETS))
        sent = {r.target[1:2]: r for r in self.echo.requests}
        self.assertEqual({name: (r.method, r.body) for name, r in sent.items()}, {
            "a": ("GET", b""), "b": ("GET", b""), "c": ("HEAD", b""), "d": ("DELETE", b""),
            "e": ("POST", b"text"), "f": ("PUT", b"text"), "g": ("POST", b"body"),
            "h": ("GET", b"")})
        self.assertEqual([header(sent[name], "x-account-id") for name in "abe"],
                         [["99"], ["0"], ["8"]])
        self.assertEqual(header(sent["d"], "x-two"), ["1", "2"])
        self.assertEqual({tuple(header(r, "x-all")) for r in sent.values()}, {("1",)})
        self.assertEqual(sent["a"].target, "/a?item=ball")

    BAD = [("foo bar\nX: 1\n", "begins with a method and a URL"), ("GET\n", "method and a URL"),
           ("@stray\n", "method and a URL"), ("GET URL{{x}}\n", "{{"), ("GET /p\n", "--url"),
           ("GET URL\nX-Empty:\n", "NAME: VALUE"), ("GET URL\nnothing\n", "NAME: VALUE"),
           ("PUT URL\n@\n", "path of a file"), ("PUT URL\n@/nothing/here\n", "No such file"),
           ("GET URL\n" + "X: 1\n" * 2000, "headers")]

    def test_what_is_no_target_is_an_error_of_its_own(self):
        path = self.targets("".join(text + "\nGET URLgood\n\n" for text, _ in self.BAD))
        failed = self.path("failed")
        run = self.send_files("--format", "vegeta", "--failed", failed, path, expect=NOT_ALL_OK)
        bad = sorted((r for r in run.results if not r["ok"]), key=lambda r: r["line"])
        self.assertEqual([r["status"] for r in run.results].count(200), len(self.BAD))
        self.assertEqual(len(bad), len(self.BAD))
        for result, (_, words) in zip(bad, self.BAD):
            self.assertIn(words, result["detail"])
        self.assertEqual(self.run_ringsend("check", "--format", "vegeta", path).status, INPUT)
        again = self.send_files("--format", "vegeta", failed, expect=NOT_ALL_OK)
        self.assertEqual(sorted(r["detail"].split(":")[-1] for r in again.results),
                         sorted(r["detail"].split(":")[-1] for r in bad))

    def test_resumed_in_the_middle_of_text_targets(self):
        names = ["bad" if n == 50 else str(n) for n in range(200)]
        text = "".join("# a\nPUT URL%s\nX-N: 1\n\n" % name for name in names)
        path, out = self.targets(text), self.path("out")
        args = ["-c", "1", "--format", "vegeta", "-o", out, path]
        self.send_files("--max-failures", "1", *args, expect=STOPPED)
        self.send_files("--resume", *args, expect=NOT_ALL_OK)
        self.assertEqual([r.target for r in self.echo.requests], ["/" + name for name in names])
        results = json_lines(self.read("out"))
        self.assertEqual(sorted(r["line"] for r in results), list(range(2, 801, 4)))

    def test_text_targets_that_are_taken_for_json_are_told(self):
        run = self.send_files(self.targets("GET URL\n"), expect=NOT_ALL_OK)
        self.assertIn("--format vegeta", run.results[0]["detail"])


if __name__ == "__main__":
    main()
