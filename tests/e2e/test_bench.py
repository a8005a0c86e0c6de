"""The benchmark's own manners: what it refuses, what it says when a target is missed."""

import contextlib
import io
import os
import subprocess
import sys
import unittest
from unittest import mock

from harness import ROOT, main

PERF = os.path.join(ROOT, "perf")
sys.path.insert(0, PERF)
import bench  # noqa: E402
import peers  # noqa: E402


class Bench(unittest.TestCase):
    def run_main(self, *args, value=1):
        """bench.main with one target, at most 1, in place of all measuring: its status, its
        output."""
        def measure(_bench, table, _url):
            table.head("System calls")
            table.line("ringsend", str(value))
            table.target("system calls", value, 1, "{}")
        out = io.StringIO()
        with mock.patch.object(sys, "argv", ["bench.py", "--only", "system", *args]), \
                mock.patch.object(bench, "system_calls", measure), \
                mock.patch.object(bench, "machine"), \
                mock.patch.object(peers, "CPUS", [0, 1]), \
                mock.patch.object(peers, "Nginx", mock.MagicMock()), \
                contextlib.redirect_stdout(out):
            status = bench.main()
        return status, out.getvalue()

    def test_the_exit_status_tells_whether_a_target_was_missed(self):
        self.assertEqual(self.run_main(value=1)[0], 0)
        status, out = self.run_main(value=2)
        self.assertEqual(status, 1)
        self.assertIn("missed", out)

    def test_markdown_holds_the_targets_and_the_figures(self):
        self.assertNotIn("|", self.run_main()[1])
        out = self.run_main("--markdown")[1]
        self.assertIn("| system calls | 1 | 1 | met |\n", out)
        self.assertIn("| ringsend | 1 |\n", out)

    def test_a_part_that_does_not_exist_is_refused_by_name(self):
        for text in ("nope", "system,nope", "", "system,"):
            with self.subTest(text=text):
                run = subprocess.run(
                    [sys.executable, "-B",
                     os.path.join(PERF, "bench.py"), "--only", text], stdin=subprocess.DEVNULL,
                    capture_output=True, text=True, check=False)
                self.assertEqual((run.returncode, run.stdout), (2, ""))
                self.assertIn(", ".join(bench.PARTS), run.stderr)

    def test_the_cpus_are_those_that_it_may_use(self):
        cpu = max(os.sched_getaffinity(0))
        code = "import peers; print(peers.SERVER_CPU, peers.SENDER_CPU)"
        run = subprocess.run([sys.executable, "-B", "-c", code], cwd=PERF, capture_output=True,
                             text=True, check=True,
                             preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        self.assertEqual(run.stdout.split(), [str(cpu)] * 2)


if __name__ == "__main__":
    main()
