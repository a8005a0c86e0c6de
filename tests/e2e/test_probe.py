"""How many connections a platform rewards, on platforms that are known to reward so many."""

import json

from harness import Case, INPUT, NOT_ALL_OK, OK, USAGE, main, refused_port


class Probe(Case):
    def probe(self, *args, expect=OK):
        run = self.run_ringsend("probe", *args)
        self.assertEqual(run.status, expect, run.err)
        return run

    def found(self, *args):
        return json.loads(self.probe("--json", *args).out)

    def test_the_article_knee(self):
        """1000 records took 816 s over one connection, and 424 s over forty: two were worked on
        at a time."""
        serve = self.serve("--latency", "40ms", "--workers", "2")
        found = self.found("--step", "800ms", serve.url)
        rates = {step["connections"]: step["rate"] for step in found["steps"]}
        self.assertLess(rates[1], 1000 / 40 * 1.05)
        self.assertLess(max(rates.values()), 2000 / 40 * 1.1)
        # A machine that is busy slows some of the steps down: the knee is where they say that it
        # is.
        enough = 0.9 * max(rates.values())
        knee = found["knee"]
        self.assertGreater(rates[knee], enough * 0.999)
        self.assertEqual([n for n in rates if n < knee and rates[n] > enough * 1.001], [])
        self.assertEqual((found["cap"], found["recommended"]), (None, knee))

    def test_a_hard_cap(self):
        serve = self.serve("--latency", "20ms", "--max-connections", "3")
        found = self.found("--step", "300ms", serve.url)
        self.assertEqual((found["cap"], found["recommended"]), (3, 3))
        self.assertLessEqual(serve.stats()["connections_peak"], 3)
        too_many = [step for step in found["steps"] if step["too_many"]]
        self.assertEqual({step["connections"] for step in too_many}, {4})
        self.assertLess(sum(step["pushed_back"] for step in too_many), 50)

    def test_goes_no_further_than_asked(self):
        serve = self.serve("--latency", "5ms")
        found = self.found("--step", "200ms", "-c", "3", serve.url)
        self.assertLessEqual(max(step["connections"] for step in found["steps"]), 3)
        self.assertLessEqual(serve.stats()["connections_peak"], 3)

    def test_says_what_it_sends_and_what_it_found(self):
        serve = self.serve("--latency", "5ms")
        run = self.probe("--step", "200ms", "-c", "1", serve.url)
        self.assertIn("sends GET %s over" % serve.url, run.err)
        self.assertIn(b"Recommended: -c 1", run.out)
        self.assertEqual(self.probe("-q", "--step", "200ms", "-c", "1", serve.url).err, "")

    def test_sends_records(self):
        serve = self.serve("--latency", "5ms", "--log", self.path("log"), "--id-header", "x-id")
        records = self.file("r.jsonl", [{"url": serve.url, "method": "PUT", "data": "x",
                                         "headers": {"x-id": "r%d" % n}} for n in range(3)])
        self.probe("--step", "200ms", "-c", "1", records)
        serve.stop()
        lines = [line.split("\t") for line in self.read("log").decode().splitlines()]
        self.assertEqual({line[3] for line in lines}, {"r0", "r1", "r2"})
        self.assertEqual({line[1] for line in lines}, {"PUT"})

    def test_no_good_answer(self):
        run = self.probe(self.serve("--status", "404:100%").url, expect=NOT_ALL_OK)
        self.assertIn("no good answer came: status 404", run.err)
        sock, port = refused_port()
        self.addCleanup(sock.close)
        run = self.probe("http://127.0.0.1:%d/" % port, expect=NOT_ALL_OK)
        self.assertIn("nothing listens", run.err)

    def test_a_single_connection_that_is_pushed_back_is_reported(self):
        """It is no platform without a good answer, and nothing is sent twice to make it look
        better."""
        for fault, cause in (("--reset", "reset the connection"), ("--status", "status 503")):
            with self.subTest(fault=fault):
                serve = self.serve(fault, "503:14%" if fault == "--status" else "14%", "--latency",
                                   "1ms")
                run = self.probe("--json", serve.url, expect=NOT_ALL_OK)
                found = json.loads(run.out)
                step, = found["steps"]
                stats = serve.stats()
                self.assertEqual((found["knee"], found["recommended"]), (None, None))
                self.assertRegex(
                    run.err,
                    "a single connection is pushed back already: %d of %d requests .*%s.*\n"
                    ".* %d answers were good" %
                    (step["pushed_back"], stats["requests"], cause, step["good"]))
                self.assertEqual(step["good"] + step["not_ok"] + step["errors"], stats["requests"])
                self.assertEqual(step["pushed_back"], step["not_ok"] + step["errors"])

    def test_usage(self):
        for words, args in (("say what with --data", ["-X", "POST", "http://127.0.0.1:1/"]),
                            ("say what with --data", ["-X", "DELETE", "http://127.0.0.1:1/"]),
                            ("name a URL", []),
                            ("--step", ["--step", "1ms", "http://127.0.0.1:1/"]),
                            ("one URL", ["http://127.0.0.1:1/", "http://127.0.0.1:2/"]),
                            ("--tries", ["--tries", "3", "http://127.0.0.1:1/"])):
            self.assertIn(words, self.probe(*args, expect=USAGE).err)
        self.assertIn("ringsend probe: cannot read",
                      self.probe(self.path("none"), expect=INPUT).err)


if __name__ == "__main__":
    main()
