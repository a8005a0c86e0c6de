"""Progress on standard error: a bar on a terminal of any width, lines elsewhere, and on SIGUSR1."""

import os
import re
import signal
import threading

from harness import BOUND_S, COST, Case, NOT_ALL_OK, OK, USAGE, answering, main, response
from terminal import Terminal


# A drawing: from the line's start, wiped behind the end, back to the start.
DRAWING = re.compile(rb"\r([^\r\n]*)\x1b\[J\r")
COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


def lines(text):
    return [COLOUR.sub(b"", line).decode() for line in DRAWING.findall(text)]


class Progress(Case):
    RECORDS = [{"data": "x"}] * 7 + [{"data": "bad"}] * 2 + [{"data": "wait"}]

    def setUp(self):
        super().setUp()
        self.go = threading.Event()
        self.addCleanup(self.go.set)

        def answer(request):
            if request.body == b"wait":
                self.go.wait(BOUND_S)
            return response(b"", "404 Not Found" if request.body == b"bad" else "200 OK")
        self.held = self.server(answering(answer))


class Bar(Progress):
    def setUp(self):
        super().setUp()
        self.environment = {**os.environ, "TERM": "xterm"}
        self.environment.pop("NO_COLOR", None)

    def terminal(self, columns):
        terminal = Terminal(columns)
        self.addCleanup(terminal.close)
        return terminal

    def start_on(self, terminal, *options, **more):
        return self.start("send", "--url", self.held.url, "-o", self.path("out"), *options,
                          self.file("in", self.RECORDS), stderr=terminal.slave,
                          env={**self.environment, **more})

    def run_on(self, terminal, accept, **more):
        program = self.start_on(terminal, **more)
        return program, terminal.read_until(
            lambda text: any(accept in line for line in lines(text)))

    def finish(self, program, terminal):
        self.go.set()
        self.assertEqual(program.process.wait(BOUND_S), NOT_ALL_OK)
        return terminal.read_until(lambda text: re.search(COST.encode(), text))

    def test_a_bar_shows_how_far_it_is_and_makes_way_for_the_summary(self):
        terminal = self.terminal(100)
        program, text = self.run_on(terminal, "9/10")
        line = lines(text)[-1]
        self.assertRegex(line, r"^\[=+> *\]   90 %  9/10  [0-9.]+/s  1 in flight  2 failed")
        self.assertLess(len(line), 100)
        self.assertIn(b"\x1b[31m2 failed\x1b[0m", text)
        end = self.finish(program, terminal)
        self.assertRegex(end, rb"\x1b\[Jringsend: 10 records in ")

    def test_it_fits_any_width_and_follows_a_resize(self):
        terminal = self.terminal(80)
        program, _ = self.run_on(terminal, "9/10")
        for columns in (20, 40, 200, 10):
            terminal.resize(columns)
            terminal.text = b""
            # The drawing under way may still be of the width before.
            line = lines(terminal.read_until(lambda text: len(lines(text)) >= 3))[-1]
            self.assertLess(len(line), columns)
            self.assertIn("9/10", line)
            self.assertEqual("[" in line, columns == 200)
        self.finish(program, terminal)

    def test_no_color_is_obeyed(self):
        terminal = self.terminal(100)
        program, text = self.run_on(terminal, "2 failed", NO_COLOR="1")
        self.assertNotRegex(text, COLOUR)
        self.finish(program, terminal)

    def test_a_pipe_has_no_total_until_it_ends(self):
        terminal = self.terminal(100)
        reader, writer = os.pipe()
        program = self.start("send", "--url", self.held.url, "-o", self.path("out"), "-",
                             stdin=reader, stderr=terminal.slave, env=self.environment)
        os.close(reader)
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            pipe.write(b'{"data": "x"}\n{"data": "wait"}\n')
            text = terminal.read_until(
                lambda text: any("1 record  " in line for line in lines(text)))
            self.assertNotIn("%", lines(text)[-1])
        terminal.read_until(lambda text: any("1/2" in line for line in lines(text)))
        self.go.set()
        self.assertEqual(program.process.wait(BOUND_S), OK)

    def test_a_message_wipes_the_bar_first(self):
        terminal = self.terminal(100)
        program, _ = self.run_on(terminal, "9/10")
        program.signal(signal.SIGTERM)
        text = terminal.read_until(lambda text: b"a second signal cancels it" in text)
        self.assertIn(b"\x1b[Jringsend: stopping;", text)
        terminal.read_until(lambda text: any("stopping" in line for line in lines(text)))
        self.go.set()
        program.process.wait(BOUND_S)

    def test_results_on_the_same_terminal_leave_no_room_for_a_bar(self):
        terminal = self.terminal(100)
        program = self.start("send", "--url", self.held.url, self.file("in", self.RECORDS),
                             stdout=terminal.slave, stderr=terminal.slave, env=self.environment)
        terminal.read_until(lambda text: text.count(b'"id"') == 9)
        text = self.finish(program, terminal)
        self.assertEqual(lines(text), [])

    def test_a_dumb_terminal_gets_no_bar(self):
        terminal = self.terminal(100)
        program = self.start_on(terminal, TERM="dumb")
        self.held.wait_for(lambda server: len(server.requests) == 10)
        self.assertNotIn(b"\x1b", self.finish(program, terminal))

    def test_quiet_and_none_show_nothing_until_asked(self):
        for options in (["-q"], ["--progress", "none"]):
            terminal = self.terminal(100)
            self.go.clear()
            before = len(self.held.requests)
            program = self.start_on(terminal, "--force", *options)
            self.held.wait_for(lambda server: len(server.requests) == before + 10)
            program.signal(signal.SIGUSR1)
            self.assertNotIn(b"\x1b", terminal.read_until(lambda text: b" in flight" in text))
            self.go.set()
            self.assertEqual(program.process.wait(BOUND_S), NOT_ALL_OK)


class Log(Progress):
    def test_where_it_is_no_terminal_a_line_comes_every_ten_seconds(self):
        program = self.start("send", "--url", self.held.url, "-o", self.path("out"),
                             self.file("in", self.RECORDS))
        program.wait_for(lambda out, err: b"ringsend: 9 of 10 records (90 %) in 0:10, " in err)
        self.go.set()
        run = program.finish()
        self.assertEqual(run.err.count(" in flight"), 1)
        self.assertNotIn("\x1b", run.err)

    def test_sigusr1_tells_how_far_it_is(self):
        program = self.start("send", "--url", self.held.url, "-o", self.path("out"), "-q",
                             self.file("in", self.RECORDS))
        self.held.wait_for(lambda server: len(server.requests) == 10)
        for told in range(1, 4):
            program.signal(signal.SIGUSR1)
            program.wait_for(lambda out, err, told=told: err.count(b" in flight") == told)
        self.go.set()
        run = program.finish()
        self.assertEqual(run.status, NOT_ALL_OK)
        for line in run.err.splitlines():
            self.assertRegex(
                line,
                r"^ringsend: \d+ of 10 records \(\d+ %\) in 0:\d\d, [0-9.]+/s, \d+ in flight, "
                r"0 retries, \d failed")

    def test_after_a_resume_it_goes_on_where_it_was(self):
        path = self.file("in", self.RECORDS * 3)
        args = ("send", "--url", self.held.url, "-o", self.path("out"), "-c", "1", "--tries", "1",
                path)
        program = self.start(*args)
        self.held.wait_for(lambda server: len(server.requests) == 10)
        while b'"done":9,' not in self.run_ringsend("status", "--json", self.path("out")).out:
            pass
        program.signal(signal.SIGKILL)
        program.finish()
        program = self.start(*args, "--resume", "--at-least-once")
        self.held.wait_for(lambda server: len(server.requests) == 11)
        program.signal(signal.SIGUSR1)
        program.wait_for(lambda out, err: b"ringsend: 9 of 30 records (30 %) in 0:0" in err)
        self.assertIn(b"2 failed", program.text["err"])
        self.go.set()
        run = program.finish()
        self.assertEqual(run.status, NOT_ALL_OK)
        self.assertIn("ringsend: 21 records in ", run.err)

    def test_an_unknown_mode_is_refused(self):
        run = self.run_ringsend("send", "--progress", "loud", self.file("in", self.RECORDS))
        self.assertEqual(run.status, USAGE)
        self.assertIn("auto, bar, log or none", run.err)


if __name__ == "__main__":
    main()
