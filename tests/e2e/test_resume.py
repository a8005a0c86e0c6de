"""What --resume goes on with is what it was: inputs that cannot be looked at twice prove it, and
a name that is wrong, or another file's, takes nothing away."""

import gzip
import json
import os
import signal
import stat
import threading

from harness import (BOUND_S, Case, INPUT, NOT_ALL_OK, NOT_STARTED, OK, OUTPUT, USAGE, answering,
                     json_lines, main, response)
from test_journal import Journaled, Leaving


def fed(data):
    """The reading end of a pipe that gives these bytes."""
    reader, writer = os.pipe()

    def feed():
        try:
            with os.fdopen(writer, "wb") as file:
                file.write(data)
        except BrokenPipeError:
            pass
    threading.Thread(target=feed, daemon=True).start()
    return reader


class Fed(Leaving):
    """Runs whose standard input is a pipe."""

    COUNT = 60

    def setUp(self):
        super().setUp()
        self.lines = [json.dumps({"id": n, "url": self.held.url, "data": "record %d" % n}).encode()
                      for n in range(self.COUNT)]

    def run_fed(self, data, *args):
        reader = fed(data)
        try:
            return self.run_out(*args, stdin=reader)
        finally:
            os.close(reader)

    def leave_fed(self, data, *args, answered=5, in_flight=2):
        """A killed run: `answered` results, and so many requests in flight."""
        self.answered = answered
        reader = fed(data)
        program = self.start("send", "-c", str(in_flight), "-o", self.out, *args, stdin=reader)
        os.close(reader)
        self.held.wait_for(lambda server: len(server.requests) == answered + in_flight)
        while self.status_of(self.out)["done"] < answered:
            pass
        program.signal(signal.SIGKILL)
        program.finish()
        self.before = len(self.held.requests)
        self.go.set()

    def files(self):
        return {name: self.read(name) for name in os.listdir(self.dir)
                if not os.path.isdir(self.path(name))}

    def refused(self, data, *args, words="is not what it was"):
        before = self.files()
        run = self.run_fed(data, "--resume", *args)
        self.assertEqual(run.status, INPUT, run.err)
        self.assertIn(words, run.err)
        self.assertIn("nothing was sent", run.err)
        self.assertEqual(self.deliveries(), 0)
        after = self.files()
        self.assertEqual(after["out"], before["out"])
        # Who has the journal is told in it, but not what became of records.
        self.assertEqual(self.status_of(self.out)["done"], 5)
        self.assertEqual({n for n in after if n != "out.journal"},
                         {n for n in before if n != "out.journal"})
        return run

    def goes_on(self, data, *args, count=None):
        run = self.run_fed(data, "--resume", *args)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)  # those that were in flight
        self.assert_each_once(self.COUNT if count is None else count)
        for request in self.held.requests:
            self.assertEqual([r.body for r in self.held.requests].count(request.body), 1,
                             request.body)
        self.assertFalse(os.path.exists(self.journal))

    def text(self, lines=None):
        return b"".join(line + b"\n" for line in (self.lines if lines is None else lines))


class Piped(Fed):
    def test_other_records_are_refused_and_the_same_go_on(self):
        other = [line.replace(b'"id": ', b'"id": 9') for line in self.lines]
        self.leave_fed(self.text(), "-")
        run = self.refused(self.text(other), "-")
        self.assertIn("standard input is not what it was: the first ", run.err)
        changed = list(self.lines)
        changed[3] = changed[3].replace(b"record 3", b"record X")  # one that is done
        self.refused(self.text(changed), "-")
        changed = list(self.lines)
        changed[5] = changed[5].replace(b"record 5", b"record X")  # one that is in flight
        self.refused(self.text(changed), "-")
        swapped = [self.lines[1], self.lines[0], *self.lines[2:]]
        self.refused(self.text(swapped), "-")
        self.refused(self.text(self.lines[1:]), "-")
        self.refused(self.text([b'{"id": -1, "url": "http://h/"}', *self.lines]), "-")
        run = self.refused(b"", "-")
        self.assertIn("it has 0 records, and the run to go on with has read ", run.err)
        self.refused(self.text(self.lines[:6]), "-", words="it has 6 records")
        self.refused(self.text()[:40], "-", words="it has 1 record,")
        # Blank lines are none, and the last one needs no end.
        self.goes_on(b"\n \n" + self.text()[:-1], "-")

    def test_with_sync_and_threads_likewise(self):
        self.leave_fed(self.text(), "-t", "2", "--sync", "-")
        self.refused(self.text(self.lines[1:]), "-t", "2", "--sync", "-")
        self.goes_on(self.text(), "-t", "2", "--sync", "-")

    def test_what_follows_may_be_new(self):
        self.leave_fed(self.text(), "-")
        more = [json.dumps({"id": n, "url": self.held.url, "data": "record %d" % n}).encode()
                for n in range(self.COUNT, self.COUNT + 7)]
        self.goes_on(self.text(self.lines + more), "-", count=self.COUNT + 7)

    def test_a_narrow_run_goes_on_with_a_wide_one(self):
        """It keeps what the other had in hand until all of it is proven."""
        self.leave_fed(self.text(), "-", in_flight=20)
        changed = list(self.lines)
        changed[self.COUNT - 30] = b"{}"
        self.refused(self.text(changed), "-c", "1", "-")
        self.goes_on(self.text(), "-c", "1", "-")

    def test_it_can_be_killed_and_proven_again(self):
        self.leave_fed(self.text(), "-")
        self.go.clear()
        self.answered = len(self.held.requests)
        reader = fed(self.text())
        program = self.start("send", "--resume", "-c", "2", "-o", self.out, "-", stdin=reader)
        os.close(reader)
        self.held.wait_for(lambda server: len(server.requests) == self.answered + 2)
        program.signal(signal.SIGKILL)
        program.finish()
        self.go.set()
        self.before = len(self.held.requests)
        done = self.status_of(self.out)["done"]
        run = self.run_fed(self.text(self.lines[1:]), "--resume", "-")
        self.assertEqual((run.status, self.deliveries()), (INPUT, 0), run.err)
        # Or more: those whose results stood in the file, and the kill came before that was noted.
        self.assertGreaterEqual(self.status_of(self.out)["done"], done)
        self.goes_on(self.text(), "-")

    def test_compressed(self):
        self.leave_fed(gzip.compress(self.text()), "-")
        self.refused(gzip.compress(self.text(self.lines[2:])), "-")
        self.goes_on(gzip.compress(self.text(), compresslevel=1), "-")

    def test_parts_of_it(self):
        for number, options in enumerate((["--skip", "7"], ["--limit", "50"], ["--shard", "1/2"])):
            with self.subTest(options=options):
                self.held.requests.clear()
                self.go.clear()
                self.out = self.path("out%d" % number)
                self.journal = self.out + ".journal"
                self.leave_fed(self.text(), *options, "-")
                run = self.run_fed(self.text([b"{}", *self.lines]), "--resume", *options, "-")
                self.assertEqual((run.status, self.deliveries()), (INPUT, 0), run.err)
                run = self.run_fed(self.text(), "--resume", *options, "-")
                self.assertEqual(run.status, NOT_ALL_OK, run.err)
                bodies = sorted(r.body for r in self.held.requests)
                self.assertEqual(len(bodies), len(set(bodies)))
                self.assertEqual(len(json_lines(self.read("out%d" % number))),
                                 {0: 53, 1: 50, 2: 30}[number])

    def test_a_table_with_another_head(self):
        head, rows = b"id,v\n", b"".join(b"%d,record %d\n" % (n, n) for n in range(self.COUNT))
        options = ["--format", "csv", "--url", self.held.url, "--data", "{{v}}", "-"]
        self.leave_fed(head + rows, *options)
        self.refused(b"v,id\n" + rows, *options)
        self.refused(b"id,v,w\n" + rows, *options)
        self.goes_on(head + rows, *options, count=0)

    def assert_each_once(self, count):
        if count:
            super().assert_each_once(count)
        else:  # a table's ids are line numbers
            self.assertEqual(len(self.results()), self.COUNT)

    def test_a_pipe_behind_a_file_and_before_one(self):
        first = self.file("first", self.text(self.lines[:3]))
        self.leave_fed(self.text(self.lines[3:]), first, "-")
        self.refused(self.text(self.lines[4:]), first, "-")
        self.goes_on(self.text(self.lines[3:]), first, "-")

    def test_a_pipe_that_is_done_is_passed_over_with_proof(self):
        rest = self.file("rest", self.text(self.lines[3:]))
        self.leave_fed(self.text(self.lines[:3]), "-", rest)
        self.refused(self.text(self.lines[1:4]), "-", rest)
        self.refused(b"", "-", rest)
        self.goes_on(self.text(self.lines[:3]), "-", rest)


class Files(Fed):
    """Files whose size and times are what they were."""

    def setUp(self):
        super().setUp()
        # The first and the last 64 KiB are looked at; what is between is not.
        self.lines = [json.dumps({"id": n, "url": self.held.url,
                                  "data": "record %d " % n + "x" * 30000}).encode()
                      for n in range(self.COUNT)]
        self.input = self.file("in", self.text())

    def change(self, number):
        about = os.stat(self.input)
        with open(self.input, "r+b") as file:
            file.seek(self.text().index(b"record %d " % number))
            file.write(b"RECORD")
        os.utime(self.input, ns=(about.st_atime_ns, about.st_mtime_ns))

    def test_a_file_that_was_changed_in_place_is_read_again(self):
        self.leave_fed(b"", self.input)
        self.change(4)  # done
        self.refused(b"", self.input)
        self.input = self.file("in", self.text())
        self.assertEqual(self.run_fed(b"", "--resume", self.input).status, USAGE)

    def test_a_copy_of_the_file_will_do(self):
        self.leave_fed(b"", self.input)
        about = os.stat(self.input)
        copy = self.file("copy", self.text())
        os.utime(copy, ns=(about.st_atime_ns, about.st_mtime_ns))
        self.goes_on(b"", copy)

    def test_a_file_that_begins_elsewhere_is_another(self):
        with open(self.input, "rb") as file:
            file.seek(len(self.lines[0]) + 1)
            self.answered = 5
            program = self.start("send", "-c", "2", "-o", self.out, "-", stdin=file)
            self.held.wait_for(lambda server: len(server.requests) == 7)
            while self.status_of(self.out)["done"] < 5:
                pass
            program.signal(signal.SIGKILL)
            program.finish()
        self.before = len(self.held.requests)
        self.go.set()
        with open(self.input, "rb") as file:
            run = self.run_out("--resume", "-", stdin=file)
        self.assertEqual((run.status, self.deliveries()), (USAGE, 0), run.err)
        with open(self.input, "rb") as file:
            file.seek(len(self.lines[0]) + 1)
            run = self.run_out("--resume", "-", stdin=file)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual(len(self.results()), self.COUNT - 1)


class Names(Journaled):
    """Two names that are one file, and files that are not ours."""

    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))
        self.input = self.file("in", self.records())
        self.before = self.files()

    def records(self):
        return [{"id": n, "url": self.echo.url, "data": "x"} for n in range(3)]

    def files(self):
        found = {}
        for where, folders, names in os.walk(self.dir):
            for name in names + folders:
                path = os.path.join(where, name)
                about = os.lstat(path)
                content = None
                if stat.S_ISREG(about.st_mode):
                    with open(path, "rb") as file:
                        content = file.read()
                found[path] = (stat.S_IFMT(about.st_mode), content,
                               os.readlink(path) if stat.S_ISLNK(about.st_mode) else None)
        return found

    def refused(self, *args, words, status=USAGE, **more):
        """With and without the options that allow most: nothing is changed, made or sent."""
        before = self.files()
        for option in ([], ["--force"], ["--resume"]):
            run = self.run_ringsend("send", *option, *args, **more)
            with self.subTest(option=option, args=args):
                self.assertEqual(run.status, status, run.err)
                if option != []:
                    self.assertIn(words, run.err)
                self.assertEqual(self.files(), before)
                self.assertEqual(self.echo.requests, [])

    def test_the_journals_name_is_an_input(self):
        os.rename(self.input, self.journal)
        self.refused("-o", self.out, self.journal, words="an input")
        os.symlink(self.journal, self.path("link"))
        self.refused("-o", self.out, self.path("link"), words="an input")
        os.link(self.journal, self.path("hard"))
        self.refused("-o", self.out, self.path("hard"), words="an input")
        with open(self.journal, "rb") as file:
            self.refused("-o", self.out, "-", words="an input", stdin=file)

    def test_the_journals_name_is_that_of_failed(self):
        self.refused("-o", self.out, "--failed", self.journal, self.input, words="--failed")
        self.file("out.journal", b"failed before\n")
        self.refused("-o", self.out, "--failed", self.journal, self.input, words="--failed")
        self.refused("-o", self.out, "--failed",
                     self.path("../%s/out.journal" % os.path.basename(self.dir)), self.input,
                     words="--failed")

    def test_the_journals_name_is_a_users_file(self):
        for content in (b"precious\n", b"\0" * 8 + b"a disk image"):
            self.file("out.journal", content)
            self.refused("-o", self.out, self.input, words="left as it is")
        os.unlink(self.journal)
        precious = self.file("precious", b"precious\n")
        os.symlink(precious, self.journal)
        self.refused("-o", self.out, self.input, words="left as it is")
        os.unlink(self.journal)
        os.symlink(self.path("nowhere"), self.journal)
        self.refused("-o", self.out, self.input, words="left as it is")
        os.unlink(self.journal)
        os.mkfifo(self.journal)
        self.refused("-o", self.out, self.input, words="left as it is")
        os.unlink(self.journal)
        os.mkdir(self.journal)
        self.refused("-o", self.out, self.input, words="left as it is")
        self.assertEqual(self.run_out("--no-journal", self.input).status, OK)

    def test_the_journals_name_is_the_results_themselves(self):
        self.file("out", b"")
        os.link(self.out, self.journal)
        self.refused("-o", self.out, self.input, words="the results themselves")

    def test_the_journals_name_is_where_standard_error_goes(self):
        before = self.files()
        with open(self.journal, "wb") as file:
            run = self.run_ringsend("send", "-o", self.out, self.input, stderr=file)
        self.assertEqual(run.status, USAGE)
        self.assertIn(b"standard stream", self.read("out.journal"))
        self.assertEqual(set(self.files()) - set(before), {self.journal})

    def test_results_and_standard_output_are_one(self):
        with open(self.out, "wb") as file:
            run = self.run_ringsend("send", "--force", "-o", self.out, "-w", "x", self.input,
                                    stdout=file)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("gets standard output", run.err)

    def test_an_empty_file_under_the_journals_name_is_nobodys(self):
        self.file("out.journal", b"")
        self.assertEqual(self.run_out("--force", self.input).status, OK)
        self.assertFalse(os.path.exists(self.journal))

    def test_results_are_an_input_or_the_failed_ones(self):
        os.link(self.input, self.path("hard"))
        self.refused("-o", self.path("hard"), self.input, words="is an input, too")
        self.refused("-o", self.out, "--failed", self.path("hard"), self.input,
                     words="is an input, too")
        self.refused("-o", self.out, "--failed", self.path("./out"), self.input, words="as well")

    def test_a_directory_of_bodies_that_is_something_else(self):
        self.refused("-o", self.out, "--bodies", self.journal, self.input,
                     words="the directory of --bodies")
        self.refused("-o", self.out, "--bodies", self.out, self.input, words="Is a directory",
                     status=OUTPUT)
        self.refused("-o", self.out, "--bodies", self.input, self.input, words="Not a directory")
        os.rename(self.input, self.path("0-a"))
        self.refused("-o", self.out, "--bodies", self.dir, self.path("0-a"), words="like a body's")
        os.rename(self.path("0-a"), self.input)
        self.refused("-o", self.path("d/0-0"), "--bodies", self.path("d"), self.input,
                     words="like a body's")
        self.refused("-o", self.out, "--failed", self.path("d/1"), "--bodies", self.path("d"),
                     self.input, words="like a body's")
        self.assertEqual(
            self.run_out("--bodies", self.path("d"), "-o", self.path("d/out"), self.input).status,
            OK)

    def test_a_name_that_is_wrong_takes_nothing_away(self):
        """--resume with another -o than the run had."""
        self.file("failed", b"failed before\n")
        run = self.run_ringsend("send", "--resume", "-o", self.path("typo"), "--failed",
                                self.path("failed"), self.input)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("is the name after -o right?", run.err)
        self.assertEqual(self.read("failed"), b"failed before\n")
        os.mkdir(self.path("bodies"))
        self.file("bodies/0-0", b"a body")
        run = self.run_ringsend("send", "--resume", "-o", self.path("typo"), "--bodies",
                                self.path("bodies"), self.input)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertEqual(self.read("bodies/0-0"), b"a body")
        self.assertFalse(os.path.exists(self.path("typo")))
        self.assertFalse(os.path.exists(self.path("typo.journal")))
        self.assertEqual(self.echo.requests, [])

    def test_what_refuses_a_run_leaves_files_of_force_alone(self):
        self.file("out", b"results before\n")
        self.file("failed", b"failed before\n")
        self.file("out.journal", b"precious\n")
        before = self.files()
        for args in (["--failed", self.path("failed"), self.input],
                     ["--failed", self.path("none/failed"), self.input],
                     ["--bodies", self.path("none/bodies"), self.input],
                     [self.path("none")]):
            run = self.run_out("--force", *args)
            self.assertNotEqual(run.status, OK, run.err)
            self.assertEqual(self.files(), before)

    def test_the_journal_is_its_users_alone(self):
        gone = threading.Event()
        held = self.server(answering(lambda request: gone.wait() and response()))
        self.addCleanup(gone.set)
        path = self.file("held", [{"id": 1, "url": held.url}])
        program = self.start("send", "-o", self.out, path, preexec_fn=lambda: os.umask(0))
        held.wait_for(lambda server: server.requests)
        self.assertEqual(stat.S_IMODE(os.stat(self.journal).st_mode), 0o600)
        gone.set()
        self.assertEqual(program.finish().status, OK)

    def test_another_run_by_another_name(self):
        gone = threading.Event()
        held = self.server(answering(lambda request: gone.wait() and response()))
        self.addCleanup(gone.set)
        path = self.file("held", [{"id": 1, "url": held.url}])
        program = self.start("send", "-o", self.out, path)
        held.wait_for(lambda server: server.requests)
        os.link(self.out, self.path("hard"))
        os.symlink(self.out, self.path("soft"))
        for name in ("hard", "soft"):
            run = self.run_ringsend("send", "--force", "-o", self.path(name), self.input)
            self.assertEqual(run.status, NOT_STARTED, run.err)
            self.assertIn("another run is writing to it", run.err)
            self.assertFalse(os.path.exists(self.path(name + ".journal")))
        gone.set()
        self.assertEqual(program.finish().status, OK)
        self.assertEqual(len(self.results()), 1)


class Whole(Journaled):
    """The end of a job of several runs is that of all of them."""

    def setUp(self):
        super().setUp()
        self.held_up = threading.Event()
        self.addCleanup(self.held_up.set)
        self.held_from = 10

        def answer(request):
            if len(self.platform.requests) > self.held_from:
                self.held_up.wait(BOUND_S)
            return response(b"{}", status="500 No" if b"bad" in request.body else "200 OK")
        self.platform = self.server(answering(answer))

    def lines(self, count, bad):
        return [{"id": n, "url": self.platform.url, "data": "bad" if n in bad else "good"}
                for n in range(count)]

    def kill(self, records, *options, name="in"):
        """Once ten records are done."""
        self.input = self.file(name, records)
        program = self.start("send", "-o", self.out, "-c", "1", "--tries", "1", *options,
                             self.input)
        self.platform.wait_for(lambda server: len(server.requests) > 10)
        while self.status_of(self.out)["done"] < 10:
            pass
        program.signal(signal.SIGKILL)
        program.finish()
        self.held_up.set()

    def go_on(self, *options):
        return self.run_out("--resume", "-c", "1", "--tries", "1", "--at-least-once", *options,
                            self.input)

    def test_what_was_not_ok_before_a_kill_counts(self):
        for options in ([], ["--failed", self.path("failed")], ["--sync"], ["-t", "2"],
                        ["--failed", self.path("failed"), "--idempotency-key"],
                        ["--ordered"], ["--csv"], ["--bodies", self.path("bodies")]):
            with self.subTest(options=options):
                self.held_up.clear()
                self.platform.requests.clear()
                self.kill(self.lines(30, {2, 5, 7}), "--force", *options)
                before = self.status_of(self.out)["not_ok"]
                if "-t" not in options:  # which has an order of its own
                    self.assertEqual(before, 3)
                run = self.go_on(*options)
                self.assertEqual(run.status, NOT_ALL_OK, run.err)
                if before > 0:
                    self.assertIn("going on: 10 done, %d of them not ok, " % before, run.err)
                self.assertIn("\n  all runs         27 ok, 3 not ok\n", run.err)
                if "--failed" in options:
                    self.assertIn("to send the failed ones again", run.err)
                    self.assertEqual("  3 of them failed in earlier runs: " in run.err,
                                     "--idempotency-key" not in options)
                self.assertEqual(self.go_on(*options).status, OK)

    def test_of_three_runs(self):
        self.kill(self.lines(40, {1, 15, 39}))
        self.held_up.clear()
        self.held_from = len(self.platform.requests) + 10
        program = self.start("send", "-o", self.out, "--resume", "-c", "1", "--tries", "1",
                             "--at-least-once", self.input)
        self.platform.wait_for(lambda server: len(server.requests) > self.held_from)
        while self.status_of(self.out)["done"] < 20:
            pass
        program.signal(signal.SIGKILL)
        program.finish()
        self.held_up.set()
        run = self.go_on()
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertIn("all runs         37 ok, 3 not ok", run.err)

    def test_when_all_is_well_it_is(self):
        self.kill(self.lines(30, ()))
        run = self.go_on()
        self.assertEqual(run.status, OK, run.err)
        self.assertIn("all runs         30 ok, 0 not ok", run.err)

    def test_a_run_of_its_own_says_nothing_of_others(self):
        self.held_up.set()
        run = self.run_out("--tries", "1", self.file("in", self.lines(5, {1})))
        self.assertNotIn("all runs", run.err)


class Finished(Journaled):
    """--resume of what has come to its end: nothing left to do."""

    RECORDS = [{"data": "x"}, {"id": "a,\"ok\":1"}, {"id": {"a": 1, "ok": [True]}}, {"id": None},
               b"no JSON", {"id": "\u00e9 \\u00e9 \n"}, {"id": 7}, {"id": 7}, b"", {"id": 1.50}]

    def setUp(self):
        super().setUp()
        self.platform = self.server(answering(lambda request: response(b"a,\"\n\"\nb")))

    def run_it(self, *args, **more):
        return self.run_out("--url", self.platform.url, "--tries", "1", *args, **more)

    def assert_finished(self, *args, **more):
        files = {name: (self.read(name), os.stat(self.path(name)).st_mtime_ns)
                 for name in os.listdir(self.dir)}
        before = len(self.platform.requests)
        run = self.run_it("--resume", *args, **more)
        self.assertEqual((run.status, run.err), (OK, "ringsend: %s: has a result for each record "
                                                     "already: nothing left to do\n" % self.out))
        self.assertEqual(len(self.platform.requests), before)
        self.assertEqual(files, {name: (self.read(name), os.stat(self.path(name)).st_mtime_ns)
                                 for name in os.listdir(self.dir)})

    def assert_unknown(self, *args, **more):
        before, requests = self.read("out"), len(self.platform.requests)
        run = self.run_it("--resume", *args, **more)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("there is no journal", run.err)
        self.assertEqual((self.read("out"), len(self.platform.requests)), (before, requests))

    def test_of_all_forms(self):
        for options in ([], ["--csv"], ["--ordered", "--headers"], ["-t", "2", "--csv", "--trace"],
                        ["--failed", self.path("failed")], ["--skip", "1", "--limit", "4"],
                        ["--csv", "--shard", "1/2"], ["-w", "%{id}"]):
            for names in (["in"], ["in", "it's \",\"ok\": \n b"], ["in", "in", "in.json"]):
                with self.subTest(options=options, names=names):
                    for name in names:
                        records = self.RECORDS if not name.endswith("json") else (
                            b'[{"id":\n "x"}\n,\n{"id": {\n"a": 1\n}}]')
                        self.file(name, records)
                    paths = [self.path(name) for name in names]
                    self.run_it("--force", *options, *paths)
                    self.assert_finished(*options, *paths)

    def test_of_rows_and_of_standard_input(self):
        rows = self.file("in.csv", b"n,m\n1,a\n2,\"b\n,\"\"c\"\n3,d\n")
        options = ["--id", "{{m}}", "--data", "{{n}}"]
        self.run_it(*options, rows)
        self.assert_finished(*options, rows)
        self.assert_unknown("--data", "{{n}}", rows)  # others' ids
        with open(rows, "rb") as stdin:
            self.assert_finished(*options, "--format", "csv", "-", stdin=stdin)

    def test_what_lacks_or_has_more_is_not(self):
        path = self.file("in", self.RECORDS)
        self.run_it(path)
        lines = self.read("out").splitlines(keepends=True)
        for other in (lines[:-1], lines[1:], lines + lines[:1], lines[1:] + lines[1:2],
                      lines[:-1] + [lines[-1][:-1]], lines[:-1] + [lines[-1][:20]],
                      lines + [b"\n"], lines + [b"{}\n"], [b"x"],
                      [line.replace(b'"line":3', b'"line":30') for line in lines]):
            self.file("out", b"".join(other))
            self.assert_unknown(path)
        self.file("out", b"".join(reversed(lines)))
        self.assert_finished(path)
        self.assert_unknown(self.file("other", self.RECORDS[1:]))
        self.assert_unknown(self.file("more", self.RECORDS + [{"id": 2}]))
        self.assert_unknown(path, "--csv")
        self.assert_unknown("-", stdin=fed(self.read("in")))


if __name__ == "__main__":
    main()
