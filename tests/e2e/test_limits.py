"""The connection limit is exact, seen from the server: half-open and closing sockets count."""

import threading

from harness import BOUND_S, Case, OK, answering, main, response


class Limits(Case):
    def peak(self, connections, records, *serve_options, options=()):
        """The peak that a platform saw while records were sent over so many connections."""
        serve = self.serve("--max-connections", "500", *serve_options)
        self.send("-c", str(connections), "--url", serve.url, *options, expect=OK,
                  records=[{"id": n, "data": "x"} for n in range(records)])
        return serve.stats()["connections_peak"]

    def test_a_thousand_records_over_40_never_exceed_40(self):
        peak = self.peak(40, 1000, "--latency", "2ms")
        self.assertLessEqual(peak, 40)
        self.assertGreater(peak, 20)  # the pool is used

    def test_the_default_is_40(self):
        serve = self.serve("--max-connections", "500", "--latency", "2ms")
        self.send("--url", serve.url, records=[{"data": "x"}] * 400, expect=OK)
        peak = serve.stats()["connections_peak"]
        self.assertLessEqual(peak, 40)
        self.assertGreater(peak, 20)

    def test_one_connection_means_one_at_a_time(self):
        server = self.server(answering(lambda request: response(request.body)))
        self.send("-c", "1", "--url", server.url, records=[{"data": "x"}] * 100, expect=OK)
        self.assertEqual((server.connections, len(server.requests)), (1, 100))

    def test_the_limit_holds_while_connections_are_closed_after_each_response(self):
        peak = self.peak(8, 400, "--keep-alive-requests", "1", "--latency", "1ms")
        self.assertLessEqual(peak, 8)

    def test_the_limit_holds_while_connections_break(self):
        peak = self.peak(8, 300, "--reset", "20%", "--close", "20%", "--seed", "7",
                         options=["--at-least-once", "--tries", "30"])
        self.assertLessEqual(peak, 8)

    def test_the_limit_counts_all_origins_together(self):
        serve = self.serve("--max-connections", "500", "--latency", "2ms")
        self.send("-c", "4", expect=OK, records=[
            {"url": "http://%s:%d/" % (host, serve.port), "data": "x"}
            for host in ("127.0.0.1", "localhost") for _ in range(100)])
        self.assertLessEqual(serve.stats()["connections_peak"], 4)

    def test_a_platform_that_refuses_a_41st_connection_never_needs_to(self):
        serve = self.serve("--max-connections", "40", "--over", "refuse", "--latency", "2ms")
        self.send("-c", "40", "--tries", "1", "--url", serve.url,
                  records=[{"data": "x"}] * 1000, expect=OK)
        stats = serve.stats()
        self.assertEqual(stats["refused"], 0)

    def test_every_connection_of_a_large_pool_is_used(self):
        together = threading.Barrier(100)

        def script(peer):
            while peer.request():
                together.wait(BOUND_S)  # answers only when a hundred requests are there at once
                peer.send(response())
        server = self.server(script)
        self.send("-c", "100", "--url", server.url, records=[{"data": "x"}] * 200, expect=OK)
        self.assertEqual(server.connections, 100)


if __name__ == "__main__":
    main()
