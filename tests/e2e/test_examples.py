"""The examples, each against `ringsend serve`, as they were built with the tree (and its
sanitizers)."""

import hashlib
import json
import os
import sys

from harness import (OK, ROOT, SANITIZED, Case, Program, filler, filler_blocks, main, peak_bytes,
                     refused_port)

# Where the build put them: EXAMPLES/example_NAME. One whose library is not on this machine is not
# there.
EXAMPLES = os.environ.get("EXAMPLES", "")
ARGUMENTS_URL_AND_COUNT = ["blocking", "cplusplus", "epoll", "libuv", "sd_event", "threads"]


class Examples(Case):
    def program(self, name):
        path = os.path.join(EXAMPLES, "example_" + name)
        if not os.path.exists(path):
            self.skipTest("%s was not built: its library is not here" % name)
        return path

    def start_example(self, name, *args, **more):
        program = Program([self.program(name), *args], **more)
        self.addCleanup(program.close)
        return program

    def run_example(self, name, *args):
        return self.start_example(name, *args).finish()

    def count(self, name):
        """COUNT requests to the URL, all answered, all counted."""
        serve = self.serve("--latency", "1ms", "--max-connections", "40")
        run = self.run_example(name, serve.url + "orders", "300")
        self.assertEqual((run.status, run.out), (0, b"300 of 300 ok\n"), run.err)
        self.assertEqual(serve.stats()["statuses"], {"200": 300})

    def count_failures(self, name):
        """A server that refuses is told of, and the exit status says so."""
        serve = self.serve("--status", "400:100%")
        run = self.run_example(name, serve.url, "20")
        self.assertEqual((run.status, run.out), (1, b"0 of 20 ok\n"), run.err)

    def test_one_shows_the_answer(self):
        run = self.run_example("one", self.serve("--body", "hello").url)
        self.assertEqual((run.status, run.out, run.err), (0, b"hello", "status 200\n"))
        run = self.run_example("one", self.serve("--status", "404:100%").url)
        self.assertEqual((run.status, run.err), (1, "status 404\n"))
        sock, port = refused_port()
        self.addCleanup(sock.close)
        run = self.run_example("one", "http://127.0.0.1:%d/" % port)
        self.assertEqual((run.status, run.out), (1, b""))
        self.assertIn("nothing listens", run.err)

    def test_origins_each_get_their_share(self):
        serves = [self.serve("--latency", "1ms", "--max-connections", "4") for _ in range(3)]
        urls = [serve.url + "x" for serve in serves]
        run = self.run_example("origins", "50", *urls)
        self.assertEqual((run.status, run.out.decode()),
                         (0, "".join("%s: 50 of 50 ok\n" % url for url in urls)))
        for serve in serves:
            stats = serve.stats()
            self.assertEqual((stats["statuses"], stats["refused"]), ({"200": 50}, 0))

    # ---- Streams: a large body in little memory, each byte of it looked at

    LARGE = (16 if SANITIZED else 256) << 20

    def assert_little_memory(self, program):
        if not SANITIZED:
            self.assertLess(peak_bytes(program.process.pid), 10 << 20)

    def assert_is_filler(self, program, reader):
        """What comes is the body. Near its end, which no pipe holds, the program still lives,
        and had little memory."""
        left = self.LARGE
        for block in filler_blocks(self.LARGE):
            left -= len(block)
            if left == 1 << 20:
                self.assert_little_memory(program)
            self.assertTrue(reader.read(len(block)) == block, left)
        self.assertEqual(reader.read(1), b"")

    def test_stream_puts_a_file(self):
        digest, path = hashlib.sha256(), self.path("large")
        with open(path, "wb") as file:
            for block in filler_blocks(self.LARGE):
                digest.update(block)
                file.write(block)
        serve = self.serve("--digest", "--latency", "2s")
        program = self.start_example("stream", "put", serve.url, path)
        while serve.stats()["requests"] == 0:
            self.assertIsNone(program.process.poll())
        self.assert_little_memory(program)
        run = program.finish()
        self.assertEqual((run.status, run.err), (OK, ""))
        self.assertEqual(json.loads(run.out), {"bytes": self.LARGE, "sha256": digest.hexdigest()})

    def test_stream_puts_a_pipe_to_its_end(self):
        os.mkfifo(self.path("pipe"))
        program = self.start_example("stream", "put", self.serve("--digest").url, self.path("pipe"))
        with open(self.path("pipe"), "wb") as pipe:
            pipe.write(filler(3000001))
        run = program.finish()
        self.assertEqual((run.status, run.err), (OK, ""))
        self.assertEqual(json.loads(run.out),
                         {"bytes": 3000001, "sha256": hashlib.sha256(filler(3000001)).hexdigest()})

    def test_stream_gets_a_file(self):
        run = self.run_example("stream", "get",
                               self.serve("--body-bytes", "3000001").url, self.path("file"))
        self.assertEqual((run.status, run.out, run.err), (OK, b"", ""))
        self.assertTrue(self.read("file") == filler(3000001))

    def test_stream_gets_into_a_pipe(self):
        os.mkfifo(self.path("pipe"))
        serve = self.serve("--body-bytes", str(self.LARGE))
        program = self.start_example("stream", "get", serve.url, self.path("pipe"))
        with open(self.path("pipe"), "rb") as pipe:
            self.assert_is_filler(program, pipe)
        run = program.finish()
        self.assertEqual((run.status, run.out, run.err), (OK, b"", ""))

    def test_stream_takes_pieces_no_faster_than_they_are_read(self):
        serve = self.serve("--body-bytes", str(self.LARGE))
        reader, writer = os.pipe()
        program = self.start_example("stream", "take", serve.url, stdout=writer)
        os.close(writer)
        with open(reader, "rb") as pipe:
            self.assertEqual(pipe.peek(1)[:1], b"0")
            self.assertEqual(serve.stats()["statuses"], {})  # it cannot get rid of it
            self.assert_is_filler(program, pipe)
        run = program.finish()
        self.assertEqual((run.status, run.err), (OK, ""))
        self.assertEqual(serve.stats()["statuses"], {"200": 1})

    def test_stream_tells_failures(self):
        serve = self.serve("--status", "404:100%")
        for way in (["put", serve.url, __file__], ["get", serve.url,
                                                   self.path("new")], ["take", serve.url]):
            run = self.run_example("stream", *way)
            self.assertEqual((run.status, run.out), (1, b'{"error":404,"reason":"Not Found"}'),
                             run.err)
            self.assertIn("status 404", run.err)
        self.assertEqual(self.read("new"), b"")
        run = self.run_example("stream", "put", serve.url, self.path("none"))
        self.assertEqual((run.status, run.out), (1, b""))
        self.assertIn("No such file", run.err)
        run = self.run_example("stream", "take", "nonsense")
        self.assertEqual((run.status, run.err), (1, "cannot be sent: the URL cannot be used\n"))
        with open("/dev/full", "wb") as full:
            program = self.start_example("stream", "take", self.serve().url, stdout=full)
        run = program.finish()
        self.assertEqual((run.status, run.err), (1, "standard output: No space left on device\n"))

    # ---- Python

    def python(self, script, *args, **more):
        if SANITIZED:
            self.skipTest("a Python without the sanitizers cannot load a library with them")
        build = os.path.dirname(EXAMPLES)
        if not os.path.exists(os.path.join(build, "python", "ringsend")):
            self.skipTest("there was no Python.h when this was built")
        library = os.path.join(build, "src", "libringsend.so.0")
        more.setdefault("env", {
            **os.environ, "LIBRINGSEND": library, "PYTHONPATH": os.path.join(build, "python")
        })
        program = Program([sys.executable, "-B", *script, *args],
                          cwd=os.path.join(ROOT, "examples", "python"), **more)
        self.addCleanup(program.close)
        return program.finish()

    def test_python_the_articles_script(self):
        serve = self.serve("--latency", "1ms", "--max-connections", "40", "--echo")
        records = self.file("records.jsonl",
                            [{"id": n, "url": serve.url, "data": {"n": n}} for n in range(500)])
        run = self.python(["article.py"], "40", records, self.path("results.jsonl"))
        self.assertEqual((run.status, run.err), (0, ""))
        results = [json.loads(line) for line in self.read("results.jsonl").splitlines()]
        self.assertEqual({r["id"]: json.loads(r["body"])["n"] for r in results},
                         {n: n for n in range(500)})
        self.assertTrue(all(r["ok"] and r["status"] == 200 and r["attempts"] == 1 for r in results))
        self.assertEqual(serve.stats()["requests"], 500)

    def test_python_the_articles_script_with_a_platform_that_has_limits(self):
        log = self.path("log")
        serve = self.serve("--latency", "1ms", "--max-connections", "40", "--rate-limit", "400/s",
                           "--status", "503:3%", "--log", log)
        records = self.file("records.jsonl",
                            [{"id": n, "url": serve.url, "data": {"n": n}} for n in range(500)])
        usage = "usage: article.py CONNECTIONS RECORDS RESULTS\n"
        run = self.python(["article.py"])
        self.assertEqual((run.status, run.err), (1, usage))
        run = self.python(["article.py"], "40", records, self.path("results.jsonl"))
        self.assertEqual((run.status, run.err), (0, ""))
        serve.stop()
        results = [json.loads(line) for line in self.read("results.jsonl").splitlines()]
        self.assertEqual(sorted(r["id"] for r in results), list(range(500)))
        done = [line.split("\t")[3] for line in self.read("log").decode().splitlines()
                if line.split("\t")[4] == "200"]  # by the digests of their bodies
        self.assertEqual((len(done), len(set(done))), (sum(r["ok"] for r in results),) * 2)
        self.assertEqual({r["status"] for r in results if not r["ok"]} - {429, 503}, set())
        self.assertGreater(max(r["attempts"] for r in results), 1)


def add_tests(name):
    setattr(Examples, "test_%s_sends_all" % name, lambda self: self.count(name))
    setattr(Examples, "test_%s_tells_failures" % name, lambda self: self.count_failures(name))


for each in ARGUMENTS_URL_AND_COUNT:
    add_tests(each)

if __name__ == "__main__":
    main()
