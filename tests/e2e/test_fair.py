"""Hosts that never answer hold up their own records alone. No test asserts that something was
fast: those of the other hosts all have their results while not one of the silent hosts' clocks
has run out."""

import os
import random
import threading

from certificates import Certificate
from harness import BOUND_S, Case, answering, main, response


class Fair(Case):
    def silent(self):
        """Takes requests and never answers; returns its port."""
        done = threading.Event()
        server = self.server(lambda peer: done.wait(BOUND_S))
        self.addCleanup(done.set)  # before the server's own, which waits for its threads
        return server.url.rsplit(":", 1)[1].strip("/")

    def others_are_done(self, order, *options, silent=1, per_silent=300):
        port = self.serve("--max-connections", "500").url.rsplit(":", 1)[1].strip("/")
        healthy = ["http://h%d.test:%s/" % (host, port) for host in range(50) for _ in range(9)]
        dead = ["http://dead.test:%s/" % self.silent()
                for _ in range(silent)] * (per_silent // silent)
        urls = {"first": dead + healthy, "last": healthy + dead,
                "mixed": random.Random(3).sample(dead + healthy, len(dead) + len(healthy))}[order]
        path = self.file("in", [{"url": url} for url in urls])
        program = self.start("send", "--resolve", "*:*:127.0.0.1", "--first-byte-timeout", "10m",
                             "--timeout", "10m", *options, path)
        program.wait_for(lambda out, err: out.count(b'"ok":true') == len(healthy))
        self.assertNotIn(b'"ok":false', program.text["out"])
        program.kill()

    def test_a_silent_host_first_last_and_between(self):
        for order, options in (("first", ()), ("last", ("--per-host", "4")), ("mixed", ("-c", "4")),
                               ("first", ("--per-host", "4", "--rate", "5000/s"))):
            with self.subTest(order=order, options=options):
                self.others_are_done(order, *options)

    def test_with_two_threads(self):
        self.others_are_done("mixed", "-t", "2", "--per-host", "4")

    def test_several_silent_hosts(self):
        self.others_are_done("first", silent=15)


    def test_beside_chains_of_false_signatures(self):
        """They cost our worker some 40 ms each. Whoever comes behind sixty of them, over http or
        with handshakes of his own, is done before most of them are."""
        def file(name):
            return os.path.join(os.environ["TLS_CERTS"], name)

        hello = answering(lambda request: response(b"hello"))
        hostile, good = (self.tls_server(Certificate(file(chain), file("leaf.key")), hello)
                         for chain in ("hostile.chain", "good.chain"))
        urls = [hostile.url] * 60 + [good.url] * 20 + [self.serve().url] * 300
        program = self.start("send", "--cacert", file("root.pem"), "-c", "200",
                             self.file("in", [{"url": url} for url in urls]))
        refused = []

        def healthy_are_done(out, _):
            refused.append(out.count(b'"ok":false'))
            return out.count(b'"ok":true') == 320

        program.wait_for(healthy_are_done)
        self.assertLess(refused[-1], 30)
        out = program.text["out"]
        self.assertEqual(out.count(b'"ok":false'), out.count(b'"error":"tls_bad_signature"'))
        program.kill()


if __name__ == "__main__":
    main()
