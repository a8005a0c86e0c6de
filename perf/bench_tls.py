"""What TLS costs: a part of bench.py."""

import math
import re
import statistics
import subprocess

import peers
from bench_tls13 import openssl
from peers import POOL
from table import ratio, rounds_of, show_rounds, wrk_requests


def tls_kept(bench, table, url, ca, rounds, count):
    table.head(f"TLS: CPU per request, {count} records over 40 kept connections, file to file (us)")
    records = bench.records(count, url)
    rate = wrk_requests(bench.run("warm-up (TLS)", bench.wrk(1, url)))
    seconds = max(1, math.ceil(1.1 * count / rate))

    def ringsend():
        cost = bench.run("TLS: ringsend", bench.ringsend_send(records, POOL, "--cacert", ca))
        bench.check_results(count)
        return cost.cpu_us / count

    def wrk():
        cost = bench.run("TLS: wrk", bench.wrk(seconds, url))
        return cost.cpu_us / wrk_requests(cost)

    values = rounds_of(rounds, {"ringsend": ringsend, "wrk": wrk})
    show_rounds(table, values, "{:.2f}")
    table.target("TLS: CPU per record / wrk's per request", ratio(values, "ringsend", "wrk"), 1.0,
                 "{:.3f}")


def tls_resumed(bench, table, url, ca, rounds, count):
    table.head("TLS: CPU per request on a new connection with a resumed session (us)")
    records = bench.records(count, url)
    few = count // 4  # the peers are slower
    config = bench.curl_config(few, url, 'header = "Connection: close"', f'cacert = "{ca}"')
    seconds = max(1, few // 2000)

    def ringsend():
        cost = bench.run("TLS resumed: ringsend", bench.ringsend_send(
            records, POOL, "--cacert", ca, "-H", "Connection: close"))
        bench.check_results(count)
        return cost.cpu_us / count

    def s_time():
        cost = bench.run("TLS resumed: openssl s_time", bench.s_time(seconds, url, ca))
        return cost.cpu_us / int(re.search(r"(\d+) connections in", cost.output).group(1))

    values = rounds_of(rounds, {
        "ringsend": ringsend,
        "openssl s_time -reuse": s_time,
        "curl": lambda: bench.run("TLS resumed: curl", bench.curl_in_turn(config)).cpu_us / few,
    })
    show_rounds(table, values, "{:.1f}")
    ratios = {name: ratio(values, "ringsend", name) for name in list(values)[1:]}
    for name, value in ratios.items():
        table.line(f"ringsend / {name}", f"{value:.3f}")
    table.target("TLS: resumed connection / cheaper peer's", max(ratios.values()), 0.6, "{:.3f}")


def tls_pool(bench, table, urls, ca, rounds):
    table.head("TLS: 1000 records over a fresh pool of 40 (user + system, and wall, ms)")
    seen = {}

    def sender(name, url):
        records = bench.records(1000, url)

        def run():
            cost = bench.run(f"TLS pool: {name}", bench.ringsend_send(records, POOL, "--cacert",
                                                                      ca),
                             f"{peers.SERVER_CPU},{peers.SENDER_CPU}")
            bench.check_results(1000)
            seen.setdefault(name, []).append(cost.wall_s)
            return cost.cpu_us
        return run

    values = rounds_of(rounds, {name: sender(name, url) for name, url in urls.items()})
    show_rounds(table, values, "{:.1f}", 1e-3)
    for name, walls in seen.items():
        table.line(f"{name}, wall", f"median {statistics.median(walls) * 1e3:.1f}")
    extra = statistics.median(a - b for a, b in zip(values["https, resumed"], values["http"])) / 1e3
    table.target("TLS: 1000 records, CPU over http's, ms", extra, 25, "{:.1f}")


def tls_beside(bench, table, ca, port, rounds):
    """The platform of the kept exchanges comes first on its CPU and the loop has one to itself,
    so that nobody waits for a processor who would not with a platform on another machine.
    Without that it is mostly the two cores that are measured; shown beside it."""
    table.head(
        "TLS: 40 keep-alive exchanges, answered after 20 ms, beside 100 full handshakes at a time")
    first = subprocess.run(["chrt", "--fifo", "1", "true"], capture_output=True).returncode == 0
    if not first:
        table.line("no real-time priority",
                   "is to be had here: the platform competes with the handshakes")
    cpus = f"{peers.SERVER_CPU},{peers.SENDER_CPU}"

    def load(name, serve, *pins):
        def run():
            output = bench.run(f"TLS beside: {name}",
                               bench.handshake_load(ca, serve.url + "/", port, 8, *pins),
                               cpus).output
            for line in output.splitlines():
                table.line(f"{name}: {line.partition(':')[0]}", line.partition(": ")[2])
            alone, one, two = (float(p99) for p99 in re.findall(r"p99 ([\d.]+) ms", output))
            return one - alone, two - alone
        return run

    with peers.Serve(bench, "--latency", "20ms", first=first) as serve:
        bench.show("TLS beside: platform", serve.command)
        apart = rounds_of(
            rounds, {"apart": load("apart", serve, peers.SENDER_CPU, peers.SERVER_CPU)})["apart"]
    with peers.Serve(bench, "--latency", "20ms") as serve:
        shared = rounds_of(rounds, {"shared": load("shared", serve)})["shared"]
    growth = {
        name: [value[i] for value in values]
        for name, values, i in (("p99's growth, apart", apart,
                                 0), ("the same, apart, from two processes", apart,
                                      1), ("p99's growth, cores shared", shared, 0),
                                ("the same, shared, from two processes", shared, 1))
    }
    show_rounds(table, growth, "{:.3f}")
    table.target("TLS: p99 beside full handshakes, growth in ms",
                 statistics.median(growth["p99's growth, apart"]), 1, "{:.3f}")


def tls_memory(bench, table, urls, ca, connections):
    table.head("TLS: peak resident memory with so many connections at once (MB of 10^6 bytes)")

    def peak(name, pool, count):
        command = bench.ringsend_send(bench.records(count, urls[name]), pool, "--cacert", ca,
                                      "--ok-status", "401")
        command.remove("-q")
        cost = bench.run(f"TLS memory: {name}, {count} connections", command)
        bench.check_results(count)
        # One record each, and the last was sent before the first was answered.
        if f"{count} connections opened" not in cost.output or cost.wall_s > 2 * peers.SLOW_S:
            raise SystemExit(f"{count} connections were not open at once:\n{cost.output}")
        return cost.peak_mb

    for name, pool, count, limit_kb in (("full duplex", 1000, 1000, 41), ("half duplex", 1001, 1000,
                                                                          21),
                                        ("half duplex", connections, connections, 21)):
        plain, secure = peak("http", pool, count), peak("https", pool, count)
        table.line(f"{count} connections, {name}", f"http {plain:.2f}, https {secure:.2f}")
        table.target(f"TLS: KB per connection, {name}, {count} of them",
                     (secure - plain) * 1e3 / count, limit_kb, "{:.1f}")
    table.target(f"TLS: peak memory, {connections} connections, MB", secure, 260, "{:.1f}")


def tls(bench, table, rounds, count, connections):
    many = [f"127.0.1.{i}" for i in range(1, 101)]
    certificate = peers.Certificate(bench.directory, ["127.0.0.1", *many])
    cached, full, fresh, slow, slow_tls = (peers.free_port() for _ in range(5))
    servers = [
        peers.tls_server(certificate, cached, "shared:bench:10m", peers.ANSWER),
        peers.tls_server(certificate, full, "none", peers.ANSWER),
        peers.tls_server(certificate, fresh, "none", peers.ANSWER, many),
        peers.tls_server(certificate, slow_tls, "shared:bench:10m", peers.SLOW_ANSWER),
        f"server {{ listen 127.0.0.1:{slow} backlog=4096; location / {{ {peers.SLOW_ANSWER} }} }}"
    ]
    secure = f"https://127.0.0.1:{cached}"
    with peers.Nginx(bench.directory, "\n".join(servers)) as nginx:
        bench.show("platform with TLS", nginx.command)
        tls_kept(bench, table, secure, certificate.ca, rounds, count)
        tls_resumed(bench, table, secure, certificate.ca, rounds, count // 5)
        tls_pool(
            bench, table, {
                "http": nginx.url, "https, resumed": secure,
                "https, not resumed": f"https://127.0.0.1:{full}"
            }, certificate.ca, rounds)
        tls_memory(bench, table,
                   {"http": f"http://127.0.0.1:{slow}", "https": f"https://127.0.0.1:{slow_tls}"},
                   certificate.ca, connections)
        tls_beside(bench, table, certificate.ca, fresh, rounds)
    openssl(bench, table, certificate, rounds, count, connections)
