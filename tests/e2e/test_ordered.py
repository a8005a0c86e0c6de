"""--ordered: results in the order of the records, whatever the order in which they finish."""

import csv as csv_module
import io
import os
import re
import signal
import threading
import time

from harness import BOUND_S, Case, NOT_ALL_OK, OK, USAGE, answering, json_lines, main, response


class Ordered(Case):
    def jittery(self):
        return self.serve("--latency", "2ms,40ms", "--status", "404:10%", "--seed", "3").url

    def test_results_come_in_the_order_of_the_records(self):
        url = self.jittery()
        records = [b"broken" if n % 50 == 7 else {"id": n, "url": url} for n in range(1000)]
        shuffled = self.send("--tries", "1", records=records)
        self.assertNotEqual([r["line"] for r in shuffled.results], list(range(1, 1001)))
        run = self.send("--ordered", "--tries", "1", "--failed", self.path("failed"),
                        records=records, expect=NOT_ALL_OK)
        self.assertEqual([r["line"] for r in run.results], list(range(1, 1001)))
        failed = [r["line"] for r in run.results if not r["ok"]]
        lines = self.read("records.jsonl").splitlines()
        self.assertEqual(self.read("failed").splitlines(), [lines[n - 1] for n in failed])
        details = [r["detail"] for r in run.results if r["error"] == "bad_record"]
        self.assertEqual((len(details), len(set(details))), (20, 1))

    def test_over_several_files_and_with_bodies_in_files(self):
        url = self.jittery()
        one, two = (self.file(name, [{"id": name + str(n), "url": url} for n in range(200)])
                    for name in ("a", "b"))
        run = self.run_ringsend("send", "--ordered", "--bodies", self.path("bodies"), one, two)
        self.assertEqual([r["id"] for r in run.results],
                         [name + str(n) for name in ("a", "b") for n in range(200)])
        for result in run.results:
            with open(result["body_file"], "rb") as file:
                self.assertTrue(file.read())

    def test_the_other_forms(self):
        url = self.jittery()
        records = [{"id": n, "url": url} for n in range(300)]
        table = self.send("--ordered", "--csv", records=records).out.decode().splitlines()
        self.assertEqual([row.split(",")[0] for row in table[1:]], [str(n) for n in range(300)])
        words = self.send("--ordered", "-o", self.path("out"), "-w", "%{id}\\n", records=records)
        self.assertEqual([int(n) for n in re.findall(rb"\d+", words.out)], list(range(300)))
        self.assertEqual([r["id"] for r in json_lines(self.read("out"))], list(range(300)))

    def held(self):
        """A server that keeps the first record's answer back."""
        self.go = threading.Event()

        def script(peer):
            while True:
                request = peer.request()
                if not request:
                    return
                if request.body == b"0":
                    self.go.wait(BOUND_S)
                peer.send(response(b""))
        server = self.server(script)
        self.addCleanup(self.go.set)
        return server

    def test_what_waits_is_bounded_and_pauses_reading(self):
        server = self.held()
        path = self.file("in", [{"data": str(n), "url": server.url} for n in range(9000)])
        program = self.start("send", "-c", "8", "--ordered", path)
        window = 4 * (8 + 8 + 16) + 4096
        server.wait_for(lambda s: len(s.requests) == window)
        self.go.set()
        run = program.finish()
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([r["line"] for r in run.results], list(range(1, 9001)))

    def wait_until_reported(self, program, words):
        """Asks how far it is until it says so."""
        err, asked = b"", 0
        while words not in err:
            program.signal(signal.SIGUSR1)
            asked += 1
            err = program.wait_for(
                lambda out, err, asked=asked: err.count(b" in flight") == asked and bytes(err))

    def stopped_with_one_missing(self, *options):
        """All but the first of 500 are answered, and none written, when the user stops the run."""
        server = self.held()
        path = self.file("in", [{"id": n, "data": str(n), "url": server.url} for n in range(500)])
        args = ["send", "-c", "8", "--ordered", "-o", self.path("out"), *options, path]
        program = self.start(*args)
        server.wait_for(lambda s: len(s.requests) == 500)
        self.wait_until_reported(program, b"499 of 500 records")
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal_again(signal.SIGINT)
        run = program.finish()
        self.assertRegex(run.err, r"499 done(, 499 of them not ok)? "
                                  r"\(499 of them to be written in their turn\), 1 in doubt")
        self.assertEqual(json_lines(self.read("out")), [])
        self.go.set()
        return server, args

    def test_what_waits_at_a_stop_waits_for_the_next_run(self):
        server, args = self.stopped_with_one_missing()
        status = self.run_ringsend("status", "--json", self.path("out"))
        told = json_lines(status.out)[0]
        self.assertEqual((told["done"], told["waiting"], told["in_doubt"], told["left"]),
                         (499, 499, 1, 0))
        run = self.run_ringsend(*args, "--resume")
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        results = json_lines(self.read("out"))
        self.assertEqual([r["id"] for r in results], list(range(500)))
        self.assertEqual([r["error"] for r in results], ["in_doubt"] + [None] * 499)
        self.assertEqual(len(server.requests), 500)  # nothing was sent twice
        self.assertEqual([name for name in os.listdir(self.dir) if name.startswith("out")], ["out"])

    def test_with_failed_lines_and_words(self):
        server, args = self.stopped_with_one_missing("--failed", self.path("failed"), "--ok-if",
                                                     "1 == 2", "--tries", "1", "-w", "%{id}\n")
        run = self.run_ringsend(*args, "--resume")
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual([r["id"] for r in json_lines(self.read("out"))], list(range(500)))
        self.assertEqual([r["id"] for r in json_lines(self.read("failed"))], list(range(500)))
        self.assertEqual(run.out.split(), [b"%d" % n for n in range(500)])
        self.assertEqual(len(server.requests), 500)

    def test_stopped_and_killed_again_and_again(self):
        """Each record is sent once, and has its one result, in its place."""
        for csv in (False, True):
            with self.subTest(csv=csv):
                self.again_and_again(csv)

    def again_and_again(self, csv):
        seen = []

        def answer(request):
            seen.append(int(request.body))
            if int(request.body) % 7 == 3:
                time.sleep(0.004)  # so that others overtake it
            return response(b"", "404 Not Found" if int(request.body) % 10 == 0 else "200 OK")
        server = self.server(answering(answer))
        url = server.url
        path = self.file("in", [{"id": n, "data": str(n), "url": url} for n in range(3000)])
        for name in ("out", "failed"):
            if os.path.exists(self.path(name)):
                os.remove(self.path(name))
        args = [
            "send", "-q", "--ordered", "-c", "30", "-t", "2", "-o",
            self.path("out"), "--failed",
            self.path("failed"), *(["--csv"] if csv else []), path
        ]
        killed = 0
        for turn in range(100):
            before = len(seen)
            program = self.start(*args, *(["--resume"] if turn else []))
            with server.changed:
                while len(seen) < before + 150 and program.process.poll() is None:
                    server.changed.wait(0.01)
            kill = turn % 5 == 4
            killed += kill
            program.signal(signal.SIGKILL if kill else signal.SIGTERM)
            if program.finish().status in (OK, NOT_ALL_OK):
                break
        self.assertGreater(turn, 5)
        if csv:
            results = list(csv_module.DictReader(io.StringIO(self.read("out").decode())))
            ids, errors = [int(r["id"]) for r in results], [r["error"] for r in results]
        else:
            results = json_lines(self.read("out"))
            ids, errors = [r["id"] for r in results], [r["error"] for r in results]
        self.assertEqual(ids, list(range(3000)))
        self.assertEqual(len(seen), len(set(seen)))  # POST: none is sent twice
        doubt = sum(error == "in_doubt" for error in errors)
        self.assertLess(doubt, killed * 400 + 1)
        bad = [n for n, e in zip(ids, errors) if n % 10 == 0 or e]
        self.assertEqual([r["id"] for r in json_lines(self.read("failed"))], bad)

    def test_what_is_in_the_way_is_left_as_it_is(self):
        path = self.file("in", [{"data": "x", "url": self.jittery()}])
        self.file("out.parked", b"mine\n")
        args = ["send", "-o", self.path("out"), path]
        run = self.run_ringsend(*args, "--ordered")
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("out.parked: is in the way", run.err)
        self.assertFalse(os.path.exists(self.path("out")))
        self.run_ringsend(*args)
        self.assertEqual(self.read("out.parked"), b"mine\n")
        self.assertEqual(len(json_lines(self.read("out"))), 1)

    def test_what_waits_of_another_run_is_not_taken(self):
        _, args = self.stopped_with_one_missing()
        whole = self.read("out.parked")
        self.file("out.parked", whole[:-1] + bytes([whole[-1] ^ 1]))
        run = self.run_ringsend(*args, "--resume")
        self.assertEqual(run.status, USAGE)
        self.assertIn("out.parked: is damaged", run.err)
        self.file("out.parked", whole[:16] + bytes(8) + whole[24:])
        run = self.run_ringsend(*args, "--resume")
        self.assertEqual(run.status, USAGE)
        self.assertIn("out.parked: is not of this run", run.err)
        self.file("out.parked", whole)
        run = self.run_ringsend(*args, "--force")  # anew
        self.assertEqual(run.status, OK, run.err)
        self.assertFalse(os.path.exists(self.path("out.parked")))

    def test_the_order_is_not_given_up_between_runs(self):
        _, args = self.stopped_with_one_missing()
        args.remove("--ordered")
        run = self.run_ringsend(*args, "--resume")
        self.assertEqual(run.status, USAGE)
        self.assertIn(
            "--ordered is not as in the run to go on with, and results would be in another order",
            run.err)

    def test_killed_and_resumed_the_order_holds(self):
        url = self.jittery()
        path = self.file("in", [{"id": n, "url": url} for n in range(4000)])
        args = ["send", "--ordered", "-c", "20", "-o", self.path("out"), path]
        program = self.start(*args)
        while not os.path.exists(self.path("out")) or not os.path.getsize(self.path("out")):
            self.assertIsNone(program.process.poll())
        program.signal(signal.SIGKILL)
        program.finish()
        run = self.run_ringsend(*args, "--resume")
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual([r["id"] for r in json_lines(self.read("out"))], list(range(4000)))


if __name__ == "__main__":
    main()
