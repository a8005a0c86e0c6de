"""Through proxies: those of the distribution, and by curl's rules which one, if any."""

import base64
import os
import re
import signal
import socket
import subprocess
import threading

from harness import (
    BOUND_S, NOT_ALL_OK, OK, RINGSEND, USAGE, Case, answering, header, json_lines, main, over_tls,
    response
)
from proxies import dante, free_port, haproxy, squid, tinyproxy
from test_tls import Tls, setUpModule  # setUpModule: makes Tls's authority here, too

PAIR = base64.b64encode(b"me:secret").decode()


class Seen:
    """An origin that notes whose credentials it sees."""

    def __init__(self, case, certificate=None):
        self.heads = []

        def answer(request):
            self.heads.append(request)
            return response(b"ok")
        script = answering(answer)
        server = case.server(over_tls(certificate, script) if certificate else script)
        self.url = "http%s://%s/" % ("s" if certificate else "", server.authority)
        self.server = server


class Ways(Tls):
    def origins(self):
        return Seen(self), Seen(self, self.ca.certificate())

    def batch(self, *origins, count=10):
        return [{"url": origin.url + str(n), "method": "POST", "data": "x",
                 "headers": {"Authorization": "Bearer origins"}}
                for n in range(count) for origin in origins]

    def check(self, run, origins, count=10):
        self.assertEqual({(r["status"], r["attempts"]) for r in run.results}, {(200, 1)})
        for origin in origins:
            self.assertEqual(len(origin.heads), count)
            for request in origin.heads:
                self.assertEqual(header(request, "proxy-authorization"), [])
                self.assertEqual(header(request, "authorization"), ["Bearer origins"])


class Tunnels(Ways):
    def test_connect_of_tinyproxy(self):
        origins = self.origins()
        proxy = tinyproxy(self, "BasicAuth me secret")
        run = self.send("-x", "http://me:secret@127.0.0.1:%d" % proxy.port, "--proxytunnel", "-c",
                        "2", *self.trust(), records=self.batch(*origins), expect=OK)
        self.check(run, origins)
        self.assertLess(sum(o.server.connections for o in origins), 20)
        self.assertEqual(run.err.splitlines()[0], "ringsend: requests go by the proxy "
                         "http://***@127.0.0.1:%d (--proxy)" % proxy.port)
        run = self.send("-x", "127.0.0.1:%d" % proxy.port, "--proxy-user", "me:wrong",
                        "--proxytunnel", *self.trust(), records=self.batch(*origins, count=1),
                        expect=NOT_ALL_OK)
        for result in run.results:
            self.assert_error(result, "proxy_auth", "401")
            self.assertEqual((result["attempts"], "ambiguous" in result), (1, False))
        self.assertNotIn("wrong", run.err)

    def test_absolute_form_is_shared_and_a_407_is_the_proxys(self):
        origins = Seen(self), Seen(self)
        proxy = squid(self)
        run = self.send("-x", "127.0.0.1:%d" % proxy.port, "--proxy-header", "X-Proxy: 1", "-c",
                        "1", records=self.batch(*origins), expect=OK)
        self.check(run, origins)
        self.assertRegex(run.err, r"\b1 connections? opened")
        proxy = tinyproxy(self, "BasicAuth me secret")
        for number, (user, expect) in enumerate((("me:secret@", OK), ("", NOT_ALL_OK))):
            run = self.send("-x", "%s127.0.0.1:%d" % (user, proxy.port), "-c", "1",
                            records=self.batch(*origins, count=1), expect=expect)
            for result in run.results if number else []:
                self.assert_error(result, "proxy_auth", "407")
                self.assertEqual((result["attempts"], result["status"]), (1, None))
                self.assertNotIn("ambiguous", result)
        self.assertIn("perhaps   --proxy-user USER:PASSWORD\n", run.err)
        self.assertEqual(len(origins[0].heads), 11)
        self.assertFalse([h for o in origins for h in o.heads if header(h, "proxy-authorization")])

    def test_what_squid_refuses_is_not_ambiguous(self):
        origin = Seen(self, self.ca.certificate())
        proxy = squid(self, "acl here port %s" % origin.server.authority.split(":")[1],
                      "http_access deny here")
        run = self.send("-x", "127.0.0.1:%d" % proxy.port, "--tries", "2", "--retry-delay", "1ms",
                        records=self.batch(origin, count=2), expect=NOT_ALL_OK)
        for result in run.results:
            self.assert_error(result, "proxy_status", "403 Forbidden")
            self.assertEqual((result["attempts"], "ambiguous" in result), (2, False))
        self.assertIn("perhaps   may the proxy reach that host? --noproxy HOST goes", run.err)
        self.assertEqual(origin.heads, [])

    def test_socks5_of_dante(self):
        origins = self.origins()
        proxy = dante(self)
        for number, scheme in enumerate(("socks5", "socks5h")):
            run = self.send("-x", "%s://127.0.0.1:%d" % (scheme, proxy.port), *self.trust(),
                            records=self.batch(*origins), expect=OK)
            self.check(run, origins, 10 * (number + 1))
        # Who looks a name up is who says that there is none.
        for scheme, error in (("socks5", "dns_not_found"), ("socks5h", "socks_refused")):
            run = self.send("-x", "%s://127.0.0.1:%d" % (scheme, proxy.port), "--tries", "1",
                            records=[{"url": "http://nobody.invalid/"}], expect=NOT_ALL_OK)
            self.assert_error(run.results[0], error)


class Decisions(Case):
    """Whom curl connects to and in which way, and whether ringsend does the same."""

    def listen(self, name):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.names[listener.getsockname()[1]] = name

        def serve():
            while True:
                try:
                    sock, peer = listener.accept()
                except OSError:
                    return
                with sock:
                    sock.settimeout(BOUND_S)
                    try:
                        first = sock.recv(4096)
                    except OSError:
                        first = b""
                    self.heard[peer[1]] = name
                    self.seen.append((name, self.kind(first)))
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return listener.getsockname()[1]

    @staticmethod
    def kind(first):
        for kind, start in (("tls", b"\x16"), ("socks", b"\x05"), ("connect", b"CONNECT "),
                            ("absolute", b"GET http://"), ("direct", b"GET /")):
            if first.startswith(start):
                user = re.search(rb"(?i)proxy-authorization: basic (\S+)", first)
                return kind + (" " + base64.b64decode(user.group(1)).decode() if user else "")
        return repr(first[:20])

    def rows(self, direct):
        """Environment, options, URL. P and Q stand for ports of proxies."""
        http, https = "http://a.example:%d/" % direct, "https://a.example:%d/" % direct
        four, six = "http://127.0.0.1:%d/" % direct, "http://b.c.a.example.:%d/" % direct
        for env in ({"http_proxy": "P"}, {"HTTP_PROXY": "P"}, {"https_proxy": "http://P"},
                    {"HTTPS_PROXY": "P"}, {"all_proxy": "P"}, {"ALL_PROXY": "socks5h://P"},
                    {"http_proxy": "P", "all_proxy": "Q"}, {"https_proxy": "", "all_proxy": "Q"},
                    {"https_proxy": "P", "HTTPS_PROXY": "Q"}, {"all_proxy": "P", "ALL_PROXY": "Q"}):
            for url in (http, https):
                yield env, [], url
        both = {"http_proxy": "P", "https_proxy": "P"}
        for name in ("no_proxy", "NO_PROXY"):
            for value, url in (("*", http), ("a.example", http), (".a.example", six),
                               ("example", https), ("xa.example", http), ("A.EXAMPLE.", six),
                               ("b.example, a.example", http), ("127.0.0.0/8", four),
                               ("127.0.0.1", four), ("127.0.0.2/31", four),
                               ("a.example:%d" % direct, http)):
                yield dict(both, **{name: value}), [], url
        for options, url in ((["-x", "Q"], http), (["-x", "Q"], https), (["-x", ""], http),
                             (["-x", "socks5h://Q"], http), (["-x", "socks5h://Q"], https),
                             (["-x", "http://u:p%40@Q"], http), (["-x", "u@Q"], https),
                             (["-x", "u:p@Q", "--proxy-user", "v:w"], http),
                             (["--proxy-user", "v:w"], https), (["--proxytunnel"], http),
                             (["--noproxy", "a.example"], http), (["--noproxy", "*"], https),
                             (["-x", "Q", "--noproxy", "a.example"], http),
                             (["-x", "Q", "--noproxy", "x"], http)):
            yield both, options, url
        yield dict(both, no_proxy="a.example"), ["-x", "Q"], http
        yield dict(both, no_proxy="a.example"), ["--noproxy", ""], http
        yield dict(both, no_proxy="x", NO_PROXY="a.example"), [], http
        yield dict(both, no_proxy="", NO_PROXY="a.example"), [], http

    def decision(self, command, env):
        self.seen.clear()
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        subprocess.run(command, env=dict(clean, **env), stdin=subprocess.DEVNULL, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=BOUND_S)
        return sorted(set(self.seen))

    def test_sixty_rows_are_as_curl_has_them(self):
        self.names, self.heard, self.seen = {}, {}, []
        direct, first, second = (self.listen(name) for name in ("direct", "P", "Q"))

        def filled(text):
            return text.replace("Q", "127.0.0.1:%d" % second).replace(
                "P", "127.0.0.1:%d" % first) if not text.startswith("--") else text
        count = 0
        for env, options, url in self.rows(direct):
            env = {name: filled(value) for name, value in env.items()}
            options = [filled(option) for option in options]
            resolve = ["--resolve", "a.example:%d:127.0.0.1" % direct, "--resolve",
                       "b.c.a.example.:%d:127.0.0.1" % direct]
            curl = self.decision(["curl", "-q", "-sk", "-m", "20"] + resolve + options + [url], env)
            self.file("one", [{"url": url}])
            ours = self.decision([RINGSEND, "send", "-qk", "--tries", "1"] + resolve + options +
                                 [self.path("one")], env)
            self.assertEqual(ours, curl, (env, options, url))
            self.assertEqual(len(curl), 1, (env, options, url))
            count += 1
        self.assertGreaterEqual(count, 60)


class Gates(Ways):
    def served(self, *options):
        return self.serve("--latency", "5ms", *options)

    def test_a_gate_of_haproxy_holds_one_limit_for_three_senders(self):
        """One stands still for a while, one is killed. The server's own count is the judge."""
        serve = self.served()
        gate = haproxy(self, tinyproxy(self).port, 8)
        senders = []
        for number in range(3):
            self.file("r%d" % number, [{"method": "POST", "data": "x", "url": serve.url}] * 120)
            senders.append(self.start("send", "-c", "8", "--gate", "127.0.0.1:%d" % gate.port,
                                      "--requests-per-connection", "5", "--flush-after", "0",
                                      self.path("r%d" % number)))
        for sender in senders:
            sender.wait_for(lambda out, err: out.count(b"\n") > 5)
        senders[0].signal(signal.SIGSTOP)
        senders[1].kill()
        # What the one that stands still has been given, nobody else has until it goes on.
        senders[0].signal(signal.SIGCONT)
        runs = [senders[2].finish(), senders[0].finish()]
        for run in runs:
            self.assertEqual(run.status, OK, run.err)
            self.assertEqual({(r["status"], r["attempts"]) for r in run.results}, {(200, 1)})
        self.assertLessEqual(serve.stats()["connections_peak"], 8)

    def test_a_gate_in_tcp_mode_is_for_https(self):
        origin = Seen(self, self.ca.certificate())
        port = int(origin.server.authority.split(":")[1])
        gate = haproxy(self, port, 1)
        run = self.send("-c", "4", "--gate", "tcp://127.0.0.1:%d" % gate.port, "--keep", "20ms",
                        "--requests-per-connection", "3", "--handshake-timeout", "1s",
                        *self.trust(), records=self.batch(origin, count=12), expect=OK)
        self.check(run, [origin], 12)
        run = self.send("--gate", "tcp://127.0.0.1:%d" % gate.port,
                        records=[{"url": "http://127.0.0.1:1/"}], expect=NOT_ALL_OK)
        self.assert_error(run.results[0], "bad_url", "https alone")


class Told(Case):
    def test_what_is_wrong_ends_the_run_before_it_begins_and_tells_no_secret(self):
        self.file("one", [{"url": "http://127.0.0.1:1/"}])
        for options, env, words in (
                (["-x", "socks4://u:secret@h"], {}, "--proxy: a proxy's scheme"),
                (["--proxy-user", "a:b", "-x", "h:99999"], {}, "--proxy: "),
                (["-x", "h", "--gate", "h:1"], {}, "--gate is a proxy itself"),
                (["--gate", "socks5://h:1"], {}, "--gate: "),
                (["--proxy-header", "no colon"], {}, "--proxy-header"),
                (["-x", "tcp://h:1"], {}, "--proxy: "),
                ([], {"http_proxy": "ftp://u:secret@h"}, "$http_proxy: ")):
            run = self.run_ringsend("send", *options, self.path("one"), env=dict(os.environ, **env))
            self.assertEqual(run.status, USAGE)
            self.assertIn(words, run.err)
            self.assertNotIn("secret", run.err)

    def test_bench_and_probe_go_by_it_too(self):
        serve, proxy = self.serve(), tinyproxy(self)
        env = dict(os.environ, http_proxy="http://me:secret@127.0.0.1:%d" % proxy.port)
        told = "http: goes by the proxy http://***@127.0.0.1:%d (http_proxy of the env" % proxy.port
        run = self.run_ringsend("bench", "-n", "5", "-c", "1", "--proxytunnel", serve.url, env=env)
        self.assertEqual(run.status, OK, run.err)
        self.assertIn(told, run.err.splitlines()[0])
        probe = self.start("probe", "--proxytunnel", "--proxy-timeout", "5s", serve.url, env=env)
        probe.wait_for(lambda out, err: told.encode() in err)
        probe.kill()
        run = self.run_ringsend("bench", "-n", "1", "-c", "1", "--noproxy", "127.0.0.0/8",
                                serve.url, env=env)
        self.assertNotIn("proxy", run.err)

    def test_a_dead_proxy_holds_up_no_host_that_needs_none(self):
        dead, serve = free_port(), self.serve()
        records = [{"url": "http://far.example/"}, {"url": serve.url}] * 20
        run = self.send("-x", "127.0.0.1:%d" % dead, "--noproxy", "127.0.0.1", "--tries", "1",
                        records=records, expect=NOT_ALL_OK)
        self.assertEqual(sorted((r["status"] or 0, r["error"] or "") for r in run.results),
                         [(0, "proxy_refused")] * 20 + [(200, "")] * 20)
        self.assertIn("perhaps   is the proxy up? --noproxy '*' goes without any\n", run.err)

    def test_sigterm_while_ways_are_half_open(self):
        """What waited for its way was not sent, and --resume goes on with it."""
        with socket.create_server(("127.0.0.1", 0)) as mute:
            out = self.path("out")
            self.file("r", [{"method": "POST", "data": "x", "url": self.serve().url}] * 3)
            program = self.start("send", "--gate", "127.0.0.1:%d" % mute.getsockname()[1], "-o",
                                 out, self.path("r"))
            accepted = [mute.accept()[0] for _ in range(3)]
            for sock in accepted:
                sock.settimeout(BOUND_S)
                self.assertTrue(sock.recv(100).startswith(b"CONNECT "))
            program.signal(signal.SIGTERM)
            self.assertEqual(program.finish().status, 143)
            for sock in accepted:
                sock.close()
        run = self.run_ringsend("send", "--resume", "-o", out, self.path("r"))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([(r["status"], r["attempts"]) for r in json_lines(self.read("out"))],
                         [(200, 1)] * 3)


if __name__ == "__main__":
    main()
