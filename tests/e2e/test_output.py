"""Where results go: never over something else, never torn, never lost without a word."""

import json
import os
import re
import resource
import shlex
import socket
import stat
import subprocess

from harness import (COST, Case, NOT_ALL_OK, OK, OUTPUT, RINGSEND, USAGE, answering, json_lines,
                     main, response, without_fallback)


class Output(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda r: response(
            r.body, "200 OK" if not r.body.startswith(b"bad") else "404 Not Found")))
        self.out = self.path("out.jsonl")

    def send_file(self, *args, **more):
        return self.run_ringsend("send", "--url", self.echo.url, *args, **more)

    def refused(self, *args):
        """Refused before anything is sent, with a message."""
        run = self.send_file(*args)
        self.assertEqual((run.status, run.out), (USAGE, b""), run.err)
        self.assertEqual(self.echo.requests, [])
        self.assertIn("ringsend", run.err)
        return run


class Names(Output):
    """Names of what is open already: they mean it as it is."""

    def setUp(self):
        super().setUp()
        self.input = self.file("in", [{"data": "good"}] * 3 + [{"data": "bad"}])

    def shell(self, line):
        """A line for bash, in which `send` is the program's beginning and in its input."""
        send = "%s send -q --url %s" % (shlex.quote(os.path.abspath(RINGSEND)), self.echo.url)
        done = subprocess.run(
            ["bash", "-c",
             line.replace("send ", send + " ").replace(" in", " " + self.input)], cwd=self.dir,
            capture_output=True, check=False)
        return done.returncode, done.stdout, without_fallback(done.stderr)

    def test_standard_output_by_its_names(self):
        os.symlink("/dev/stdout", self.path("link"))
        for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/../dev/stdout", "link"):
            with self.subTest(name):
                self.assertEqual(self.shell("send -o %s in >got" % name)[0], NOT_ALL_OK)
                self.assertEqual(len(json_lines(self.read("got"))), 4)
                self.assertEqual(self.shell("send -o %s in >>got" % name)[0], NOT_ALL_OK)
                self.assertEqual(len(json_lines(self.read("got"))), 8)  # added to, as >> says
                status, out, _ = self.shell("send -o %s in | cat" % name)
                self.assertEqual((status, len(json_lines(out))), (0, 4))
        self.assertEqual(sorted(os.listdir(self.dir)), ["got", "in", "link"])  # and no journal

    def test_the_others(self):
        status, out, err = self.shell("send -o got --failed /dev/stderr in 2>failed")
        self.assertEqual((status, out, err), (NOT_ALL_OK, b"", b""))
        self.assertEqual(json_lines(without_fallback(self.read("failed"))), [{"data": "bad"}])
        status, _, _ = self.shell("send -o /dev/fd/7 in 7>seven")
        self.assertEqual((status, len(json_lines(self.read("seven")))), (NOT_ALL_OK, 4))
        self.assertEqual(self.shell("send -o /dev/null in")[0], NOT_ALL_OK)
        self.assertEqual(self.shell("send -o /dev/null --force in")[0], NOT_ALL_OK)

    def test_process_substitution(self):
        status, out, err = self.shell(
            "send -o >(gzip >got.gz) --failed >(cat >failed) in; wait; cat failed; gzip -dc got.gz")
        self.assertEqual((status, len(out.splitlines())), (0, 5), err)

    def test_what_is_not_open_for_writing_or_not_at_all(self):
        status, _, err = self.shell("send -o /dev/stdin in </dev/null")
        self.assertEqual(status, OUTPUT)
        self.assertIn(b"/dev/stdin: is not open for writing", err)
        for fd in range(3, 12):  # what the program has open itself is none of the user's
            status, _, err = self.shell("send -o /dev/fd/%d in" % fd)
            self.assertIn(status, (USAGE, OUTPUT))
        self.assertEqual(self.echo.requests, [])

    def test_a_socket_is_reported(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path("socket"))
            status, _, err = self.shell("send -o socket in")
        self.assertEqual(status, OUTPUT)
        self.assertIn(b"socket: is a socket", err)

    def test_it_cannot_be_gone_on_with(self):
        status, _, err = self.shell("send --resume -o /dev/stdout in >got")
        self.assertEqual(status, USAGE)
        self.assertIn(b"--resume needs the results and their journal", err)

    def test_reports_of_benchmarks(self):
        serve = self.serve()
        done = subprocess.run([
            "bash", "-c",
            "echo before >got; %s bench -q -n 10 --json /dev/stdout %s >>got" %
            (shlex.quote(os.path.abspath(RINGSEND)), serve.url)
        ], cwd=self.dir, capture_output=True, check=False)
        self.assertEqual(done.returncode, OK, done.stderr)
        before, report = self.read("got").split(b"\n", 1)
        self.assertEqual(before, b"before")
        json.loads(report)


class Files(Output):
    def test_results_go_to_the_output_file_and_not_to_stdout(self):
        records = self.file("in", [{"data": str(n)} for n in range(100)])
        run = self.send_file("-o", self.out, records)
        self.assertEqual((run.status, run.out), (OK, b""), run.err)
        self.assertEqual(sorted(r["line"] for r in json_lines(self.read("out.jsonl"))),
                         list(range(1, 101)))

    def test_a_dash_as_output_is_stdout(self):
        run = self.send_file("--output", "-", self.file("in", [{"data": "x"}]))
        self.assertEqual((run.status, len(run.results)), (OK, 1), run.err)

    def test_files_are_made_for_the_user_alone_whatever_the_umask(self):
        run = self.send_file("-o", self.out, "--failed", self.path("failed"),
                             self.file("in", [{"data": "bad"}]),
                             preexec_fn=lambda: os.umask(0))
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        for name in ("out.jsonl", "failed"):
            self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode), 0o600)

    def test_an_existing_output_is_refused_and_left_as_it_is(self):
        self.file("out.jsonl", b"precious\n")
        run = self.refused("-o", self.out, self.file("in", [{"data": "x"}]))
        self.assertIn(self.out, run.err)
        self.assertIn("--force", run.err)
        self.assertEqual(self.read("out.jsonl"), b"precious\n")

    def test_an_existing_failed_file_is_refused_and_left_as_it_is(self):
        self.file("failed", b"precious\n")
        self.refused("--failed", self.path("failed"), self.file("in", [{"data": "x"}]))
        self.assertEqual(self.read("failed"), b"precious\n")

    def test_force_takes_the_place_of_an_existing_output(self):
        self.file("out.jsonl", b"old and much longer than the new one " * 100)
        run = self.send_file("--force", "-o", self.out, self.file("in", [{"data": "x"}]))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(len(json_lines(self.read("out.jsonl"))), 1)

    def test_the_input_is_never_the_output_even_with_force(self):
        text = b'{"data":"x"}\n'
        path = self.file("in", text)
        os.link(path, self.path("hard"))
        os.symlink(path, self.path("soft"))
        for name in ("in", "hard", "soft", "./in"):
            for option in ("-o", "--failed"):
                for force in ([], ["--force"]):
                    with self.subTest(name=name, option=option, force=force):
                        run = self.refused(*force, option, self.path(name), path)
                        self.assertIn("is an input", run.err)
                        self.assertNotIn("--force", run.err)  # which would not help
                        self.assertEqual(self.read("in"), text)

    def test_the_input_is_never_the_standard_output(self):
        path = self.file("in", b'{"data":"x"}\n')
        with open(path, "ab") as out:
            run = self.send_file(path, stdout=out)
        self.assertEqual((run.status, self.read("in")), (USAGE, b'{"data":"x"}\n'), run.err)

    def test_output_and_failed_are_never_the_same_file(self):
        for force in ([], ["--force"]):
            run = self.refused(*force, "-o", self.out, "--failed", self.out,
                               self.file("in", [{"data": "x"}]))
            self.assertIn("cannot take the results", run.err)
            self.assertFalse(os.path.exists(self.out))

    def test_an_output_in_a_missing_directory_is_an_error_before_anything_is_sent(self):
        run = self.send_file("-o", self.path("no/out"), self.file("in", [{"data": "x"}]))
        self.assertEqual((run.status, self.echo.requests), (OUTPUT, []), run.err)
        self.assertIn("No such file", run.err)

    def test_a_usage_error_makes_no_output_file(self):
        self.refused("-o", self.out, "--tries", "0", self.file("in", [{"data": "x"}]))
        self.assertFalse(os.path.exists(self.out))


class Failed(Output):
    LINES = [b'{"id":1,"data":"good"}', b'  {"id": 2 , "data":"bad \\u00e9"}\t', b"not json",
             '{"id":"\u00e9","data":"bad","headers":{"x":"y"}}'.encode(), b'{"data":"good"}',
             b'{"data":"bad","data":"twice"}', b'{"data":"bad last"}']

    def test_failed_holds_the_very_input_lines(self):
        for end in (b"\n", b"\r\n"):
            with self.subTest(end=end):
                run = self.send_file("--force", "-c", "1", "--failed", self.path("failed"),
                                     self.file("in", end.join(self.LINES)))
                self.assertEqual((run.status, len(run.results)), (NOT_ALL_OK, 7), run.err)
                wanted = [self.LINES[n] for n in (1, 2, 3, 5, 6)]
                self.assertEqual(sorted(line.rstrip(b"\r") for line in
                                        self.read("failed").split(b"\n")[:-1]), sorted(wanted))
                if end == b"\r\n":
                    self.assertEqual(self.read("failed").count(b"\r"), 4)

    def test_failed_can_be_sent_again(self):
        self.send_file("--failed", self.path("failed"), self.file("in", b"\n".join(self.LINES)))
        again = self.send_file("--failed", self.path("failed2"), self.path("failed"))
        self.assertEqual((again.status, len(again.results)), (NOT_ALL_OK, 5), again.err)
        self.assertEqual(sorted(self.read("failed").split(b"\n")),
                         sorted(self.read("failed2").split(b"\n")))

    def test_there_is_no_hint_to_send_an_empty_file_again(self):
        run = self.send_file("--failed", self.path("failed"), self.file("in", b"x" * (17 << 20)))
        self.assertEqual((run.status, self.read("failed")), (NOT_ALL_OK, b""), run.err)
        self.assertNotIn("again", run.err)

    def test_failed_is_empty_when_all_is_well(self):
        run = self.send_file("--failed", self.path("failed"), self.file("in", [{"data": "x"}]))
        self.assertEqual((run.status, self.read("failed")), (OK, b""), run.err)

    def test_failed_from_stdin_holds_the_lines(self):
        with open(self.file("in", b"\n".join(self.LINES)), "rb") as records:
            self.send_file("--failed", self.path("failed"), "-", stdin=records)
        self.assertEqual(self.read("failed").count(b"\n"), 5)


class Waiting(Case):
    """A run that waits for its platform waits in the kernel, whatever becomes of its results."""

    FORMS = ([], ["--csv"], ["-w", "%{http_code}\n"], ["-w", "x", "--csv"], ["--ordered"],
             ["--ordered", "--csv"], ["--sync"], ["--sync", "--csv"], ["--csv", "--no-journal"],
             ["--csv", "--failed", "failed"], ["--csv", "--bodies", "bodies"], ["--csv", "-t", "2"])

    def enters(self, *args, status=OK):
        records = self.file("in.jsonl", [{"url": self.slow.url}] * 60)
        run = self.run_ringsend("send", "-c", "10", "--force", *args, records, cwd=self.dir)
        self.assertEqual(run.status, status, run.err)
        return int(re.search(COST + r" \((\d+)\)", run.err).group(1))

    def test_no_form_of_output_keeps_the_loop_busy(self):
        """60 records, ten at a time, 30 ms each: a loop that does not wait turns 10^5 times."""
        self.slow = self.serve("--latency", "30ms")
        for form in self.FORMS:
            for output in (["-o", "out"], []):
                if not output and ("--sync" in form or ("-w" in form and "--csv" in form)):
                    continue
                with self.subTest(form + output):
                    self.assertLess(self.enters(*form, *output), 1000)

    def test_nor_does_one_that_has_failed(self):
        self.slow = self.serve("--latency", "100ms")
        for form in ([], ["--csv"], ["--ordered"], ["--failed", "failed"]):
            with self.subTest(form):
                self.assertLess(self.enters(*form, "-o", "/dev/full", status=OUTPUT), 1000)


class Full(Output):
    RECORDS = [{"data": "x" * 200} for _ in range(5000)]

    def assert_stopped(self, run, *words, records=len(RECORDS)):
        """Exit 7 and a message; sending ended long before the input did."""
        self.assertEqual(run.status, OUTPUT, run.err)
        for word in words + ("Sending was stopped.",):
            self.assertIn(word, run.err)
        self.assertLess(len(self.echo.requests), records)

    def test_dev_full_as_output(self):
        run = self.send_file("--force", "-o", "/dev/full", self.file("in", self.RECORDS))
        self.assert_stopped(run, "No space left", "/dev/full")

    def test_dev_full_as_stdout(self):
        with open("/dev/full", "wb") as full:
            run = self.send_file(self.file("in", self.RECORDS), stdout=full)
        self.assert_stopped(run, "No space left")

    def test_one_result_that_cannot_be_written_is_told_with_its_cause(self):
        with open("/dev/full", "wb") as full:
            run = self.send_file(self.file("in", self.RECORDS[:1]), stdout=full)
        self.assertEqual(run.status, OUTPUT, run.err)
        self.assertIn("No space left", run.err)
        self.assertNotIn("Sending was stopped", run.err)  # it had been sent

    def test_dev_full_for_failed(self):
        run = self.send_file("--force", "--failed", "/dev/full",
                             self.file("in", [{"data": "bad"}] * 50000))
        self.assert_stopped(run, "No space left", "/dev/full", records=50000)

    def test_a_closed_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        run = self.send_file(self.file("in", self.RECORDS), stdout=writer)
        os.close(writer)
        self.assert_stopped(run, "pipe")

    def test_a_pipe_that_closes_in_the_middle(self):
        head = subprocess.Popen(["head", "-n", "3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        run = self.send_file(self.file("in", self.RECORDS), stdout=head.stdin)
        out, _ = head.communicate()
        self.assert_stopped(run, "pipe")
        self.assertEqual(len(json_lines(out)), 3)

    def assert_whole_lines(self):
        results = json_lines(self.read("disk/out.jsonl"))
        self.assertGreater(len(results), 10)
        self.assertEqual(len({r["line"] for r in results}), len(results))

    def test_a_full_disk_leaves_whole_lines_only(self):
        os.mkdir(self.path("disk"))
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.path("disk")],
            capture_output=True, check=False).returncode == 0
        if not mounted:
            self.skipTest("a small tmpfs needs root and the right to mount")
        self.addCleanup(subprocess.run, ["umount", self.path("disk")], check=True)
        run = self.send_file("--no-journal", "-o", self.path("disk/out.jsonl"),
                             self.file("in", self.RECORDS))
        self.assert_stopped(run, "No space left", "out.jsonl")
        self.assert_whole_lines()

    def test_a_file_size_limit_leaves_whole_lines_only(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
        os.mkdir(self.path("disk"))
        run = self.send_file("--no-journal", "-o", self.path("disk/out.jsonl"),
                             self.file("in", self.RECORDS), preexec_fn=limit)
        self.assert_stopped(run, "File too large", "out.jsonl")
        self.assert_whole_lines()

    def test_a_reader_that_is_slow_gets_every_line(self):
        records = self.file("in", self.RECORDS)
        reader, writer = os.pipe()
        program = self.start("send", "--url", self.echo.url, records, stdout=writer)
        os.close(writer)
        # The pipe holds 64 KiB: the sender must stand still before all is sent.
        self.echo.wait_for(lambda server: len(server.requests) > 100)
        with os.fdopen(reader, "rb") as pipe:
            results = json_lines(pipe.read())
        self.assertEqual(program.finish().status, OK)
        self.assertEqual(sorted(r["line"] for r in results), list(range(1, 5001)))


if __name__ == "__main__":
    main()
