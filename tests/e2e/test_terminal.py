"""What is told to people: as wide as their terminal, in colours where it has them."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from harness import (Case, INPUT, NOT_ALL_OK, OK, RINGSEND, USAGE, answering, main, options_table,
                     response, rows_of, without_fallback)

MISSED = 5

COLOUR = re.compile(r"\x1b\[\d*m")
VERBATIM = {line["verbatim"] for each in options_table() for line in each["help"]
            if isinstance(line, dict) and "verbatim" in line}
TERMS = {line["term"].strip() for each in options_table() for line in each["help"]
         if isinstance(line, dict) and "term" in line}
USAGES = {line["usage"] for each in options_table() for line in each["help"]
          if isinstance(line, dict) and "usage" in line}


class Terminal(Case):
    def shown(self, columns, *args, term="xterm", expect=OK, **environment):
        """All that a program shows on a terminal of so many columns; 0: that does not say."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([RINGSEND, *args], stdin=subprocess.DEVNULL, stdout=slave,
                                   stderr=slave, cwd=self.dir,
                                   env={**os.environ, "TERM": term, **environment})
        os.close(slave)
        text = b""
        try:
            while more := os.read(master, 65536):
                text += more
        except OSError:  # the program has closed its end
            pass
        os.close(master)
        self.assertEqual(process.wait(), expect, text)
        return without_fallback(text.decode().replace("\r\n", "\n"))


class Help(Terminal):
    def commands(self):
        return [command["name"] for command in options_table()]

    def test_it_is_as_wide_as_the_terminal(self):
        for command in self.commands():
            plain = self.run_ringsend(command, "--help").out.decode()
            for columns in (30, 44, 60, 79, 80, 100, 250):
                text = COLOUR.sub("", self.shown(columns, command, "--help"))
                for line in text.splitlines():
                    if line in VERBATIM or line in USAGES or line.strip() in TERMS:
                        continue
                    # A word, or the names of an option, may be longer than a line.
                    is_names = re.match(r" +(-\w, )?--[\w-]+", line) and columns < 60
                    if len(line) > min(columns, 100) and not is_names:
                        self.assertNotIn(" ", line.strip(), (command, columns))
                self.assertEqual(text.split(), plain.split(), (command, columns))
                for row in rows_of(command):
                    self.assertRegex(text, r"(?m)^  (-\w, |    )--%s\b" % row["name"])
        for line in self.shown(40, "--help").splitlines()[1:]:
            self.assertLessEqual(len(line), 40)

    def test_paragraphs_stay_apart(self):
        text = self.shown(44, "send", "--help")
        self.assertIn("\n\nA record is one line of JSON", text)
        self.assertIn('\n   "headers": {"name": "value"}, "data": {"any": "JSON"}}\n', text)
        self.assertRegex(text, r"\n  -o, --output FILE\n        results go here")

    def test_colours(self):
        self.assertIn("\x1b[1mExit status\x1b[0m\n", self.shown(80, "send", "--help"))
        for environment in ({"term": "dumb"}, {"NO_COLOR": "1"}, {"term": ""}):
            self.assertNotIn("\x1b", self.shown(80, "send", "--help", **environment))
        self.assertIn("\x1b", self.shown(80, "send", "--help", NO_COLOR=""))
        self.assertNotIn(b"\x1b", self.run_ringsend("send", "--help").out)


class Messages(Terminal):
    def setUp(self):
        super().setUp()
        self.platform = self.server(answering(
            lambda r: response(r.body, status="200 OK" if r.body == b"good" else "500 No")))

    def summary(self, columns, text, *options, expect=NOT_ALL_OK, **environment):
        records = self.file("in", [{"id": "r", "data": text}])
        shown = self.shown(columns, "send", "--tries=1", "--progress=none", "-o", "out", "--force",
                           "--url", self.platform.url, *options, records, expect=expect,
                           **environment)
        return shown

    def test_the_summary(self):
        text = "The order cannot be taken. " * 4
        for columns in (50, 80, 200):
            lines = COLOUR.sub("", self.summary(columns, text)).splitlines()
            at = next(i for i, line in enumerate(lines) if "status 500:" in line)
            group = lines[at:next(i for i, line in enumerate(lines) if line.endswith(' id "r"'))]
            self.assertLessEqual(max(map(len, group)), columns)
            self.assertEqual(" ".join(" ".join(group).split()), "1 status 500: " + text.strip())
            for line in group[1:]:
                self.assertTrue(line.startswith(23 * " "), line)
        self.assertIn("  failed    \x1b[31m        1\x1b[0m\n", self.summary(80, text))
        self.assertIn("  ok        \x1b[32m        1\x1b[0m\n", self.summary(80, "good", expect=OK))
        self.assertNotIn("\x1b", self.summary(80, text, NO_COLOR="1"))
        self.assertNotIn("\x1b", self.summary(80, text, term="dumb"))

    def test_usage_errors(self):
        self.assertTrue(self.shown(80, "send", "--nope", expect=USAGE).startswith(
            "\x1b[1mringsend send:\x1b[0m there is no option --nope\n"))
        for columns in (40, 80):
            text = COLOUR.sub("", self.shown(columns, "send", "--rate=\x1b[2J", expect=USAGE))
            self.assertIn('not ".[2J"', " ".join(text.split()))
            for line in text.splitlines():
                self.assertLessEqual(len(line), columns)

    def test_verdicts(self):
        records = self.file("in", [b"{", {"url": self.platform.url}])
        self.assertIn("\x1b[1m%s:1:2:\x1b[0m " % records,
                      self.shown(80, "check", records, expect=INPUT))
        for asked, style, status in (("max>1us", 31, MISSED), ("max>60s", 32, OK)):
            text = self.shown(80, "bench", "-q", "-n5", "-c1", "--fail-if", asked,
                              "--ok-status=500", self.platform.url, expect=status)
            self.assertRegex(text, r"\x1b\[%dm[^\x1b\n]*max" % style)

    def test_the_doctor(self):
        text = self.shown(50, "doctor", expect=self.run_ringsend("doctor").status)
        self.assertRegex(text, r"(?m)^\x1b\[3[123]m(ok|note|FAULT) +\x1b\[0m ")
        for line in COLOUR.sub("", text).splitlines():
            # But for one long word, and for what can be pasted.
            if len(line) > 50 and not re.match(r"(docker|podman) run |  seccomp", line):
                self.assertEqual(len(line[20:].split()), 1, line)

    def test_quiet_is_quiet(self):
        self.assertEqual(self.summary(80, "good", "-q", expect=OK), "")
        self.assertEqual(self.summary(80, "bad", "-q", "--failed", "bad"), "")
        records = self.file("rows.csv", b"a;b\n1;2\n")
        for command in (["send", "-q", "--dry-run", "--url", "http://h"],
                        ["check", "-q", "--url", "http://h"]):
            self.assertEqual(self.run_ringsend(*command, records).err, "")


class Tries(Terminal):
    def test_each_is_told_and_results_are_as_they_were(self):
        answers = iter(["503 No", "500 No", "200 OK"])
        platform = self.server(answering(
            lambda r: response(b"", status=next(answers) if r.body == b"three" else "200 OK")))
        records = self.file("in", [
            b'{"id": "a\xc2\x9b", "data": "three", "method": "PUT", "url": "%s"}'
            % platform.url.encode(), b"{",
            {"data": "one", "url": platform.url}])
        run = self.run_ringsend("send", "-v", "-c1", "--retry-delay", "1ms", records)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        told = [re.sub(r"[\d.]+ (ns|us|ms|s)\b", "T", line) for line in run.err.splitlines()
                if ": try " in line or ": no try" in line]
        self.assertEqual(sorted(told), [
            'ringsend: line 1, id "a.": try 1: status 503 in T on a new connection, then waited T '
            'between tries',
            'ringsend: line 1, id "a.": try 2: status 500 in T on a kept connection, then waited T '
            'between tries',
            'ringsend: line 1, id "a.": try 3: status 200 in T on a kept connection',
            'ringsend: line 2: no try: bad_record',
            'ringsend: line 3: try 1: status 200 in T on a kept connection'])
        for result in run.results:
            self.assertNotIn("trace", result)
        answers = iter(["503 No", "200 OK"])
        run = self.run_ringsend("send", "-qv", "--trace", "--retry-delay", "1ms", records)
        self.assertIn("try 2: status 200", run.err)
        self.assertEqual([len(r["trace"]) for r in run.results if r["line"] == 1], [2])

    def test_none_is_left_out(self):
        """However many come at once."""
        platform = self.server(answering(lambda r: response(b"")))
        records = self.file("in", [{"url": platform.url, "id": "x" * 70}] * 3000)
        run = self.run_ringsend("send", "-v", records, self.file("other", []))
        self.assertEqual(run.err.count(": try 1: "), 3000)
        self.assertIn('in", line 3000, id "xxx', run.err)


if __name__ == "__main__":
    main()
