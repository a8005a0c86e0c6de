"""--bodies: each body in a file of its own, whole before its result is told."""

import json
import os
import resource
import signal
import stat
import subprocess
import threading

from harness import (BOUND_S, Case, NOT_ALL_OK, OK, OUTPUT, SIGTERM_EXIT, USAGE, answering,
                     json_lines, main, response)


class Bodies(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda r: response(
            r.body, "404 Not Found" if r.body.startswith(b"bad") else "200 OK")))
        self.dir_of = self.path("bodies")

    def send_to(self, *options, records, **more):
        return self.run_ringsend("send", "--url", self.echo.url, "--bodies", self.dir_of, *options,
                                 self.file("in", records), **more)

    def bodies(self):
        return {name: self.read(os.path.join("bodies", name)) for name in os.listdir(self.dir_of)}

    def test_each_body_is_in_the_file_that_its_result_names(self):
        binary = bytes(range(256)).decode("latin-1")
        records = [{"id": "a/b", "data": "one"}, {"data": binary}, {"id": 3, "data": "bad"}]
        run = self.send_to(records=records)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual(self.bodies(), {"0-a_b": b"one", "1": binary.encode(), "2-3": b"bad"})
        for result in run.results:
            self.assert_result_shape(result)
            self.assertNotIn("body", result)
            self.assertEqual(os.path.dirname(result["body_file"]), self.dir_of)
        self.assertEqual({r["id"]: os.path.basename(r["body_file"]) for r in run.results},
                         {"a/b": "0-a_b", 2: "1", 3: "2-3"})
        self.assertEqual(stat.S_IMODE(os.stat(self.dir_of).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.dir_of, "1")).st_mode), 0o600)

    def test_what_has_no_body_has_no_file(self):
        run = self.send_to(records=[{"data": ""}, b"{", {"url": "http://127.0.0.1:1/", "tries": 1}])
        self.assertEqual(self.bodies(), {})
        self.assertEqual([r.get("body") for r in run.results if r["ok"]], [""])
        self.assertEqual([r for r in run.results if "body_file" in r], [])

    def test_headers_traces_and_forms_of_ones_own_go_with_it(self):
        run = self.send_to("-o", self.path("out"), "--headers", "--trace", "-w",
                           r"%{filename_effective} %{body}\n", records=[{"data": "x"}])
        file = os.path.join(self.dir_of, "0")
        self.assertEqual(run.out, file.encode() + b" x\n")
        result = json_lines(self.read("out"))[0]
        self.assertEqual((result["body_file"], result["headers"], len(result["trace"])),
                         (file, {"content-length": "1"}, 1))

    def test_thousands_of_bodies_over_many_connections(self):
        run = self.send_to(
            "-c", "50",
            records=[{"id": n, "data": "%d " % n * (n % 50 * 40 + 1)} for n in range(3000)])
        self.assertEqual((run.status, len(run.results)), (OK, 3000), run.err)
        self.assertEqual(self.bodies(),
                         {"%d-%d" % (n, n): b"%d " % n * (n % 50 * 40 + 1) for n in range(3000)})

    def test_a_directory_that_holds_something_is_refused(self):
        os.mkdir(self.dir_of)
        self.file("bodies/0", b"precious")
        run = self.send_to(records=[{"data": "x"}])
        self.assertEqual((run.status, run.out, self.echo.requests), (USAGE, b"", []))
        self.assertIn("--force", run.err)
        self.assertEqual(self.bodies(), {"0": b"precious"})
        run = self.send_to("--force", records=[{"data": "x"}])
        self.assertEqual((run.status, self.bodies()), (OK, {"0": b"x"}), run.err)

    def test_a_directory_that_cannot_be_made_is_named(self):
        self.dir_of = self.path("no/such")
        run = self.send_to(records=[{"data": "x"}])
        self.assertEqual((run.status, self.echo.requests), (OUTPUT, []))
        self.assertIn(self.dir_of, run.err)
        self.dir_of = self.file("file", b"")
        self.assertEqual(self.send_to(records=[{"data": "x"}]).status, USAGE)

    def test_a_file_that_turns_up_meanwhile_is_not_overwritten(self):
        def answer(request):
            self.file("bodies/0", b"precious")
            return response(b"x")
        self.echo = self.server(answering(answer))
        run = self.send_to(records=[{"data": "x"}])
        self.assertEqual(run.status, OUTPUT)
        self.assertIn("cannot write %s/0: File exists" % self.dir_of, run.err)
        self.assertEqual(self.bodies(), {"0": b"precious"})
        self.assertEqual([r["body"] for r in run.results], ["x"])  # not lost

    def test_a_body_that_cannot_be_written_stops_the_run_and_is_in_its_result(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        run = self.send_to("-c", "2", records=[{"data": "x" * (n * 100)} for n in range(1, 2000)],
                           preexec_fn=limit, stdout=subprocess.PIPE)
        self.assertEqual(run.status, OUTPUT)
        self.assertIn("File too large", run.err)
        inline = [r for r in run.results if "body" in r and r["status"]]
        self.assertGreater(len(inline), 0)
        files = self.bodies()
        for result in run.results:
            if "body_file" in result:
                self.assertEqual(len(files[os.path.basename(result["body_file"])]),
                                 result["line"] * 100)
        self.assertEqual({len(body) % 100 for body in files.values()}, {0})  # none is torn
        self.assertLess(len(run.results), 1999)

    def test_results_come_after_their_files(self):
        reader, writer = os.pipe()
        program = self.start("send", "--url", self.echo.url, "--bodies", self.dir_of, "-c", "20",
                             self.file("in", [{"data": "%d" % n} for n in range(500)]),
                             stdout=writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            for line in pipe:
                result = json.loads(line)
                with open(result["body_file"], "rb") as file:
                    self.assertEqual(file.read(), b"%d" % (result["line"] - 1))
        self.assertEqual(program.finish().status, OK)

    def test_a_signal_lets_bodies_in_flight_be_written(self):
        go = threading.Event()
        seen = threading.Semaphore(0)

        def answer(request):
            seen.release()
            go.wait(BOUND_S)
            return response(b"late")
        self.echo = self.server(answering(answer))
        program = self.start("send", "--url", self.echo.url, "--bodies", self.dir_of, "-c", "4",
                             self.file("in", [{"data": "x"}] * 100))
        for _ in range(4):
            self.assertTrue(seen.acquire(timeout=BOUND_S))
        program.signal(signal.SIGTERM)
        program.wait_for(lambda out, err: b"stopping" in err)
        go.set()
        run = program.finish()
        self.assertEqual(run.status, SIGTERM_EXIT)
        done = [r for r in run.results if r["ok"]]
        self.assertGreaterEqual(len(done), 4)
        for result in done:
            with open(result["body_file"], "rb") as file:
                self.assertEqual(file.read(), b"late")


if __name__ == "__main__":
    main()
