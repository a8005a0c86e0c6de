"""Limits by weight, as platforms count in tokens: --cost and what goes with it, against a server
that counts alike and tells of its limits in the dialects of platforms."""

import json
import random

from harness import Case, OK, Program, RINGSEND, USAGE, main

DIALECTS = ["silent", "retry-after", "openai", "azure", "anthropic", "github", "okta", "reddit",
            "twitter", "x-ratelimit", "ietf-03", "ietf-07", "ietf-10"]


class Costs(Case):
    def records(self, count, seed=1):
        draw = random.Random(seed)
        return self.file("in", [{"id": i, "data": {"prompt": "x" * draw.randint(0, 100),
                                                   "max_tokens": draw.randint(1, 60)}}
                                for i in range(count)])

    def taken(self, name="log"):
        """When each request was taken in, in us, and its weight."""
        lines = [line.split("\t") for line in self.read(name).decode().splitlines()]
        return sorted((int(line[0]) - int(line[5]), int(line[6])) for line in lines
                      if line[4] == "200")

    def assert_within(self, taken, rate_per_s, burst):
        """Over any window at most rate x window + burst, and what half a second in which a server
        stood still squeezes together: to the unit it is held in tests/unit/test_quota.c."""
        for i, (begin_us, _) in enumerate(taken):
            weight = 0
            for at_us, more in taken[i:]:
                weight += more
                self.assertLessEqual(weight, rate_per_s * (at_us - begin_us + 500000) / 1e6 + burst)

    def run_against(self, options, server, count=220):
        serve = self.serve("--cost", ".max_tokens", "--log", self.path("log"), *server)
        run = self.run_ringsend("send", "--url", serve.url, "-X", "POST", "-c", "6", *options,
                                self.records(count))
        self.assertEqual(run.status, OK, run.err)
        serve.stop()
        return run

    def test_no_window_holds_more(self):
        """Of a server that takes in 3000 in any second; with two threads, and the rate beside
        it."""
        run = self.run_against(["-t", "2", "--cost", ".max_tokens", "--cost-rate", "3000/s",
                                "--rate", "200/s"], ["--cost-rate", "3000/s"])
        taken = self.taken()
        self.assertEqual(len(taken), 220)
        self.assert_within(taken, 3000, 3000)
        self.assertRegex(run.err, r"cost +\d{4} of --cost .max_tokens")
        self.assertRegex(run.err, r"held by +--cost-rate 3000/s, for")

    def test_a_burst_holds_over_any_window(self):
        self.run_against(["-t", "2", "--cost", ".max_tokens", "--cost-rate", "6000/s",
                          "--cost-burst", "600"], ["--cost-rate", "100000/s"])
        self.assert_within(self.taken(), 6000, 600)

    def test_answers_correct_what_was_guessed(self):
        run = self.run_against(["--cost", "len(.prompt) * 2 + .max_tokens + 100", "--cost-rate",
                                "4000/s", "--cost-actual", ".usage.total"],
                               ["--cost-rate", "100000/s", "--body", '{"usage":{"total":10}}'])
        self.assertRegex(run.err, r"cost +2200 of --cost len.*, where \d+ were guessed \(-9\d %\)")

    def test_dialects(self):
        """Each is understood: all records come through, those refused by another try."""
        programs, records = [], self.records(70)
        for dialect in DIALECTS:
            serve = self.serve("--rate-limit", "30/500ms", "--cost", ".max_tokens", "--cost-rate",
                               "100000/s", "--limits", dialect)
            programs.append((dialect, serve, Program(
                [RINGSEND, "send", "--url", serve.url, "-X", "POST", "-c", "4", "--tries", "30",
                 "--retry-budget", "none", "--retry-delay", "50ms", records])))
        for dialect, serve, program in programs:
            self.addCleanup(program.close)
            run = program.finish()
            self.assertEqual(run.status, OK, (dialect, run.err))
            stats = serve.stats()["statuses"]
            self.assertEqual(stats.get("200"), 70, (dialect, serve.stats(), run.err))
            if dialect != "silent":
                self.assertLessEqual(stats.get("429", 0), 12, dialect)
                self.assertIn("as the platform asked", run.err, dialect)

    def test_two_limits_and_columns(self):
        rows = self.file("rows.csv", b"name,tokens\n" + b"".join(b"r%d,%d\n" % (i, i % 7)
                                                                for i in range(60)))
        serve = self.serve()
        run = self.run_ringsend("send", "--url", serve.url, "--cost", 'column("tokens") * 2',
                                "--cost-rate", "1000/s", "--cost", "bytes", "--cost-rate", "9k/s"
                                .replace("k", "000"), rows)
        self.assertEqual(run.status, OK, run.err)
        self.assertRegex(run.err, r'cost +%d of --cost column' % sum(i % 7 * 2 for i in range(60)))
        self.assertRegex(run.err, r"cost +\d{4} of --cost bytes")
        run = self.run_ringsend("send", "--url", serve.url, "--cost", ".absent", "--cost-rate",
                                "1/h", rows)
        self.assertEqual(run.status, OK, run.err)
        self.assertRegex(run.err, r"unweighed +60 records had none of what --cost names")

    def test_resumed_runs_keep_the_limit(self):
        """It is not part of what requests are: another one may be given."""
        serve = self.serve("--status", "500:100%")
        out, records = self.path("out"), self.records(20)
        options = ["-o", out, "--url", serve.url, "-X", "POST", "--tries", "1", "--cost",
                   ".max_tokens"]
        run = self.run_ringsend("send", *options, "--cost-rate", "1000/s", "--abort-on", "500",
                                "-c", "1", records)
        self.assertEqual(run.status, 6, run.err)
        self.assertIn("--cost .max_tokens --cost-rate 1000/s", run.err)
        run = self.run_ringsend("send", *options, "--cost-rate", "9000/s", "--resume", records)
        self.assertEqual(len(self.read("out").splitlines()), 20, run.err)

    def test_mistakes(self):
        records = self.records(1)
        for options, told in (
            (["--cost", ".a +"], "--cost .a +: column 5: expected a number"),
            (["--cost", ".a"], "its limit is missing: --cost-rate N/T"),
            (["--cost-rate", "1/s"], "--cost-rate stands behind the --cost"),
            (["--cost-burst", "1"], "--cost-burst stands behind the --cost"),
            (["--cost-actual", ".a"], "--cost-actual stands behind the --cost"),
            (["--cost", ".a", "--cost-rate", "1/s", "--cost-actual", "x"],
             "--cost-actual x: column 1: expected a number"),
            (["--cost", ".a", "--cost-rate", "1/s", "--cost-actual", 'column("x")'],
             "answers have no columns"),
            (["--cost", 'column("x")', "--cost-rate", "1/s"], "these records have no columns"),
            (["--cost", ".a", "--cost-rate", "1/s"] * 5, "--cost: at most 4 of them"),
        ):
            run = self.run_ringsend("send", "--url", "http://127.0.0.1:1/", *options, records)
            self.assertEqual(run.status, USAGE, run.err)
            self.assertIn(told, run.err)
        for options, told in (
            (["--cost", ".a"], "--cost goes with --cost-rate"),
            (["--rate-burst", "1"], "--rate-burst goes with --rate-limit"),
            (["--cost", "(", "--cost-rate", "1/s"], "--cost (: column 2"),
        ):
            run = self.run_ringsend("serve", *options)
            self.assertEqual(run.status, USAGE, run.err)
            self.assertIn(told, run.err)

    def test_what_dialects_say(self):
        serve = self.serve("--rate-limit", "2/m", "--cost", ".n", "--cost-rate", "100/m",
                           "--limits", "openai")
        connection = serve.connect()
        self.addCleanup(connection.close)
        for body, status, tokens in (({"n": 99}, 200, "1"), ({"n": 2}, 429, "1"),
                                     ({"n": 1}, 200, "0"), ({}, 429, "0")):
            connection.request("POST", "/", json.dumps(body))
            answer = connection.getresponse()
            answer.read()
            self.assertEqual((answer.status, answer.headers["x-ratelimit-remaining-tokens"]),
                             (status, tokens))
            self.assertRegex(answer.headers["x-ratelimit-reset-tokens"], r"^(1m0|59)\.\d{3}s$")
            self.assertEqual("retry-after-ms" in answer.headers, status == 429)


if __name__ == "__main__":
    main()
