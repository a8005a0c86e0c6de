"""The live view of `ringsend bench`: drawn in place on a terminal of any size, and nowhere else."""

import os
import re
import signal

from harness import BOUND_S, OK, SIGINT_EXIT, SIGTERM_EXIT, Case, main
from terminal import Screen, Terminal

DRAWN = re.compile(rb"\x1b\[J\x1b\[\d+A")  # the end of a drawing


def drawn(count):
    return lambda text: len(DRAWN.findall(text)) >= count


class LiveView(Case):
    def setUp(self):
        super().setUp()
        self.environment = {**os.environ, "TERM": "xterm"}
        self.environment.pop("NO_COLOR", None)

    def bench(self, terminal, *args, serve=("--latency", "1ms"), **environment):
        return self.start("bench", *args, self.serve(*serve).url, stderr=terminal.slave,
                          env={**self.environment, **environment})

    def terminal(self, columns=80, rows=24):
        terminal = Terminal(columns, rows)
        self.addCleanup(terminal.close)
        return terminal

    def finish(self, program, terminal, status=OK):
        """What the terminal got after what was read already."""
        self.assertEqual(program.process.wait(BOUND_S), status)
        os.write(terminal.slave, b"THE END")
        return terminal.read_until(lambda text: text.endswith(b"THE END"))[:-len(b"THE END")]

    def test_it_stands_in_place_while_the_run_is_under_way_and_goes_with_it(self):
        terminal, screen = self.terminal(), Screen(80, 24)
        program = self.bench(terminal, "-r", "100", "-z", "2s", "-c", "4")
        screen.feed("before\n")
        screen.feed(terminal.read_until(drawn(1)).decode())
        self.assertRegex("\n".join(screen.lines),
                         r"^before\nGET http\S+, 4 connections, 100 a second\n +0 of 2 s, 0 requ")
        screen.feed(terminal.read_until(drawn(1)).decode())
        # On a busy machine starts may have waited for a connection, which is told then.
        lines = [line for line in screen.lines if not line.startswith("  waiting ")]
        self.assertEqual((lines[0], screen.row, screen.column), ("before", 1, 0))
        requests = int(re.fullmatch(r"  1 of 2 s, (\d+) requests", lines[2]).group(1))
        self.assertRegex(lines[3],
                         r"^  rate +%d a second, %d in the last one$" % (requests, requests))
        self.assertRegex(lines[4], r"^  ok +%d$" % requests)
        self.assertEqual(lines[5].split(), ["p50", "p90", "p99", "p99.9", "max"])
        self.assertRegex(lines[6], r"^  so far  ( +[0-9.]+ [mu]?s){5}$")
        self.assertRegex(lines[7], r"^  last second( +[0-9.]+ [mu]?s){3}$")
        self.assertEqual(lines[8], "  response time from")
        shares = [float(line.split()[2]) for line in lines[9:] if line]
        self.assertAlmostEqual(sum(shares), 100, delta=len(shares) * 0.5)
        screen.feed(self.finish(program, terminal).decode())
        self.assertEqual([line for line in screen.lines if line] + screen.history, ["before"])
        self.assertEqual((screen.row, screen.column), (1, 0))
        self.assertIn(b"ringsend bench: GET ", program.text["out"])

    def test_it_fits_into_what_the_terminal_is_when_it_is_drawn(self):
        terminal = self.terminal(40, 8)
        program = self.bench(terminal, "-r", "100", "-z", "1h", "-c", "1")
        for columns, rows in ((40, 8), (12, 3)):
            terminal.resize(columns, rows)
            terminal.read_until(drawn(1))  # which may be of the size before
            screen = Screen(columns, rows)
            screen.feed(terminal.read_until(drawn(1)).decode())
            self.assertEqual((screen.history, screen.row), ([], 0))
            self.assertEqual(len(screen.lines), rows)
        program.signal(signal.SIGTERM)
        text = self.finish(program, terminal, SIGTERM_EXIT).partition(b"ringsend bench: stopping")
        screen.feed(text[0].decode())
        self.assertEqual("".join(screen.lines), "")

    def test_failures_are_red_unless_nobody_wants_colours(self):
        for environment, colours in (({}, [b"31", b"0"]), ({"NO_COLOR": "1"}, [])):
            terminal = self.terminal()
            program = self.bench(terminal, "-r", "100", "-z", "1s", "-c", "2",
                                 serve=("--status", "503:50%"), **environment)
            text = terminal.read_until(drawn(2))
            self.assertRegex(text, rb"  failed +\d+  \d")
            self.assertEqual(re.findall(rb"\x1b\[(\d*)m", text), colours)
            self.finish(program, terminal)

    def test_a_message_comes_above_it(self):
        terminal, screen = self.terminal(), Screen(110, 24)
        terminal.resize(110)
        program = self.bench(terminal, "-r", "10", "-z", "1h", "-c", "1", "--repeat", "2",
                             serve=("--latency", "1h"))
        screen.feed(terminal.read_until(drawn(2)).decode())
        self.assertRegex(screen.lines[0], r"^run 1 of 2: http\S+, 10 a second$")
        program.signal(signal.SIGINT)
        # Two, so that the second signal is not taken for a part of the first.
        screen.feed(
            terminal.read_until(
                lambda text: drawn(2)(text.partition(b"cancels it")[2])).decode())
        self.assertEqual(screen.lines[1], "ringsend bench: stopping; what is in flight is waited "
                         "for, a second signal cancels it")
        self.assertRegex(screen.lines[2], r"^GET http")
        program.signal(signal.SIGINT)
        screen.feed(self.finish(program, terminal, SIGINT_EXIT).decode())
        self.assertEqual("".join(screen.lines[2:]), "")

    def test_there_is_none_where_it_is_not_wanted(self):
        for options, environment, text in ((("-q", ), {}, rb""), ((), {"TERM": "dumb"},
                                                                  rb" +1 s +\d+ responses .*\r\n")):
            with self.subTest(options=options, environment=environment):
                terminal = self.terminal()
                program = self.bench(terminal, "-n", "50", "-c", "2", *options, **environment)
                self.assertRegex(self.finish(program, terminal), rb"^%s$" % text)


if __name__ == "__main__":
    main()
