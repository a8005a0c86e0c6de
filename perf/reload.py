#!/usr/bin/python3
"""POSTs to an nginx that is reloaded all the time: reload.py --build DIR [--tls]

At each reload the old workers close what is idle: requests that cross the end of their
connection are in doubt. Counted are those that ringsend calls ambiguous, and what curl makes of
the same requests. curl sends a POST again when its connection was dead, so deliveries are
counted by nginx's own log, in which a record that was delivered twice shows. A request that
nginx closed upon is not in the log: it was not processed."""

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

CONFIG = """daemon off; master_process on; worker_processes 1; pid {dir}/pid;
error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
  log_format id $http_x_id;
  client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
  uwsgi_temp_path {dir}; scgi_temp_path {dir};
  server {{
    listen 127.0.0.1:{port}{ssl}; access_log {dir}/access.log id; keepalive_requests 100000;
    location / {{ return 200 "ok"; }}
  }}
}}
"""
SSL = " ssl; ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem"


def nginx(directory, port, tls):
    if tls:
        subprocess.run([
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=localhost", "-keyout", directory + "/key.pem", "-out", directory + "/cert.pem"
        ], check=True, stderr=subprocess.DEVNULL)
    config = os.path.join(directory, "nginx.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(
            CONFIG.format(dir=directory, port=port, ssl=SSL.format(dir=directory) if tls else ""))
    command = [
        shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", directory, "-c", config
    ]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL), command


def reloads(command, interval_s, over, done):
    """Reloads until `over`."""
    while not over.wait(interval_s):
        subprocess.run(command + ["-s", "reload"], stderr=subprocess.DEVNULL, check=False)
        done.append(1)


def by_ringsend(options, directory, url):
    records = os.path.join(directory, "records.jsonl")
    with open(records, "w", encoding="ascii") as file:
        for i in range(options.records):
            file.write(json.dumps({"headers": {"x-id": str(i)}, "data": "x"}) + "\n")
    run = subprocess.run([
        os.path.join(options.build, "ringsend"), "send", *(["-k"] if options.tls else []), "-q",
        "-c", "40", "--rate", options.rate, "--url", url, records
    ], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    results = [json.loads(line) for line in run.stdout.splitlines()]
    return sum(r.get("ambiguous", False) for r in results), sum(not r["ok"] for r in results)


def by_curl(options, directory, url):
    config = os.path.join(directory, "curl.conf")
    with open(config, "w", encoding="ascii") as file:
        for i in range(options.records):
            file.write(
                f'next\nurl = "{url}"\ndata = "x"\nheader = "x-id: {i}"\noutput = /dev/null\n'
                'insecure\nwrite-out = "%{http_code}\\n"\n')
    run = subprocess.run(["curl", "-s", "-Z", "--parallel-max", "40", "-K", config],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    codes = run.stdout.split()
    return 0, options.records - codes.count(b"200")


def deliveries(directory):
    """How many records are in the log more than once; empties it."""
    path = os.path.join(directory, "access.log")
    with open(path, encoding="ascii") as file:
        counts = collections.Counter(file.read().split())
    os.truncate(path, 0)
    return sum(count > 1 for count in counts.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--records", type=int, default=2400)
    parser.add_argument("--rate", default="4000/s")
    parser.add_argument("--every-ms", type=int, default=30)
    parser.add_argument("--port", type=int, default=28461)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="ringsend-reload-")
    server, command = nginx(directory, options.port, options.tls)
    url = f"http{'s' if options.tls else ''}://127.0.0.1:{options.port}/"
    subprocess.run([
        "curl", "-sk", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "-o",
        "/dev/null", url
    ], check=True)
    try:
        for name, send in (("ringsend", by_ringsend), ("curl", by_curl)):
            sums, done = [0, 0, 0], []
            for _ in range(options.rounds):
                over = threading.Event()
                thread = threading.Thread(target=reloads,
                                          args=(command, options.every_ms / 1000, over, done))
                thread.start()
                ambiguous, failed = send(options, directory, url)
                over.set()
                thread.join()
                sums = [a + b for a, b in zip(sums, (ambiguous, failed, deliveries(directory)))]
            print(
                f"{name:<9} of {options.rounds * options.records} POSTs: ambiguous {sums[0]}, "
                f"failed {sums[1]}, delivered twice {sums[2]}; {len(done)} reloads", flush=True)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
