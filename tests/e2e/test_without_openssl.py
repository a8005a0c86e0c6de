"""A build with -Dopenssl=disabled: the program linked anew with tls/openssl/absent.c in place of
all that is OpenSSL's."""

from certificates import Authority
from harness import NOT_ALL_OK, OK, USAGE, Case, answering, main, response
from test_tls_servers import only_1_3

WHY = "this build of ringsend has no OpenSSL (-Dopenssl=disabled)"
HELLO = answering(lambda request: response(b"hello"))


class WithoutOpenssl(Case):
    def test_it_says_so(self):
        run = self.run_ringsend("--version")
        self.assertEqual(run.status, OK)
        self.assertIn("TLS by BearSSL; no OpenSSL: " + WHY, run.out.decode())
        self.assertIn(WHY, " ".join(self.run_ringsend("doctor").out.decode().split()))

    def test_who_wants_it_is_told_at_once(self):
        for command in (("send", self.file("in", [])), ("bench", "https://127.0.0.1:1/"),
                        ("probe", "https://127.0.0.1:1/")):
            for options in (("--tls", "openssl"), ("--tls-min", "1.3")):
                run = self.run_ringsend(command[0], *options, *command[1:])
                self.assertEqual(run.status, USAGE, run.err)
                self.assertIn(WHY, run.err)

    def test_servers_of_1_2_alone(self):
        authority = Authority(self.dir)
        good = authority.certificate()
        server = self.tls_server(good, HELLO)
        self.send("--cacert", authority.pem, records=[{"url": server.url}] * 3, expect=OK)
        server = self.tls_server(good, HELLO, only_1_3)
        run = self.send("--cacert", authority.pem, records=[{"url": server.url}],
                        expect=NOT_ALL_OK)
        self.assert_error(run.results[0], "tls_version", "1.2 by BearSSL")
        self.assertEqual((run.results[0]["attempts"], server.connections), (1, 1))
        self.assertNotIn("from now on", run.err)


if __name__ == "__main__":
    main()
