"""-t: an engine on each of several threads; one job all the same."""

import collections
import json
import os
import signal
import threading
import time
import unittest

from harness import (BOUND_S, Case, NOT_ALL_OK, OK, REFUSED, SIGINT_EXIT, STOPPED, USAGE, answering,
                     json_lines, main, response)


class Threads(Case):
    def assert_each_once(self, results, count):
        self.assertEqual(sorted(r["id"] for r in results), list(range(count)))

    def records(self, url, count, **more):
        return [{"id": n, "url": url, "data": {"n": n}, **more} for n in range(count)]

    def test_each_record_once_whatever_becomes_of_it(self):
        serve = self.serve("--status", "404:5%", "--status", "503:5%", "--close", "2%", "--reset",
                           "2%", "--seed", "5", "--log", self.path("log"))
        records = self.records(serve.url, 3000)
        records[7::100] = [b"broken"] * len(records[7::100])
        run = self.send("-t", "4", "-c", "20", "--retry-delay", "1ms", "--failed",
                        self.path("failed"), "-o", self.path("out"), records=records,
                        expect=NOT_ALL_OK)
        results = json_lines(self.read("out"))
        self.assertEqual(sorted(r["line"] for r in results), list(range(1, 3001)))
        failed = [r["line"] for r in results if not r["ok"]]
        lines = self.read("records.jsonl").splitlines()
        self.assertEqual(sorted(self.read("failed").splitlines()),
                         sorted(lines[n - 1] for n in failed))
        details = {r["detail"] for r in results if r["error"] == "bad_record"}
        self.assertEqual(len(details), 1)
        self.assertTrue(all(r["detail"] for r in results if r["error"]))
        self.assertIn("3000 records in", run.err)
        self.assertFalse(os.path.exists(self.path("out.journal")))

    def test_the_limit_of_connections_holds_over_all(self):
        for threads, connections in ((2, 2), (3, 7), (5, 11)):
            serve = self.serve("--max-connections", "500", "--latency", "2ms")
            self.send("-t", str(threads), "-c", str(connections),
                      records=self.records(serve.url, 600), expect=OK)
            self.assertEqual(serve.stats()["connections_peak"], connections)

    def test_connections_are_kept_whatever_is_sent_on_them(self):
        """A POST waits until a connection has stood for a while, and no other engine takes it."""
        serve = self.serve("--latency", "2ms")
        self.send("-t", "2", "-c", "4", records=self.records(serve.url, 1000), expect=OK)
        self.assertLess(serve.stats()["connections"], 100)

    def test_the_rate_holds_over_all(self):
        serve = self.serve("--log", self.path("log"))
        self.send("-t", "3", "--rate", "200/s", "--burst", "3",
                  records=self.records(serve.url, 100), expect=OK)
        serve.stop()
        stamps = sorted(int(line.split("\t")[0]) for line in self.read("log").decode().splitlines())
        self.assertEqual(len(stamps), 100)
        # What begins at most 200 a second, and 3 at once, takes so long.
        self.assertGreaterEqual(stamps[-1] - stamps[0], (100 - 3) / 200 * 1e6 * 0.95)

    def starts(self, serve):
        serve.stop()
        return sorted(int(line.split("\t")[0]) for line in self.read("log").decode().splitlines())

    def test_one_burst_over_all(self):
        serve = self.serve("--log", self.path("log"))
        self.send("-t", "4", "--rate", "10/s", "--burst", "2", records=self.records(serve.url, 12),
                  expect=OK)
        stamps = self.starts(serve)
        for first in range(12 -
                           2):  # the third after it comes at the earliest a tenth of a second later
            self.assertGreaterEqual(stamps[first + 2] - stamps[first], 0.1e6 * 0.9)

    def test_one_pause_over_all(self):
        asked, later, go = threading.Event(), [], threading.Event()

        def answer(request):
            with lock:
                first = not asked.is_set()
                asked.set()
            if first:
                return response(b"", status="429 Too Many Requests", headers=["Retry-After: 2"])
            later.append(time.monotonic())
            return response(b"")
        lock = threading.Lock()
        server = self.server(answering(answer))
        # In flight at the moment of the answer is what was sent before: with --rate at most one
        # more.
        began = time.monotonic()
        self.send("-t", "4", "-c", "8", "--rate", "100/s", "--burst", "1",
                  records=self.records(server.url, 60), expect=OK)
        self.assertEqual(len(later), 60)
        self.assertLessEqual(sum(at - began < 2 for at in later), 2)

    def test_retries_of_all_share_one_budget(self):
        serve = self.serve("--status", "503:100%", "--log", self.path("log"))
        self.send("-t", "4", "--tries", "2", "--retry-delay", "1ms", "--retry-budget", "1%+1/s",
                  "--deadline", "1s", records=self.records(serve.url, 200), expect=NOT_ALL_OK)
        # 1 % of 200, ten in reserve, and one a second for some seconds.
        self.assertLessEqual(len(self.starts(serve)), 200 + 2 + 10 + 5)

    def test_order_and_series_hold_over_all(self):
        lock = threading.Lock()
        active, overlaps, seen = collections.Counter(), [], collections.defaultdict(list)

        def answer(request):
            user, n = request.body.decode().split(",")[0], request.body
            with lock:
                active[user] += 1
                if active[user] > 1:
                    overlaps.append(n)
                seen[user].append(json.loads(request.body)["n"])
            threading.Event().wait(0.001)
            with lock:
                active[user] -= 1
            return response(b"")
        server = self.server(answering(answer))
        records = [{"id": n, "url": server.url, "data": {"user": n % 9, "n": n}}
                   for n in range(400)]
        run = self.send("-t", "3", "-c", "12", "--ordered", "--serialize", ".user", records=records,
                        expect=OK)
        self.assertEqual([r["id"] for r in run.results], list(range(400)))
        self.assertEqual(overlaps, [])
        for numbers in seen.values():
            self.assertEqual(numbers, sorted(numbers))

    def test_other_forms_and_bodies(self):
        server = self.server(answering(lambda request: response(request.body, headers=["x-n: 1"])))
        records = self.records(server.url, 300)
        run = self.send("-t", "2", "--headers", "--trace", records=records, expect=OK)
        for result in run.results:
            self.assertEqual(json.loads(result["body"]), {"n": result["id"]})
            self.assertEqual(result["headers"]["x-n"], "1")
            self.assertEqual(len(result["trace"]), 1)
        run = self.send("-t", "2", "--bodies", self.path("bodies"), records=records, expect=OK)
        for result in run.results:
            with open(result["body_file"], "rb") as file:
                self.assertEqual(json.loads(file.read()), {"n": result["id"]})

    def held(self):
        go = threading.Event()

        def script(peer):
            while peer.request():
                go.wait(BOUND_S)
                peer.send(response(b""))
        server = self.server(script)
        self.addCleanup(go.set)
        return server, go

    def test_a_signal_stops_all_and_resume_goes_on(self):
        server, go = self.held()
        path = self.file("in", self.records(server.url, 500))
        program = self.start("send", "-t", "3", "-c", "6", "-o", self.path("out"), path)
        server.wait_for(lambda s: len(s.requests) == 6)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal_again(signal.SIGINT)
        run = program.finish()
        self.assertEqual(run.status, SIGINT_EXIT, run.err)
        self.assertIn("0 done, 6 in doubt", run.err)
        go.set()
        run = self.run_ringsend("send", "--resume", "-t", "2", "-o", self.path("out"), path)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        results = json_lines(self.read("out"))
        self.assert_each_once(results, 500)
        self.assertEqual(len([r for r in results if r["error"] == "in_doubt"]), 6)
        self.assertEqual(len(server.requests), 500)

    def test_killed_and_resumed_nothing_is_doubled(self):
        serve = self.serve("--latency", "1ms", "--log", self.path("log"))
        doubtful = {}
        for name, options in (("plain", []), ("sync", ["--sync"])):
            out = self.path(name)
            path = self.file("in", [{"id": n, "url": "%s%s/%d" % (serve.url, name, n), "data": "x"}
                                    for n in range(4000)])
            args = ["send", *options, "-t", "3", "-c", "20", "-o", out, path]
            program = self.start(*args)
            while not os.path.exists(out) or not os.path.getsize(out):
                self.assertIsNone(program.process.poll())
            program.signal(signal.SIGKILL)
            program.finish()
            run = self.run_ringsend(*args, "--resume")
            self.assertIn(run.status, (OK, NOT_ALL_OK), run.err)
            with open(out, "rb") as file:
                results = json_lines(file.read())
            self.assert_each_once(results, 4000)
            doubtful.update(("/%s/%d" % (name, r["id"]), r["error"]) for r in results if r["error"])
        serve.stop()
        self.assertEqual(set(doubtful.values()) - {"in_doubt"}, set())
        delivered = collections.Counter(line.split("\t")[2]
                                        for line in self.read("log").decode().splitlines())
        self.assertEqual(set(delivered.values()), {1})
        self.assertEqual(len(set(delivered) | set(doubtful)), 8000)

    def test_numbers_out_of_range_are_refused(self):
        path = self.file("in", [])
        for count in ("0", "65", "x"):
            self.assertEqual(self.run_ringsend("send", "-t", count, path).status, USAGE)

    def test_more_threads_than_connections(self):
        for options in (["-c", "1"], ["-c", "3"], ["-c", "8", "--per-host", "1"]):
            serve = self.serve("--latency", "1ms", "--close", "20%", "--max-connections", "500")
            run = self.send("-t", "4", "-X", "PUT", *options, "--retry-delay", "1ms",
                            "--retry-budget", "none", "--tries", "20",
                            records=self.records(serve.url, 200), expect=OK)
            self.assert_each_once(run.results, 200)
            self.assertLessEqual(serve.stats()["connections_peak"], min(int(options[-1]), 3))

    @unittest.skipIf(REFUSED, "serve over epoll may see a new connection before an older one's end")
    def test_one_host_has_all_its_places_whoever_has_its_records(self):
        serve = self.serve("--latency", "5ms", "--max-connections", "500")
        other = self.server(answering(lambda request: response(b"")))
        # By turns, so that with two threads one may have all of a host.
        records = [{"id": n, "url": (serve, other)[n % 2].url} for n in range(400)]
        self.send("-t", "2", "-c", "20", "--per-host", "6", records=records, expect=OK)
        self.assertEqual(serve.stats()["connections_peak"], 6)

    def test_adaptive_steers_all(self):
        serve = self.serve("--latency", "10ms", "--workers", "2")
        run = self.send("-t", "3", "--adaptive", "-c", "16", records=self.records(serve.url, 400),
                        expect=OK)
        self.assertRegex(run.err, r"adaptive: 1 -> 2 connections: answers take \S+ ms")
        self.assertLessEqual(serve.stats()["connections_peak"], 16)

    def test_failures_stop_all(self):
        serve = self.serve("--status", "404:100%", "--latency", "2ms")
        run = self.send("-t", "3", "-c", "6", "--max-failures", "10", "-o", self.path("out"),
                        records=self.records(serve.url, 3000), expect=STOPPED)
        self.assertLess(len(json_lines(self.read("out"))), 10 + 100, run.err)


if __name__ == "__main__":
    main()
