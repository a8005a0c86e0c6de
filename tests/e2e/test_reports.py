"""Reports for CI systems: JUnit and Markdown, of `ringsend bench` and `ringsend compare`. They say
what the terminal says, in the same words, and fail when the exit status does."""

import json
import re
import signal
import xml.etree.ElementTree

from harness import NOT_ALL_OK, OK, Case, main, refused_port

THRESHOLD = 5
COLUMNS = ["p50", "p75", "p90", "p95", "p99", "p99.9", "max", "failed"]


def cells(row):
    """As GitHub cuts a row: at each bar without a backslash."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def tables(text):
    rows = [cells(line) for line in text.splitlines() if line.startswith("|")]
    found = []
    for i, row in enumerate(rows):
        if i + 1 < len(rows) and all(re.fullmatch(r":?-{3,}:?", cell) for cell in rows[i + 1]):
            found.append([row])
        elif not all(re.fullmatch(r":?-{3,}:?", cell) for cell in row):
            found[-1].append(row)
    for table in found:
        for row in table:
            assert len(row) == len(table[0]), (table[0], row)
    return found


class Reports(Case):
    def run_with_reports(self, *args, expect):
        run = self.run_ringsend(*args, "--force", "--junit", self.path("junit.xml"), "--markdown",
                                self.path("report.md"))
        self.assertEqual(run.status, expect, run.err)
        return run

    def junit(self):
        """The cases by name, with what became of each and its message. Totals agree."""
        root = xml.etree.ElementTree.fromstring(self.read("junit.xml"))
        suite, = root
        self.assertEqual((root.tag, suite.tag), ("testsuites", "testsuite"))
        found, names = {}, [case.get("name") for case in suite.iter("testcase")]
        self.assertEqual(len(names), len(set(names)))
        for case in suite.iter("testcase"):
            float(case.get("time"))
            became = case[0] if len(case) else None
            found[case.get("name")] = ("passed", None) if became is None else (
                became.tag, became.get("message"))
        outcomes = [outcome for outcome, _ in found.values()]
        for element in (root, suite):
            self.assertEqual([int(element.get(key))
                              for key in ("tests", "failures", "errors", "skipped")],
                             [len(found), *(outcomes.count(tag)
                                            for tag in ("failure", "error", "skipped"))])
        self.text = suite.find("system-out").text
        return found

    def markdown(self):
        return self.read("report.md").decode()

    def test_conditions_are_cases_and_lines(self):
        serve = self.serve("--latency", "1ms")
        conditions = ["p99>60s", "p(50)<0.001", "errors>0", "rate<0.5"]
        args = [arg for condition in conditions for arg in ("--fail-if", condition)]
        run = self.run_with_reports("bench", "-q", "-r", "500", "-n", "100", *args, "--json",
                                    self.path("figures.json"), serve.url, expect=THRESHOLD)
        told = json.loads(self.read("figures.json"))["thresholds"]
        junit = self.junit()
        self.assertEqual(list(junit), [serve.url + " answers", *conditions,
                                       "all runs came to their end"])
        self.assertEqual([junit[c] for c in conditions],
                         [("failure", t["verdict"]) if t["failed"] else ("passed", None)
                          for t in told])
        self.assertEqual([t["failed"] for t in told], [False, True, False, False])
        self.assertEqual(self.text, run.out.decode())
        table, = tables(self.markdown())
        self.assertEqual(table[0], ["rate", *COLUMNS])
        self.assertRegex(" ".join(table[1]), r"^\d+ of 500/s( [0-9.]+ [mu]?s){7} 0 of 100$")
        for t in told:
            self.assertIn("\n- **%s**\n" % t["verdict"] if t["failed"] else
                          "\n- %s\n" % t["verdict"], self.markdown())
        self.assertIn("```\n" + run.out.decode() + "```\n", self.markdown())

    def test_what_the_exit_status_says_they_say(self):
        sock, port = refused_port()
        with sock:
            self.run_with_reports("bench", "-q", "-n", "3", "http://127.0.0.1:%d/" % port,
                                  expect=NOT_ALL_OK)
        self.assertEqual(self.junit()["http://127.0.0.1:%d/ answers" % port],
                         ("failure", "no request was ok"))
        self.assertIn("\n- **no request was ok", self.markdown())
        self.run_with_reports("bench", "-q", "-n", "3", self.serve().url, expect=OK)
        self.assertEqual({outcome for outcome, _ in self.junit().values()}, {"passed"})

    def test_what_never_answered_has_no_times(self):
        """And is not faster for it."""
        url = self.serve().url
        sock, port = refused_port()
        with sock:
            run = self.run_with_reports("bench", "-q", "-n", "20", "--repeat", "4", "--vs",
                                        "http://127.0.0.1:%d/" % port, url, expect=NOT_ALL_OK)
        text = run.out.decode()
        self.assertNotIn(" 0 ns", text + self.markdown())
        self.assertRegex(text, r"(?m)^   run      rate .*\n     1 +- ")
        self.assertRegex(text, r"(?m)^     2 +- +0 +- +- +- +- +20 \*")
        self.assertRegex(text, r"(?m)^  p50 +\S+ [mu]?s +- +- +undecided$")
        self.assertRegex(text, r"worse: 100 % of B's requests failed, 0 % of A's")
        self.assertRegex(self.markdown(), r"\n\| p99 \| \S+ [mu]?s \| - \| - \|  \| undecided \|\n")

    def test_a_run_that_was_stopped_is_an_error(self):
        serve = self.serve("--latency", "1ms")
        bench = self.start("bench", "-z", "1h", "-c", "1", "--repeat", "3", "--junit",
                           self.path("junit.xml"), "--markdown", self.path("report.md"), serve.url)
        bench.wait_for(lambda out, err: b"1 s" in err)
        bench.signal(signal.SIGINT)
        bench.finish()
        self.assertEqual(self.junit()["all runs came to their end"],
                         ("error", "only 1 of 3 runs were made"))
        self.assertIn("\n- **only 1 of 3 runs were made**\n", self.markdown())

    def test_a_comparison_of_two_targets(self):
        fast, slow = self.serve("--latency", "1ms"), self.serve("--latency", "20ms")
        case = "%s is not slower than %s" % (slow.url, fast.url)
        run = self.run_with_reports("bench", "-q", "-n", "200", "--repeat", "4", "--vs", slow.url,
                                    fast.url, "--fail-if", "p99>60s", "--json",
                                    self.path("runs.json"), expect=THRESHOLD)
        outcome, message = self.junit()[case]
        self.assertEqual(outcome, "failure")
        self.assertIn("worse: %s\n" % message, run.out.decode())
        self.assertIn("passed", self.junit()["run 2, %s: p99>60s" % slow.url])
        comparison, runs = tables(self.markdown())
        self.assertEqual([row[0] for row in comparison], ["", *COLUMNS])
        self.assertEqual(comparison[1][-1], "worse")
        self.assertEqual(runs[0], ["run", "target", "rate", *COLUMNS])
        self.assertEqual([row[1] for row in runs[1:]],
                         ["`%s`" % url
                          for url in [fast.url, slow.url, slow.url, fast.url] * 2])
        self.assertIn("\n**worse**: %s\n" % message, self.markdown())
        self.run_with_reports("compare", self.path("runs.json"), expect=THRESHOLD)
        self.assertEqual(list(self.junit().values()), [("failure", message)])
        again, = tables(self.markdown())
        self.assertEqual([(row[0], row[-1]) for row in again],
                         [(row[0], row[-1]) for row in comparison])

    def test_what_is_undecided_is_skipped(self):
        serve = self.serve("--latency", "1ms")
        one = self.path("one.json")
        self.run_ringsend("bench", "-q", "-n", "50", "--json", one, serve.url)
        run = self.run_with_reports("compare", one, one, expect=OK)
        (outcome, message), = self.junit().values()
        self.assertEqual(outcome, "skipped")
        self.assertIn("undecided: %s\n" % message, run.out.decode())
        self.assertIn("### ringsend compare: undecided\n", self.markdown())

    def test_steps(self):
        serve = self.serve("--latency", "1ms")
        names = [self.path(name) for name in ("one.json", "other.json")]
        for name, steps in zip(names, ("100,400", "400,800")):
            self.run_with_reports("bench", "-q", "-n", "20", "--steps", steps, "--fail-if",
                                  "p99>60s", "--json", name, serve.url, expect=OK)
        self.assertIn("step 2, 800 a second: p99>60s", self.junit())
        table, = tables(self.markdown())
        self.assertEqual(table[0], ["step", "rate", *COLUMNS])
        self.run_with_reports("compare", *names, expect=OK)
        one, other = names
        self.assertEqual([(name, outcome) for name, (outcome, _) in self.junit().items()],
                         [("%s is not slower than %s, at %d a second" % (other, one, rate),
                           "skipped") for rate in (400, 100, 800)])
        table, = tables(self.markdown())
        self.assertEqual([row[0] for row in table], ["rate", "400"])
        self.assertIn("- no step at 800 a second: `%s`\n" % one, self.markdown())

    def test_names_are_shown_as_they_are_and_break_nothing(self):
        """What XML cannot hold becomes U+FFFD; a bar, or backticks, end neither cell nor code."""
        url = self.serve().url
        for name, shown in ((b"a|b", "a|b"), (b"``x`", "``x`"), (b"<&\">]]>", "<&\">]]>"),
                            (b"a\x01b\xffc\xef\xbf\xbf", "a\ufffdb\ufffdc\ufffd"),
                            ("\u00e4\u20ac\U0001f600".encode(), "\u00e4\u20ac\U0001f600"),
                            (b"a\nb\tc", "a\nb\tc")):
            with self.subTest(name=name):
                path = self.dir.encode() + b"/" + name
                with open(path, "wb") as file:
                    file.write(json.dumps({"url": url}).encode() + b"\n")
                self.run_with_reports("bench", "-q", "-n", "3", "--repeat", "2", path, expect=OK)
                self.assertIn("%s/%s answers" % (self.dir, shown), self.junit())
                text = self.read("report.md").decode(errors="replace")
                table = tables(text[:text.index("<details>")])[0]
                ticks = re.match("`+", table[1][1]).group()
                code = table[1][1][len(ticks):-len(ticks)]
                self.assertTrue(table[1][1].endswith(ticks))
                self.assertNotIn(ticks, code)


if __name__ == "__main__":
    main()
