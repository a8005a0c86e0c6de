"""What the options say that say how requests are sent holds for every command that sends some:
bench and probe take them as send does (which the other tests are about), and check reads them as
send would."""

import socket

from certificates import Authority
from harness import Case, NOT_ALL_OK, OK, USAGE, answering, header, main, response

BARE = b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"  # lines that end with LF alone


class RequestOptions(Case):
    def setUp(self):
        super().setUp()
        self.plain = self.server(answering(lambda request: response(b'{"code":1}')))

    def bench(self, *args, expect):
        run = self.run_ringsend("bench", "-n", "2", "-c", "1", *args)
        self.assertEqual(run.status, expect, run.err + run.out.decode())
        return run

    def probe(self, *args, expect):
        run = self.run_ringsend("probe", "-q", "-c", "1", "--step", "100ms", *args)
        self.assertEqual(run.status, expect, run.err + run.out.decode())
        return run

    def both(self, *args, expect):
        self.bench(*args, expect=expect)
        self.probe(*args, expect=expect)

    def test_heads_with_bare_lf(self):
        bare = self.server(answering(lambda request: BARE))
        self.both(bare.url, expect=OK)
        self.both("--strict-http", bare.url, expect=NOT_ALL_OK)

    def test_curls_names(self):
        records = self.file("x.csv", b"a\n1\n")
        for command, *options in (("bench", "-n1", "-c1"), ("probe", "-q", "-c1", "--step=100ms")):
            self.plain.requests.clear()
            run = self.run_ringsend(command, *options, "-A", "me/1", "-d", "@" + records,
                                    self.plain.url)
            self.assertEqual(run.status, OK, run.err)
            request = self.plain.requests[0]
            self.assertEqual((request.method, request.body), ("POST", b"a\n1\n"))
            self.assertEqual(header(request, "user-agent"), ["me/1"])
        self.plain.requests.clear()
        run = self.run_ringsend("send", "--url", self.plain.url, "-A", "me/1", "-d", "{{a}}",
                                records)
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(header(self.plain.requests[0], "user-agent"), ["me/1"])
        self.assertEqual(self.plain.requests[0].body, b"1")
        for command in ("send", "check", "bench", "probe"):
            run = self.run_ringsend(command, "--url", self.plain.url, "-A", "x", "-H",
                                    "user-agent: y", records)
            self.assertEqual(run.status, USAGE)
            self.assertIn("--user-agent says what a User-Agent of --header does", run.err)

    def test_a_duration_is_no_body(self):
        """-d of other programs that measure."""
        for text in ("30s", "10", "1.5m"):
            run = self.run_ringsend("bench", "-d", text, self.plain.url)
            self.assertEqual(run.status, USAGE)
            self.assertIn("-z %s is how long" % text, run.err)
        self.bench("--data", "30s", self.plain.url, expect=OK)
        self.assertEqual(self.plain.requests[-1].body, b"30s")

    def test_what_is_ok(self):
        self.both("--ok-if", ".code == 1", self.plain.url, expect=OK)
        self.both("--ok-if", ".code == 0", self.plain.url, expect=NOT_ALL_OK)
        self.both("--retry-if", ".code == 0", self.plain.url, expect=OK)
        self.both("--retry-if", ".code == 1", self.plain.url, expect=NOT_ALL_OK)

    def test_servers_that_are_not_known(self):
        secure = self.tls_server(
            Authority(self.dir).certificate(), answering(lambda request: response(b"{}"))
        )
        self.both(secure.url, expect=NOT_ALL_OK)
        self.both("-k", secure.url, expect=OK)
        self.both("--insecure", secure.url, expect=OK)
        self.both("-k", "--tls-legacy-renegotiation", secure.url, expect=OK)
        for library in ("auto", "bearssl", "openssl"):
            self.both("-k", "--tls", library, secure.url, expect=OK)
        self.both("-k", "--tls-min", "1.3", secure.url, expect=NOT_ALL_OK)

    def test_handshakes_that_never_end(self):
        silent = self.server(lambda peer: peer.hold())
        run = self.bench(
            "--handshake-timeout", "50ms", "https://%s/" % silent.authority, expect=NOT_ALL_OK
        )
        self.assertIn("timeout_handshake", run.out.decode())
        self.probe(
            "--handshake-timeout", "50ms", "https://%s/" % silent.authority, expect=NOT_ALL_OK
        )

    def test_connections_that_never_come(self):
        """Nobody takes them, and the queue for one is full."""
        with socket.socket() as full, socket.socket() as first, socket.socket() as second:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for each in (first, second):
                each.setblocking(False)
                each.connect_ex(full.getsockname())
            url = "http://127.0.0.1:%d/" % full.getsockname()[1]
            run = self.bench("--connect-timeout", "50ms", url, expect=NOT_ALL_OK)
            self.assertIn("timeout_connect", run.out.decode())

    def test_the_seed_of_a_benchmark_is_reported(self):
        run = self.bench(
            "-r",
            "1000",
            "--arrivals",
            "poisson",
            "--seed",
            "7",
            "--json",
            self.path("report"),
            self.plain.url,
            expect=OK,
        )
        self.assertIn('"seed":7', self.read("report").decode().replace(" ", ""), run.err)

    def test_check_takes_what_send_takes(self):
        """And refuses it as send does."""
        records = self.file("in", [{"url": "http://h/", "data": "x"}])
        for options in (
            ["--strict-http"],
            ["--at-least-once"],
            ["--handshake-timeout", "2s"],
            ["-k"],
            ["--insecure"],
            ["--tls-legacy-renegotiation"],
            ["--cacert", self.path("none.pem")],
            ["--ok-if", ".code == 0"],
            ["--retry-if", "status == 503"],
        ):
            self.assertEqual(self.run_ringsend("check", *options, records).status, OK)
        for options in (
            ["--handshake-timeout", "2"],
            ["--ok-if", ".code =="],
            ["--retry-if", "("],
            ["--cacert", ""],
        ):
            status = self.run_ringsend("check", *options, records).status
            self.assertEqual(status, OK if options[1] == "2" else USAGE)
            self.assertEqual(
                self.run_ringsend("send", "--dry-run", *options, records).status, status
            )


if __name__ == "__main__":
    main()
