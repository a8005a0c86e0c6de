"""What the benchmark runs: servers, data files, and the command of each sender.

Servers are pinned to one CPU and senders to another, the first two that this process may use, so
that a sender's CPU time is its own. Every process is started here and ended by its pid."""

import json
import os
import re
import shlex
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, SENDER_CPU = str(CPUS[0]), str(CPUS[1 % len(CPUS)])  # bench.py wants two
POOL = 40  # connections, where nothing else is said
RUN_LIMIT_S = 900


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A process that serves until the end of a with block."""

    def __init__(self, command, errors):
        self.command = ["taskset", "-c", SERVER_CPU, *command]
        self.errors = errors

    def __enter__(self):
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            self.url = self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def report(self):
        """What it wrote to stderr; all of it once it has ended."""
        with open(self.errors, encoding="utf-8", errors="replace") as errors:
            return errors.read().strip()

    def fail(self):
        raise SystemExit(f"{shlex.join(self.command)} did not start: {self.report()}")


class Nginx(Server):
    def __init__(self, directory, servers=""):
        self.port = free_port()
        with open(os.path.join(HERE, "nginx.conf.in"), encoding="utf-8") as template:
            text = template.read().replace("@DIRECTORY@",
                                           directory).replace("@PORT@", str(self.port))
        text = text.replace("@SERVERS@", servers)
        config = os.path.join(directory, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        # Before it has read its configuration nginx writes to a log of its own: stderr here.
        super().__init__(["nginx", "-p", directory, "-e", "stderr", "-c", config],
                         os.path.join(directory, "nginx-stderr.log"))

    def wait_until_ready(self):
        # nginx says nothing when it is ready: connect until it accepts.
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return f"http://127.0.0.1:{self.port}"
            time.sleep(0.01)
        return self.fail()


class Certificate:
    """A certificate on P-256 for some addresses, and the authority that made it."""

    def __init__(self, directory, addresses):
        self.ca, self.chain, self.key = (os.path.join(directory, name)
                                         for name in ("ca.pem", "tls.pem", "tls.key"))
        ca_key, config = os.path.join(directory, "ca.key"), os.path.join(directory, "openssl.cnf")
        with open(config, "w", encoding="ascii") as file:
            file.write("[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=ringsend bench\n"
                       "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
                       "[leaf]\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
                       "subjectAltName=" + ",".join("IP:" + address
                                                    for address in addresses) + "\n")
        make = [
            "openssl", "req", "-x509", "-config", config, "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-noenc", "-sha256", "-days", "7"
        ]
        for options in (["-extensions", "ca", "-keyout", ca_key, "-out", self.ca], [
                "-extensions", "leaf", "-subj", "/CN=leaf", "-CA", self.ca, "-CAkey", ca_key,
                "-keyout", self.key, "-out", self.chain
        ]):
            subprocess.run([*make, *options], check=True, capture_output=True,
                           stdin=subprocess.DEVNULL)


def tls_server(certificate, port, session_cache, answer, addresses=("127.0.0.1",)):
    """Lines of nginx.conf: a server of TLS 1.2 as RFC 5246 had it, ECDSA on P-256 and
    AES-128-GCM."""
    return "\n    ".join(("\n    server {", *(f"listen {address}:{port} ssl backlog=4096;"
                                              for address in addresses), f"""
        ssl_certificate {certificate.chain};
        ssl_certificate_key {certificate.key};
        ssl_protocols TLSv1.2;
        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;
        ssl_session_tickets off;
        ssl_session_cache {session_cache};
        location / {{ default_type application/json; {answer} }}
    }}"""))


ANSWER = """return 200 '{"status":"accepted","queue":7}';"""
# No password: 401, but not at once. The one wait that nginx has of its own.
SLOW_S = 12
SLOW_ANSWER = f"auth_basic slow; auth_basic_user_file /dev/null; auth_delay {SLOW_S}s;"


class Serve(Server):
    """The rehearsal platform of ringsend itself; tells its address in its first line."""

    def __init__(self, bench, *options, first=False):
        """first: it never waits for its CPU, as if it were a machine of its own; needs root."""
        super().__init__([
            *(["chrt", "--fifo", "1"] if first else []), bench.ringsend, "serve", "--port", "0",
            *options
        ], os.path.join(bench.directory, "serve.log"))

    def wait_until_ready(self):
        match = re.match(r"listening on (https?://\S+)", self.process.stdout.readline())
        return match.group(1).rstrip("/") if match else self.fail()


class Cost:
    """What a command took, from perf/measure.c."""

    def __init__(self, line, output):
        wall_ns, user_us, system_us, peak_kib, self.status = map(int, line.split())
        self.wall_s = wall_ns / 1e9
        self.cpu_us = user_us + system_us
        self.peak_mb = peak_kib * 1024 / 1e6
        self.output = output


class Bench:
    def __init__(self, build, directory):
        self.build = os.path.relpath(build)
        self.directory = directory
        self.ringsend = os.path.join(self.build, "ringsend")
        self.commands = {}  # what was run, by name, the first of each

    def path(self, name):
        return os.path.join(self.directory, name)

    def show(self, name, command):
        self.commands.setdefault(name, shlex.join(command).replace(self.directory, "$DIR"))

    def run(self, name, command, cpus=SENDER_CPU):
        """Runs a sender and returns its Cost; ends the benchmark if it failed."""
        command = ["taskset", "-c", cpus, *command]
        self.show(name, command)
        cost_file, log = self.path("cost"), self.path("log")
        with open(log, "w+", encoding="utf-8", errors="replace") as output:
            subprocess.run([
                *command[:3],
                os.path.join(self.build, "perf", "measure"), cost_file, *command[3:]
            ], stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True,
                           timeout=RUN_LIMIT_S)
            output.seek(0)
            text = output.read()
        with open(cost_file, encoding="utf-8") as file:
            cost = Cost(file.read(), text)
        if cost.status != 0:
            raise SystemExit(f"{shlex.join(command)} ended with status {cost.status}:\n{text}")
        return cost

    def system_calls(self, name, command):
        """The number of system calls of the command and its threads and children, start to exit."""
        counts = self.path("strace")
        command = ["strace", "-f", "-c", "-o", counts, *command]
        self.run(name, command)
        with open(counts, encoding="utf-8") as file:
            total = [line for line in file if line.split()[-1:] == ["total"]]
        # "100.00 0.001234 3 411 12 total": per cent, seconds, us per call, calls, perhaps errors
        return int(total[-1].split()[3])

    # ---- Data

    def records(self, count, url):
        """A file of `count` distinct records; the same data for every sender."""
        path = self.path(f"records-{count}-{url.rpartition(':')[2]}.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for i in range(count):
                data = {"order": 100000 + i, "pieces": 10000 + i % 1000}
                line = {"id": i, "method": "POST", "url": url + "/orders", "data": data}
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        return path

    def curl_config(self, count, url, *lines):
        """The same as a configuration file for curl: a transfer per record, each to a file. The
        lines are repeated for each."""
        path, bodies = self.path(f"curl-{count}.conf"), self.path("curl-bodies")
        os.makedirs(bodies, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            for i in range(count):
                data = json.dumps({"order": 100000 + i, "pieces": 10000 + i % 1000},
                                  separators=(",", ":"))
                quoted = data.replace('"', '\\"')
                file.write(("next\n" if i else "") +
                           f'url = "{url}/orders"\noutput = "{bodies}/{i}"\n'
                           f'header = "Content-Type: application/json"\ndata = "{quoted}"\n' +
                           "".join(line + "\n" for line in lines))
        return path

    # ---- Commands of the senders

    def ringsend_send(self, records, connections=40, *options):
        return [self.ringsend, "send", "-q", "--force", "-c", str(connections), *options,
                "-o", self.path("results.jsonl"), records]

    def latency(self, name, *options, connections=40):
        """Runs `ringsend bench` on the sender's CPU: its report and its Cost. Every request that
        was begun must have come to a good response."""
        path = self.path("report.json")
        cost = self.run(
            name, [self.ringsend, "bench", "-q", "--force", "--json", path, "-c",
                   str(connections), *options])
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        if report["errors"] or report["not_ok"] or not report["requests"]:
            raise SystemExit(f"{name}: not every request was answered:\n{cost.output}")
        return report, cost

    def check_results(self, count):
        """A fast sender that loses records would not be fast: every result is there and ok."""
        ok = 0
        with open(self.path("results.jsonl"), encoding="utf-8") as file:
            for lines, line in enumerate(file, 1):
                ok += '"ok":true' in line or '"ok": true' in line
        if ok != count or lines != count:
            raise SystemExit(f"{count} records gave {lines} results, {ok} of them ok")

    def aiohttp(self, records, connections=40):
        return ["/usr/bin/python3", os.path.relpath(os.path.join(HERE, "aiohttp_article.py")),
                str(connections), records, self.path("results.jsonl")]

    def python(self, records, connections=40):
        """The same script on libringsend."""
        return [
            "env", "LIBRINGSEND=" + os.path.join(self.build, "src", "libringsend.so.0"),
            "PYTHONPATH=" + os.path.join(self.build, "python"),
            "/usr/bin/python3",
            os.path.relpath(os.path.join(HERE, os.pardir, "examples", "python", "article.py")),
            str(connections), records,
            self.path("results.jsonl")
        ]

    def host(self, engine, count, url):
        return [os.path.join(self.build, "perf", "host"), engine, url + "/orders", str(count)]

    def curl(self, config):
        return [
            "curl", "-q", "--silent", "--show-error", "--parallel", "--parallel-max", "40", "-K",
            config
        ]

    def curl_in_turn(self, config):
        return ["curl", "-q", "--silent", "--show-error", "-K", config]

    def h2load(self, count, url):
        body = self.path("body.json")
        with open(body, "w", encoding="utf-8") as file:
            file.write('{"order":123456,"pieces":12345}')
        return ["h2load", "--h1", "-n", str(count), "-c", "40", "-t", "1", "-d", body,
                "-H", "content-type: application/json", url + "/orders"]

    def post(self, url):
        """The POST of wrk_post.lua and floor.c as options of `ringsend bench`."""
        return [
            "--data", '{"order":123456,"pieces":12345}', "-H", "Content-Type: application/json",
            url + "/orders"
        ]

    def wrk(self, seconds, url):
        return ["wrk", "-t1", "-c40", f"-d{seconds}s",
                "-s", os.path.relpath(os.path.join(HERE, "wrk_post.lua")), url + "/orders"]

    def s_time(self, seconds, url, ca):
        """openssl's own: a connection per request, all but the first with the same session."""
        return [
            "openssl", "s_time", "-connect",
            url.removeprefix("https://"), "-CAfile", ca, "-tls1_2", "-reuse", "-time",
            str(seconds), "-www", "/orders"
        ]

    def handshake_load(self, ca, url, port, waves, *cpus):
        return [
            os.path.join(self.build, "perf", "handshake_load"), ca, url,
            str(port),
            str(waves), *cpus
        ]

    def floor(self, count, url):
        host, port = url.removeprefix("http://").split(":")
        return [os.path.join(self.build, "perf", "floor"), host, port, "40", str(count)]
