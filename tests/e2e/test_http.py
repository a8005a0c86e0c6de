"""Responses as servers should not send them, and requests as users should not ask for them.

Each server here is a script that sends bytes; --tries 1 where the outcome would be tried again."""

import base64
import gzip
import os
import subprocess
import threading

from harness import (BOUND_S, NOT_ALL_OK, OK, USAGE, Authority, Case, answering, header, in_turn,
                     main, response)

END = b"\r\n\r\n"
GET = {"method": "GET"}


def then_close(data):
    """Answers with these bytes and ends the stream."""
    def script(peer):
        peer.request()
        peer.send(data)
        peer.end()
    return script


def then_reset(data):
    """Answers with these bytes and, once the client has them all, breaks the connection."""
    def script(peer):
        peer.request()
        peer.send(data)
        peer.reset()
    return script


class Http(Case):
    def answer(self, data, *options, method="GET"):
        """The result of a record whose answer is exactly these bytes, connection kept open."""
        return self.send_one({"url": self.server(in_turn(data)).url, "method": method},
                             "--tries", "1", *options)


class GoodResponses(Http):
    def test_a_response_in_single_bytes_is_read(self):
        def script(peer):
            peer.request()
            peer.send_split(response(b"hello", headers=["X-A: b"]))
            peer.wait_close()
        self.assert_ok(self.send_one({"url": self.server(script).url}), "hello")

    def test_a_chunked_response_in_single_bytes_is_read(self):
        def script(peer):
            peer.request()
            peer.send_split(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"5;x=\"y\"\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n")
            peer.wait_close()
        self.assert_ok(self.send_one({"url": self.server(script).url}), "hello world")

    def test_chunks_and_trailers_end_where_they_say_and_the_connection_is_used_again(self):
        chunked = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
                   b"3\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n")
        server = self.server(in_turn(chunked))
        run = self.send("-c", "1", "--url", server.url, records=[GET] * 3, expect=OK)
        self.assertEqual([r["body"] for r in run.results], ["abc0123456789"] * 3)
        self.assertEqual(server.connections, 1)

    def test_an_empty_reason_and_odd_header_spacing_are_read(self):
        self.assert_ok(self.answer(b"HTTP/1.1 200 \r\ncontent-LENGTH:2\r\nX:\t a b \r\n\r\nok"),
                       "ok")
        self.assert_ok(self.answer(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"), "ok")

    def test_bare_lf_heads_are_read(self):
        self.assert_ok(self.answer(b"HTTP/1.1 200 OK\nContent-Length: 3\nX-A: b\n\na\nb"), "a\nb")

    def test_bare_lf_heads_in_single_bytes_are_read(self):
        def script(peer):
            peer.request()
            peer.send_split(b"HTTP/1.1 200 OK\nContent-Length: 3\r\nX-A: b\n\na\nb")
            peer.wait_close()
        self.assert_ok(self.send_one({"url": self.server(script).url}), "a\nb")

    def test_strict_http_refuses_bare_lf_heads(self):
        self.assert_error(self.answer(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "--strict-http"),
                          "bad_response")

    def test_strict_http_reads_proper_heads(self):
        self.assert_ok(self.answer(response(b"ok"), "--strict-http"), "ok")

    def test_interim_responses_are_passed_over(self):
        result = self.answer(b"HTTP/1.1 100 Continue" + END + b"HTTP/1.1 103 Early Hints\r\n"
                             b"Link: </x>" + END + response(b"final", "201 Created"))
        self.assert_ok(result, "final")
        self.assertEqual(result["status"], 201)

    def test_interim_responses_are_bounded_by_their_bytes(self):
        hint = b"HTTP/1.1 103 Early Hints" + END
        fit = (64 << 10) // len(hint)
        self.assert_ok(self.answer(hint * fit + response(b"x")), "x")
        self.assert_error(self.answer(hint * (fit + 1) + response(b"x")), "too_many_interim")

    def test_204_and_304_with_a_content_length_have_no_body(self):
        for status, connections in (("204 No Content", 2), ("304 Not Modified", 1)):
            with self.subTest(status=status):
                head = b"HTTP/1.1 " + status.encode() + b"\r\nContent-Length: 100" + END
                server = self.server(in_turn(head, response(b"next")))
                run = self.send("-c", "1", "--url", server.url, records=[GET, GET])
                self.assertEqual([(r["status"], r["body"]) for r in run.results],
                                 [(int(status[:3]), ""), (200, "next")])
                self.assertEqual(server.connections, connections)

    def test_head_has_no_body_whatever_its_content_length(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000" + END
        server = self.server(in_turn(head, response(b"next")))
        run = self.send("-c", "1", "--url", server.url, expect=OK,
                        records=[{"method": "HEAD"}, GET])
        self.assertEqual([r["body"] for r in run.results], ["", "next"])
        self.assertEqual(server.connections, 1)

    def test_head_with_transfer_encoding_has_no_body(self):
        self.assert_ok(self.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" + END,
                                   method="HEAD"), "")

    def test_a_body_that_ends_with_the_connection_is_complete(self):
        server = self.server(then_close(b"HTTP/1.1 200 OK\r\nX: y" + END + b"until close"))
        self.assert_ok(self.send_one({"url": server.url}), "until close")

    def test_an_http_1_0_response_is_complete_at_its_end(self):
        server = self.server(then_close(b"HTTP/1.0 200 OK" + END + b"old"))
        run = self.send("-c", "1", "--url", server.url, records=[GET, GET], expect=OK)
        self.assertEqual([r["body"] for r in run.results], ["old", "old"])
        self.assertEqual(server.connections, 2)

    def test_connection_close_is_honoured(self):
        closing = response(b"x", headers=["Connection: close"])
        server = self.server(in_turn(closing))
        self.send("-c", "1", "--url", server.url, records=[GET] * 3, expect=OK)
        self.assertEqual(server.connections, 3)

    def test_a_response_that_comes_before_the_body_is_sent_counts(self):
        def script(peer):
            while b"\r\n\r\n" not in peer.held:
                peer._more()
            peer.send(response(b"too much", "413 Payload Too Large", ["Connection: close"]))
            while peer._more():
                peer.held = b""
        result = self.send_one({"url": self.server(script).url, "data": "x" * (8 << 20)})
        self.assertEqual((result["status"], result["error"], result["body"]),
                         (413, None, "too much"))

    def test_a_content_encoding_is_passed_through(self):
        data = gzip.compress(b"compressed")
        result = self.answer(response(data, headers=["Content-Encoding: gzip"]))
        self.assert_ok(result)
        self.assertEqual(base64.b64decode(result["body_base64"]), data)

    def test_the_longest_allowed_head_is_read(self):
        self.assert_ok(self.answer(response(b"x", headers=["X-L: " + "y" * 60000])), "x")
        lines = ["X-%d: y" % n for n in range(250)]
        self.assert_ok(self.answer(response(b"x", headers=lines)), "x")


class Truncated(Http):
    def truncated(self, data, *names, ends=(then_close, then_reset)):
        for end in ends:
            with self.subTest(data=data[-30:], end=end.__name__):
                server = self.server(end(data))
                result = self.send_one({"url": server.url}, "--tries", "1")
                self.assertIn(result["error"], names, result)
                self.assertNotIn("body", result)

    def test_without_a_byte(self):
        self.truncated(b"", "closed_no_response", ends=[then_close])
        self.truncated(b"", "reset_no_response", ends=[then_reset])

    def test_in_the_status_line(self):
        self.truncated(b"HTTP/1.1 20", "truncated_head")

    def test_in_the_headers(self):
        self.truncated(b"HTTP/1.1 200 OK\r\nContent-Le", "truncated_head")
        self.truncated(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "truncated_head")

    def test_after_an_interim_response(self):
        self.truncated(b"HTTP/1.1 100 Continue" + END, "truncated_head")

    def test_in_a_body_of_known_length(self):
        self.truncated(b"HTTP/1.1 200 OK\r\nContent-Length: 10" + END, "truncated_body")
        self.truncated(b"HTTP/1.1 200 OK\r\nContent-Length: 10" + END + b"123456789",
                       "truncated_body")

    def test_in_chunks(self):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" + END
        for part in (b"", b"5", b"5\r\n", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n",
                     b"5\r\nhello\r\n0\r\n", b"5\r\nhello\r\n0\r\nX-T: 1\r\n"):
            self.truncated(head + part, "truncated_body")

    def test_a_body_until_close_that_is_reset_is_no_success(self):
        self.truncated(b"HTTP/1.1 200 OK\r\nX: y" + END + b"half", "truncated_body",
                       ends=[then_reset])


class BadResponses(Http):
    def test_what_is_not_http_is_an_error(self):
        for data in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\1\2\3\4\5\6\7", b"<html>" + END,
                     b"HTTP/1.1200 OK" + END, b"ICY 200 OK" + END,
                     b"HTTP/1.1 200 OK\r\nno colon" + END, b"HTTP/1.1 200 OK\r\na b: c" + END,
                     b"HTTP/1.1 200 OK\r\nX : y" + END, b"HTTP/1.1 200 OK\r\nX: a\0b" + END,
                     b"HTTP/1.1 200 OK\r\nX: a\rb" + END, b"HTTP/1.1 200 OK\r\n: empty" + END):
            with self.subTest(data=data):
                self.assert_error(self.answer(data), "bad_response")

    def test_statuses_without_a_meaning_are_never_ok(self):
        for status in (600, 700, 999):
            with self.subTest(status=status):
                result = self.answer(response(b"x", "%d X" % status))
                self.assertEqual((result["ok"], result["error"], result["status"], result["body"]),
                                 (False, None, status, "x"))

    def test_a_status_outside_100_to_999_is_an_error(self):
        for status in ("99", "099", "000", "1000", "20", "abc", "2x0"):
            with self.subTest(status=status):
                data = ("HTTP/1.1 %s X\r\nContent-Length: 0\r\n\r\n" % status).encode()
                self.assertIn(self.answer(data)["error"], ("bad_status", "bad_response"))

    def test_a_content_length_that_comes_twice_is_one(self):
        self.assert_ok(
            self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3" + END +
                        b"abc"), "abc")

    def test_control_characters_in_the_status_line_are_an_error(self):
        for reason in (b"O\0K", b"\0", b"\x1b[2J", b"\x7f", b"a\rb"):
            with self.subTest(reason=reason):
                self.assert_error(
                    self.answer(b"HTTP/1.1 200 " + reason + b"\r\nContent-Length: 0" + END),
                    "bad_response")

    def test_a_redirect_says_where_to(self):
        for location, told in (("https://api.test/v2/x", "https://api.test/v2/x"),
                               ("/v2/?key=abc", "/v2/?..."), ("https://me:secret@api.test/#x",
                                                              "https://api.test/?..."), ("?a@b",
                                                                                         "?...")):
            with self.subTest(location=location):
                server = self.server(
                    answering(lambda r: response(b"moved", "301 Moved", ["Location: " + location])))
                run = self.send("--url", server.url, records=[GET], expect=NOT_ALL_OK)
                self.assertEqual(run.results[0]["detail"],
                                 "it redirects to %s, which is not followed" % told)
                self.assertIn("status 301: it redirects to " + told, run.err)
                ok = self.answer(response(b"moved", "301 Moved", ["Location: " + location]),
                                 "--ok-status", "301")
                self.assertEqual((ok["ok"], ok.get("detail")), (True, None))

    def test_a_long_redirect_says_where_its_beginning_goes(self):
        for bytes_more in (80, 128, 300, 5000):
            location = "https://login.test/authorize?state=" + "s" * bytes_more
            result = self.answer(response(b"", "302 Found", ["Location: " + location]))
            self.assertEqual(result["detail"], "it redirects to https://login.test/authorize?..., "
                             "which is not followed")
        result = self.answer(response(b"", "302 Found", ["Location: /" + "p" * 300]))
        self.assertEqual(result["detail"], "it redirects to /%s..., which is not followed" %
                         ("p" * 127))

    def test_other_statuses_redirect_nowhere(self):
        for status in ("304 Not Modified", "305 Use Proxy", "399 Odd"):
            result = self.answer(response(b"", status, ["Location: /a"]))
            self.assertIsNone(result.get("detail"))

    def test_another_protocol_is_named(self):
        for data, words in ((b"SSH-2.0-OpenSSH_9.2\r\n",
                             "SSH"), (b"220 mail ESMTP\r\n",
                                      "mail or FTP"), (b"-ERR unknown command\r\n", "Redis"),
                            (b"\x15\x03\x03\0\2\2\x46",
                             "https://"), (b"\0\0\x12\4\0\0\0\0\0",
                                           "HTTP/2"), (b"\x4a\0\0\0\x0a8.0.36\0", "MySQL"),
                            (b"\0\0\x08\7\0\0\0\0\0\0\0\0\0\0\0\0\1", "HTTP/2"), (b"bye",
                                                                                  'with "bye"')):
            with self.subTest(data=data):
                self.assert_error(self.answer(data), "bad_response", words)

    def test_another_protocol_is_named_by_a_greeting_too(self):
        for data, words in ((b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
                            (b"220 mail ESMTP\r\n", "mail or FTP"), (b"\x4a\0\0\0\x0a8.0.36\0",
                                                                     "MySQL")):
            def script(peer):
                peer.send(data)
                peer.wait_close()
            for record in (GET, {"method": "POST", "data": "x"}):
                with self.subTest(data=data, method=record["method"]):
                    result = self.send_one(dict(record, url=self.server(script).url))
                    self.assert_error(result, "bad_response", words)
                    self.assertEqual(result["attempts"], 1)

    def test_an_empty_line_behind_an_answer_costs_no_record(self):
        def script(peer):
            line = b""
            while peer.request():
                peer.send(line + response(b"ok"))
                line = b"\r\n"  # which crosses the next request
        records = [{"method": "POST", "data": str(i)} for i in range(6)]
        for url in (self.server(script).url,
                    self.tls_server(Authority(self.dir).certificate(), script).url):
            with self.subTest(url=url[:5]):
                run = self.send("--url", url, "-c", "1", "-k", records=records)
                self.assertEqual([(r["ok"], r["attempts"]) for r in run.results], [(True, 1)] * 6)
                self.assertRegex(
                    run.err,
                    r"not kept +[1-9].* 0 closed without a word, [1-9][0-9]* with bytes nobody")
                self.assertNotIn("ambiguous", run.err)

    def test_an_empty_line_and_the_end_are_no_response(self):
        def script(peer):
            peer.request()
            peer.send(response(b"ok"))
            if peer.request():
                peer.send(b"\r\n")
                peer.end()

        run = self.send("--url",
                        self.server(script).url, "-c", "1", "--tries", "1", records=[GET] * 4,
                        expect=OK)
        self.assertEqual([r["error"] for r in run.results], [None] * 4)

    def test_bytes_behind_an_answer_make_the_next_request_ambiguous_only_if_it_must_not_be_repeated(
            self):
        def script(peer):
            peer.request()
            peer.send(response(b"ok"))
            if peer.request():
                peer.send(b"0\r\n\r\n")
                peer.hold()
        for method, ok in (("PUT", True), ("POST", False)):
            records = [{"method": method, "data": str(i)} for i in range(2)]
            run = self.send("--url", self.server(script).url, "-c", "1", records=records,
                            expect=OK if ok else NOT_ALL_OK)
            second = run.results[1]
            self.assertEqual((second["ok"], second["attempts"], second.get("ambiguous", False)),
                             (ok, 2 if ok else 1, not ok))
            self.assertRegex(run.err, "not kept +1 ")

    def test_https_to_a_plain_server_says_so(self):
        for data, words in ((response(b"no", "400 Bad Request"), "use http://"),
                            (b"SSH-2.0-x\r\n", "SSH"), (b"<!DOCTYPE HTML>", "HTML")):
            def script(peer):
                peer.sock.recv(1 << 16)
                peer.send(data)
                peer.wait_close()
            with self.subTest(data=data):
                server = self.server(script)
                result = self.send_one({"url": server.url.replace("http:", "https:")}, "--tries",
                                       "1")
                self.assertFalse(result["ok"])
                self.assertIn(words, result["detail"])
                self.assertNotIn("ambiguous", result)

    def test_two_different_content_lengths_are_an_error(self):
        for lines in (b"Content-Length: 3\r\nContent-Length: 5", b"Content-Length: 3, 5"):
            with self.subTest(lines=lines):
                self.assert_error(self.answer(b"HTTP/1.1 200 OK\r\n" + lines + END + b"abcde"),
                                  "bad_framing")

    def test_a_malformed_content_length_is_an_error(self):
        for value in (b"-1", b"+3", b"0x3", b"3 3", b"3a", b"", b"18446744073709551616",
                      b"9" * 40):
            with self.subTest(value=value):
                data = b"HTTP/1.1 200 OK\r\nContent-Length: " + value + END + b"abc"
                self.assertIn(self.answer(data)["error"],
                              ("bad_framing", "bad_response", "body_too_large"))

    def test_content_length_with_transfer_encoding_is_an_error(self):
        for lines in (b"Content-Length: 3\r\nTransfer-Encoding: chunked",
                      b"Transfer-Encoding: chunked\r\nContent-Length: 3"):
            with self.subTest(lines=lines):
                data = b"HTTP/1.1 200 OK\r\n" + lines + END + b"3\r\nabc\r\n0\r\n\r\n"
                self.assert_error(self.answer(data), "bad_framing")

    def test_a_transfer_coding_that_cannot_be_undone_is_an_error(self):
        for coding in (b"gzip, chunked", b"chunked, gzip", b"gzip", b"identity", b"xchunked",
                       b"chunked, chunked"):
            with self.subTest(coding=coding):
                server = self.server(then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + coding
                                                + END + b"3\r\nabc\r\n0\r\n\r\n"))
                result = self.send_one({"url": server.url}, "--tries", "1")
                self.assertIn(result["error"], ("unsupported_coding", "bad_framing"))

    def test_malformed_chunks_are_an_error(self):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" + END
        for body in (b"x\r\n", b"-1\r\n", b"\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3\nabc\n0\n\n",
                     b"ffffffffffffffffff\r\n", b"3\r\nabc0\r\n\r\n", b"3 \rabc"):
            with self.subTest(body=body):
                self.assertIn(self.answer(head + body)["error"], ("bad_body", "body_too_large"))

    def test_an_unasked_101_is_an_error(self):
        self.assert_error(self.answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n"
                                      b"Connection: Upgrade" + END + b"PRI"), "unexpected_upgrade")

    def test_the_status_of_a_complete_head_is_told_whatever_comes_after_it(self):
        for head in (b"HTTP/1.1 201 Created\r\nContent-Length: 1000000000000",
                     b"HTTP/1.1 201 Created\r\nTransfer-Encoding: gzip"):
            with self.subTest(head=head):
                result = self.answer(head + END)
                self.assertEqual((result["ok"], result["status"]), (False, 201))
                self.assertIsNotNone(result["error"])

    def test_a_head_of_70_kb_is_too_large(self):
        self.assert_error(self.answer(response(b"", headers=["X-L: " + "y" * 70000])),
                          "head_too_large")
        self.assert_error(self.answer(response(b"", headers=["X" * 70000 + ": y"])),
                          "head_too_large")
        self.assert_error(self.answer(b"HTTP/1.1 200 " + b"y" * 70000 + END), "head_too_large")

    def test_300_header_lines_are_too_many(self):
        self.assert_error(self.answer(response(b"", headers=["X-%d: y" % n for n in range(300)])),
                          "head_too_large")

    def test_trailers_and_chunk_extensions_are_bounded_too(self):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" + END
        for tail in (b"0\r\nX-L: " + b"y" * 70000 + END, b"0\r\n" + b"X: y\r\n" * 300 + b"\r\n",
                     b"3;" + b"e" * 2000000 + b"\r\nabc\r\n0" + END):
            with self.subTest(tail=tail[:10]):
                self.assertIn(self.answer(head + tail)["error"], ("head_too_large", "bad_body"))

    def test_a_body_above_max_body_is_an_error_whatever_its_framing(self):
        body = b"z" * 2000
        for data in (response(body),
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" + END + b"7d0\r\n" + body
                     + b"\r\n0" + END,
                     b"HTTP/1.1 200 OK\r\nX: y" + END + body,
                     b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808" + END):
            with self.subTest(data=data[:60]):
                result = self.answer(data, "--max-body", "1999")
                self.assert_error(result, "body_too_large")
                self.assertEqual(result["status"], 200)  # its head was complete

    def test_a_body_of_exactly_max_body_is_fine(self):
        self.assert_ok(self.answer(response(b"z" * 2000), "--max-body", "2000"), "z" * 2000)

    def test_a_body_without_end_is_cut_at_the_default_limit(self):
        def script(peer):
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\nX: y" + END)
            while True:
                peer.send(b"z" * (1 << 20))
        self.assert_error(self.send_one({"url": self.server(script).url}, "--tries", "1"),
                          "body_too_large")


class UnsolicitedBytes(Http):
    def test_bytes_after_a_message_reach_no_other_record(self):
        poison = response(b"POISON")
        server = self.server(lambda peer: (peer.request(), peer.send(response(b"mine") + poison),
                                           peer.wait_close()))
        run = self.send("-c", "1", "--url", server.url, records=[GET] * 5, expect=OK)
        self.assertEqual([r["body"] for r in run.results], ["mine"] * 5)
        self.assertEqual(server.connections, 5)

    def test_bytes_after_204_304_and_head_reach_no_other_record(self):
        for method, head in (("GET", b"HTTP/1.1 204 No Content" + END),
                             ("GET", b"HTTP/1.1 304 Not Modified" + END),
                             ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 6" + END)):
            with self.subTest(head=head):
                server = self.server(lambda peer: (peer.request(), peer.send(head + b"POISON"),
                                                   peer.wait_close()))
                run = self.send("-c", "1", "--url", server.url, records=[{"method": method}] * 3)
                self.assertEqual([(r["body"], r["error"]) for r in run.results], [("", None)] * 3)
                self.assertEqual(server.connections, 3)

    def late(self, first, junk):
        """Servers whose junk behind the first answer of a connection comes when the next request
        is there."""
        def script(peer):
            peer.request()
            peer.send(first)
            if peer.request():
                peer.send(junk)
                peer.wait_close()
        return self.server(script)

    def test_late_bytes_that_are_no_response_cost_no_repeatable_record(self):
        for junk in (b"0\r\n\r\n", b"\r\n\r\n\r\n", b"\r\nhello", b"hello", b"Hello", b"\0"):
            with self.subTest(junk=junk):
                server = self.late(b"HTTP/1.1 200 OK\r\nContent-Length: 5" + END, junk)
                run = self.send("-c", "1", "--tries", "1", "--url", server.url,
                                records=[{"method": "HEAD"}] * 6, expect=OK)
                self.assertEqual([r["error"] for r in run.results], [None] * 6)

    def test_late_bytes_leave_a_post_in_doubt(self):
        server = self.late(response(b"first"), b"0\r\n\r\n")
        run = self.send("-c", "1", "--url", server.url, records=[{"data": "a"}, {"data": "b"}],
                        expect=NOT_ALL_OK)
        self.assert_ok(run.results[0], "first")
        self.assert_error(run.results[1], "bad_response", "0....")
        self.assertEqual((run.results[1]["ambiguous"], run.results[1]["attempts"]), (True, 1))

    def test_a_head_with_chunks_announced_ends_its_connection(self):
        server = self.late(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" + END, b"0\r\n\r\n")
        run = self.send("-c", "1", "--url", server.url, records=[{"method": "HEAD"}] * 4, expect=OK)
        self.assertEqual((server.connections, [r["attempts"] for r in run.results]), (4, [1] * 4))

    def test_the_408_of_an_idle_connection_is_nobodys_answer(self):
        gone = response(b"idle", "408 Request Timeout", ["Connection: close"])
        server = self.late(response(b"mine"), gone)
        run = self.send("-c", "1", "--tries", "1", "--url", server.url, records=[{"data": "a"}] * 4,
                        expect=OK)
        self.assertEqual([r["body"] for r in run.results], ["mine"] * 4)

    def test_answers_that_may_be_others_are_told(self):
        go, dropped = threading.Event(), threading.Event()

        def script(peer):
            for _ in range(100 if peer.number == 0 else 1):
                peer.request()
                peer.send(response(b"mine"))
            if peer.number == 0:
                go.wait(BOUND_S)
                peer.send(response(b"a second one"))
                peer.wait_close()
                dropped.set()
            peer.wait_close()
        server = self.server(script)
        program = self.start("send", "-c", "1", "--url", server.url, "-", stdin=subprocess.PIPE)
        program.process.stdin.write(b'{"method":"GET"}\n' * 100)
        program.process.stdin.flush()
        program.wait_for(lambda out, err: out.count(b"\n") == 100)
        go.set()
        self.assertTrue(dropped.wait(BOUND_S))
        program.process.stdin.write(b'{"method":"GET"}\n')
        program.process.stdin.close()
        run = program.finish()
        self.assertEqual([r["body"] for r in run.results], ["mine"] * 101)
        self.assertRegex(run.err, r"suspect +\d+ answers may be other records'")

    def test_bytes_that_come_while_a_connection_is_idle_close_it(self):
        go, dropped = threading.Event(), threading.Event()

        def script(peer):
            peer.request()
            if peer.number == 0:
                peer.send(response(b"first", headers=["Keep-Alive: timeout=1000"]))
                go.wait(BOUND_S)
                peer.send(response(b"POISON"))
                peer.wait_close()  # the client drops a connection that speaks unasked
                dropped.set()
            else:
                peer.send(response(b"second"))
                peer.wait_close()
        server = self.server(script)
        program = self.start("send", "-c", "1", "--url", server.url, "-", stdin=subprocess.PIPE)
        program.process.stdin.write(b'{"method":"GET"}\n')
        program.process.stdin.flush()
        program.wait_for(lambda out, err: out.count(b"\n") == 1)
        go.set()
        self.assertTrue(dropped.wait(BOUND_S))
        program.process.stdin.write(b'{"method":"GET"}\n')
        program.process.stdin.close()
        run = program.finish()
        self.assertEqual([r["body"] for r in run.results], ["first", "second"])
        self.assertEqual(run.status, OK)


class Requests(Http):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))

    def refused(self, record, error, *words):
        """The record gets this error before anything is sent; the next one goes out."""
        self.echo.requests.clear()
        run = self.send("--url", self.echo.url, records=[record, {"data": "next"}])
        self.assertEqual(len(run.results), 2, run.err)
        by_line = {r["line"]: r for r in run.results}
        self.assert_error(by_line[1], error, *words)
        self.assertEqual(by_line[1]["attempts"], 0)
        self.assert_ok(by_line[2], "next")
        self.assertEqual([r.body for r in self.echo.requests], [b"next"])

    def test_header_names_that_are_no_tokens_are_refused(self):
        for name in ("a\r\nb: c", "a\nb", "a b", "a:", "", "a\0", "\u00e9", "a(b)", " a", "a\t"):
            with self.subTest(name=name):
                self.refused({"headers": {"Good": "x", name: "x"}}, "bad_header",
                             'header "' + name.partition("\0")[0])

    def test_header_values_that_would_end_the_line_are_refused(self):
        for value in ("x\r\nb: c", "x\n", "\rx", "x\0y", "x\x01y", "x\x7fy"):
            with self.subTest(value=value):
                self.refused({"headers": {"X-Bad": value}}, "bad_header", '"X-Bad"')
                self.refused({"headers": {"b": "", "a": ["fine", value]}}, "bad_header", '"a"')

    def test_an_injection_by_option_is_a_usage_error(self):
        for text in ("a: b\r\nc: d", "a\r\nb: c", "a b: c", ": x", "no colon", ""):
            with self.subTest(text=text):
                run = self.send("--url", self.echo.url, "-H", text, records=[GET], expect=USAGE)
                self.assertEqual(run.out, b"")
        self.assertEqual(self.echo.requests, [])

    def test_methods_that_are_no_tokens_are_refused(self):
        for method in ("GET /x HTTP/1.1\r\nA: b\r\n\r\n", "GE T", "", "G\u00c9T", "GET\n"):
            with self.subTest(method=method):
                self.refused({"method": method}, "bad_method")

    def test_connect_is_refused(self):
        self.refused({"method": "CONNECT"}, "bad_method")

    def test_a_method_of_its_own_is_sent(self):
        self.assert_ok(self.send_one({"url": self.echo.url, "method": "M-SEARCH"}))
        self.assertEqual(self.echo.requests[-1].method, "M-SEARCH")

    def test_urls_that_cannot_be_sent_as_they_stand_are_refused(self):
        for url in ("", "relative", "example.com/x", "//h/x", "http:/h", "http://", "http:///x",
                    "http://h:0x50/", "http://h:65536/", "http://h:0/", "http://h:-1/",
                    "http://h/a b", "http://h/a\r\nX: y", "http://h/\u00e9", "http://h/\0",
                    "http://[::1/", "http://[::g]/", "http://::1/", "http://h\\x/", "http://h h/",
                    "ftp://h/", "file:///etc/passwd", "javascript:1", "http://[]/"):
            with self.subTest(url=url):
                self.refused({"url": url}, "bad_url")

    def test_a_path_is_taken_on_the_server_of_the_url_option(self):
        record = {"custom_id": "r", "method": "POST", "url": "/v1/x?y", "body": {"m": 1}}
        run = self.send("--url", self.echo.url + "/base?q", records=[record])
        self.assert_ok(run.results[0])
        request = self.echo.requests[-1]
        self.assertEqual((request.method, request.target, request.body),
                         ("POST", "/v1/x?y", b'{"m": 1}'))
        run = self.send(records=[record], expect=NOT_ALL_OK)
        self.assert_error(run.results[0], "bad_url", "--url")

    def test_userinfo_in_a_url_is_refused_without_repeating_the_password(self):
        for url in ("http://user:secret@127.0.0.1/", "http://user@127.0.0.1/", "http://@h/"):
            with self.subTest(url=url):
                run = self.send("--url", self.echo.url, records=[{"url": url}])
                self.assert_error(run.results[0], "bad_url")
                self.assertNotIn(b"secret", run.out + run.err.encode())

    def test_an_https_server_that_cannot_be_verified_gets_nothing(self):
        server = self.tls_server(Authority(self.dir).certificate(), in_turn(response()))
        run = self.send(records=[{"url": server.url, "data": "x"}], expect=NOT_ALL_OK,
                        env=dict(os.environ, SSL_CERT_FILE=Authority(self.dir, "other").pem))
        self.assert_error(run.results[0], "tls_unknown_ca")
        self.assertEqual(server.requests, [])

    def test_a_name_that_does_not_exist_is_an_error_of_the_lookup(self):
        result = self.send_one({"url": "http://nope.invalid/"}, "--tries", "1",
                               "--max-failures", "none")
        self.assertIn(result["error"], ("dns_not_found", "dns_failed"), result)
        self.assertNotIn("ambiguous", result)

    def test_transfer_encoding_and_its_kin_are_refused(self):
        for name, value in (("Transfer-Encoding", "chunked"), ("transfer-encoding", "identity"),
                            ("Upgrade", "h2c"), ("TE", "trailers"), ("Trailer", "X"),
                            ("Expect", "100-continue"), ("Keep-Alive", "timeout=5"),
                            ("Proxy-Connection", "keep-alive"), ("Connection", "upgrade")):
            with self.subTest(name=name):
                self.refused({"headers": {name: value}, "data": "x"}, "bad_header",
                             {"transfer-encoding": "Transfer-Encoding"}.get(name, name))

    def test_a_wrong_content_length_is_refused(self):
        for value in ("3", "5", "-4", "four", "4, 4", "04x", ""):
            with self.subTest(value=value):
                self.refused({"headers": {"Content-Length": value}, "data": "four"}, "bad_header")

    def test_a_right_content_length_is_sent_once(self):
        self.assert_ok(self.send_one({"url": self.echo.url, "data": "four",
                                      "headers": {"content-length": "4"}}), "four")
        self.assertEqual(header(self.echo.requests[-1], "content-length"), ["4"])

    def test_a_host_given_is_sent_in_place_of_ours(self):
        self.assert_ok(self.send_one({"url": self.echo.url, "headers": {"host": "other.example"}}))
        self.assertEqual(header(self.echo.requests[-1], "host"), ["other.example"])

    def test_two_hosts_are_refused(self):
        self.refused({"headers": {"Host": ["a", "b"]}}, "bad_header")

    def test_connection_close_given_is_sent_and_obeyed(self):
        self.send("-c", "1", "--url", self.echo.url, "-H", "Connection: close",
                  records=[{"data": "1"}, {"data": "2"}], expect=OK)
        self.assertEqual([header(r, "connection") for r in self.echo.requests], [["close"]] * 2)
        self.assertEqual(self.echo.connections, 2)

    def test_two_names_for_one_header_are_refused(self):
        self.refused(b'{"headers":{"a":"1","a":"2"}}', "bad_record", "a")

    def test_more_than_256_headers_are_refused(self):
        self.refused({"headers": {"x-%d" % n: "y" for n in range(257)}}, "bad_header")


if __name__ == "__main__":
    main()
