"""How much is left of all: what `ringsend status`, the bar and the hint to go on say, by the bytes
read so far until the input has ended."""

import gzip
import re
import signal
import subprocess

from harness import OK, STOPPED, json_lines, main
from test_journal import Leaving

COUNT = 20000


class Left(Leaving):
    def leave_in(self, *paths, options=(), stdin=None):
        """A run that was killed with five results, and read no more than its window."""
        self.answered = 5
        self.go.clear()
        self.held.requests.clear()
        program = self.start("send", "-c", "1", "--force", "-o", self.out, "--url", self.held.url,
                             *options, *paths, **({"stdin": stdin} if stdin else {}))
        self.held.wait_for(lambda server: len(server.requests) == 6)
        while self.status_of(self.out)["done"] < 5:
            pass
        program.signal(signal.SIGKILL)
        program.finish()
        self.go.set()
        text = self.run_ringsend("status", self.out).out.decode()
        return self.status_of(self.out), text

    def lines(self, count=COUNT, first=0):
        return [{"id": first + n, "data": "x" * 50} for n in range(count)]

    def assert_about(self, told, text, total):
        self.assertIs(told["total_is_estimate"], True)
        self.assertIs(told["input_ended"], False)
        self.assertTrue(0.7 * total < told["total"] < 1.3 * total, (told, total))
        self.assertIn(" 5 done, 1 in doubt, about %d left; " % (told["total"] - 6), text)

    def test_by_the_bytes_of_the_inputs(self):
        path = self.file("in", self.lines())
        self.assert_about(*self.leave_in(path), COUNT)
        self.assert_about(*self.leave_in(path, self.file("more", self.lines(COUNT, COUNT))),
                          2 * COUNT)
        with open(path, "rb") as stdin:
            self.assert_about(*self.leave_in("-", stdin=stdin), COUNT)

    def test_of_a_range(self):
        path = self.file("in", self.lines())
        self.assert_about(*self.leave_in(path, options=["--shard", "1/4"]), COUNT // 4)
        told, text = self.leave_in(path, options=["--limit", "6000"])
        self.assertEqual((told["total"], told["total_is_estimate"]), (6000, True))
        self.assertIn("about 5994 left", text)

    def test_of_what_is_compressed(self):
        data = b"".join(b'{"id":%d,"data":"%s"}\n' % (n, hex(n * 2654435761 % 2**64).encode() * 3)
                        for n in range(COUNT))
        with open(self.path("in.gz"), "wb") as file:
            file.write(gzip.compress(data))
        told, text = self.leave_in(self.path("in.gz"))
        if "total" in told:  # after the first block, which is much of it
            self.assertIs(told["total_is_estimate"], True)
            self.assertIn("about %d left" % (told["total"] - 6), text)
            self.assertGreater(told["total"], 100)

    def test_a_pipe_does_not_tell(self):
        with subprocess.Popen(["cat", self.file("in", self.lines())],
                              stdout=subprocess.PIPE) as cat:
            told, text = self.leave_in("-", stdin=cat.stdout)
            cat.stdout.close()
        self.assertNotIn("total", told)
        self.assertIn("at least %d left" % told["left"], text)

    def test_at_the_end_of_the_input_it_is_known(self):
        told, text = self.leave_in(self.file("in", self.lines(12)))
        self.assertEqual((told["total"], told["total_is_estimate"], told["input_ended"]),
                         (12, False, True))
        self.assertIn("5 done, 1 in doubt, 6 left", text)

    def test_the_hint_and_the_next_run_say_so_too(self):
        self.go.set()
        path = self.file("in", self.lines())
        run = self.run_out("--url", self.held.url, "--ok-status", "404", "--max-failures", "5",
                           "--tries", "1", path)
        self.assertEqual(run.status, STOPPED, run.err)
        about = int(re.search(r"not finished: .* about (\d+) left", run.err).group(1))
        self.assertTrue(0.7 * COUNT < about < 1.3 * COUNT, about)
        run = self.run_out("--resume", "--url", self.held.url, "--ok-status", "404", "--tries",
                           "1", path)
        self.assertRegex(run.err, r"going on: .* about \d+ left")
        self.assertEqual(len(json_lines(self.read("out"))), COUNT)
        self.assertNotEqual(run.status, OK)


if __name__ == "__main__":
    main()
