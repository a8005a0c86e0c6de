"""Each clock ends what it is there to end, and none runs while a record waits for its slot."""

import socket
import threading

from harness import Case, NOT_ALL_OK, OK, answering, main, response


class FullListener:
    """A listening socket whose queue is full: the kernel drops what else wants to connect."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.url = "http://127.0.0.1:%d/" % self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex(self.listener.getsockname())
            self.fillers.append(filler)

    def close(self):
        for sock in [self.listener, *self.fillers]:
            sock.close()


class Timeouts(Case):
    def silent(self):
        return self.server(lambda peer: (peer.request(), peer.hold()))

    def drip(self, pause_s=0.02):
        """A server that never stops to send, very slowly."""
        def script(peer):
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n")
            never = threading.Event()
            while not never.wait(pause_s):
                peer.send(b".")
        return self.server(script)

    def test_connect(self):
        full = FullListener()
        self.addCleanup(full.close)
        result = self.send_one({"url": full.url, "data": "x"}, "--connect-timeout", "100ms",
                               "--tries", "2")
        self.assert_error(result, "timeout_connect")
        self.assertEqual(result["attempts"], 2)
        self.assertNotIn("ambiguous", result)  # nothing was sent

    def test_first_byte(self):
        result = self.send_one({"url": self.silent().url}, "--first-byte-timeout", "100ms",
                               "--tries", "1")
        self.assert_error(result, "timeout_first_byte")

    def test_a_bare_number_is_seconds(self):
        result = self.send_one({"url": self.silent().url}, "--first-byte-timeout", "0.1",
                               "--tries", "1")
        self.assert_error(result, "timeout_first_byte")

    def test_an_interim_response_is_not_the_end_of_waiting(self):
        server = self.server(lambda peer: (
            peer.request(), peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n"), peer.hold()))
        result = self.send_one({"url": server.url}, "--first-byte-timeout", "100ms", "--timeout",
                               "200ms", "--tries", "1")
        self.assertIn(result["error"], ("timeout_first_byte", "timeout_attempt"))

    def test_an_attempt_that_drips(self):
        result = self.send_one({"url": self.drip().url}, "--timeout", "200ms", "--tries", "1")
        self.assert_error(result, "timeout_attempt")
        self.assertNotIn("body", result)

    def test_an_attempt_whose_body_cannot_be_sent(self):
        server = self.server(lambda peer: peer.server.never.wait())
        server.never = threading.Event()
        self.addCleanup(server.never.set)
        result = self.send_one({"url": server.url, "data": "x" * (15 << 20)}, "--timeout", "300ms",
                               "--tries", "1")
        self.assert_error(result, "timeout_attempt")

    def test_a_dripping_head(self):
        def script(peer):
            peer.request()
            never = threading.Event()
            peer.send(b"HTTP/1.1 200 OK\r\nX: ")
            while not never.wait(0.02):
                peer.send(b"y")
        result = self.send_one({"url": self.server(script).url}, "--timeout", "200ms",
                               "--tries", "1")
        self.assert_error(result, "timeout_attempt")

    def test_an_attempt_that_is_slow_but_within_its_time(self):
        def script(peer):
            peer.request()
            never = threading.Event()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
            for _ in range(20):
                never.wait(0.02)
                peer.send(b".")
            peer.hold()
        result = self.send_one({"url": self.server(script).url}, "--first-byte-timeout", "10s",
                               "--timeout", "20s")
        self.assert_ok(result, "." * 20)

    def test_the_deadline_ends_a_record_whatever_it_does(self):
        for server in (self.silent(), self.drip()):
            result = self.send_one({"url": server.url}, "--deadline", "200ms")
            self.assert_error(result, "timeout_record")
            self.assertEqual(len(server.requests), 1)

    def test_the_deadline_ends_a_record_between_tries(self):
        server = self.server(answering(lambda _: response(b"", "503 Service Unavailable")))
        result = self.send_one({"url": server.url}, "--deadline", "300ms", "--tries", "100")
        self.assertFalse(result["ok"])
        self.assertLess(result["attempts"], 100)

    def test_the_deadline_of_a_post_in_flight_is_ambiguous(self):
        result = self.send_one({"url": self.silent().url, "data": "x"}, "--deadline", "200ms")
        self.assert_error(result, "timeout_record")
        self.assertIs(result.get("ambiguous"), True)

    def test_the_deadline_runs_while_a_record_waits_and_nothing_was_sent_then(self):
        server = self.silent()
        run = self.send("-c", "1", "--deadline", "300ms", "--url", server.url, expect=NOT_ALL_OK,
                        records=[{"data": str(n)} for n in range(20)])
        results = sorted(run.results, key=lambda r: r["line"])
        self.assertEqual([r["error"] for r in results], ["timeout_record"] * 20)
        # All deadlines are within a few hundred microseconds: as the first one ends, another may
        # still begin.
        begun = [r["attempts"] for r in results]
        self.assertEqual(begun[0], 1)
        self.assertLess(begun.count(1), 10)
        self.assertEqual([r.get("ambiguous") for r in results], [n == 1 or None for n in begun])

    def test_the_timeout_of_a_record_takes_the_place_of_the_options(self):
        for value in (0.1, "100ms"):
            with self.subTest(value=value):
                result = self.send_one({"url": self.drip().url, "timeout": value}, "--timeout",
                                       "1h", "--tries", "1")
                self.assert_error(result, "timeout_attempt")

    def test_a_record_that_waits_for_its_slot_does_not_time_out(self):
        pause = threading.Event()

        def answer(request):
            pause.wait(0.25)  # six of them take longer together than any of the limits
            return response(request.body)
        server = self.server(answering(answer))
        run = self.send("-c", "1", "--connect-timeout", "1s", "--first-byte-timeout", "1s",
                        "--timeout", "1s", "--tries", "1", "--url", server.url, expect=OK,
                        records=[{"data": str(n)} for n in range(6)])
        self.assertEqual(sorted(r["body"] for r in run.results), list("012345"))

    def test_a_timeout_of_one_record_leaves_its_neighbours_alone(self):
        def script(peer):
            while True:
                request = peer.request()
                if not request:
                    return
                if request.body == b"never":
                    peer.hold()
                else:
                    peer.send(response(request.body))
        server = self.server(script)
        run = self.send("-c", "2", "--first-byte-timeout", "300ms", "--url", server.url,
                        expect=NOT_ALL_OK,
                        records=[{"data": "never"}] + [{"data": str(n)} for n in range(30)])
        self.assertEqual(sorted(r["line"] for r in run.results if r["ok"]), list(range(2, 32)))


if __name__ == "__main__":
    main()
