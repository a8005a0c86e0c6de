"""`ringsend doctor`: each fault that can be provoked is found, named, and comes with its cure."""

import errno
import json
import os
import re
import resource
import shutil
import unittest

from harness import (NOT_STARTED, OK, OUTPUT, REFUSED, RINGSEND, SANITIZED, USAGE, Case, Program,
                     main)
from test_refused import NOBODY, SYSCTL, deny_io_uring, sysctl_that_forbids

CHECKS = ["kernel", "io_uring", "containers", "memlock", "descriptors", "ports", "tls", "resolver"]


class Doctor(Case):
    def setUp(self):
        super().setUp()
        # Trust that is the same on every machine: none but what a test asks for.
        self.environment = {**os.environ}
        self.environment.pop("SSL_CERT_FILE", None)

    def doctor(self, *args, program=RINGSEND, **more):
        """The checks by name (the last one of a name), after those of the text have been
        compared."""
        more.setdefault("env", self.environment)
        self.text = Program([program, "doctor", *args], **more).finish()
        run = Program([program, "doctor", "--json", *args], **more).finish()
        self.assertEqual(run.status, self.text.status, run.err)
        report = json.loads(run.out)
        self.assertEqual(report["ok"], run.status == OK)
        checks = report["checks"]
        self.assertEqual([check["name"] for check in checks],
                         CHECKS + ["resolver"] * (len(checks) - len(CHECKS)))
        words = self.words(self.text.out.decode())
        for check in checks:
            self.assertIn(check["state"], ("ok", "note", "fault"))
            self.assertIn(self.words(check["text"]), words)
            if check["state"] == "fault":
                self.assertTrue(check["cure"], check)
                self.assertIn("FAULT " + check["name"], words)
            if check["cure"]:
                self.assertIn(" ".join(check["cure"].split()), words)
        self.assertEqual(run.status,
                         NOT_STARTED if any(c["state"] == "fault" for c in checks) else OK)
        return {check["name"]: check for check in checks}

    def words(self, text):
        """Of a text, but for what a busy machine says otherwise the next time."""
        return re.sub("; min-wait is [^;]*full speed", "", " ".join(text.split()))

    def faults(self, checks):
        return [name for name, check in checks.items() if check["state"] == "fault"]

    def as_nobody(self, limit, value, user=NOBODY):
        """The arguments that make it run as another user with this limit."""
        program = shutil.copy(RINGSEND, self.dir)
        os.chmod(program, 0o755)

        def become():
            resource.setrlimit(limit, (value, value))
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(user)
        return {"program": program, "preexec_fn": become}

    def test_it_fits_a_terminal(self):
        self.doctor("host.invalid")
        for line in self.text.out.decode().splitlines():
            self.assertLessEqual(len(line), 80, line)
            self.assertEqual(line, line.rstrip())

    @unittest.skipIf(REFUSED, "it does not")
    def test_here_io_uring_works(self):
        checks = self.doctor()
        self.assertNotIn("io_uring", self.faults(checks))
        self.assertIn("works", checks["io_uring"]["text"])

    def test_a_filter_is_named(self):
        for error in (errno.EPERM, errno.ENOSYS):
            with self.subTest(error=error):
                checks = self.doctor(preexec_fn=deny_io_uring(error))
                self.assertEqual(checks["io_uring"]["state"], "note")
                self.assertIn("epoll takes its place", checks["io_uring"]["text"])
                self.assertIn("seccomp filter is on", checks["kernel"]["text"])
                self.assertEqual(checks["containers"]["state"], "note")
                self.assertIn("seccomp", checks["io_uring"]["cure"])

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists(SYSCTL),
                         "needs root to cover the sysctl, and a kernel that has it (6.6)")
    def test_the_sysctl_is_named(self):
        checks = self.doctor(preexec_fn=sysctl_that_forbids(self.file("sysctl", b"2\n")))
        self.assertEqual(checks["kernel"]["state"], "note")
        self.assertIn("io_uring_disabled is 2", checks["kernel"]["text"])
        self.assertIn("sysctl -w", checks["kernel"]["cure"])

    @unittest.skipUnless(os.geteuid() == 0, "becoming another user needs root")
    def test_locked_memory_is_judged(self):
        checks = self.doctor(**self.as_nobody(resource.RLIMIT_MEMLOCK, 0))
        # Kernels before 6.14 do not count rings.
        expected = "fault" if "io_uring" in self.faults(checks) else "note"
        self.assertEqual(checks["memlock"]["state"], expected)
        self.assertIn("hard memlock 8192", checks["memlock"]["cure"])
        self.assertIn("0 KiB", checks["memlock"]["text"])

    @unittest.skipIf(SANITIZED, "leaks are not looked for under a tracer")
    def test_a_tracer_sees_what_is_without_it(self):
        """It stops us at each call, so that what min-wait does cannot be timed."""
        untraced = self.doctor()["io_uring"]
        path = self.path("traced")
        with open(path, "w", encoding="ascii") as script:
            script.write('#!/bin/sh\nexec strace -f -o /dev/null %s "$@"\n' % RINGSEND)
        os.chmod(path, 0o700)
        self.assertEqual(self.doctor(program=path)["io_uring"], untraced)

    @unittest.skipUnless(os.geteuid() == 0, "becoming another user needs root")
    @unittest.skipIf(REFUSED, "none does")
    def test_rings_that_still_fit_are_counted(self):
        fit = {}
        for kib in (8192, 128):
            # The kernel gives back what rings had a moment later: each has a user of its own.
            how = self.as_nobody(resource.RLIMIT_MEMLOCK, kib << 10,
                                 100000 + 2 * os.getpid() + (kib == 128))
            run = Program([how.pop("program"), "doctor", "--json"], env=self.environment,
                          **how).finish()
            text = json.loads(run.out)["checks"][CHECKS.index("memlock")]["text"]
            if "counts no rings" in text:
                self.skipTest("this kernel counts no rings")
            self.assertIn("in all containers", text)
            fit[kib] = int(re.search(r"; (\d+)( or more)? rings such as send's", text).group(1))
        self.assertLess(fit[128], fit[8192])

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    @unittest.skipIf(REFUSED, "none does")
    def test_who_may_lock_all_is_told_so(self):
        text = self.doctor()["memlock"]["text"]
        self.assertTrue("CAP_IPC_LOCK" in text or "unlimited" in text or "still fit" in text, text)

    def test_what_a_container_must_allow_is_there_to_be_typed(self):
        check = self.doctor()["containers"]
        path = re.search(r"/\S+/ringsend/seccomp\.json", check["text"]).group()
        lines = self.text.out.decode().splitlines()
        for line in ("docker run --security-opt seccomp=%s IMAGE" % path,
                     "podman run --security-opt seccomp=%s IMAGE" % path,
                     "securityContext:",
                     "  seccompProfile: {type: Localhost, localhostProfile: ringsend.json}"):
            self.assertIn(line, lines)
            self.assertIn(line, check["cure"].splitlines())
        self.assertIn("/var/lib/kubelet/seccomp/ringsend.json", check["text"])

    @unittest.skipUnless(os.geteuid() == 0, "becoming another user needs root")
    def test_descriptors_are_judged(self):
        for limit, state in ((16, "fault"), (1024, "note")):
            with self.subTest(limit=limit):
                checks = self.doctor(**self.as_nobody(resource.RLIMIT_NOFILE, limit))
                self.assertEqual(checks["descriptors"]["state"], state)
                self.assertIn("LimitNOFILE", checks["descriptors"]["cure"])

    def test_authorities_are_counted(self):
        self.environment["SSL_CERT_FILE"] = self.file("empty.pem", b"")
        checks = self.doctor()
        self.assertEqual(checks["tls"]["state"], "fault")
        self.assertIn("empty.pem", checks["tls"]["text"])
        self.assertIn("ca-certificates", checks["tls"]["cure"])

    def test_names_are_looked_up(self):
        checks = self.doctor("127.0.0.1", "host.invalid")
        self.assertEqual(checks["resolver"]["state"], "fault")
        self.assertIn("host.invalid", checks["resolver"]["text"])
        self.assertIn("resolv.conf", checks["resolver"]["cure"])
        self.assertEqual(self.doctor("127.0.0.1")["resolver"]["text"], "127.0.0.1 is 127.0.0.1")

    def test_a_full_disk_is_reported(self):
        with open("/dev/full", "wb") as full:
            run = Program([RINGSEND, "doctor"], stdout=full, env=self.environment).finish()
        self.assertEqual(run.status, OUTPUT)
        self.assertIn("could not be written", run.err)

    def test_wrong_usage(self):
        self.assertEqual(self.run_ringsend("doctor", "--nonsense").status, USAGE)
        for argument, told in (("http://user:pw@x/", "argument 1 is a URL"),
                               ("localhost:80", "argument 1 has a port: name its host alone")):
            run = self.run_ringsend("doctor", argument)
            self.assertEqual(run.status, USAGE)
            self.assertIn(told, run.err)
            self.assertNotIn("pw", run.err)


if __name__ == "__main__":
    main()
