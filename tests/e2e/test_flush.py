"""--flush-after: how many answers a kill can take along."""

import fcntl
import os
import signal

from harness import NOT_ALL_OK, OK, main
from test_journal import Leaving


class FlushAfter(Leaving):
    COUNT = 10

    def kill_with(self, *options, answered, done):
        """`done` of the answered ones are on the disk when the process dies."""
        self.answered = answered
        self.input = self.file("in", [{"id": n, "method": "POST", "data": "x",
                                       "url": self.held.url} for n in range(self.COUNT)])
        program = self.start("send", "-c", "1", "-o", self.out, *options, self.input)
        self.held.wait_for(lambda server: len(server.requests) == answered + 1)
        while self.status_of(self.out)["done"] < done:
            pass
        told = self.status_of(self.out)
        program.signal(signal.SIGKILL)
        program.finish()
        self.go.set()
        return told

    def test_without_a_wait_only_what_was_in_flight_is_in_doubt(self):
        for options in ([], ["--sync"], ["--csv"], ["--failed", self.path("failed")]):
            with self.subTest(options=options):
                self.go.clear()
                self.held.requests.clear()
                told = self.kill_with("--force", "--flush-after", "0", *options, answered=6,
                                      done=6)
                self.assertEqual((told["done"], self.status_of(self.out)["done"]), (6, 6))
                run = self.run_out("--resume", "-c", "1", *options, self.input)
                self.assertEqual(run.status, NOT_ALL_OK, run.err)
                self.assertIn("going on: 6 done, ", run.err)
                if "--sync" not in options:  # which tells of what is about to be sent, too
                    self.assertIn("6 done, 1 in doubt", run.err)

    def test_the_first_waits_for_nothing_and_those_behind_it_as_long_as_was_said(self):
        """When the seventh request is there, six have had their results in hand."""
        told = self.kill_with("--flush-after", "60s", answered=6, done=1)
        self.assertEqual((told["done"], told["in_doubt"]), (1, 6))
        run = self.run_out("--resume", "-c", "1", self.input)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertIn("going on: 1 done, 6 in doubt", run.err)
        self.assert_each_once(self.COUNT)

    def writes_with(self, *options):
        """A read of such a pipe takes what one write wrote."""
        reader, writer = os.pipe2(os.O_DIRECT)
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)
        program = self.start("send", "-c", "1", *options, self.input, stdout=writer)
        os.close(writer)
        self.assertEqual(program.finish().status, OK)
        reads = []
        while not reads or reads[-1]:
            reads.append(os.read(reader, 1 << 16))
        self.assertEqual(len(b"".join(reads).splitlines()), 20)
        return len(reads) - 1

    def test_at_a_low_rate_none_waits_unless_it_is_said(self):
        self.go.set()
        self.input = self.file("in", [{"id": n, "url": self.held.url} for n in range(20)])
        self.assertEqual(self.writes_with("--rate", "100/s", "--flush-after", "60s"), 2)
        for rate in ("100/s", "10/100ms"):
            with self.subTest(rate=rate):
                self.assertGreater(self.writes_with("--rate", rate), 10)

    def test_at_the_end_nothing_waits(self):
        self.go.set()
        self.input = self.file("in", [{"id": n, "url": self.held.url} for n in range(50)])
        run = self.run_out("--flush-after", "60s", "--failed", self.path("failed"), self.input)
        self.assertEqual(run.status, OK, run.err)
        self.assert_each_once(50)

    def test_others_that_watch(self):
        """Standard output and lines of -w likewise."""
        for options in ([], ["-w", "%{id}\n"], ["-o", self.out, "-w", "%{id}\n", "--force"]):
            with self.subTest(options=options):
                self.go.clear()
                self.held.requests.clear()
                self.answered = 6
                program = self.start("send", "-c", "1", "--flush-after", "0", *options, self.file(
                    "in", [{"id": n, "url": self.held.url} for n in range(self.COUNT)]))
                program.wait_for(lambda out, err: out.count(b"\n") == 6)
                self.go.set()
                self.assertEqual(program.finish().status, OK)


if __name__ == "__main__":
    main()
