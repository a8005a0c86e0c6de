"""ringsend check: names every record that could not be sent, and sends nothing."""

import json

from harness import Case, INPUT, OK, USAGE, main


class Check(Case):
    def check(self, *args, expect=OK):
        run = self.run_ringsend("check", *args)
        self.assertEqual(run.status, expect, run.err)
        return run

    def errors(self, content, *options, name="x.jsonl"):
        """[(line, column, cause)] of a file."""
        path = self.file(name, content)
        run = self.check(*options, path, expect=INPUT)
        found = []
        for line in run.out.decode().splitlines():
            self.assertTrue(line.startswith(path + ":"), line)
            number, column, cause = line[len(path) + 1:].split(":", 2)
            found.append((int(number), int(column), cause.strip()))
        return found

    def test_good_files_are_quiet(self):
        run = self.check(self.file("x", [{"url": "http://h/"}] * 3), self.file("y", b""))
        self.assertEqual(run.out, b"")
        self.assertRegex(run.err, r"^ringsend check: 3 records in \d+\.\d\d s, all can be sent\n$")
        self.assertEqual(self.check("-q", self.file("x", [{"url": "http://h/"}])).err, "")

    def test_what_the_template_calls_a_secret_is_not_shown(self):
        rows = b"u,t\nx,SEK RIT77\n"
        for options in (("--url", "http://h/{{u}}?code={{t}}"),
                        ("--url", "http://h/", "--data", "client_secret={{t}}&a=1"),
                        ("--url", "http://h/", "--data", '{"password":{{t}}}'),
                        ("--url", "http://h/", "--data", '{"a":"{{u}}","api_key": {{t}}}')):
            [(_, _, cause)] = self.errors(rows, *options, name="x.csv")
            self.assertIn('the value of "t"', cause)
            self.assertNotIn("RIT77", cause)
        [(_, _, cause)] = self.errors(rows, "--url", "http://h/{{u}}?page={{t}}", name="x.csv")
        self.assertIn("RIT77", cause)

    def test_what_is_wrong_is_named_with_its_place(self):
        found = self.errors(b'{"url":"http://h/"}\n'
                            b'{"url":"http://h/","id":1\n'
                            b"\n"
                            b'{"url": "ftp://h/"}\n'
                            b'{"url":"http://h/","tries": 0}\n'
                            b'{"url":"http://h/","method":"A B"}\n'
                            b'{"url":"http://h/","headers":{"a b":"c"}}\n'
                            b'{"url":"http://h/","headers":{"Host":["a","b"]}}\n'
                            b'{"url":"http://h/","colour":1}\n'
                            b'{"url":"http://h/","data_file":"/nowhere"}\n'
                            b'{"url":"http://h/","data_file":"/"}\n'
                            b'{"url":"http://h/","data":"\xff"}\n')
        self.assertEqual([(line, column) for line, column, _ in found],
                         [(2, 26), (4, 10), (5, 29), (6, 30), (7, 38), (8, 1), (9, 21), (10, 1),
                          (11, 1), (12, 28)])
        for (_, _, cause), words in zip(found, ("expected ','", "http://", "tries", "method", "a b",
                                                "Host", "colour", "/nowhere", "regular", "UTF-8")):
            self.assertIn(words, cause)

    def test_places_inside_records_of_many_lines(self):
        pretty = b'[\n {"url": "http://h/",\n  "tries": 0},\n {"url":\n"http://h/",\n oops}\n]'
        self.assertEqual([found[:2] for found in self.errors(pretty, name="x.json")],
                         [(3, 12), (6, 2)])
        self.assertEqual(self.errors(b'a,b\n1,"x\n"y\n2,3\n', "--url", "http://h/",
                                     name="x.csv")[0][:2], (3, 2))

    def test_only_so_many_are_shown_and_all_are_counted(self):
        path = self.file("x", b"nonsense\n" * 50)
        self.assertEqual(len(self.check(path, expect=INPUT).out.splitlines()), 20)
        run = self.check("--max-errors", "3", path, expect=INPUT)
        self.assertEqual(len(run.out.splitlines()), 3)
        self.assertIn("50 cannot be sent, the first 3 are shown", run.err)
        self.assertEqual(self.check("--max-errors", "0", path, expect=INPUT).out, b"")

    def test_options_that_shape_requests_count(self):
        path = self.file("x.jsonl", b'{"n":1}\n')
        self.check(path, expect=INPUT)
        self.check("--url", "http://h/", path)
        self.check("--url", "http://h/", "--skip", "1", self.file("y", b'{"n":1}\nnonsense\n'),
                   expect=INPUT)
        self.check("--url", "http://h/", "--limit", "1", self.file("y", b'{"n":1}\nnonsense\n'))
        self.check("--url", "nonsense", path, expect=USAGE)
        self.check(expect=USAGE)

    def test_what_cannot_be_read(self):
        run = self.check(self.path("missing"), expect=INPUT)
        self.assertIn("missing: No such file", run.err)
        run = self.check(self.file("x.json", b'[{"url":"http://h/"}'), expect=INPUT)
        self.assertIn("ends within its array", run.err)
        self.assertIn("1 record in", run.err)
        run = self.check("--url", "http://h/{{b}}", self.file("x.csv", b"a\n1\n"), expect=INPUT)
        self.assertIn('no column "b"', run.err)
        self.assertNotIn("can be sent", run.err)  # nothing was read

    def test_control_characters_of_the_file_do_not_reach_the_terminal(self):
        run = self.check(
            self.file(
                "x", b'{"url":"http://h/","\\u001b":1}\n{"url":"http://h/","headers":' +
                json.dumps({"\x1b[2J": "x"}).encode() + b"}\n"), expect=INPUT)
        self.assertNotIn(b"\x1b", run.out)


if __name__ == "__main__":
    main()
