"""What people come with, from its beginning to its end: commands as they are typed, in a terminal.
"""

import csv
import os
import re
import signal

import shell
from harness import NOT_ALL_OK, OK, USAGE, Case, json_lines, main

MISSED = 5  # exit status: a threshold


class Trial(Case):
    def setUp(self):
        super().setUp()
        if not shell.is_here():
            self.skipTest("tmux is not here")
        self.shell = shell.Shell(self.dir)
        self.addCleanup(self.shell.close)

    def run_line(self, line, expect=OK):
        status, text = self.shell.run(line)
        self.assertEqual(status, expect, text)
        return text


class Orders(Trial):
    """A table of 5,000 orders, a platform that has its limits, and a kill in the middle of it."""

    COUNT = 5000
    HEAD = ["order", "customer", "amount", "paid", "note"]

    def orders(self):
        notes = ["", 'fragile, "handle" with care', "ring\nthe bell", "plain"]
        return [["A-%05d" % n, "Customer %d" % (n % 700),
                 "" if n % 17 == 3 else "%d.50" % (n % 900), "yes" if n % 3 else "no", notes[n % 4]]
                for n in range(self.COUNT)]

    def platform(self, port, *faults):
        serve = self.serve("--port", str(port), "--latency", "1ms", "--max-connections", "20",
                           "--log", self.path("platform.log"), *faults)
        return serve, serve.url + "orders"

    def setUp(self):
        super().setUp()
        self.rows = self.orders()
        with open(self.path("orders.csv"), "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.HEAD, *self.rows])

    def delivered(self):
        """The orders that the platform has taken."""
        lines = [line.split("\t") for line in self.read("platform.log").decode().splitlines()]
        return {line[3] for line in lines if line[4] == "200"}

    def test_from_the_first_look_to_the_last_order(self):
        serve, url = self.platform(0, "--rate-limit", "2500/s", "--status", "500:1%",
                                   "--status", "422:1%")
        options = ("--url %s --types 'amount:number|null,paid:bool' --id '{{order}}' "
                   "-H 'X-Record-Id: {{order}}'" % url)
        text = self.run_line("ringsend check %s orders.csv" % options)
        self.assertIn("%d records" % self.COUNT, text)
        text = self.run_line("ringsend send --dry-run=4 %s orders.csv" % options)
        self.assertIn('{"order":"A-00003","customer":"Customer 3","amount":null,"paid":false,'
                      '"note":"plain"}', text.replace("\n", ""))

        command = ("ringsend send %s -c 20 --idempotency-key --echo order,customer "
                   "-o results.jsonl --failed failed.csv orders.csv" % options)
        self.shell.type(command)
        self.shell.read_until(re.compile(rb"[1-9]\d* */ *%d\b" % self.COUNT).search)
        self.assertRegex(self.shell.screen(), r"\[=*>? *\] +\d+ %")
        os.kill(self.shell.child(), signal.SIGKILL)
        self.shell.read_until(re.compile(rb"\[137\]> ").search)

        text = self.run_line("ringsend status results.jsonl")
        counts = [int(n) for n in re.findall(r"(\d+) (?:done|in doubt|left)", text)]
        self.assertEqual(sum(counts), self.COUNT, text)
        before = self.read("results.jsonl")
        text = self.run_line(command, expect=USAGE)
        self.assertIn("--resume", text)
        self.assertEqual(self.read("results.jsonl"), before)

        text = self.run_line(command + " --resume", expect=NOT_ALL_OK)
        self.assertRegex(text, r"going on: \d+ done")
        ok, not_ok = re.search(r"all runs +(\d+) ok, (\d+) not ok", text).groups()
        self.assertEqual(int(ok) + int(not_ok), self.COUNT)
        results = json_lines(self.read("results.jsonl"))
        self.assertEqual({r["id"] for r in results}, {row[0] for row in self.rows})
        self.assertEqual(len(results), self.COUNT)
        self.assertEqual(sum(r["ok"] for r in results), int(ok))

        serve.stop()
        mended, _ = self.platform(url.rsplit(":", 1)[1].split("/")[0])
        hint = re.search(r"send the failed ones again:\n +(ringsend send .*?)\n\[", text, re.DOTALL)
        text = self.run_line(hint.group(1).replace("\n", ""))
        self.assertIn("%s records" % not_ok, text)
        mended.stop()
        self.joined(results + json_lines(self.read("again-results.jsonl")))

    def joined(self, results):
        """No order is missing, and each result tells whose it is."""
        last = {r["id"]: r for r in results}
        self.assertEqual([last[row[0]]["input"] for row in self.rows],
                         [{"order": row[0], "customer": row[1]} for row in self.rows])
        self.assertEqual({r["ok"] for r in last.values()}, {True})
        self.assertEqual(self.delivered(), set(last))


class Latency(Trial):
    """Is the new version slower? A page to look at, and gates for a build."""

    def test_two_targets_with_a_page_and_gates(self):
        old, new = self.serve("--latency", "2ms").url, self.serve("--latency", "30ms").url
        load = "-r 100 -z 200ms"
        text = self.run_line("ringsend bench %s --fail-if 'p99>20s' --fail-if 'errors>0' "
                             "--html old.html %s" % (load, old))
        self.assertEqual(text.count("passed"), 2, text)
        page = self.read("old.html").decode()
        self.assertIn(old, page)
        self.assertNotRegex(page, r"(src|href)=.?https?://(?!127\.0\.0\.1)")
        text = self.run_line("ringsend bench %s --fail-if 'p50>10ms' %s" % (load, new), MISSED)
        self.assertNotIn("passed", text)

        for name, url in (("old", old), ("new", new)):
            self.run_line("ringsend bench %s --repeat 4 --json %s.json %s" % (load, name, url))
        text = self.run_line("ringsend compare --html compared.html old.json new.json", MISSED)
        self.assertIn("slower", text)
        self.assertTrue(self.read("compared.html"))
        self.run_line("ringsend compare old.json old.json")
        text = self.run_line("ringsend bench %s --repeat 4 --html vs.html --vs %s %s"
                             % (load, new, old), MISSED)
        self.assertIn("slower", text)
        self.assertTrue(self.read("vs.html"))


if __name__ == "__main__":
    main()
