"""`ringsend serve`: a platform whose faults can be relied on."""

import hashlib
import json
import socket
import statistics
import struct
import time
import unittest

from harness import (BOUND_S, NOT_STARTED, OK, OUTPUT, SANITIZED, USAGE, filler, ipv6_on_loopback,
                     main, peak_bytes)
from serving import ServeCase


class Answers(ServeCase):
    def test_the_usual_answer_is_200(self):
        answer, _ = self.exchange(self.serve())
        self.assertEqual(answer.status, 200)

    def test_echo_returns_the_body(self):
        serve = self.serve("--echo")
        for body in (b"", b"x", b"\0\xff" * 50000):
            self.assertEqual(self.exchange(serve, "POST", body=body)[1], body)

    def test_echo_takes_chunked_bodies(self):
        serve = self.serve("--echo")
        got = self.raw(serve, b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                              b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        self.assertTrue(got.startswith(b"HTTP/1.1 200 ") and got.endswith(b"\r\n\r\nabcde"), got)

    def test_a_body_of_ones_own(self):
        self.assertEqual(self.exchange(self.serve("--body", '{"a":1}'))[1], b'{"a":1}')

    def test_a_body_of_a_given_length(self):
        for count in (0, 1, 15, 123456, 1 << 20, (1 << 20) + 1, 5000001):
            serve = self.serve("--body-bytes", str(count), "--status", "201:50%")
            for _ in range(3):
                answer, body = self.exchange(serve)
                self.assertIn(answer.status, (200, 201))
                self.assertTrue(body == filler(count), count)

    def test_a_large_answer_is_counted_when_it_was_taken(self):
        serve = self.serve("--body-bytes", "64M", "--log", self.path("log"))
        sock = socket.create_connection(("127.0.0.1", serve.port), BOUND_S)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertTrue(sock.recv(1 << 16).startswith(b"HTTP/1.1 200 OK\r\n"))
        sock.close()
        self.wait_for_stats(serve, lambda stats: stats["gone"] == 1)
        connection = serve.connect()
        self.addCleanup(connection.close)
        for method in ("HEAD", "GET", "GET"):
            connection.request(method, "/")
            answer = connection.getresponse()
            self.assertEqual(answer.getheader("content-length"), str(64 << 20))
            self.assertEqual(len(answer.read()), 0 if method == "HEAD" else 64 << 20)
        self.assertEqual(serve.stats()["statuses"], {"200": 3})
        serve.stop()
        self.assertEqual([line[4] for line in self.log()], ["gone", "200", "200", "200"])

    def test_digest_tells_length_and_hash(self):
        serve = self.serve("--digest")
        for body in (b"", b"abc", b"\0\xff" * 500000):
            expected = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for given in (body, iter([body[:1], body[1:1000], body[1000:]])):
                answer, got = self.exchange(serve, "POST", body=given)
                self.assertEqual(json.loads(got), expected)
                self.assertEqual(answer.getheader("content-type"), "application/json")

    def test_one_kind_of_body_at_a_time(self):
        run = self.run_ringsend("serve", "-p", "0", "--echo", "--digest")
        self.assertEqual((run.status, run.out), (USAGE, b""))
        self.assertIn("give one of them", run.err)

    @unittest.skipIf(SANITIZED, "sanitizers need memory of their own")
    def test_bodies_of_any_length_cost_no_memory(self):
        part = bytes(range(256)) * 4096
        for options, body in ((["--digest"], lambda: iter([part] * 64)),
                              (["--body-bytes", "64M"], lambda: None)):
            serve = self.serve(*options)
            self.exchange(serve)
            self.exchange(serve, "POST", body=body())
            self.assertLess(peak_bytes(serve.pid), 16 << 20)

    def test_head_has_no_body(self):
        got = self.raw(self.serve("--body", "text"),
                       b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        self.assertTrue(got.endswith(b"\r\n\r\n"), got)

    def test_expect_100_continue_is_answered(self):
        got = self.raw(self.serve("--echo"), b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                       b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
        self.assertIn(b"200 OK", got)
        self.assertTrue(got.endswith(b"ok"), got)

    def test_pipelined_requests_are_answered_in_order(self):
        serve = self.serve("--echo")
        parts = b"".join(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n%s\r\n%d" % (
            b"Connection: close\r\n" if n == 4 else b"", n) for n in range(5))
        got = self.raw(serve, parts)
        self.assertEqual([part[:1] for part in got.split(b"\r\n\r\n")[1:]],
                         [b"0", b"1", b"2", b"3", b"4"])

    def test_garbage_is_answered_with_400_and_the_platform_goes_on(self):
        serve = self.serve()
        for data in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                     b"\0" * 100):
            self.assertIn(b" 400 ", self.raw(serve, data).split(b"\r\n")[0])
        self.assertEqual(self.exchange(serve)[0].status, 200)

    def test_an_endless_head_is_cut_off(self):
        got = self.raw(self.serve(), b"GET / HTTP/1.1\r\nX: " + b"y" * (1 << 17))
        self.assertTrue(got == b"" or got.startswith(b"HTTP/1.1 4"), got[:50])

    def test_latency_is_kept(self):
        for result in self.results(self.serve("--latency", "20ms"), 10):
            self.assertGreaterEqual(result["us"]["first_byte"], 20000)

    def test_latency_by_median_and_99th_percentile_spreads_around_the_median(self):
        times = [r["us"]["first_byte"] for r in self.results(
            self.serve("--latency", "10ms,40ms", "--seed", "1"), 400, "-c", "100")]
        self.assertGreater(statistics.median(times), 8000)
        self.assertGreater(max(times), 20000)
        self.assertLess(min(times), 10000)


class Faults(ServeCase):
    def shares(self, count, *options):
        """How often each outcome came, with a fixed seed and one try. POST: a GET would get a free
        try when a used connection breaks."""
        outcomes = {}
        for result in self.results(self.serve("--seed", "3", *options), count, "--tries", "1",
                                   "--first-byte-timeout", "1s", method="POST"):
            key = result["error"] or result["status"]
            outcomes[key] = outcomes.get(key, 0) + 1
        return outcomes

    def test_a_share_of_statuses(self):
        got = self.shares(1000, "--status", "500:20%", "--status", "404:0.1")
        self.assertEqual(set(got), {200, 500, 404})
        self.assertTrue(140 < got[500] < 260 and 60 < got[404] < 140, got)

    def test_a_share_of_resets(self):
        got = self.shares(1000, "--reset", "20%")
        self.assertEqual(set(got), {200, "reset_no_response"})
        self.assertTrue(140 < got["reset_no_response"] < 260, got)

    def test_a_share_of_closes(self):
        got = self.shares(1000, "--close", "20%")
        self.assertEqual(set(got), {200, "closed_no_response"})
        self.assertTrue(140 < got["closed_no_response"] < 260, got)

    def test_a_share_of_stalls(self):
        got = self.shares(100, "--stall", "10%")
        self.assertEqual(set(got), {200, "timeout_first_byte"})

    def test_the_same_seed_makes_the_same_faults(self):
        options = ["--status", "500:30%", "--reset", "30%"]
        self.assertEqual(self.shares(200, *options), self.shares(200, *options))

    def test_every_record_arrives_in_the_end_whatever_the_faults(self):
        serve = self.serve("--seed", "5", "--status", "503:10%", "--reset", "10%", "--close", "10%",
                           "--retry-after", "0s")
        run = self.send("--url", serve.url, "--tries", "50", expect=OK, records=[
            {"id": n, "method": "GET"} for n in range(300)])
        self.assertEqual(sorted(r["id"] for r in run.results), list(range(300)))

    def test_the_rate_limit_answers_429_with_retry_after(self):
        serve = self.serve("--rate-limit", "5/s", "--retry-after", "7s")
        statuses = []
        for _ in range(30):
            answer, _ = self.exchange(serve)
            statuses.append(answer.status)
            if answer.status == 429:
                self.assertEqual(answer.getheader("Retry-After"), "7")
        self.assertEqual(set(statuses), {200, 429})
        self.assertGreaterEqual(serve.stats()["statuses"]["429"], 10)

    def test_a_sender_gets_everything_through_a_rate_limit(self):
        serve = self.serve("--rate-limit", "50/s", "--retry-after", "1s", "--log", self.path("log"))
        run = self.send("--url", serve.url, "--tries", "20", expect=OK, records=[
            {"id": n, "data": "x"} for n in range(100)])
        self.assertEqual(len(run.results), 100)
        serve.stop()
        self.assertEqual(sum(line[4] == "200" for line in self.log()), 100)


class Connections(ServeCase):
    def occupy(self, serve):
        """Holds one connection that the platform has certainly accepted."""
        sock = socket.create_connection(("127.0.0.1", serve.port), BOUND_S)
        self.addCleanup(sock.close)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertTrue(sock.recv(4096).startswith(b"HTTP/1.1 200"))
        return sock

    def test_a_connection_too_many_is_refused(self):
        serve = self.serve("--max-connections", "1", "--over", "refuse")
        held = self.occupy(serve)
        self.assertNotIn(b"200 OK", self.raw(serve, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
        held.close()

    def test_a_connection_too_many_waits_in_the_queue(self):
        serve = self.serve("--max-connections", "1", "--over", "queue")
        held = self.occupy(serve)
        with socket.create_connection(("127.0.0.1", serve.port), BOUND_S) as second:
            second.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            held.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")  # the first is still served
            self.assertTrue(held.recv(4096).startswith(b"HTTP/1.1 200"))
            second.setblocking(False)
            self.assertRaises(BlockingIOError, second.recv, 1)
            second.settimeout(BOUND_S)
            held.close()
            self.assertTrue(second.recv(4096).startswith(b"HTTP/1.1 200"))

    def test_refused_connections_are_counted(self):
        serve = self.serve("--max-connections", "1", "--over", "refuse", "--log", self.path("log"))
        held = self.occupy(serve)
        for _ in range(3):
            self.raw(serve, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        held.close()
        run = serve.stop()
        self.assertEqual(sum(line[4] == "refused" for line in self.log()), 3, run.err)

    def test_a_connection_is_closed_after_its_requests(self):
        serve = self.serve("--keep-alive-requests", "2")
        with socket.create_connection(("127.0.0.1", serve.port), BOUND_S) as sock:
            request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            sock.sendall(request)
            self.assertNotIn(b"connection: close", sock.recv(4096).lower())
            sock.sendall(request)
            self.assertIn(b"connection: close", sock.recv(4096).lower())
            self.assertEqual(sock.recv(1), b"")

    def test_an_idle_connection_is_closed_after_its_time(self):
        serve = self.serve("--keep-alive-timeout", "100ms")
        held = self.occupy(serve)
        self.assertEqual(held.recv(1), b"")

    def test_a_client_that_honours_keep_alive_loses_nothing(self):
        serve = self.serve("--keep-alive-requests", "3", "--log", self.path("log"))
        self.results(serve, 100, "--tries", "1")
        serve.stop()
        self.assertEqual(len(self.log()), 100)

    def test_workers_bound_what_is_answered(self):
        serve = self.serve("--latency", "20ms", "--workers", "2")
        began = time.monotonic()
        self.results(serve, 40, "-c", "8")
        self.assertGreaterEqual(time.monotonic() - began, 20 * 0.020)
        self.assertEqual(serve.stats()["connections_peak"], 8)

    def test_the_log_tells_how_long_each_answer_took(self):
        serve = self.serve("--log", self.path("log"), "--latency", "20ms")
        self.results(serve, 10)
        serve.stop()
        took_us = [int(line[5]) for line in self.log()]
        self.assertEqual(len(took_us), 10)
        self.assertGreaterEqual(min(took_us), 20000)

    def test_a_pause_comes_once_and_holds_everything_up(self):
        serve = self.serve("--log", self.path("log"), "--pause", "100ms,300ms", "--latency", "10ms")
        self.results(serve, 40, "-c", "1")
        serve.stop()
        at_us = [int(line[0]) for line in self.log()]
        gaps_us = [b - a for a, b in zip(at_us, at_us[1:])]
        self.assertEqual(len(gaps_us), 39)
        self.assertGreaterEqual(max(gaps_us), 300000)
        # It began 100 ms after the first request, and each takes 10 ms.
        self.assertLessEqual(gaps_us.index(max(gaps_us)), 10)

    def test_a_signal_ends_a_pause(self):
        serve = self.serve("--pause", "0s,1h")
        sending = self.start("send", "--url", serve.url,
                             self.file("records", [{"id": n} for n in range(100)]))
        serve.stop()
        sending.kill()

    def test_a_port_in_use_exits_4_and_is_named(self):
        serve = self.serve()
        run = self.run_ringsend("serve", "-p", str(serve.port))
        self.assertEqual(run.status, NOT_STARTED, run.err)
        self.assertIn(str(serve.port), run.err)
        self.assertIn("in use", run.err)

    @unittest.skipUnless(ipv6_on_loopback(), "no IPv6 on loopback here")
    def test_it_listens_on_an_ipv6_address(self):
        serve = self.serve("--listen", "[::1]:0")
        self.assertIn("[::1]", serve.url)
        self.assert_ok(self.send_one({"url": serve.url}))

    def test_it_is_on_loopback_by_default(self):
        self.assertTrue(self.serve().authority.startswith("127.0.0.1:"))


class Reports(ServeCase):
    def test_the_log_has_a_line_for_each_request(self):
        serve = self.serve("--log", self.path("log"), "--id-header", "x-id", "--status", "404:30%",
                           "--seed", "1")
        results = self.results(serve, 50)
        serve.stop()
        lines = self.log()
        self.assertEqual(sorted((line[1], line[2], line[3], line[4]) for line in lines),
                         sorted(("GET", "/", "r%d" % r["id"], str(r["status"])) for r in results))

    def test_the_log_names_the_body_where_there_is_no_id(self):
        serve = self.serve("--log", self.path("log"), "--id-header", "x-id")
        self.results(serve, 4, records=[{"data": data} for data in ("a", "a", "b", "")])
        serve.stop()
        keys = [line[3] for line in self.log()]
        self.assertEqual(len(keys), 4)
        self.assertEqual(sorted(keys.count(key) for key in set(keys)), [1, 1, 2])
        self.assertIn("fnv1a:cbf29ce484222325", keys)  # of the empty body

    def test_stats_count(self):
        serve = self.serve("--max-connections", "50", "--seed", "2", "--reset", "10%", "--stall",
                           "2%", "--status", "503:5%", "--latency", "2ms")
        results = self.results(serve, 200, "-c", "10", "--tries", "1", "--first-byte-timeout",
                               "300ms", method="POST")
        stats = serve.stats()
        keys = [
            "requests", "connections", "connections_peak", "refused", "resets", "closes", "stalls",
            "gone", "stopped", "handshakes_full", "handshakes_resumed", "handshakes_failed",
            "http2_connections", "statuses"
        ]
        self.assertEqual(list(stats), keys)
        for key in keys[:-1]:
            self.assertIsInstance(stats[key], int)
        self.assertEqual(stats["requests"], 200)
        self.assertLessEqual(stats["connections_peak"], 10)
        self.assertEqual(stats["refused"], 0)
        errors = [r["error"] for r in results]
        self.assertEqual(stats["resets"], errors.count("reset_no_response"))
        self.assertEqual(stats["stalls"], errors.count("timeout_first_byte"))
        self.assertEqual(stats["requests"], sum(stats["statuses"].values()) + stats["resets"] +
                         stats["closes"] + stats["stalls"] + stats["gone"] + stats["stopped"])
        self.assertEqual(stats["statuses"]["503"], sum(r["status"] == 503 for r in results))

    def test_sigterm_ends_it_with_a_report_of_the_peak(self):
        serve = self.serve("--latency", "5ms")
        self.results(serve, 100, "-c", "7")
        run = serve.stop()
        self.assertEqual(run.status, OK, run.err)
        self.assertRegex(run.err + run.out.decode(), r"(?i)peak|at most|at once")
        self.assertRegex(run.err + run.out.decode(), r"\b7\b")

    def unanswered(self, serve):
        """A connection whose one request the platform has counted, and not answered."""
        before = serve.stats()["requests"]
        sock = socket.create_connection(("127.0.0.1", serve.port), BOUND_S)
        self.addCleanup(sock.close)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.wait_for_stats(serve, lambda stats: stats["requests"] > before)
        return sock

    def test_what_its_own_stop_cuts_off_is_not_blamed_on_clients(self):
        serve = self.serve("--latency", "1h", "--log", self.path("log"))
        self.unanswered(serve)
        run = serve.stop()
        self.assertEqual(self.log()[0][4], "stopped")
        self.assertIn("unanswered when it was stopped: 1\n", run.err)
        self.assertNotIn("gone", run.err)

    def test_clients_that_leave_are_counted_as_gone(self):
        serve = self.serve("--latency", "1h", "--log", self.path("log"))
        left = self.unanswered(serve)
        left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left.close()  # by a reset: one that only ends its stream still waits for the answer
        self.unanswered(serve)
        self.wait_for_stats(serve, lambda stats: stats["gone"] == 1)
        self.assertEqual(serve.stats()["stopped"], 0)
        run = serve.stop()
        self.assertEqual([line[4] for line in self.log()], ["gone", "stopped"])
        self.assertIn("clients gone before their answer: 1\n", run.err)

    def test_an_address_that_cannot_be_told_is_an_error(self):
        with open("/dev/full", "wb") as full:
            run = self.run_ringsend("serve", "-p", "0", stdout=full)
        self.assertEqual(run.status, OUTPUT, run.err)
        self.assertIn("No space left", run.err)

    def test_sigterm_ends_it_though_clients_are_connected(self):
        serve = self.serve("--stall", "100%")
        with socket.create_connection(("127.0.0.1", serve.port), BOUND_S) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(serve.stop().status, OK)


if __name__ == "__main__":
    main()
