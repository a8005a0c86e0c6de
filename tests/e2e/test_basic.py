"""What everybody does first: records go out as their lines say, each gets its result."""

import base64
import json
import os
import shutil
import subprocess
import unittest

from harness import (Case, RINGSEND, REFUSED, ipv6_on_loopback, NOT_ALL_OK, OK, answering, header,
                     in_turn, main, response)

ECHO = answering(lambda request: response(request.body))


class Servers(Case):
    def test_get_post_put_head_against_serve_echo(self):
        serve = self.serve("--echo")
        run = self.send("--url", serve.url, records=[
            {"id": "g", "method": "GET"},
            {"id": "p", "method": "POST", "data": "posted"},
            {"id": "u", "method": "PUT", "data": "put"},
            {"id": "h", "method": "HEAD"}], expect=OK)
        bodies = {r["id"]: r["body"] for r in run.results}
        self.assertEqual((bodies["p"], bodies["u"], bodies["h"]), ("posted", "put", ""))
        self.assertEqual([r["status"] for r in run.results], [200] * 4)

    def test_get_post_put_head_against_nginx(self):
        nginx = self.nginx()
        run = self.send(records=[
            {"id": 1, "method": "GET", "url": nginx.url + "a"},
            {"id": 2, "method": "POST", "url": nginx.url + "b", "data": {"n": 2}},
            {"id": 3, "method": "PUT", "url": nginx.url + "c", "data": "three"},
            {"id": 4, "method": "HEAD", "url": nginx.url + "d"}], expect=OK)
        bodies = {r["id"]: r["body"] for r in run.results}
        self.assertEqual(bodies, {1: '{"uri":"/a"}', 2: '{"uri":"/b"}', 3: '{"uri":"/c"}', 4: ""})
        self.assertEqual(sorted(line[:2] for line in nginx.deliveries()),
                         [["GET", "/a"], ["HEAD", "/d"], ["POST", "/b"], ["PUT", "/c"]])

    def test_an_error_status_is_a_result_with_its_body_and_no_error(self):
        nginx = self.nginx()
        result = self.send_one({"id": 1, "url": nginx.url + "teapot/"})
        self.assertEqual((result["ok"], result["status"], result["error"], result["body"]),
                         (False, 418, None, "short and stout"))

    def test_a_redirect_is_not_followed(self):
        result = self.send_one({"url": self.nginx().url + "moved/"})
        self.assertEqual((result["ok"], result["status"], result["error"]), (False, 302, None))

    def test_a_large_file_from_nginx_comes_whole(self):
        nginx = self.nginx()
        data = "".join("%07d\n" % n for n in range(1 << 17))
        nginx.file("large", data.encode())
        self.assert_ok(self.send_one({"url": nginx.url + "file/large"}), data)

    def test_a_hundred_keep_alive_requests_use_one_connection(self):
        server = self.server(ECHO)
        self.send("-c", "1", "--url", server.url,
                  records=[{"data": str(n)} for n in range(100)], expect=OK)
        self.assertEqual((server.connections, len(server.requests)), (1, 100))

    def test_nginx_that_closes_after_five_requests_gets_every_record_once(self):
        nginx = self.nginx(keepalive_requests=5)
        run = self.send("-c", "4", "--url", nginx.url, "-X", "POST", records=[
            {"id": n, "headers": {"x-id": str(n)}, "data": "x"} for n in range(100)], expect=OK)
        self.assertEqual(sorted(r["id"] for r in run.results), list(range(100)))
        self.assertEqual(sorted(int(line[2]) for line in nginx.deliveries()), list(range(100)))

    @unittest.skipUnless(ipv6_on_loopback(), "no IPv6 on loopback here")
    def test_an_ipv6_literal_is_reached_and_named_in_brackets(self):
        server = self.server(ECHO, host="::1")
        self.assert_ok(self.send_one({"url": server.url, "data": "six"}), "six")
        self.assertEqual(header(server.requests[0], "host"), [server.authority])

    def test_the_name_localhost_is_reached(self):
        server = self.server(ECHO)
        self.assert_ok(self.send_one({"url": "http://localhost:%d/x" % server.port, "data": "l"}))
        self.assertEqual(header(server.requests[0], "host"), ["localhost:%d" % server.port])

    def test_url_path_query_and_missing_slash_arrive_as_given(self):
        server = self.server(ECHO)
        base = "http://127.0.0.1:%d" % server.port
        for url, target in (("", "/"), ("/a%20b/c?d=e&f=%2F", "/a%20b/c?d=e&f=%2F"),
                            ("?q=1", "/?q=1"), ("/x#fragment", "/x"), ("//a/../b", "//a/../b")):
            with self.subTest(url=url):
                self.assert_ok(self.send_one({"url": base + url}))
                self.assertEqual(server.requests[-1].target, target)


class Ids(Case):
    def setUp(self):
        super().setUp()
        self.url = self.server(ECHO).url

    def id_text(self, text):
        """The very bytes that stand for the id in the result of a record with this id."""
        line = b'{"id":%s,"url":"%s"}' % (text, self.url.encode())
        run = self.send(records=[line], expect=OK)
        self.assertEqual(len(run.results), 1)
        rest = run.out.split(b'"id":', 1)[1].lstrip()
        return rest[:rest.index(b',"line":')] if b',"line":' in rest else rest.split(b",")[0]

    def test_a_string_id_comes_back(self):
        self.assertEqual(json.loads(self.id_text(b'"r-1"')), "r-1")

    def test_a_string_id_with_escapes_keeps_its_value(self):
        self.assertEqual(json.loads(self.id_text(rb'"a\"b\\\u00e9\ud83d\ude00"')),
                         "a\"b\\\u00e9\U0001f600")

    def test_a_number_id_keeps_every_digit(self):
        for text in (b"7", b"-0", b"12345678901234567890123", b"1.10", b"1e3"):
            with self.subTest(text=text):
                self.assertEqual(self.id_text(text), text)

    def test_an_object_id_comes_back(self):
        self.assertEqual(json.loads(self.id_text(b'{"a":[1,2,{"b":null}]}')),
                         {"a": [1, 2, {"b": None}]})

    def test_null_true_and_false_ids_come_back(self):
        for text in (b"null", b"true", b"false"):
            self.assertEqual(self.id_text(text), text)

    def test_an_absent_id_is_the_line_number(self):
        run = self.send("--url", self.url, records=[{"data": "a"}, {"id": "x"}, {"data": "b"}])
        self.assertEqual({r["line"]: r["id"] for r in run.results}, {1: 1, 2: "x", 3: 3})

    def test_custom_id_is_accepted_for_id(self):
        self.assertEqual(self.send_one({"custom_id": "c", "url": self.url})["id"], "c")

    def test_id_and_custom_id_together_are_refused(self):
        self.assert_error(self.send_one({"id": 1, "custom_id": 2, "url": self.url}), "bad_record",
                          "custom_id")

    def test_equal_ids_each_get_their_result(self):
        run = self.send("--url", self.url, records=[{"id": 1, "data": str(n)} for n in range(9)])
        self.assertEqual(sorted((r["id"], r["line"], r["body"]) for r in run.results),
                         [(1, n + 1, str(n)) for n in range(9)])


class Data(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(ECHO)

    def sent(self, line, *options):
        """The request that a record line becomes."""
        run = self.send("--url", self.echo.url, *options, records=[line], expect=OK)
        self.assertEqual(len(run.results), 1)
        return self.echo.requests[-1]

    def test_a_string_is_sent_as_it_is(self):
        request = self.sent({"data": "\u00fcber\n"})
        self.assertEqual((request.method, request.body), ("POST", "\u00fcber\n".encode()))
        self.assertEqual(header(request, "content-type"), [])

    def test_an_object_is_sent_byte_for_byte_as_json(self):
        text = b'{ "b" : 1.50 ,"a":[ 1,2 ], "\\u0041": "\\/" }'
        request = self.sent(b'{"data": ' + text + b' , "id": 1}')
        self.assertEqual(request.body, text)
        self.assertEqual(header(request, "content-type"), ["application/json"])

    def test_arrays_numbers_and_booleans_are_sent_as_they_stand(self):
        for text in (b"[1, 2]", b"-1.0e5", b"true", b"false", b"[]"):
            with self.subTest(text=text):
                request = self.sent(b'{"data":' + text + b'}')
                self.assertEqual(request.body, text)
                self.assertEqual(header(request, "content-type"), ["application/json"])

    def test_a_content_type_given_is_not_overridden(self):
        request = self.sent({"data": {}, "headers": {"Content-Type": "text/x"}})
        self.assertEqual(header(request, "content-type"), ["text/x"])

    def test_body_is_accepted_for_data(self):
        self.assertEqual(self.sent({"body": "b"}).body, b"b")

    def test_base64_is_decoded(self):
        data = bytes(range(256))
        self.assertEqual(self.sent({"data_base64": base64.b64encode(data).decode()}).body, data)

    def test_bad_base64_is_a_bad_record(self):
        for text in ("a", "ab=c", "a b=", "!!!!", "QQ=", "QR=="):
            with self.subTest(text=text):
                self.assert_error(self.send_one({"url": self.echo.url, "data_base64": text}),
                                  "bad_record", "base64")

    def test_a_data_file_is_sent(self):
        path = self.file("payload", b"from a file\0\xff")
        self.assertEqual(self.sent({"data_file": path}).body, b"from a file\0\xff")

    def test_an_empty_data_file_is_an_empty_body(self):
        request = self.sent({"data_file": self.file("payload", b"")})
        self.assertEqual((request.body, header(request, "content-length")), (b"", ["0"]))

    def test_a_data_file_that_does_not_tell_its_size_is_sent_whole(self):
        # The arguments of a process that waits for its input: a file of "0" bytes.
        args = ["cat", "-", *("%d" % n + "x" * 20000 for n in range(6))]
        other = subprocess.Popen(args, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(other.wait)
        self.addCleanup(other.stdin.close)
        path = "/proc/%d/cmdline" % other.pid
        self.assertEqual(os.stat(path).st_size, 0)
        self.assertEqual(self.sent({"data_file": path}).body,
                         b"".join(arg.encode() + b"\0" for arg in args))

    def test_a_data_file_that_is_unreadable_or_none_is_an_error_that_names_it(self):
        for path in (self.dir, "/dev/null", "/proc/self/mem"):
            with self.subTest(path=path):
                self.assert_error(self.send_one({"url": self.echo.url, "data_file": path}),
                                  "data_file", path)
        self.assertEqual(self.echo.requests, [])

    @unittest.skipIf(REFUSED, "over epoll threads of ours do it, which strace sees")
    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_a_data_file_is_loaded_by_the_ring(self):
        """A slow file system must not hold the loop: no system call of ours opens, looks at or
        reads it."""
        path, calls = self.file("payload", b"x"), self.path("calls")
        records = self.file("r.jsonl", [{"url": self.echo.url, "data_file": path}])
        subprocess.run([
            "strace", "-f", "-y", "-o", calls, "-e",
            "trace=open,openat,openat2,?stat,fstat,newfstatat,statx,read,pread64,readv", RINGSEND,
            "send", records
        ], check=True, capture_output=True,
                       env=dict(os.environ,
                                ASAN_OPTIONS="detect_leaks=0"))  # which is no tracer's friend
        self.assertEqual(self.echo.requests[-1].body, b"x")
        self.assertIn(b"r.jsonl", self.read("calls"))
        self.assertNotIn(b"payload", self.read("calls"))

    def test_a_missing_data_file_is_an_error_result(self):
        self.assert_error(self.send_one({"url": self.echo.url, "data_file": "/nope/nope"}),
                          "data_file")
        self.assertEqual(self.echo.requests, [])

    def test_two_kinds_of_data_are_refused(self):
        self.assert_error(self.send_one({"url": self.echo.url, "data": "a", "data_base64": "YQ=="}),
                          "bad_record", "data")

    def test_an_empty_string_is_an_empty_body(self):
        request = self.sent({"method": "POST", "data": ""})
        self.assertEqual((request.body, header(request, "content-length")), (b"", ["0"]))

    def test_a_get_without_data_has_no_content_length(self):
        self.assertEqual(header(self.sent({"method": "GET"}), "content-length"), [])

    def test_a_megabyte_goes_out_and_comes_back(self):
        data = "0123456789abcdef" * (1 << 16)
        self.assert_ok(self.send_one({"url": self.echo.url, "data": data}), data)


class Results(Case):
    def test_each_record_has_exactly_one_result_in_the_promised_shape(self):
        server = self.server(answering(lambda r: response(
            b"x", "404 Not Found" if r.body == b"7" else "200 OK")))
        records = [{"id": n, "data": str(n)} for n in range(100)]
        records[50] = b'{"id": '
        run = self.send("--url", server.url, records=records, expect=NOT_ALL_OK)
        self.assertEqual(sorted(r["line"] for r in run.results), list(range(1, 101)))
        for result in run.results:
            self.assert_result_shape(result)
        by_line = {r["line"]: r for r in run.results}
        self.assertEqual((by_line[8]["ok"], by_line[8]["status"]), (False, 404))
        self.assert_error(by_line[51], "bad_record")
        self.assertEqual(sum(r["ok"] for r in run.results), 98)

    def test_a_body_that_is_not_utf8_comes_as_base64(self):
        for body in (b"\xff\xfe", b"ok\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"):
            with self.subTest(body=body):
                server = self.server(in_turn(response(body)))
                result = self.send_one({"url": server.url})
                self.assert_ok(result)
                self.assertNotIn("body", result)
                self.assertEqual(base64.b64decode(result["body_base64"], validate=True), body)

    def test_a_body_of_awkward_text_comes_as_a_string(self):
        text = "".join(map(chr, range(128))) + "\u00e9\u2028\U0001f600\"\\/"
        server = self.server(in_turn(response(text.encode())))
        self.assert_ok(self.send_one({"url": server.url}), text)

    def test_the_file_is_named_when_several_are_sent(self):
        server = self.server(ECHO)
        one = self.file("one.jsonl", [{"data": "1"}])
        two = self.file("two.jsonl", [{"data": "2"}, {"data": "3"}])
        run = self.run_ringsend("send", "--url", server.url, one, two)
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(sorted((r["file"], r["line"], r["body"]) for r in run.results),
                         [(one, 1, "1"), (two, 1, "2"), (two, 2, "3")])
        for result in run.results:
            self.assert_result_shape(result)

    def test_the_results_do_not_depend_on_the_order_of_the_lines(self):
        server = self.server(ECHO)
        records = [{"id": n, "data": str(n)} for n in range(50)]
        seen = [sorted((r["id"], r["body"]) for r in
                       self.send("--url", server.url, records=order, expect=OK).results)
                for order in (records, records[::-1])]
        self.assertEqual(seen[0], seen[1])

    def test_a_slow_record_does_not_hold_back_the_others(self):
        def script(peer):
            while True:
                request = peer.request()
                if not request:
                    return
                if request.body == b"slow":  # answered only after all others were
                    peer.server.wait_for(lambda server: len(server.requests) == 20)
                peer.send(response(request.body))
        server = self.server(script)
        run = self.send("-c", "2", "--url", server.url, records=[{"data": "slow"}] + [
            {"data": str(n)} for n in range(19)], expect=OK)
        self.assertEqual(len(run.results), 20)


class Defaults(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(ECHO)

    def request(self, record, *options):
        self.send(*options, records=[record], expect=OK)
        return self.echo.requests[-1]

    def test_url_and_method_options_stand_in_for_absent_keys(self):
        request = self.request({"data": "x"}, "--url", self.echo.url + "default", "-X", "PATCH")
        self.assertEqual((request.method, request.target), ("PATCH", "/default"))

    def test_a_record_overrides_url_and_method(self):
        request = self.request({"url": self.echo.url + "own", "method": "DELETE"},
                               "--url", self.echo.url + "default", "--method=PATCH")
        self.assertEqual((request.method, request.target), ("DELETE", "/own"))

    def test_header_options_are_sent_with_every_record(self):
        request = self.request({"data": "x"}, "--url", self.echo.url, "-H", "X-One: 1",
                               "--header", "x-two:  two words ")
        self.assertEqual(header(request, "x-one"), ["1"])
        self.assertEqual(header(request, "x-two"), ["two words"])

    def test_a_records_header_takes_the_place_of_the_options(self):
        request = self.request({"headers": {"x-ONE": "mine"}}, "--url", self.echo.url,
                               "-H", "X-One: default", "-H", "X-Two: kept")
        self.assertEqual((header(request, "x-one"), header(request, "x-two")), (["mine"], ["kept"]))

    def test_a_list_of_values_becomes_that_many_header_lines(self):
        request = self.request({"url": self.echo.url, "headers": {"x-a": ["1", "2"], "x-b": "3"}})
        self.assertEqual((header(request, "x-a"), header(request, "x-b")), (["1", "2"], ["3"]))

    def test_headers_come_from_a_file_too(self):
        path = self.file("headers", b"X-One: 1\nAuthorization: Bearer t\n")
        request = self.request({"url": self.echo.url}, "-H", "@" + path)
        self.assertEqual((header(request, "x-one"), header(request, "authorization")),
                         (["1"], ["Bearer t"]))

    def test_host_and_length_are_sent_exactly_once(self):
        request = self.request({"url": self.echo.url, "data": "four"})
        self.assertEqual(header(request, "host"), [self.echo.authority])
        self.assertEqual(header(request, "content-length"), ["4"])
        self.assertEqual(header(request, "transfer-encoding"), [])

    def test_a_record_without_any_url_is_a_bad_record(self):
        self.assert_error(self.send_one({"data": "x"}), "bad_record", "url")


class Steps(Case):
    def test_a_build_with_slow_checks_writes_the_steps_of_a_run_and_no_other(self):
        """RINGSEND_TRACE (CONTRIBUTING.md): the life of a record, step by step."""
        path = self.path("trace")
        with open(RINGSEND, "rb") as program:
            has_steps = b"RINGSEND_TRACE" in program.read()
        subprocess.run(
            [RINGSEND, "send", "--url", self.serve().url, self.file("in.jsonl", [{"data": "x"}])],
            check=True, capture_output=True, env=dict(os.environ, RINGSEND_TRACE=path))
        self.assertEqual(os.path.exists(path), has_steps)
        if not has_steps:
            return
        with open(path, encoding="ascii") as trace:
            lines = [line.split() for line in trace]
        self.assertEqual({(len(line), line[5]) for line in lines}, {(7, "->")}, lines)
        steps = [line[6] for line in lines if line[2] == "request"]
        self.assertEqual(steps, ["REQUEST_TRYING", "REQUEST_FINISHED"])
        steps = [line[6] for line in lines if line[2] == "attempt"]
        self.assertEqual(steps, ["ATTEMPT_QUEUED", "ATTEMPT_BEGUN", "ATTEMPT_OVER",
                                 "ATTEMPT_KNOWN"])
        slot = next(line[3] for line in lines if line[6] == "SLOT_IN_FLIGHT")
        steps = [line[6] for line in lines
                 if line[2:4] == ["slot", slot] and line[6] != "SLOT_ASIDE"]  # at the start
        self.assertEqual(steps, ["SLOT_READING", "SLOT_IN_FLIGHT", "SLOT_FREE"])
        steps = [line[6] for line in lines if line[2] == "conn" and line[6].startswith("CONN_")]
        self.assertEqual(steps, ["CONN_CONNECTING", "CONN_READY", "CONN_SHUTTING_DOWN",
                                 "CONN_CLOSE", "CONN_CLOSING", "CONN_CLOSED"])


if __name__ == "__main__":
    main()
