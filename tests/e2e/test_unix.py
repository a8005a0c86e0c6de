"""Unix sockets: requests go to one whatever their URLs' hosts are, by its path or its name in the
abstract namespace; what fails there says so in words of its own, and a full queue is waited for."""

import os
import socket
import subprocess
import threading

from certificates import Authority
from harness import (
    NOT_ALL_OK,
    NOT_STARTED,
    OK,
    RINGSEND,
    USAGE,
    Case,
    Program,
    answering,
    header,
    main,
    over_tls,
    response,
)

ANSWER = answering(lambda request: response(request.body))


class Unix(Case):
    def socket_path(self):
        return self.path("server.sock")

    def abstract(self):
        return os.path.basename(self.dir)

    def test_host_is_the_urls_and_no_name_is_looked_up(self):
        server = self.server(ANSWER, self.socket_path())
        for io in ("auto", "epoll"):
            result = self.send_one({"url": "http://no.such.name:81/a?b", "data": "x"}, "--io", io,
                                   "--unix-socket", self.socket_path())
            self.assert_ok(result, "x")
        self.assertEqual([header(r, "host") for r in server.requests], [["no.such.name:81"]] * 2)

    def test_an_abstract_one(self):
        self.server(ANSWER, "\0" + self.abstract())
        self.assert_ok(self.send_one({"url": "http://a/", "data": "x"}, "--abstract-unix-socket",
                                     self.abstract()), "x")

    def test_https_is_verified_by_the_urls_name(self):
        authority = Authority(self.dir)
        certificate = authority.certificate("DNS:unix.test")
        self.server(over_tls(certificate, ANSWER), self.socket_path())
        way = ["--unix-socket", self.socket_path(), "--cacert", authority.pem]
        self.assert_ok(self.send_one({"url": "https://unix.test/"}, *way))
        self.assert_error(self.send_one({"url": "https://other.test/"}, *way), "tls_wrong_host")

    def test_large_bodies_and_ends_of_streams(self):
        body = b"x" * 3_000_000

        def until_the_end(peer):
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)
            peer.end()
        self.server(until_the_end, self.socket_path())
        run = self.send("--unix-socket", self.socket_path(), "--url", "http://a/", "-c", "4",
                        records=[{"data": "y" * 500_000}] * 20, expect=OK)
        self.assertEqual({len(r["body"]) for r in run.results}, {len(body)})

    def test_what_fails_has_its_own_words(self):
        way = ["--tries", "1", "--unix-socket"]
        self.assert_error(self.send_one({"url": "http://a/"}, *way, self.path("none")),
                          "connect_refused", "is its server running")
        server = self.server(ANSWER, self.socket_path())
        server.close()
        self.assert_error(self.send_one({"url": "http://a/"}, *way, self.socket_path()),
                          "connect_refused", "nobody listens")
        datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(datagrams.close)
        datagrams.bind(self.path("datagrams"))
        self.assert_error(self.send_one({"url": "http://a/"}, *way, self.path("datagrams")),
                          "connect_failed", "another kind")

    def test_a_path_that_is_too_long_is_a_usage_error_with_its_cure(self):
        run = self.run_ringsend("send", "--unix-socket", "/tmp/" + "x" * 103, self.file("r", []))
        self.assertEqual(run.status, USAGE)
        self.assertIn("108 bytes long, and the kernel takes 107", run.err)
        self.assertIn("symbolic link", run.err)
        run = self.run_ringsend("send", "--unix-socket", "/a", "--abstract-unix-socket", "a",
                                self.file("r", []))
        self.assertEqual(run.status, USAGE)

    def test_a_full_queue_is_waited_for_and_uses_up_no_try(self):
        """The listener takes nobody until its queue has been full for a while."""
        for io in ("auto", "epoll"):
            listener = socket.socket(socket.AF_UNIX)
            self.addCleanup(listener.close)
            path = self.path("full." + io)
            listener.bind(path)
            listener.listen(0)
            program = self.start("send", "-v", "--unix-socket", path, "--io", io, "--url",
                                 "http://a/", "-X", "POST", "--tries", "1", "-c", "8",
                                 "--connect-timeout", "300ms", "-o", self.path(io),
                                 self.file("r", [{"data": "x"}] * 8))
            first, _ = listener.accept()  # the queue behind it is full by then, or soon

            def serve(sock):
                with sock:
                    while sock.recv(1 << 16):
                        sock.sendall(response(b"ok"))

            def accept():
                while True:
                    try:
                        sock, _ = listener.accept()
                    except OSError:
                        return
                    threading.Thread(target=serve, args=(sock,), daemon=True).start()
            threading.Thread(target=serve, args=(first,), daemon=True).start()
            threading.Thread(target=accept, daemon=True).start()
            run = program.finish()
            listener.shutdown(socket.SHUT_RDWR)
            self.assertEqual(run.status, OK, run.err)

    def test_a_queue_that_stays_full_ends_with_the_deadline_and_says_why(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.socket_path())
        listener.listen(0)
        for io in ("auto", "epoll"):
            run = self.send("--unix-socket", self.socket_path(), "--io", io, "--url", "http://a/",
                            "-c", "4", "--deadline", "700ms", "--tries", "1",
                            records=[{"data": "x"}] * 4, expect=NOT_ALL_OK)
            full = [r for r in run.results if "queue" in r["detail"]]
            self.assertGreaterEqual(len(full), 1, run.results)
            self.assertFalse(any("ambiguous" in r for r in full), full)
            self.assertIn("a unix socket's queue", run.err)
            listener.listen(1)  # those of the first run stay in it

    def test_a_listener_may_be_replaced_during_a_run(self):
        """The old one is gone, its connections broken; requests wait for the next one."""
        def once(peer):
            peer.request()
            os.unlink(self.socket_path())
            peer.server.listener.shutdown(socket.SHUT_RDWR)
            peer.send(response(b"old", headers=["Connection: close"]))
        old = self.server(once, self.socket_path())
        program = self.start("send", "--unix-socket", self.socket_path(), "--url",
                             "http://a/", "-c", "1", "-o", self.path("out"), "--retry-delay",
                             "20ms", "--retry-max-delay", "50ms", "--tries", "99",
                             self.file("r", [{"data": str(n)} for n in range(20)]))
        old.wait_for(lambda server: server.requests)
        old.threads[0].join()
        server = self.server(ANSWER, self.socket_path())
        self.assertEqual(program.finish().status, OK)
        self.assertEqual(len(server.requests), 19)

    def test_bench_and_probe_go_there_too(self):
        self.server(ANSWER, self.socket_path())
        way = ["--unix-socket", self.socket_path(), "http://a/"]
        for command in (["bench", "-n", "50", "-c", "2"],
                        ["probe", "--step", "100ms", "-c", "2"]):
            run = self.run_ringsend(*command, *way)
            self.assertEqual(run.status, OK, run.err)

    def test_check_takes_them_as_send_does(self):
        for option in ("--unix-socket", "--abstract-unix-socket"):
            run = self.run_ringsend("check", option, "a", self.file("r", [{"url": "http://a/"}]))
            self.assertEqual(run.status, OK, run.err)
        self.server(ANSWER, "\0" + self.abstract())
        for command in (["bench", "-n", "5"], ["probe", "--step", "100ms", "-c", "1"]):
            run = self.run_ringsend(*command, "--abstract-unix-socket", self.abstract(),
                                    "http://a/")
            self.assertEqual(run.status, OK, run.err)


class Served(Case):
    def served(self, *options):
        program = Program([RINGSEND, "serve", *options])
        self.addCleanup(program.close)
        program.wait_for(lambda out, err: b"listening on" in out)
        return program

    def listens(self, path):
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(path) == 0

    def test_serve_listens_at_one_and_takes_its_file_away(self):
        path = self.path("s")
        for again in range(2):
            program = self.served("--unix-socket", path, "--echo")
            self.assertIn(b"listening on unix:" + path.encode(), program.text["out"])
            self.assert_ok(self.send_one({"url": "http://a/", "data": "x"}, "--unix-socket", path),
                           "x")
            program.process.terminate() if again else program.kill()  # whose file stays
            program.finish()
            self.assertEqual(os.path.exists(path), not again)
            while os.path.exists(path) and self.listens(path):
                pass  # a ring's end goes on behind its process's
        other = self.served("--abstract-unix-socket", os.path.basename(self.dir))
        self.assertIn(b"listening on abstract:", other.text["out"])

    def test_serve_leaves_what_is_in_use_or_no_socket(self):
        path = self.path("s")
        self.served("--unix-socket", path)
        for taken in (path, self.file("plain", [])):
            run = subprocess.run([RINGSEND, "serve", "--unix-socket", taken], check=False,
                                 capture_output=True, text=True)
            self.assertEqual(run.returncode, NOT_STARTED)
            self.assertIn("Address already in use", run.stderr)
            self.assertTrue(os.path.exists(taken))


if __name__ == "__main__":
    main()
