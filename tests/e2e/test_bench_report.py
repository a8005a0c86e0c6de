"""`ringsend bench`, the report: every form of it tells the same figures, which agree with what
the server counted, and a run that failed does not look like one that is good."""

import collections
import csv
import datetime
import io
import itertools
import json
import os
import re
import resource
import shlex
import threading

import hdr
from browser import printed, render, said, with_script
from harness import (BOUND_S, NOT_ALL_OK, NOT_STARTED, OK, OUTPUT, USAGE, Case, answering, main,
                     refused_port, response)

THRESHOLD = 5
CHARTS = 5  # of a run
QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999,
             "p9999": 0.9999}
TIMES = {"response": "response_us", "service": "service_us", "send_lag": "send_lag_us"}


class Report(Case):
    def bench(self, *args, expect=OK, serve=("--latency", "1ms,4ms")):
        self.platform = self.serve(*serve)
        run = self.run_ringsend("bench", "-q", "--force", *args, self.platform.url)
        self.assertEqual(run.status, expect, run.err)
        return run

    def load(self, name="figures.json"):
        return json.loads(self.read(name))

    def test_json_agrees_with_the_server_and_with_itself(self):
        self.bench("-r", "1000", "-n", "500", "-c", "9", "--json", self.path("figures.json"))
        figures = self.load()
        self.assertEqual(self.platform.stats()["requests"], 500)
        self.assertEqual((figures["requests"], figures["errors"], figures["not_ok"]), (500, 0, 0))
        self.assertEqual(figures["statuses"], {"200": 500})
        self.assertEqual(figures["errors_by_name"], {})
        self.assertEqual(figures["rate_target"], 1000)
        self.assertAlmostEqual(figures["rate_achieved"], figures["in_time"] / figures["duration_s"],
                               delta=0.01)
        self.assertLessEqual(figures["in_time"], 500)
        self.assertEqual(figures["settings"]["connections"], 9)
        self.assertEqual(figures["settings"]["rate_per_s"], figures["rate_target"])
        self.assertEqual((figures["settings"]["loop"], figures["settings"]["arrivals"]),
                         ("open", "constant"))
        self.assertEqual(figures["settings"]["target"], self.platform.url)
        self.assertEqual(sum(second["requests"] for second in figures["series"]), 500)
        self.assertTrue(figures["environment"]["kernel"])
        self.assertEqual(figures["phases"]["first_byte_us"]["count"], 500)
        self.assert_heat(figures)
        for name, key in TIMES.items():
            times = figures[key]
            counts = hdr.counts(figures["histograms"][name])
            self.assertEqual(list(times), [*QUANTILES, "max", "count"])
            self.assertEqual((times["count"], sum(counts.values())), (500, 500))
            for quantile, share in QUANTILES.items():
                expected = min(hdr.quantile(counts, share), times["max"] * 1000)
                self.assertAlmostEqual(times[quantile] * 1000, expected, delta=0.5)
            curve = figures["curves"][name]
            self.assertEqual(curve[-1], [1, times["max"]])
            self.assertEqual(curve, sorted(curve))

    def assert_heat(self, figures):
        """Its cells hold what the histogram of response times does, in the same rows."""
        heat, rows = figures["heat"], collections.Counter()
        for cells in heat["columns"]:
            rows.update(dict(zip(cells[::2], cells[1::2])))
        self.assertEqual(heat["column_s"], 0.1)
        times = figures["response_us"]
        self.assertEqual(sum(rows.values()), times["count"])
        edges = heat["edges_us"]
        self.assertEqual((min(rows), max(rows)), (0, len(edges) - 2))
        self.assertTrue(edges[-2] <= times["max"] < edges[-1])
        below = sum(count for row, count in rows.items() if edges[row + 1] <= times["p50"])
        self.assertLessEqual(below, times["count"] / 2)

    def test_a_closed_loop_has_no_target(self):
        self.bench("-n", "50", "-c", "5", "--json", self.path("figures.json"))
        figures = self.load()
        self.assertIsNone(figures["rate_target"])
        self.assertIsNone(figures["settings"]["arrivals"])
        self.assertEqual(figures["settings"]["loop"], "closed")

    def test_the_command_to_repeat_it_has_no_secret(self):
        """It is run, and asks for the same; what is secret is named, and files are not written
        again."""
        self.bench("-n", "7", "-c", "3", "-H", "Authorization: Bearer hidden", "-H", "Accept: a b",
                   "--data", "it's", "--fail-if", "p99>60s", "--json", self.path("figures.json"))
        command, missing = self.load()["command"].split("\n", 1)
        self.assertEqual(missing, "  What is secret is not shown: set SECRET_AUTHORIZATION first\n")
        header, gap = command.index(" -H 'Authorization: '"), "\"${SECRET_AUTHORIZATION:?"
        self.assertTrue(command[header:].startswith(" -H 'Authorization: '" + gap))
        words = shlex.split(command[:header] + command[command.index("}\"") + 2:])
        self.assertEqual(words[:2] + words[-1:], ["ringsend", "bench", self.platform.url])
        self.assertEqual(words[2:-1], ["-q", "-n", "7", "-c", "3", "-H", "Accept: a b", "--data",
                                       "it's", "--fail-if", "p99>60s"])
        run = self.run_ringsend(*words[1:])
        self.assertEqual((run.status, self.platform.stats()["requests"]), (OK, 14), run.err)

    def test_csv_has_a_row_a_second(self):
        self.bench("-n", "100", "-c", "5", "--csv", self.path("figures.csv"), "--json",
                   self.path("figures.json"))
        rows = list(csv.DictReader(io.StringIO(self.read("figures.csv").decode())))
        series = self.load()["series"]
        self.assertEqual(sum(int(row["requests"]) for row in rows), 100)
        self.assertEqual([(int(row["second"]), float(row["p99_us"])) for row in rows],
                         [(second["second"], second["p99_us"]) for second in series])

    def test_steps_are_rows_and_an_array(self):
        self.bench("-n", "20", "--steps", "500,1000", "--csv", self.path("figures.csv"),
                   "--json", self.path("figures.json"), "--hlog", self.path("figures.hlog"))
        steps = self.load()["steps"]
        rows = list(csv.DictReader(io.StringIO(self.read("figures.csv").decode())))
        self.assertEqual([step["rate_target"] for step in steps], [500, 1000])
        self.assertEqual(
            [(float(row["rate_target"]), float(row["response_p99_us"]), int(row["requests"]))
             for row in rows],
            [(step["rate_target"], step["response_us"]["p99"], 20) for step in steps])
        self.assertEqual(len(self.intervals("figures.hlog")), 6)

    def intervals(self, name):
        lines = self.read(name).decode("ascii").splitlines()
        self.assertEqual(lines[0], "#[Histogram log format version 1.3]")
        return [line.split(",") for line in lines if not line.startswith(("#", '"'))]

    def test_hlog_holds_the_histograms_of_the_json(self):
        self.bench("-r", "200", "-n", "500", "-t", "2", "--hlog", self.path("figures.hlog"),
                   "--json", self.path("figures.json"))
        figures = self.load()
        *seconds, service, lag = self.intervals("figures.hlog")
        counts = [hdr.counts(line[-1]) for line in seconds]
        self.assertEqual([sum(second.values()) for second in counts],
                         [second["requests"] for second in figures["series"]])
        self.assertEqual(sum(map(collections.Counter, counts), collections.Counter()),
                         hdr.counts(figures["histograms"]["response"]))
        starts = [float(line[0]) for line in seconds]
        self.assertEqual(starts, list(range(len(starts))))
        self.assertGreaterEqual(len(starts), 3)
        self.assertEqual([float(line[1]) for line in seconds[:2]], [1, 1])
        self.assertEqual(service[0], "Tag=service")
        self.assertEqual(hdr.counts(service[-1]), hdr.counts(figures["histograms"]["service"]))
        self.assertEqual(lag[0], "Tag=send_lag")
        self.assertEqual(hdr.counts(lag[-1]), hdr.counts(figures["histograms"]["send_lag"]))

    def test_the_text_has_percentiles_and_no_mean(self):
        run = self.bench("-r", "1000", "-n", "200")
        text = run.out.decode()
        for pattern in (r"^ringsend bench: GET http://.*, 40 connections, ",
                        r"  rate +\d.* a second, 1000 asked for", r"  ok +200\n",
                        r"p50 +p90 +p99 +p99.9 +p99.99 +max\n", r"  response +\d", r"  service +\d",
                        r"  send lag +\d", r"   first byte +\d", r" %  #", r"opened, \d+ at once",
                        r" out, .* in", r" CPU a request, "):
            with self.subTest(pattern=pattern):
                self.assertRegex(text, pattern)
        self.assertNotRegex(text, r"(?i)\bmean\b|average|deviation|stdev")
        for line in text.splitlines()[1:]:
            self.assertLessEqual(len(line), 90, line)

    def test_a_line_a_second_unless_quiet(self):
        self.platform = self.serve()
        run = self.run_ringsend("bench", "-n", "50", self.platform.url)
        self.assertRegex(run.err, r"(?m)^ +1 s +50 responses  p50 +\d")
        self.assertEqual(self.bench("-n", "50").err, "")

    def test_failures_are_named_and_counted(self):
        run = self.bench("-n", "400", "-c", "4", "--json", self.path("figures.json"),
                         serve=("--status", "503:20%", "--reset", "10%"))
        figures = self.load()
        self.assertEqual(figures["requests"] + figures["errors"], 400)
        self.assertEqual(figures["not_ok"], figures["statuses"]["503"])
        self.assertEqual(sum(figures["errors_by_name"].values()), figures["errors"])
        self.assertGreater(figures["errors"], 0)
        text = run.out.decode()
        self.assertRegex(text, r"  failed +%d  " % (figures["errors"] + figures["not_ok"]))
        self.assertRegex(text, r" %d  status 503\n" % figures["not_ok"])
        for name, count in figures["errors_by_name"].items():
            self.assertRegex(text, r" %d  %s\n" % (count, name))

    def test_nothing_but_failures_does_not_look_like_success(self):
        run = self.bench("-n", "20", "--json", self.path("figures.json"), "--fail-if", "errors>0",
                         serve=("--status", "503:100%"), expect=NOT_ALL_OK)
        self.assertEqual((self.load()["requests"], self.load()["not_ok"]), (20, 20))
        self.assertEqual(sum(second["not_ok"] for second in self.load()["series"]), 20)
        self.assertIn("\nringsend bench: NO REQUEST WAS OK: what was measured are failures",
                      run.out.decode())
        self.bench("-n", "20", "--ok-status", "503", serve=("--status", "503:100%"), expect=OK)
        run = self.bench("-n", "200", serve=("--status", "503:50%"), expect=OK)
        self.assertNotIn("NO REQUEST", run.out.decode())
        self.platform = self.serve("--status", "503:100%")
        run = self.run_ringsend("bench", "-n", "20", self.platform.url)
        self.assertRegex(run.err, r"(?m)^ +1 s +20 responses .*  20 not ok$")

    def test_a_target_with_nothing_but_failures_is_reported(self):
        """Even if it is the one to compare with, and the other one were better."""
        good, bad = self.serve(), self.serve("--status", "503:100%")
        for args in ((good.url, "--vs", bad.url), (bad.url, "--vs", good.url)):
            run = self.run_ringsend("bench", "-q", "-n", "20", "--repeat", "1", *args)
            self.assertEqual(run.status, NOT_ALL_OK, run.err)
            text = run.out.decode()
            self.assertEqual((text.count("NO REQUEST WAS OK"), text.count("  20  status 503\n")),
                             (1, 1))
            self.assertRegex(text, r"(?m)  20 \* %s$" % bad.url)

    def test_a_run_that_cannot_start_leaves_those_before_it(self):
        """The third run may have no more descriptors; nor may who looks for leaks."""
        for kind, wanted, args in (("runs", 3, ("--repeat", "3")),
                                   ("steps", 4, ("--steps", "100,200,300,400"))):
            with self.subTest(kind=kind):
                seen, started = itertools.count(1), threading.Event()

                def answer(_, seen=seen, started=started):
                    if next(seen) == 2:
                        started.wait(BOUND_S)
                        resource.prlimit(bench.process.pid, resource.RLIMIT_NOFILE, (3, 3))
                    return response(b"hello")

                bench = self.start("bench", "-n", "1", "-c", "1", *args, "--force", "--json",
                                   self.path("figures.json"), self.server(answering(answer)).url,
                                   env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
                started.set()
                run = bench.finish()
                self.assertEqual(run.status, NOT_STARTED, run.err)
                self.assertRegex(
                    run.err, r"(?m)^run 3 of %d: http.*\nringsend bench: run 3 of %d: The limit of "
                    r"open descriptors" % (wanted, wanted))
                figures = self.load()
                self.assertEqual((len(figures[kind]), figures["runs_wanted"]), (2, wanted))
                self.assertIn("\nringsend bench: ONLY 2 OF %d RUNS were made\n" % wanted,
                              run.out.decode())

    def test_several_runs_are_a_table_and_what_is_to_be_said(self):
        run = self.bench("-n", "200", "--steps", "1000,2000", serve=("--status", "503:30%"))
        text = run.out.decode()
        self.assertRegex(
            text,
            r"^ringsend bench: GET http\S+, 2 steps, 40 connections\nstep 1, 1000 a second\n  ok ")
        self.assertEqual(len(re.findall(r"(?m)^ +\d+  status 503$", text)), 2)
        self.assertRegex(text,
                         r"(?m)^ +1 +1000 .* \d+( \*)?\n +2 +2000 .* \d+( \*)?\n  response times")

    def test_conditions_decide_about_the_exit_status(self):
        for expect, conditions in ((OK, ("p99>60s", "errors>0", "service.p50>60s", "p(99)<60000")),
                                   (THRESHOLD, ("max>1us", )), (THRESHOLD, ("p99>60s", "p50>1ns")),
                                   (THRESHOLD, ("p(50)<0.001", )), (THRESHOLD,
                                                                    ("rate<1000000/s", ))):
            with self.subTest(conditions=conditions):
                args = [arg for condition in conditions for arg in ("--fail-if", condition)]
                run = self.bench("-n", "20", "--json", self.path("figures.json"), *args,
                                 expect=expect)
                told = self.load()["thresholds"]
                self.assertEqual([t["condition"] for t in told], list(conditions))
                self.assertEqual(any(t["failed"] for t in told), expect == THRESHOLD)
                said = [line[2:] for line in run.out.decode().splitlines()
                        if line.endswith((": passed", ": FAILED"))]
                self.assertEqual(said, [t["verdict"] for t in told])
                self.assertEqual([line.endswith("FAILED") for line in said],
                                 [t["failed"] for t in told])
        self.bench("-n", "200", "--fail-if", "errors>5%", serve=("--status", "500:30%"),
                   expect=THRESHOLD)
        self.bench("-n", "50", "-r", "500", "--fail-if", "rate<0.01", expect=OK)

    def test_conditions_that_are_none_are_refused_by_column(self):
        for condition, words in (("p99>20", "column 7: a unit"), ("p99<20ms",
                                                                  "column 4: this would fail"),
                                 ("latency>1s", "column 1: p99"), ("rate<0.9", "--rate")):
            with self.subTest(condition=condition):
                run = self.bench("-n", "1", "--fail-if", condition, expect=USAGE)
                self.assertIn(words, run.err)
                self.assertEqual(self.platform.stats()["requests"], 0)

    def test_a_condition_on_times_fails_when_there_was_no_response(self):
        sock, port = refused_port()
        with sock:
            run = self.run_ringsend("bench", "-q", "-n", "3", "--fail-if", "p99>1h", "--json",
                                    self.path("figures.json"), "http://127.0.0.1:%d/" % port)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        figures = self.load()
        self.assertEqual(figures["errors_by_name"], {"connect_refused": 3})
        self.assertEqual((figures["thresholds"][0]["failed"], figures["thresholds"][0]["value"]),
                         (True, None))

    def test_standard_output_can_be_taken_by_a_report(self):
        run = self.bench("-n", "20", "--json", "-")
        self.assertEqual(json.loads(run.out)["requests"], 20)
        self.assertIn("  response ", run.err)
        self.assertIn("cannot both",
                      self.bench("-n", "1", "--json", "-", "--csv", "-", expect=USAGE).err)
        path = self.path("one")
        self.assertIn("cannot both be " + path,
                      self.bench("-n", "1", "--json", path, "--html", path, expect=USAGE).err)

    def test_what_cannot_be_written_is_told_before_the_run(self):
        run = self.bench("-n", "5", "--json", self.path("missing/figures.json"), expect=OUTPUT)
        self.assertIn("--json", run.err)
        self.assertEqual(self.platform.stats()["requests"], 0)
        run = self.bench("-n", "5", "--html", "/dev/full", expect=OUTPUT)
        self.assertIn("No space left", run.err)

    def test_an_earlier_report_is_replaced_whole_and_only_at_the_end(self):
        self.file("figures.json", b"x" * 1000000)
        self.bench("-n", "5", "--json", self.path("figures.json"))
        self.assertEqual(self.load()["requests"], 5)
        self.run_ringsend("bench", "--json", self.path("figures.json"), "http://127.0.0.1:1/", "-n",
                          "x")
        self.assertEqual(self.load()["requests"], 5)


class Page(Case):
    """The page in a browser."""

    def make(self, *args, serve=("--latency", "1ms,4ms"), path=""):
        platform = self.serve(*serve)
        run = self.run_ringsend("bench", "-q", *args, "--force", "--json",
                                self.path("figures.json"), "--html", self.path("page.html"),
                                platform.url + path)
        self.assertIn(run.status, (OK, THRESHOLD), run.err)
        return json.loads(self.read("figures.json"))

    def page(self, *args, **more):
        figures = self.make(*args, **more)
        tree, console = render(self.path("page.html"))
        self.assertEqual(console, [])
        return tree, figures

    def assert_shows(self, tree, label, row, times):
        self.assertEqual(tree.figures(label)[row],
                         [times[key] for key in (*QUANTILES, "max")])

    def test_it_shows_the_numbers_of_the_json(self):
        tree, figures = self.page("-r", "1000", "-n", "300", "--fail-if", "p99>1ns")
        self.assert_shows(tree, "Percentiles", "response", figures["response_us"])
        self.assert_shows(tree, "Percentiles", "service", figures["service_us"])
        self.assert_shows(tree, "Percentiles", "send lag", figures["send_lag_us"])
        self.assertEqual(tree.values[:6],
                         [figures["response_us"][key]
                          for key in ("p50", "p99", "p999", "max")] + [figures["rate_achieved"], 0])
        self.assertEqual(tree.figures("Outcomes")["status 200"], [300, 1])
        self.assertEqual(tree.figures("Phases")["first byte"][:3],
                         [figures["phases"]["first_byte_us"][key] for key in ("p50", "p99", "max")])
        for label in ("Response time by second", "Responses by second", "Latency by percentile",
                      "Environment", "Settings", "Thresholds"):
            self.assertIn(label, tree.tables)
        seconds = [row[1][0] for row in tree.tables["Responses by second"][1:]]
        self.assertEqual(seconds, [second["requests"] for second in figures["series"]])
        found, condition = figures["thresholds"][0]["verdict"].split(": FAILED")[0], "p99>1ns"
        self.assertEqual(tree.tables["Thresholds"][1:], [[[found], ["failed"], [condition]]])

    def test_a_page_of_one_response_is_whole(self):
        tree, figures = self.page("-n", "1", "-c", "3")
        date = datetime.datetime.fromtimestamp(figures["environment"]["started_unix_s"],
                                               datetime.timezone.utc)
        title = "ringsend bench: " + figures["settings"]["target"]
        self.assertIn(title + date.strftime(", %Y-%m-%d %H:%M:%S UTC"), tree.texts)
        self.assertTrue(any(re.match(date.strftime("%Y-%m-%d %H:%M:%S UTC") +
                                     " \u00b7 closed loop \u00b7 3 connections", text)
                            for text in tree.texts))
        self.assertIn(figures["command"].rstrip(), tree.texts)
        # One response is a page, too.
        self.assertEqual(tree.figures("Percentiles")["response"],
                         [figures["response_us"]["max"]] * (len(QUANTILES) + 1))
        self.assertIn("few responses", tree.marks)
        charts = [role for role in tree.roles if role[:2] == ("svg", "img")]
        self.assertEqual(charts, [("svg", "img", "0")] * CHARTS)
        self.assertEqual(len([role for role in tree.roles if role[1] == "status"]), CHARTS)

    def test_the_spread_is_shown_over_all_and_over_time(self):
        tree, figures = self.page("-r", "400", "-z", "1500ms", "-c", "9")
        bars = tree.tables["Responses by response time"][1:]
        count = figures["response_us"]["count"]
        self.assertAlmostEqual(sum(row[1][0] for row in bars), count, delta=0.01)
        self.assertAlmostEqual(sum(row[2][0] for row in bars), 1, delta=0.001)
        columns = tree.tables["Response times over time"][1:]
        self.assertEqual([row[0] for row in columns[:2]], [["0 to 0.1"], ["0.1 to 0.2"]])
        self.assertEqual([row[1][0] for row in columns],
                         [sum(cells[1::2]) for cells in figures["heat"]["columns"] if cells])
        self.assertAlmostEqual(max(row[3][0] for row in columns), figures["response_us"]["max"],
                               delta=0.04 * figures["response_us"]["max"])

    def measured(self, script, width):
        """What the body of a function returns once the page is painted at that width, which it
        first is at another one."""
        script = """const answer = () => { %s };
          const wait = () => requestAnimationFrame(innerWidth !== %d ? wait : () =>
            requestAnimationFrame(() => console.log("SAID" + JSON.stringify(answer()))));
          wait();""" % (script, width)
        text = with_script(self.read("page.html").decode(), script)
        path = self.file("measured.html", text.encode())
        for _ in range(8):  # as with the keys
            answer = said(path, width, self.path("page.png"))
            if answer is not None:
                return answer
        self.fail("the page was never painted")

    def test_the_first_second_is_drawn(self):
        """From the axis on, also where it is the only one."""
        self.make("-r", "50", "-z", "1s")
        charts = self.measured("""
          return [...document.querySelectorAll(".chart")].slice(-2).map((svg) =>
            [...svg.querySelectorAll(".curve")].map((line) => line.getAttribute("d")));""", 900)
        for lines in charts:
            self.assertTrue(lines)
            for line in lines:
                self.assertRegex(line, r"^M60\.0 [\d.]+L[\d.]+ ")

    def test_on_a_phone_nothing_is_cut_off_without_a_sign(self):
        """Whatever is wider than the screen can be scrolled there, and has shadows."""
        script = """document.querySelectorAll("details").forEach((node) => { node.open = true; });
          const inside = (node) => node.closest(".scroll, svg");
          const wide = [...document.querySelectorAll("main *")].filter((node) => !inside(node) &&
            node.getBoundingClientRect().right > innerWidth + 0.5);
          const scrolled = [...document.querySelectorAll(".scroll")].filter((node) =>
            node.scrollWidth > node.clientWidth).map((node) => getComputedStyle(node));
          return { width: innerWidth, page: document.documentElement.scrollWidth,
            wide: wide.map((node) => node.outerHTML.slice(0, 80)), scrolled: scrolled.length,
            plain: scrolled.filter((style) => style.overflowX !== "auto" ||
              style.backgroundImage.split("linear-gradient").length !== 5).length };"""
        long = "a/" + 70 * "unbroken" + "?" + 40 * "and=more&"
        self.make("-n", "40", "--steps", "100,800", path=long, serve=("--status", "503:20%"))
        for page in ("steps", "compare"):
            if page == "compare":
                os.rename(self.path("figures.json"), self.path(20 * "other" + ".json"))
                self.make("-n", "40", "--steps", "100,800", path=long)
                self.run_ringsend("compare", self.path("figures.json"),
                                  self.path(20 * "other" + ".json"), "--force",
                                  "--html", self.path("page.html"))
            seen = self.measured(script, 360)
            self.assertLessEqual(seen["page"], 360)
            self.assertEqual((seen["width"], seen["wide"], seen["plain"]), (360, [], 0))
            self.assertGreater(seen["scrolled"], 0)

    def test_it_can_be_printed(self):
        """Light, whatever the screen is, and with its charts."""
        self.make("-r", "200", "-n", "200")
        filled, drawn = printed(self.path("page.html"), self.path("page.pdf"))
        style = self.read("page.html").decode()
        light, dark = (dict(re.findall(r"--(\w+): (#\w+)", part))
                       for part in style.split("prefers-color-scheme: dark"))
        self.assertIn(light["h7"], filled)
        self.assertIn(light["s0"], drawn)
        self.assertFalse(filled & {dark[name] for name in ("ground", "h7", "s0")})

    def test_what_is_doubtful_has_a_mark_where_the_figures_are(self):
        tree, figures = self.page("-r", "300", "-z", "1s", "-c", "1",
                                  serve=("--latency", "50ms", "--status", "503:50%"))
        self.assertIn("%d requests failed; their causes are among the outcomes below." %
                      figures["not_ok"], tree.texts)
        never = "%d never started" % figures["never_started"]
        # Beside p50, p99, p99.9 and the maximum, which are lower bounds for that.
        self.assertEqual((tree.marks.count(never), tree.marks.count("rate not reached")), (4, 1))
        self.assertIn("\u2265\u00a0", tree.texts[tree.texts.index("p99 response") + 1])

    def test_the_doubtful_one_of_steps_can_be_told(self):
        tree, figures = self.page("-z", "1s", "-c", "1", "--steps", "10,300",
                                  serve=("--latency", "20ms"))
        rows = tree.tables["Runs"][1:]
        self.assertIn("rate not reached", rows[1][-1])
        self.assertNotIn("rate not reached", rows[0][-1])
        self.assertIn("300/s !", tree.texts)
        self.assertIn("%d never started" % figures["steps"][1]["never_started"], rows[1][-1])

    def test_keys_move_along_a_chart(self):
        """Keys are pressed by a script, which is told of the charts' size after the page was."""
        self.make("-n", "100", "-r", "1000")
        script = """const press = (svg) => {
          const status = svg.parentNode.querySelector("[role=status]"), said = [];
          for (const key of ["Home", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "a"]) {
            const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
            svg.dispatchEvent(event);
            said.push(key + (event.defaultPrevented ? " taken: " : " left: ") + status.textContent);
          }
          svg.after(Object.assign(document.createElement("pre"),
                                  { textContent: "KEYS" + JSON.stringify(said) }));
        };
        const painted = new ResizeObserver((entries) => entries.forEach((entry) => {
          painted.unobserve(entry.target);
          press(entry.target);
        }));
        document.querySelectorAll("svg[role=img]").forEach((svg) => painted.observe(svg));"""
        page = self.file("keys.html",
                         with_script(self.read("page.html").decode(), script).encode())
        charts = []
        for _ in range(8):  # at times the browser lets go of a page before it has painted it
            tree, console = render(page)
            self.assertEqual(console, [])
            charts = [json.loads(text[4:]) for text in tree.texts if text.startswith("KEYS")]
            if charts:
                break
        self.assertEqual(len(charts), CHARTS)
        for home, right, left, end, beyond, other in charts:
            self.assertRegex(home, r"Home taken: .+: .*\d")
            self.assertEqual(left.split(": ", 1)[1], home.split(": ", 1)[1])
            self.assertEqual(
                beyond.split(": ", 1)[1],
                end.split(": ", 1)[1], "there is nothing behind the last")
            self.assertEqual(other, "a left: " + end.split(": ", 1)[1])
            self.assertIn("ArrowRight taken: ", right)
        self.assertNotEqual(charts[0][1].split(": ", 1)[1], charts[0][0].split(": ", 1)[1])

    def test_it_needs_nothing_from_elsewhere(self):
        self.make("-n", "10")
        text = self.read("page.html").decode()
        self.assertNotRegex(
            text,
            r"(?i)\b(src|href)\s*=|@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|EventSource")
        self.assertIn("default-src 'none'", text)

    def test_hostile_texts_stay_texts(self):
        hostile = "x?'\"%3C&a=</script><script>document.title='taken'</script><img/src=x>"
        header = "Accept: </pre><script>document.title='taken'</script>\u2028\"\\"
        tree, figures = self.page("-n", "10", "-H", header, path=hostile)
        self.assertTrue(figures["settings"]["target"].endswith(hostile))
        self.assertIn(figures["settings"]["target"], tree.texts)
        self.assertIn(figures["command"].rstrip(), tree.texts)
        self.assertIn(header.replace("'", "'\\''"), figures["command"])
        text = self.read("page.html").decode()
        self.assertEqual(len(re.findall("<script", text)), 2)
        self.assertNotIn("<img", text)

    def test_steps_are_laid_over_each_other(self):
        tree, figures = self.page("-n", "50", "--steps", "500,1000", serve=("--status", "500:10%"))
        rows = tree.tables["Runs"][1:]
        self.assertEqual([row[3][0] for row in rows],
                         [step["response_us"]["p50"] for step in figures["steps"]])
        self.assertEqual(len(tree.tables["Response time by percentile"][0]), 3)
        self.assertEqual(tree.figures("Response time by rate"), {"rate": [], **{
            name: [step["response_us"][key] for key in ("p50", "p99", "max")]
            for name, step in zip(("500/s", "1,000/s"), figures["steps"])}})

    def test_two_targets_have_their_verdict_on_the_page(self):
        slow, fast = self.serve("--latency", "100ms"), self.serve()
        run = self.run_ringsend("bench", "-q", "-n", "100", "--repeat", "4", "--vs",
                                slow.url, "--json", self.path("figures.json"), "--html",
                                self.path("page.html"), fast.url)
        self.assertEqual(run.status, THRESHOLD, run.err)
        figures = json.loads(self.read("figures.json"))
        self.assertEqual((figures["comparison"]["verdict"], len(figures["runs"])), ("worse", 8))
        self.assertEqual([side["name"] for side in figures["comparison"]["sides"]],
                         [fast.url, slow.url])
        tree, console = render(self.path("page.html"))
        self.assertEqual(console, [])
        # By turns, and every other round in the other order.
        self.assertEqual("".join(row[1][0] for row in tree.tables["Runs"][1:]), "ABBAABBA")
        pair, = figures["comparison"]["comparisons"]
        self.assertEqual(
            tree.figures("Comparison")["p50"], [
                pair["p50"]["a_us"]["value"], pair["p50"]["b_us"]["value"],
                pair["p50"]["ratio"]["value"]
            ])
        self.assertIn(": " + pair["words"] + ".", tree.texts)

    def test_what_came_after_the_last_start_is_no_rate(self):
        """The answers of the last 200 ms come in a second of their own, which the chart's table
        names, and which is not drawn."""
        tree, figures = self.page("-r", "100", "-z", "1s", serve=("--latency", "200ms"))
        seconds = len(figures["series"])
        self.assertGreaterEqual(seconds, 2)
        self.assertEqual([row[0] for row in tree.tables["Responses by second"][1:]],
                         [["second 1"], *(["second %d, after the last start" % n]
                                          for n in range(2, seconds + 1))])
        run = self.run_ringsend("bench", "-r", "100", "-z", "1s",
                                self.serve("--latency", "200ms").url)
        self.assertRegex(run.err, r"(?m)^    1 s +\d+ responses .*\n   then +\d+ responses ")

    def test_nothing_but_failures_is_told_at_the_top(self):
        platform = self.serve("--status", "503:100%")
        self.run_ringsend("bench", "-q", "-n", "3", "--html", self.path("page.html"), platform.url)
        tree, console = render(self.path("page.html"))
        self.assertEqual(console, [])
        self.assertIn("No request was ok: what was measured are failures.", tree.texts)

    def test_a_run_without_a_response_is_a_page_too(self):
        sock, port = refused_port()
        with sock:
            self.run_ringsend("bench", "-q", "-n", "3", "--html", self.path("page.html"),
                              "http://127.0.0.1:%d/" % port)
            run = self.run_ringsend("bench", "-q", "-n", "3", "--repeat", "2", "--vs",
                                    "http://127.0.0.1:%d/?b" % port, "--html",
                                    self.path("both.html"), self.serve().url)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        tree, console = render(self.path("both.html"))
        self.assertEqual(console, [])
        self.assertEqual([cell[0] for cell in tree.tables["Comparison"][1][2:5]], 3 * ["\u2013"])
        tree, console = render(self.path("page.html"))
        self.assertEqual(console, [])
        self.assertEqual(tree.figures("Outcomes"), {"outcome": [], "connect_refused": [3, 1]})
        self.assertIn("No request was ok: no response came at all.", tree.texts)
        self.assertNotIn("Percentiles", tree.tables)


if __name__ == "__main__":
    main()
