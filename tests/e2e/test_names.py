"""Names: those that are never answered hold no other up, and localhost is this machine, whichever
family answers.

The name server is one of our own, in namespaces of our own: this program runs itself again
there, where /etc/resolv.conf names it. dead*.test it never answers, slow*.test after a while,
fail*.test with a failure, all others at once."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

from harness import (BOUND_S, Case, NOT_ALL_OK, NOT_STARTED, OK, answering, ipv6_on_loopback,
                     json_lines, main, response)

INSIDE = "RINGSEND_TEST_NAMES"
NAME_SERVER = "127.0.0.53"
SLOW_S = 1


def enter():
    """Into namespaces of our own, if that is allowed. Returns where it is not."""
    unshare = ["unshare", "--map-root-user", "--mount", "--net"]
    if INSIDE in os.environ or subprocess.call(unshare + ["true"], stderr=subprocess.DEVNULL) != 0:
        return
    with tempfile.TemporaryDirectory() as directory:
        configuration = os.path.join(directory, "resolv.conf")
        with open(configuration, "w", encoding="ascii") as file:
            file.write("nameserver %s\noptions timeout:30\n" % NAME_SERVER)
        script = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
        run = subprocess.run(
            unshare + ["sh", "-c", script, "sh", configuration, sys.executable, "-B"] + sys.argv,
            env=dict(os.environ, **{INSIDE: "1"}), check=False)
    sys.exit(run.returncode)


class NameServer:
    """Answers queries for A with 127.0.0.1, others with nothing; counts the queries for A by
    name."""

    def __init__(self):
        self.queries = {}
        self.asked = threading.Condition()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((NAME_SERVER, 53))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            query, sender = self.sock.recvfrom(2048)
            if not query:
                return
            end = query.index(0, 12)
            name = query[13:13 + query[12]].decode()
            kind = struct.unpack_from(">H", query, end + 1)[0]
            with self.asked:
                self.queries[name] = self.queries.get(name, 0) + (kind == 1)
                self.asked.notify_all()
            if name.startswith("dead"):
                continue
            if name.startswith("fail"):  # SERVFAIL
                self._send(query[:2] + b"\x81\x82" + struct.pack(">HHHH", 1, 0, 0, 0) +
                           query[12:end + 5], sender)
                continue
            address = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes(
                (127, 0, 0, 1)) if kind == 1 else b""
            answer = (query[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, bool(address), 0, 0) +
                      query[12:end + 5] + address)
            delay_s = SLOW_S if name.startswith("slow") else 0
            threading.Timer(delay_s, self._send, (answer, sender)).start()

    def _send(self, answer, sender):
        try:
            self.sock.sendto(answer, sender)
        except OSError:
            pass  # closed meanwhile

    def close(self):
        self.sock.sendto(b"", self.sock.getsockname())
        self.thread.join()
        self.sock.close()


@unittest.skipUnless(INSIDE in os.environ and shutil.which("ip"), "no namespaces of our own")
class Lookups(Case):
    def setUp(self):
        super().setUp()
        self.names = NameServer()
        self.addCleanup(self.names.close)
        self.http = self.serve()

    def records(self, *names):
        return [{"id": name, "url": "http://%s.test:%d/" % (name, self.http.port)}
                for name in names]

    def by_name(self, run, prefix):
        return [result for result in run.results if result["id"].startswith(prefix)]

    def test_names_that_are_never_answered_hold_no_other_up(self):
        dead = ["dead%d" % n for n in range(60)]
        good = ["good%d" % n for n in range(60)]
        run = self.send("--tries", "1", "--connect-timeout", "3s", expect=NOT_ALL_OK,
                        records=self.records(*[name for pair in zip(dead, good) for name in pair]))
        for result in self.by_name(run, "good"):
            self.assert_ok(result)
        for result in self.by_name(run, "dead"):
            self.assert_error(result, "timeout_dns")
            self.assertGreaterEqual(result["us"]["dns"], 3000000)  # all of it is the name's own

    def test_a_good_name_behind_three_hundred_dead_ones(self):
        run = self.send("-c", "400", "--tries", "1", "--connect-timeout", "6s", expect=NOT_ALL_OK,
                        records=self.records(*["dead%d" % n for n in range(300)], "good"))
        good = self.by_name(run, "good")[0]
        self.assert_ok(good)
        self.assertEqual(len(run.results), 301)

    def test_a_dead_name_of_many_records_is_asked_for_once(self):
        run = self.send("-c", "200", "--tries", "1", "--connect-timeout", "1s", expect=NOT_ALL_OK,
                        records=self.records(*["dead"] * 200, *["good"] * 20))
        self.assertEqual([result["ok"] for result in self.by_name(run, "good")], [True] * 20)
        self.assertEqual(self.names.queries, {"dead": 1, "good": 1})

    def test_slow_names_are_waited_for_side_by_side(self):
        self.send("--connect-timeout", "20s", expect=OK,
                  records=self.records(*["slow%d" % n for n in range(40)], "good"))
        self.assertEqual(self.names.queries,
                         dict.fromkeys(["slow%d" % n for n in range(40)] + ["good"], 1))

    def test_two_threads(self):
        run = self.send(
            "-t", "2", "--tries", "1", "--connect-timeout", "2s", expect=NOT_ALL_OK,
            records=self.records(*["dead%d" % n for n in range(20)],
                                 *["good%d" % n for n in range(40)]))
        self.assertEqual([result["ok"] for result in self.by_name(run, "good")], [True] * 40)

    def test_a_stop_waits_for_no_lookup(self):
        sender = self.start("send", "--connect-timeout", "1h", self.file(
            "in", b"".join(b'{"url":"http://dead%d.test/"}\n' % n for n in range(30))))
        with self.names.asked:
            self.assertTrue(
                self.names.asked.wait_for(lambda: len(self.names.queries) == 30, BOUND_S))
        sender.signal(signal.SIGINT)
        self.assertEqual(sender.finish().status, 130)


@unittest.skipUnless(ipv6_on_loopback(), "no IPv6")
class Localhost(Case):
    def reached(self, url_host, listen_host):
        server = self.server(answering(lambda request: response(b"here")), host=listen_host)
        result = self.send_one({"url": "http://%s:%d/" % (url_host, server.port)}, "--tries", "1")
        self.assert_ok(result)
        self.assertEqual(result["us"]["dns"], 0)

    def test_a_server_on_either_family_is_reached(self):
        for listen_host in ("127.0.0.1", "::1"):
            for url_host in ("localhost", "LocalHost.", "api.localhost", "a.b.localhost."):
                with self.subTest(listen=listen_host, url=url_host):
                    self.reached(url_host, listen_host)

    def test_resolve_goes_before_it(self):
        server = self.server(answering(lambda request: response(b"here")))
        run = self.send("--resolve", "localhost:%d:127.0.0.2" % server.port, "--tries", "1",
                        expect=NOT_ALL_OK, records=[{"url": "http://localhost:%d/" % server.port}])
        self.assert_error(run.results[0], "connect_refused")

    @unittest.skipUnless(INSIDE in os.environ, "no namespaces of our own")
    def test_without_ipv6(self):
        switch = "/proc/sys/net/ipv6/conf/lo/disable_ipv6"
        if not os.access(switch, os.W_OK):
            self.skipTest("IPv6 cannot be switched off")
        with open(switch, "w", encoding="ascii") as file:
            file.write("1")
        try:
            self.reached("localhost", "127.0.0.1")
            run = self.send("--tries", "1", expect=NOT_ALL_OK,
                            records=[{"url": "http://localhost:1/"}])
            self.assert_error(run.results[0], "connect_refused")
        finally:
            with open(switch, "w", encoding="ascii") as file:
                file.write("0")


@unittest.skipUnless(INSIDE in os.environ and shutil.which("ip"), "no namespaces of our own")
class Unreachable(Case):
    """A name server that is not there is the run's mistake, not each record's."""

    def records(self, count, prefix="good"):
        return self.file("in", [{"id": n, "url": "http://%s%d.test:%d/" % (
            prefix, n % 7, self.http.port)} for n in range(count)])

    def setUp(self):
        super().setUp()
        self.http = self.serve()

    def test_it_is_told_once_and_resume_goes_on(self):
        for options in ([], ["-t", "2"], ["--sync"], ["--ordered"], ["-q"]):
            with self.subTest(options=options):
                out = self.path("out")
                run = self.run_ringsend("send", "-o", out, "--force", *options, self.records(2000))
                self.assertEqual(run.status, NOT_STARTED, run.err)
                self.assertEqual(run.err.count("no host name could be looked up"), 1, run.err)
                self.assertIn("To go on:\n", run.err)
                self.assertEqual(self.read("out"), b"")
                names = NameServer()
                run = self.run_ringsend("send", "-o", out, "--resume", *options, self.path("in"))
                names.close()
                self.assertEqual(run.status, OK, run.err)
                self.assertEqual(sorted(r["id"] for r in json_lines(self.read("out"))),
                                 list(range(2000)))

    def test_without_a_journal_those_in_hand_have_it_as_their_result(self):
        run = self.run_ringsend("send", "--tries", "1", self.records(20000))
        self.assertEqual(run.status, NOT_STARTED, run.err)
        self.assertLess(len(run.results), 6000)
        self.assertLessEqual({r["error"] for r in run.results},
                             {"dns_failed", "stopped", "cancelled"})
        self.assertIn("the rest: tail -n +", run.err)

    def test_who_wants_no_end_gets_none(self):
        run = self.run_ringsend("send", "--tries", "1", "--max-failures", "none", self.records(50))
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual(len(run.results), 50)

    def test_a_name_that_fails_beside_others_is_its_records_alone(self):
        names = NameServer()
        self.addCleanup(names.close)
        records = [{"id": n, "url": "http://%s.test:%d/" % ("fail" if n % 5 else "good",
                                                            self.http.port)} for n in range(500)]
        run = self.send(records=records, expect=NOT_ALL_OK)
        self.assertEqual([r["ok"] for r in sorted(run.results, key=lambda r: r["id"])],
                         [n % 5 == 0 for n in range(500)])


if __name__ == "__main__":
    enter()
    main()
