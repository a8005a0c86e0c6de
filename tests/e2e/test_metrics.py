"""--metrics FILE: what Prometheus reads, whole at any time; promtool is the judge."""

import os
import re
import shutil
import subprocess

from harness import NOT_ALL_OK, OK, OUTPUT, STOPPED, USAGE, Case, main, refused_port

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
DURATION = "http_client_request_duration_seconds"


class Metrics(Case):
    def metrics(self):
        """{name: [(labels, value)]}, judged."""
        text = self.read("run.prom").decode()
        if shutil.which("promtool"):
            run = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                 capture_output=True)
            self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))
        found = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                pairs = dict(re.findall(r'(\w+)="(.*?)"', labels or ""))
                found.setdefault(name, []).append((pairs, float(value)))
        self.assertEqual([name for name in os.listdir(self.dir) if "prom." in name], [])
        return found

    def one(self, metrics, name, **labels):
        """The value of the only one with these labels."""
        (value,) = [value for have, value in metrics[name] if labels.items() <= have.items()]
        return value

    def test_sums_are_those_of_the_results(self):
        sock, port = refused_port()
        self.addCleanup(sock.close)
        serve = self.serve("--status", "404:40%", "--latency", "7ms")
        records = [{"id": n, "url": serve.url, "data": n} for n in range(60)]
        records += [{"url": serve.url, "method": method} for method in ("GET", "PROPFIND")]
        records += [{"url": "http://LOCALHOST:%d/" % port, "method": "DELETE"}] * 3 + [{}]
        run = self.send("--metrics", self.path("run.prom"), "--tries", "1", records=records,
                        expect=NOT_ALL_OK)
        metrics = self.metrics()
        ok = sum(result["ok"] for result in run.results)
        self.assertEqual([self.one(metrics, "ringsend_records_total", outcome=outcome)
                          for outcome in ("ok", "not_ok", "ambiguous")], [ok, 66 - ok, 0])
        self.assertEqual(self.one(metrics, "ringsend_tries_total"), 65)
        self.assertEqual(self.one(metrics, "ringsend_exit_status"), NOT_ALL_OK)
        self.assertGreaterEqual(self.one(metrics, "ringsend_completion_time_seconds"),
                                self.one(metrics, "ringsend_start_time_seconds"))
        counts = metrics[DURATION + "_count"]
        self.assertEqual(sum(value for _, value in counts), 65)
        self.assertEqual({labels["http_request_method"] for labels, _ in counts},
                         {"GET", "POST", "DELETE", "_OTHER"})
        post = {"http_request_method": "POST", "http_response_status_code": "404"}
        self.assertEqual(sum(value for labels, value in counts if
                             labels.get("http_response_status_code") == "404"),
                         sum(result["status"] == 404 for result in run.results))
        self.assertEqual(self.one(metrics, DURATION + "_count", error_type="connect_refused",
                                  server_address="localhost", server_port=str(port)), 3)
        buckets = [(labels["le"], value) for labels, value in metrics[DURATION + "_bucket"]
                   if post.items() <= labels.items()]
        self.assertEqual([le for le, _ in buckets], [
            "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5",
            "5", "7.5", "10", "+Inf"
        ])
        self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))
        self.assertEqual(buckets[0][1], 0)  # the server takes 7 ms
        self.assertGreaterEqual(self.one(metrics, DURATION + "_sum", **post),
                                0.007 * buckets[-1][1])

    def test_it_is_there_while_the_run_is(self):
        serve = self.serve("--latency", "10s")
        records = self.file("records", [{"url": serve.url}] * 9)
        run = self.start("send", "-c", "3", "--metrics", self.path("run.prom"), records)
        while not os.path.exists(self.path("run.prom")) or not serve.stats()["connections"]:
            self.assertIsNone(run.process.poll())
        metrics = self.metrics()
        self.assertNotIn("ringsend_exit_status", metrics)
        self.assertEqual(self.one(metrics, "ringsend_records_total", outcome="ok"), 0)
        self.assertEqual(self.one(metrics, "ringsend_connections_limit"), 3)

    def test_many_servers_are_few_series(self):
        url = self.serve().url
        port = url.rsplit(":", 1)[1].strip("/")
        records = [{"url": "http://h%d.test:%s/" % (n, port)} for n in range(100)]
        self.send("--metrics", self.path("run.prom"), "--resolve", "*:%s:127.0.0.1" % port,
                  records=records, expect=OK)
        counts = self.metrics()[DURATION + "_count"]
        self.assertEqual((len(counts), sum(value for _, value in counts)), (64, 100))
        self.assertIn(({"http_request_method": "_OTHER", "server_address": "_other"}, 37), counts)

    def test_ends_of_other_kinds(self):
        serve = self.serve("--status", "500:100%")
        records = [{"url": serve.url}] * 50
        self.send("--metrics", self.path("run.prom"), "--abort-on", "500", records=records,
                  expect=STOPPED)
        self.assertEqual(self.one(self.metrics(), "ringsend_exit_status"), STOPPED)
        self.send("--metrics", self.path("run.prom"), "--cacert", "/nowhere", records=records,
                  expect=USAGE)  # its own is written anew without --force
        self.assertEqual(self.one(self.metrics(), "ringsend_exit_status"), USAGE)
        other = self.file("other.prom", b"# HELP node_load1 not ours\n")
        run = self.send("--metrics", other, records=records, expect=OUTPUT)
        self.assertIn("--force overwrites it", run.err)
        self.assertEqual(self.read("other.prom"), b"# HELP node_load1 not ours\n")


if __name__ == "__main__":
    main()
