"""Memory does not grow with the input: 200,000 records need what 1,000 do, and that is little.

So that there is a moment at which all is sent and the process still lives, the records come from a file
and then from stdin, which stays open."""

import subprocess
import threading
import unittest

from harness import BOUND_S, Case, OK, RINGSEND, SANITIZED, main, peak_bytes

MIB = 1 << 20


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
        few, many = (self.peak_bytes(serve, count, "-c", "4") for count in (100, 4000))
        self.assertLess(abs(many - few), 1 * MIB, (few, many))


if __name__ == "__main__":
    main()
