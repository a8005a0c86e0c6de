"""The process stands still (SIGSTOP, Ctrl-Z, a freezer): what came in time counts, and nothing
goes out on a connection that died meanwhile."""

import json
import os
import signal
import subprocess
import threading
import time

from harness import OK, Authority, Case, main, response

IN_FLIGHT = 30  # more than one enter of the ring brings
CLOCK_S = 3  # what is in flight must be so before
PAUSE_S = CLOCK_S + 0.5


def stop(program):
    """Returns when it stands still."""
    program.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, program.process.pid, os.WSTOPPED | os.WNOWAIT)


def go_on(program):
    program.signal(signal.SIGCONT)


class Pauses(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.dir)

    def trust(self, certificate):
        return ["--cacert", self.ca.pem] if certificate else []

    def holding(self, certificate=None):
        """A server that answers all requests when its event `go` is set, and counts the answers."""
        go, lock = threading.Event(), threading.Condition()

        def script(peer):
            while peer.request():
                go.wait()
                peer.send(response(b"in time"))
                with lock:
                    server.answers += 1
                    lock.notify_all()
        server = self.tls_server(certificate, script) if certificate else self.server(script)
        server.answers = 0
        server.go, server.lock = go, lock
        self.addCleanup(go.set)
        return server

    def paused_while_answered(self, started):
        """Each program's requests are answered while it stands still; then its clocks run out."""
        for program, server in started:
            server.wait_for(lambda s: len(s.requests) == IN_FLIGHT)
            stop(program)
        for program, server in started:
            server.go.set()
            with server.lock:
                self.assertTrue(server.lock.wait_for(lambda s=server: s.answers == IN_FLIGHT))
        time.sleep(PAUSE_S)  # not for something to happen: time itself is what is tested
        for program, _ in started:
            go_on(program)

    def test_what_was_answered_in_a_pause_is_ok_whichever_clock_ran_out(self):
        certificate = self.ca.certificate()
        records = self.file("records", [{"data": str(n)} for n in range(IN_FLIGHT)])
        started = []
        for clock in ("--first-byte-timeout", "--timeout", "--deadline"):
            for method in ("POST", "PUT"):
                for tls in (None, certificate):
                    server = self.holding(tls)
                    started.append((self.start("send", "-c", str(IN_FLIGHT), "-X", method, clock,
                                               "%ds" % CLOCK_S, *self.trust(tls), "--url",
                                               server.url, records), server))
        self.paused_while_answered(started)
        for program, server in started:
            run = program.finish()
            self.assertEqual(run.status, OK, run.err)
            self.assertEqual([r["attempts"] for r in run.results], [1] * IN_FLIGHT)
            self.assertEqual(len(server.requests), IN_FLIGHT)

    def test_bench_counts_what_was_answered_in_a_pause(self):
        server = self.holding()
        report = self.path("report.json")
        program = self.start("bench", "-c", str(IN_FLIGHT), "-n", str(IN_FLIGHT), "-z", "1h", "-X",
                             "POST", "--first-byte-timeout", "%ds" % CLOCK_S, "--json", report,
                             server.url)
        self.paused_while_answered([(program, server)])
        run = program.finish()
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(len(server.requests), IN_FLIGHT)
        figures = json.loads(self.read("report.json"))
        self.assertEqual((figures["requests"], figures["errors"]), (IN_FLIGHT, 0))

    def closed_in_a_pause(self, certificate=None):
        closed, close = threading.Event(), threading.Event()

        def script(peer):
            peer.request()
            peer.send(response(b"ok"))
            if peer.number == 0:
                close.wait()
                peer.sock.close()
                closed.set()
            else:
                peer.hold()
        server = self.tls_server(certificate, script) if certificate else self.server(script)
        self.addCleanup(close.set)
        program = self.start("send", "-c", "1", "-X", "POST", *self.trust(certificate), "--url",
                             server.url, "-", stdin=subprocess.PIPE)
        program.process.stdin.write(b'{"data": "one"}\n')
        program.process.stdin.flush()
        program.wait_for(lambda out, err: out.endswith(b"\n"))
        stop(program)
        close.set()
        closed.wait()
        program.process.stdin.write(b'{"data": "two"}\n')
        program.process.stdin.close()
        program.process.stdin = None
        go_on(program)
        run = program.finish()
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([r["body"] for r in run.results], ["ok", "ok"])
        self.assertEqual(len(server.requests), 2)

    def test_a_post_does_not_go_out_on_a_connection_that_was_closed_in_a_pause(self):
        self.closed_in_a_pause()

    def test_nor_with_tls(self):
        self.closed_in_a_pause(self.ca.certificate())


if __name__ == "__main__":
    main()
