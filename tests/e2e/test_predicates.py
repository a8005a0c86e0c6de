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
        server = self.server(answering(lambda r: as_json({"code": int(r.body)}, "201 Created" if r.body == b"0"
                                                         else "200 OK")))
        run = self.send("--url", server.url, "--ok-if", "status >= 200 && .code == 0",
                        records=[{"data": "0"}, {"data": "17"}], expect=NOT_ALL_OK)
        self.assertEqual({r["id"]: (r["ok"], r["status"], r["error"], r["attempts"]) for r in run.results},
                         {1: (True, 201, None, 1), 2: (False, 200, None, 1)})

    def test_retry_if_sends_a_post_again(self):
        server = self.server(in_turn(as_json({"error": {"type": "overloaded"}}),
                                     as_json({"error": {"type": "overloaded"}}), as_json({"done": True})))
        result = self.send_one({"url": server.url, "data": "x"}, "--retry-if",
                               '.error.type == "overloaded"', "--connections", "1")
        self.assertEqual((result["ok"], result["attempts"], result["body"]), (True, 3, '{"done": true}'))
        self.assertEqual([r.method for r in server.requests], ["POST"] * 3)

    def test_what_retry_if_holds_for_is_never_ok(self):
        server = self.server(answering(lambda r: response(b"busy", headers=["X-State: busy"])))
        run = self.send("--url", server.url, "--tries", "2", "--retry-if", 'header("x-state") == "busy"',
                        records=[{"data": "x"}], expect=NOT_ALL_OK)
        self.assertEqual([(r["ok"], r["status"], r["attempts"], r.get("ambiguous"), r.get("headers"))
                          for r in run.results], [(False, 200, 2, None, None)])

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
    if not library.BrotliEncoderCompress(5, 22, 0, ctypes.c_size_t(len(data)), data, ctypes.byref(size), packed):
        raise AssertionError("brotli")
    return packed.raw[:size.value]


def zstd(data):
    library = ctypes.CDLL(ctypes.util.find_library("zstd"))
    library.ZSTD_compress.restype = ctypes.c_size_t
    packed = ctypes.create_string_buffer(len(data) + 1000)
    size = library.ZSTD_compress(packed, ctypes.c_size_t(len(packed)), data, ctypes.c_size_t(len(data)), 3)
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
        result = self.packed("gzip", gzip.compress(self.BODY), "--compressed", "-H", "Accept-Encoding: gzip")
        self.assertEqual(result["body"], self.BODY.decode())
        self.assertEqual(header(self.server_of.requests[0], "accept-encoding"), ["gzip"])

    def test_without_it_nothing_is_asked_for_and_the_coding_is_told(self):
        result = self.packed("gzip", gzip.compress(self.BODY))
        self.assertIn("body_base64", result)
        self.assertEqual(result["encoding"], "gzip")
        self.assertEqual(header(self.server_of.requests[0], "accept-encoding"), [])

    def test_an_unknown_coding_is_left_as_it_is(self):
        result = self.packed("rot13", b"uryyb", "--compressed")
        self.assertEqual((result["body"], result["encoding"], result["ok"]), ("uryyb", "rot13", True))

    def test_a_damaged_body_is_an_error(self):
        result = self.packed("gzip", gzip.compress(self.BODY)[:-9], "--compressed", "--tries", "2")
        self.assert_error(result, "bad_encoding", "ends too early")
        self.assertEqual((result["status"], result["attempts"]), (200, 1))

    def test_a_bomb_is_an_error(self):
        bomb = gzip.compress(bytes(3 << 20), 9)
        self.assert_error(self.packed("gzip", bomb, "--compressed", "--max-body", "1M"), "body_too_large", "limit")
        self.assert_error(self.packed("gzip", bomb, "--compressed"), "body_too_large", "a thousand times")


if __name__ == "__main__":
    main()
