"""What a response is worth: --ok-if, --retry-if, and bodies that come compressed."""

import ctypes
import ctypes.util
import gzip
import json
import zlib

from harness import Case, NOT_ALL_OK, USAGE, answering, header, in_turn, main, response


def as_json(value, status="200 OK", headers=()):
    return response(json.dumps(value).encode(), status, headers)


class Predicates(Case):
    def test_ok_if_takes_the_place_of_the_status(self):
        server = self.server(
            answering(lambda r: as_json({"code": int(r.body)}, "201 Created"
                                        if r.body == b"0" else "200 OK")))
        run = self.send("--url", server.url, "--ok-if", "status >= 200 && .code == 0",
                        records=[{"data": "0"}, {"data": "17"}], expect=NOT_ALL_OK)
        self.assertEqual(
            {r["id"]: (r["ok"], r["status"], r["error"], r["attempts"]) for r in run.results},
            {1: (True, 201, None, 1), 2: (False, 200, None, 1)})

    def test_retry_if_sends_a_post_again(self):
        server = self.server(
            in_turn(as_json({"error": {"type": "overloaded"}}),
                    as_json({"error": {"type": "overloaded"}}), as_json({"done": True})))
        result = self.send_one({"url": server.url, "data": "x"}, "--retry-if",
                               '.error.type == "overloaded"', "--connections", "1")
        self.assertEqual((result["ok"], result["attempts"], result["body"]),
                         (True, 3, '{"done": true}'))
        self.assertEqual([r.method for r in server.requests], ["POST"] * 3)

    def test_what_retry_if_holds_for_is_never_ok(self):
        server = self.server(answering(lambda r: response(b"busy", headers=["X-State: busy"])))
        run = self.send("--url", server.url, "--tries", "2", "--retry-if",
                        'header("x-state") == "busy"', records=[{"data": "x"}], expect=NOT_ALL_OK)
        self.assertEqual(
            [(r["ok"], r["status"], r["attempts"], r.get("ambiguous"), r.get("headers"))
             for r in run.results], [(False, 200, 2, None, None)])

    def judge(self, body, *options, headers=(), status="200 OK", method="POST"):
        """The result of one answer, and what the summary says."""
        server = self.server(answering(lambda r: response(body, status, headers)))
        run = self.send("--url", server.url, "--tries", "1", *options,
                        records=[{"data": "x", "method": method}])
        return run.results[0], run.err

    OVERLOADED = b'{"error":{"type":"overloaded"}}'
    RETRY = ("--retry-if", '.error.type == "overloaded"')

    def test_what_is_nearly_json_is_read(self):
        bodies = [b"\xef\xbb\xbf" + self.OVERLOADED, self.OVERLOADED[:-1] + b',"x":"\\ud83d"}',
                  b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"," + self.OVERLOADED[1:],
                  b'{"x":"\xff","y":NaN,"z":1' + b"0" * 5000 + b"," + self.OVERLOADED[1:],
                  b'{"error":1,' + self.OVERLOADED[1:], self.OVERLOADED + b" \r\n"]
        for body in bodies:
            for coding, packed in (((), body), (["Content-Encoding: gzip"], gzip.compress(body)),
                                   (["Content-Encoding: br, gzip"], gzip.compress(brotli(body)))):
                with self.subTest(body=body[:60], coding=coding):
                    result, err = self.judge(packed, *self.RETRY, headers=coding)
                    self.assertEqual((result["ok"], result["error"]), (False, None), result)
                    self.assertNotIn("detail", result)
                    self.assertNotIn("unjudged", err)
                    self.assertEqual("encoding" in result, bool(coding))

    def test_what_cannot_be_read_is_never_ok_and_says_why(self):
        rows = [(b"<html>busy</html>", (), "column 1: expected a value"),
                (b"<html>busy</html>", (), "<html>busy"),
                (self.OVERLOADED * 2, (), "something follows"),
                (self.OVERLOADED[:-1], (), "not JSON"),
                (b'{"a":1}\n{"a":2}\n', (), "something follows"), (b" ", (), "ends where a value"),
                ("{}".encode("utf-16"), (), "UTF-16"),
                (b"[" * 20000 + b"]" * 20000, (), "10000 levels"),
                (b"not packed", ["Content-Encoding: gzip"], "Content-Encoding"),
                (self.OVERLOADED, ["Content-Encoding: rot13"], "Content-Encoding")]
        for body, headers, words in rows:
            for options in (self.RETRY, ("--ok-if", ".code == null"), (*self.RETRY, "--ok-if",
                                                                       "status == 200")):
                with self.subTest(body=body[:40], options=options):
                    result, err = self.judge(body, *options, headers=headers)
                    self.assertEqual((result["ok"], result["error"], result["status"]),
                                     (False, None, 200), result)
                    self.assertNotIn("ambiguous", result)
                    self.assert_result_shape(result)
                    self.assertIn(words, result["detail"])
                    self.assertRegex(err, r"unjudged +1 ")
                    self.assertRegex(err, r"1  status 200: (ok|retry)_if cannot be judged")

    def test_what_does_not_hang_on_the_body_is_judged(self):
        for predicate, ok in [('status == 200 || .code == 0', True),
                              ('.code == 0 || status == 200', True),
                              ('status == 201 && .code == 0', False),
                              ('body contains "fine"', True),
                              ('header("content-length") == 4 || .code == 0', True)]:
            with self.subTest(predicate=predicate):
                result, err = self.judge(b"fine", "--ok-if", predicate)
                self.assertEqual((result["ok"], "detail" in result, "unjudged" in err),
                                 (ok, False, False), result)
        result, _ = self.judge(b"fine", "--retry-if",
                               'header("content-type") contains "json" && .code == 17')
        self.assert_ok(result, "fine")

    def test_an_empty_body_asks_for_nothing_and_proves_nothing(self):
        for status, method, option, ok in [("200 OK", "POST", "--retry-if", True),
                                           ("202 x", "POST", "--retry-if", True),
                                           ("200 OK", "POST", "--ok-if", False),
                                           ("204 x", "POST", "--ok-if", True),
                                           ("200 OK", "HEAD", "--ok-if", True)]:
            predicate = ".error == null" if option == "--ok-if" else ".error.type"
            with self.subTest(status=status, method=method, option=option):
                result, _ = self.judge(b"", option, predicate, status=status, method=method)
                self.assertEqual(result["ok"], ok, result)
                self.assertEqual("the body is empty" in result.get("detail", ""), not ok)

    def test_a_fault_is_told_with_its_column_before_anything_is_read(self):
        for option, text, words in [("--ok-if", "status = 200", "column 8: to compare, write =="),
                                    ("--retry-if", ".a.", "column 4: expected a key")]:
            run = self.run_ringsend("send", option, text, "/nowhere")
            self.assertEqual((run.status, run.out), (USAGE, b""))
            self.assertIn("%s '%s': %s" % (option, text, words), run.err)

    def test_ok_if_and_ok_status_exclude_each_other(self):
        run = self.run_ringsend("send", "--ok-if", "true", "--ok-status", "200", "/nowhere")
        self.assertEqual(run.status, USAGE)
        self.assertIn("--ok-status", run.err)


def brotli(data):
    library = ctypes.CDLL(ctypes.util.find_library("brotlienc"))
    packed = ctypes.create_string_buffer(len(data) + 1000)
    size = ctypes.c_size_t(len(packed))
    if not library.BrotliEncoderCompress(5, 22, 0, ctypes.c_size_t(len(data)), data,
                                         ctypes.byref(size), packed):
        raise AssertionError("brotli")
    return packed.raw[:size.value]


def zstd(data):
    library = ctypes.CDLL(ctypes.util.find_library("zstd"))
    library.ZSTD_compress.restype = ctypes.c_size_t
    packed = ctypes.create_string_buffer(len(data) + 1000)
    size = library.ZSTD_compress(packed, ctypes.c_size_t(len(packed)), data,
                                 ctypes.c_size_t(len(data)), 3)
    return packed.raw[:size]


class Compressed(Case):
    BODY = json.dumps({"code": 0, "text": "aou" * 500}).encode()

    def packed(self, coding, body, *options, status="200 OK"):
        self.server_of = self.server(answering(
            lambda r: response(body, status, ["Content-Encoding: " + coding])))
        return self.send_one({"url": self.server_of.url}, *options)

    def test_each_coding_is_asked_for_and_unpacked(self):
        codings = [("gzip", gzip.compress(self.BODY)), ("deflate", zlib.compress(self.BODY)),
                   ("br", brotli(self.BODY)), ("zstd", zstd(self.BODY)),
                  ("gzip, br", brotli(gzip.compress(self.BODY)))]
        for coding, body in codings:
            with self.subTest(coding):
                result = self.packed(coding, body, "--compressed", "--ok-if", ".code == 0")
                self.assertEqual((result["body"], result["ok"]), (self.BODY.decode(), True))
                self.assertNotIn("encoding", result)
                self.assertEqual(header(self.server_of.requests[0], "accept-encoding"),
                                 ["gzip, deflate, br, zstd"])

    def test_a_header_of_ones_own_is_what_is_asked_for(self):
        result = self.packed("gzip", gzip.compress(self.BODY), "--compressed", "-H",
                             "Accept-Encoding: gzip")
        self.assertEqual(result["body"], self.BODY.decode())
        self.assertEqual(header(self.server_of.requests[0], "accept-encoding"), ["gzip"])

    def test_without_it_nothing_is_asked_for_and_the_coding_is_reported(self):
        result = self.packed("gzip", gzip.compress(self.BODY))
        self.assertIn("body_base64", result)
        self.assertEqual(result["encoding"], "gzip")
        self.assertEqual(header(self.server_of.requests[0], "accept-encoding"), [])

    def test_an_unknown_coding_is_left_as_it_is(self):
        result = self.packed("rot13", b"uryyb", "--compressed")
        self.assertEqual((result["body"], result["encoding"], result["ok"]),
                         ("uryyb", "rot13", True))

    def test_a_damaged_body_is_an_error(self):
        result = self.packed("gzip", gzip.compress(self.BODY)[:-9], "--compressed", "--tries", "2")
        self.assert_error(result, "bad_encoding", "ends too early")
        self.assertEqual((result["status"], result["attempts"]), (200, 1))

    def test_a_bomb_is_an_error(self):
        bomb = gzip.compress(bytes(3 << 20), 9)
        self.assert_error(self.packed("gzip", bomb, "--compressed", "--max-body", "1M"),
                          "body_too_large", "limit")

    def test_what_is_packed_well_is_no_fault(self):
        rows = json.dumps({"code": 0}).encode() * (1 << 17)
        for coding, packed in (("gzip", gzip.compress(rows, 9)),
                               ("deflate", zlib.compress(rows, 9)), ("br", brotli(rows)),
                               ("zstd", zstd(rows)), ("gzip, br", brotli(gzip.compress(rows, 9)))):
            with self.subTest(coding=coding, bytes=len(packed)):
                self.assert_ok(self.packed(coding, packed, "--compressed"), rows.decode())
                self.assert_error(self.packed(coding, packed, "--compressed", "--max-body", "1M"),
                                  "body_too_large")


if __name__ == "__main__":
    main()
