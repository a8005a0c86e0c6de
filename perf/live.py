#!/usr/bin/python3
"""What the live view of `ringsend bench` costs a measurement: live.py --build DIR [--pairs N]

The same load with the view, on a pseudo-terminal, and without, where standard error is none:
instructions a request of the thread that sends (callgrind), system calls of that thread a request
(strace), and, by turns, so that what changes on the machine meanwhile hits both, the response
times of runs on one core with the server on another."""

import argparse
import json
import os
import pty
import re
import statistics
import subprocess
import tempfile
import threading

REQUESTS = 20000
TIMES = ("p50", "p99", "p999", "max")


def on_a_terminal(command):
    """Runs it with a terminal that somebody reads for its standard error."""
    main, end = pty.openpty()

    def read():
        os.sched_setaffinity(0, {0})  # of this thread: a terminal is not what is measured
        try:
            while os.read(main, 65536):
                pass
        except OSError:  # closed at the other end
            pass
    reader = threading.Thread(target=read)
    reader.start()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=end,
                   env={**os.environ, "TERM": "xterm"})
    os.close(end)
    reader.join()
    os.close(main)


def elsewhere(command):
    """With the same arguments and environment: where these lie decides about some instructions."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, "TERM": "xterm"})


def instructions(run, bench, directory):
    """Of the thread that sends, a request."""
    out = os.path.join(directory, "callgrind")
    run(["valgrind", "-q", "--tool=callgrind", "--separate-threads=yes",
         "--callgrind-out-file=" + out, *bench, "-n", str(REQUESTS), "-c", "1", "--batch"])
    with open(out + "-02", encoding="utf-8") as file:
        return int(re.search(r"^totals: (\d+)", file.read(), re.MULTILINE).group(1)) / REQUESTS


def system_calls(run, bench, directory):
    """Of the thread that sends, a request: the thread whose calls are io_uring's."""
    out = os.path.join(directory, "strace")
    run(["strace", "-ff", "-o", out, *bench, "-n", str(REQUESTS), "-c", "1"])
    counts = []
    for name in os.listdir(directory):
        if name.startswith("strace."):
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                counts.append(sum("(" in line for line in file))
    return max(counts) / REQUESTS


def times(run, bench, directory, options):
    path = os.path.join(directory, "report.json")
    run(["taskset", "-c", "1", *bench, *options, "--force", "--json", path])
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    return [report["response_us"][key] for key in TIMES]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--rate", default="1000")
    parser.add_argument("--time", default="5s")
    args = parser.parse_args()
    program = os.path.join(args.build, "ringsend")
    ways = {"with the view": on_a_terminal, "without": elsewhere}
    with subprocess.Popen(["taskset", "-c", "0", program, "serve", "--port", "0"],
                          stdout=subprocess.PIPE, text=True) as server:
        bench = [program, "bench", server.stdout.readline().split()[-1] + "/"]
        for name, run in ways.items():
            with tempfile.TemporaryDirectory() as directory:
                print("%-14s %8.1f instructions, %.4f system calls a request" %
                      (name, instructions(run, bench, directory),
                       system_calls(run, bench, directory)), flush=True)
        found = {name: [] for name in ways}
        with tempfile.TemporaryDirectory() as directory:
            for pair in range(args.pairs):
                for name in list(ways)[::1 if pair % 2 == 0 else -1]:
                    found[name].append(
                        times(ways[name], bench, directory, ["-r", args.rate, "-z", args.time]))
        for name, runs in found.items():
            print("%-14s %s" % (name, ", ".join(
                "%s %.1f us" % (key, statistics.median(column))
                for key, column in zip(TIMES, zip(*runs)))))
        larger = [
            sum(one > other for one, other in zip(*columns))
            for columns in zip(*(list(zip(*runs)) for runs in found.values()))
        ]
        print("larger with the view, of %d pairs: %s" %
              (args.pairs, ", ".join("%s in %d" % each for each in zip(TIMES, larger))))
        server.terminate()


if __name__ == "__main__":
    main()
