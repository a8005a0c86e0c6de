"""Mistakes of the run are told once, and stop it: no record can help them, and none is lost.

(That no name server is there is tried in test_names.)"""

import os
import unittest

from certificates import Authority
from harness import (NOT_ALL_OK, OK, SANITIZED, STOPPED, USAGE, Case, answering, json_lines, main,
                     refused_port, response)


class Certificates(Case):
    WORDS = "ringsend: sending was stopped: CA file %s: No such file or directory; --cacert FILE"

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.dir)
        self.secure = self.tls_server(self.authority.certificate(),
                                      answering(lambda request: response(b"{}")))
        self.plain = self.server(answering(lambda request: response(b"{}")))
        self.nowhere = dict(os.environ, SSL_CERT_FILE=self.path("nowhere.pem"))
        self.there = dict(os.environ, SSL_CERT_FILE=self.authority.pem)
        self.out = self.path("out")

    def records(self, count, plain=0):
        return self.file("in", [{"id": n, "url": (self.plain if n < plain else self.secure).url,
                                 "data": "x"} for n in range(count)])

    def test_it_is_told_once_and_resume_goes_on(self):
        for options in ([], ["--sync"], ["--ordered"], ["-q"], ["--url", self.plain.url],
                        ["-t", "2", "--url", self.plain.url]):
            for plain in (0, 7):
                with self.subTest(options=options, plain=plain):
                    path = self.records(500, plain)
                    before = len(self.secure.requests) + len(self.plain.requests)
                    run = self.run_ringsend("send", "-o", self.out, "--force", *options, path,
                                            env=self.nowhere)
                    self.assertEqual(run.status, USAGE, run.err)
                    self.assertEqual(run.err.count("No such file"), 1, run.err)
                    self.assertIn(self.WORDS % self.path("nowhere.pem"), run.err)
                    self.assertIn("To go on:\n", run.err)
                    results = json_lines(self.read("out"))
                    self.assertTrue(all(r["ok"] and r["id"] < plain for r in results), results)
                    run = self.run_ringsend("send", "-o", self.out, "--resume", *options, path,
                                            env=self.there)
                    self.assertEqual(run.status, OK, run.err)
                    self.assertEqual(sorted(r["id"] for r in json_lines(self.read("out"))),
                                     list(range(500)))
                    self.assertEqual(len(self.secure.requests) + len(self.plain.requests) - before,
                                     500)

    def test_without_a_journal_those_in_hand_have_it_as_their_result(self):
        run = self.run_ringsend("send", "-c", "1", self.records(5000), env=self.nowhere)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertLess(len(run.results), 1000)
        for result in run.results:
            self.assertIn(result["error"], ("tls_config", "stopped"))
        self.assertIn("the rest: tail -n +", run.err)

    def test_whoever_needs_none_does_not_hear_of_it(self):
        run = self.run_ringsend("send", self.records(5, plain=5), env=self.nowhere)
        self.assertEqual(run.status, OK, run.err)
        run = self.run_ringsend("send", "-k", self.records(5), env=self.nowhere)
        self.assertEqual(run.status, OK, run.err)


class Unreached(Case):
    def setUp(self):
        super().setUp()
        self.listener, self.port = refused_port()
        self.addCleanup(self.listener.close)

    def records(self, count):
        return self.file("in", [{"id": n, "url": "http://127.0.0.1:%d/" % self.port}
                                for n in range(count)])

    @unittest.skipIf(SANITIZED, "40 s of waiting, and then what --max-failures 3 does")
    def test_half_a_minute_without_one_connection_is_the_end(self):
        """Those who have one wait longer, whatever becomes of it. Both at once: each waits."""
        server = self.server(lambda peer: peer.hold())
        held = self.start("send", "--first-byte-timeout", "40s", "--tries", "1", self.file(
            "held", [{"url": server.url}]), bound_s=120)
        self.stopped_by_itself()
        run = held.finish()
        self.assertEqual((run.status, run.results[0]["error"]), (NOT_ALL_OK, "timeout_first_byte"))
        self.assertNotIn("no connection so far", run.err)

    def stopped_by_itself(self):
        program = self.start("send", "-o", self.path("out"), self.records(100000), bound_s=120)
        program.wait_for(lambda out, err: b"no connection so far: connect_refused: " in err)
        run = program.finish()
        self.assertEqual(run.status, STOPPED, run.err)
        self.assertEqual(run.err.count("no connection so far"), 1)
        self.assertIn("sending was stopped: not one connection in 30 s (--max-failures)", run.err)
        self.assertIn("To go on:\n", run.err)
        results = json_lines(self.read("out"))
        self.assertLess(len(results), 5000)

    def test_who_says_none_or_a_number_gets_that(self):
        for value, status in (("none", NOT_ALL_OK), ("1000", NOT_ALL_OK), ("3", STOPPED)):
            run = self.run_ringsend("send", "--max-failures", value, "--tries", "1",
                                    self.records(10))
            self.assertEqual(run.status, status, run.err)


class Credentials(Case):
    def test_one_without_a_value_is_told_at_the_start(self):
        server = self.server(answering(lambda request: response(b"{}")))
        rows = self.file("in.csv", b"a,token\n1,x\n")
        for header, status in (
                ("Authorization: Bearer ", USAGE), ("Authorization: Bearer", USAGE),
                ("authorization:", USAGE), ("Proxy-Authorization: basic", USAGE),
                ("X-Api-Key: ", USAGE), ("Cookie:", USAGE),
                ("Authorization: Bearer {{env.EMPTY}}", USAGE), ("X-Api-Key: {{env.EMPTY}}", USAGE),
                ("Authorization: Bearer {{env.UNSET}}", USAGE),
                ("Authorization: Bearer x", OK), ("Authorization: x", OK),
                ("Authorization: Bearer {{token}}", OK), ("X-Empty:", OK),
                ("Authorization: Bearer {{env.FULL}}", OK)):
            for how in ("option", "file"):
                with self.subTest(header=header, how=how):
                    before = len(server.requests)
                    self.file("headers", [header.encode()])
                    run = self.run_ringsend(
                        "send", "--url", server.url, "--data", "{{a}}", "-H",
                        header if how == "option" else "@" + self.path("headers"), rows,
                        env=dict(os.environ, EMPTY="", FULL="x"))
                    self.assertEqual(run.status, status, run.err)
                    self.assertEqual(len(server.requests) - before, status == OK)
                    if status == USAGE and "UNSET" not in header:
                        self.assertIn("is empty", run.err)


if __name__ == "__main__":
    main()
