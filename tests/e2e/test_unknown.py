"""Names that no option has: who has them, or what was meant, by the table of options."""

import re

from harness import Case, USAGE, main, options_table, rows_of

TABLE = {command["name"]: rows_of(command["name"]) for command in options_table()}
EVERY = [(command, row) for command, rows in TABLE.items() for row in rows]


class Unknown(Case):
    def usage(self, command, *args):
        """What is said of it; no command comes to its work."""
        run = self.run_ringsend(command, *args)
        self.assertEqual((run.status, run.out), (USAGE, b""), (command, args, run.err))
        self.assertTrue(run.err.startswith("ringsend %s: " % command), run.err)
        return run.err.partition(": ")[2]

    def test_what_is_not_clear_is_asked_for(self):
        for command, rows in TABLE.items():
            names = sorted(row["name"] for row in rows)
            for length in (1, 2, 4, 7):
                for start in {name[:length] for name in names}:
                    of = [name for name in names if name.startswith(start)]
                    if len(of) > 1 and start not in names:
                        told = self.usage(command, "--" + start)
                        self.assertTrue(told.startswith("--%s may be " % start), told)
                        for name in of:
                            self.assertIn("--" + name, told)

    def test_what_others_take_is_said_to_be_theirs(self):
        for command, rows in TABLE.items():
            names = {row["name"] for row in rows}
            letters = {row["letter"] for row in rows}
            for _, row in EVERY:
                users = [
                    "`ringsend %s`" % each
                    for each in TABLE
                    if any(r["name"] == row["name"] for r in TABLE[each])
                ]
                if not any(name.startswith(row["name"]) for name in names):
                    told = self.usage(command, "--%s=hidden" % row["name"])
                    self.assertTrue(
                        told.startswith("there is no option --%s here: " % row["name"]), told
                    )
                    self.assertEqual(re.findall("`[^`]*`", told.splitlines()[0]), users)
                    self.assertNotIn("hidden", told)
                if row["letter"] and row["letter"] not in letters:
                    self.assertIn(
                        "there is no option -%s here: " % row["letter"],
                        self.usage(command, "-" + row["letter"]),
                    )

    def test_what_other_programs_call_it_leads_to_it(self):
        others = {row["id"]: row["others"].split("|") for _, row in EVERY if row["others"]}
        self.assertGreater(len(others), 20)
        for command, rows in TABLE.items():
            names = [row["name"] for row in rows]
            letters = [row["letter"] for row in rows]
            seen = set()
            for row in rows:
                for other in others.get(row["id"], ()):
                    self.assertNotIn(other, seen, command)
                    seen.add(other)
                    if other in letters or other in names or row["name"].startswith(other):
                        continue
                    told = self.usage(command, "-" + other if len(other) == 1
                                      else "--%s=secret" % other)
                    self.assertIn("did you mean --%s?\n" % row["name"], told)
                    self.assertNotIn("secret", told)

    def test_the_nearest_is_meant(self):
        for command, word, meant in (
            ("send", "--conections", "--connections"),
            ("send", "--hedaer=Authorization: secret", "--header"),
            ("send", "--outptu", "--output"),
            ("send", "--Rate", "--rate"),
            ("bench", "--DURATION", "--duration"),
            ("send", "--atempts", "--tries"),
            ("bench", "--tolerence", "--tolerance"),
            ("serve", "--latncy", "--latency"),
        ):
            told = self.usage(command, word)
            self.assertIn(": did you mean %s?\n" % meant, told)
            self.assertNotIn("secret", told)
        for word in ("--zzz", "--x", "--" + "connections" * 9, "--tries-tries"):
            self.assertNotIn("did you mean", self.usage("send", word))

    def test_what_is_done_otherwise_is_said(self):
        for words, told in (
            (["--oauth2-bearer", "secret"], "did you mean --bearer?"),
            (["--basic", "me:secret"], "did you mean --user?"),
            (["--location-trusted"], "credentials go to no other host"),
            (["--json", "secret"], "a body of JSON is --data"),
            (["--retry", "3"], "did you mean --tries?"),
            (["--fail"], "did you mean --abort-on?"),
            (["-I"], "-X HEAD"),
            (["--body", "{}"], "of requests it is --data"),
            (["-F", "a=secret"], "\"form\" and \"multipart\""),
            (["--data-urlencode", "secret"], "by its filter"),
        ):
            line = self.usage("send", *words)
            self.assertIn(told, line)
            self.assertNotIn("secret", line)


if __name__ == "__main__":
    main()
