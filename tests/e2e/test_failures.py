"""The summary's failures: by cause, with the first ids, and commands that do what they say."""

import os
import re
import shlex
import subprocess

from harness import (Case, NOT_ALL_OK, OK, STOPPED, USAGE, answering, json_line, json_lines, main,
                     response)


class Failures(Case):
    def setUp(self):
        super().setUp()
        self.server_of = self.server(answering(lambda r: response(*self.answer(r.body.decode()))))
        self.out = self.path("out.jsonl")

    def answer(self, body):
        """What a body asks for: "500 words"."""
        status, _, text = body.partition(" ")
        return text.encode("latin-1"), status + " Whatever"

    def summary(self, bodies, *options, status=NOT_ALL_OK):
        run = self.run_ringsend(
            "send", "--url", self.server_of.url, "--tries", "1", "-o", self.out, "--force", "-c",
            "1", *options,
            self.file("in", [
                body if isinstance(body, (bytes, dict)) else {"id": "r%d" % n, "data": body}
                for n, body in enumerate(bodies)
            ]))
        self.assertEqual(run.status, status, run.err)
        return run.err

    def test_the_same_but_for_numbers_is_one_cause(self):
        text = self.summary(["500 order %d failed" % n for n in range(5)] +
                            ["500 out of paper", "200 fine"] + ["404 no %d" % n
                                                                for n in range(3)] + [b"{"])
        failed = text[text.index("  failed "):text.index("  ambiguous")].splitlines()
        lines = [line.strip() for line in failed[1:]]
        groups = list(zip(lines[::2], lines[1::2]))
        self.assertEqual(groups[:2], [("5  status 500: order 0 failed", 'id "r0", "r1", "r2", ...'),
                                      ("3  status 404: no 0", 'id "r7", "r8", "r9"')])
        self.assertEqual(sorted(groups[2:]), [
            ("1  bad_record: column 2: expected a key in double quotes", "id 11"),
            ("1  status 500: out of paper", 'id "r5"')])

    def test_the_command_shows_the_first_result(self):
        text = self.summary(["200 x", "404 it's \"gone\"", "404 it's \"gone\""])
        command = re.search(r"^  see one +(.*)$", text, re.MULTILINE).group(1)
        line = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(json_line(line.decode())["body"], "it's \"gone\"")
        self.assertIn("perhaps   check the URLs", text)

    def test_what_is_no_text_cannot_harm_a_terminal(self):
        text = self.summary(["500 a\x1b[2J\x00\x9b\n\u00e9 \x7f"])
        self.assertIn("status 500: a.[2J.. . .\n", text)

    def test_a_cause_ends_with_a_sentence_or_a_word(self):
        for text, told in (("It is so. " * 12, ("It is so. " * 12).strip()),
                           ("It is so. " * 40, ("It is so. " * 30).strip() + " ..."),
                           ("word " * 100, ("word " * 60).strip() + " ..."),
                           ("x" * 400, "x" * 300 + " ..."),
                           ("\u00fc" * 400, "\u00fc" * 150 + " ...")):
            text = self.summary(["500 " + text.encode().decode("latin-1")])
            self.assertIn("  status 500: %s\n" % told, text)

    def test_what_would_have_helped_is_named(self):
        self.server_of = self.server(lambda peer: peer.request() and peer.reset())
        text = self.summary(["x"], "--tries=2")
        self.assertRegex(text, r"ambiguous +1 .*\n +--idempotency-key .*\n +--at-least-once ")
        text = self.summary(["x"])
        self.assertRegex(text, r"ambiguous +1 ")
        self.assertNotIn("--idempotency-key has", text)
        text = self.summary([{"id": 1, "data": "x"}], "--idempotency-key", "--tries=1")
        self.assertNotIn("--at-least-once", text)
        self.server_of = self.server(answering(lambda r: response(*self.answer(r.body.decode()))))
        for status, words in ((301, "followed with -L"), (308, "where they lead"),
                              (405, "-X METHOD"), (409, "--ok-status 2xx,409"),
                              (415, "Content-Type")):
            self.assertRegex(self.summary(["%d x" % status]), "perhaps +.*" + words)

    def test_no_secret_is_reported(self):
        """What a platform says back, and the commands to type next."""
        self.file("headers", b"X-Auth: geheim-1234")
        text = self.summary(["500 you sent geheim-1234"], "-H", "@" + self.path("headers"),
                            "--failed", self.path("failed"), "--url",
                            self.server_of.url + "/?api_key=verborgen")
        self.assertNotIn("geheim", text)
        self.assertNotIn("verborgen", text)
        self.assertIn("status 500: you sent ***\n", text)
        self.assertIn("/?api_key='\"${SECRET_1:?", text)

    def test_what_cannot_be_read_once_more_is_not_to_be_looked_at(self):
        for out in ("/dev/null", "/dev/stdout", "-"):
            with self.subTest(out=out):
                self.out = out
                text = self.summary(["404 gone"])
                self.assertIn("status 404: gone", text)
                self.assertNotIn("see one", text)

    def test_many_causes_are_bounded(self):
        text = self.summary(["%d x" % status for status in range(400, 500)])
        self.assertIn("status 400: x", text)
        self.assertIn("        92  of other causes", text)
        self.assertLess(len(text.splitlines()), 40)

    def test_a_run_without_failures_tells_of_none(self):
        text = self.summary(["200 x"], status=OK)
        self.assertNotIn("failed", text)
        self.assertNotIn("see one", text)


class Reasons(Case):
    """--failed-with-reason: the Nth line is about the Nth record, which stays as it was."""

    def setUp(self):
        super().setUp()
        self.good = False
        self.platform = self.server(answering(lambda r: response(
            b"no: " + r.body, status="500 No" if b"bad" in r.body and not self.good else "200 OK")))

    def send(self, *args):
        return self.run_ringsend("send", "--tries=1", "-c2", "-o", "out", "--failed", "bad",
                                 "--failed-with-reason", "--url", self.platform.url, *args,
                                 cwd=self.dir)

    def assert_beside_each_other(self):
        failed, reasons = self.read("bad").splitlines(), json_lines(self.read("bad.reasons"))
        self.assertEqual([json_line(line.decode())["id"] for line in failed],
                         [reason["id"] for reason in reasons])
        results = {r["id"]: r for r in json_lines(self.read("out"))}
        for reason in reasons:
            self.assertEqual(reason, results[reason["id"]])
            self.assertFalse(reason["ok"])
        return len(reasons)

    def records(self, count):
        return self.file("in", [{"id": n, "data": "bad %d" % n if n % 3 else "fine"}
                                for n in range(count)])

    def test_they_stand_beside_each_other(self):
        for options in ([], ["--ordered", "--force"], ["--no-journal", "--force"],
                        ["--body", "none", "--headers", "--force"]):
            run = self.send(*options, self.records(30))
            self.assertEqual(run.status, NOT_ALL_OK, run.err)
            self.assertEqual(self.assert_beside_each_other(), 20)
        hint = run.err.partition("to send the failed ones again:\n")[2].splitlines()[0]
        self.good = True
        again = self.run_ringsend(*shlex.split(hint)[1:], cwd=self.dir)
        self.assertEqual(again.status, OK, again.err)
        self.assertEqual(self.read("again-bad.reasons"), b"")

    def test_what_was_too_long_has_no_line_in_either(self):
        path = self.file("in", [b'{"id": 1, "data": "bad"}', b'"%s"' % (b"x" * (17 << 20)),
                                b'{"id": 2, "data": "bad"}'])
        self.assertEqual(self.send(path).status, NOT_ALL_OK)
        self.assertEqual(self.assert_beside_each_other(), 2)

    def test_a_run_that_goes_on_writes_them_anew(self):
        path = self.records(300)
        run = self.send("--max-failures", "10", path)
        self.assertEqual(run.status, STOPPED, run.err)
        self.assertGreaterEqual(self.assert_beside_each_other(), 10)
        run = self.send("--resume", path)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual(self.assert_beside_each_other(), 200)
        self.assertIn("nothing left to do", self.send("--resume", path).err)
        self.assertEqual(self.assert_beside_each_other(), 200)

    def test_nothing_is_overwritten(self):
        path = self.records(3)
        self.file("bad.reasons", b"mine")
        run = self.send(path)
        self.assertEqual(run.status, USAGE)
        self.assertIn("bad.reasons: exists already", run.err)
        self.assertEqual((self.read("bad.reasons"), sorted(os.listdir(self.dir))),
                         (b"mine", ["bad.reasons", "in"]))
        for args in (["bad.reasons", "--force"], [path, "--force", "-o", "bad.reasons"],
                     [path, "--force", "-o", "/dev/null"], [path, "--csv", "--force"]):
            self.assertEqual(self.send(*args).status, USAGE, args)
        self.assertEqual(self.platform.requests, [])
        os.unlink(self.path("bad.reasons"))
        os.symlink("/dev/full", self.path("bad.reasons"))
        self.assertEqual(self.send(path, "--force").status, USAGE)
        self.assertEqual(self.run_ringsend("send", "--failed-with-reason", "-o", "out", path,
                                           cwd=self.dir).status, USAGE)


if __name__ == "__main__":
    main()
