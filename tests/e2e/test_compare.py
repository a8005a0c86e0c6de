"""`ringsend compare` and `ringsend bench --vs`: is one run slower than another."""

import json
import unittest

import hdr
from browser import render
from harness import INPUT, NOT_ALL_OK, OK, OUTPUT, SANITIZED, USAGE, Case, main

WORSE = 5


class Compare(Case):
    def bench(self, name, *args, serve=("--latency", "1ms"), expect=OK):
        """The JSON and the log of a run."""
        platform = self.serve(*serve)
        run = self.run_ringsend("bench", "-q", "-n", "3000", *args, "--json",
                                self.path(name + ".json"), "--hlog", self.path(name + ".hlog"),
                                platform.url)
        self.assertEqual(run.status, expect, run.err)
        return self.path(name + ".json")

    def compare(self, *args, expect=OK):
        run = self.run_ringsend("compare", "--force", *args)
        self.assertEqual(run.status, expect, run.err + run.out.decode())
        return run.out.decode()

    def figures(self, name="comparison.json"):
        return json.loads(self.read(name))

    def test_of_single_runs_only_what_is_gross_is_decided(self):
        """The requests of one run are not independent of each other."""
        fast, slow = self.bench("fast"), self.bench("slow", serve=("--latency", "20ms"))
        text = self.compare(fast, slow, "--json", self.path("comparison.json"), expect=WORSE)
        self.assertRegex(text, r"(?m)^worse: in these runs B is slower, p50 by \+\d+ %")
        self.assertIn("Requests of one run are not independent of each other", text)
        self.assertNotIn("interval", text)
        comparison, = self.figures()["comparisons"]
        self.assertEqual((comparison["verdict"], comparison["p50"]["verdict"]), ("worse", "worse"))
        self.assertGreater(comparison["p50"]["ratio"]["value"], 5)
        self.assertEqual((comparison["by_runs"], comparison["p50"]["ratio"]["low"]), (False, None))
        self.assertGreater(comparison["requests"]["b_larger"], 0.9)
        self.assertIn("better: in these runs B is faster", self.compare(slow, fast))
        text = self.compare(fast, fast, "--json", self.path("comparison.json"))
        self.assertIn("undecided: it cannot be told from so few runs: p50 by +0 %", text)
        comparison, = self.figures()["comparisons"]
        self.assertEqual((comparison["p50"]["verdict"], comparison["p50"]["ratio"]["value"]),
                         ("undecided", 1))
        slower = self.bench("slower", serve=("--latency", "3ms"))
        self.assertIn("undecided: ", self.compare(fast, slower))

    def test_it_tells_how_the_sides_were_made(self):
        """As the files have it, whatever stands there; a log has none of it."""
        a, b = self.bench("a", "-c", "7", "-n", "20"), self.bench("b", "-c", "8", "-n", "20")
        run = json.loads(self.read("a.json"))
        run["environment"]["cpu"] = "</script><b>'&\u2028"
        self.file("a.json", json.dumps(run).encode())
        self.compare(a, b, self.path("b.hlog"), "--json", self.path("comparison.json"))
        sides = self.figures()["sides"]
        self.assertNotIn(b"<", self.read("comparison.json"))
        for key in ("settings", "environment", "command"):
            self.assertEqual(sides[0][key], run[key])
            self.assertIsNone(sides[2][key])
        self.assertEqual([side["settings"]["connections"] for side in sides[:2]], [7, 8])

    @unittest.skipIf(SANITIZED, "a tenth of a time that the sanitizers make up")
    def test_runs_find_a_tenth(self):
        a = self.bench("a", "--repeat", "5", "-n", "600", "-c", "10", serve=("--latency", "20ms"))
        b = self.bench("b", "--repeat", "5", "-n", "600", "-c", "10", serve=("--latency", "22ms"))
        self.compare(a, b, "--json", self.path("comparison.json"), expect=WORSE)
        self.assertEqual(self.figures()["comparisons"][0]["p50"]["verdict"], "worse")

    @unittest.skipIf(SANITIZED, "24 s of waiting, for figures that test_load has under them, too")
    def test_a_server_that_hangs_to_the_end_is_worse(self):
        """Half of the requests never start, or are given up: they count with how long they
        waited, at least."""
        good = self.bench("good", "-r", "1000", "-n", "2000", "-c", "10", "--repeat", "4")
        hung = []
        for i in range(4):
            path = self.bench("hung%d" % i, "-r", "1000", "-n", str(10**6), "-z", "2s", "-c", "10",
                              "--timeout", "2s", serve=("--pause", "1s,60s"))
            hung.append(json.loads(self.read(path)))
            hung[i]["settings"]["target"] = "one server"
        runs = self.file("hung.json", json.dumps({"ringsend": "bench", "runs": hung}).encode())
        text = self.compare(good, runs, "--json", self.path("comparison.json"), expect=WORSE)
        p99 = self.figures()["comparisons"][0]["p99"]
        self.assertEqual((p99["verdict"], p99["a_at_least"], p99["b_at_least"]),
                         ("worse", False, True))
        self.assertGreaterEqual(p99["b_us"]["value"], 900_000)
        self.assertIsNone(p99["ratio"]["high"], "nothing bounds it")
        self.assertRegex(text, r"(?m)^  p99 .* >=\d.* to any  worse$")
        self.assertRegex(text, r"\d+ requests never started")
        for single in (self.path("hung0.json"), self.path("hung0.hlog")):
            self.compare(good, single, "--json", self.path("comparison.json"), expect=WORSE)
            p99 = self.figures()["comparisons"][0]["p99"]
            self.assertEqual((p99["verdict"], p99["b_at_least"]), ("worse", True))
        old = {**hung[0], "histograms": {"response": hung[0]["histograms"]["response"]}}
        run = self.run_ringsend("compare", good, self.file("old.json", json.dumps(old).encode()))
        self.assertEqual(run.status, INPUT)
        self.assertIn("requests that never started are in none of its times", run.err)

    def test_the_tolerance_decides(self):
        runs = ("--repeat", "4", "-n", "1000")
        fast = self.bench("fast", *runs)
        slow = self.bench("slow", *runs, serve=("--latency", "1ms", "--status", "500:2%"))
        self.compare(fast, slow, "--tolerance", "0%", expect=WORSE)
        more = self.bench("more", *runs, serve=("--latency", "1ms", "--status", "500:3%"))
        figures = {}
        for tolerance in ("0%", "100%"):
            self.run_ringsend("compare", slow, more, "--tolerance", tolerance, "--json",
                              self.path("comparison.json"))
            figures[tolerance] = self.figures()["comparisons"][0]["failed"]
        self.assertEqual((figures["0%"]["p"], figures["100%"]["verdict"]),
                         (figures["100%"]["p"], "same"))
        self.assertEqual(figures["0%"]["verdict"],
                         "worse" if figures["0%"]["p"] <= 0.05 else "same")

    def test_a_log_says_the_same_as_the_json(self):
        a = self.bench("a")
        counts = hdr.counts(json.loads(self.read("a.json"))["histograms"]["response"])
        self.compare(a, self.path("a.hlog"), "--json", self.path("comparison.json"))
        comparison, = self.figures()["comparisons"]
        for q, share in (("p50", 0.5), ("p99", 0.99)):
            self.assertEqual(comparison[q]["ratio"]["value"], 1)
            self.assertAlmostEqual(comparison[q]["a_us"]["value"] * 1000,
                                   hdr.quantile(counts, share), delta=0.5)
        self.assertNotIn("failed", comparison, "a log knows nothing of errors")

    def test_failed_requests_are_worse(self):
        good, bad = self.bench("good"), self.bench(
            "bad", serve=("--latency", "1ms", "--status", "500:30%"))
        text = self.compare(good, bad, "--tolerance", "100%", expect=WORSE)
        self.assertRegex(text, r"worse: .*\d % of B's requests failed, 0 % of A's")

    def test_few_requests_decide_nothing(self):
        few = self.bench("few", "-n", "50")
        self.assertIn("undecided: it cannot be told, too few requests",
                      self.compare(few, few, "--tolerance", "100%"))

    def test_each_is_compared_with_the_first(self):
        paths = [self.bench("a"), self.bench("b"), self.bench("c", serve=("--latency", "60ms"))]
        text = self.compare(*paths, "--json", self.path("comparison.json"), "--tolerance", "100%",
                            expect=WORSE)
        self.assertEqual(text.count("  A  " + paths[0]), 2)
        self.assertEqual([(c["a"], c["b"]) for c in self.figures()["comparisons"]], [(0, 1),
                                                                                     (0, 2)])
        self.assertEqual(self.figures()["comparisons"][1]["verdict"], "worse")

    def test_two_targets_take_turns_and_are_judged_by_runs(self):
        fast, slow = self.serve("--latency", "1ms"), self.serve("--latency", "10ms")
        run = self.run_ringsend("bench", "-q", "-n", "400", "--repeat", "4", "--vs", slow.url,
                                fast.url, "--json", self.path("runs.json"))
        self.assertEqual(run.status, WORSE, run.err)
        text = run.out.decode()
        self.assertRegex(text, r"(?m)^worse: B is slower, p50 by")
        self.assertIn("Judged by runs, 4 and 4: rank test of their p50 p = 0.029", text)
        self.assertEqual((fast.stats()["requests"], slow.stats()["requests"]), (1600, 1600))
        targets = [r["settings"]["target"] for r in self.figures("runs.json")["runs"]]
        self.assertEqual(targets, [fast.url, slow.url, slow.url, fast.url] * 2)
        again = self.compare(self.path("runs.json"), expect=WORSE)
        self.assertEqual(again[again.index("worse: "):], text[text.index("worse: "):])

    def test_runs_of_one_target_are_one_side(self):
        a = self.bench("a", "--repeat", "4", "-n", "400")
        b = self.bench("b", "--repeat", "5", "-n", "400", serve=("--latency", "10ms"))
        self.assertIn("Judged by runs, 4 and 5", self.compare(a, b, expect=WORSE))
        self.compare(a, expect=USAGE)

    def test_the_page_lays_the_curves_over_each_other(self):
        paths = [self.bench("a"), self.bench("b", "-c", "41", serve=("--latency", "60ms"))]
        self.compare(*paths, "--html", self.path("page.html"), "--json",
                     self.path("comparison.json"), expect=WORSE)
        tree, console = render(self.path("page.html"))
        self.assertEqual(console, [])
        figures = self.figures()
        comparison = figures["comparisons"][0]
        self.assertEqual(tree.figures("Comparison")["p99"],
                         [comparison["p99"]["a_us"]["value"], comparison["p99"]["b_us"]["value"],
                          comparison["p99"]["ratio"]["value"]])
        self.assertEqual(
            tree.figures("Sides")[paths[1]], [
                figures["sides"][1]["response_us"][key]
                for key in ("p50", "p75", "p90", "p95", "p99", "p999", "p9999", "max")
            ])
        settings = {row[0][0]: row for row in tree.tables["Settings"][1:]}
        self.assertEqual(settings["connections "], [["connections ", "differs"], ["40"], ["41"]])
        self.assertEqual(settings["threads"], [["threads"], ["1"], ["1"]])
        self.assertEqual({name for name, row in settings.items() if "differs" in row[0]},
                         {"target ", "connections "})
        for side in figures["sides"]:
            self.assertIn(side["command"].rstrip(), tree.texts)
        self.assertEqual([cell[0] for cell in tree.tables["Response time by percentile"][0]],
                         ["percentile", *paths])

    def test_rates_that_differ_are_marked(self):
        paths = [self.bench(name, "-n", "20", "-r", rate)
                 for name, rate in (("a", "500"), ("b", "400"))]
        self.compare(*paths, "--html", self.path("page.html"))
        tree, console = render(self.path("page.html"))
        self.assertEqual(console, [])
        settings = {row[0][0]: row for row in tree.tables["Settings"][1:]}
        self.assertEqual(settings["rate "], [["rate ", "differs"], ["500/s"], ["400/s"]])
        steps = self.bench("steps", "-n", "20", "--steps", "400,500")
        self.compare(steps, steps, "--html", self.path("steps.html"))
        tree, console = render(self.path("steps.html"))
        self.assertEqual(console, [])
        self.assertNotIn("rate", {row[0][0].strip() for row in tree.tables["Settings"][1:]})

    def test_a_file_may_tell_anything_of_its_settings(self):
        """The page shows it, whatever it is."""
        self.bench("a", "-n", "20")
        run = json.loads(self.read("a.json"))
        run["settings"].update({"duration_s": "long", "constructor": [1], "__proto__": {"a": 1},
                                "other": {"</script>": 1}, "ramp_s": 1e300})
        for name, environment, command in (("b", {"started_unix_s": 1e300, "cpu": True}, ["ls"]),
                                           ("c", "none", 7), ("d", None, None)):
            run.update(environment=environment, command=command)
            self.file(name + ".json", json.dumps(run).encode())
        paths = [self.path(name + ".json") for name in "abcd"]
        self.compare(*paths, "--html", self.path("page.html"))
        tree, console = render(self.path("page.html"))
        self.assertEqual(console, [])
        self.assertEqual(len(tree.tables["Settings"][0]), 5)

    def test_of_steps_one_is_compared(self):
        """The one at the rate that is asked for, of either file."""
        self.bench("one", "-n", "100", "--steps", "100,1000",
                   serve=("--latency", "5ms", "--workers", "1"))
        self.bench("other", "-n", "100", "--steps", "50,100",
                   serve=("--latency", "1ms", "--workers", "1"))
        files = self.path("one.json"), self.path("other.json")
        run = self.run_ringsend("compare", "--step", "100", *files, "--json", "-")
        sides = json.loads(run.out)["sides"]
        self.assertEqual([(side["name"], side["runs"], side["response_us"]["count"])
                          for side in sides], [(path, 1, 100) for path in files])
        for side, path, step in zip(sides, files, (0, 1)):
            figures = json.loads(self.read(path))["steps"][step]
            self.assertEqual(side["response_us"]["p50"], figures["response_us"]["p50"])
        run = self.run_ringsend("compare", "--step", "1000", *files)
        self.assertEqual(run.status, INPUT)
        self.assertIn("other.json: it holds no step at the rate", run.err)
        self.assertIn("--step must be", self.run_ringsend("compare", "--step", "nan", *files).err)

    def steps(self, name, *steps):
        """A file as bench --steps writes it: of each step its rate, the time of all its 10000
        responses, and how many of them failed. Each comes four times, so that there is something
        to judge."""
        return self.file(
            name,
            json.dumps({
                "ringsend": "bench", "steps": [{
                    "rate_target": rate, "requests": 10000, "errors": 0, "not_ok": failed,
                    "histograms": {"response": hdr.encode(ns, 10000)}
                } for rate, ns, failed in 4 * steps]
            }).encode())

    def test_steps_are_compared_by_rate(self):
        files = [
            self.steps("one", (500, 900, 0), (1000, 1000, 0), (2000, 1500, 0), (4000, 1600, 0)),
            self.steps("other", (250, 9, 0), (1000, 1000, 0), (4000, 2000, 0), (2000, 1000, 2500))
        ]
        text = self.compare(*files, "--json", self.path("comparison.json"), "--html",
                            self.path("page.html"), expect=WORSE)
        figures = self.figures()
        sides = figures["sides"]
        self.assertEqual(
            [(c["verdict"], c["p50"]["verdict"], sides[c["a"]]["rate_target"],
              sides[c["b"]]["rate_target"], sides[c["a"]]["name"], sides[c["b"]]["name"])
             for c in figures["comparisons"]], [("same", "same", 1000, 1000, *files),
                                                ("worse", "better", 2000, 2000, *files),
                                                ("worse", "worse", 4000, 4000, *files)])
        self.assertEqual(figures["verdict"], "worse")
        self.assertEqual([(sides[lone["side"]]["rate_target"], lone["missing_in"])
                          for lone in figures["unpaired"]], [(500, files[1]), (250, files[0])])
        self.assertRegex(text,
                         r"(?m)^ +1000 +1 us +1 us +\+0 % +1 us +1 us +\+0 % +0 % +0 %  same$")
        self.assertRegex(text, r"(?m)^ +2000 +1.50 us +1 us +-33.3 % .* 0 % +25 %  worse$")
        self.assertIn("\n  only in A: 500\n  only in B: 250\n", text)
        self.assertIn(
            "\nworse: of 3 rates: 1 same, 2 worse\n"
            "  2000: 25 % of B's requests failed, 0 % of A's\n"
            "  4000: B is slower, p50 by +25 % ", text)
        for line in text[text.index("rate"):text.index("\nworse:")].splitlines():
            self.assertLessEqual(len(line), 90, line)
        tree, console = render(self.path("page.html"))
        self.assertEqual(console, [])
        steps = tree.figures("Steps")
        self.assertEqual(list(steps), ["rate", "1,000/s", "2,000/s", "4,000/s"])
        self.assertEqual((steps["1,000/s"], steps["2,000/s"][-2:]),
                         ([1, 1, 1, 1, 1, 1, 0, 0], [0, 0.25]))
        self.assertEqual([row[0] for row in tree.tables["Response time by rate"][1:]],
                         [["1,000/s"], ["2,000/s"], ["4,000/s"]])
        self.assertIn("500/s: only in %s, not in %s" % tuple(files), tree.texts)

    def test_the_worst_step_decides(self):
        one = self.steps("one", (1, 1000, 0), (2, 1000, 0))
        for expect, verdicts in ((OK, ("same", "same")), (OK, ("better",
                                                               "better")), (OK, ("same", "better")),
                                 (WORSE, ("better", "worse")), (WORSE, ("worse", "same"))):
            with self.subTest(verdicts=verdicts):
                other = self.steps(
                    "other",
                    *((rate, {"same": 1000, "better": 500, "worse": 2000}[verdict], 0)
                      for rate, verdict in enumerate(verdicts, 1)))
                self.compare(one, other, "--json", self.path("comparison.json"), expect=expect)
                self.assertEqual([c["verdict"] for c in self.figures()["comparisons"]],
                                 list(verdicts))
                self.assertEqual(self.figures()["verdict"],
                                 max(verdicts, key=("better", "same", "worse").index))
        slow = self.steps("slow", (2, 3000, 0))
        self.compare(one, one, slow, "--json", self.path("comparison.json"), expect=WORSE)
        self.assertEqual([(c["a"], c["b"], c["verdict"]) for c in self.figures()["comparisons"]],
                         [(0, 2, "same"), (1, 3, "same"), (1, 4, "worse")])

    def test_a_rate_that_comes_several_times_is_several_runs(self):
        one = self.steps("one", (1, 1000, 0))
        self.assertIn("Judged by runs",
                      self.compare(one, one, "--json", self.path("comparison.json")))
        self.assertEqual([side["runs"] for side in self.figures()["sides"]], [4, 4])

    def test_steps_that_have_no_other_are_reported(self):
        one, far = self.steps("one", (1000, 1000, 0)), self.steps("far", (3000, 1000, 0))
        whole = self.bench("whole")
        for args, status, words in (((one, whole), INPUT,
                                     "one holds steps at several rates and %s does not: say" %
                                     whole), ((whole, one), INPUT,
                                              "one holds steps at several rates and"),
                                    ((one, far), INPUT, "have no step at the same rate"),
                                    ((one, one, far), INPUT, "far have no step at the same rate"),
                                    ((one, ), USAGE, "holds runs of one target")):
            with self.subTest(args=args):
                run = self.run_ringsend("compare", *args)
                self.assertEqual((run.status, run.out), (status, b""))
                self.assertIn(words, run.err)
        self.compare("--step", "1000", one, whole, expect=WORSE)

    def test_what_cannot_be_read_is_told_with_its_place(self):
        good = self.bench("good", "-n", "100")
        text = self.read("good.json").decode()
        log = self.read("good.hlog").decode()
        for content, words in ((b"", "no interval"), (b"{", "byte 2"), (b"{}",
                                                                        "not from ringsend bench"),
                               (b'{"ringsend":"bench"}',
                                "no histogram"), (b'{"ringsend":"bench","runs":[]}', "no run"),
                               (text.replace('"response":"HIST',
                                             '"response":"XIST').encode(), "HdrHistogram"),
                               (text.replace('"requests":100', '"requests":-5').encode(),
                                "no whole number"), (text.replace('"not_ok":0',
                                                                  '"not_ok":200').encode(),
                                                     "contradict"), (text[:-3].encode(), "byte "),
                               (b"nonsense", "line 1"), (log.replace("HIST", "HISS").encode(),
                                                         "line 6"), (log.split("\n")[0].encode(),
                                                                     "no interval")):
            with self.subTest(words=words):
                run = self.run_ringsend("compare", good, self.file("bad", content))
                self.assertEqual((run.status, run.out), (INPUT, b""))
                self.assertIn("bad: ", run.err)
                self.assertIn(words, run.err)
        for path in (self.path("missing"), self.dir):
            self.assertEqual(self.run_ringsend("compare", path, good).status, INPUT)

    def test_options(self):
        good = self.bench("good", "-n", "100")
        for args, words in (((), "name the files"), ((good, "--tolerance", "x"), "--tolerance"),
                            ((good, good, "--json", "-", "--html", "-"),
                             "cannot both"), ((good, ), "one target")):
            run = self.run_ringsend("compare", *args)
            self.assertEqual((run.status, run.out), (USAGE, b""))
            self.assertIn(words, run.err)
        run = self.run_ringsend("compare", good, good, "--json", "-")
        self.assertEqual(json.loads(run.out)["ringsend"], "compare")
        self.assertIn("  A  ", run.err)
        self.assertEqual(
            self.run_ringsend("compare", good, good, "--html", "/dev/full").status, OUTPUT)
        url = self.serve().url
        for args, words in ((("--vs", url, url), "the very URL"), (("--vs", "x", url),
                                                                   "--vs must be http"),
                            (("--vs", url, "--steps", "1,2", url + "?b"), "--steps"),
                            (("--repeat", "21", url), "20"), (("--tolerance", "1%", url), "--vs"),
                            (("--vs", url, self.file("in", [{"url": url}])), "two URLs")):
            with self.subTest(args=args):
                run = self.run_ringsend("bench", "-n", "1", *args)
                self.assertEqual(run.status, USAGE)
                self.assertIn(words, run.err)

    def test_a_target_that_never_answers_is_no_fast_one(self):
        good, gone = self.bench("good"), self.bench("gone", "-n", "30", serve=("--reset", "100%"),
                                                    expect=NOT_ALL_OK)
        self.compare(good, gone, expect=WORSE)


if __name__ == "__main__":
    main()
