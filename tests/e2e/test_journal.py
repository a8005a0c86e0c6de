"""The journal: a run that was ended by anything goes on where it was, and over the same records
only."""

import gzip
import json
import os
import resource
import shlex
import signal
import subprocess
import threading

from harness import (BOUND_S, Case, INPUT, NOT_ALL_OK, NOT_STARTED, OK, OUTPUT, Program, RINGSEND,
                     SIGINT_EXIT, STOPPED, USAGE, answering, json_lines, lines_of, main, response)


class Journaled(Case):
    def setUp(self):
        super().setUp()
        self.out, self.journal = self.path("out"), self.path("out.journal")

    def run_out(self, *args, **more):
        return self.run_ringsend("send", "-o", self.out, *args, **more)

    def results(self):
        return json_lines(self.read("out"))

    def status_of(self, out):
        run = self.run_ringsend("status", "--json", out)
        self.assertEqual(run.status, OK, run.err)
        return json.loads(run.out)

    def assert_each_once(self, count):
        self.assertEqual(sorted(r["id"] for r in self.results()), list(range(count)))


class Leaving(Journaled):
    """Runs at a server that answers some requests and keeps the others waiting."""

    def setUp(self):
        super().setUp()
        self.go = threading.Event()
        self.answered = 0  # so many requests get their answer at once

        def script(peer):
            while True:
                request = peer.request()
                if not request:
                    return
                if len(self.held.requests) > self.answered:
                    self.go.wait(BOUND_S)
                peer.send(response(request.body))
        self.held = self.server(script)
        self.addCleanup(self.go.set)

    def leave(self, method, count, number, answered=5, options=(), **record):
        """Ends a run that has `answered` results and two requests in flight."""
        self.answered = answered
        self.input = self.file("in", [{"id": n, "method": method, "url": self.held.url, **record}
                                      for n in range(count)])
        program = self.start("send", "-c", "2", "-o", self.out, *options, self.input)
        self.held.wait_for(lambda server: len(server.requests) == answered + 2)
        # Results are written within 200 ms, and the journal knows of them a moment later.
        while self.status_of(self.out)["done"] < answered:
            pass
        program.signal(number)
        if number == signal.SIGINT:
            program.wait_for(lambda out, err: b"stopping" in err)
        self.ended = program.finish() if number == signal.SIGKILL else program
        self.before = len(self.held.requests)
        if number != signal.SIGCONT:
            self.go.set()

    def deliveries(self):
        return len(self.held.requests) - self.before

    def go_on(self, *options, status=OK):
        self.go.set()
        run = self.run_out("--resume", *options, self.input)
        self.assertEqual(run.status, status, run.err)
        self.assertFalse(os.path.exists(self.journal))
        return run


class Ended(Leaving):
    def test_get_in_flight_is_sent_again(self):
        self.leave("GET", 20, signal.SIGKILL)
        self.go_on()
        self.assert_each_once(20)
        self.assertEqual(self.deliveries(), 15)

    def test_post_in_flight_is_in_doubt(self):
        self.leave("POST", 20, signal.SIGKILL, data="x")
        run = self.go_on(status=NOT_ALL_OK)
        self.assert_each_once(20)
        self.assertEqual(self.deliveries(), 13)
        doubtful = [r for r in self.results() if not r["ok"]]
        self.assertEqual(len(doubtful), 2)
        for result in doubtful:
            self.assert_error(result, "in_doubt")
            self.assertIs(result["ambiguous"], True)
            self.assertEqual(result["attempts"], 0)
        self.assertIn("in_doubt", run.err)
        self.assertIn("going on: 5 done, 2 in doubt", run.err)

    def test_post_with_a_key_is_sent_again(self):
        self.leave("POST", 20, signal.SIGKILL, headers={"Idempotency-Key": "k"})
        self.go_on()
        self.assertEqual(self.deliveries(), 15)

    def test_post_is_sent_again_at_least_once(self):
        self.leave("POST", 20, signal.SIGKILL, data="x")
        self.go_on("--at-least-once")
        self.assert_each_once(20)
        self.assertEqual(self.deliveries(), 15)

    def test_a_table_keeps_its_one_head(self):
        self.leave("GET", 20, signal.SIGKILL, options=["--csv"])
        self.refused(self.input, name="--csv")
        self.go_on("--csv")
        rows = self.read("out").splitlines()
        self.assertEqual(len(rows), 21)
        self.assertEqual([row for row in rows if row.startswith(b"id,")], rows[:1])

    def test_after_a_signal_nothing_is_in_doubt(self):
        self.leave("POST", 20, signal.SIGINT, data="x")
        run = self.ended.finish()  # the server was let go: what was in flight has its answer
        self.assertEqual(run.status, SIGINT_EXIT, run.err)
        self.assertTrue(all(r["ok"] for r in self.results()))
        # The word of the signal comes before the loop stops: one more may have begun until then.
        self.assertIn("not finished: %d done, 0 in doubt" % len(self.results()), run.err)
        self.assertGreaterEqual(len(self.results()), 7)
        self.go_on()
        self.assert_each_once(20)

    def test_the_command_to_go_on_works_as_printed(self):
        strange = self.path("a name; with 'all'")
        self.out, self.journal = strange, strange + ".journal"
        self.leave_by_signal()
        run = self.ended.finish()
        command = run.err.split("To go on:\n")[1].split("\n")[0].strip()
        self.assertNotIn("hush", run.err)
        self.assertEqual(shlex.split(command)[:3], ["ringsend", "send", "--resume"])
        again = subprocess.run(["sh", "-c", "ringsend() { %s \"$@\"; }\n%s" % (
            shlex.quote(RINGSEND), command)], cwd=self.dir, capture_output=True, env={
                **os.environ, "SECRET_X_KEY": "hush98", "SECRET_1": "hush99"})
        self.assertEqual(again.returncode, OK, again.stderr)

    def leave_by_signal(self):
        self.input = self.file("in", [{"id": n, "url": self.held.url} for n in range(9)])
        program = self.start("send", "-H", "x-key: hush98", "-c", "2", "-o", self.out,
                             "--url", self.held.url + "?token=hush99", self.input)
        self.held.wait_for(lambda server: len(server.requests) == 2)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        self.go.set()
        self.ended = program

    def test_sync_marks_what_is_in_flight_and_unmarks_what_was_not_sent(self):
        self.input = self.file("in",
                               [{"id": n, "url": self.held.url, "data": "x"} for n in range(9)])
        program = self.start("send", "--sync", "-c", "2", "-o", self.out, self.input)
        self.held.wait_for(lambda server: len(server.requests) == 2)
        # All nine were read and gone through the gate, two are in flight.
        self.assertEqual(self.status_of(self.out)["in_doubt"], 9)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal_again(signal.SIGINT)
        self.assertIn("0 done, 2 in doubt, 7 left", program.finish().err)
        self.go.set()
        self.go_on("--sync", status=NOT_ALL_OK)
        self.assert_each_once(9)

    def test_a_second_signal_leaves_what_is_in_flight_in_doubt(self):
        self.input = self.file("in",
                               [{"id": n, "url": self.held.url, "data": "x"} for n in range(9)])
        program = self.start("send", "-c", "2", "-o", self.out, self.input)
        self.held.wait_for(lambda server: len(server.requests) == 2)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal_again(signal.SIGINT)
        run = program.finish()
        self.assertEqual(run.status, SIGINT_EXIT)
        self.assertEqual(self.results(), [])
        self.assertIn("0 done, 2 in doubt, 7 left", run.err)
        self.go.set()
        self.go_on(status=NOT_ALL_OK)
        self.assert_each_once(9)

    def test_another_run_is_refused_while_one_has_the_journal(self):
        self.leave("GET", 9, signal.SIGCONT)  # which ends nothing
        for option in ("--resume", "--force"):
            run = self.run_out(option, self.input)
            self.assertEqual(run.status, NOT_STARTED, run.err)
            self.assertIn("another run", run.err)
        self.go.set()
        self.assertEqual(self.ended.finish().status, OK)
        self.assert_each_once(9)

    def test_connections_and_times_may_change(self):
        self.leave("GET", 20, signal.SIGKILL)
        self.go_on("-c", "300", "--tries", "2", "--timeout", "9s")
        self.assert_each_once(20)

    def refused(self, *args, name):
        before = self.read("out"), self.read("out.journal")
        run = self.run_out("--resume", *args)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn(name, run.err)
        self.assertEqual((self.read("out"), self.read("out.journal")), before)
        return run

    def test_changed_requests_are_refused_by_name(self):
        secret = "X-Tenant: 4242-hidden"
        self.leave("GET", 20, signal.SIGKILL, options=["-H", secret, "--url", self.held.url])
        self.assertNotIn(b"4242", self.read("out.journal"))
        same = ["-H", secret, "--url", self.held.url]
        run = self.refused("-H", "X-Tenant: 777", "--url", self.held.url, self.input,
                           name="--header")
        self.assertNotIn("777", run.err)
        self.refused("--url", self.held.url, self.input, name="--header")
        self.refused("-H", secret, "--url", self.held.url + "x", self.input, name="--url")
        self.refused(*same, "-X", "PUT", self.input, name="--method")
        self.refused(*same, self.input, self.input, name="1 input, not 2")
        self.refused(*same, "--failed", self.path("f"), self.input, name="no --failed")
        self.go_on(*same)
        self.assert_each_once(20)

    def test_a_new_token_is_no_other_request(self):
        self.leave("GET", 20, signal.SIGKILL, options=["-H", "Authorization: Bearer old-token"])
        self.assertNotIn(b"old-token", self.read("out.journal"))
        self.refused(self.input, name="--header")
        self.go_on("-H", "Authorization: Bearer new-token")

    def test_a_changed_input_is_refused_by_name(self):
        self.leave("GET", 20, signal.SIGKILL)
        with open(self.input, "ab") as file:
            file.write(b"{}\n")
        self.refused(self.input, name="in: changed")

    def test_changed_results_are_refused(self):
        self.leave("GET", 20, signal.SIGKILL)
        whole = self.read("out")
        with open(self.out, "ab") as file:
            file.write(b"x" * 100000)
        self.refused(self.input, name="longer")
        with open(self.out, "wb") as file:
            file.write(whole[:-5])
        self.refused(self.input, name="shorter")
        with open(self.out, "wb") as file:
            file.write(whole)
        self.go_on()

    def test_results_that_are_gone_are_not_begun_again_unasked(self):
        self.leave("GET", 9, signal.SIGKILL)
        os.unlink(self.out)
        run = self.run_out(self.input)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("--force", run.err)
        self.assertFalse(os.path.exists(self.out))
        run = self.run_out("--resume", self.input)
        self.assertEqual(run.status, USAGE, run.err)
        run = self.run_out("--force", self.input)
        self.assertEqual(run.status, OK, run.err)
        self.assert_each_once(9)

    def test_the_message_for_existing_results_names_resume(self):
        self.leave("GET", 9, signal.SIGKILL)
        run = self.run_out(self.input)
        self.assertEqual(run.status, USAGE)
        self.assertIn("--resume goes on", run.err)

    def test_a_journal_that_is_none_is_refused(self):
        self.leave("GET", 9, signal.SIGKILL)
        with open(self.journal, "wb") as file:
            file.write(b"no journal at all")
        run = self.run_out("--resume", self.input)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("no journal of this version", run.err)


class Status(Leaving):
    def status(self, *args, expect=OK):
        run = self.run_ringsend("status", *args)
        self.assertEqual(run.status, expect, run.err)
        return run

    def test_of_a_run_at_work_and_of_one_that_was_killed(self):
        self.leave("POST", 20, signal.SIGCONT, data="x")
        self.assertIn("a run is at work", self.status(self.out).out.decode())
        self.ended.signal(signal.SIGKILL)
        self.ended.finish()
        text = self.status(self.out).out.decode()
        self.assertIn("%s: 5 done, 2 in doubt, 13 left; last results 20" % self.out, text)
        self.assertIn("--resume goes on", text)
        told = self.status_of(self.out)
        self.assertGreater(told.pop("written_at"), 1700000000)
        self.assertEqual(told, {"file": self.out, "running": False, "done": 5, "in_doubt": 2,
                                "not_ok": 0, "left": 13, "input_ended": True, "total": 20,
                                "total_is_estimate": False})
        with open("/dev/full", "wb") as full:
            run = Program([RINGSEND, "status", self.out], stdout=full).finish()
        self.assertEqual((run.status, run.err),
                         (OUTPUT, "ringsend status: standard output could not be written\n"))
        self.go_on(status=NOT_ALL_OK)
        self.assertIn("come to its end", self.status(self.out, expect=INPUT).err)

    def test_what_there_is_not(self):
        self.assertIn("no such results", self.status(self.out, expect=INPUT).err)
        self.status(expect=USAGE)
        self.status("--nope", self.out, expect=USAGE)
        self.assertIn("Usage", self.status("--help").out.decode())


class Kept(Journaled):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))
        self.records = [{"id": n, "url": self.echo.url, "data": "x" * 100} for n in range(400)]

    def test_it_is_gone_when_every_record_has_its_result(self):
        run = self.run_out(self.file("in", self.records))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(sorted(os.listdir(self.dir)), ["in", "out"])

    def test_records_that_are_not_ok_are_done_as_well(self):
        run = self.run_out(self.file("in", [b"no json", *self.records[:3]]))
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertFalse(os.path.exists(self.journal))

    def test_none_is_made_where_it_could_not_help(self):
        path = self.file("in", self.records[:3])
        for args in (["-o", "-"], ["-o", "/dev/null"], ["-o", self.out, "--no-journal"]):
            self.assertEqual(self.run_ringsend("send", *args, path).status, OK)
        self.assertEqual(sorted(os.listdir(self.dir)), ["in", "out"])
        for args in (["--resume"], ["--resume", "-o", "-"], ["--sync"], ["--resume", "--force"],
                     ["--resume", "-o", self.out, "--no-journal"],
                     ["--resume", "-o", "/dev/null"]):
            run = self.run_ringsend("send", *args, path)
            self.assertEqual(run.status, USAGE, run.err)

    def test_resume_begins_where_there_is_nothing_yet(self):
        path = self.file("in", self.records)
        self.assertEqual(self.run_out("--resume", path).status, OK)
        self.assert_each_once(400)
        whole = self.read("out")
        self.file("out", whole[:-1])
        run = self.run_out("--resume", path)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("no journal", run.err)
        self.assertEqual(self.read("out"), whole[:-1])
        self.file("out", b"")  # a run that died right after it made it
        self.assertEqual(self.run_out("--resume", path).status, OK)
        self.assert_each_once(400)

    def test_sync_does_the_same_durably(self):
        run = self.run_out("--sync", "--failed", self.path("failed"),
                           self.file("in", [b"bad", *self.records]))
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual(len(self.results()), 401)
        self.assertEqual(self.read("failed"), b"bad\n")
        self.assertFalse(os.path.exists(self.journal))

    def test_an_empty_table_still_has_its_head(self):
        self.assertEqual(self.run_out("--csv", self.file("in", b"")).status, OK)
        self.assertEqual(self.read("out").count(b"\n"), 1)

    def test_a_changed_file_of_stdin_can_be_gone_on_with(self):
        """Standard input from a file is an input as any other."""
        path = self.file("in", self.records)
        with open(path, "rb") as file:
            self.assertEqual(self.run_out("-", stdin=file).status, OK)
        self.assert_each_once(400)

    def test_an_input_that_fails_is_left(self):
        os.mkdir(self.path("disk"))
        path = self.file("in", self.records)
        with open(path, "rb") as file:
            run = self.run_out("/proc/self/mem", stdin=file)  # opens, and cannot be read at 0
        self.assertEqual(run.status, INPUT, run.err)
        self.assertFalse(os.path.exists(self.journal))
        self.assertNotIn("To go on", run.err)
        packed = gzip.compress(lines_of(self.records), 0)
        run = self.run_out(self.file("in.jsonl.gz", packed[:len(packed) // 2]))
        self.assertEqual(run.status, INPUT, run.err)
        self.assertTrue(os.path.exists(self.journal))
        self.assertIn("To go on", run.err)


class GivingUp(Journaled):
    """The platform is down, or refuses us."""

    def setUp(self):
        super().setUp()
        self.status = "500 Down"
        self.server_ = self.server(answering(lambda request: response(
            b"", self.status if request.target != "/good" else "200 OK")))

    def input_file(self, count, good=0):
        url = self.server_.url
        return self.file("in", [{"id": n, "url": url + ("good" if n < good else ""), "data": "x"}
                                for n in range(count)])

    def stopped(self, *args, words):
        run = self.run_out("-c", "2", *args)
        self.assertEqual(run.status, STOPPED, run.err)
        self.assertIn(words, run.err)
        self.assertIn("To go on:", run.err)
        self.assertTrue(os.path.exists(self.journal))
        return run

    def test_a_count_of_failures_stops_and_resume_goes_on(self):
        path = self.input_file(1000)
        self.stopped("--max-failures", "5", path, words="were not ok (--max-failures)")
        results = self.results()
        self.assertTrue(5 <= len(results) < 100, len(results))
        self.assertEqual(len(self.server_.requests), len(results))
        self.status = "200 OK"
        run = self.run_out("--resume", "--max-failures", "5", path)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assert_each_once(1000)
        self.assertEqual(len(self.server_.requests), 1000)

    def test_a_share_of_failures_counts_from_a_hundred_on(self):
        path = self.input_file(2000, good=150)
        self.stopped("--max-failures", "10%", path, words="--max-failures")
        results = self.results()
        failed = len([r for r in results if not r["ok"]])
        self.assertGreaterEqual(failed, 16)
        self.assertLess(len(results), 400)
        path = self.input_file(99)
        os.unlink(self.journal)
        self.assertEqual(self.run_out("--force", "--max-failures", "10%", path).status, NOT_ALL_OK)

    def test_an_outcome_stops_at_once(self):
        self.status = "401 Who"
        path = self.input_file(1000, good=3)
        run = self.stopped("--abort-on", "401,403", path,
                           words="stopped at the first record with status 401 (--abort-on)")
        self.assertLess(len(self.results()), 100)
        self.assertIn("send --resume -o", run.err)

    def test_errors_have_names_there_too(self):
        self.server_.close()
        run = self.run_out("--tries", "1", "--abort-on", "connect", self.input_file(300))
        self.assertEqual(run.status, STOPPED, run.err)
        self.assertIn("connect_refused", run.err)

    def test_what_is_not_asked_for_does_not_stop(self):
        for options in (["--abort-on", "403"], ["--max-failures", "301"], ["--abort-on", ""]):
            run = self.run_out("--force", *options, self.input_file(300))
            self.assertEqual(run.status, NOT_ALL_OK, run.err)

    def test_without_journal_the_rest_is_named(self):
        run = self.run_ringsend("send", "-c", "2", "--max-failures", "3", self.input_file(1000))
        self.assertEqual(run.status, STOPPED, run.err)
        self.assertIn("the rest: tail -n +", run.err)

    def test_values_that_make_no_sense(self):
        for value in ("0", "-1", "x", "0%", "101%", ""):
            self.assertEqual(self.run_out("--max-failures", value, "x").status, USAGE, value)


class Full(Journaled):
    RECORDS = 4000

    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(
            request.body, "400 Bad" if request.body[:1] == b"9" else "200 OK")))
        self.input = self.file("in", [{"id": n, "url": self.echo.url, "data": str(n) + "x" * 200}
                                      for n in range(self.RECORDS)])
        os.mkdir(self.path("disk"))
        self.out = self.path("disk/out")
        self.failed = self.path("disk/failed")

    def results(self):
        return json_lines(self.read("disk/out"))

    def mount(self, size):
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", self.path("disk")],
            capture_output=True, check=False).returncode == 0
        if not mounted:
            self.skipTest("a small tmpfs needs root and the right to mount")
        self.addCleanup(subprocess.run, ["umount", self.path("disk")], check=True)

    def assert_left(self, run, words):
        self.assertEqual(run.status, OUTPUT, run.err)
        self.assertIn(words, run.err)
        self.assertIn("To go on", run.err)
        self.assertIn("Sending was stopped", run.err)
        results = self.results()
        self.assertEqual(len({r["id"] for r in results}), len(results))
        self.assert_failed(results)
        return len(results)

    def assert_failed(self, results):
        """The failed lines are those of the results that are not ok."""
        failed = [json.loads(line)["id"] for line in self.read("disk/failed").splitlines()]
        self.assertEqual(sorted(failed), sorted(r["id"] for r in results if not r["ok"]))

    def finish_with(self, *options, status=NOT_ALL_OK):
        run = self.run_out("--resume", "--failed", self.failed, *options, self.input)
        self.assertEqual(run.status, status, run.err)
        self.assert_each_once(self.RECORDS)
        self.assert_failed(self.results())
        counts = {}
        for request in self.echo.requests:
            number = int(request.body.split(b"x")[0])
            counts[number] = counts.get(number, 0) + 1
        self.assertEqual(max(counts.values()), 1)  # a POST is never sent twice
        doubtful = [r for r in self.results() if r["error"] == "in_doubt"]
        self.assertEqual(len(counts) + len([r for r in doubtful if r["id"] not in counts]),
                         self.RECORDS)

    def test_a_disk_that_fills_up_and_is_made_larger(self):
        self.mount("400k")
        run = self.run_out("--failed", self.failed, self.input)
        first = self.assert_left(run, "No space left")
        self.assertGreater(first, 100)
        # Still full: it must not get worse.
        run = self.run_out("--resume", "--failed", self.failed, self.input)
        self.assertGreaterEqual(self.assert_left(run, "No space left"), first)
        subprocess.run(["mount", "-o", "remount,size=50m", self.path("disk")], check=True)
        self.finish_with()

    def limit(self, bytes_max):
        def apply():
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))
        return apply

    def test_a_file_size_limit_and_without_it(self):
        run = self.run_out("--failed", self.failed, self.input, preexec_fn=self.limit(150000))
        self.assertGreater(self.assert_left(run, "File too large"), 100)
        self.finish_with()

    def test_a_new_run_without_room_leaves_the_old_one_as_it_is(self):
        run = self.run_out("--failed", self.failed, self.input, preexec_fn=self.limit(150000))
        self.assert_left(run, "File too large")
        files = ("disk/out", "disk/out.journal", "disk/failed")
        before, sent = [self.read(name) for name in files], len(self.echo.requests)
        run = self.run_out("--force", "--failed", self.failed, self.input,
                           preexec_fn=self.limit(4096))
        self.assertEqual(run.status, OUTPUT, run.err)
        self.assertIn("out.journal: File too large", run.err)
        parked = self.file("disk/out.parked", b"mine")
        run = self.run_out("--force", "--ordered", "--failed", self.failed, self.input)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("out.parked: is in the way", run.err)
        os.remove(parked)
        self.assertEqual([self.read(name) for name in files], before)
        self.assertEqual(sorted(os.listdir(self.path("disk"))), ["failed", "out", "out.journal"])
        self.assertEqual(len(self.echo.requests), sent)
        self.finish_with()

    def test_no_room_for_the_journal_itself(self):
        self.mount("16k")
        run = self.run_out("--failed", self.failed, self.input)
        self.assertEqual(run.status, OUTPUT, run.err)
        self.assertIn("out.journal: No space left", run.err)
        self.assertEqual(os.listdir(self.path("disk")), [])
        self.assertEqual(self.echo.requests, [])


if __name__ == "__main__":
    main()
