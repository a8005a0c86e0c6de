"""Ctrl-C and its kin: what is in flight gets its result, what was not sent is not."""

import fcntl
import os
import shlex
import signal
import subprocess

from harness import BOUND_S, RINGSEND, SIGINT_EXIT, SIGTERM_EXIT, json_lines, main, response
from held import Held


class Signals(Held):
    def stopped_by(self, number, status):
        program = self.in_flight(3, "--failed", self.path("failed"))
        program.signal(number)
        program.wait_for(lambda out, err: b'"stopped"' in out)  # the signal was seen
        self.go.set()
        run = program.finish()
        self.assertEqual(run.status, status, run.err)
        good = [r for r in run.results if r["ok"]]
        self.assertEqual([r["body"] for r in good], ["late"] * 3)
        self.assertEqual(len(self.held.requests), 3)  # nothing was sent after the signal
        rest = [r for r in run.results if not r["ok"]]
        self.assertTrue(rest)
        for result in rest:
            self.assert_error(result, "stopped")
            self.assertEqual(result["attempts"], 0)
            self.assertNotIn("ambiguous", result)
        self.assertEqual(len({r["line"] for r in run.results}), len(run.results))
        self.assertEqual(len(self.read("failed").splitlines()), len(rest))
        return run

    def test_sigint_lets_what_is_in_flight_finish_and_exits_130(self):
        self.stopped_by(signal.SIGINT, SIGINT_EXIT)

    def test_sigterm_lets_what_is_in_flight_finish_and_exits_143(self):
        self.stopped_by(signal.SIGTERM, SIGTERM_EXIT)

    def test_the_summary_is_printed_after_a_signal(self):
        self.assertIn("stopped", self.stopped_by(signal.SIGINT, SIGINT_EXIT).err)

    def test_after_a_signal_the_hints_name_everything_that_is_left(self):
        program = self.in_flight(3, self.file("more", [{"data": "x"}]), records=6000)
        # "more" comes first: it is read to its end, and its record is in flight.
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b'"stopped"' in out)
        self.go.set()
        run = program.finish()
        stopped = sum(r["error"] == "stopped" for r in run.results)
        self.assertGreater(stopped, 1)
        self.assertIn("\n  and %d records before it: their results say stopped" % stopped, run.err)
        hint = next(line for line in run.err.splitlines() if "the rest: " in line)
        rest = subprocess.run(shlex.split(hint.partition("the rest: ")[2]), capture_output=True,
                              check=True).stdout
        lines = [r["line"] for r in run.results if r["file"] == self.path("in")]
        self.assertEqual(rest.splitlines(), self.read("in").splitlines()[max(lines):])

    def test_after_a_signal_the_inputs_not_read_are_named(self):
        first = self.file("first", [{"data": "x"}] * 6000)
        others = [self.file(name, [{"data": "y"}]) for name in ("r3.jsonl", "it's here")]
        program = self.start("send", "-c", "3", "--url", self.held.url, first, *others)
        self.held.wait_for(lambda server: len(server.requests) == 3)
        program.signal(signal.SIGINT)
        self.go.set()
        text = program.finish().err
        found = next(line for line in text.splitlines() if "more inputs were not read: " in line)
        self.assertIn("; 2 more inputs", found)
        self.assertEqual(shlex.split(found.partition("not read: ")[2]), others)

    def test_after_a_signal_nothing_is_said_to_be_unread_when_all_was_read(self):
        program = self.in_flight(3, records=3)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        self.go.set()
        run = program.finish()
        self.assertEqual((run.status, [r["ok"] for r in run.results]), (SIGINT_EXIT, [True] * 3))
        self.assertNotIn("reading", run.err)
        self.assertNotIn("not read", run.err)
        self.assertNotIn("before it", run.err)

    def test_sending_again_what_may_have_been_processed_is_warned_of(self):
        program = self.in_flight(1, "--failed", self.path("failed"))
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b'"stopped"' in out)
        program.signal_again(signal.SIGINT)
        run = program.finish()
        self.assertIn("1 of them may have been processed already: sending it again", run.err)
        self.assertNotIn("before it", run.err)  # the file has them

    def test_a_second_signal_gives_up_an_output_whose_reader_takes_nothing(self):
        os.mkfifo(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)  # fewer than the results have
        path = self.file("in", [{"data": "x" * 1000}] * 6000)
        program = self.start("send", "-c", "20", "--url", self.held.url, "-o", self.path("pipe"),
                             path)
        self.held.wait_for(lambda server: len(server.requests) == 20)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal_again(signal.SIGINT)
        run = program.finish()
        self.assertEqual(run.status, SIGINT_EXIT, run.err)
        self.assertIn("%s: the reader took nothing for 1 s; results were given up"
                      % self.path("pipe"), run.err)
        self.assertNotIn("anceled", run.err)
        self.assertRegex(run.err, r"  and up to \d+ records before it: .* or are missing")

    def test_a_second_signal_ends_the_run_at_once_with_whole_lines(self):
        program = self.in_flight(3)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b'"stopped"' in out)
        program.signal_again(signal.SIGINT)
        run = program.finish()
        self.assertFalse(self.go.is_set())  # the server never answered
        self.assertEqual(run.status, SIGINT_EXIT, run.err)
        cut = [r for r in run.results if r["error"] != "stopped"]
        self.assertEqual([(r["error"], r.get("ambiguous")) for r in cut], [("cancelled", True)] * 3)

    def test_a_signal_while_stdin_is_silent_ends_the_run(self):
        self.go.set()
        program = self.start("send", "--url", self.held.url, "-", stdin=subprocess.PIPE)
        program.process.stdin.write(b'{"data":"x"}\n')
        program.process.stdin.flush()
        program.wait_for(lambda out, err: b"\n" in out)
        program.signal(signal.SIGTERM)
        run = program.finish()
        self.assertEqual((run.status, len(run.results)), (SIGTERM_EXIT, 1), run.err)
        self.assertIn("stopped reading standard input behind line 1\n", run.err)

    def test_a_signal_between_tries_ends_the_run_with_the_last_outcome(self):
        server = self.server(lambda peer: (peer.request(), peer.send(response(
            b"", "503 Service Unavailable", ["Retry-After: 50"])), peer.hold()))
        program = self.start("send", "--url", server.url, self.file("in", [{"method": "GET"}]))
        server.wait_for(lambda server: len(server.requests) == 1)
        program.signal(signal.SIGINT)
        run = program.finish()
        self.assertEqual(run.status, SIGINT_EXIT, run.err)
        self.assertEqual([(r["ok"], r["attempts"]) for r in run.results], [(False, 1)])

    def test_a_signal_while_the_output_pipe_is_full_ends_the_run(self):
        self.go.set()
        serve = self.serve("--body-bytes", "10000")
        program = subprocess.Popen(
            [RINGSEND, "send", "--url", serve.url, self.file("in", [{"data": "x"}] * 2000)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        first = program.stdout.read(10)  # it writes; nobody reads on
        program.send_signal(signal.SIGINT)
        rest, err = program.communicate(timeout=BOUND_S)
        self.assertEqual(program.returncode, SIGINT_EXIT, err)
        results = json_lines(first + rest)
        self.assertEqual(len({r["line"] for r in results}), len(results))


if __name__ == "__main__":
    main()
