"""`ringsend serve --http2`: the same server, whatever the version."""

import hashlib
import json
import re
import shutil
import subprocess
import unittest

from harness import BOUND_S, USAGE, filler, main
from http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS,
                   PING, PREFACE, REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, Client,
                   fields, frame, request)
from serving import ServeCase

INTERNAL_ERROR = 2


def code_of(got):
    return int.from_bytes(got[3][:4], "big")


class Http2Case(ServeCase):
    def curl(self, serve, *options, body=None):
        done = subprocess.run(
            ["curl", "-sS", "-i", "--http2-prior-knowledge", *options, serve.url],
            input=body, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=BOUND_S,
            check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split(b"\r\n\r\n", 1)

    def client(self, serve):
        client = Client(serve.port)
        self.addCleanup(client.close)
        return client


class Answers(Http2Case):
    def test_one_port_speaks_both(self):
        serve = self.serve("--http2")
        head, body = self.curl(serve)
        self.assertEqual((head.split(b"\r\n")[0], body), (b"HTTP/2 200 ", b'{"ok":true}'))
        self.assertNotIn(b"connection", head)
        answer, body = self.exchange(serve)
        self.assertEqual((answer.version, answer.status, body), (11, 200, b'{"ok":true}'))
        self.assertEqual(serve.stats()["http2_connections"], 1)

    def test_only_when_asked_to(self):
        got = self.raw(self.serve(), PREFACE + frame(SETTINGS))
        self.assertTrue(got.startswith(b"HTTP/1.1 400 "), got)

    def test_bodies_both_ways(self):
        body = bytes(range(256)) * 20000
        for options in ([], ["-H", "Expect: 100-continue"]):
            got = self.curl(self.serve("--http2", "--echo"), "--data-binary", "@-", *options,
                            body=body)
            self.assertTrue(got[-1].endswith(body))
        digest = self.curl(self.serve("--http2", "--digest"), "-T", "-", body=body)[1]
        self.assertEqual(json.loads(digest), {"bytes": len(body),
                                              "sha256": hashlib.sha256(body).hexdigest()})

    def test_bodies_of_any_length(self):
        for count in (0, 1, 15, 5000001):
            serve = self.serve("--http2", "--body-bytes", str(count))
            self.assertTrue(self.curl(serve)[1] == filler(count))
            head, body = self.curl(serve, "-I")
            self.assertIn(b"content-length: %d" % count, head)
            self.assertEqual(body, b"")

    def test_statuses_without_a_body(self):
        head, body = self.curl(self.serve("--http2", "--status", "204:100%"))
        self.assertEqual((head.split(b"\r\n")[0], body), (b"HTTP/2 204 ", b""))

    def test_many_at_once(self):
        serve = self.serve("--http2", "--latency", "1ms")
        h2load = shutil.which("h2load")
        self.assertTrue(h2load, "h2load is missing: apt-get install nghttp2-client")
        done = subprocess.run([h2load, "-n", "5000", "-c", "4", "-m", "50", serve.url],
                              stdout=subprocess.PIPE, timeout=BOUND_S, check=True)
        self.assertIn(b"5000 succeeded, 0 failed", done.stdout)
        stats = serve.stats()
        self.assertEqual((stats["requests"], stats["http2_connections"], stats["gone"]),
                         (5000, 4, 0))

    def test_frames_that_come_byte_by_byte(self):
        serve = self.serve("--http2", "--echo")
        client = self.client(serve)
        for byte in (request(1, "POST", flags=END_HEADERS) + frame(DATA, END_STREAM, 1, b"hi")):
            client.send(bytes([byte]))
        self.assertEqual(client.until(DATA)[-1][1:], (END_STREAM, 1, b"hi"))

    def test_a_request_that_llhttp_does_not_know(self):
        client = self.client(self.serve("--http2", "--log", self.path("log")))
        client.send(request(1, "FROB"), request(3))
        got = client.until(DATA) + client.until(DATA)
        self.assertEqual([one[2] for one in got if one[0] == HEADERS], [1, 3])
        self.assertIn(b"400", [one for one in got if one[2] == 1][1][3])


class Limits(Http2Case):
    def test_streams_beyond_the_limit_are_refused(self):
        client = self.client(self.serve("--http2", "--streams", "2", "--latency", "20ms"))
        client.send(*(request(1 + 2 * n) for n in range(5)))
        got = client.until(RST_STREAM) + client.until(RST_STREAM) + client.until(RST_STREAM)
        resets = {one[2]: code_of(one) for one in got if one[0] == RST_STREAM}
        self.assertEqual(resets, {5: REFUSED_STREAM, 7: REFUSED_STREAM, 9: REFUSED_STREAM})
        answered = {one[2] for one in client.until(DATA) + client.until(DATA) if one[0] == DATA}
        self.assertEqual(answered, {1, 3})

    def test_the_last_request_is_told(self):
        serve = self.serve("--http2", "--keep-alive-requests", "3", "--latency", "10ms")
        client = self.client(serve)
        client.send(*(request(1 + 2 * n) for n in range(5)))
        got = list(client.frames())
        goodbye = [one for one in got if one[0] == GOAWAY]
        self.assertEqual([int.from_bytes(one[3][:4], "big") for one in goodbye], [5])
        self.assertEqual([one[2] for one in got if one[0] == DATA], [1, 3, 5])
        self.assertEqual(serve.stats()["requests"], 3)

    def test_an_idle_connection_ends_in_good_order(self):
        client = self.client(self.serve("--http2", "--keep-alive-timeout", "50ms"))
        client.send(request(1))
        got = list(client.frames())
        self.assertEqual([one[0] for one in got if one[0] in (DATA, GOAWAY)], [DATA, GOAWAY])

    def test_workers_and_latency_are_of_requests(self):
        client = self.client(self.serve("--http2", "--workers", "1", "--latency", "1ms"))
        client.send(*(request(1 + 2 * n) for n in range(5)))
        order = []
        while len(order) < 5:
            order += [one[2] for one in client.until(DATA) if one[0] == DATA]
        self.assertEqual(order, [1, 3, 5, 7, 9])

    def test_streams_are_of_some_number(self):
        for count in ("0", "1001"):
            self.assertEqual(self.run_ringsend("serve", "--streams", count).status, USAGE)


class Faults(Http2Case):
    def test_a_close_ends_its_stream_alone(self):
        serve = self.serve("--http2", "--close", "50%", "--log", self.path("log"))
        client = self.client(serve)
        client.send(*(request(1 + 2 * n, path="/%d" % n) for n in range(20)))
        ends = {}
        while len(ends) < 20:
            kind, _, stream, payload = client.frame()
            if kind in (DATA, RST_STREAM):
                ends[stream] = kind if kind == DATA else int.from_bytes(payload, "big")
        self.assertEqual(set(ends.values()), {DATA, INTERNAL_ERROR})
        serve.stop()
        self.assertEqual({line[2][1:]: line[4] for line in self.log()},
                         {str(n): "200" if ends[1 + 2 * n] == DATA else "close"
                          for n in range(20)})

    def test_a_reset_ends_all(self):
        serve = self.serve("--http2", "--reset", "100%")
        client = self.client(serve)
        client.send(request(1), request(3))
        self.assertNotIn(DATA, [one[0] for one in client.frames()])
        self.wait_for_stats(serve, lambda stats: stats["resets"] == 1 and stats["gone"] == 1)

    def test_a_stall_holds_nobody_up(self):
        serve = self.serve("--http2", "--stall", "50%", "--seed", "3")
        client = self.client(serve)
        client.send(*(request(1 + 2 * n) for n in range(20)))
        self.wait_for_stats(serve, lambda stats: stats["requests"] == 20)
        stats = serve.stats()
        self.assertEqual(stats["stalls"] + stats["statuses"]["200"], 20)
        self.assertGreater(stats["stalls"], 0)

    def test_who_leaves_is_gone(self):
        serve = self.serve("--http2", "--latency", "1h")
        client = self.client(serve)
        client.send(request(1), request(3))
        self.wait_for_stats(serve, lambda stats: stats["requests"] == 2)
        client.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
        self.wait_for_stats(serve, lambda stats: stats["gone"] == 1)
        client.close()
        self.wait_for_stats(serve, lambda stats: stats["gone"] == 2)


class Hostile(Http2Case):
    """Peers that mean ill lose their connection; others do not notice."""

    def check(self, serve, *frames, count=1):
        client = self.client(serve)
        try:
            for _ in range(count):
                client.send(*frames)
        except (BrokenPipeError, ConnectionResetError):
            pass
        got = list(client.frames())
        serve.stats()
        return got

    def test_floods(self):
        serve = self.serve("--http2")
        begun = request(1, flags=0)
        for frames in ((frame(PING, 0, 0, b"12345678"),), (frame(SETTINGS),),
                       (frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),), (frame(0x42),)):
            got = self.check(serve, *frames * 100, count=400)
            goaways = [one for one in got if one[0] == GOAWAY]
            if goaways: # which a reset may overtake
                self.assertEqual(int.from_bytes(goaways[0][3][4:8], "big"), ENHANCE_YOUR_CALM)
        self.check(serve, begun, frame(CONTINUATION, 0, 1, fields(("a", "b"))) * 1000)

    def test_streams_for_nothing(self):
        serve = self.serve("--http2", "--latency", "1h")
        self.check(serve, *(request(1 + 2 * n) + frame(RST_STREAM, 0, 1 + 2 * n, b"\0\0\0\x08")
                            for n in range(2000)))

    def test_a_head_without_end(self):
        serve = self.serve("--http2")
        client = self.client(serve)
        more = [("x-%d" % n, "y" * 100) for n in range(140)]
        client.send(request(1, flags=END_STREAM, more=more),
                    *(frame(CONTINUATION, 0, 1, fields(*more)) for _ in range(4)),
                    frame(CONTINUATION, END_HEADERS, 1), request(3))
        got = client.until(DATA)
        self.assertEqual([one[2] for one in got if one[0] == RST_STREAM], [1])
        self.assertEqual(got[-1][2], 3)

    def test_what_is_no_frame(self):
        serve = self.serve("--http2")
        for data in (b"\0" * 20, b"\xff" * 20, b"GET / HTTP/1.1\r\n\r\n"):
            self.check(serve, data)


if __name__ == "__main__":
    main()
