"""Machines that do not let us: io_uring filtered as in containers, little memory to lock."""

import ctypes
import errno
import itertools
import json
import os
import re
import resource
import shutil
import threading
import unittest

from harness import (BOUND_S, Case, NOT_STARTED, OK, Program, REFUSED, RINGSEND, answering,
                     json_lines, main, response)
from seccomp import ALLOW, filtered, refuse, unless_equal_skip

IO_URING_SETUP = 425  # the same number on every architecture (but alpha)
NOBODY = 65534
SYSCTL = "/proc/sys/kernel/io_uring_disabled"
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x00020000, 4096, 16384, 1 << 18


def deny_io_uring(error):
    """For preexec_fn: from here on io_uring_setup fails with this errno, as under Docker."""
    return filtered(unless_equal_skip(IO_URING_SETUP), refuse(error), ALLOW)


def sysctl_that_forbids(path):
    """For preexec_fn: the sysctl reads as the file does, for this process alone, and the kernel's
    answer is the one it gives then."""
    libc = ctypes.CDLL(None, use_errno=True)
    deny = deny_io_uring(errno.EPERM)

    def apply():
        for failed in (libc.unshare(CLONE_NEWNS),
                       libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None),
                       libc.mount(path.encode(), SYSCTL.encode(), None, MS_BIND, None)):
            if failed:
                raise OSError(ctypes.get_errno(), "mount")
        deny()
    return apply


@unittest.skipIf(REFUSED, "it is refused from outside already")
class Refused(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))
        self.records = self.file("in", [{"data": str(n)} for n in range(100)])

    def refused(self, error, *args):
        run = self.run_ringsend(*args, preexec_fn=deny_io_uring(error))
        self.assertEqual((run.status, run.out), (NOT_STARTED, b""), run.err)
        self.assertIn("io_uring", run.err)
        self.assertEqual(self.echo.requests, [])
        return run.err

    def test_a_filter_that_says_eperm_is_named_with_its_cure(self):
        text = self.refused(errno.EPERM, "send", "--io", "uring", "--url", self.echo.url,
                            self.records)
        self.assertIn("seccomp", text)
        self.assertIn("Docker", text)

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists(SYSCTL),
                         "needs root to cover the sysctl, and a kernel that has it (6.6)")
    def test_the_sysctl_that_forbids_io_uring_is_named_with_its_value(self):
        for value in ("1", "2"):
            with self.subTest(value=value):
                run = self.run_ringsend(
                    "send", "--io", "uring", "--url", self.echo.url, self.records,
                    preexec_fn=sysctl_that_forbids(self.file("sysctl", value.encode() + b"\n")))
                self.assertEqual((run.status, run.out), (NOT_STARTED, b""), run.err)
                self.assertRegex(run.err, r"kernel\.io_uring_disabled\D{1,20}%s\b" % value)

    def test_a_filter_that_says_enosys_is_named(self):
        text = self.refused(errno.ENOSYS, "send", "--io", "uring", "--url", self.echo.url,
                            self.records)
        self.assertRegex(text, "seccomp|kernel")

    def test_serve_says_the_same(self):
        self.assertIn("seccomp", self.refused(errno.EPERM, "serve", "--io", "uring", "-p", "0"))

    def fallen_back(self, error, *args, expect=OK):
        """The run over epoll, of which one notice tells the cause and the cure."""
        run = self.run_ringsend(*args, preexec_fn=deny_io_uring(error))
        self.assertEqual(run.status, expect, run.err)
        self.assertEqual(len(re.findall("over epoll", run.err)), 1, run.err)
        self.assertIn("too old" if error == errno.EINVAL else "seccomp", run.err)
        return run

    def test_by_itself_it_goes_over_epoll_and_says_so_once(self):
        for error in (errno.EPERM, errno.ENOSYS, errno.EINVAL):
            for threads in ("1", "2"):
                with self.subTest(error=error, threads=threads):
                    run = self.fallen_back(error, "send", "-t", threads, "--url", self.echo.url,
                                           self.records)
                    self.assertEqual(sorted(int(r["body"]) for r in run.results), list(range(100)))
                    self.assertRegex(run.err, r"epoll +\S+ system calls per record")

    def test_who_does_not_listen_is_told_nothing_and_holds_nothing_up(self):
        for gone in (False, True):
            for args in (["send", "-q", "--url", self.echo.url, self.records],
                         ["bench", "-q", "-n", "100", self.echo.url]):
                with self.subTest(gone=gone, args=args):
                    reader, writer = os.pipe()
                    os.set_blocking(writer, False)
                    while not gone:
                        try:
                            os.write(writer, b"x" * 4096)
                        except BlockingIOError:
                            break
                    os.set_blocking(writer, True)
                    if gone:
                        os.close(reader)
                    run = self.run_ringsend(*args, stderr=writer,
                                            preexec_fn=deny_io_uring(errno.EPERM))
                    os.close(writer)
                    if not gone:
                        os.close(reader)
                    self.assertEqual(run.status, OK)

    def test_a_report_of_bench_names_the_ring(self):
        self.fallen_back(errno.EPERM, "bench", "-q", "-n", "20", "-c", "2", "--json",
                         self.path("r"), self.echo.url)
        with open(self.path("r"), encoding="utf-8") as file:
            self.assertTrue(json.load(file)["environment"]["ring_features"].startswith("epoll"))

    def test_who_asks_for_epoll_is_told_nothing(self):
        run = self.run_ringsend("send", "--io", "epoll", "-q", "--url", self.echo.url, self.records,
                                preexec_fn=deny_io_uring(errno.EPERM))
        self.assertEqual((run.status, run.err, len(run.results)), (OK, "", 100))

    def test_a_run_begun_on_one_ring_goes_on_on_the_other(self):
        for first, second in (("uring", "epoll"), ("epoll", "uring")):
            with self.subTest(first=first):
                go, answered, out = threading.Event(), itertools.count(), self.path("out-" + first)

                def answer(request):
                    if next(answered) >= 50:
                        go.wait(BOUND_S)
                    return response(request.body)
                server = self.server(answering(answer))
                options = ("--url", server.url, "-c", "4", "--flush-after", "0", "-o", out)
                program = self.start("send", "--io", first, *options, self.records)
                server.wait_for(lambda seen: len(seen.requests) == 54)
                program.kill()
                go.set()
                run = self.run_ringsend("send", "--io", second, "--resume", "--at-least-once",
                                        *options, self.records)
                self.assertEqual(run.status, OK, run.err)
                lines = sorted(result["line"] for result in json_lines(self.read("out-" + first)))
                self.assertEqual(lines, list(range(1, 101)))

    def test_no_output_file_is_left_behind(self):
        self.refused(errno.EPERM, "send", "--io", "uring", "--url", self.echo.url, "-o",
                     self.path("out"), self.records)
        self.assertFalse(os.path.exists(self.path("out")))


@unittest.skipUnless(os.geteuid() == 0, "becoming another user needs root")
class Limits(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))
        self.program = shutil.copy(RINGSEND, self.dir)
        os.chmod(self.program, 0o755)
        self.records = self.file("in", [{"data": str(n)} for n in range(200)])
        os.chmod(self.records, 0o644)

    def as_nobody(self, limit, value, *options):
        def become():
            resource.setrlimit(limit, (value, value))
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        program = Program([self.program, "send", "--url", self.echo.url, *options, self.records],
                          preexec_fn=become)
        self.addCleanup(program.close)
        return program.finish()

    def test_little_locked_memory_shrinks_the_ring_or_says_what_to_raise(self):
        for kib in (0, 16, 64, 256, 1024, 8192):
            with self.subTest(kib=kib):
                run = self.as_nobody(resource.RLIMIT_MEMLOCK, kib << 10)
                if run.status == NOT_STARTED:
                    self.assertIn("ulimit -l", run.err)
                    self.assertLess(kib, 1024)
                else:
                    self.assertEqual((run.status, len(run.results)), (OK, 200), run.err)

    def test_few_file_descriptors_are_no_obstacle(self):
        run = self.as_nobody(resource.RLIMIT_NOFILE, 16, "-c", "10")
        self.assertEqual((run.status, len(run.results)), (OK, 200), run.err)

    def test_a_soft_limit_of_descriptors_is_raised(self):
        def soft():
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (32, hard))
        run = self.run_ringsend("send", "-c", "100", "--url", self.echo.url, self.records,
                                preexec_fn=soft)
        self.assertEqual((run.status, len(run.results)), (OK, 200), run.err)


if __name__ == "__main__":
    main()
