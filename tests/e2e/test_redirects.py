"""Redirects that are followed (-L): as curl does, which is asked; and what was answered with a
redirect to a GET is never sent again."""

import os
import re
import subprocess
import threading

from harness import (
    NOT_ALL_OK,
    OK,
    USAGE,
    Case,
    answering,
    header,
    json_lines,
    main,
    refused_port,
    response,
)

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
CODES = [301, 302, 303, 307, 308]
WITH_BODY = ["POST", "PUT", "PATCH"]
SECRETS = {"Authorization": "Bearer geheim", "Cookie": "n=v"}


def moved(to, code=302, *more):
    return response(b"moved", "%d Moved" % code, ["Location: " + to, *more])


class Redirects(Case):
    def platform(self, second=None):
        """Answers /CODE/WHERE by a redirect to /end, here or at `second`, and all else by 200."""
        def answer(request):
            parts = request.target.split("/")
            if not parts[1].isdigit():
                return response(b"" if request.method == "HEAD" else b"end")
            end = (second.url if parts[2] == "other" else "/") + "end"
            return (b"HTTP/1.1 %s Moved\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n" %
                    (parts[1].encode(), end.encode()))
        return self.server(answering(answer))

    def by_curl(self, method, url):
        """-X would hold over all hops, which is curl's trap; -T has a body whatever the method."""
        args = ["curl", "-sS", "-L", "--max-time", "20", "-o", os.devnull]
        for name, value in SECRETS.items():
            args += ["-H", "%s: %s" % (name, value)]
        way = {"HEAD": ["-I"], "POST": ["-d", "body"], "PUT": ["-T", self.path("body")],
               "PATCH": ["-X", "PATCH", "-T", self.path("body")]}
        way = way.get(method, [] if method == "GET" else ["-X", method])
        subprocess.run(args + ["-H", "Expect:"] + way + [url], check=True, timeout=60)

    def seen(self, server, second):
        seen = [(server_is, r.method, r.body, header(r, "authorization"), header(r, "cookie"))
                for server_is, each in enumerate((server, second)) for r in each.requests]
        server.requests.clear()
        second.requests.clear()
        return seen

    def test_seventy_ways_are_curls(self):
        second = self.platform()
        server = self.platform(second)
        self.file("body", b"body")
        rows = [(code, method, where) for code in CODES for method in METHODS
                for where in ("same", "other")]
        self.assertEqual(len(rows), 70)
        by_curl = []
        for code, method, where in rows:
            self.by_curl(method, "%s%d/%s" % (server.url, code, where))
            by_curl.append(self.seen(server, second))
        for (code, method, where), wanted in zip(rows, by_curl):
            record = {"method": method, "url": "%s%d/%s" % (server.url, code, where),
                      "headers": SECRETS}
            if method in WITH_BODY:
                record["data"] = "body"
            result = self.send_one(record, "-L")
            self.assert_ok(result)
            self.assertEqual(len(result["redirects"]), 1)
            ours = self.seen(server, second)
            if code == 303 and method in ("PATCH", "DELETE", "OPTIONS"):
                # The trap: the method of -X stays, though the body goes.
                self.assertEqual([each[1] for each in ours], [method, "GET"])
                ours[1] = ours[1][:1] + (method,) + ours[1][2:]
            self.assertEqual(ours, wanted, (code, method, where))

    def test_the_result_tells_where_it_was_led(self):
        second = self.platform()
        steps = {"/": moved("a/b?q", 307), "/a/b?q": moved("../c#f", 308),
                 "/c": moved("//%s/end" % second.authority)}
        server = self.server(answering(lambda r: steps[r.target]))
        result = self.send_one({"url": server.url, "data": "x"}, "-L", "--trace")
        self.assert_ok(result, "end")
        self.assert_result_shape(result)
        self.assertEqual(result["redirects"], [server.url + "a/b?q", server.url + "c#f",
                                               second.url + "end#f"])
        self.assertEqual([(t["status"], t.get("for")) for t in result["trace"]],
                         [(307, "redirect"), (308, "redirect"), (302, "redirect"), (200, None)])
        self.assertGreaterEqual(result["us"]["total"], sum(t["total"] for t in result["trace"]))
        self.assertEqual([(r.method, r.body) for r in server.requests + second.requests],
                         [("POST", b"x")] * 3 + [("GET", b"")])

    def test_without_the_option_it_is_a_result_that_tells_the_location(self):
        server = self.server(answering(lambda r: moved("/b?key=1")))
        result = self.send_one({"url": server.url})
        self.assertEqual((result["error"], result["status"], result["ok"]), (None, 302, False))
        self.assertEqual(result["location"], "/b?key=1")
        self.assertIn("is not followed", result["detail"])
        self.assertEqual(len(server.requests), 1)

    def test_loops_end(self):
        server = self.server(answering(lambda r: moved(r.target + "x" * 400)))
        result = self.send_one({"url": server.url}, "-L", "--max-redirs", "5")
        self.assert_error(result, "too_many_redirects", "more redirects")
        self.assertEqual((result["attempts"], len(result["redirects"])), (6, 5))
        server.requests.clear()
        result = self.send_one({"url": server.url}, "-L", "--max-redirs", "1000")
        self.assert_error(result, "bad_redirect", "too long")
        run = self.run_ringsend("check", "-L", "--max-redirs", "1001", self.file("r", []))
        self.assertEqual(run.status, USAGE)

    def test_where_nobody_can_be_led_to(self):
        places = ["ftp://a/", "javascript:alert(1)", "http://u:p@a/", "http://[fe80::1%25eth0]/",
                  "http://", "http:///x", "http://a:0/", "http://a b/", "http://0x7f.1/", "file:/x",
                  "http://a/%zz", "https:x", "\\\\a\\b%", "x" * 60000 + "%"]
        server = self.server(answering(lambda r: moved(places[int(r.body)], 303)))
        run = self.send("-L", "-X", "POST", "--url", server.url, "-c", "1", expect=NOT_ALL_OK,
                        records=[{"data": str(n)} for n in range(len(places))])
        for place, result in zip(places, run.results):
            self.assert_error(result, "bad_redirect", "POST was answered with 303")
            self.assertTrue(result["processed"])
            self.assertEqual(result["location"], place)
        self.assertEqual(len(server.requests), len(places))
        for empty in ("", " \t"):
            server = self.server(answering(lambda r: moved(empty)))  # noqa: B023
            result = self.send_one({"url": server.url}, "-L")
            self.assertEqual((result["status"], result["error"]), (302, None))

    def test_what_servers_write_though_no_url_holds_it(self):
        server = self.server(answering(lambda r: response(r.target.encode()) if "?" in r.target
                                       else moved("/a b\xe9?c d")))
        self.assert_ok(self.send_one({"url": server.url}, "-L"), "/a%20b%E9?c%20d")

    def test_who_was_answered_is_not_sent_again_though_the_get_fails(self):
        sock, port = refused_port()
        self.addCleanup(sock.close)
        server = self.server(answering(lambda r: moved("http://127.0.0.1:%d/" % port, 303)))
        out = self.path("out")
        run = self.send("-L", "-o", out, "--tries", "2", "--retry-delay", "10ms", "--failed",
                        self.path("failed"), records=[{"url": server.url, "data": "x"}],
                        expect=NOT_ALL_OK)
        result, = json_lines(self.read("out"))
        self.assert_error(result, "connect_refused", "POST was answered with 303", "the GET")
        self.assertEqual((result["attempts"], result["processed"]), (3, True))
        self.assertNotIn("ambiguous", result)
        self.assertEqual(len(server.requests), 1)

    def held_second(self, code):
        """A POST answered by `code`, and what it leads to is held until a signal has come."""
        second = self.server(lambda peer: (peer.request(), peer.hold()))
        first = self.server(answering(lambda r: moved(second.url, code)))
        program = self.start("send", "-L", "-o", self.path("out"), "--url", first.url,
                             self.file("r.jsonl", [{"data": "x"}]))
        second.wait_for(lambda server: server.requests)
        return first, second, program

    def resume(self, first):
        return self.run_ringsend("send", "-L", "-o", self.path("out"), "--url", first.url,
                                 "--resume", self.path("r.jsonl"))

    def test_killed_in_the_middle_of_a_hop(self):
        for code in (303, 307):
            first, second, program = self.held_second(code)
            program.kill()
            self.resume(first)
            result, = json_lines(self.read("out"))
            self.assertEqual((result["error"], result["ambiguous"]), ("in_doubt", True))
            self.assertEqual((len(first.requests), len(second.requests)), (1, 1))
            os.unlink(self.path("out"))

    def test_stopped_between_hops_the_post_is_done(self):
        """In the wait that the redirect asks for."""
        for code in (303, 307):
            asked = threading.Event()

            def answer(request):
                asked.set()
                return moved("/end", code, "Retry-After: 20")  # noqa: B023
            first = self.server(answering(answer))
            program = self.start("send", "-L", "-o", self.path("out"), "--url", first.url,
                                 self.file("r.jsonl", [{"data": "x"}]))
            asked.wait()
            program.signal(2)
            self.assertEqual(program.finish().status, 130)
            first.script = answering(lambda r: response(b"ok"))
            run = self.resume(first)
            result, = json_lines(self.read("out"))
            posts = [r.method for r in first.requests].count("POST")
            if code == 303:
                self.assertIn(result["error"], ("stopped", None))  # by when the signal came
                self.assertEqual((result["processed"], posts), (True, 1), run.err)
            else:
                self.assertEqual((result["ok"], posts), (True, 2), run.err)
            os.unlink(self.path("out"))

    def test_a_dead_second_hop_holds_nobody_up(self):
        dead = self.server(lambda peer: peer.hold())
        first = self.server(answering(lambda r: moved(dead.url, 307) if r.target == "/dead"
                                      else response(b"ok")))
        records = [{"url": first.url + ("dead" if n < 4 else "x"), "data": "x"} for n in range(200)]
        for threads in ("1", "2"):
            run = self.send("-L", "-c", "8", "-t", threads, "--first-byte-timeout", "400ms",
                            "--tries", "1", records=records, expect=NOT_ALL_OK)
            bad = [r for r in run.results if not r["ok"]]
            self.assertEqual({(r["error"], r.get("ambiguous")) for r in bad},
                             {("timeout_first_byte", True)})
            self.assertEqual(len(bad), 4)

    def test_tries_go_on_where_it_was_led_to(self):
        answers = iter([moved("/b", 303), response(b"", "503 No"), response(b"ok")])
        server = self.server(answering(lambda r: next(answers)))
        result = self.send_one({"url": server.url, "data": "x"}, "-L", "--retry-delay", "1ms")
        self.assert_ok(result, "ok")
        self.assertEqual([(r.method, r.target) for r in server.requests],
                         [("POST", "/"), ("GET", "/b"), ("GET", "/b")])

    def test_bodies_out_of_files_go_again_or_are_told_that_they_cannot(self):
        self.file("body", b"body" * 50000)
        answers = {"/": moved("/b", 307), "/b": response(b"ok")}
        server = self.server(answering(lambda r: answers[r.target]))
        result = self.send_one({"url": server.url, "data_file": self.path("body")}, "-L")
        self.assert_ok(result)
        self.assertEqual([len(r.body) for r in server.requests], [200000] * 2)

    def test_tokens_and_keys_do_not_go_to_strangers(self):
        second = self.server(answering(lambda r: moved(first.url + "end")))
        first = self.server(answering(lambda r: response(b"ok") if r.target == "/end" else
                                      moved(second.url)))
        result = self.send_one({"url": first.url, "headers": {"X-Api-Key": "k", "X-Other": "o"}},
                               "-L", "--token-command", "echo token")
        self.assert_ok(result)
        seen = [(header(r, "authorization"), header(r, "x-api-key"), header(r, "x-other"))
                for r in first.requests + second.requests]
        stranger = ([], [], ["o"])
        self.assertEqual(seen, [(["Bearer token"], ["k"], ["o"]), stranger, stranger])

    def test_dry_run_tells_curl_so(self):
        run = self.send("-L", "--max-redirs", "7", "--dry-run", expect=OK,
                        records=[{"url": "http://a/"}])
        self.assertRegex(run.out.decode() + run.err, re.escape("-L --max-redirs 7"))

    def test_signatures_are_of_each_hop(self):
        seen = []

        def answer(request):
            seen.append(header(request, "authorization")[0])
            return response(b"ok") if request.target == "/end" else moved("/end", 303)
        server = self.server(answering(answer))
        run = self.send("-L", "--aws-sigv4", "aws:amz:r:s", "-u", "ID:SECRET", expect=OK,
                        records=[{"url": server.url, "data": "x"}])
        self.assertEqual(len(set(seen)), 2, run.err)


if __name__ == "__main__":
    main()
