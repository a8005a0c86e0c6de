"""`ringsend serve --tls`."""

import shutil
import socket
import ssl
import subprocess
import tempfile
import time

from harness import Authority, BOUND_S, OK, USAGE, filler, main
from serving import ServeCase

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
GET_LAST = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


class Tls(ServeCase):
    @classmethod
    def setUpClass(cls):
        cls.authority_dir = tempfile.mkdtemp(prefix="ringsend-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.authority_dir, ignore_errors=True)
        cls.authority = Authority(cls.authority_dir)
        cls.certificate = cls.authority.certificate()
        cls.context = ssl.create_default_context(cafile=cls.authority.pem)
        # Some releases of Python take an end without farewell for one with it.
        cls.context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)

    def serve_tls(self, *options):
        return self.serve("--tls", "--cert", self.certificate.chain, "--key", self.certificate.key,
                          *options)

    def tcp(self, serve):
        sock = socket.create_connection(("127.0.0.1", serve.port), BOUND_S)
        self.addCleanup(sock.close)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def tls(self, serve, session=None):
        """A connection on which an end without farewell is an error."""
        sock = self.context.wrap_socket(self.tcp(serve), server_hostname="localhost",
                                        suppress_ragged_eofs=False, session=session)
        self.addCleanup(sock.close)
        return sock

    def rest(self, sock):
        """All that comes until the server's farewell."""
        got = b""
        while True:
            more = sock.recv(1 << 16)
            if not more:
                return got
            got += more

    def ask(self, sock, request=GET):
        sock.sendall(request)
        self.assertTrue(sock.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n"))

    def handshakes(self, serve):
        stats = serve.stats()
        return tuple(stats["handshakes_" + how] for how in ("full", "resumed", "failed"))

    def test_the_first_handshake_is_full_and_later_ones_resume(self):
        serve = self.serve_tls()
        self.assertTrue(serve.url.startswith("https://127.0.0.1:"), serve.url)
        first = self.tls(serve)
        self.ask(first)
        for number in range(3):
            sock = self.tls(serve, first.session)
            self.assertTrue(sock.session_reused)
            self.ask(sock)
            self.assertEqual(self.handshakes(serve), (1, number + 1, 0))
        run = serve.stop()
        self.assertIn("TLS handshakes: 1 full, 3 resumed, 0 failed\n", run.err)

    def test_a_report_without_tls_is_silent_about_it(self):
        self.assertNotIn("TLS", self.serve().stop().err)

    def test_curl_verifies_it_and_refuses_it_without_the_authority(self):
        serve = self.serve_tls("--echo")
        for host in ("localhost", "127.0.0.1"):
            done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", self.authority.pem,
                                   "-d", "hello", "https://%s:%d/" % (host, serve.port)],
                                  capture_output=True, timeout=BOUND_S, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, b"hello"), done.stderr)
        done = subprocess.run(
            ["curl", "-s", "--noproxy", "*",
             "https://127.0.0.1:%d/" % serve.port], capture_output=True, timeout=BOUND_S,
            check=False)
        self.assertEqual(done.returncode, 60)
        self.wait_for_stats(serve, lambda stats: stats["handshakes_failed"] == 1)

    def split(self, serve, pieces):
        """A whole exchange, what the client says cut into pieces(bytes)."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        sock = self.tcp(serve)

        def until_done(call):
            while True:
                try:
                    result = call()
                except ssl.SSLWantReadError:
                    result = None
                for piece in pieces(outgoing.read()):
                    sock.sendall(piece)
                if result is not None:
                    return result
                incoming.write(sock.recv(1 << 16))
        until_done(lambda: tls.do_handshake() or True)
        until_done(lambda: tls.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"))
        got = b""
        while not got.endswith(b"\r\n\r\nabc"):
            got += until_done(lambda: tls.read(4096))
        self.assertTrue(got.startswith(b"HTTP/1.1 200 OK\r\n"), got)

    def test_records_that_come_byte_by_byte(self):
        self.split(self.serve_tls("--echo"), lambda data: [data[n:n + 1] for n in range(len(data))])

    def test_records_cut_everywhere_in_two(self):
        serve = self.serve_tls("--echo")
        for at in (1, 4, 5, 6, 50, 120):
            self.split(serve, lambda data, at=at: [data[:at], data[at:]] if data[at:] else [data])

    def test_ten_megabytes_there_and_back(self):
        body = bytes(range(251)) * (10_000_000 // 251)
        serve = self.serve_tls("--echo")
        for _ in range(2):
            self.assertEqual(self.exchange(serve, "POST", body=body)[1], body)

    def test_a_connection_is_kept(self):
        serve = self.serve_tls()
        sock = self.tls(serve)
        for _ in range(5):
            self.ask(sock)
        self.assertEqual(self.handshakes(serve), (1, 0, 0))
        self.assertEqual(serve.stats()["requests"], 5)

    def test_more_pipelined_requests_than_it_keeps(self):
        serve = self.serve_tls("--latency", "1ms", "--log", self.path("log"))
        sock = self.tls(serve)
        sock.sendall(b"".join(
            b"POST / HTTP/1.1\r\nHost: h\r\n%sX-Record-Id: %d\r\nContent-Length: 4000\r\n\r\n" % (
                b"Connection: close\r\n" if n == 99 else b"", n) + b"x" * 4000
            for n in range(100)))
        self.assertEqual(self.rest(sock).count(b"HTTP/1.1 200 OK\r\n"), 100)
        serve.stop()
        self.assertEqual([line[3] for line in self.log()], [str(n) for n in range(100)])

    def test_head_has_no_body(self):
        sock = self.tls(self.serve_tls("--body", "text"))
        sock.sendall(GET_LAST.replace(b"GET", b"HEAD"))
        got = self.rest(sock)
        self.assertTrue(b"Content-Length: 4\r\n" in got and got.endswith(b"\r\n\r\n"), got)

    def test_expect_100_continue_is_answered_before_the_body_comes(self):
        sock = self.tls(self.serve_tls("--echo"))
        sock.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                     b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        self.assertEqual(sock.recv(4096), b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(b"ok")
        got = self.rest(sock)
        self.assertTrue(got.startswith(b"HTTP/1.1 200 ") and got.endswith(b"\r\n\r\nok"), got)

    def test_faults(self):
        sock = self.tls(self.serve_tls("--reset", "100%"))
        sock.sendall(GET)
        self.assertRaises(ConnectionResetError, socket.socket.recv, sock, 1)
        sock = self.tls(self.serve_tls("--close", "100%"))
        sock.sendall(GET)
        self.assertEqual(self.rest(sock), b"")
        serve = self.serve_tls("--stall", "100%")
        sock = self.tls(serve)
        sock.sendall(GET)
        self.wait_for_stats(serve, lambda stats: stats["stalls"] == 1)
        sock.setblocking(False)
        self.assertRaises(ssl.SSLWantReadError, sock.recv, 1)

    def test_latency_and_a_status(self):
        sock = self.tls(self.serve_tls("--latency", "20ms", "--status", "404:100%"))
        before = time.monotonic()
        sock.sendall(GET_LAST)
        self.assertTrue(self.rest(sock).startswith(b"HTTP/1.1 404 "))
        self.assertGreaterEqual(time.monotonic() - before, 0.02)

    def test_every_record_arrives_in_the_end_whatever_the_faults(self):
        serve = self.serve_tls("--seed", "5", "--status", "503:10%", "--reset", "10%", "--close",
                               "10%", "--retry-after", "0s", "--keep-alive-requests", "20")
        run = self.send("--url", serve.url, "--cacert", self.authority.pem, "--tries", "50",
                        expect=OK, records=[{"id": n, "method": "GET"} for n in range(300)])
        self.assertEqual(sorted(r["id"] for r in run.results), list(range(300)))
        full, resumed, failed = self.handshakes(serve)
        self.assertTrue(full > 0 and resumed > 0 and failed == 0, (full, resumed, failed))

    def test_it_says_farewell_before_it_closes(self):
        sock = self.tls(self.serve_tls())
        sock.sendall(GET_LAST)
        self.assertTrue(self.rest(sock).startswith(b"HTTP/1.1 200 "))
        sock = self.tls(self.serve_tls("--keep-alive-timeout", "50ms"))
        self.assertEqual(self.rest(sock), b"")

    def test_a_client_that_half_closes_is_answered(self):
        sock = self.tls(self.serve_tls("--latency", "20ms"))
        sock.sendall(GET)
        socket.socket.shutdown(sock, socket.SHUT_WR)  # TCP's end alone, without a farewell
        self.assertTrue(self.rest(sock).startswith(b"HTTP/1.1 200 "))

    def test_a_client_that_says_farewell_is_let_go(self):
        sock = self.tls(self.serve_tls())
        self.ask(sock)
        with sock.unwrap() as tcp:  # which waits for the answer to its farewell
            self.assertEqual(tcp.recv(1), b"")

    def test_a_client_that_says_farewell_before_its_answer_is_gone(self):
        serve = self.serve_tls("--log", self.path("log"))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        sock = self.tcp(serve)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(1 << 16))
        sock.sendall(outgoing.read())
        tls.write(GET)
        self.assertRaises(ssl.SSLWantReadError, tls.unwrap)
        sock.sendall(outgoing.read())  # the request and the farewell in one segment
        while True:
            data = sock.recv(1 << 16)
            if not data:
                break
            incoming.write(data)
        tls.unwrap()  # it said farewell too
        self.wait_for_stats(serve, lambda stats: stats["gone"] == 1)
        serve.stop()
        self.assertEqual([line[4] for line in self.log()], ["gone"])

    def test_what_is_not_tls_does_no_harm(self):
        serve = self.serve_tls()
        record = b"\x16\x03\x03"
        bad = [GET, b"\0" * 1000, record + b"\xff\xff" + b"x" * 70000,
               record + b"\0\x04\x01\0\0\0", record + b"\0\x10" + b"\xff" * 16]
        for data in bad:
            self.assertNotIn(b"HTTP", self.raw(serve, data))
        self.wait_for_stats(serve, lambda stats: stats["handshakes_failed"] == len(bad))
        self.ask(self.tls(serve))
        self.assertEqual(serve.stats()["requests"], 1)

    def test_a_record_that_was_changed_ends_its_connection_alone(self):
        serve = self.serve_tls()
        other = self.tls(serve)
        sock = self.tls(serve)
        self.ask(sock)
        socket.socket.send(sock, b"\x17\x03\x03\0\x20" + b"x" * 32)
        self.assertRaises((ssl.SSLError, ConnectionResetError), sock.recv, 1)
        self.ask(other)
        self.assertEqual(self.handshakes(serve), (2, 0, 0))

    def test_a_handshake_that_its_client_gave_up_has_failed(self):
        serve = self.serve_tls()
        self.tcp(serve).close()  # not even begun
        sock = self.tcp(serve)
        sock.sendall(b"\x16\x03\x03")
        sock.close()
        self.wait_for_stats(serve, lambda stats: stats["connections"] == 2)
        self.wait_for_stats(serve, lambda stats: stats["handshakes_failed"] == 1)

    def test_a_connection_too_many_is_refused_before_its_handshake(self):
        serve = self.serve_tls("--max-connections", "1", "--over", "refuse")
        held = self.tls(serve)
        self.ask(held)
        self.assertRaises((ssl.SSLError, OSError), self.tls, serve)
        held.close()
        self.wait_for_stats(serve, lambda stats: stats["refused"] >= 1)
        self.assertEqual(self.handshakes(serve)[2], 0)

    def test_a_large_answer(self):
        for count in (1 << 20, 5000001):
            serve = self.serve_tls("--body-bytes", str(count), "--keep-alive-requests", "2")
            sock = self.tls(serve)
            sock.sendall(GET * 2)
            head, _, rest = self.rest(sock).partition(b"\r\n\r\n")
            self.assertIn(b"Content-Length: %d\r\n" % count, head)
            self.assertTrue(rest[:count] == filler(count) == rest[-count:])

    def test_a_client_that_takes_nothing_does_not_stop_the_end(self):
        serve = self.serve_tls("--body-bytes", "16M")
        sock = self.tls(serve)
        sock.sendall(GET)
        self.assertTrue(sock.recv(1))
        run = serve.stop()
        self.assertEqual(run.status, OK, run.err)

    def test_wrong_usage(self):
        cert, key = self.certificate
        for options, words in ((["--tls"], "--cert"), (["--cert", cert], "--tls"),
                               (["--key", key], "--tls"),
                               (["--tls", "--cert", cert], "private key"),
                               (["--tls", "--cert", self.path("none")], "No such file"),
                               (["--tls", "--cert", key, "--key", key], "no certificate")):
            run = self.run_ringsend("serve", "-p", "0", *options)
            self.assertEqual((run.status, run.out), (USAGE, b""), run.err)
            self.assertIn(words, run.err)

    def test_chain_and_key_in_one_file(self):
        with open(self.path("both"), "wb") as both:
            for name in self.certificate:
                with open(name, "rb") as part:
                    both.write(part.read())
        self.ask(self.tls(self.serve("--tls", "--cert", self.path("both"))))


if __name__ == "__main__":
    main()
