#!/usr/bin/python3
"""Hosts that never answer, beside healthy ones: dead_hosts.py --build DIR [--dead N] [--hang tls]
[-- options of send]

How long until all records of the healthy hosts are done, which alone would take well under a
second. A dead host's connects stay half-open (its backlog is full), or it accepts and never
greets (--hang tls). Names come from --resolve, so that each is an origin of its own."""

import argparse
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

LATENCY = "15ms"


def deaf():
    """A socket that no connect reaches any more; what keeps it so."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    held = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        held.append(client)
    return listener, held


def silent():
    """A socket behind which nobody reads."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    return listener, []


def records(options, healthy_port, dead_port):
    """(url, is it a healthy host's) of each record."""
    scheme = "https" if options.hang == "tls" else "http"
    healthy = [(f"http://h{host}.test:{healthy_port}/", True)
               for host in range(options.healthy) for _ in range(options.per_host)]
    dead = [(f"{scheme}://dead{host}.test:{dead_port}/", False) for host in range(options.dead)]
    both = dead + healthy
    if options.order == "mixed":
        random.Random(1).shuffle(both)
    return both


def follow(process, path, healthy, begin_s):
    """Counts results as they are written; seconds until the last healthy one, and their number."""
    done, last_s, file, is_over = 0, 0, None, False
    wanted = sum(healthy)
    while done < wanted and not is_over:
        is_over = process.poll() is not None  # and then what it wrote is read once more
        if file is None and os.path.exists(path):
            file = open(path, encoding="utf-8")
        for line in file or ():
            result = json.loads(line)
            if result["ok"] and healthy[result["line"] - 1]:
                done, last_s = done + 1, time.monotonic() - begin_s
        time.sleep(0.01)
    return last_s, done, wanted


def measure(options, directory, healthy_port, dead_port):
    both = records(options, healthy_port, dead_port)
    source, out = os.path.join(directory, "records.jsonl"), os.path.join(directory, "results")
    with open(source, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"url": url}) + "\n" for url, _ in both)
    begin_s = time.monotonic()
    command = [os.path.join(options.build, "ringsend"), "send", "--resolve", "*:*:127.0.0.1",
               "--quiet", "-o", out, *options.send, source]
    print("+", " ".join(command))
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        return follow(process, out, [is_healthy for _, is_healthy in both], begin_s)
    finally:
        process.kill()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--dead", type=int, default=100)
    parser.add_argument("--healthy", type=int, default=200)
    parser.add_argument("--per-host", type=int, default=9)
    parser.add_argument("--hang", choices=["connect", "tls"], default="connect")
    parser.add_argument("--order", choices=["mixed", "dead-first"], default="mixed")
    parser.add_argument("send", nargs="*", default=["-c", "40"])
    options = parser.parse_args()
    serve = subprocess.Popen([os.path.join(options.build, "ringsend"), "serve", "-p", "0", "-q",
                              "--latency", LATENCY], stdout=subprocess.PIPE, text=True)
    try:
        healthy_port = int(re.search(r":(\d+)$", serve.stdout.readline()).group(1))
        listener, held = deaf() if options.hang == "connect" else silent()
        with tempfile.TemporaryDirectory() as directory, listener:
            last_s, done, wanted = measure(options, directory, healthy_port,
                                           listener.getsockname()[1])
        for client in held:
            client.close()
    finally:
        serve.terminate()
        serve.wait()
    print(f"{options.dead} dead hosts, {options.healthy} healthy: "
          f"{done} of {wanted} healthy records done after {last_s:.2f} s")
    return 0 if done == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
