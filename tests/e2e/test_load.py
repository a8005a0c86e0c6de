"""`ringsend bench`, the load: how many requests, which, over how many connections, when; judged by what the
server saw."""

import signal
import unittest

from harness import INPUT, NOT_ALL_OK, OK, SIGINT_EXIT, USAGE, Case, answering, header, main, refused_port, response

HELLO = answering(lambda request: response(b"hello"))


class Load(Case):
    def bench(self, *args, expect=OK):
        run = self.run_ringsend("bench", *args)
        self.assertEqual(run.status, expect, run.err)
        return run

    def serve_and_bench(self, *args, serve=()):
        """What the server counted."""
        serve = self.serve(*serve)
        self.bench(*args, serve.url)
        stats = serve.stats()
        self.assertEqual(stats["gone"], 0, "every request was waited for")
        return stats

    def test_a_number_of_requests_is_exact(self):
        for args in (("-c", "4"), ("-c", "7", "-t", "3"), ("-r", "1000"), ("-r", "1000", "-t", "4"),
                     ("-r", "1000", "--arrivals", "poisson", "-t", "2"), ("-c", "8", "--spin"), ("--batch",)):
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
        self.assertEqual(self.serve_and_bench("-n", "20", "--steps", "500,1000,2000")["requests"], 60)

    def test_warm_up_and_ramp_come_on_top(self):
        for args in (("-r", "500"), ("-c", "2")):
            with self.subTest(args=args):
                stats = self.serve_and_bench("-n", "20", "--warmup", "100ms", "--ramp", "50ms", *args,
                                             serve=("--latency", "1ms"))
                self.assertGreater(stats["requests"], 20)

    def test_starts_are_not_made_early(self):
        serve = self.serve("--log", self.path("log"))
        self.bench("-n", "201", "-r", "1000", serve.url)
        self.assertEqual(serve.stop().status, OK)
        at_us = [int(line.split(b"\t")[0]) for line in self.read("log").splitlines()]
        self.assertEqual(len(at_us), 201)
        # The first one was due 200 ms before the last; it may itself have been late.
        self.assertGreaterEqual(at_us[-1] - at_us[0], 100_000)

    def test_records_are_sent_in_turn_over_and_over(self):
        server = self.server(HELLO)
        records = [{"url": server.url + name} for name in "abc"]
        self.bench("-c", "1", "-n", "8", self.file("records.jsonl", records))
        self.assertEqual([request.target for request in server.requests], ["/" + name for name in "abcabcab"])

    def test_several_files_with_bodies_and_a_default_url(self):
        server = self.server(HELLO)
        data = self.path("data")
        with open(data, "wb") as file:
            file.write(b"from a file")
        one = self.file("one", [{"data": {"a": 1}}, {"data_file": data, "method": "PUT"}])
        two = self.file("two", [b'"bare"'])
        self.bench("-c", "1", "-n", "3", "--url", server.url + "x", one, two)
        self.assertEqual([(r.method, r.target, r.body) for r in server.requests],
                         [("POST", "/x", b'{"a": 1}'), ("PUT", "/x", b"from a file"), ("POST", "/x", b"bare")])

    def test_one_url_with_method_headers_and_data(self):
        server = self.server(HELLO)
        body = self.path("body")
        with open(body, "wb") as file:
            file.write(b"x" * 10000)
        url = server.url + "q?a=b"
        self.bench("-n", "1", url)
        self.bench("-n", "1", "--data", "text", url)
        self.bench("-n", "1", "-X", "PATCH", "-H", "X-A: b", "--data", "@" + body, "--new-connection", url)
        self.assertEqual([(r.method, r.target, r.body) for r in server.requests],
                         [("GET", "/q?a=b", b""), ("POST", "/q?a=b", b"text"), ("PATCH", "/q?a=b", b"x" * 10000)])
        last = server.requests[2]
        self.assertEqual((header(last, "x-a"), header(last, "connection")), (["b"], ["close"]))

    def test_nothing_is_tried_again(self):
        stats = self.serve_and_bench("-n", "20", "-c", "2", serve=("--status", "503:100%"))
        self.assertEqual(stats["requests"], 20)

    def test_no_response_at_all_is_exit_status_3(self):
        sock, port = refused_port()
        with sock:
            self.bench("-n", "5", "http://127.0.0.1:%d/" % port, expect=NOT_ALL_OK)

    def test_a_signal_ends_the_starts_and_the_report_comes(self):
        serve = self.serve("--latency", "20ms")
        for args in (("-r", "100"), ("-c", "3")):
            with self.subTest(args=args):
                bench = self.start("bench", "-d", "1h", *args, serve.url)
                bench.wait_for(lambda out, err: err.count(b"\n") >= 1)
                bench.signal(signal.SIGINT)
                run = bench.finish()
                self.assertEqual(run.status, SIGINT_EXIT, run.err)
                self.assertIn(b"response", run.out)
        self.assertEqual(serve.stats()["gone"], 0, "what was in flight was waited for")

    def test_a_second_signal_ends_what_is_in_flight(self):
        server = self.server(lambda peer: (peer.request(), peer.hold()))
        bench = self.start("bench", "-d", "1h", "-c", "2", server.url)
        server.wait_for(lambda s: len(s.requests) == 2)
        bench.signal(signal.SIGINT)
        bench.wait_for(lambda out, err: b"stopping" in err)
        bench.signal(signal.SIGINT)
        self.assertEqual(bench.finish().status, SIGINT_EXIT)

    def test_usage(self):
        for args, words in (
                ((), "name the URL"),
                (("http://127.0.0.1/", "x"), "one URL"),
                (("--data", "x", "file"), "--data goes with a URL"),
                (("ftp://x", "-r", "0"), "--rate must be"),
                (("http://x/", "-r", "0x10"), "--rate must be"),
                (("http://x/", "-r", "nan"), "--rate must be"),
                (("http://x/", "-r", "1,2"), "--rate must be one number"),
                (("http://x/", "--steps", "1,,2"), "--steps must be"),
                (("http://x/", "--steps", "1,2", "-r", "1"), "give one of them"),
                (("http://x/", "--arrivals", "late"), "constant or poisson"),
                (("http://x/", "--arrivals", "poisson"), "goes with --rate"),
                (("http://x/", "-t", "5", "-c", "4"), "need as many connections"),
                (("http://x/", "-t", "5", "-n", "4"), "need as many requests"),
                (("http://x/", "--tries", "2"), "nothing is tried again"),
                (("http://x/", "--spin", "--batch"), "give one of them"),
                (("http://:80/",), "the URL must be"),
                (("--url", "http://x/", "http://x/"), "--url is for records")):
            with self.subTest(args=args):
                self.assertIn(words, self.bench(*args, expect=USAGE).err)

    def test_input_that_cannot_be_read(self):
        broken = self.file("broken", [{"url": "http://127.0.0.1:1/"}, {"nope": 1}])
        empty = self.file("empty", b"\n")
        missing = self.file("data", [{"url": "http://127.0.0.1:1/", "data_file": self.path("none")}])
        for args, words in ((("/nonexistent",), "/nonexistent: No such file"), ((broken,), "line 2"),
                            ((empty,), "no record"), ((missing,), "No such file"),
                            (("--data", "@" + self.path("none"), "http://127.0.0.1:1/"), "No such file")):
            with self.subTest(args=args):
                self.assertIn(words, self.bench(*args, expect=INPUT).err)


if __name__ == "__main__":
    main()
