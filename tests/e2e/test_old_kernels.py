"""Kernels that are too old for io_uring: Linux 4.18, the oldest that is aimed at (RHEL 8).

Played, not run: every system call that is younger answers ENOSYS. They are those from 424 on, the
same numbers on every architecture; flags and options of older calls are as the kernel has them."""

import errno
import json
import os
import signal
import unittest

from harness import OK, SANITIZED, Authority, Case, Program, RINGSEND, json_lines, main
from seccomp import ALLOW, filtered, refuse, unless_at_least_skip

FIRST_AFTER_4_18 = 424  # pidfd_send_signal, 5.1


def as_of_4_18():
    """For preexec_fn."""
    return filtered(unless_at_least_skip(FIRST_AFTER_4_18), refuse(errno.ENOSYS), ALLOW)


@unittest.skipIf(SANITIZED, "sanitizers have calls of their own")
class OldKernels(Case):
    def old_serve(self, *options):
        """The URL of a `serve` on such a kernel."""
        program = self.start("serve", "--io", "epoll", "-p", "0", *options,
                             preexec_fn=as_of_4_18())
        program.wait_for(lambda out, err: b"listening" in out)
        return program, bytes(program.text["out"]).split(b"http", 1)[1].split()[0].decode()

    def old(self, *args):
        run = self.run_ringsend(*args, preexec_fn=as_of_4_18())
        self.assertEqual(run.status, OK, run.err)
        return run

    def test_send_and_serve(self):
        authority = Authority(self.dir)
        chain, key = authority.certificate()
        serve, rest = self.old_serve("--tls", "--cert", chain, "--key", key)
        url = "http" + rest.replace("127.0.0.1", "localhost")
        data = self.file("data", b"\"content\"\n")
        os.mkdir(self.path("bodies"))
        records = self.file("in", [{"url": url, "data": {"n": n}} for n in range(200)] +
                            [{"url": url, "data_file": data}])
        self.old("send", "--io", "epoll", "--cacert", authority.pem, "-t", "2", "--sync",
                 "--bodies", self.path("bodies"), "--failed", self.path("failed"), "-o",
                 self.path("out"), records)
        self.assertEqual(sorted(r["line"] for r in json_lines(self.read("out"))),
                         list(range(1, 202)))
        serve.signal(signal.SIGTERM)
        self.assertEqual(serve.finish().status, OK)

    def test_bench_and_probe(self):
        _, rest = self.old_serve()
        url = "http" + rest
        self.old("bench", "--io", "epoll", "-q", "-n", "200", "-r", "5000", "--json",
                 self.path("json"), url)
        with open(self.path("json"), encoding="utf-8") as file:
            features = json.load(file)["environment"]["ring_features"]
        self.assertTrue(features.startswith("epoll"), features)
        self.old("probe", "--io", "epoll", "--step", "100ms", "-c", "2", url)

    def test_doctor_tells_that_epoll_takes_its_place(self):
        run = Program([RINGSEND, "doctor", "--json"], preexec_fn=as_of_4_18()).finish()
        checks = {check["name"]: check for check in json.loads(run.out)["checks"]}
        self.assertIn("epoll takes its place", checks["io_uring"]["text"])
        self.assertNotEqual(checks["io_uring"]["state"], "fault")


if __name__ == "__main__":
    main()
