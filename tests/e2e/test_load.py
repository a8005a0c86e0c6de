"""`ringsend bench`, the load: how many requests, which, over how many connections, when; judged
by what the server saw."""

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys

import hdr
from harness import (INPUT, NOT_ALL_OK, NOT_STARTED, OK, REFUSED, SANITIZED, SIGINT_EXIT, USAGE,
                     Authority, Case, answering, header, main, refused_port, response)

THRESHOLD = 5
HELLO = answering(lambda request: response(b"hello"))


class LoadCase(Case):
    def bench(self, *args, expect=OK):
        run = self.run_ringsend("bench", "--force", *args)
        self.assertEqual(run.status, expect, run.err)
        return run


class Load(LoadCase):
    def serve_and_bench(self, *args, serve=(), expect=OK):
        """What the server counted."""
        serve = self.serve(*serve)
        self.bench(*args, serve.url, expect=expect)
        stats = serve.stats()
        self.assertEqual(stats["gone"], 0, "every request was waited for")
        return stats

    def test_a_number_of_requests_is_exact(self):
        for args in (("-c", "4"), ("-c", "7", "-t", "3"), ("-r", "1000"), ("-r", "1000", "-t", "4"),
                     ("-r", "1000", "--arrivals", "poisson", "-t", "2"), ("-c", "8",
                                                                          "--spin"), ("--batch", )):
            with self.subTest(args=args):
                stats = self.serve_and_bench("-n", "101", *args)
                self.assertEqual(stats["requests"], 101)

    def test_connections_are_no_more_than_asked_for(self):
        stats = self.serve_and_bench("-n", "200", "-c", "7", "-t", "2", serve=("--latency", "5ms"))
        self.assertEqual((stats["connections"], stats["connections_peak"]), (7, 7))

    def test_an_open_loop_opens_what_it_needs(self):
        """Ten at a time are in flight, whatever the limit."""
        stats = self.serve_and_bench("-n", "1", "-r", "100", "-c", "40")
        self.assertEqual(stats["connections"], 1)

    def test_a_new_connection_for_each_request(self):
        stats = self.serve_and_bench("-n", "50", "-c", "5", "--new-connection")
        self.assertEqual((stats["requests"], stats["connections"]), (50, 50))
        self.assertLessEqual(stats["connections_peak"], 5)

    def test_steps_are_a_run_each(self):
        self.assertEqual(
            self.serve_and_bench("-n", "20", "--steps", "500,1000,2000")["requests"], 60)

    def test_warm_up_and_ramp_come_on_top(self):
        for args in (("-r", "500"), ("-c", "2")):
            with self.subTest(args=args):
                stats = self.serve_and_bench("-n", "20", "--warmup", "100ms", "--ramp", "50ms",
                                             *args, serve=("--latency", "1ms"))
                self.assertGreater(stats["requests"], 20)

    def test_starts_are_not_made_early(self):
        serve = self.serve("--log", self.path("log"))
        self.bench("-n", "201", "-r", "1000", serve.url)
        self.assertEqual(serve.stop().status, OK)
        at_us = [int(line.split(b"\t")[0]) for line in self.read("log").splitlines()]
        self.assertEqual(len(at_us), 201)
        # The first one was due 200 ms before the last; it may itself have been late.
        self.assertGreaterEqual(at_us[-1] - at_us[0], 100_000)

    def test_one_url_with_method_headers_and_data(self):
        server = self.server(HELLO)
        body = self.path("body")
        with open(body, "wb") as file:
            file.write(b"x" * 10000)
        url = server.url + "q?a=b"
        self.bench("-n", "1", url)
        self.bench("-n", "1", "--data", "text", url)
        self.bench("-n", "1", "-X", "PATCH", "-H", "X-A: b", "--data", "@" + body,
                   "--new-connection", url)
        self.assertEqual([(r.method, r.target, r.body) for r in server.requests],
                         [("GET", "/q?a=b", b""), ("POST", "/q?a=b", b"text"),
                          ("PATCH", "/q?a=b", b"x" * 10000)])
        last = server.requests[2]
        self.assertEqual((header(last, "x-a"), header(last, "connection")), (["b"], ["close"]))

    def test_nothing_is_tried_again(self):
        stats = self.serve_and_bench("-n", "20", "-c", "2", serve=("--status", "503:100%"),
                                     expect=NOT_ALL_OK)
        self.assertEqual(stats["requests"], 20)

    def test_nothing_is_sent_twice_and_what_a_connection_did_is_reported(self):
        """Most resets and closes meet a connection that has carried a request before."""
        for fault, error in (("--reset", "reset_no_response"), ("--close", "closed_no_response")):
            for share in ("10%", "50%"):
                for more in (("-c", "8"), ("-c", "8", "-r", "2000"), ("-c", "8", "-X", "PUT",
                                                                      "--data", "x")):
                    with self.subTest(fault=fault, share=share, more=more):
                        serve = self.serve(fault, share)
                        self.bench("-q", "-n", "500", *more, "--json", self.path("figures.json"),
                                   serve.url)
                        figures, stats = json.loads(self.read("figures.json")), serve.stats()
                        lost = stats["resets"] if fault == "--reset" else stats["closes"]
                        self.assertEqual(stats["requests"], 500)
                        self.assertEqual(figures["errors_by_name"], {error: lost})
                        self.assertEqual(figures["requests"], 500 - lost)

    def test_a_connection_that_was_closed_while_idle_is_no_error(self):
        serve = self.serve("--keep-alive-timeout", "1s")
        self.bench("-q", "-n", "3", "-c", "1", "-r", "0.7", "--fail-if", "errors>0", serve.url)
        self.assertEqual(serve.stats()["connections"], 3)

    def test_bodies_are_counted_unless_they_decide(self):
        """None is stored, so one may be longer than what could be."""
        serve = self.serve("--body-bytes", str(65 << 20))
        run = self.bench("-n", "1", "-c", "1", "--json", self.path("figures.json"), serve.url)
        figures = json.loads(self.read("figures.json"))
        self.assertEqual((figures["requests"], figures["not_ok"]), (1, 0))
        self.assertGreater(figures["bytes_received"], 65 << 20)
        run = self.bench("-n", "1", "-c", "1", "--max-body", "64M", serve.url, expect=NOT_ALL_OK)
        self.assertIn(b"body_too_large", run.out)
        self.bench("-n", "1", "--ok-if", ".ok == true", self.serve().url)
        self.bench("-n", "1", "--ok-if", ".ok == false", self.serve().url, expect=NOT_ALL_OK)

    def test_no_response_at_all_is_exit_status_3(self):
        sock, port = refused_port()
        with sock:
            self.bench("-n", "5", "http://127.0.0.1:%d/" % port, expect=NOT_ALL_OK)

    def test_a_signal_ends_the_starts_and_the_report_comes(self):
        serve = self.serve("--latency", "20ms")
        for args in (("-r", "100"), ("-c", "3")):
            with self.subTest(args=args):
                bench = self.start("bench", "-z", "1h", *args, serve.url)
                bench.wait_for(lambda out, err: err.count(b"\n") >= 1 + REFUSED)
                bench.signal(signal.SIGINT)
                run = bench.finish()
                self.assertEqual(run.status, SIGINT_EXIT, run.err)
                self.assertIn(b"response", run.out)
        self.assertEqual(serve.stats()["gone"], 0, "what was in flight was waited for")

    def test_a_second_signal_ends_what_is_in_flight(self):
        server = self.server(lambda peer: (peer.request(), peer.hold()))
        bench = self.start("bench", "-z", "1h", "-c", "2", server.url)
        server.wait_for(lambda s: len(s.requests) == 2)
        bench.signal(signal.SIGINT)
        bench.wait_for(lambda out, err: b"stopping" in err)
        bench.signal_again(signal.SIGINT)
        self.assertEqual(bench.finish().status, SIGINT_EXIT)

    def test_usage(self):
        for args, words in (((), "name a URL"), (("http://127.0.0.1/", "x"), "one URL"),
                            (("--data", "x", "file"),
                             "--data, --as-body and templates"), (("ftp://x", "-r", "0"),
                                                                      "--rate must be"),
                            (("http://x/", "-r", "0x10"),
                             "--rate must be"), (("http://x/", "-r", "nan"),
                                                 "--rate must be"), (("http://x/", "-r", "1,2"),
                                                                     "--rate must be one rate"),
                            (("http://x/", "-r", "1k/s"),
                             "--rate must be a number per time, such as \"50/s\""),
                            (("http://x/", "-r", "5/d"), "--rate must be a number per time"),
                            (("http://x/", "--steps", "1,,2"),
                             "--steps must be"), (("http://x/", "--steps", "1,2", "-r", "1"),
                                                  "give one of them"),
                            (("http://x/", "--arrivals", "late"),
                             "constant or poisson"), (("http://x/", "--arrivals", "poisson"),
                                                      "goes with --rate"),
                            (("http://x/", "-t", "5", "-c", "4"),
                             "need as many connections"), (("http://x/", "-t", "5", "-n", "4"),
                                                           "need as many requests"),
                            (("http://x/", "--tries", "2"),
                             "no option --tries here: "), (("http://x/", "--spin", "--batch"),
                                                         "give one of them"), (("http://:80/", ),
                                                                               "the URL must be"),
                            (("--url", "http://x/", "http://x/"),
                             "--url goes with files of records"),
                            (("--limit", "3", "http://x/"), "--limit goes with files of records"),
                            (("--types", "a:number", "http://x/"), "--types goes with files"),
                            (("--as-body", "http://x/"), "--as-body goes with files"),
                            (("--delimiter", ";", "http://x/"), "--delimiter goes with files"),
                            (("--encoding", "latin-1", "http://x/"), "--encoding goes with files"),
                            (("--idempotency-key", "http://x/"),
                             "--idempotency-key goes with files"), (("--data-file", "x",
                                                                     "http://x/"),
                                                                    "--data @FILE reads its body"),
                            (("--id", "x", "--url", "http://x/", "x.csv"),
                             "no option --id here: "), (("x.csv", ), "give --url"),
                            (("--url", "http://x/{{a}}", "x.jsonl"),
                             "{{a}}: records of JSON have no columns"),
                            (("x.csv", "x.jsonl", "--url", "http://x/"),
                             "they cannot go together")):
            with self.subTest(args=args):
                self.assertIn(words, self.bench(*args, expect=USAGE).err)


class Truth(LoadCase):
    """What is reported against what the server knows. A busy machine makes the times longer on
    the way between the two, never shorter; so the bounds here are lower ones, but where a stall
    is so long that nothing else is."""

    def report(self, *args, expect=OK):
        self.bench("-q", "--json", self.path("report"), *args, expect=expect)
        with open(self.path("report"), encoding="utf-8") as file:
            return json.load(file)

    def logged_us(self, serve):
        """Of each answer, sorted, once the server has stopped."""
        self.assertEqual(serve.stop().status, OK)
        return sorted(int(line.split(b"\t")[5]) for line in self.read("log").splitlines())

    def test_no_percentile_is_below_what_the_server_took(self):
        authority = Authority(self.dir)
        certificate = authority.certificate()
        tls = ["--tls", "--cert", certificate.chain, "--key", certificate.key]
        trust = ["--cacert", authority.pem]
        for name, serve_options, options in (("open", [], ["-r", "1000"]), ("closed", [], []),
                                             ("poisson", [],
                                              ["-r", "1000", "--arrivals", "poisson"
                                               ]), ("open, TLS", tls, ["-r", "1000", *trust]),
                                             ("closed, TLS", tls, trust)):
            with self.subTest(name=name):
                serve = self.serve("--latency", "2ms,8ms", "--log", self.path("log"),
                                   *serve_options)
                report = self.report("-n", "1000", "-c", "20", *options, serve.url)
                logged = self.logged_us(serve)
                self.file("log", b"")
                self.assertEqual((len(logged), report["requests"], report["errors"]),
                                 (1000, 1000, 0))
                for key, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1)):
                    # The log's microseconds are whole ones.
                    least = logged[math.ceil(share * 1000) - 1] * (1 - 1 / 1024) - 1
                    self.assertGreaterEqual(report["service_us"][key], least, key)
                    self.assertGreaterEqual(report["response_us"][key],
                                            report["service_us"][key] * (1 - 1 / 1024), key)
                for times in ("response_us", "service_us"):
                    self.assertEqual(report[times]["count"], 1000)

    def stall(self, connections, *, rate=2000, seconds=4, stall_s=0.4):
        """A run in the middle of which the server does nothing for a tenth of the time."""
        self.file("log", b"")
        serve = self.serve("--pause", "%dms,%dms" % (seconds * 500, stall_s * 1000), "--log",
                           self.path("log"))
        report = self.report("-r", str(rate), "-z", "%ds" % seconds, "-c", str(connections),
                             serve.url)
        logged = self.logged_us(serve)
        # A machine that is held up at the very end leaves some without a connection.
        self.assertEqual(report["requests"] + report["never_started"], rate * seconds)
        self.assertEqual(len(logged), report["requests"])
        return report

    def test_a_stall_is_in_the_response_time_whatever_the_connections(self):
        """Of the tenth of the requests that were due in the stall each waited for what was left
        of it: the 99th percentile is nine tenths of it. What the connections held when it began
        is less than one in a hundred: the 99th percentile of the service time knows nothing of a
        stall."""
        for connections in (40, 4):
            with self.subTest(connections=connections):
                report = self.stall(connections)
                response, service, lag = report["response_us"], report["service_us"], report[
                    "send_lag_us"]
                self.assertGreaterEqual(response["p99"], 0.85 * 400_000)
                self.assertGreaterEqual(response["max"], 400_000 * 0.99)
                self.assertGreaterEqual(lag["p99"], 0.8 * 400_000)
                if not SANITIZED:
                    self.assertLess(service["p99"], 0.5 * 400_000)

    def test_a_hang_to_the_end_is_in_the_percentiles(self):
        """What was due and never started has waited at least until a connection became free,
        which takes the timeout; what was in flight until then. All but what was answered are
        lower bounds."""
        serve = self.serve("--pause", "1s,60s")
        report = self.report("-r", "1000", "-z", "2s", "-c", "10", "--timeout", "2s", "--fail-if",
                             "p99>500ms", "--csv", self.path("figures.csv"), "--hlog",
                             self.path("figures.hlog"), serve.url, expect=THRESHOLD)
        never, bounds, response = report["never_started"], report["lower_bounds"], report[
            "response_us"]
        self.assertGreater(never, 900)
        self.assertEqual(report["scheduled"], 2000)
        self.assertEqual((response["count"], bounds["response_us"]["count"]),
                         (2000, never + report["timed_out"]))
        self.assertEqual((bounds["service_us"]["count"], bounds["send_lag_us"]["count"]),
                         (report["timed_out"], never))
        # The median, too, where the machine was late.
        self.assertEqual(bounds["response_us"]["at_least"][-6:],
                         ["p90", "p95", "p99", "p999", "p9999", "max"])
        # The last start was due 2 s after the first, and the first connection that hung gave up
        # after 3 s.
        self.assertGreaterEqual(response["p90"], 1_000_000)
        self.assertGreaterEqual(report["never_started_wait_us"], 1_900_000)
        threshold, = report["thresholds"]
        self.assertEqual((threshold["failed"], threshold["at_least"]), (True, True))
        self.assertEqual(sum(second["never_started"] for second in report["series"]), never)
        rows = list(csv.DictReader(io.StringIO(self.read("figures.csv").decode())))
        self.assertEqual(sum(int(row["never_started"]) for row in rows), never)
        lines = [
            line.split(",") for line in self.read("figures.hlog").decode().splitlines()
            if line[0] not in '#"'
        ]
        self.assertEqual(
            sum(
                sum(hdr.counts(line[-1]).values()) for line in lines
                if not line[0].startswith("Tag=")), 2000)
        tagged = {line[0]: hdr.counts(line[-1]) for line in lines if line[0].startswith("Tag=")}
        self.assertEqual(sum(tagged["Tag=response_bounds"].values()), never + report["timed_out"])

    def test_what_a_second_signal_cuts_off_is_in_the_times(self):
        server = self.server(lambda peer: (peer.request(), peer.hold()))
        for rate in ((), ("-r", "100")):
            with self.subTest(rate=rate):
                before = len(server.requests)
                bench = self.start("bench", "--force", "-z", "1h", "-c", "2", *rate, "--json",
                                   self.path("figures.json"), server.url)
                server.wait_for(lambda s: len(s.requests) == before + 2)
                bench.wait_for(lambda out, err: b"1 s" in err)
                bench.signal(signal.SIGINT)
                bench.wait_for(lambda out, err: b"stopping" in err)
                bench.signal_again(signal.SIGINT)
                run = bench.finish()
                self.assertEqual(run.status, SIGINT_EXIT)
                self.assertIn(b"2 were cut off by the second signal", run.out)
                report = json.loads(self.read("figures.json"))
                self.assertEqual((report["cut"], report["errors_by_name"]), (2, {"cancelled": 2}))
                self.assertEqual(report["lower_bounds"]["response_us"]["count"],
                                 2 + report["never_started"])
                self.assertGreater(report["response_us"]["max"], 900_000)
                self.assertEqual(report["scheduled"] or 2, 2 + report["never_started"])

    def test_a_server_that_refuses_is_not_asked_as_fast_as_it_can(self):
        """Nor one that takes a connection and closes it. One that answers is, whatever it
        answers."""
        sock, port = refused_port()
        self.addCleanup(sock.close)
        closes = self.serve("--close", "100%")
        for url in ("http://127.0.0.1:%d/" % port, closes.url):
            report = self.report("-z", "1s", "-c", "8", url, expect=NOT_ALL_OK)
            self.assertGreater(report["rests"], 0)
            self.assertEqual(report["rest_max_us"], 8000)
            self.assertLess(report["errors"], 1500)
            self.assertGreater(report["errors"], 20)
        self.assertEqual(
            self.report("-n", "400", "-c", "8", closes.url, expect=NOT_ALL_OK)["errors"], 400)
        self.assertEqual(
            self.report("-n", "400", "-r", "4000", closes.url, expect=NOT_ALL_OK)["rests"], 0)
        answers = self.serve("--status", "503:100%")
        self.assertEqual(
            self.report("-n", "4000", "-c", "8", answers.url, expect=NOT_ALL_OK)["rests"], 0)

    def test_a_closed_loop_hides_the_same_stall(self):
        """One request a connection waits, and the others are never asked for."""
        serve = self.serve("--pause", "300ms,400ms", "--latency", "1ms")
        report = self.report("-z", "2s", "-c", "4", serve.url)
        self.assertGreaterEqual(report["response_us"]["max"], 400_000 * 0.99)
        if not SANITIZED:
            self.assertLess(report["response_us"]["p99"], 0.5 * 400_000)

    def test_too_few_connections_show_as_waiting(self):
        """Each connection does 20 a second, and 200 are asked for."""
        serve = self.serve("--latency", "50ms")
        report = self.report("-r", "200", "-z", "1s", "-c", "2", serve.url)
        self.assertEqual(report["requests"] + report["never_started"], 200)
        self.assertGreater(report["never_started"], 100)
        self.assertGreaterEqual(report["never_started_wait_us"], 500_000)
        self.assertGreaterEqual(report["response_us"]["p50"], 200_000)
        self.assertLess(report["rate_achieved"], 0.5 * report["rate_target"])

    def test_the_last_of_a_number_of_starts_has_its_share_of_the_time(self):
        """Ten starts at 100 a second lie 90 ms apart, and are 100 a second and no more."""
        serve = self.serve()
        for args in (("-n", "10", "-r", "100"), ("-n", "10", "-r", "100", "-t", "3"),
                     ("-n", "10", "-r", "100", "--warmup", "50ms")):
            with self.subTest(args=args):
                report = self.report(*args, serve.url)
                self.assertEqual(report["requests"], 10)
                self.assertGreaterEqual(report["duration_s"], 0.0999)
                self.assertLessEqual(report["rate_achieved"], 100.1)

    def test_what_is_taken_in_and_not_answered_is_not_the_rate(self):
        """Five hundred a second are answered, a thousand asked for, and connections enough for
        all."""
        serve = self.serve("--workers", "10", "--latency", "20ms")
        run = self.bench("-q", "--json", self.path("report"), "-r", "1000", "-z", "1s", "-c",
                         "1000", serve.url)
        report = json.loads(self.read("report"))
        self.assertEqual((report["requests"], report["never_started"]), (1000, 0))
        self.assertLess(report["rate_achieved"], 800)
        self.assertTrue(report["server_is_swamped"])
        self.assertIn(b"takes in more than it answers", run.out)

    def test_slow_answers_alone_do_not_lower_the_rate(self):
        """What is in flight at the end was asked for in time, and answered as fast as all the
        others."""
        serve = self.serve("--latency", "300ms")
        report = self.report("-r", "200", "-z", "1s", "-c", "200", serve.url)
        self.assertEqual(report["requests"], 200)
        if not SANITIZED:
            self.assertGreater(report["rate_achieved"], 160)

    def test_a_closed_loop_counts_what_came_while_it_ran(self):
        """Two rounds of 10 are begun in the time of little more than one."""
        serve = self.serve("--latency", "600ms")
        report = self.report("-c", "10", "-z", "1s", serve.url)
        self.assertEqual(report["requests"], 20)
        self.assertLessEqual(report["in_time"], 10)
        report = self.report("-c", "10", "-n", "20", serve.url)
        self.assertEqual(report["in_time"], 20)

    def test_starts_noticed_at_the_very_end_are_made(self):
        """There is a connection for each; so none may be said to have found none."""
        serve = self.serve()
        report = self.report("-r", "20000", "-z", "100ms", "-c", "2000", serve.url)
        self.assertEqual((report["requests"], report["never_started"], report["late_waits"]),
                         (2000, 0, 0))

    def test_a_generator_that_is_too_slow_says_so(self):
        """Ten million a second are more than any one thread can start."""
        serve = self.serve()
        report = self.report("-r", "10000000", "-z", "1s", "-c", "4", serve.url)
        self.assertTrue(report["generator_is_slow"])
        self.assertEqual(report["scheduled"], 10_000_000)
        self.assertGreaterEqual(report["never_started_wait_us"], 900_000)
        self.assertGreaterEqual(report["response_us"]["p50"], 100_000)

    def test_who_else_had_the_processor_is_reported(self):
        """Bench and a program that never sleeps, on one processor: it waits for it again and
        again."""
        serve = self.serve()
        cpus = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, cpus)
        os.sched_setaffinity(0, {min(cpus)})
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        self.addCleanup(busy.wait)
        self.addCleanup(busy.kill)
        report = self.report("-r", "2000", "-z", "1s", "-c", "40", serve.url)
        self.assertGreater(report["cpu_waited_share"], 0.001)
        self.assertLessEqual(report["cpu_waited_share"] + report["cpu_stolen_share"], 1)

    def test_processors_are_kept_awake_as_long_as_it_runs(self):
        device = "/dev/cpu_dma_latency"
        serve = self.serve()
        if not os.access(device, os.W_OK):
            run = self.run_ringsend("bench", "--awake", "-n", "1", serve.url)
            self.assertEqual(run.status, NOT_STARTED, run.err)
            self.assertIn(device, run.err)
            return
        program = self.start("bench", "--awake", "-r", "10", "-z", "1h", serve.url)
        program.wait_for(lambda out, err: b"1 s" in out + err)
        descriptors = "/proc/%d/fd" % program.process.pid
        held = [os.readlink(os.path.join(descriptors, fd)) for fd in os.listdir(descriptors)]
        program.signal(signal.SIGINT)
        program.finish()
        self.assertIn(device, held)

    def test_requests_that_time_out_are_in_the_times(self):
        serve = self.serve("--stall", "100%")
        report = self.report("-n", "8", "-c", "4", "--timeout", "200ms", serve.url,
                             expect=NOT_ALL_OK)
        self.assertEqual((report["requests"], report["errors"], report["timed_out"]), (0, 8, 8))
        self.assertEqual(report["errors_by_name"], {"timeout_attempt": 8})
        self.assertEqual(report["response_us"]["count"], 8)
        self.assertGreaterEqual(report["response_us"]["p50"], 200_000 * 0.999)

    def test_other_errors_are_counted_and_not_timed(self):
        serve = self.serve("--reset", "100%")
        report = self.report("-n", "8", "-c", "4", serve.url, expect=NOT_ALL_OK)
        self.assertEqual((report["requests"], report["errors"]), (0, 8))
        self.assertEqual(report["response_us"]["count"], 0)

    def test_phases_of_a_new_connection_each(self):
        serve = self.serve("--latency", "1ms")
        report = self.report("-n", "20", "-c", "2", "--new-connection", serve.url)
        self.assertEqual(
            (report["phases"]["connect_us"]["count"], report["phases"]["tls_us"]["count"]), (20, 0))
        self.assertGreaterEqual(report["phases"]["first_byte_us"]["p50"], 1000)

    def test_the_kernels_stamps_tell_where_the_time_went(self):
        authority = Authority(self.dir)
        certificate = authority.certificate()
        for name, serve, options in (("plain", [], []), ("large", [
                "--body-bytes", "300000"
        ], []), ("TLS", ["--tls", "--cert", certificate.chain, "--key",
                         certificate.key], ["--cacert", authority.pem])):
            with self.subTest(name=name):
                serve = self.serve("--latency", "2ms", *serve)
                report = self.report("-n", "50", "-c", "2", "--timestamps", *options, serve.url)
                self.assertEqual((report["requests"], report["not_ok"]), (50, 0))
                stamps = report["timestamps"]
                if "install" not in report["environment"]["ring_features"]:
                    self.assertIn("6.8", stamps["absent"])
                    continue
                # The first on each of the two connections has none.
                self.assertIn(stamps["samples"], range(1, 49))
                self.assertEqual(stamps["outside_us"]["count"], stamps["samples"])
                self.assertGreaterEqual(stamps["outside_us"]["p50"], 1900)
                self.assertEqual(report["tcp"]["connections"], 2)
                self.assertGreaterEqual(report["tcp"]["samples"], 2)

    def test_stamps_that_are_missing_are_reported(self):
        serve = self.serve()
        report = self.report("-n", "5", "--new-connection", "--timestamps", serve.url)
        self.assertEqual(report["timestamps"]["samples"], 0)
        self.assertTrue(report["timestamps"]["absent"])
        self.assertIsNone(self.report("-n", "5", serve.url)["timestamps"]["absent"])


if __name__ == "__main__":
    main()
