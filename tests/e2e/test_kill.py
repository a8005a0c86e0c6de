"""SIGKILL at a hundred moments, and --resume after each, with the platform's own log as the
witness.

A moment is the n-th call of one system call, counted and killed at by strace: the same n is the
same place in the program, from before the journal exists to after it is gone, and nothing
depends on how fast the machine is. What the kernel was doing meanwhile is its own affair, and
differs from run to run. Call and n are drawn from a seed, calls that are made more often more
often; RINGSEND_SEED=N takes another one, and a failure names it."""

import json
import os
import random
import shutil
import signal
import subprocess
import unittest

from harness import (BOUND_S, Case, NOT_ALL_OK, OK, REFUSED, RINGSEND, SANITIZED, USAGE,
                     json_lines, main)

SEED = int(os.environ.get("RINGSEND_SEED", "1"))
JOBS_MAX = 200
KILLS_MAX = 3   # of one job, one after another
RECORDS = 240   # of one job, in two files
MOMENTS = 20 if SANITIZED else 100
# System calls that come before the program does anything, or never return.
LOADING = ("execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "mprotect",
           "prlimit64", "access", "exit_group", "read", "pread64")
POOLS = (1, 8, 40)
WAITS = "epoll_wait,epoll_pwait2" if REFUSED else "io_uring_enter"


class Job:
    """Records of all kinds in two files, and what became of them."""

    def __init__(self, case, number, rng):
        self.case, self.number, self.rng = case, number, rng
        self.out, self.failed = case.path("out%d" % number), case.path("failed%d" % number)
        records = [self.record(n) for n in range(RECORDS)]
        cut = rng.randrange(1, RECORDS)
        self.lines = {n: json.dumps(record).encode() for n, record in enumerate(records)}
        self.lines[7] = b"no record"
        ids = list(range(RECORDS))
        self.inputs = [case.file("in%d.%d" % (number, i), [self.lines[n] for n in part])
                       for i, part in enumerate((ids[:cut], ids[cut:]))]
        self.place = {(self.inputs[n >= cut], n - (cut if n >= cut else 0) + 1): n for n in ids}
        self.kills = 0
        self.pool = rng.choice(POOLS)
        # The second input comes out of a pipe, which has to prove what it is after each kill.
        self.piped = self.inputs[1] if number % 3 == 1 else None
        if self.piped:
            self.place.update({("-", n - cut + 1): n for n in ids if n >= cut})
        self.bodies = case.path("bodies%d" % number) if number % 8 in (1, 4) else None

    def record(self, n):
        kind = ("GET", "POST", "KEYED")[n % 3]
        record = {"id": n, "url": "%sj%d/%s/%d" % (self.case.platform.url, self.number, kind, n)}
        if kind != "GET":
            record["data"] = {"n": n}
        if kind == "KEYED":
            record["headers"] = {"Idempotency-Key": str(n)}
        return record

    def command(self, resume):
        options = ["-q", "-c", str(self.pool), "--tries", "1"]
        if self.number % 4 == 0:
            options.append("--sync")
        if self.number % 5 == 2 and self.pool > 1:
            options += ["-t", "2"]
        if self.bodies:
            options += ["--bodies", self.bodies]
        inputs = [self.inputs[0], "-"] if self.piped else self.inputs
        return [RINGSEND, "send", *options, *(["--resume"] if resume else []), "-o", self.out,
                "--failed", self.failed, *inputs]

    def feed(self):
        """What a run has on its standard input: with `piped` a pipe, too short to be full."""
        if not self.piped:
            return open(os.devnull, "rb")
        reader, writer = os.pipe()
        with open(self.piped, "rb") as file, os.fdopen(writer, "wb") as pipe:
            pipe.write(file.read())
        return os.fdopen(reader, "rb")

    def run(self, command):
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # which cannot be traced
        with self.feed() as stdin:
            return subprocess.run(command, stdin=stdin, capture_output=True, timeout=BOUND_S,
                                  check=False, env=environment)

    @staticmethod
    def was_complete(run):
        """The run before was killed behind the end of its journal."""
        return run.returncode == USAGE and b"no journal" in run.stderr

    def run_killed(self, resume, call, at):
        """True when it was killed; else it has come to its end before."""
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call,
                   "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, at), *self.command(resume)]
        run = self.run(command)
        if run.returncode in (OK, NOT_ALL_OK) or self.was_complete(run):
            return False
        self.case.assertEqual(run.returncode, -9, run.stderr)
        self.kills += 1
        return True

    def moment(self):
        """Spread over start, middle and end of what the run will do."""
        done = 0
        if os.path.exists(self.out):
            with open(self.out, "rb") as file:
                done = file.read().count(b"\n")
        calls = self.case.calls[self.pool]
        call = self.rng.choices(list(calls), list(calls.values()))[0]
        count = calls[call]
        if call == "io_uring_enter":  # the only one whose count goes with the records
            count = max(count * (RECORDS - done) // RECORDS, 5)
        return call, self.rng.randrange(1, count + 1)

    def play(self):
        """Runs, kills and resumes; then resumes to the end."""
        resume = False
        for _ in range(self.rng.randrange(1, KILLS_MAX + 1)):
            if not self.run_killed(resume, *self.moment()):
                return
            resume = True
        self.finish()

    def finish(self):
        run = self.run(self.command(True))
        if not self.was_complete(run):
            self.case.assertIn(run.returncode, (OK, NOT_ALL_OK), run.stderr)

    def check(self, deliveries):
        case = self.case
        case.assertFalse(os.path.exists(self.out + ".journal"))
        with open(self.out, "rb") as file:
            results = json_lines(file.read())
        numbers = [self.place[(r["file"], r["line"])] for r in results]
        case.assertEqual(sorted(numbers), list(range(RECORDS)))
        for result in results if self.bodies else ():
            case.assertNotIn("body", result)
            if "body_file" in result:
                with open(result["body_file"], "rb") as file:
                    case.assertTrue(file.read(), result)
        for n, result in zip(numbers, results):
            self.check_result(n, result, deliveries.get(n, 0))
        with open(self.failed, "rb") as file:
            failed = sorted(file.read().splitlines())
        case.assertEqual(failed, sorted(self.lines[n] for n, r in zip(numbers, results)
                                        if not r["ok"]))

    def check_result(self, n, result, delivered):
        case = self.case
        told = "record %d was delivered %d times: %r" % (n, delivered, result)
        if n == 7:
            case.assertEqual((result["error"], delivered), ("bad_record", 0), told)
        elif n % 3 == 1:  # POST: never twice, and in doubt only when it was killed
            case.assertLessEqual(delivered, 1, told)
            if result["error"] == "in_doubt":
                case.assertTrue(result["ambiguous"] and self.kills, told)
            else:
                case.assertEqual((result["error"], delivered), (None, 1), told)
        else:
            case.assertIsNone(result["error"], told)
            case.assertTrue(1 <= delivered <= 1 + self.kills, told)


@unittest.skipUnless(shutil.which("strace"), "needs strace")
class Kill(Case):
    def setUp(self):
        super().setUp()
        self.platform = self.serve("--status", "404:10%", "--latency", "1ms", "--log",
                                   self.path("log"))

    def count_calls(self, pool):
        """How often a whole run makes each system call."""
        job = Job(self, 0, random.Random(0))
        job.pool = pool
        job.out += "-%d" % pool
        job.failed += "-%d" % pool
        counts = self.path("counts")
        job.run(["strace", "-f", "-qq", "-c", "-o", counts, *job.command(False)])
        calls = {}
        for line in self.read(os.path.basename(counts)).decode().splitlines():
            words = line.split()
            if len(words) >= 5 and words[3].isdigit() and words[-1] not in (*LOADING, "total"):
                calls[words[-1]] = int(words[3])
        return calls

    def deliveries(self):
        """By job and record, of the log; the platform has been stopped."""
        counts = {}
        for line in self.read("log").decode().splitlines():
            _, job, _, n = line.split("\t")[2].split("/")
            counts.setdefault(int(job[1:]), {}).setdefault(int(n), 0)
            counts[int(job[1:])][int(n)] += 1
        return counts

    def test_killed_at_any_moment_a_job_loses_and_doubles_nothing(self):
        self.calls = {pool: self.count_calls(pool) for pool in POOLS}
        rng = random.Random(SEED)
        jobs = []
        with self.subTest(seed=SEED):
            while sum(job.kills for job in jobs) < MOMENTS and len(jobs) < JOBS_MAX:
                jobs.append(Job(self, len(jobs) + 1, rng))
                jobs[-1].play()
            self.platform.stop()
            deliveries = self.deliveries()
            for job in jobs:
                with self.subTest(job=job.number):
                    job.check(deliveries.get(job.number, {}))
        self.assertGreaterEqual(sum(job.kills for job in jobs), MOMENTS)

    def kill_when_grown(self, job, path, resume):
        """Kills a run as soon as it has added to the file, and before it can know that: each of its
        waits is drawn out. True when it was killed."""
        before = os.path.getsize(path) if os.path.exists(path) else 0
        stdin = job.feed()
        self.addCleanup(stdin.close)
        tracer = subprocess.Popen([
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + WAITS, "-e",
            "inject=%s:delay_exit=30ms" % WAITS, *job.command(resume)
        ], stdin=stdin, stderr=subprocess.DEVNULL, env=dict(os.environ,
                                                            ASAN_OPTIONS="detect_leaks=0"))
        try:
            while tracer.poll() is None:
                if os.path.exists(path) and os.path.getsize(path) > before:
                    with open("/proc/%d/task/%d/children" % (tracer.pid, tracer.pid)) as children:
                        child = children.read().split()
                    try:
                        os.kill(int(child[0]), signal.SIGKILL)
                        job.kills += 1
                    except (IndexError, ProcessLookupError):
                        pass  # it was faster, and ends well
                    break
        finally:
            status = tracer.wait(BOUND_S)
        return status not in (OK, NOT_ALL_OK)

    def test_killed_between_a_write_and_the_word_of_it(self):
        jobs = [Job(self, number, random.Random(number)) for number in range(1, 4)]
        for job in jobs:
            job.pool = 40
            resume = self.kill_when_grown(job, job.failed, False)
            resume |= self.kill_when_grown(job, job.out, resume)
            self.assertTrue(resume)
            job.finish()
        self.platform.stop()
        deliveries = self.deliveries()
        for job in jobs:
            with self.subTest(job=job.number):
                job.check(deliveries.get(job.number, {}))


if __name__ == "__main__":
    main()
