"""--ordered: results in the order of the records, whatever the order in which they finish."""

import os
import re
import signal
import threading

from harness import BOUND_S, Case, NOT_ALL_OK, OK, json_lines, main, response


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
        window = 8 + 8 + 16 + 4096
        server.wait_for(lambda s: len(s.requests) == window)
        self.go.set()
        run = program.finish()
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([r["line"] for r in run.results], list(range(1, 9001)))

    def wait_until_told(self, program, words):
        """Asks how far it is until it says so."""
        err, asked = b"", 0
        while words not in err:
            program.signal(signal.SIGUSR1)
            asked += 1
            err = program.wait_for(lambda out, err, asked=asked: err.count(b" in flight") == asked and bytes(err))

    def test_a_stop_lets_go_of_what_waited(self):
        """With a journal the one that is left has no result; the others are not lost for it."""
        server = self.held()
        path = self.file("in", [{"id": n, "data": str(n), "url": server.url} for n in range(500)])
        program = self.start("send", "-c", "8", "--ordered", "-o", self.path("out"), path)
        server.wait_for(lambda s: len(s.requests) == 500)
        self.wait_until_told(program, b"499 of 500 records")
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal(signal.SIGINT)
        run = program.finish()
        self.assertEqual([r["id"] for r in json_lines(self.read("out"))], list(range(1, 500)))
        self.assertIn("499 done, 1 in doubt, 0 left", run.err)
        self.go.set()
        run = self.run_ringsend("send", "--resume", "--ordered", "-o", self.path("out"), path)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual([r["id"] for r in json_lines(self.read("out"))], [*range(1, 500), 0])

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
