"""What TLS by OpenSSL costs, beside wrk and openssl's own s_time: a half of bench_tls.py."""

import math
import re
import statistics

import peers
from peers import POOL
from table import ratio, rounds_of, show_rounds, wrk_requests

OPENSSL = ("--tls", "openssl")


def server(certificate, port, *lines, answer=peers.ANSWER):
    """Lines of nginx.conf: a server as it comes, but for `lines`."""
    return "\n        ".join((f"\n    server {{ listen 127.0.0.1:{port} ssl backlog=4096;",
                              f"ssl_certificate {certificate.chain};",
                              f"ssl_certificate_key {certificate.key};", *lines,
                              f"location / {{ default_type application/json; {answer} }} }}"))


def kept(bench, table, url, ca, rounds, count):
    table.head(f"OpenSSL, TLS 1.3: CPU per request, {count} records over 40 kept connections (us)")
    records = bench.records(count, url)
    rate = wrk_requests(bench.run("warm-up (TLS 1.3)", bench.wrk(1, url)))
    seconds = max(1, math.ceil(1.1 * count / rate))

    def ringsend():
        cost = bench.run("TLS 1.3: ringsend", bench.ringsend_send(records, POOL, "--cacert", ca,
                                                                  *OPENSSL))
        bench.check_results(count)
        return cost.cpu_us / count

    def wrk():
        cost = bench.run("TLS 1.3: wrk", bench.wrk(seconds, url))
        return cost.cpu_us / wrk_requests(cost)

    values = rounds_of(rounds, {"ringsend": ringsend, "wrk": wrk})
    show_rounds(table, values, "{:.2f}")
    table.target("OpenSSL: CPU per record / wrk's over TLS 1.3", ratio(values, "ringsend", "wrk"),
                 1.05, "{:.3f}")


def handshakes(bench, table, url, ca, rounds, count, reuse):
    """Of ringsend the difference of two runs, so without its start; s_time's start is one of
    thousands of connections. Both verify the chain, and ask for something."""
    name = "resumed" if reuse else "full"
    table.head(f"OpenSSL, TLS 1.3: CPU per {name} handshake with its request (us)")

    def ringsend():
        spent = []
        for n in (count, 3 * count):
            records = bench.records(n, url)
            cost = bench.run(f"TLS 1.3 {name}: ringsend", bench.ringsend_send(
                records, 1, "--cacert", ca, *OPENSSL, "-H", "Connection: close"))
            bench.check_results(n)
            spent.append(cost.cpu_us)
        return (spent[1] - spent[0]) / (2 * count)

    def s_time():
        cost = bench.run(f"TLS 1.3 {name}: openssl s_time", [
            "openssl", "s_time", "-connect", url.removeprefix("https://"), "-CAfile", ca,
            "-verify", "3", "-tls1_3", "-reuse" if reuse else "-new", "-time", "2", "-www",
            "/orders"])
        kinds = re.search(r"^[*rt]{9,}", cost.output, re.M)
        if reuse and (not kinds or kinds[0].count("r") < 0.9 * len(kinds[0])):
            table.line("s_time -reuse", "has not resumed")
        return cost.cpu_us / int(re.search(r"(\d+) connections in", cost.output).group(1))

    values = rounds_of(rounds, {"ringsend": ringsend, "openssl s_time": s_time})
    show_rounds(table, values, "{:.0f}")
    table.target(f"OpenSSL: {name} handshake / s_time's", ratio(values, "ringsend",
                                                                "openssl s_time"), 1.15, "{:.3f}")


def short_connections(bench, table, url, ca, rounds, count):
    table.head("nginx as it comes with keepalive_requests 7, --tls auto: requests a second")

    def ringsend():
        cost = bench.run("TLS, 7 requests a connection: ringsend", [
            bench.ringsend, "bench", "-q", "-c", str(POOL), "-n", str(count), "--cacert", ca, url])
        return float(re.search(r"rate +([\d.]+)", cost.output.replace(",", "")).group(1))

    def wrk():
        cost = bench.run("TLS, 7 requests a connection: wrk", bench.wrk(3, url))
        return float(re.search(r"Requests/sec: +([\d.]+)", cost.output).group(1))

    values = rounds_of(rounds, {"ringsend": ringsend, "wrk": wrk})
    show_rounds(table, values, "{:.0f}")
    table.target("TLS, 7 requests a connection: wrk's rate / ours", ratio(values, "wrk",
                                                                          "ringsend"), 1, "{:.3f}")


def pool(bench, table, url, ca, rounds):
    """How far handshakes that nothing can resume overlap on two cores."""
    table.head("OpenSSL: 1000 records over a fresh pool of 40, full handshakes: CPU / wall")
    cpus = f"{peers.SERVER_CPU},{peers.SENDER_CPU}"

    def sender(threads):
        records = bench.records(1000, url)

        def run():
            cost = bench.run(f"OpenSSL pool, -t {threads}", bench.ringsend_send(
                records, POOL, "--cacert", ca, *OPENSSL, "-t", str(threads)), cpus)
            bench.check_results(1000)
            return cost.wall_s * 1e3
        return run

    values = rounds_of(rounds, {f"-t {threads}, wall ms": sender(threads) for threads in (1, 2)})
    show_rounds(table, values, "{:.1f}")


def memory(bench, table, url, ca, connections):
    command = bench.ringsend_send(bench.records(connections, url), connections, "--cacert", ca,
                                  *OPENSSL, "--ok-status", "401")
    command.remove("-q")
    cost = bench.run(f"OpenSSL memory: {connections} connections", command)
    bench.check_results(connections)
    table.head(f"OpenSSL: peak resident memory with {connections} connections at once")
    table.line("MB of 10^6 bytes", f"{cost.peak_mb:.1f}")
    table.target(f"OpenSSL: peak memory, {connections} connections, MB", cost.peak_mb, 450,
                 "{:.1f}")


def openssl(bench, table, certificate, rounds, count, connections):
    only_13, full, tickets, short, slow = (peers.free_port() for _ in range(5))
    servers = [
        server(certificate, only_13, "ssl_protocols TLSv1.3;"),
        server(certificate, full, "ssl_protocols TLSv1.3;", "ssl_session_tickets off;",
               "ssl_session_cache none;"),
        server(certificate, tickets, "ssl_protocols TLSv1.3;"),
        server(certificate, short, "keepalive_requests 7;"),
        server(certificate, slow, "ssl_protocols TLSv1.3;", answer=peers.SLOW_ANSWER),
    ]
    url = "https://127.0.0.1:{}".format
    with peers.Nginx(bench.directory, "\n".join(servers)) as nginx:
        bench.show("platform with TLS 1.3", nginx.command)
        kept(bench, table, url(only_13), certificate.ca, rounds, count)
        handshakes(bench, table, url(full), certificate.ca, rounds, count // 50, False)
        handshakes(bench, table, url(tickets), certificate.ca, rounds, count // 50, True)
        short_connections(bench, table, url(short), certificate.ca, rounds, count // 2)
        pool(bench, table, url(full), certificate.ca, rounds)
        memory(bench, table, url(slow), certificate.ca, connections)
