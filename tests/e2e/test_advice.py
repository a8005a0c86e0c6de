"""Whoever follows what bench, probe, compare and doctor advise, to the letter, gets what they
say."""

import json
import os
import re
import resource
import shlex
import shutil
import unittest

from harness import NOT_ALL_OK, OK, RINGSEND, USAGE, Case, Program, main
from test_refused import NOBODY

THRESHOLD = 5


class Advice(Case):
    def say(self, *args, status):
        """What a run says, its lines as one."""
        run = self.run_ringsend(*args)
        self.assertIn(run.status, status if isinstance(status, tuple) else (status, ),
                      run.err + run.out.decode())
        return " ".join((run.err + run.out.decode()).split())

    def advised(self, pattern, text):
        """The words of the advice, as a shell takes them."""
        match = re.search(pattern, text)
        self.assertTrue(match, text)
        return shlex.split(match.group(1))


class Bench(Advice):
    def test_a_closed_loop_says_how_to_see_what_it_hides(self):
        url = self.serve().url
        text = self.say("bench", "-q", "-n", "50", url, status=OK)
        self.assertIn("closed loop", text)
        option, _ = self.advised(r"; (-r RATE) shows it", text)
        text = self.say("bench", "-q", "-n", "50", option, "500", url, status=OK)
        self.assertNotIn("closed loop", text)
        self.assertIn("response = send lag + service", text)

    def test_conditions_that_are_offered_are_taken(self):
        """In the place of those that are refused."""
        url = self.serve("--latency", "1ms").url
        for wrong, offered in (("rate<0.9", r"such as '(rate<900/s)'"),
                               ("latency>1s", r"k6 writes it: (p\(99\)<800)"),
                               ("p(99)>800", r"what must not: (p99>800ms)"),
                               ("p101>2ms", r": (p99), p99.9"), ("p101>2ms", r" (p99.9) \("),
                               ("p101>2ms", r"or (p999)"), ("px>2ms", r"or (p99.9)"),
                               ("errors>0.5", r"such as (0.1%)"), ("errors>x", r"such as (10) or"),
                               ("rate<x", r"such as (0.99), "), ("rate<900", r"with /s: (900/s)"),
                               ("rate<900/x", r"per time: (900/s), "), ("p99>", r"such as (20ms)")):
            with self.subTest(wrong=wrong, offered=offered):
                rate = () if wrong == "rate<0.9" else ("-r", "1000")
                text = self.say("bench", "-q", "-n", "20", *rate, "--fail-if", wrong, url,
                                status=USAGE)
                condition = re.search(offered, text).group(1)
                if re.fullmatch(r"p[0-9.]+", condition):
                    condition += ">1h"
                elif re.match(r"\d", condition):
                    condition = re.match(r"\w+[<>]", wrong).group() + condition
                self.say("bench", "-q", "-n", "20", *rate, "--fail-if", condition, url,
                         status=(OK, THRESHOLD))

    def test_two_urls_are_compared(self):
        url = self.serve().url
        text = self.say("bench", "-n", "20", url, url + "b", status=USAGE)
        self.advised(r"compared by (--vs URL URL)", text)
        self.say("bench", "-q", "-n", "20", "--repeat", "1", "--vs", url, url + "b",
                 status=(OK, THRESHOLD))

    def test_one_target_against_itself(self):
        for query in ("", "?a", "?a&c=d"):
            url = self.serve().url + query
            text = self.say("bench", "-n", "20", "--vs", url, url, status=USAGE)
            more = self.advised(r"another query: (--vs '[^']*')", text)
            self.say("bench", "-q", "-n", "20", "--repeat", "1", *more, url,
                     status=(OK, THRESHOLD))


class Compare(Advice):
    def test_the_step_that_is_meant(self):
        url = self.serve().url
        one, steps = self.path("one"), self.path("steps")
        self.say("bench", "-q", "-n", "20", "--json", one, url, status=OK)
        self.say("bench", "-q", "-n", "20", "--steps", "250,500", "--json", steps, url, status=OK)
        for files in ((one, steps), (steps, one)):
            text = self.run_ringsend("compare", *files).err
            more = self.advised(r"such as (--step \d+)\n", text)
            self.assertIn("undecided: ", self.say("compare", *more, *files, status=OK))

    def test_runs_and_requests_enough(self):
        """Whether the verdict is then a clear one is up to the two."""
        url = self.serve().url
        few, many = self.path("few"), self.path("many")
        self.say("bench", "-q", "-n", "20", "--json", few, url, status=OK)
        text = self.say("compare", few, few, status=OK)
        requests = self.advised(r"too few requests .* \(ringsend bench (-n \d+)\)", text)
        runs = self.advised(r"without 4 runs a side \(ringsend bench (--repeat \d+)\)", text)
        self.say("bench", "-q", *requests, *runs, "--json", many, url, status=OK)
        text = self.say("compare", many, many, status=OK)
        self.assertIn("Judged by runs, 4 and 4", text)
        self.assertNotIn("too few", text)


class Probe(Advice):
    def test_so_many_connections_are_recommended(self):
        serve = self.serve("--workers", "2", "--latency", "10ms")
        text = self.say("probe", "-q", "--step", "300ms", "-c", "8", serve.url, status=OK)
        self.say("bench", "-q", "-n", "20", *self.advised(r"Recommended: (-c \d+)", text),
                 serve.url, status=OK)

    def test_a_method_that_changes_something_wants_its_body(self):
        url = self.serve().url
        text = self.say("probe", "-q", "-X", "POST", url, status=USAGE)
        self.advised(r"say what with (--data)", text)
        self.say("probe", "-q", "-X", "POST", "--data", "x", "--step", "100ms", "-c", "2", url,
                 status=OK)

    def test_a_longer_step(self):
        url = self.serve("--latency", "1200ms").url
        text = self.say("probe", "-q", "--step", "100ms", "-c", "1", url, status=NOT_ALL_OK)
        self.assertIn("good answers came, 1 of 1, but none", text)
        self.advised(r"use a longer (--step)", text)
        self.say("probe", "-q", "--step", "2s", "-c", "1", url, status=OK)


class Doctor(Advice):
    @unittest.skipUnless(os.geteuid() == 0, "becoming another user needs root")
    def test_locked_memory_is_raised_by_what_is_said(self):
        """By the user alone where the hard limit allows it."""
        program = shutil.copy(RINGSEND, self.dir)
        os.chmod(program, 0o755)
        os.chmod(self.dir, 0o755)

        def become(hard):
            def do():
                resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, hard))
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            return do

        def cure(command, hard):
            run = Program(["sh", "-c", command], preexec_fn=become(hard)).finish()
            checks = json.loads(run.out)["checks"]
            return next(check["cure"] for check in checks if check["name"] == "memlock")
        doctor = shlex.quote(program) + " doctor --json"
        command, = re.findall("`(.*?)`", cure(doctor, 8 << 20))
        self.assertIsNone(cure("%s; %s" % (command, doctor), 8 << 20))
        self.assertIn("root raises it", cure(doctor, 1 << 20))


if __name__ == "__main__":
    main()
