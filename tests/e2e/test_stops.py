"""Who asks for the end, and who does not: signals that were ignored from the start, closed
terminals; and that nobody who reads slowly or not at all keeps a run from going on, or from
ending."""

import fcntl
import os
import pty
import shutil
import signal
import socket
import subprocess
import termios

from harness import (BOUND_S, OK, OUTPUT, Program, RINGSEND, SIGINT_EXIT, SIGTERM_EXIT, json_lines,
                     main)
from held import Held

SIGHUP_EXIT = 129


def ignoring(*numbers):
    """For preexec_fn."""
    def prepare():
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
    return prepare


class Ignored(Held):
    def test_what_was_ignored_stops_nothing(self):
        program = self.in_flight(3, preexec_fn=ignoring(signal.SIGINT, signal.SIGHUP), records=100)
        program.signal(signal.SIGINT)
        program.signal(signal.SIGHUP)
        self.go.set()
        run = program.finish()
        self.assertEqual((run.status, len(run.results)), (OK, 100), run.err)
        self.assertNotIn("stopping", run.err)

    def test_by_nohup_and_by_a_script_in_the_background(self):
        path = self.file("in", [{"data": str(n)} for n in range(100)])
        send = "%s send -q -c 3 --url %s -o %s %s" % (RINGSEND, self.held.url, self.path("out"),
                                                      path)
        for line, number in (("echo $$; exec nohup " + send, signal.SIGHUP),
                             (send + " & echo $!; wait $!", signal.SIGINT)):
            with self.subTest(line):
                self.go.clear()
                before = len(self.held.requests)
                shell = Program(["/bin/sh", "-c", line])
                self.addCleanup(shell.close)
                pid = int(shell.wait_for(lambda out, err: b"\n" in out and bytes(out)))
                self.held.wait_for(lambda server, before=before: len(server.requests) == before + 3)
                os.kill(pid, number)
                self.go.set()
                self.assertEqual(shell.finish().status, OK)
                self.assertEqual(len(json_lines(self.read("out"))), 100)
                os.remove(self.path("out"))

    def test_the_others_still_stop_it(self):
        program = self.in_flight(3, preexec_fn=ignoring(signal.SIGINT))
        program.signal(signal.SIGINT)
        program.signal(signal.SIGTERM)
        program.wait_for(lambda out, err: b"stopping" in err)
        self.go.set()
        self.assertEqual(program.finish().status, SIGTERM_EXIT)

    def test_of_a_benchmark(self):
        program = self.start("bench", "-q", "-c", "2", "-n", "20", self.held.url,
                             preexec_fn=ignoring(signal.SIGINT))
        self.held.wait_for(lambda server: len(server.requests) == 2)
        program.signal(signal.SIGINT)
        self.go.set()
        run = program.finish()
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(len(self.held.requests), 20)

    def test_of_a_server(self):
        program = self.start("serve", "-p", "0", preexec_fn=ignoring(signal.SIGINT))
        program.wait_for(lambda out, err: b"listening" in out)
        program.signal(signal.SIGINT)
        port = int(bytes(program.text["out"]).rsplit(b":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), BOUND_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 200"))
        program.signal(signal.SIGHUP)
        self.assertEqual(program.finish().status, OK)


class Asked(Held):
    def test_a_closed_terminal_lets_what_is_in_flight_finish(self):
        program = self.in_flight(3, "-o", self.path("out"))
        program.signal(signal.SIGHUP)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal(signal.SIGHUP)  # the kernel says so, and so does the shell
        self.go.set()
        run = program.finish()
        self.assertEqual(run.status, SIGHUP_EXIT, run.err)
        self.assertEqual([r["body"] for r in json_lines(self.read("out"))], ["late"] * 3)
        self.assertIn("3 done, 0 in doubt", run.err)

    def test_of_a_benchmark(self):
        program = self.start("bench", "-q", "-c", "2", "-n", "1000", self.held.url)
        self.held.wait_for(lambda server: len(server.requests) == 2)
        program.signal(signal.SIGHUP)
        program.wait_for(lambda out, err: b"stopping" in err)
        self.go.set()
        self.assertEqual(program.finish().status, SIGHUP_EXIT)
        self.assertEqual(len(self.held.requests), 2)

    def test_the_same_request_by_who_hears_of_the_first(self):
        """A program that starts us hears a signal as well, and passes it on."""
        program = self.in_flight(3, "-o", self.path("out"))
        program.signal(signal.SIGTERM)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal_again(signal.SIGTERM)
        self.assertIn("0 done, 3 in doubt", program.finish().err)

    def test_one_request_that_comes_twice_is_one(self):
        """timeout(1) signals the process, and then the group that it is in."""
        program = self.in_flight(3, "-o", self.path("out"))
        program.signal(signal.SIGSTOP)  # so that both are there at once
        program.signal(signal.SIGTERM)
        program.signal(signal.SIGINT)
        program.signal(signal.SIGCONT)
        program.wait_for(lambda out, err: b"stopping" in err)
        self.go.set()
        self.assertIn("3 done, 0 in doubt", program.finish().err)


class StoppedTerminal(Held):
    """Ctrl-S: the terminal takes nothing more, and gives the program's writes no end."""

    def terminal(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        return master, slave

    def stopped(self):
        master, slave = self.terminal()
        termios.tcflow(slave, termios.TCOOFF)
        return master, slave

    def test_the_run_goes_on_and_ends_by_a_signal(self):
        _, slave = self.stopped()
        program = self.in_flight(3, "-o", self.path("out"), records=200, stderr=slave,
                                 env={**os.environ, "TERM": "xterm"})
        for _ in range(50):
            program.signal(signal.SIGUSR1)
        self.go.set()
        self.held.wait_for(lambda server: len(server.requests) == 200)
        while len(self.read("out").splitlines()) < 200:
            self.assertIsNone(program.process.poll())
        program.signal(signal.SIGINT)  # all that is left is to say how it went
        program.finish()
        self.assertEqual(len(json_lines(self.read("out"))), 200)
        self.assertFalse(os.path.exists(self.path("out.journal")))

    def test_the_first_signal_stops_and_the_second_ends_it(self):
        _, slave = self.stopped()
        program = self.in_flight(3, stderr=slave, env={**os.environ, "TERM": "xterm"})
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b'"stopped"' in out)  # the signal was seen
        self.go.set()
        program.wait_for(lambda out, err: out.count(b'"late"') == 3)
        program.signal_again(signal.SIGINT)
        self.assertEqual(program.finish().status, SIGINT_EXIT)
        self.assertEqual(len(self.held.requests), 3)

    def test_started_again_it_tells_how_it_went(self):
        master, slave = self.stopped()
        program = self.in_flight(3, "-o", self.path("out"), records=20, stderr=slave)
        self.go.set()
        self.held.wait_for(lambda server: len(server.requests) == 20)
        termios.tcflow(slave, termios.TCOON)
        self.assertEqual(program.finish().status, OK)
        text = b""
        while b"20 records" not in text:
            text += os.read(master, 65536)

    def test_a_benchmark_goes_on_and_ends_by_signals(self):
        """However many there are: handlers that interrupted each other without end ran out of
        stack."""
        _, slave = self.stopped()
        self.go.set()
        program = self.start("bench", "-c", "2", "-z", "1h", self.held.url, stderr=slave)
        self.held.wait_for(lambda server: len(server.requests) > 10)
        while program.process.poll() is None:  # whatever it was about to tell
            program.signal(signal.SIGINT)
        self.assertEqual(program.finish().status, SIGINT_EXIT)


class NobodyReads(Held):
    def full_pipe(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writer, b"x" * 4096)
        return reader, writer

    def rest_of(self, reader):
        """All that the program tells; the test's own end of the pipe must be closed."""
        text = b""
        while more := os.read(reader, 65536):
            text += more
        return text

    def test_standard_error_that_is_full_holds_nothing_up(self):
        reader, writer = self.full_pipe()
        program = self.in_flight(3, "-o", self.path("out"), records=200, stderr=writer)
        os.close(writer)
        for _ in range(1000):
            program.signal(signal.SIGUSR1)
        self.go.set()
        self.held.wait_for(lambda server: len(server.requests) == 200)
        while len(self.read("out").splitlines()) < 200:
            self.assertIsNone(program.process.poll())
        self.assertIn(b"ringsend: 200 records in ", self.rest_of(reader))
        self.assertEqual(program.finish().status, OK)

    def test_standard_error_whose_reader_is_gone(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        program = self.in_flight(3, "-o", self.path("out"), records=100, stderr=writer)
        program.signal(signal.SIGUSR1)
        self.go.set()
        self.assertEqual(program.finish().status, OK)
        self.assertEqual(len(json_lines(self.read("out"))), 100)

    def test_standard_error_that_is_closed(self):
        program = self.in_flight(3, "-o", self.path("out"), preexec_fn=lambda: os.close(2))
        program.signal(signal.SIGUSR1)
        program.signal(signal.SIGINT)
        self.go.set()
        self.assertEqual(program.finish().status, SIGINT_EXIT)
        self.assertTrue(json_lines(self.read("out")))

    def test_a_fifo_that_nobody_opens_is_waited_for_until_a_signal(self):
        os.mkfifo(self.path("out"))
        path = self.file("in", [{"data": "x"}])
        program = self.start("send", "--url", self.held.url, "-o", self.path("out"), path)
        program.signal(signal.SIGINT)
        self.assertEqual(program.finish().status, -signal.SIGINT)
        self.assertEqual(self.held.requests, [])

    def test_a_fifo_with_a_reader_gets_the_results(self):
        self.go.set()
        os.mkfifo(self.path("out"))
        path = self.file("in", [{"data": "x"}] * 50)
        program = self.start("send", "--url", self.held.url, "-o", self.path("out"), path)
        with open(self.path("out"), "rb") as reader:
            data = reader.read()
        self.assertEqual(program.finish().status, OK)
        self.assertEqual(len(json_lines(data)), 50)


class Bodies(Held):
    """What stands in the way of a body's file."""

    def in_the_way(self, make):
        self.go.set()
        os.mkdir(self.path("bodies"))
        make(self.path("bodies/1"))
        before = os.lstat(self.path("bodies/1"))
        path = self.file("in", [{"data": str(n)} for n in range(9)])
        run = self.run_ringsend("send", "--url", self.held.url, "--force", "--bodies",
                                self.path("bodies"), path)
        self.assertEqual(run.status, OUTPUT, run.err)
        self.assertEqual(os.lstat(self.path("bodies/1"))[:2], before[:2])
        self.assertIn("late", [r.get("body") for r in run.results])  # it is not lost
        shutil.rmtree(self.path("bodies"))
        return run.err

    def bound(self, path):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)

    def test_what_is_no_file_is_told_and_not_waited_for(self):
        self.assertIn("bodies/1: what stands there is no regular file", self.in_the_way(os.mkfifo))
        self.assertIn("bodies/1: what stands there is no regular file", self.in_the_way(self.bound))
        self.assertIn("bodies/1: Is a directory", self.in_the_way(os.mkdir))
        self.assertIn("bodies/1: what stands there is a symbolic link",
                      self.in_the_way(lambda path: os.symlink("/dev/null", path)))

    def test_nor_a_fifo_that_somebody_reads(self):
        def make(path):
            os.mkfifo(path)
            self.addCleanup(os.close, os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        self.assertIn("bodies/1: what stands there is no regular file", self.in_the_way(make))


class Timeout(Held):
    def test_the_program_of_that_name_asks_once(self):
        if not shutil.which("timeout"):
            self.skipTest("timeout is not here")
        path = self.file("in", [{"id": n, "data": str(n)} for n in range(100)])
        program = Program([
            "timeout", "1", RINGSEND, "send", "-c", "3", "--url", self.held.url, "-o",
            self.path("out"), path
        ])
        self.addCleanup(program.close)
        program.wait_for(lambda out, err: b"stopping" in err)
        self.go.set()
        self.assertIn("3 done, 0 in doubt", program.finish().err)
        self.assertEqual(subprocess.run([RINGSEND, "status", self.path("out")], check=False,
                                        stdout=subprocess.DEVNULL).returncode, OK)


if __name__ == "__main__":
    main()
