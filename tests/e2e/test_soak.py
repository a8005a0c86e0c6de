"""No byte goes astray while receive buffers run out all the time: 500 connections share 64 buffers
of 4 KiB, at both ends, and each record's body, which tells of which record and where in it each
line of it is, comes back as it was sent.

STARVED is the program linked with tests/unit/ring_starved.c. SOAK_ROUNDS=N: so many times over;
ten minutes of it are for those who change a ring."""

import os
import re
import unittest

from harness import Case, OK, Program, Serve, main

STARVED = os.environ.get("STARVED", "")
ROUNDS = int(os.environ.get("SOAK_ROUNDS", "1"))
RECORDS, CONNECTIONS, LINE_BYTES = 600, 500, 16


def body(record):
    """From 16 buffers to 32, no two neighbours of a length, most of no whole number of lines."""
    length = 65432 + record * 7919 % 65536
    lines = ["%06x %08x" % (record, at) for at in range(0, length, LINE_BYTES)]
    return "\n".join(lines)[:length]


class StarvedServe(Serve):
    PROGRAM = STARVED


@unittest.skipUnless(STARVED, "runs from the build directory's tests")
class Soak(Case):
    def starved(self, text):
        """How often a receive of that program ended for want of a buffer."""
        count, = re.findall(r"(?m)^starved (\d+) times$", text)
        return int(count)

    def soak(self, io):
        bodies = [body(record) for record in range(RECORDS)]
        records = self.file("in", [{"id": n, "data": data} for n, data in enumerate(bodies)])
        serve = StarvedServe("--io", io, "--echo")
        self.addCleanup(serve.close)
        starved = 0
        for _ in range(ROUNDS):
            program = Program([STARVED, "send", "-q", "--io", io, "--url", serve.url, "-c",
                               str(CONNECTIONS), "--ordered", records])
            self.addCleanup(program.close)
            run = program.finish()
            self.assertEqual(run.status, OK, run.err)
            starved += self.starved(run.err)
            self.assertEqual([r["id"] for r in run.results], list(range(RECORDS)))
            for result, wanted in zip(run.results, bodies):
                # assertEqual would take minutes to show how they differ.
                self.assertTrue(result["body"] == wanted, "record %d" % result["id"])
        # At which end depends on who is slower.
        starved += self.starved(serve.stop().err)
        self.assertGreater(starved, 50, "buffers were to run out again and again")

    def test_over_io_uring(self):
        self.soak("uring")

    def test_over_epoll(self):
        self.soak("epoll")


if __name__ == "__main__":
    main()
