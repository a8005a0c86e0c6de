"""HTTP/2 as a client: many requests on a connection, and what was not processed is proven (P3)."""

import collections
import threading
import unittest

from certificates import Authority
from harness import NOT_ALL_OK, OK, Case, RawServer, main
from http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, HTTP_1_1_REQUIRED, PING,
                   PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, fields, frame,
                   limit, serving)

OPTIONS = ("--http2-prior-knowledge", "--retry-delay", "1ms")


def posts(count):
    return [{"id": n, "method": "POST", "data": str(n)} for n in range(count)]


class Http2Case(Case):
    def server(self, script, settings=b""):
        server = RawServer(serving(script, settings))
        self.addCleanup(server.close)
        return server

    def results(self, server, records, *options, expect=None):
        run = self.send(*OPTIONS, "--url", server.url, *options, records=records, expect=expect)
        self.assertEqual(len(run.results), len(records), run.err)
        return {result["id"]: result for result in run.results}

    def check_ok(self, results, tries=1):
        for result in results.values():
            self.assert_ok(result)
            self.assertEqual(result["attempts"], tries, result)


class Many(Http2Case):
    def test_one_connection_does_it(self):
        serve = self.serve("--http2", "--latency", "1ms", "--log", self.path("log"))
        results = self.results(serve, posts(500), "-c", "40")
        self.check_ok(results)
        stats = serve.stats()
        self.assertEqual((stats["requests"], stats["connections"], stats["connections_peak"]),
                         (500, 1, 1))
        serve.stop()
        with open(self.path("log"), encoding="utf-8") as log:
            self.assertEqual(sum(1 for _ in log), 500)

    def test_streams_say_how_many_share_one(self):
        serve = self.serve("--http2", "--latency", "20ms")
        self.check_ok(self.results(serve, posts(120), "-c", "12", "--streams", "4"))
        self.assertIn(serve.stats()["connections"], (3, 4))

    def test_a_connection_carries_no_more_than_it_may(self):
        serve = self.serve("--http2")
        self.check_ok(self.results(serve, posts(12), "-c", "2", "--requests-per-connection", "3"))
        self.assertEqual(serve.stats()["connections"], 4)

    def test_c_bounds_what_is_in_flight(self):
        most, lock, now = [0], threading.Lock(), collections.Counter()

        def script(end):
            waiting = []
            while (got := end.request()):
                with lock:
                    now["open"] += 1
                    most[0] = max(most[0], now["open"])
                waiting.append(got[0])
                if len(waiting) == 3:
                    for stream in waiting:
                        with lock:
                            now["open"] -= 1
                        end.answer(stream)
                    waiting = []
        self.check_ok(self.results(self.server(script), posts(30), "-c", "3"))
        self.assertEqual(most[0], 3)

    def test_bodies_both_ways(self):
        serve = self.serve("--http2", "--echo")
        body = "0123456789abcdef" * 60000
        results = self.results(serve, [{"id": n, "data": body[n:]} for n in range(6)], "-X", "POST")
        for n, result in results.items():
            self.assert_ok(result, body[n:])

    def test_heads_without_bodies(self):
        serve = self.serve("--http2", "--status", "204:50%")
        results = self.results(serve, [{"id": n, "method": "HEAD"} for n in range(20)])
        self.check_ok(results)
        self.assertEqual({result["status"] for result in results.values()}, {200, 204})

    def test_interim_heads_trailers_and_bytes_one_by_one(self):
        def script(end):
            while (got := end.request()):
                stream = got[0]
                for byte in (frame(HEADERS, END_HEADERS, stream, fields((":status", "103"))) +
                             frame(HEADERS, END_HEADERS, stream, fields((":status", "200"))) +
                             frame(DATA, 0, stream, b"hi") + frame(DATA, 0, stream, b"") +
                             frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(("t", "v")))):
                    end.send(bytes([byte]))
        for result in self.results(self.server(script), posts(3)).values():
            self.assert_ok(result, "hi")

    def test_a_limit_that_changes(self):
        def script(end):
            count = 0
            while (got := end.request()):
                count += 1
                if count == 3:
                    end.send(frame(SETTINGS, 0, 0, limit(1000)))
                if count == 40:
                    end.send(frame(SETTINGS, 0, 0, limit(1)))
                end.answer(got[0])
        results = self.results(self.server(script, limit(1)), posts(100), "-c", "20")
        self.check_ok(results)

    def test_a_limit_of_none(self):
        """What was sent before it was known is refused; nothing spins, and all ends."""
        def script(end):
            while (got := end.request()):
                end.reset(got[0], REFUSED_STREAM)
        results = self.results(self.server(script, limit(0)), posts(4), "-c", "2",
                               expect=NOT_ALL_OK)
        for result in results.values():
            self.assert_error(result, "refused_stream")

    def test_a_limit_that_falls_to_none(self):
        def script(end):
            stream = end.request()[0]
            end.send(frame(SETTINGS, 0, 0, limit(0)))
            end.answer(stream)
            while (got := end.request()):
                end.answer(got[0])
        self.check_ok(self.results(self.server(script), posts(6), "-c", "1"))

    def test_a_window_of_one_byte(self):
        def script(end):
            while (got := end.frame()):
                kind, flags, stream, payload = got
                if kind == DATA and payload:
                    end.send(frame(WINDOW_UPDATE, 0, stream, b"\0\0\0\1"))
                if kind in (HEADERS, DATA) and flags & END_STREAM:
                    end.answer(stream)
        window = b"\0\x04\0\0\0\1"
        self.check_ok(self.results(self.server(script, window), posts(20), "-c", "4"))


class Commands(Http2Case):
    def test_bench_and_probe(self):
        serve = self.serve("--http2")
        for words in (["bench", serve.url, "--requests", "200", "-c", "8"],
                      ["probe", serve.url, "-c", "2", "--step", "100ms"]):
            for options, connections in (
                    (["--http2-prior-knowledge"], 1), (["--http2-prior-knowledge", "--streams",
                                                        "2"], 2), (["--http2", "--http1.1"], 0)):
                before = serve.stats()
                run = self.run_ringsend(*words, *options)
                self.assertEqual(run.status, OK, run.err)
                after = serve.stats()
                seen = after["http2_connections"] - before["http2_connections"]
                self.assertGreaterEqual(seen, connections)
                if connections == 0:
                    self.assertEqual(seen, 0)

    def test_streams_are_of_some_number(self):
        for command in ("send", "bench", "probe"):
            run = self.run_ringsend(command, "--streams", "1001")
            self.assertIn("--streams", run.err)


class NotProcessed(Http2Case):
    def test_refused_streams_go_again(self):
        seen = set()

        def script(end):
            while (got := end.request()):
                if got[1] in seen:
                    end.answer(got[0])
                else:
                    seen.add(got[1])
                    end.reset(got[0], REFUSED_STREAM)
        self.check_ok(self.results(self.server(script), posts(20), "-c", "5"), tries=2)

    def test_refused_for_ever(self):
        def script(end):
            while (got := end.request()):
                end.reset(got[0], REFUSED_STREAM)
        results = self.results(self.server(script), posts(3), expect=NOT_ALL_OK)
        for result in results.values():
            self.assert_error(result, "refused_stream", "REFUSED_STREAM")
            self.assertEqual((result["attempts"], result.get("ambiguous")), (4, None))

    def test_above_a_goaway_goes_again_and_below_is_answered(self):
        taken = collections.Counter()

        def script(end):
            got = [end.request() for _ in range(4)] if end.number == 0 else []
            if got:
                end.goodbye(got[1][0])
            for stream, body in got[:2]:
                taken[body] += 1
                end.answer(stream)
            while (more := end.request()):
                taken[more[1]] += 1
                end.answer(more[0])
        server = self.server(script, limit(100))
        results = self.results(server, posts(4), "-c", "4", "--tries", "2")
        self.assertTrue(all(result["ok"] for result in results.values()), results)
        self.assertEqual(set(taken.values()), {1})
        self.assertEqual(len(taken), 4)

    def test_below_a_goaway_without_an_answer_is_in_doubt(self):
        def script(end):
            if end.number > 0:
                while (got := end.request()):
                    end.answer(got[0])
                return
            got = [end.request() for _ in range(4)]
            end.goodbye(got[1][0])
        results = self.results(self.server(script), posts(4), "-c", "4", expect=NOT_ALL_OK)
        outcomes = sorted((result["ok"], result.get("ambiguous", False), result["attempts"])
                          for result in results.values())
        self.assertEqual(outcomes, [(False, True, 1)] * 2 + [(True, False, 2)] * 2, results)

    def test_goaway_of_every_few(self):
        """As load balancers do it, closing right behind."""
        taken = collections.Counter()

        def script(end):
            for _ in range(10):
                got = end.request()
                if not got:
                    return
                taken[got[1]] += 1
                end.answer(got[0])
            end.goodbye(got[0])
        results = self.results(self.server(script), posts(100), "-c", "4", "--tries", "9",
                               "--retry-budget", "none")
        self.assertTrue(all(result["ok"] for result in results.values()))
        self.assertEqual((len(taken), set(taken.values())), (100, {1}))

    def test_http_1_1_required(self):
        def script(peer):
            if peer.number == 0:
                serving(lambda end: end.reset(end.request()[0], HTTP_1_1_REQUIRED))(peer)
                return
            while peer.request():
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        server = RawServer(script)
        self.addCleanup(server.close)
        results = self.results(server, posts(5), "-c", "1")
        self.assertTrue(all(result["ok"] for result in results.values()), results)
        self.assertEqual(len(server.requests), 5)


class Ends(Http2Case):
    def test_a_reset_stream_is_in_doubt(self):
        def script(end):
            while (got := end.request()):
                end.reset(got[0], 2)
        records = [{"id": 0, "method": "POST", "data": "0"}, {"id": 1, "method": "GET"}]
        results = self.results(self.server(script), records, expect=NOT_ALL_OK)
        for result in results.values():
            self.assert_error(result, "stream_reset", "INTERNAL_ERROR")
        self.assertEqual((results[0]["ambiguous"], results[0]["attempts"]), (True, 1))
        self.assertEqual((results[1].get("ambiguous"), results[1]["attempts"]), (None, 4))

    def test_a_timeout_ends_its_stream_alone(self):
        resets = []

        def script(end):
            slow = end.request()[0]
            while (got := end.request()):
                end.answer(got[0])
            resets.extend(end.dead & {slow})
        results = self.results(self.server(script), posts(20), "-c", "2", "--timeout", "300ms",
                               "--tries", "1", expect=NOT_ALL_OK)
        failed = [result for result in results.values() if not result["ok"]]
        self.assertEqual([result["error"] for result in failed], ["timeout_attempt"])
        self.assertTrue(failed[0]["ambiguous"])

    def test_a_silent_connection_takes_no_more(self):
        def script(end):
            while (got := end.request()):
                if end.number > 0:
                    end.answer(got[0])
        server = self.server(script)
        results = self.results(server, [{"id": n} for n in range(6)], "-c", "2", "--timeout",
                               "200ms")
        self.check_ok({n: result for n, result in results.items() if result["attempts"] == 1})
        self.assertTrue(all(result["ok"] for result in results.values()), results)
        self.assertGreater(server.connections, 1)

    def test_an_early_no_and_an_early_yes(self):
        def script(end):
            for kind, _, stream, _ in end.frames():
                if kind == HEADERS:
                    end.send(frame(HEADERS, END_HEADERS | END_STREAM, stream,
                                   fields((":status", status))),
                             frame(RST_STREAM, 0, stream, b"\0\0\0\0"))
        for status, error in (("413", None), ("200", "send_broken")):
            records = [{"id": 0, "method": "POST", "data": "x" * 2000000}]
            result = self.results(self.server(script), records, "--tries", "1",
                                  expect=NOT_ALL_OK)[0]
            self.assertEqual((result["status"], result["error"]), (int(status), error), result)


class Hostile(Http2Case):
    """A server that means ill costs its connection, never more."""

    def check(self, error, *words, frames=(), forever=()):
        def script(end):
            while (got := end.request()):
                end.send(*(part(got[0]) if callable(part) else part for part in frames))
                while forever:
                    end.send(*(part(got[0]) if callable(part) else part for part in forever))
        result = self.results(self.server(script), posts(1), "--tries", "1", "--timeout", "10s",
                              expect=NOT_ALL_OK)[0]
        self.assert_error(result, error, *words)
        self.assertTrue(result["ambiguous"])

    def test_floods(self):
        head = lambda stream: frame(HEADERS, END_HEADERS, stream, fields((":status", "200")))
        self.check("http2_error", forever=[frame(PING, 0, 0, b"12345678") * 100])
        self.check("http2_error", forever=[frame(SETTINGS) * 100])
        self.check("http2_error", forever=[frame(0x77) * 100])
        self.check("http2_error", frames=[head],
                   forever=[lambda stream: frame(DATA, 0, stream) * 100])
        self.check("http2_error", forever=[lambda stream: frame(
            HEADERS, 0, stream, fields((":status", "200"))) + frame(CONTINUATION, 0, stream) * 200])

    def test_windows_and_promises(self):
        self.check("http2_error", frames=[frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")])
        self.check("http2_error", frames=[lambda stream: frame(
            PUSH_PROMISE, END_HEADERS, stream, b"\0\0\0\2" + fields((":method", "GET")))])

    def test_heads_that_are_too_large(self):
        parts = [b"".join(fields(("x-%d-%d" % (m, n), "y" * 100)) for n in range(140))
                 for m in range(5)]
        self.check("head_too_large", frames=[lambda stream: (
            frame(HEADERS, 0, stream, fields((":status", "200"))) +
            b"".join(frame(CONTINUATION, 0, stream, part) for part in parts) +
            frame(CONTINUATION, END_HEADERS, stream))])

    def test_bodies_that_are_not_what_was_said(self):
        head = lambda stream: frame(HEADERS, END_HEADERS, stream,
                                    fields((":status", "200"), ("content-length", "5")))
        self.check("stream_reset", frames=[
            head, lambda stream: frame(DATA, END_STREAM, stream, b"four")])
        self.check("stream_reset", frames=[head, lambda stream: frame(DATA, 0, stream, b"sixsix")])

    def test_answers_to_nobody(self):
        self.check("http2_error", frames=[
            lambda stream: frame(HEADERS, END_HEADERS, stream + 2, fields((":status", "200")))])
        self.check("http2_error", frames=[b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])


class Secure(Case):
    def check(self, http2, *options):
        """How many connections nginx saw."""
        ca = Authority(self.dir)
        leaf = ca.certificate()
        nginx = self.nginx(http2=http2, tls="ssl_certificate %s; ssl_certificate_key %s" % (
            leaf.chain, leaf.key))
        records = [{"id": n, "headers": {"x-id": str(n)}} for n in range(60)]
        self.send("--url", nginx.url, "--cacert", ca.pem, "-c", "10", *options, records=records,
                  expect=OK)
        nginx.close()
        lines = [line.split() for line in self.read("nginx/access.log").decode().splitlines()]
        self.assertEqual(sorted(int(line[2]) for line in lines), list(range(60)))
        return len({line[5] for line in lines})

    def test_the_server_chooses_it(self):
        self.assertEqual(self.check(True, "--http2", "--tls", "bearssl"), 1)

    def test_over_openssl(self):
        self.assertEqual(self.check(True, "--http2", "--tls", "openssl"), 1)

    def test_or_not(self):
        self.assertGreater(self.check(False, "--http2"), 1)

    def test_only_when_asked_to(self):
        self.assertGreater(self.check(True, "--http2", "--http1.1"), 1)


if __name__ == "__main__":
    main()
