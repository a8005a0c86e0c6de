"""Responses that come before the request is out: a good one counts when all was sent, others end
the send.

The bodies are larger than any socket's buffers, so that the client cannot be done before the
server reads."""

import os
import ssl
import threading

from harness import BOUND_S, NOT_ALL_OK, OK, Authority, Case, main, over_tls, response

BYTES = 14 << 20


def head_of(peer):
    """Reads a request's head; what came behind it stays unread, or is dropped by what follows."""
    held = b""
    while b"\r\n\r\n" not in held:
        data = peer.sock.recv(4096)
        if not data:
            return None
        held += data
    return len(held) - held.index(b"\r\n\r\n") - 4


class Early(Case):
    def setUp(self):
        super().setUp()
        self.authority = None
        with open(self.path("large"), "wb") as file:
            file.write(os.urandom(1 << 20) * (BYTES >> 20))

    def transfer(self, script, *options, method="POST", tls=False):
        """The result of one large record."""
        self.over = threading.Event()
        if tls:
            self.authority = self.authority or Authority(self.dir)
            server = self.tls_server(self.authority.certificate(), script)
            options = (*options, "--cacert", self.authority.pem)
        else:
            server = self.server(script)
        self.server_used = server
        run = self.run_ringsend(
            "send", "--url", server.url, "-X", method, *options,
            self.file("records.jsonl", [{"id": 1, "data_file": self.path("large")}]))
        self.over.set()
        self.assertEqual(len(run.results), 1, run.err)
        self.assertEqual(run.status, OK if run.results[0]["ok"] else NOT_ALL_OK, run.err)
        return run.results[0]

    def reads_on(self, answer):
        """Answers when the head is in, and reads the body all the same, slowly at first. What was
        sent may still be on its way when the client is done: is_read."""
        self.seen = 0
        self.is_read = threading.Event()

        def script(peer):
            self.seen = head_of(peer)
            peer.send(answer)
            while self.seen < BYTES:
                data = peer.sock.recv(1 << 16 if self.seen > 1 << 20 else 1 << 12)
                if not data:
                    break
                self.seen += len(data)
            self.is_read.set()
            peer.hold()
        return script

    def test_behind_a_good_response_the_rest_is_sent(self):
        for answer in (response(b"hello"), b"HTTP/1.1 204 x\r\n\r\n",
                       b"HTTP/1.1 100 x\r\n\r\n" + response(b"hi", "201 x"),
                       response(b"hello") + response(b"fake"),
                       b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
                       response(b"hello", headers=["Connection: close"])):
            for tls in (False, True):
                with self.subTest(answer=answer, tls=tls):
                    result = self.transfer(self.reads_on(answer), tls=tls)
                    self.assert_ok(result)
                    self.assertTrue(self.is_read.wait(BOUND_S))
                    self.assertEqual(self.seen, BYTES)

    def test_a_server_that_closes_its_side_and_reads_on_gets_it_all(self):
        self.seen = 0

        def script(peer):
            self.seen = head_of(peer)
            peer.send(response(b"hello", headers=["Connection: close"]))
            peer.sock.shutdown(1)
            while data := peer.sock.recv(1 << 16):
                self.seen += len(data)
        self.assert_ok(self.transfer(script), "hello")
        self.server_used.close()
        self.assertEqual(self.seen, BYTES)

    def test_a_server_that_breaks_off_behind_a_good_response_has_not_got_it(self):
        def script(peer):
            head_of(peer)
            peer.send(response(b"hello"))
            peer.reset()
        for tls in (False, True):
            with self.subTest(tls=tls):
                result = self.transfer(script, tls=tls)
                self.assertEqual((result["ok"], result["ambiguous"], result["attempts"]),
                                 (False, True, 1), result)
                self.assertIn(result["error"], ("send_broken", "truncated_head", "truncated_body"))

    def test_a_farewell_behind_a_good_response_ends_it(self):
        def script(peer):
            head_of(peer)
            peer.send(response(b"hello", headers=["Connection: close"]))
            peer.sock.settimeout(0)
            try:
                peer.sock.unwrap()
            except (ssl.SSLError, OSError):
                pass
            peer.sock.settimeout(None)
            peer.hold()
        result = self.transfer(script, tls=True)
        self.assert_error(result, "send_broken", "early")
        self.assertEqual((result["status"], result["ambiguous"]), (200, True))

    def test_a_server_that_stops_reading_is_waited_for_by_the_attempts_clock(self):
        def script(peer):
            head_of(peer)
            peer.send(response(b"hello"))
            self.over.wait()

        result = self.transfer(script, "--timeout", "1s", "--first-byte-timeout", "0.5s", "--tries",
                               "1")
        self.assert_error(result, "timeout_attempt", "early")
        self.assertEqual((result["status"], result["ambiguous"]), (200, True))

    def test_another_response_ends_the_send(self):
        for status in ("413 x", "401 x", "301 x", "500 x"):
            def script(peer):
                head_of(peer)
                peer.send(response(b"no", status))
                self.over.wait()
            for tls in (False, True):
                with self.subTest(status=status, tls=tls):
                    result = self.transfer(script, "--tries", "1", tls=tls)
                    self.assertEqual(
                        (result["ok"], result["error"], result["status"], result["body"]),
                        (False, None, int(status[:3]), "no"), result)

    def test_one_that_the_user_calls_good_is_not_ok_all_the_same(self):
        def script(peer):
            head_of(peer)
            peer.send(response(b"there already", "409 x"))
            self.over.wait()
        for option in (("--ok-status", "200-299,409"), ("--ok-if", "status == 409")):
            with self.subTest(option=option):
                result = self.transfer(script, *option)
                self.assertEqual((result["ok"], result["error"], result["status"]),
                                 (False, None, 409), result)
                self.assertIn("before the request was sent", result["detail"])


if __name__ == "__main__":
    main()
