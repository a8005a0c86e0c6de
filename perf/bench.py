#!/usr/bin/python3
"""Measures ringsend beside its peers in one run and holds it to its targets: bench.py --build DIR

Exit status: 0 all targets were met, 1 some were missed or nothing could be measured, 2 wrong usage.

Everything is relative to a peer measured in the same run, interleaved with it round by round,
because absolute times of one machine say little about another and drift on the same one. What is
shown is the median over the rounds; a ratio is taken within each round first. Needs two CPUs."""

import argparse
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import peers
from bench_tls import tls
from peers import POOL
from table import ratio, rounds_of, show_rounds, Table, wrk_requests

EPOLL = ("--io", "epoll")  # as where io_uring is refused
OVER_EPOLL = "ringsend --io epoll"

ARTICLE_RECORDS = 1000
ARTICLE_LATENCY_S = 0.0816


def system_calls(bench, table, url):
    table.head("System calls of the whole process, 1000 records file to file (strace -f -c)")
    records = bench.records(1000, url)
    wanted = {
        "ringsend": bench.ringsend_send(records),
        OVER_EPOLL: bench.ringsend_send(records, POOL, *EPOLL),
        "h2load --h1": bench.h2load(1000, url),
        "curl --parallel": bench.curl(bench.curl_config(1000, url)),
        "aiohttp": bench.aiohttp(records),
    }
    for name, command in wanted.items():
        calls = bench.system_calls(f"system calls: {name}", command)
        table.line(name, f"{calls}")
        if name in ("ringsend", OVER_EPOLL, "aiohttp"):
            bench.check_results(1000)
        if name == "ringsend":
            table.target("system calls for 1000 records", calls, 150, "{}")
        if name == OVER_EPOLL:
            table.target("over epoll: system calls for 1000 records", calls, 2800, "{}")


def cpu_per_record(bench, table, url, rounds, count):
    table.head(
        f"CPU per request, {count} distinct records file to file, bodies stored (user + system, us)"
    )
    records = bench.records(count, url)
    # wrk runs for a time, not for a number: as long as it needs for as many requests.
    rate = wrk_requests(bench.run("warm-up", bench.wrk(1, url)))
    seconds = max(1, math.ceil(1.1 * count / rate))

    def ringsend(name, *options):
        def run():
            cost = bench.run(f"CPU: {name}", bench.ringsend_send(records, POOL, *options))
            bench.check_results(count)
            return cost.cpu_us / count
        return run

    def wrk():
        cost = bench.run("CPU: wrk", bench.wrk(seconds, url))
        return cost.cpu_us / wrk_requests(cost)

    values = rounds_of(
        rounds, {
            "ringsend": ringsend("ringsend"),
            OVER_EPOLL: ringsend(OVER_EPOLL, *EPOLL),
            "wrk": wrk,
            "floor (no parsing, no files)": lambda: bench.run("CPU: floor", bench.floor(count, url)
                                                              ).cpu_us / count,
            "h2load --h1": lambda: bench.run("CPU: h2load", bench.h2load(count, url)).cpu_us /
            count,
        })
    show_rounds(table, values, "{:.2f}")
    for name in list(values)[1:]:
        table.line(f"ringsend / {name}", f"{ratio(values, 'ringsend', name):.3f}")
    table.target("CPU per record / wrk's per request", ratio(values, "ringsend", "wrk"), 1.0,
                 "{:.3f}")
    table.target("CPU per record: over epoll / over io_uring",
                 ratio(values, OVER_EPOLL, "ringsend"), 1.1, "{:.3f}")


def journal(bench, table, url, rounds, count):
    table.head(f"Journal and progress, {count} records file to file (user + system, us per record)")
    records = bench.records(count, url)

    def sender(name, *options):
        def run():
            command = bench.ringsend_send(records, 40, *options)
            command.remove("-q")  # which would silence the progress as well
            cost = bench.run(f"journal: {name}", command)
            bench.check_results(count)
            return cost.cpu_us / count
        return run

    values = rounds_of(rounds, {
        "with both, as by default": sender("with both", "--progress", "log"),
        "without": sender("without", "--no-journal", "--progress", "none"),
        "with --sync": sender("with --sync", "--progress", "log", "--sync"),
    })
    show_rounds(table, values, "{:.2f}")
    table.target("CPU per record with journal and progress / without",
                 ratio(values, "with both, as by default", "without"), 1.03, "{:.3f}")


def threads(bench, table, rounds, count):
    table.head(
        f"send -t: {count} records to two platforms, one on each CPU beside the senders "
        f"(records per second)"
    )
    both = f"{peers.SERVER_CPU},{peers.SENDER_CPU}"
    one, two = peers.Serve(bench), peers.Serve(bench)
    two.command[2] = peers.SENDER_CPU
    with one, two:
        for number, serve in enumerate((one, two), 1):
            bench.show(f"threads: platform {number}", serve.command)
        records = bench.path("records-both.jsonl")
        parts = [bench.records(count // 2, serve.url) for serve in (one, two)]
        with open(records, "wb") as file, open(parts[0], "rb") as first, open(parts[1],
                                                                              "rb") as second:
            for pair in zip(first, second):
                file.writelines(pair)

        def sender(number):
            def run():
                command = bench.ringsend_send(records, 40, "-t", str(number))
                cost = bench.run(f"threads: {number}", command, both)
                bench.check_results(count)
                return count / cost.wall_s, cost.cpu_us / count
            return run

        values = rounds_of(rounds, {"one thread": sender(1), "two threads": sender(2)})
    for name, pairs in values.items():
        rates, cpus = zip(*pairs)
        table.line(
            name, f"median {statistics.median(rates):.0f}   rounds " + "  ".join(f"{r:.0f}"
                                                                                 for r in rates) +
            f"; CPU {statistics.median(cpus):.2f} us per record")
    medians = [statistics.median(rate for rate, _ in pairs) for pairs in values.values()]
    table.target("one thread's records per second / two threads'", medians[0] / medians[1], 1 / 1.7,
                 "{:.3f}")


def short_run(bench, table, url, rounds):
    table.head("1000 records, process start to exit (wall, ms)")
    records, config = bench.records(1000, url), bench.curl_config(1000, url)

    def checked(name, command):
        seconds = bench.run(name, command).wall_s
        bench.check_results(1000)
        return seconds

    values = rounds_of(
        rounds, {
            "ringsend": lambda: checked("start to exit: ringsend", bench.ringsend_send(records)),
            "curl --parallel": lambda: bench.run("start to exit: curl", bench.curl(config)).wall_s,
            "aiohttp": lambda: checked("start to exit: aiohttp", bench.aiohttp(records)),
            "floor (no parsing, no files)": lambda: bench.run("start to exit: floor",
                                                              bench.floor(1000, url)).wall_s,
        })
    show_rounds(table, values, "{:.1f}", 1000)
    for name, limit in (("curl --parallel", 0.35), ("aiohttp", 0.05)):
        table.target(f"start to exit / {name}", ratio(values, "ringsend", name), limit, "{:.3f}")


def article(bench, table, rounds):
    ideal_s = ARTICLE_RECORDS / POOL * ARTICLE_LATENCY_S
    table.head(
        f"The article: 1000 records, pool 40, latency 81.6 ms; ideal {ideal_s:.3f} s (wall, s)")
    with peers.Serve(bench, "--latency", "81.6ms") as serve:
        bench.show("article: platform", serve.command)
        records = bench.records(ARTICLE_RECORDS, serve.url)

        def sender(name, command):
            def run():
                seconds = bench.run(f"article: {name}", command).wall_s
                bench.check_results(ARTICLE_RECORDS)
                return seconds
            return run

        values = rounds_of(rounds, {
            "ringsend": sender("ringsend", bench.ringsend_send(records, POOL)),
            "aiohttp": sender("aiohttp", bench.aiohttp(records, POOL)),
        })
    show_rounds(table, values, "{:.3f}")
    for name, seen in values.items():
        table.line(f"{name} / ideal", f"{statistics.median(seen) / ideal_s:.3f}")
    table.target("article: wall / ((1000/40) x 81.6 ms)",
                 statistics.median(values["ringsend"]) / ideal_s, 1.02, "{:.3f}")


def library(bench, table, url, rounds, count):
    few = count // 10
    table.head(
        f"The library in a host program, {count} POSTs over 40 kept connections (CPU us per "
        f"request)"
    )
    values = rounds_of(
        rounds, {
            name: lambda name=name, engine=engine: bench.run(
                f"host: {name}", bench.host(engine, count, url)).cpu_us / count
            for name, engine in (("ringsend", "ringsend"), ("libcurl's multi interface", "curl"))
        })
    show_rounds(table, values, "{:.2f}")
    table.target("host program: CPU per request / libcurl's", ratio(values, *values), 0.5, "{:.3f}")
    table.head(f"The article's script in Python, {few} records file to file (CPU us per record)")
    records = bench.records(few, url)

    def script(name, command):
        def run():
            cost = bench.run(f"script: {name}", command)
            bench.check_results(few)
            return cost.cpu_us / few
        return run

    values = rounds_of(rounds, {"on libringsend": script("on libringsend", bench.python(records)),
                                "aiohttp": script("aiohttp", bench.aiohttp(records))})
    show_rounds(table, values, "{:.1f}")
    table.target("Python: CPU per record / aiohttp's", ratio(values, *values), 0.15, "{:.3f}")


def memory_of_many(bench, name, connections, io):
    # A platform slower than 10,000 connects, so that all of them are open at the same time.
    with peers.Serve(bench, "--latency", "2s") as serve:
        bench.show(f"memory: platform of {name}", serve.command)
        records = bench.records(2 * connections, serve.url)
        many = bench.run(f"memory: {name}",
                         bench.ringsend_send(records, connections, *io)).peak_mb
        bench.check_results(2 * connections)
    # The platform's report counts how many connections it saw at once: the figure is about that
    # many.
    if f"most at once {connections}," not in serve.report():
        raise SystemExit(
            f"the platform did not see {connections} connections at once:\n{serve.report()}")
    return many


def memory(bench, table, url, large, connections):
    table.head("Peak resident memory (MB of 10^6 bytes)")
    peak = {}
    for count in (1000, large):
        records = bench.records(count, url)
        peak[count] = bench.run(f"memory: {count} records", bench.ringsend_send(records)).peak_mb
        bench.check_results(count)
        os.unlink(records)
        table.line(f"{count} records, 40 connections", f"{peak[count]:.2f}")
    table.target("peak memory, MB", max(peak.values()), 10, "{:.2f}")
    table.target(f"peak memory, 1000 against {large} records, MB", abs(peak[large] - peak[1000]), 1,
                 "{:.2f}")
    for name, io in (("", ()), (", over epoll", EPOLL)):
        many = memory_of_many(bench, f"{connections} connections{name}", connections, io)
        table.line(f"{connections} connections{name}", f"{many:.2f}")
        table.target(f"peak memory, {connections} connections{name}, MB", many, 60, "{:.2f}")


def largest_window(times, width):
    """The most of the sorted times that lie within any window of that width."""
    first = most = 0
    for last, at in enumerate(times):
        while at - times[first] >= width:
            first += 1
        most = max(most, last - first + 1)
    return most


def rate(bench, table, rounds, seconds):
    per_second, burst = 2000, 21
    count = per_second * seconds
    table.head(
        f"send --rate {per_second}/s for {seconds} s: when the platform received the requests")

    def run():
        log = bench.path("received.log")
        with peers.Serve(bench, "--log", log, first=True) as serve:
            bench.show("rate: platform", serve.command)
            records = bench.records(count, serve.url)
            cost = bench.run("rate", bench.ringsend_send(records, 40, "--rate", f"{per_second}/s"))
            bench.check_results(count)
        with open(log, encoding="utf-8") as file:
            received = sorted(
                int(fields[0]) - int(fields[5]) for fields in (line.split("\t") for line in file))
        os.unlink(log)
        os.unlink(records)
        within = sum(at - received[0] < seconds * 1_000_000 for at in received)
        return within, largest_window(received, 1_000_000), cost.cpu_us / count

    within, largest, cost_us = zip(*rounds_of(rounds, {"": run})[""])
    table.line("received within that time", f"{', '.join(map(str, within))} of {count}")
    table.line("the largest second",
               f"{', '.join(map(str, largest))}; {per_second} + {burst} are allowed")
    table.line("CPU per record", f"{statistics.median(cost_us):.1f} us")
    table.target("rate: requests off", abs(count - statistics.median(within)), 1, "{:.0f}")
    table.target("rate: largest second", max(largest), per_second + burst, "{:.0f}")


def closed_loop(bench, table, url, rounds, count):
    table.head(
        f"Latency: closed loop, 40 connections, {count} requests (CPU us per request; "
        f"requests per second)"
    )
    seconds = max(1, math.ceil(count / wrk_requests(bench.run("warm-up", bench.wrk(1, url)))))
    rates = {}

    def ours(name, *options):
        def run():
            report, cost = bench.latency(f"closed loop: {name}", *options, "-n", str(count),
                                         *bench.post(url))
            rates.setdefault(name, []).append(report["rate_achieved"])
            return cost.cpu_us / count
        return run

    def wrk():
        cost = bench.run("closed loop: wrk", bench.wrk(seconds, url))
        requests = wrk_requests(cost)
        rates.setdefault("wrk", []).append(requests / seconds)
        return cost.cpu_us / requests

    values = rounds_of(rounds, {
        "ringsend bench --batch": ours("ringsend bench --batch", "--batch"),
        "ringsend bench": ours("ringsend bench"),
        "wrk": wrk,
        "floor (no parsing, no figures)":
            lambda: bench.run("closed loop: floor", bench.floor(count, url)).cpu_us / count,
    })
    show_rounds(table, values, "{:.2f}")
    for name, seen in rates.items():
        table.line(f"{name}, per second", f"median {statistics.median(seen):.0f}")
    batch = "ringsend bench --batch"
    table.target("closed loop: CPU per request / wrk's", ratio(values, batch, "wrk"), 0.8, "{:.3f}")
    table.target("closed loop: CPU per request / the floor's",
                 ratio(values, batch, "floor (no parsing, no figures)"), 1.15, "{:.3f}")
    table.target("closed loop: wrk's requests per second / ours", ratio(rates, "wrk", batch), 1,
                 "{:.3f}")
    return statistics.median(rates["ringsend bench"])


def open_loop(bench, table, url, rounds, rate):
    """With as many connections as a server that stands still for 10 ms can hold up: with 40 most
    of the lag is the time until one of them is free again, which is the server's doing."""
    connections = rate // 100
    table.head(
        f"Latency: open loop at half of what the closed loop reached, {rate} requests/s over up to "
        f"{connections} connections, 5 s (us)")

    def ours(name, *io):
        def run():
            report, _ = bench.latency(f"open loop{name}", "-r", str(rate), "-z", "5s", "--warmup",
                                      "1s", *io, *bench.post(url), connections=connections)
            lag, response = report["send_lag_us"], report["response_us"]
            table.line(
                f"send lag{name}", f"p50 {lag['p50']:.1f}  p99 {lag['p99']:.1f}  "
                f"p99.9 {lag['p999']:.1f}  max {lag['max']:.0f}")
            table.line(f"response time{name}",
                       f"p50 {response['p50']:.1f}  p99 {response['p99']:.1f}  "
                       f"p99.9 {response['p999']:.1f}  max {response['max']:.0f}")
            return lag["p99"], lag["p999"], abs(report["rate_achieved"] / report["rate_target"] -
                                                1) * 100
        return run

    values = rounds_of(rounds, {"": ours(""), ", over epoll": ours(", over epoll", *EPOLL)})
    for name, seen in values.items():
        p99, p999, off = (statistics.median(figures) for figures in zip(*seen))
        table.target(f"open loop{name}: send lag p99, us", p99, 100, "{:.1f}")
        table.target(f"open loop{name}: send lag p99.9, us", p999, 1000, "{:.1f}")
        table.target(f"open loop{name}: rate off by, %", off, 0.1, "{:.4f}")


def many_connections(bench, table, connections):
    table.head(
        f"Latency: {connections} requests in flight at a time over as many connections (5 s)")
    with peers.Serve(bench, "--latency", "1s") as serve:
        bench.show("many connections: platform", serve.command)
        # At this rate so many are in flight, and a few more while their answers are on the way.
        report, cost = bench.latency("many connections", "-r", str(connections), "-z", "5s",
                                     "--ramp", "2s", "--warmup", "2s", *bench.post(serve.url),
                                     connections=connections + connections // 20)
    most = int(re.search(r"most at once (\d+)", serve.report()).group(1))
    lag = report["send_lag_us"]
    table.line("connections, most at once", f"{most}")
    table.line("responses", f"{report['requests']} in {report['duration_s']:.1f} s, none failed")
    table.line(
        "send lag, us",
        f"p50 {lag['p50']:.1f}  p99 {lag['p99']:.1f}  p99.9 {lag['p999']:.1f}  max {lag['max']:.0f}"
    )
    if most < connections or report["never_started"]:
        raise SystemExit(
            f"the platform saw {most} connections at once, {report['never_started']} were not begun"
        )
    table.target(f"{connections} connections: send lag p99, us", lag["p99"], 2000, "{:.1f}")
    table.target(f"{connections} connections: peak memory, MB", cost.peak_mb, 80, "{:.2f}")


def connection_each(bench, table, url, rounds, count):
    table.head(
        f"Latency: a connection per request, {count} requests, 40 at a time (CPU us per request)")
    seconds, enters = max(1, count // 25000), []

    def ours():
        report, cost = bench.latency("connection each: ringsend bench", "--batch",
                                     "--new-connection", "-n", str(count), *bench.post(url))
        enters.append(report["enters"] / count)
        return cost.cpu_us / count

    def wrk():
        cost = bench.run(
            "connection each: wrk",
            [*bench.wrk(seconds, url)[:-1], "-H", "Connection: close", url + "/orders"])
        return cost.cpu_us / wrk_requests(cost)

    values = rounds_of(rounds, {"ringsend bench --batch": ours, "wrk": wrk})
    show_rounds(table, values, "{:.2f}")
    table.target("connection each: CPU per request / wrk's",
                 ratio(values, "ringsend bench --batch", "wrk"), 0.85, "{:.3f}")
    table.target("connection each: io_uring_enter calls per request", statistics.median(enters),
                 0.3, "{:.3f}")


def agreement(bench, table, certificate, rounds, count=3000):
    """The percentiles that ringsend reports, beside those of the times that the platform logged
    for each answer. What lies between is the way there and back, and the waking up of the
    processors, which --awake takes out of it."""
    table.head(f"Latency: {count} service times as reported, beside what the platform logged (us)")
    tls = ["--tls", "--cert", certificate.chain, "--key", certificate.key]
    trust = ["--cacert", certificate.ca]
    log = bench.path("answers.log")
    waking = "--awake" if os.access("/dev/cpu_dma_latency", os.W_OK) else "--spin"

    def compare(name, serve_options, options):
        def run():
            with peers.Serve(bench, "--latency", "5ms,20ms", "--log", log, *serve_options) as serve:
                bench.show(f"agreement, {name}: platform", serve.command)
                report, _ = bench.latency(f"agreement, {name}", *options, waking, "-n", str(count),
                                          serve.url + "/", connections=20)
            with open(log, encoding="utf-8") as file:
                took_us = sorted(int(line.rstrip("\n").split("\t")[5]) for line in file)
            os.unlink(log)
            if len(took_us) != count:
                raise SystemExit(f"the platform logged {len(took_us)} answers, not {count}")
            pairs = [(report["service_us"][key], took_us[math.ceil(share * count) - 1])
                     for key, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))]
            table.line(
                name, "  ".join(f"{key} {ours:.0f} / {logged}"
                                for key, (ours, logged) in zip(("p50", "p90", "p99"), pairs)))
            return max(abs(ours - logged) - ours / 1024 for ours, logged in pairs)
        return run

    worst = rounds_of(rounds, {
        "open loop": compare("open loop", [], ["-r", "500"]),
        "closed loop": compare("closed loop", [], []),
        "open loop, TLS": compare("open loop, TLS", tls, ["-r", "500", *trust]),
        "closed loop, TLS": compare("closed loop, TLS", tls, trust),
    })
    for name, seen in worst.items():
        table.target(f"{name}: percentiles off by, beyond the histogram's error, us",
                     statistics.median(seen), 50, "{:.1f}")


def latency(bench, table, rounds, count, connections):
    certificate = peers.Certificate(bench.directory, ["127.0.0.1"])
    with peers.Nginx(bench.directory) as nginx:
        rate = closed_loop(bench, table, nginx.url, rounds, count)
        open_loop(bench, table, nginx.url, rounds, int(rate / 2000) * 1000)
        connection_each(bench, table, nginx.url, rounds, count // 5)
    many_connections(bench, table, connections)
    agreement(bench, table, certificate, rounds)


def check_speed(bench, table, rounds, millions):
    million = bench.records(1_000_000, "http://127.0.0.1:8080")
    with open(million, "rb") as file:
        text = file.read()
    free = shutil.disk_usage(bench.directory).free
    millions = max(1, min(millions, free // 2 // len(text)))
    large = bench.path("large.jsonl")
    with open(large, "wb") as file:
        for _ in range(millions):
            file.write(text)
    table.head(
        f"check: {millions} million records, {millions * len(text) / 1e9:.2f} GB of JSONL, "
        f"on one core"
    )

    def run():
        cost = bench.run("check", [bench.ringsend, "check", large])
        if f"check: {millions * 1_000_000} records in " not in cost.output:
            raise SystemExit(f"check did not read all:\n{cost.output}")
        return cost

    costs = rounds_of(rounds, {"": run})[""]
    small = bench.run("check, one million", [bench.ringsend, "check", million])
    os.unlink(large)
    os.unlink(million)
    speed = statistics.median(millions * len(text) / cost.wall_s / 1e6 for cost in costs)
    table.line("speed", f"median {speed:.0f} MB/s   rounds "
               + "  ".join(f"{millions * len(text) / cost.wall_s / 1e6:.0f}" for cost in costs))
    peak = max(cost.peak_mb for cost in costs)
    table.line("peak memory", f"{peak:.2f} MB; one million records {small.peak_mb:.2f} MB")
    table.target("check: 400 MB/s / speed", 400 / speed, 1.0, "{:.2f}")
    table.target("check: peak memory grows by, MB", peak - small.peak_mb, 1, "{:.2f}")


def csv_cost(bench, table, url, rounds, count):
    table.head(
        f"CSV with a template beside JSONL, {count} requests with the same bodies (user + "
        f"system, us)"
    )
    records = bench.records(count, url)
    rows = bench.path("rows.csv")
    with open(rows, "w", encoding="utf-8") as file:
        file.write("order,pieces\n")
        for i in range(count):
            file.write(f"{100000 + i},{10000 + i % 1000}\n")
    template = ("--url", url + "/orders", "-H", "Content-Type: application/json",
                "--data", '{"order":{{order}},"pieces":{{pieces}}}')

    def run(name, *command):
        cost = bench.run(f"input: {name}", bench.ringsend_send(*command))
        bench.check_results(count)
        return cost.cpu_us / count

    values = rounds_of(rounds, {"CSV": lambda: run("CSV", rows, POOL, *template),
                                "JSONL": lambda: run("JSONL", records)})
    show_rounds(table, values, "{:.2f}")
    table.target("CPU per record: CSV / JSONL", ratio(values, "CSV", "JSONL"), 1.15, "{:.3f}")


def version(command, pattern=r".*"):
    run = subprocess.run(command, capture_output=True, text=True)
    match = re.search(pattern, run.stdout + run.stderr)
    return match.group().strip() if match else "?"


PARTS = ("system", "cpu", "journal", "threads", "short", "article", "rate", "library", "memory",
         "tls", "latency", "input")


def parts(text):
    """The value of --only."""
    names = text.split(",")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"there is no part \"{unknown[0]}\", only {', '.join(PARTS)}")
    return names


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    print(f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} CPUs, "
          f"Linux {platform.release()}, load {os.getloadavg()[0]:.2f}")
    print("; ".join([
        version(["nginx", "-v"], r"nginx/\S+"),
        version(["wrk", "-v"], r"wrk \S+"),
        version(["h2load", "--version"]),
        version(["curl", "--version"], r"curl \S+"),
        version(["openssl", "version"], r"OpenSSL \S+"),
        "aiohttp " +
        version(["/usr/bin/python3", "-c", "import aiohttp; print(aiohttp.__version__)"]),
    ]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="directory of the build (default: build)")
    parser.add_argument("--rounds", type=int, default=5,
                        help="rounds of each comparison (default: 5)")
    parser.add_argument("--quick", action="store_true",
                        help="one round of small runs: figures only roughly right")
    parser.add_argument("--only", type=parts, default=PARTS, metavar="PART,...",
                        help="some of " + ",".join(PARTS))
    parser.add_argument("--markdown", action="store_true", help="print all tables in Markdown, too")
    options = parser.parse_args()
    if len(peers.CPUS) < 2:
        sys.exit("bench.py: needs two CPUs, one for the server and one for the senders")
    rounds, count, large, connections = options.rounds, 200_000, 1_000_000, 10_000
    if options.quick:
        rounds, count, large = 1, 20_000, 100_000

    table = Table()
    machine()
    print(
        f"server on CPU {peers.SERVER_CPU}, senders on CPU {peers.SENDER_CPU}; {rounds} "
        f"interleaved rounds"
    )
    with tempfile.TemporaryDirectory() as directory:
        bench = peers.Bench(options.build, directory)
        only = options.only
        with peers.Nginx(directory) as nginx:
            bench.show("platform", nginx.command)
            if "system" in only:
                system_calls(bench, table, nginx.url)
            if "cpu" in only:
                cpu_per_record(bench, table, nginx.url, rounds, count)
            if "journal" in only:
                journal(bench, table, nginx.url, rounds, count)
            if "short" in only:
                short_run(bench, table, nginx.url, rounds)
            if "library" in only:
                library(bench, table, nginx.url, rounds, count)
            if "memory" in only:
                memory(bench, table, nginx.url, large, connections)
            if "input" in only:
                csv_cost(bench, table, nginx.url, rounds, count)
        if "input" in only:
            check_speed(bench, table, min(rounds, 3), 1 if options.quick else 50)
        if "threads" in only:
            threads(bench, table, rounds, count)
        if "article" in only:
            article(bench, table, rounds)
        if "rate" in only:
            rate(bench, table, min(rounds, 3), 2 if options.quick else 10)
        if "tls" in only:
            tls(bench, table, rounds, count // 2, connections)
        if "latency" in only:
            latency(bench, table, rounds, count, connections)
    print("\nCommands (in $DIR: the data that perf/peers.py makes)")
    for name, command in bench.commands.items():
        print(f"  {name}\n    {command}")
    table.verdict()
    if options.markdown:
        table.markdown()
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
