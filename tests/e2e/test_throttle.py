"""How the platform is treated: the rate, the retry policy and its budget, and what the trace
tells."""

import collections
import time

from harness import (Case, NOT_ALL_OK, OK, USAGE, in_turn, main, refused_port,
                     response)

GOOD = response(b"good")
TRACE_KEYS = {"began", "reused", "status", "error", "dns", "connect", "tls", "first_byte", "total"}


def bad(status, *headers):
    return response(b"bad", status, headers)


class Manners(Case):
    def takes_at_least(self, seconds, *options, records, expect):
        began = time.monotonic()
        run = self.send(*options, records=records, expect=expect)
        self.assertGreaterEqual(time.monotonic() - began, seconds)
        return run

    def assert_usage(self, word, *options):
        run = self.run_ringsend("send", *options, self.file("r", [{"url": "http://127.0.0.1:1/"}]))
        self.assertEqual(run.status, USAGE)
        self.assertIn(word, run.err)


class Rate(Manners):
    def test_begins_no_more_than_it_says(self):
        serve = self.serve()
        # The first one at once, the others each 5 ms and 2 % of it.
        self.takes_at_least(297 / 200, "--rate", "200/s", records=[{"url": serve.url}] * 300,
                            expect=OK)

    def test_holds_for_retries(self):
        serve = self.serve("--status", "503:100%")
        run = self.takes_at_least(1.5, "--rate", "2/s", "--tries", "4", "--retry-delay", "1ms",
                                  "--retry-max-delay", "1ms", "--trace",
                                  records=[{"url": serve.url}], expect=NOT_ALL_OK)
        self.assertEqual([a["for"] for a in run.results[0]["trace"][:3]], ["rate"] * 3)

    def test_ramp_brings_half_of_it_within_its_time(self):
        serve = self.serve()
        self.takes_at_least(0.95, "--rate", "100/s", "--burst", "1", "--ramp", "1s",
                            records=[{"url": serve.url}] * 50, expect=OK)

    def test_usage(self):
        self.assert_usage("--rate", "--rate", "fast")
        self.assert_usage("--burst goes with --rate", "--burst", "5")
        self.assert_usage("--ramp goes with --rate", "--ramp", "5s")
        self.assert_usage("--per-host", "-c", "4", "--per-host", "5")


class PerHost(Manners):
    def test_bounds_each_host_alone(self):
        serves = [self.serve("--latency", "20ms", "--max-connections", "2") for _ in range(2)]
        records = [{"url": serves[n % 2].url} for n in range(40)]
        self.send("-c", "4", "--per-host", "2", records=records, expect=OK)
        for serve in serves:
            stats = serve.stats()
            self.assertEqual((stats["connections_peak"], stats["refused"]), (2, 0))


class Policy(Manners):
    def nobody(self):
        """A URL where nothing listens."""
        sock, port = refused_port()
        self.addCleanup(sock.close)
        return "http://127.0.0.1:%d/" % port

    def attempts(self, answers, *options, record=None):
        server = self.server(in_turn(*answers, GOOD))
        result = self.send_one(dict(record or {"method": "GET"}, url=server.url), "--retry-delay",
                               "1ms", *options)
        return result["attempts"]

    def test_statuses_in_place_of_the_default(self):
        answers = [bad("404 Not Found")]
        self.assertEqual(self.attempts(answers), 1)
        self.assertEqual(self.attempts(answers, "--retry-on", "4xx"), 2)
        self.assertEqual(self.attempts(answers, "--retry-on", "default,404"), 2)
        self.assertEqual(self.attempts([bad("503 Service Unavailable")], "--retry-on", "404"), 1)

    def test_an_empty_list_is_legal(self):
        self.assertEqual(self.attempts([bad("503 Service Unavailable")], "--retry-on", ""), 1)
        result = self.send_one({"url": self.nobody()}, "--retry-on", "")
        self.assertEqual((result["attempts"], result["error"]), (1, "connect_refused"))

    def test_no_retry_on(self):
        self.assertEqual(self.attempts([bad("503 Service Unavailable")], "--no-retry-on", "5xx"), 1)
        result = self.send_one({"url": self.nobody()},
                               "--no-retry-on", "connect")
        self.assertEqual(result["attempts"], 1)

    def test_errors_by_name_and_word(self):
        for word in ("closed_no_response", "no_response"):
            self.assertEqual(self.attempts([lambda peer: peer.end()], "--retry-on", word), 2)
        self.assertEqual(self.attempts([lambda peer: peer.end()], "--retry-on", "timeout"), 1)

    def test_what_may_double_is_never_sent_twice(self):
        post = {"method": "POST", "data": "x"}
        for answer in (bad("404 Not Found"), bad("500 Internal Server Error"),
                       lambda peer: peer.end()):
            self.assertEqual(
                self.attempts([answer], "--retry-on", "4xx,5xx,no_response", record=post), 1)
        self.assertEqual(
            self.attempts([bad("404 Not Found")], "--retry-on", "404", "--at-least-once",
                          record=post), 2)

    def test_usage(self):
        self.assert_usage("--retry-on: \"oops\"", "--retry-on", "503,oops")
        self.assert_usage("--no-retry-on", "--no-retry-on", "600")
        self.assert_usage("longer than", "--retry-delay", "2s", "--retry-max-delay", "1s")


class Budget(Manners):
    def test_a_sick_platform_is_not_beaten(self):
        serve = self.serve("--status", "503:100%")
        # 250 retries: 200 in reserve, 25 from first tries, the others at twenty per second.
        run = self.takes_at_least(1.1, "--retry-delay", "1ms", "--retry-max-delay", "1ms",
                                  "--tries", "2", "--retry-budget", "10%+20/s", "-c", "20",
                                  "--trace", records=[{"url": serve.url}] * 250, expect=NOT_ALL_OK)
        results = run.results
        self.assertEqual({r["attempts"] for r in results}, {2})
        waits = collections.Counter(r["trace"][0]["for"] for r in results)
        self.assertGreater(waits["budget"], 10)
        self.assertRegex(run.err, r"held back +\d+ of them by the retry budget")
        self.assertEqual(serve.stats()["requests"], 500)

    def test_none(self):
        serve = self.serve("--status", "503:100%")
        run = self.send("--retry-delay", "1ms", "--retry-max-delay", "1ms", "--retry-budget",
                        "none", "--trace", records=[{"url": serve.url}] * 100, expect=NOT_ALL_OK)
        for result in run.results:
            self.assertEqual([a["for"] for a in result["trace"][:3]], ["backoff"] * 3)

    def test_usage(self):
        for text in ("20", "0%", "1001%", "20%+", "20%+5x", "20%+0/s", "-1%", "some", "20%%"):
            self.assert_usage("--retry-budget", "--retry-budget", text)


class Pause(Manners):
    def test_is_of_the_origin_and_stays_in_the_result(self):
        server = self.server(in_turn(bad("503 Service Unavailable", "Retry-After: 1"), GOOD))
        run = self.takes_at_least(1, "-c", "1", "--tries", "1", records=[{"url": server.url}] * 2,
                                  expect=NOT_ALL_OK)
        told, other = sorted(run.results, key=lambda result: result["line"])
        self.assertEqual((told["status"], told["retry_after"]), (503, 1))
        self.assert_ok(other, "good")
        self.assertRegex(run.err, r"pauses +1 as the platform asked")
        self.assertNotIn("retry_after", other)
        self.assertGreaterEqual(other["us"]["queue"], 900000)

    def test_comes_with_a_rate_limit_too(self):
        for headers in (["RateLimit-Remaining: 0",
                         "RateLimit-Reset: 1"], ['RateLimit: "a";r=0;t=1']):
            server = self.server(in_turn(response(b"good", headers=headers), GOOD))
            self.takes_at_least(1, "-c", "1", records=[{"url": server.url}] * 2, expect=OK)

    def test_is_bounded(self):
        server = self.server(in_turn(bad("429 Too Many Requests", "Retry-After: 3600"), GOOD))
        result = self.send_one({"url": server.url}, "--retry-after-max", "50ms", "--trace")
        self.assert_ok(result, "good")
        self.assertEqual(result["trace"][0]["pause"], 50000)


class Adaptive(Manners):
    def test_says_why_it_moves(self):
        serve = self.serve("--latency", "10ms", "--workers", "2")
        run = self.send("--adaptive", "-c", "16", records=[{"url": serve.url}] * 120, expect=OK)
        self.assertRegex(run.err, r"adaptive: 1 -> 2 connections: answers take \S+ ms")
        self.assertLessEqual(serve.stats()["connections_peak"], 16)

    def test_says_nothing_when_quiet(self):
        serve = self.serve("--latency", "10ms")
        run = self.send("--adaptive", "-q", records=[{"url": serve.url}] * 60, expect=OK)
        self.assertEqual(run.err, "")

    def test_finds_the_rate_of_who_only_refuses(self):
        """As nginx's limit_req does, each request that comes too soon. Without the option the
        summary tells how many it took."""
        serve = self.serve("--rate-limit", "200/s", "--rate-burst", "0", "--limits", "silent")
        options = ["--tries", "50", "--retry-delay", "20ms", "--retry-max-delay", "200ms",
                   "--retry-budget", "none"]
        run = self.send("--adaptive", *options, records=[{"url": serve.url}] * 300, expect=OK)
        self.assertRegex(run.err, r"adaptive: \S+/s, as the platform refuses more")
        run = self.send(*options, records=[{"url": serve.url}] * 40, expect=OK)
        self.assertRegex(run.err, r"refused +\d+ tries \(429, 503, 529\), and not for how long: "
                                  r"it\s+took up to \d+ in a second; --adaptive finds")

    def test_never_has_more_than_allowed(self):
        serve = self.serve("--latency", "1ms")
        self.send("--adaptive", "-c", "3", records=[{"url": serve.url}] * 1000, expect=OK)
        self.assertLessEqual(serve.stats()["connections_peak"], 3)


class Trace(Manners):
    def test_tells_of_each_attempt(self):
        server = self.server(in_turn(bad("503 Service Unavailable", "Retry-After: 1"), GOOD))
        result = self.send_one({"url": server.url}, "--trace")
        first, second = result["trace"]
        self.assertEqual(set(first), TRACE_KEYS | {"pause", "wait", "for"})
        self.assertEqual(set(second), TRACE_KEYS)
        self.assertEqual((first["status"], first["error"], first["reused"]), (503, None, False))
        self.assertEqual(second["status"], 200)
        self.assertGreaterEqual(first["wait"], 1000000)
        self.assertLessEqual(abs(first["began"] + first["total"] + first["wait"] - second["began"]),
                             3)

    def test_is_not_there_unasked(self):
        self.assertNotIn("trace", self.send_one({"url": self.server(in_turn(GOOD)).url}))


if __name__ == "__main__":
    main()
