"""What is shipped beside the program: the seccomp profile and the systemd unit.

The profile is held against what the program really calls (strace): everything it calls is
admitted, and what is admitted without being seen has its reason in UNSEEN. Then it is applied,
with EPERM for the rest."""

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import (BOUND_S, NOT_ALL_OK, RINGSEND, ROOT, SANITIZED, SECOND_THOUGHT_S, SIGINT_EXIT,
                     Authority, Case, OK, Program, answering, json_lines, main, response)
from seccomp import ALLOW, filtered, refuse, unless_equal_skip

PROFILE = os.path.join(ROOT, "dist", "seccomp.json")
UNIT = os.path.join(ROOT, "dist", "ringsend@.service")
EPERM = 1

# Admitted though no run here shows them.
UNSEEN = {
    "what a container's runtime does between its filter and the program":
        "capget capset chdir fchdir fstatfs statfs getdents64 getpid getppid setgid setgroups "
        "setuid geteuid epoll_pwait openat2 readlinkat faccessat2 sched_yield tgkill "
        "sigaltstack nanosleep",
    "the clock, where the kernel's page for it is not to be had":
        "clock_gettime clock_nanosleep gettimeofday time",
    "name servers, and other versions of glibc":
        "bind poll ppoll sendmsg sendmmsg recvfrom recvmsg fstat stat lstat statx open access "
        "readlink clone getrlimit ioctl uname",
    "seen only at times: what a signal or a full pipe interrupts, large memory (and what "
    "sorts it), the ends of threads, a dying run":
        "restart_syscall rt_sigreturn mremap madvise exit gettid ftruncate fsync fdatasync "
        "sched_getaffinity kill sysinfo",
    "a look at a command that runs on, and commands of other shells":
        "waitid",
    "glibc's last words, and the other name of its setrlimit":
        "writev setrlimit prlimit64",
    "relative names":
        "getcwd",
    "where there is but the newer kind of a call (aarch64)":
        "faccessat mkdirat renameat renameat2 unlinkat dup3",
}


# Calls that aarch64 never had, and which one does their work there.
INSTEAD = {
    "access": "faccessat", "arch_prctl": "nothing", "dup2": "dup3", "epoll_wait": "epoll_pwait",
    "lstat": "newfstatat", "mkdir": "mkdirat", "open": "openat", "poll": "ppoll",
    "readlink": "readlinkat", "rename": "renameat", "stat": "newfstatat", "time": "gettimeofday",
    "unlink": "unlinkat",
}


def admitted():
    with open(PROFILE, encoding="utf-8") as file:
        profile = json.load(file)
    return profile, {name for rule in profile["syscalls"] for name in rule["names"]}


def numbers():
    """System calls of this machine by name."""
    text = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-xc", "/dev/null"],
                          capture_output=True, text=True, check=True).stdout
    return {
        name: int(number)
        for name, number in re.findall(r"#define __NR_(\w+) (\d+)$", text, re.MULTILINE)
    }


def apply_profile(*unknown):
    """For preexec_fn: only what the profile admits; `unknown` is what the file system does not
    know."""
    known, (_, names) = numbers(), admitted()
    allowed = sorted(known[name] for name in names if name in known and name not in unknown)
    rules = [(known[name], refuse(errno.EOPNOTSUPP)) for name in unknown]
    rules += [(number, ALLOW) for number in allowed]
    code = [step for number, outcome in rules for step in (unless_equal_skip(number), outcome)]
    return filtered(*code, refuse(EPERM))


class Trips(Case):
    """Every command, with the options that reach for something of their own."""

    def trips(self):
        """On both rings, as far as a command has one."""
        authority = self.authority = Authority(self.dir)
        chain, key = self.chain = authority.certificate()
        secure = self.serve("--tls", "--cert", chain, "--key", key)
        plain = self.serve()
        data = self.file("data", b"\"content\"\n")
        local = plain.url.replace("127.0.0.1", "localhost")
        secure_url = secure.url.replace("127.0.0.1", "localhost")
        records = self.file("in", [{"url": local, "data": {"n": n}} for n in range(50)] +
                            [{"url": plain.url, "data_file": data}])
        made = []
        for io in ("uring", "epoll"):
            def at(name, io=io):
                return self.path(io + "." + name)
            os.mkdir(at("bodies"))
            made += [
                ["send", "--io", io, "-o", at("out"), "--failed", at("failed"), "--bodies",
                 at("bodies"), "--sync", "--headers", "--trace", records],
                ["send", "--io", io, "--csv", "--compressed", "--adaptive", "--rate", "1000/s",
                 records],
                ["send", "--io", io, "--cacert", authority.pem, "--url", secure_url, data],
                ["bench", "--io", io, "-t", "2", "-n", "100", "--timestamps", "--json", at("json"),
                 "--html", at("html"), "--hlog", at("hlog"), "--csv", at("csv"), plain.url],
                ["bench", "--io", io, "--spin", "-r", "1000", "-n", "50", plain.url],
                ["probe", "--io", io, "--step", "100ms", "-c", "2", plain.url],
                ["send", "--io", io, "--token-command", "printf abc", "--url", plain.url, data],
            ]
        return made + [
            ["compare", "--html", self.path("html2"), self.path("uring.json"),
             self.path("epoll.json")],
            ["status", self.path("uring.out")],
            ["doctor", "localhost"],
        ]


@unittest.skipIf(SANITIZED, "sanitizers have calls of their own")
class Seccomp(Trips):
    def strace(self, *args, **more):
        if not shutil.which("strace"):
            self.skipTest("strace is not here")
        log = self.path("strace.%d" % len(os.listdir(self.dir)))
        program = Program(["strace", "-f", "-qq", "-o", log, RINGSEND, *args], **more)
        self.addCleanup(program.close)
        return program, log

    def traced(self, program):
        """The process that strace has started."""
        children = "/proc/%d/task/%d/children" % (program.process.pid, program.process.pid)
        with open(children, encoding="utf-8") as file:
            return int(file.read().split()[0])

    def called(self, log):
        with open(log, encoding="utf-8", errors="replace") as file:
            return set(
                re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", file.read(), re.MULTILINE))

    def held(self):
        """A server that keeps the first record's answer back."""
        go = threading.Event()

        def answer(request):
            if request.body == b"0":
                go.wait(BOUND_S)
            return response(b"")
        server = self.server(answering(answer))
        self.addCleanup(go.set)
        return server, go

    def stopped_and_gone_on_with(self):
        """Results that wait for their turn are put aside, and taken up."""
        server, go = self.held()
        records = self.file("ordered", [{"url": server.url, "data": str(n)} for n in range(20)])
        args = ["send", "--ordered", "--sync", "-t", "2", "-o", self.path("ordered.out"), records]
        program, log = self.strace(*args)
        server.wait_for(lambda server: len(server.requests) == 20)
        traced = self.traced(program)
        for number in (signal.SIGUSR1, signal.SIGINT):
            os.kill(traced, number)
        program.wait_for(lambda out, err: b"stopping" in err)
        time.sleep(SECOND_THOUGHT_S)
        os.kill(traced, signal.SIGINT)
        program.finish()
        go.set()
        second, second_log = self.strace(*args, "--resume")
        second.finish()
        return self.called(log) | self.called(second_log)

    def without_fallocate(self):
        """A file system that cannot set space aside."""
        serve = self.serve()
        log = self.path("strace.space")
        program = Program([
            "strace", "-f", "-qq", "-e", "inject=fallocate:error=EOPNOTSUPP", "-o", log, RINGSEND,
            "send", "-o",
            self.path("space"),
            self.file("space.in", [{"url": serve.url}])
        ])
        self.addCleanup(program.close)
        self.assertEqual(program.finish().status, OK)
        seen = self.called(log)
        self.assertIn("pwrite64", seen)
        return seen

    def test_a_file_system_that_cannot_set_space_aside(self):
        serve = self.serve()
        run = self.run_ringsend("send", "-o", self.path("space"),
                                self.file("space.in", [{"url": serve.url}]),
                                preexec_fn=apply_profile("fallocate"))
        self.assertEqual(run.status, OK, run.err)

    def test_a_stop_under_it(self):
        server, go = self.held()
        records = self.file("ordered", [{"url": server.url, "data": str(n)} for n in range(20)])
        args = ["send", "--ordered", "--sync", "-t", "2", "-o", self.path("ordered.out"), records]
        program = self.start(*args, preexec_fn=apply_profile())
        server.wait_for(lambda server: len(server.requests) == 20)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal_again(signal.SIGINT)
        self.assertEqual(program.finish().status, SIGINT_EXIT)
        go.set()
        run = self.run_ringsend(*args, "--resume", preexec_fn=apply_profile())
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual([r["line"] for r in json_lines(self.read("ordered.out"))],
                         list(range(1, 21)))

    def served_over(self, io):
        """What a server over TLS calls, from its start to a signal."""
        chain, key = self.chain
        serving, log = self.strace("serve", "--io", io, "-p", "0", "--log", self.path(io + ".log"),
                                   "--tls", "--cert", chain, "--key", key)
        serving.wait_for(lambda out, err: b"listening" in out)
        url = re.search(rb"https://\S+", bytes(serving.text["out"])).group().decode()
        run = self.run_ringsend("send", "--cacert", self.authority.pem, "--url",
                                url.replace("127.0.0.1", "localhost"),
                                self.file("one", [{"data": 1}]))
        self.assertEqual(run.status, OK, run.err)
        os.kill(self.traced(serving), signal.SIGTERM)
        serving.finish()
        return self.called(log)

    def reads_a_pipe(self):
        read_end, write_end = os.pipe()
        with open(read_end, "rb") as records, open(write_end, "wb") as to:
            to.write(b'{"data": 1}\n')
            to.close()
            program, log = self.strace("send", "--io", "epoll", "--url", self.serve().url, "-",
                                       stdin=records)
            self.assertEqual(program.finish().status, OK)
        return self.called(log)

    def test_it_admits_what_is_called_and_no_more(self):
        seen = set()
        for args in self.trips():
            program, log = self.strace(*args)
            program.finish()
            seen |= self.called(log)
        for io in ("uring", "epoll"):
            seen |= self.served_over(io)
        seen |= self.stopped_and_gone_on_with()
        seen |= self.without_fallocate()
        seen |= self.reads_a_pipe()
        _, names = admitted()
        self.assertEqual(sorted(seen - names), [], "not admitted")
        reasons = {name for text in UNSEEN.values() for name in text.split()}
        self.assertEqual(sorted(names - seen - reasons), [], "admitted without reason")
        for name in ("io_uring_setup", "io_uring_enter", "io_uring_register", "epoll_create1"):
            self.assertIn(name, seen)

    def test_names_are_of_the_architectures_that_it_is_for(self):
        """What aarch64 has not, another call of the profile does there."""
        _, names = admitted()
        with open("/usr/include/asm-generic/unistd.h", encoding="utf-8") as file:
            generic = set(re.findall(r"^#define __NR(?:3264)?_(\w+) \d+$", file.read(),
                                     re.MULTILINE))
        generic |= {"newfstatat"}  # __NR3264_fstatat there
        for name in sorted(names - generic):
            self.assertIn(name, numbers(), "no call")
            self.assertIn(INSTEAD.get(name), names | {"nothing"}, name)
            self.assertIn(INSTEAD[name], generic | {"nothing"}, name)

    def test_everything_works_under_it(self):
        limited = apply_profile()
        for args in self.trips():
            with self.subTest(args=args):
                run = self.run_ringsend(*args, preexec_fn=limited)
                expected = 2 if args[0] == "status" else OK  # the run has come to its end
                self.assertEqual(run.status, expected, run.err + run.out.decode(errors="replace"))

    def test_without_timers_min_wait_is_not_used_and_all_say_so(self):
        limited = apply_profile("timerfd_create")
        run = self.run_ringsend("doctor", "--json", preexec_fn=limited)
        checks = {check["name"]: check for check in json.loads(run.out)["checks"]}
        if "lacks min-wait" in checks["io_uring"]["text"]:
            self.skipTest("there is none here")
        self.assertIn("it could not be tried", checks["io_uring"]["text"])
        run = self.run_ringsend("bench", "--batch", "-q", "-n", "200", "--json", self.path("json"),
                                self.serve().url, preexec_fn=limited)
        self.assertEqual(run.status, OK, run.err)
        with open(self.path("json"), encoding="utf-8") as file:
            self.assertIn("min_wait:unproven", json.load(file)["environment"]["ring_features"])

    def test_the_rest_is_refused(self):
        profile, names = admitted()
        self.assertEqual(profile["defaultAction"], "SCMP_ACT_ERRNO")
        for name in ("ptrace", "mount", "bpf", "kexec_load", "init_module", "unshare", "setns",
                     "keyctl", "userfaultfd"):
            self.assertNotIn(name, names)


class Unit(Case):
    def test_systemd_understands_it_and_finds_it_tight(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        unit = self.path("ringsend@test.service")
        with open(UNIT, encoding="utf-8") as source, open(unit, "w", encoding="utf-8") as copy:
            copy.write(source.read().replace("@bindir@/ringsend", RINGSEND))
        verify = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                                capture_output=True, text=True)
        complaints = [line for line in verify.stderr.splitlines() if "ringsend@" in line]
        self.assertEqual((verify.returncode, complaints), (0, []), verify.stderr)
        rating = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=25", unit],
            capture_output=True, text=True)
        self.assertEqual(rating.returncode, 0, rating.stdout + rating.stderr)

    def test_a_clean_stop_is_no_failure_and_a_crash_is_gone_on_from(self):
        with open(UNIT, encoding="utf-8") as file:
            lines = dict(line.strip().split("=", 1) for line in file
                         if re.match("[A-Z]\\w*=", line))
        clean = {int(word) for word in lines["SuccessExitStatus"].split()}
        self.assertEqual(
            clean, {NOT_ALL_OK, 128 + signal.SIGHUP, 128 + signal.SIGINT, 128 + signal.SIGTERM})
        self.assertEqual(lines["Restart"], "on-abnormal")  # a signal, not an exit status
        self.assertGreater(int(lines["TimeoutStopSec"]), 10)



class UnitRun(Case):
    """What systemd would start, with what it would give it: /etc/ringsend is etc, /var/lib lib."""

    def setUp(self):
        super().setUp()
        for name in ("etc", "lib"):
            os.mkdir(self.path(name))

    def settings(self, instance):
        """(key, value) of the unit, with its specifiers replaced."""
        with open(UNIT, encoding="utf-8") as file:
            text = file.read()
        for name, value in (("%i", instance), ("%S", self.path("lib")),
                            ("/etc/ringsend", self.path("etc")), ("@bindir@/ringsend", RINGSEND)):
            text = text.replace(name, value)
        self.assertEqual(re.findall("^[^#]*%.*", text, re.MULTILINE), [])
        return re.findall(r"^(\w+)=(.*)", text, re.MULTILINE)

    def credentials(self, settings):
        """The directory of them; what is not there has to have a default."""
        directory = self.path("credentials")
        shutil.rmtree(directory, ignore_errors=True)
        os.mkdir(directory)
        defaults = dict(value.split(":", 1) for key, value in settings if key == "SetCredential")
        for key, value in settings:
            if key == "LoadCredential":
                name, path = value.split(":", 1)
                if os.path.isdir(path):
                    for each in os.listdir(path):
                        shutil.copy(os.path.join(path, each),
                                    os.path.join(directory, name + "_" + each))
                elif os.path.exists(path):
                    shutil.copy(path, os.path.join(directory, name))
                else:
                    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                        file.write(defaults[name].encode().decode("unicode_escape"))
        return directory

    def begin(self, instance):
        settings = self.settings(instance)
        only = dict(settings)
        environment = {"CREDENTIALS_DIRECTORY": self.credentials(settings)}
        lines = [only["Environment"]]
        optional, path = only["EnvironmentFile"][0], only["EnvironmentFile"][1:]
        self.assertEqual(optional, "-")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines += file.read().splitlines()
        for line in lines:
            name, value = line.split("=", 1)
            environment[name] = "".join(shlex.split(value))
        words = []
        for word in only["ExecStart"].split():
            if word[0] == "$" and word[1] != "{":
                words += shlex.split(environment.get(word[1:], ""))
            else:
                words.append(re.sub(r"\$\{(\w+)\}", lambda name: environment[name.group(1)], word))
        os.makedirs(only["WorkingDirectory"], exist_ok=True)
        self.assertEqual(only["WorkingDirectory"], self.path("lib/" + only["StateDirectory"]))
        program = Program(words, cwd=only["WorkingDirectory"], env=environment)
        self.addCleanup(program.close)
        return program

    def results(self, instance):
        return json_lines(self.read("lib/ringsend/%s/results.jsonl" % instance))

    def test_records_are_sent_once_however_often_it_is_started(self):
        serve = self.serve()
        self.file("etc/orders.jsonl", [{"url": serve.url, "data": n} for n in range(3)])
        run = self.begin("orders.jsonl").finish()
        self.assertEqual((run.status, run.out), (OK, b""), run.err)
        self.assertIn("3 records", run.err)  # the journal has the summary
        before = self.results("orders.jsonl")
        self.assertEqual(len(before), 3)
        run = self.begin("orders.jsonl").finish()
        self.assertEqual(run.status, OK, run.err)
        self.assertIn("nothing left to do", run.err)
        self.assertEqual(self.results("orders.jsonl"), before)
        self.assertEqual(serve.stats()["statuses"], {"200": 3})

    def test_rows_with_headers_that_root_alone_reads(self):
        server = self.server(answering(lambda request: response(b"")))
        self.file("etc/orders.csv", b"id,amount\n1,5\n2,7\n")
        self.file("etc/orders.csv.conf", b"RINGSEND_OPTIONS='--url %s --id {{id}} -c 1'\n" %
                  server.url.encode())
        self.file("etc/orders.csv.headers", b"Authorization: Bearer secret\nX-Source: nightly\n")
        run = self.begin("orders.csv").finish()
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([each["id"] for each in self.results("orders.csv")], ["1", "2"])
        for request in server.requests:
            self.assertIn(("Authorization", "Bearer secret"), request.headers)
            self.assertIn(("X-Source", "nightly"), request.headers)
        self.assertNotIn("secret", run.err)

    def test_inputs_of_its_own_and_such_that_root_alone_reads(self):
        serve = self.serve()
        os.mkdir(self.path("etc/mixed.private"))
        self.file("etc/mixed.private/more.csv", b"id\n3\n")
        first = self.file("first of all.csv", b"id\n1\n2\n")
        conf = "RINGSEND_INPUT=\"'%s' %s/private_more.csv\"\nRINGSEND_OPTIONS='--url %s{{id}}'\n"
        self.file("etc/mixed.conf", (conf % (first, self.path("credentials"), serve.url)).encode())
        for said in ("3 records", "nothing left to do"):
            run = self.begin("mixed").finish()
            self.assertEqual(run.status, OK, run.err)
            self.assertIn(said, run.err)
        self.assertEqual(len(self.results("mixed")), 3)

    def test_a_stopped_run_is_gone_on_with(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def answer(request):
            if request.body == b"1" and not go.is_set():
                go.wait(BOUND_S)
            return response(b"")
        server = self.server(answering(answer))
        self.file("etc/orders.jsonl", [{"url": server.url, "data": n} for n in range(5)])
        self.file("etc/orders.jsonl.conf", b"RINGSEND_OPTIONS='-c 1'\n")
        program = self.begin("orders.jsonl")
        server.wait_for(lambda server: len(server.requests) == 2)
        program.signal(signal.SIGTERM)
        program.wait_for(lambda out, err: b"stopping" in err)
        go.set()
        self.assertEqual(program.finish().status, 128 + signal.SIGTERM)
        run = self.begin("orders.jsonl").finish()
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(sorted(each["line"] for each in self.results("orders.jsonl")),
                         [1, 2, 3, 4, 5])
        self.assertEqual(len(server.requests), 5)

    def test_no_records_are_an_error_that_names_the_file(self):
        run = self.begin("orders.jsonl").finish()
        self.assertEqual(run.status, 2)
        self.assertIn(self.path("etc/orders.jsonl"), run.err)


if __name__ == "__main__":
    main()
