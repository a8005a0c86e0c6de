"""https with real servers: nginx, and openssl s_server; whom they accept, what they resume, what
they refuse."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import unittest

from harness import BOUND_S, NOT_ALL_OK, OK, main
from test_tls import HELLO, MIB, Tls, setUpModule  # setUpModule: makes Tls's authority here, too


def only_1_3(context):
    context.maximum_version = context.minimum_version = ssl.TLSVersion.TLSv1_3


class Nginx(Tls):
    def deliver(self, nginx, count=200, connections=40, expect=OK):
        """Sends, and holds the summary's figures to those of the server's log."""
        records = [{"id": n, "url": nginx.url + "n/%d" % n, "headers": {"X-Id": str(n)},
                    "data": {"n": n}} for n in range(count)]
        run = self.send("-c", str(connections), *self.trust(), records=records, expect=expect)
        self.assertEqual(sorted(r["id"] for r in run.results), list(range(count)))
        log = nginx.deliveries()
        self.assertEqual(sorted(int(line[2]) for line in log), list(range(count)))
        resumed = {line[5]: line[6] == "r" for line in log}
        full, again, opened = self.handshakes(run)
        self.assertLessEqual(opened, full + again)
        # A connection that found no more work has left no line.
        self.assertLessEqual(sum(resumed.values()), again)
        self.assertLessEqual(len(resumed) - sum(resumed.values()), full)
        return full, again, opened

    def test_with_a_session_cache_one_handshake_is_full(self):
        full, resumed, opened = self.deliver(self.tls_nginx(
            "ssl_protocols TLSv1.2;", "ssl_session_cache shared:test:1m;"))
        self.assertEqual((full, full + resumed), (1, opened))
        self.assertGreater(opened, 1)

    def test_connections_that_follow_are_resumed_too(self):
        full, resumed, opened = self.deliver(self.tls_nginx(
            "ssl_protocols TLSv1.2;", "ssl_session_cache shared:test:1m;", keepalive_requests=3))
        self.assertEqual(full, 1)
        self.assertGreaterEqual(resumed, 200 / 3 - 1)

    def test_without_a_session_cache_all_are_full(self):
        for lines in (("ssl_protocols TLSv1.2;",),  # names sessions, and forgets them
                      ("ssl_protocols TLSv1.2;", "ssl_session_cache off;"),
                      ("ssl_session_tickets off;", "ssl_session_cache none;")):
            with self.subTest(lines=lines):
                shutil.rmtree(self.path("nginx"), ignore_errors=True)
                full, resumed, opened = self.deliver(self.tls_nginx(*lines))
                self.assertEqual((full, resumed), (opened, 0))

    def test_rsa(self):
        nginx = self.tls_nginx("ssl_protocols TLSv1.2 TLSv1.3;",
                               "ssl_session_cache shared:test:1m;",
                               certificate=self.ca.certificate(key=self.rsa_key))
        self.assertEqual(self.deliver(nginx)[0], 1)

    def test_tls_1_3_only(self):
        nginx = self.tls_nginx("ssl_protocols TLSv1.3;")
        run = self.send(*self.trust(), "--tls", "bearssl", records=[{"url": nginx.url}],
                        expect=NOT_ALL_OK)
        self.assert_error(run.results[0], "tls_version", "1.2 by BearSSL", "1.3 by OpenSSL")
        self.assertEqual(run.results[0]["attempts"], 1)
        self.assertIn("tls_version", run.err)
        # Left to itself it asks again by the other library: no try, and one connection more.
        run = self.send(*self.trust(), "-c", "1", records=[{"url": nginx.url}] * 20, expect=OK)
        self.assertEqual({result["attempts"] for result in run.results}, {1})
        self.assertEqual(self.handshakes(run), (1, 0, 2))
        self.assertRegex(run.err, r"127.0.0.1:\d+: TLS 1.3 by OpenSSL, after it had refused")
        for options in (("--tls", "openssl"), ("--tls-min", "1.3")):
            run = self.send(*self.trust(), *options, "-c", "1", records=[{"url": nginx.url}] * 20,
                            expect=OK)
            self.assertEqual(self.handshakes(run), (1, 0, 1))

    def test_that_an_origin_moves_is_told_once(self):
        nginx = self.tls_nginx("ssl_protocols TLSv1.3;")
        other = self.tls_server(self.good, HELLO, only_1_3)
        moves = r"127.0.0.1:(\d+) is spoken to by OpenSSL from now on: it has refused"
        records = [{"url": url} for url in (nginx.url, other.url) * 20]
        run = self.send(*self.trust(), "-t", "2", "-c", "8", records=records, expect=OK)
        self.assertCountEqual(re.findall(moves, run.err),
                              [re.search(r":(\d+)", url)[1] for url in (nginx.url, other.url)])
        run = self.send(*self.trust(), "-q", records=records, expect=OK)
        self.assertEqual(run.err, "")
        for options in ((), ("--repeat", "2")):
            run = self.run_ringsend("bench", *self.trust(), "-t", "2", "-c", "4", "-n", "40",
                                    "--json", self.path("json"), "--force", *options, nginx.url)
            self.assertEqual((run.status, len(re.findall(moves, run.err))), (OK, 1), run.err)
            words = "%s: TLS 1.3 by OpenSSL" % re.search(r"127\S+:\d+", nginx.url)[0]
            self.assertIn("  tls         " + words, run.out.decode())
            told = json.loads(self.read("json"))["environment"]["tls"]
            self.assertEqual((len(told), told[0].startswith(words)), (1, True), told)
        run = self.run_ringsend("bench", *self.trust(), "-q", "-n", "9", nginx.url)
        self.assertEqual((run.status, run.err), (OK, ""))

    def test_tls_1_3_is_demanded(self):
        nginx = self.tls_nginx("ssl_protocols TLSv1.2;")
        run = self.send(*self.trust(), "--tls-min", "1.3", records=[{"url": nginx.url}],
                        expect=NOT_ALL_OK)
        self.assert_error(run.results[0], "tls_version")

    def test_tickets(self):
        # As it comes it names sessions and takes up none: three full handshakes, then OpenSSL's
        # first, and tickets.
        nginx = self.tls_nginx("keepalive_requests 1;")
        run = self.send(*self.trust(), "-c", "1", records=[{"url": nginx.url}] * 20, expect=OK)
        self.assertEqual(self.handshakes(run), (5, 15, 20))
        self.assertIn("TLS 1.2 by OpenSSL, whose tickets it takes up", run.err)

    def test_plain_http_to_an_https_port(self):
        nginx = self.tls_nginx()
        result = self.get(nginx.url.replace("https:", "http:"))
        self.assertEqual((result["ok"], result["status"]), (False, 400), result)
        self.assertIn("plain HTTP request was sent to HTTPS port", result["body"])

    def test_a_file_of_5_mb(self):
        nginx = self.tls_nginx()
        body = "".join("%07d\n" % n for n in range(5 * MIB // 8))
        nginx.file("large", body.encode())
        self.assert_ok(self.get(nginx.url + "file/large"), body)


class OpensslServer(Tls):
    """openssl s_server, which answers GET with a page about the connection."""

    def s_server(self, *options, certificate=None):
        certificate = certificate or self.good
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        process = subprocess.Popen(
            [shutil.which("openssl"), "s_server", "-accept", "127.0.0.1:%d" % port, "-cert",
             certificate.chain, "-key", certificate.key, *(options or ("-www",))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        bound = threading.Timer(BOUND_S, process.kill)
        bound.start()
        for line in process.stdout:
            if line.startswith(b"ACCEPT"):
                break
        else:
            self.fail("openssl s_server did not start")
        bound.cancel()
        # Nobody reads on: what it prints must not fill the pipe.
        threading.Thread(target=self.drain, args=(process.stdout, process.stdin),
                         daemon=True).start()
        return "https://127.0.0.1:%d/" % port

    @staticmethod
    def drain(pipe, keyboard=None):
        """Without -www, a request for /again is answered by wanting another handshake."""
        try:
            while text := pipe.read1(1 << 16):
                if keyboard and b"GET /again" in text:
                    keyboard.write(b"R\n")
                    keyboard.flush()
        except ValueError:
            pass  # closed by the end of the test

    def test_what_it_says_about_the_connection(self):
        for options, words in (
                ((), "ECDHE-ECDSA-AES128-GCM-SHA256"),
                (("-tls1_2", "-no_ticket"), "TLSv1.2"),
                (("-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"), "ECDHE-ECDSA-CHACHA20-POLY1305"),
                (("-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"), "ECDHE-ECDSA-AES256-GCM-SHA384"),
                (("-curves", "X25519"), "TLSv1.2"), (("-curves", "P-521"), "TLSv1.2"),
                (("-alpn", "http/1.1"), "http/1.1")):
            with self.subTest(options=options):
                result = self.get(self.s_server("-www", *options))
                self.assert_ok(result)
                self.assertIn(words, result["body"])

    def test_rsa(self):
        url = self.s_server("-www", certificate=self.ca.certificate(key=self.rsa_key))
        self.assertIn("ECDHE-RSA-AES128-GCM-SHA256", self.get(url)["body"])

    def test_what_has_nothing_in_common_with_us_says_what_to_do(self):
        for options, error, words in (
                (("-tls1_2", "-cipher", "AES128-SHA"), "tls_refused", "ECDHE and AES-GCM"),
                (("-tls1_2", "-cipher", "AES128-SHA"), "tls_refused",
                 "CBC only, demands extended master"),
                (("-curves", "X448"), "tls_refused", "nothing in common"),
                (("-Verify", "1", "-verify_return_error"), "tls_client_certificate", "key")):
            with self.subTest(options=options):
                self.assert_error(self.get(self.s_server("-www", *options)), error, words)

    def test_another_handshake_is_declined_at_once(self):
        """It waits for the answer, and then gives the connection up."""
        url = self.s_server("-tls1_2") + "again"
        result = self.get(url, "--first-byte-timeout", "20s")
        self.assertIn(result["error"], ("tls_alert", "closed_no_response"), result)
        self.assertIn("renegotiation", result["detail"])
        self.assertIn("client certificate", result["detail"])

    def test_tls_1_1_only(self):
        # BearSSL's ClientHello does not tell the lowest version: the server goes on, and misses a
        # cipher. OpenSSL's does.
        url = self.s_server("-www", "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
        self.assert_error(self.get(url), "tls_version", "1.2 by BearSSL")

    def test_many_records_one_full_handshake(self):
        url = self.s_server("-www", "-no_ticket")
        run = self.send("-c", "4", *self.trust(), records=[{"url": url}] * 20, expect=OK)
        self.assertEqual(self.handshakes(run), (1, 19, 20))  # it closes after each answer


class GnutlsServer(Tls):
    """gnutls-serv, which can be as old as no other server in Debian."""

    def gnutls_serv(self, priority):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        process = subprocess.Popen(
            [shutil.which("gnutls-serv"), "--http", "--port", str(port), "--priority", priority,
             "--x509certfile", self.good.chain, "--x509keyfile", self.good.key],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        bound = threading.Timer(BOUND_S, process.kill)
        bound.start()
        for line in process.stdout:
            if b"listening on" in line and b"done" in line:
                break
        else:
            self.fail("gnutls-serv did not start")
        bound.cancel()
        threading.Thread(target=OpensslServer.drain, args=(process.stdout,), daemon=True).start()
        return "https://127.0.0.1:%d/" % port

    @unittest.skipUnless(shutil.which("gnutls-serv"), "no gnutls-serv")
    def test_a_server_without_secure_renegotiation_is_taken_on_demand_only(self):
        url = self.gnutls_serv("NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION")
        run = self.send("--tries", "1", *self.trust(), records=[{"url": url}], expect=NOT_ALL_OK)
        self.assert_error(run.results[0], "tls_renegotiation", "RFC 5746", "updated")
        self.assertIn("--tls-legacy-renegotiation", run.err)
        self.assert_ok(self.get(url, "--tls-legacy-renegotiation"))


if __name__ == "__main__":
    main()
