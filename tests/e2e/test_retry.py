"""What is tried again, how often, and what never is: no side effect twice behind one's back."""

import email.utils
import time

from harness import (BOUND_S, Case, NOT_ALL_OK, OK, header, in_turn, main, refused_port, response)

GOOD = response(b"good")
SLOW_DOWN = ("408 Request Timeout", "425 Too Early", "429 Too Many Requests",
             "503 Service Unavailable")
UNCLEAR = ("500 Internal Server Error", "502 Bad Gateway", "504 Gateway Timeout")
FINAL = ("400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "409 Conflict",
         "422 Unprocessable Content", "501 Not Implemented")
POST = {"method": "POST", "data": "x"}
GET = {"method": "GET"}


def quick(status):
    """An answer that asks for no pause."""
    return response(b"bad", status, ["Retry-After: 0"])


def close(peer):
    peer.end()


def reset(peer):
    peer.reset()


class Retry(Case):
    def outcome(self, record, answers, *options):
        """The result of one record, and how often it was delivered."""
        server = self.server(in_turn(*answers))
        result = self.send_one(dict(record, url=server.url), *options)
        return result, len(server.requests)

    def assert_tried_again(self, record, *answers, options=()):
        result, deliveries = self.outcome(record, [*answers, GOOD], *options)
        self.assert_ok(result, "good")
        self.assertEqual((result["attempts"], deliveries), (len(answers) + 1,) * 2)
        self.assertNotIn("ambiguous", result)

    def assert_ambiguous(self, record, answer, error=None):
        """Delivered exactly once, with a result that says that nobody knows."""
        result, deliveries = self.outcome(record, [answer, GOOD])
        self.assertEqual((result["ok"], result["error"], result["attempts"], deliveries),
                         (False, error, 1, 1), result)
        self.assertIs(result.get("ambiguous"), True)


class Statuses(Retry):
    def test_first_fails_then_ok(self):
        self.assert_tried_again(GET, quick("503 Service Unavailable"))

    def test_three_failures_then_ok_is_within_four_tries(self):
        self.assert_tried_again(GET, *[quick("503 Service Unavailable")] * 3)

    def test_408_425_429_and_503_are_retried_for_every_method(self):
        for status in SLOW_DOWN:
            for record in (GET, POST):
                with self.subTest(status=status, method=record["method"]):
                    self.assert_tried_again(record, quick(status))

    def test_their_heads_count_whatever_becomes_of_the_body(self):
        bodies = {
            "cut off": b"Content-Length: 9\r\n\r\nhalf",
            "malformed": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            "too large": b"Content-Length: 9000\r\n\r\n" + b"x" * 9000,
            "not what its coding says": b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"
        }
        for status in SLOW_DOWN:
            for name, body in bodies.items():
                with self.subTest(status=status, body=name):
                    answer = b"HTTP/1.1 %s\r\nRetry-After: 0\r\n%s" % (status.encode(), body)

                    def cut_off(peer, answer=answer):
                        peer.send(answer)
                        peer.end()

                    self.assert_tried_again(POST, cut_off,
                                            options=("--max-body", "5000", "--compressed"))

    def test_a_head_that_declines_is_no_doubt_when_all_tries_end_so(self):
        def cut_off(peer):
            peer.send(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 9\r\n\r\nhalf")
            peer.end()
        result, deliveries = self.outcome(POST, [cut_off])
        self.assertEqual((result["status"], result["error"], deliveries),
                         (503, "truncated_body", 4))
        self.assertNotIn("ambiguous", result)

    def test_a_good_head_whose_body_is_cut_off_is_in_doubt(self):
        def cut_off(peer):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            peer.end()
        self.assert_ambiguous(POST, cut_off, "truncated_body")

    def test_500_502_and_504_are_retried_for_idempotent_methods(self):
        for status in UNCLEAR:
            with self.subTest(status=status):
                self.assert_tried_again(GET, quick(status))
        for method in ("HEAD", "PUT", "DELETE", "OPTIONS"):
            with self.subTest(method=method):
                server = self.server(in_turn(
                    response(b"", UNCLEAR[0], ["Retry-After: 0"]), response(b"")))
                result = self.send_one({"method": method, "url": server.url})
                self.assertEqual((result["ok"], result["attempts"]), (True, 2))

    def test_post_and_patch_with_500_502_or_504_are_ambiguous_and_delivered_once(self):
        for status in UNCLEAR:
            for method in ("POST", "PATCH"):
                with self.subTest(status=status, method=method):
                    self.assert_ambiguous(dict(POST, method=method), quick(status))

    def test_an_ambiguous_status_keeps_its_status_and_body(self):
        result, _ = self.outcome(POST, [quick("502 Bad Gateway")])
        self.assertEqual((result["status"], result["body"], result["error"]), (502, "bad", None))

    def test_other_errors_are_final(self):
        for status in FINAL:
            for record in (GET, POST):
                with self.subTest(status=status, method=record["method"]):
                    result, deliveries = self.outcome(record, [quick(status), GOOD])
                    self.assertEqual((result["ok"], result["status"], deliveries),
                                     (False, int(status[:3]), 1))
                    self.assertNotIn("ambiguous", result)

    def test_the_last_of_all_failed_tries_is_the_result(self):
        result, deliveries = self.outcome(GET, [quick(SLOW_DOWN[3])])
        self.assertEqual((result["status"], result["attempts"], deliveries, result["body"]),
                         (503, 4, 4, "bad"))

    def test_ok_status_is_neither_a_failure_nor_retried(self):
        for record in (GET, POST):
            result, deliveries = self.outcome(record, [quick(UNCLEAR[0])], "--ok-status", "500")
            self.assert_ok(result, "bad")
            self.assertEqual(deliveries, 1)

    def test_ok_status_takes_the_place_of_2xx(self):
        result, _ = self.outcome(GET, [GOOD], "--ok-status", "404")
        self.assertEqual((result["ok"], result["status"], result["error"]), (False, 200, None))

    def test_ok_status_takes_lists_classes_and_ranges(self):
        for text in ("2xx,404", "200-299,400-404", "404"):
            with self.subTest(text=text):
                result, _ = self.outcome(GET, [quick("404 Not Found")], "--ok-status", text)
                self.assert_ok(result)


class Broken(Retry):
    def test_no_response_is_retried_for_get(self):
        self.assert_tried_again(GET, close)
        self.assert_tried_again(GET, reset)

    def test_no_response_to_a_post_is_ambiguous_and_delivered_once(self):
        self.assert_ambiguous(POST, close, "closed_no_response")
        self.assert_ambiguous(POST, reset, "reset_no_response")

    def test_half_a_response_to_a_post_is_ambiguous_and_delivered_once(self):
        def head(peer):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-")
            peer.end()

        def body(peer):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            peer.end()
        self.assert_ambiguous(POST, head, "truncated_head")
        self.assert_ambiguous(POST, body, "truncated_body")

    def test_half_a_response_to_a_get_is_retried(self):
        def body(peer):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            peer.end()
        self.assert_tried_again(GET, body)

    def test_a_malformed_response_to_a_post_is_ambiguous(self):
        self.assert_ambiguous(POST, lambda peer: peer.send(b"nonsense\r\n\r\n"), "bad_response")

    def test_silence_to_a_post_is_ambiguous_and_delivered_once(self):
        server = self.server(lambda peer: (peer.request(), peer.hold()))
        result = self.send_one(dict(POST, url=server.url), "--first-byte-timeout", "100ms")
        self.assert_error(result, "timeout_first_byte")
        self.assertEqual((result["attempts"], len(server.requests)), (1, 1))
        self.assertIs(result.get("ambiguous"), True)

    def test_silence_to_a_get_is_retried(self):
        self.assert_tried_again(GET, lambda peer: peer.hold(),
                                options=["--first-byte-timeout", "200ms"])

    def test_connection_refused_is_retried_and_ends_after_four_attempts(self):
        sock, port = refused_port()
        with sock:
            result = self.send_one(dict(POST, url="http://127.0.0.1:%d/" % port))
        self.assert_error(result, "connect_refused")
        self.assertEqual((result["attempts"], result["status"]), (4, None))
        self.assertNotIn("ambiguous", result)

    def test_a_post_is_sent_when_the_server_comes_up_between_tries(self):
        sock, port = refused_port()
        program = self.start("send", "--tries", "100", self.file("r", [
            dict(POST, url="http://127.0.0.1:%d/" % port)]))
        # Whether the first tries were refused or not, one of the later ones finds the listener.
        sock.settimeout(BOUND_S)
        sock.listen(1)
        peer, _ = sock.accept()
        data = b""
        while not data.endswith(b"\r\n\r\nx"):
            data += peer.recv(4096)
        peer.sendall(GOOD)
        run = program.finish()
        peer.close()
        sock.close()
        self.assertEqual((run.status, run.results[0]["body"]), (OK, "good"), run.err)


class Policy(Retry):
    def test_at_least_once_retries_a_post(self):
        for answer in (quick(UNCLEAR[0]), close, reset):
            self.assert_tried_again(POST, answer, options=["--at-least-once"])

    def test_an_idempotency_key_lets_a_post_be_retried_with_the_same_key(self):
        server = self.server(in_turn(quick(UNCLEAR[0]), close, GOOD))
        result = self.send_one(dict(POST, url=server.url, headers={"Idempotency-Key": "k1"}))
        self.assert_ok(result, "good")
        self.assertEqual([header(r, "idempotency-key") for r in server.requests], [["k1"]] * 3)

    def test_tries_1_means_one(self):
        for answer in (quick(SLOW_DOWN[3]), close):
            result, deliveries = self.outcome(GET, [answer, GOOD], "--tries", "1")
            self.assertEqual((result["ok"], result["attempts"], deliveries), (False, 1, 1))

    def test_tries_of_a_record_take_the_place_of_the_options(self):
        result, deliveries = self.outcome(dict(GET, tries=2), [quick(SLOW_DOWN[3])], "--tries", "7")
        self.assertEqual((result["attempts"], deliveries), (2, 2))

    def test_the_same_bytes_are_sent_at_every_try(self):
        server = self.server(in_turn(quick(SLOW_DOWN[0]), quick(SLOW_DOWN[3]), GOOD))
        self.assert_ok(self.send_one(dict(POST, url=server.url, headers={"x-a": "b"})), "good")
        self.assertEqual(len({(r.head, r.body) for r in server.requests}), 1)

    def test_a_failing_record_does_not_hold_back_the_others(self):
        sock, port = refused_port()
        server = self.server(in_turn(GOOD))
        with sock:
            run = self.send("-c", "1", "--url", server.url, records=[
                {"url": "http://127.0.0.1:%d/" % port}] + [GET] * 20, expect=NOT_ALL_OK)
        self.assertEqual([r["line"] for r in run.results][-1], 1)  # all others came first
        self.assertEqual(len(run.results), 21)


class RetryAfter(Retry):
    def test_seconds_are_waited_for(self):
        result, deliveries = self.outcome(GET, [
            response(b"", SLOW_DOWN[2], ["Retry-After: 1"]), GOOD])
        self.assert_ok(result, "good")
        self.assertEqual(deliveries, 2)
        self.assertGreaterEqual(result["us"]["queue"], 1000000)

    def test_a_date_is_waited_for(self):
        date = email.utils.formatdate(time.time() + 2, usegmt=True)  # cut to whole seconds
        result, _ = self.outcome(POST, [
            response(b"", SLOW_DOWN[3], ["Retry-After: " + date]), GOOD])
        self.assert_ok(result, "good")
        self.assertGreaterEqual(result["us"]["queue"], 900000)

    def test_a_date_in_the_past_and_nonsense_do_no_harm(self):
        for value in ("Mon, 01 Jan 2001 00:00:00 GMT", "soon", "-5", "", "1e9",
                      "0"):
            with self.subTest(value=value):
                result, _ = self.outcome(GET, [
                    response(b"", SLOW_DOWN[3], ["Retry-After: " + value]), GOOD])
                self.assert_ok(result, "good")

    def test_a_long_pause_ends_with_the_records_deadline(self):
        result, deliveries = self.outcome(GET, [
            response(b"", SLOW_DOWN[3], ["Retry-After: 50"]), GOOD], "--deadline", "300ms")
        self.assertFalse(result["ok"])
        self.assertEqual(deliveries, 1)


class StaleConnections(Retry):
    """A kept connection that the server closes just when it is used again."""

    def stale(self, script, records, *options):
        server = self.server(script)
        run = self.send("-c", "1", "--url", server.url, *options, records=records)
        self.assertEqual([r["line"] for r in run.results], list(range(1, len(records) + 1)))
        return server, run.results

    @staticmethod
    def silent_close(peer):
        """One response that promises keep-alive, then FIN."""
        if peer.request():
            peer.send(GOOD)
            peer.end()

    @staticmethod
    def die_on_second(peer):
        """Takes a second request on the same connection, and breaks it instead of answering."""
        if peer.request():
            peer.send(GOOD)
            if peer.request():
                peer.reset()

    def test_gets_go_out_again_after_a_silent_close_without_costing_a_try(self):
        _, results = self.stale(self.silent_close, [GET] * 20, "--tries", "1")
        for result in results:
            self.assert_ok(result, "good")

    def test_posts_after_a_silent_close_are_ok_or_ambiguous_and_never_delivered_twice(self):
        server, results = self.stale(self.silent_close, [
            {"method": "POST", "data": "p%d" % n} for n in range(20)])
        bodies = [r.body.decode() for r in server.requests]
        self.assertEqual(len(bodies), len(set(bodies)))
        for result in results:
            self.assertTrue(result["ok"] or result.get("ambiguous"), result)

    def test_a_get_gets_one_free_try_when_a_used_connection_dies(self):
        server, results = self.stale(self.die_on_second, [GET, GET], "--tries", "1")
        for result in results:
            self.assert_ok(result, "good")
        self.assertEqual((len(server.requests), server.connections), (3, 2))

    def test_a_post_gets_none_when_it_may_have_arrived(self):
        server, results = self.stale(self.die_on_second, [POST, POST])
        self.assert_ok(results[0])
        self.assertEqual((results[1]["ok"], results[1].get("ambiguous"), len(server.requests)),
                         (False, True, 2))


if __name__ == "__main__":
    main()
