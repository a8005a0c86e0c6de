"""Tokens that expire: --oauth2, --token-command, --token-file. The token server here revokes all
that it gave when it is asked twice at once, as those that users meet do."""

import base64
import json
import os
import signal
import threading
import time
import urllib.parse

from harness import (
    Case, NOT_ALL_OK, OK, Program, RINGSEND, SIGINT_EXIT, USAGE, answering, header, main, response
)

SECRET = "s3:cret&+"


class TokenServer:
    """The scripts of a token endpoint and of a platform that takes its tokens."""

    def __init__(self, life_s, refusals=()):
        self.life_s, self.refusals = life_s, list(refusals)
        self.lock = threading.Lock()
        self.asked = self.given = self.at_once = self.overlaps = 0
        self.valid = {}
        self.refused = 0

    def answer(self, request):
        with self.lock:
            self.asked += 1
            self.at_once += 1
            if self.at_once > 1:
                self.overlaps += 1
            refusal = self.refusals.pop(0) if self.refusals else None
        time.sleep(0.02)  # so that another one could come meanwhile
        with self.lock:
            self.at_once -= 1
            if refusal:
                return refusal
            self.given += 1
            token = "tok%d" % self.given
            self.valid = {} if self.overlaps else {token: time.monotonic() + self.life_s}
            return response(json.dumps({"access_token": token, "token_type": "Bearer",
                                        "expires_in": self.life_s}).encode())

    def takes(self, request):
        token = "".join(header(request, "authorization")).replace("Bearer ", "")
        with self.lock:
            good = self.valid.get(token, 0) > time.monotonic()
            self.refused += not good
        return response(b"{}", "200 OK" if good else "401 No")


class Tokens(Case):
    def platform(self, life_s, refusals=()):
        tokens = TokenServer(life_s, refusals)
        self.endpoint = self.server(answering(tokens.answer))
        self.place = self.server(answering(tokens.takes))
        self.held = self.file("secret", SECRET.encode() + b"\n")
        return tokens

    def oauth(self, *more):
        return ["--oauth2", self.endpoint.url + "token", "--client-id", "me@x", "--client-secret",
                "@" + self.held, *more]

    def records(self, count):
        return self.file("in", [{"id": i, "url": self.place.url, "data": "x"}
                                for i in range(count)])

    def test_client_credentials(self):
        tokens = self.platform(3600)
        run = self.run_ringsend("send", *self.oauth("--scope", "a b"), self.records(20))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual((tokens.asked, tokens.refused), (1, 0))
        asked = self.endpoint.requests[0]
        self.assertEqual((asked.method, asked.target), ("POST", "/token"))
        self.assertEqual(asked.body, b"grant_type=client_credentials&scope=a+b")
        pair = base64.b64decode(header(asked, "authorization")[0].split()[1]).decode()
        self.assertEqual([urllib.parse.unquote_plus(each) for each in pair.split(":")],
                         ["me@x", SECRET])
        self.assertEqual(header(self.place.requests[0], "authorization"), ["Bearer tok1"])

    def test_lives_that_end_cost_no_record(self):
        """40 connections, tokens of a second, on two threads: no record fails, and nobody asks for
        a token while another one does."""
        tokens = self.platform(1)
        begun_s = time.monotonic()
        run = self.run_ringsend("send", "-q", "-c", "40", "-t", "2", "--rate", "300/s",
                                *self.oauth(), self.records(750))
        lives = (time.monotonic() - begun_s) / 0.8
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(tokens.overlaps, 0)
        self.assertGreaterEqual(tokens.asked, 3)
        self.assertLessEqual(tokens.asked, lives + 2)
        results = run.results
        self.assertEqual(len(results), 750)
        self.assertEqual(sum(result["attempts"] - 1 for result in results), tokens.refused)

    def test_an_endpoint_that_is_down_delays(self):
        """And says why; the record's tries are not spent."""
        tokens = self.platform(3600, [response(b'{"error":"temporarily_unavailable"}', "503 No"),
                                      response(b"<html>"), None])
        run = self.run_ringsend("send", "--tries", "1", *self.oauth(), self.records(5))
        self.assertEqual(run.status, OK, run.err)
        self.assertIn("no token: the token endpoint answered 503, temporarily_unavailable; "
                      "the run waits, asked again in 250 ms", run.err)
        self.assertIn("no token: what came is no object of JSON", run.err)
        self.assertEqual((tokens.asked, tokens.refused), (3, 0))
        self.assertEqual([result["attempts"] for result in run.results], [1] * 5)

    def test_an_endpoint_that_refuses_ends_the_run(self):
        """With a wrong secret there will be no token: the run ends, its records are left, and
        --resume goes on with them."""
        tokens = self.platform(3600)
        out, records = self.path("out"), self.records(50)
        for error, status in (("invalid_client", "401 No"), ("invalid_grant", "400 No"),
                              ("unauthorized_client", "400 No"), ("invalid_scope", "403 No"),
                              ("unsupported_grant_type", "400 No")):
            tokens.refusals = [response(json.dumps({"error": error}).encode(), status)]
            tokens.asked = 0
            run = self.run_ringsend("send", "-o", out, *self.oauth(), "--force", records)
            self.assertEqual(run.status, USAGE, run.err)
            self.assertIn("sending was stopped: no token: the token endpoint answered %s, %s"
                          % (status[:3], error), run.err)
            self.assertIn("not finished: 0 done, 0 in doubt", run.err)
            self.assertIn("ringsend send --resume", run.err)
            self.assertEqual((tokens.asked, len(self.place.requests)), (1, 0))
        run = self.run_ringsend("send", "-o", out, *self.oauth(), "--resume", records)
        self.assertEqual((run.status, len(self.place.requests)), (OK, 50), run.err)
        # Of these words each may pass.
        tokens.refusals = [response(b'{"error":"invalid_client"}', "503 No"),
                           response(b'{"error":"invalid_request"}', "400 No"),
                           response(b'{"error":"invalid_client"', "429 No")]
        tokens.asked = 0
        run = self.run_ringsend("send", *self.oauth(), self.records(2))
        self.assertEqual((run.status, tokens.asked), (OK, 4), run.err)

    def test_an_endpoint_that_refuses_later_ends_the_run_with_the_last_token(self):
        """That one is used to its end; what it carried is done."""
        tokens = self.platform(1)
        out, records = self.path("out"), self.records(400)
        refuse = response(b'{"error":"invalid_client"}', "401 No")
        answers = tokens.answer
        self.endpoint.script = answering(lambda request: refuse if tokens.given else
                                         answers(request))
        run = self.run_ringsend("send", "-o", out, "-c", "4", "-t", "2", "--rate", "200/s",
                                *self.oauth(), records)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("no new token: the token endpoint answered 401, invalid_client; asked again",
                      run.err)
        done = [json.loads(line) for line in self.read("out").splitlines()]
        self.assertTrue(100 < len(done) < 399, len(done))
        self.assertTrue(all(each["ok"] for each in done))
        self.endpoint.script = answering(answers)
        tokens.life_s = 60
        run = self.run_ringsend("send", "-o", out, *self.oauth(), "--resume", records)
        self.assertEqual(run.status, OK, run.err)
        ids = sorted(json.loads(line)["id"] for line in self.read("out").splitlines())
        self.assertEqual(ids, list(range(400)))

    def test_lives_of_all_lengths(self):
        """Of those that no clock holds, of none, and of what is no number: one token lasts."""
        self.platform(3600)
        self.place.script = answering(lambda request: response(b"{}"))
        for life in (18446744073, 10 ** 12, 10 ** 30, 0, -5, None, "x"):
            reply = json.dumps({"access_token": "a", "expires_in": life}).encode()
            self.endpoint.script = answering(lambda request, reply=reply: response(reply))
            self.endpoint.requests.clear()
            run = self.run_ringsend("send", *self.oauth(), self.records(2))
            self.assertEqual((run.status, len(self.endpoint.requests)), (OK, 1), (life, run.err))

    def test_a_token_that_is_revoked_is_renewed_once(self):
        """Its refusals are tries that do not count, of POSTs as well."""
        tokens = self.platform(3600)
        answers = tokens.takes
        def revoking(request):
            with tokens.lock:
                if len(self.place.requests) == 100:
                    tokens.valid.clear()
            return answers(request)
        self.place.script = answering(revoking)
        run = self.run_ringsend("send", "-c", "8", "--tries", "1", *self.oauth(),
                                self.records(400))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual((tokens.asked, tokens.overlaps), (2, 0))
        self.assertTrue(1 <= tokens.refused <= 16, tokens.refused)
        self.assertFalse(any("ambiguous" in result for result in run.results))

    def test_refusals_that_no_token_helps_are_results(self):
        tokens = self.platform(3600)
        self.place.script = answering(lambda request: response(b"no", "401 No"))
        run = self.run_ringsend("send", "-c", "4", *self.oauth(), self.records(40))
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual({result["status"] for result in run.results}, {401})
        self.assertEqual(tokens.asked, 2)
        # By turns with such that are good.
        self.place.script = answering(lambda request: response(
            b"no", "401 No" if request.target == "/bad" else "200 OK"))
        tokens.asked = 0
        mixed = self.file("mixed", [{"url": self.place.url + ("bad" if i % 2 else "")}
                                    for i in range(200)])
        run = self.run_ringsend("send", "-c", "1", *self.oauth(), mixed)
        self.assertEqual([result["status"] for result in run.results], [200, 401] * 100)
        self.assertLessEqual(tokens.asked, 4)
        # A record of its own mind takes no part.
        self.place.requests.clear()
        own = self.file("own", [{"url": self.place.url, "headers": {"authorization": "mine"}}])
        run = self.run_ringsend("send", *self.oauth(), own)
        self.assertEqual(run.results[0]["attempts"], 1)
        self.assertEqual(header(self.place.requests[0], "authorization"), ["mine"])

    def test_commands(self):
        place = self.server(answering(lambda request: response(b"{}")))
        records = self.file("in", [{"url": place.url}])
        count = self.path("count")
        for command, token in (
            ("printf abc.DEF", "abc.DEF"),
            ("echo; echo ' abc '; echo", "abc"),
            ('printf \'{"access_token": "a\\u0062c", "expires_in": "60"}\'', "abc"),
            ("printf %s \"$HELD\"", "from-the-environment"),
            ("cat; echo none-on-stdin", "none-on-stdin"),
            # What it leaves running holds the pipe.
            ("sleep 1000 2>/dev/null & echo $! >%s; echo agent" % self.path("agent"), "agent"),
            ("echo x >>%s; [ $(wc -l <%s) = 2 ] && echo second" % (count, count), "second"),
        ):
            place.requests.clear()
            run = self.run_ringsend("send", "--token-command", command, records,
                                    env=dict(os.environ, HELD="from-the-environment"))
            self.assertEqual(run.status, OK, run.err)
            self.assertEqual(header(place.requests[0], "authorization"), ["Bearer " + token])
        self.assertIn("no token: the command ended with 1; the run waits", run.err)
        torn = self.path("torn")
        run = self.run_ringsend("send", "--token-command", "[ -e %s ] && echo whole || "
                                "{ touch %s; echo '{\"access_token\":\"a'; }" % (torn, torn),
                                records)
        self.assertIn("no token: what came is no JSON; the run waits", run.err)
        os.kill(int(self.read("agent")), signal.SIGKILL)

    def test_whoever_started_us_may_ignore_the_ends_of_children(self):
        """The status of a command that fails is seen all the same: what it printed is no token."""
        place = self.server(answering(lambda request: response(b"{}")))
        mark = self.path("mark")
        run = self.run_ringsend(
            "send", "--token-command",
            "[ -e %s ] && echo good && exit 0; >%s; echo bad; exit 3" % (mark, mark),
            self.file("in", [{"url": place.url}]),
            preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(run.status, OK, run.err)
        self.assertIn("the command ended with 3", run.err)
        self.assertEqual(header(place.requests[0], "authorization"), ["Bearer good"])

    def test_a_stop_ends_all_waiting(self):
        """For a command, or for a lock; the command's processes with it."""
        place = self.server(answering(lambda request: response(b"{}")))
        records = self.file("in", [{"url": place.url}])
        mark = self.path("mark")
        program = Program([RINGSEND, "send", "--token-command",
                           "echo $$ >%s; sleep 1000; echo x" % mark, records])
        self.addCleanup(program.close)
        while not (os.path.exists(mark) and self.read("mark")):
            time.sleep(0.01)
        pid = int(self.read("mark"))
        program.signal(signal.SIGINT)
        run = program.finish()
        self.assertEqual(run.status, SIGINT_EXIT, run.err)
        self.assertFalse(os.path.exists("/proc/%d" % pid))
        self.assertEqual(place.requests, [])

    def test_processes_share_a_file(self):
        """Four of them at once, then one that finds it: one token for all. What is torn is made
        anew."""
        tokens = self.platform(60)
        shared, records = self.path("shared"), self.records(100)
        programs = [Program([RINGSEND, "send", *self.oauth("--token-file", shared), records])
                    for _ in range(4)]
        for program in programs:
            self.addCleanup(program.close)
        for program in programs:
            run = program.finish()
            self.assertEqual(run.status, OK, run.err)
        self.assertEqual((tokens.asked, tokens.overlaps, tokens.refused), (1, 0, 0))
        self.assertEqual(os.stat(shared).st_mode & 0o777, 0o600)
        run = self.run_ringsend("send", *self.oauth("--token-file", shared), records)
        self.assertEqual((run.status, tokens.asked), (OK, 1), run.err)
        # One of an earlier day is refused, and renewed.
        tokens.valid.clear()
        run = self.run_ringsend("send", *self.oauth("--token-file", shared), records)
        self.assertEqual((run.status, tokens.asked), (OK, 2), run.err)
        for torn, asked in ((b'{"access_token":"to', 3), (b'{"acc', 4), (bytes(60), 5), (b"", 6)):
            self.file("shared", torn)
            run = self.run_ringsend("send", *self.oauth("--token-file", shared), records)
            self.assertEqual((run.status, tokens.asked), (OK, asked), run.err)

    def test_no_file_of_others_is_written_to(self):
        """Not the secret's, not the records', not another program's token."""
        tokens = self.platform(60)
        records = self.records(1)
        other = self.file("other", b'{"access_token":"a","refresh_token":"b"}\n')
        for path in (self.held, records, other):
            with open(path, "rb") as file:
                before = file.read()
            run = self.run_ringsend("send", *self.oauth("--token-file", path), records)
            self.assertEqual(run.status, USAGE, run.err)
            self.assertIn("--token-file %s: it holds something else" % path, run.err)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), before)
        self.assertEqual(tokens.asked, 0)
        run = self.run_ringsend("send", *self.oauth("--token-file", self.dir), records)
        self.assertEqual(run.status, USAGE, run.err)
        open_to_all = self.file("open", b"")
        os.chmod(open_to_all, 0o644)
        run = self.run_ringsend("send", *self.oauth("--token-file", open_to_all), records)
        self.assertEqual(run.status, OK, run.err)
        self.assertIn("everybody on this machine can read the token in " + open_to_all, run.err)

    def test_secrets_stand_nowhere(self):
        self.platform(3600, [response(b'{"error":"busy_now","hint":"s3:cret&+"}',
                                      "503 No")])
        out = self.path("out")
        run = self.run_ringsend("send", "-v", "--trace", "-o", out, *self.oauth(), self.records(3))
        self.assertEqual(run.status, OK, run.err)
        self.assertIn("503, busy_now", run.err)
        dry = self.run_ringsend("send", "--dry-run", *self.oauth(), self.records(1))
        self.assertIn("Authorization: ***", dry.out.decode())
        check = self.run_ringsend("check", *self.oauth(), self.records(1))
        self.assertEqual(check.status, OK, check.err)
        text = run.err + self.read("out").decode() + dry.out.decode() + dry.err
        for secret in (SECRET, "tok1", urllib.parse.quote_plus(SECRET)):
            self.assertNotIn(secret, text)

    def test_what_is_secret_in_a_command_is_not_shown(self):
        """Nor in the command that goes on with the run, which works once they are set."""
        place = self.server(answering(lambda request: response(b"{}", "500 No")))
        records = self.file("in", [{"url": place.url, "data": "x"}] * 3)
        command = ("true -u me:pass0word -H 'Authorization: Bearer abcdefg' --client-secret=hijklm "
                   "--password nopqrs $TOKEN @%s; API_KEY=tuvwxy true x1y2z3a4b5c6d7e8f9g0h1; "
                   "echo ok" % self.path("file"))
        run = self.run_ringsend("send", "--abort-on", "500", "-o", self.path("out"),
                                "--tries", "1", "-c", "1", "--token-command", command, records)
        self.assertEqual(run.status, 6, run.err)
        self.assertIn("send --resume", run.err)
        for secret in ("pass0word", "abcdefg", "hijklm", "nopqrs", "tuvwxy", "x1y2z3"):
            self.assertNotIn(secret, run.err)
        for plain in ("true -u", "$TOKEN", "; echo ok", self.path("file")):
            self.assertIn(plain, run.err)

    def test_mistakes_are_told_at_once(self):
        tokens = self.platform(60)
        records = self.records(1)
        for options, told in (
            (["--oauth2", "ftp://x/"], "goes with --client-id"),
            (["--oauth2", "ftp://x/", "--client-id", "a", "--client-secret", "@" + self.held],
             "--oauth2 must be http[s]://"),
            (["--client-id", "a"], "go with --oauth2"),
            (["--scope", "a"], "go with --oauth2"),
            (["--client-secret", SECRET], "must be @FILE or env:VARIABLE"),
            (["--token-file", "x"], "goes with --token-command or --oauth2"),
            (["--token-command", ""], "is empty"),
            (["--token-command", "x", "-u", "a:b"], "give only one of --user and --token-command"),
            (["--token-command", "x", "-H", "authorization: b"], "which --header gives as well"),
        ):
            for command in ("send", "check"):
                run = self.run_ringsend(command, *options, records)
                self.assertEqual(run.status, USAGE, run.err)
                self.assertIn(told, run.err)
                self.assertNotIn(SECRET, run.err)
        self.assertEqual(tokens.asked, 0)


if __name__ == "__main__":
    main()
