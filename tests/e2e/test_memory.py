"""Memory does not grow with the input: 200,000 records need what 1,000 do, and that is little.

So that there is a moment at which all is sent and the process still lives, the records come from
a file and then from stdin, which stays open."""

import base64
import gzip
import os
import random
import subprocess
import threading
import unittest

from harness import (BOUND_S, Case, OK, RINGSEND, SANITIZED, USAGE, answering, json_lines, main,
                     peak_bytes, response)

MIB = 1 << 20
# Memory that is filled when it is taken or given back is touched where the program does not.
UNPERTURBED = {name: value for name, value in os.environ.items() if name != "MALLOC_PERTURB_"}


@unittest.skipIf(SANITIZED, "sanitizers need memory of their own")
class Memory(Case):
    def peak_bytes(self, serve, count, *options):
        path = self.path("records-%d" % count)
        with open(path, "wb") as file:
            file.writelines(b'{"id":%d,"data":{"n":%d,"text":"some text"}}\n' % (n, n)
                            for n in range(count))
        with subprocess.Popen([RINGSEND, "send", "-q", "--url", serve.url, *options, path, "-"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            bound = threading.Timer(BOUND_S, process.kill)
            bound.start()
            self.addCleanup(bound.cancel)
            lines = 0
            while lines < count:
                data = process.stdout.read1(1 << 16)
                self.assertTrue(data, "ended after %d results" % lines)
                lines += data.count(b"\n")
            peak = peak_bytes(process.pid)
            process.stdin.close()
            bound.cancel()
            self.assertEqual(process.wait(BOUND_S), OK)
        return peak

    def test_200_000_records_take_no_more_memory_than_1_000_and_at_most_10_mib(self):
        serve = self.serve("--body", '{"answer":42}', "--max-connections", "100")
        few, many = (self.peak_bytes(serve, count) for count in (1000, 200000))
        self.assertLess(abs(many - few), 1 * MIB, (few, many))
        self.assertLessEqual(max(few, many), 10 * MIB)

    def test_a_slow_platform_does_not_make_the_reader_run_ahead(self):
        serve = self.serve("--latency", "1ms", "--max-connections", "100")
        few, many = (self.peak_bytes(serve, count, "-c", "4") for count in (1000, 8000))
        self.assertLess(abs(many - few), 1 * MIB, (few, many))


def lines_of_json(count):
    return b"".join(b"%d\n" % n for n in range(count))


@unittest.skipIf(SANITIZED, "sanitizers need memory of their own")
class Budget(Case):
    """--memory: large responses wait for each other."""

    BODY = 2 * MIB
    RECORDS = 60

    def sends(self, *options, memory=16, url=None, records=None, reading=None):
        """Its results and the most memory it had, when nothing is read until `reading` returns."""
        url = url or self.serve("--body-bytes", str(self.BODY)).url
        path = self.file("in", records or lines_of_json(self.RECORDS))
        with subprocess.Popen([
                RINGSEND, "send", "-q", "-c", "40", "--memory",
                "%dM" % memory, "--url", url, *options, path, "-"
        ], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=UNPERTURBED) as process:
            bound = threading.Timer(4 * BOUND_S, process.kill)
            bound.start()
            self.addCleanup(bound.cancel)
            if reading:
                reading(process)
            count, text = 0, []
            while count < self.RECORDS:
                data = process.stdout.read1(1 << 20)
                self.assertTrue(data, "ended after %d results" % count)
                count += data.count(b"\n")
                text.append(data)
            peak = peak_bytes(process.pid)
            process.stdin.close()
            bound.cancel()
            self.assertEqual(process.wait(BOUND_S), OK)
        return b"".join(text), peak

    def assert_within(self, peak, memory, threads=1):
        """What a program of its size needs, and a body that is received, copied and written on
        top. A second thread may be at such a body as well, and its allocations come from an
        arena of its own."""
        bodies = 8 + 6 * (threads - 1)
        self.assertLess(peak, (memory + 14) * MIB + bodies * self.BODY, "%d MiB" % (peak // MIB))

    def check(self, *options, memory=16, threads=1, **more):
        text, peak = self.sends("-t", str(threads), *options, memory=memory, **more)
        self.assert_within(peak, memory, threads)
        results = json_lines(text)
        self.assertEqual(len(results), self.RECORDS)
        self.assertTrue(all(r["ok"] and r["attempts"] == 1 for r in results),
                        [r["error"] for r in results])
        return results

    def test_what_all_connections_may_receive_is_bounded(self):
        _, peak = self.sends(memory=1024)
        self.assertGreater(peak, 60 * MIB)  # else this would measure nothing
        for result in self.check():
            self.assertEqual(len(result["body"]), self.BODY)

    def test_over_all_threads(self):
        self.check(threads=2)

    def test_records_beyond_the_budget_go_out_all_the_same(self):
        url = self.serve().url
        records = [{"id": i, "data": "x" * 3 * MIB} for i in range(4)]
        for threads in ("1", "2"):
            with self.subTest(threads=threads):
                run = self.send("--memory", "1M", "-t", threads, "--url", url, records=records,
                                expect=OK)
                self.assertEqual(sorted(r["id"] for r in run.results), list(range(4)))

    def test_one_body_alone_has_its_room_whatever_the_budget(self):
        self.check(memory=1)

    def test_bodies_that_end_with_their_connection_and_chunked_ones(self):
        for framing in ("close", "chunked"):
            with self.subTest(framing):
                def script(peer, framing=framing):
                    while peer.request():
                        if framing == "close":
                            peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * self.BODY)
                            return
                        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                  b"10000\r\n%s\r\n" % (b"x" * 65536) * (self.BODY >> 16) +
                                  b"0\r\n\r\n")
                self.check("-X", "PUT", url=self.server(script).url)

    def test_packed_bodies(self):
        packed = gzip.compress(random.Random(1).randbytes(20000) * (self.BODY // 20000))
        server = self.server(
            answering(lambda request: response(packed, headers=["Content-Encoding: gzip"])))
        for result in self.check("--compressed", url=server.url):
            self.assertEqual(len(base64.b64decode(result["body_base64"])),
                             self.BODY // 20000 * 20000)

    def test_no_clock_runs_while_a_body_waits_for_us(self):
        """Whoever reads the results takes nothing for longer than any timeout: nothing fails for
        it."""
        def reading(_):
            threading.Event().wait(2.5)
        self.check("--timeout", "1s", "--tries", "1", reading=reading)

    def test_bodies_that_go_to_files(self):
        os.mkdir(self.path("bodies"))
        self.check("--bodies", self.path("bodies"))
        self.assertEqual({os.path.getsize(os.path.join(self.path("bodies"), name)) for name in
                          os.listdir(self.path("bodies"))}, {self.BODY})

    def test_its_sizes(self):
        for text in ("0", "1k", "x", "2000G"):
            run = self.run_ringsend("send", "--memory", text, "--url", "http://localhost/",
                                    self.file("in", [1]))
            self.assertEqual(run.status, USAGE)
            self.assertIn("--memory", run.err)


if __name__ == "__main__":
    main()
