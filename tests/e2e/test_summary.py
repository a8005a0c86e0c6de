"""--summary FILE: whole at every end, and its sums are those of the results."""

import json
import os
import signal

from harness import (INPUT, NOT_ALL_OK, NOT_STARTED, OK, OUTPUT, SANITIZED, SIGINT_EXIT,
                     SIGTERM_EXIT, STOPPED, USAGE, Case, main, refused_port)

LATENCY = ["count", "min_us", "p50_us", "p90_us", "p99_us", "p999_us", "max_us"]
KEYS = [
    "ringsend", "exit_status", "end", "complete", "elapsed_us", "records", "ok", "not_ok",
    "ambiguous", "unjudged", "tries", "results_lost", "not_ok_by_status", "not_ok_by_error",
    "failures", "failures_of_other_causes", "latency", "traffic", "held_back", "tls", "ring",
    "all_runs", "command", "go_on"
]


class Summary(Case):
    def summary(self, status, end, *options, records=None, results="results", **more):
        """Runs send; returns the summary, whose sums are those of the results."""
        if records is not None:
            more.setdefault("expect", status)
            run = self.send("--summary", self.path("summary"), "-o", self.path(results), *options,
                            records=records, **more)
        else:
            run = self.run_ringsend("send", "--summary", self.path("summary"), *options)
        self.assertEqual(run.status, status, run.err)
        return self.check(status, end, results)

    def check(self, status, end, results="results"):
        text = self.read("summary").decode()
        summary = json.loads(text)
        self.assertEqual((summary["exit_status"], summary["end"], text[-1]), (status, end, "\n"))
        if os.path.exists(self.path(results)) and end != "not_begun":
            self.assertEqual(list(summary), KEYS)
            lines = self.read(results).splitlines()
            self.assert_sums(summary, [json.loads(line) for line in lines])
        self.assertEqual([name for name in os.listdir(self.dir) if name.startswith("summary.")], [])
        return summary

    def assert_sums(self, summary, results):
        errors, statuses = {}, {}
        for result in results:
            if not result["ok"] and result["error"]:
                errors[result["error"]] = errors.get(result["error"], 0) + 1
            elif not result["ok"]:
                key = str(result["status"])
                statuses[key] = statuses.get(key, 0) + 1
        self.assertEqual(
            [summary[key] for key in ("records", "ok", "not_ok", "ambiguous", "tries",
                                      "not_ok_by_status", "not_ok_by_error")],
            [len(results), sum(r["ok"] for r in results), sum(not r["ok"] for r in results),
             sum(r.get("ambiguous", False) for r in results),
             sum(r["attempts"] for r in results), statuses, errors])
        self.assertEqual(sum(group["count"] for group in summary["failures"]) +
                         summary["failures_of_other_causes"], summary["not_ok"])
        self.assertEqual(list(summary["latency"]), LATENCY)
        self.assertEqual(summary["latency"]["count"], sum(r["attempts"] > 0 for r in results))

    def records(self, url, count=20):
        return [{"id": n, "url": url, "data": {"n": n}} for n in range(count)]

    def test_all_ok_and_some_not(self):
        summary = self.summary(OK, "finished", records=self.records(self.serve().url))
        self.assertTrue(summary["complete"])
        self.assertIsNone(summary["go_on"])
        self.assertIn("--summary", summary["command"])
        self.assertIn(summary["ring"]["io"], ("io_uring", "epoll"))
        sock, port = refused_port()
        self.addCleanup(sock.close)
        serve = self.serve("--status", "400:30%", "--body", "no <good> secret\"")
        records = self.records(serve.url, 50) + [{}]
        records += self.records("http://127.0.0.1:%d/" % port, 3)
        summary = self.summary(NOT_ALL_OK, "finished", "--force", "--tries", "1", "-H",
                               "X-Key: secret", records=records)
        self.assertEqual(summary["not_ok_by_error"], {"connect_refused": 3, "bad_record": 1})
        self.assertEqual(summary["failures"][0]["status"], 400)
        self.assertNotIn("X-Key: secret", self.read("summary").decode())

    def test_what_never_began(self):
        self.summary(INPUT, "not_begun", self.path("nowhere"))
        records = self.file("records", self.records("http://127.0.0.1/"))
        os.mkdir(self.path("directory"))
        summary = self.summary(OUTPUT, "not_begun", "-o", self.path("directory"), records)
        self.assertEqual((summary["records"], summary["complete"]), (0, False))
        self.summary(USAGE, "not_begun", "-o", self.file("there", b"old"), records)
        self.summary(USAGE, "not_begun", "--cacert", "/nowhere", records)
        serve = self.serve("--latency", "10s")
        one = self.file("one", self.records(serve.url, 1))
        held = self.start("send", "-o", self.path("held"), one)
        while serve.stats()["connections"] == 0:
            self.assertIsNone(held.process.poll())
        self.summary(NOT_STARTED, "not_begun", "--resume", "-o", self.path("held"), records)
        self.assertEqual(self.read("there"), b"old")

    def test_stopped_for_failures_and_gone_on_with(self):
        serve = self.serve("--status", "500:100%")
        summary = self.summary(STOPPED, "too_many_failures", "--max-failures", "5", "--tries", "1",
                               "-c", "2", records=self.records(serve.url, 500))
        self.assertFalse(summary["complete"])
        self.assertIn("ringsend send --resume", summary["go_on"])
        self.summary(STOPPED, "aborted", "--abort-on", "500", "--tries", "1", "--force",
                     records=self.records(serve.url, 50))

    def test_signals(self):
        for number, status in ((signal.SIGINT, SIGINT_EXIT), (signal.SIGTERM, SIGTERM_EXIT)):
            serve = self.serve("--latency", "20ms")
            records = self.file("records", self.records(serve.url, 5000))
            run = self.start("send", "--force", "-c", "2", "--summary", self.path("summary"), "-o",
                             self.path("results"), records)
            while serve.stats()["requests"] < 4:
                self.assertIsNone(run.process.poll())
            run.signal(number)
            self.assertEqual(run.finish().status, status)
            summary = self.check(status, "signal")
            self.assertGreater(summary["records"], 0)

    def test_results_that_cannot_be_written(self):
        if SANITIZED:
            self.skipTest("once is enough")
        records = self.file("records", self.records(self.serve().url, 50))
        run = self.run_ringsend("send", "--summary", self.path("summary"), "-o", "/dev/full",
                                records)
        self.assertEqual(run.status, OUTPUT)
        self.check(OUTPUT, "output_failed")

    def test_files_that_are_not_overwritten(self):
        url = self.serve().url
        records = self.file("records", self.records(url))
        other = self.file("other", b"dear to somebody")
        for path, status, told in ((other, OUTPUT, "--force"), (self.dir, OUTPUT, "regular"),
                                   ("/dev/full", OUTPUT, "regular"), (records, OUTPUT, "an input"),
                                   ("/nowhere/x", OUTPUT, "No such"), ("-", OUTPUT, "replaced"),
                                   (self.path("new"), USAGE, "another output"),
                                   (self.path("new.journal"), USAGE, "another output")):
            run = self.run_ringsend("send", "--summary", path, "-o", self.path("new"), records)
            self.assertEqual(run.status, status, (path, run.err))
            self.assertIn(told, run.err)
            self.assertFalse(os.path.exists(self.path("new")), path)
        self.assertEqual(self.read("other"), b"dear to somebody")
        os.chmod(other, 0o640)
        for _ in range(2):  # its own is replaced, through a link, and keeps its mode
            os.path.exists(self.path("link")) or os.symlink(other, self.path("link"))
            run = self.run_ringsend("send", "--force", "--summary", self.path("link"), "-o",
                                    self.path("new"), records)
            self.assertEqual(run.status, OK, run.err)
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual((json.loads(self.read("other"))["ok"], os.stat(other).st_mode & 0o777),
                         (20, 0o640))


if __name__ == "__main__":
    main()
