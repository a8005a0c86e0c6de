"""The ways of connections: another host than the URL's, an address of our own, one IP version; and
hosts of more addresses than a few. curl says what --connect-to means."""

import itertools
import os
import subprocess
import sys
import unittest

from certificates import Authority
from harness import (
    NOT_ALL_OK,
    OK,
    USAGE,
    Case,
    answering,
    header,
    ipv6_on_loopback,
    main,
    over_tls,
    response,
)

ANSWER = answering(lambda request: response(b"ok"))
INSIDE = "RINGSEND_TEST_WAYS"


def enter():
    """Into a network of our own, if that is allowed. Returns where it is not."""
    unshare = ["unshare", "--map-root-user", "--net"]
    if INSIDE in os.environ or subprocess.call(unshare + ["true"], stderr=subprocess.DEVNULL) != 0:
        return
    script = ("ip link set lo up && ip link add one type veth peer name two && ip link set two up"
              ' && ip address add 10.9.0.1/24 dev one && ip link set one up && exec "$@"')
    run = subprocess.run(unshare + ["sh", "-c", script, "sh", sys.executable, "-B"] + sys.argv,
                         env=dict(os.environ, **{INSIDE: "1"}), check=False)
    sys.exit(run.returncode)


class ConnectTo(Case):
    def test_parts_mean_what_they_mean_to_curl(self):
        """Where each goes that is for one of two names, curl says."""
        servers = [self.server(ANSWER), self.server(ANSWER)]
        one, two = (server.port for server in servers)
        resolve = ["--resolve", "one.test:*:127.0.0.1", "--resolve", "two.test:*:127.0.0.1"]
        hosts = ["", "ONE.test", "two.test"]
        rows = [[":".join(map(str, row))] for row in itertools.product(
            hosts, ["", one], ["", "127.0.0.1"], ["", two])]
        rows.append(["one.test::[::ffff:127.0.0.1]:"])
        rows.append(["one.test:%d:127.0.0.1:%d" % (two, two), "::127.0.0.1:%d" % two])
        for row in rows:
            ways = [word for each in row for word in ("--connect-to", each)]
            url = "http://one.test:%d/" % one
            by_curl = subprocess.run(
                ["curl", "-sS", "--max-time", "10", "--resolve", "one.test:%d:127.0.0.1" % one,
                 "--resolve", "one.test:%d:127.0.0.1" % two, *ways, url],
                capture_output=True, check=True, timeout=60)
            self.assertEqual(by_curl.stdout, b"ok")
            self.assert_ok(self.send_one({"url": url}, *ways, *resolve))
            came = [[header(r, "host") for r in server.requests] for server in servers]
            expected = [["one.test:%d" % one]] * 2
            self.assertIn(came, ([expected, []], [[], expected]), row)
            for server in servers:
                server.requests.clear()

    def test_tls_goes_by_the_url(self):
        authority = Authority(self.dir)
        server = self.server(over_tls(authority.certificate("DNS:there.test"), ANSWER))
        way = ["--connect-to", "::127.0.0.1:%d" % server.port, "--cacert", authority.pem]
        run = self.send(*way, records=[{"url": "https://there.test/"}] * 5, expect=OK)
        self.assertEqual({r["ok"] for r in run.results}, {True})
        self.assert_error(self.send_one({"url": "https://other.test/"}, *way), "tls_wrong_host")

    def test_what_is_wrong_is_a_usage_error(self):
        for text in ("a", "a:1", "a:1:b", "a:x:b:1", "a:1:b:70000", "[::1:1:b:1", "a b:1:c:1"):
            run = self.run_ringsend("check", "--connect-to", text, self.file("r", []))
            self.assertEqual(run.status, USAGE, text)
        run = self.send("--connect-to", "a:1:[::1]:2", "-4", "--interface", "127.0.0.1",
                        "--unix-socket", "/s", "--dry-run", records=[{"url": "http://a/"}])
        told = run.out.decode() + run.err
        for words in ("--unix-socket '/s'", "--connect-to 'a:1:[::1]:2'", " -4",
                      "--interface '127"):
            self.assertIn(words, told)


class Addresses(Case):
    def test_all_of_many_are_tried(self):
        server = self.server(ANSWER)
        dead = ["127.9.0.%d" % n for n in range(1, 40)]
        for command in (["send", "--tries", "1"], ["bench", "-n", "1"]):
            args = ["--resolve", "many.test:*:" + ",".join(dead + ["127.0.0.1"])]
            url = "http://many.test:%d/" % server.port
            if command[0] == "send":
                run = self.send(*command[1:], *args, records=[{"url": url}])
            else:
                run = self.run_ringsend(*command, *args, url)
            self.assertEqual(run.status, OK, run.err)

    def test_one_version_alone(self):
        for io in ("auto", "epoll"):
            server = self.server(ANSWER)
            url = "http://two.test:%d/" % server.port
            both = ["--io", io, "--tries", "1", "--resolve", "two.test:*:::1,127.0.0.1"]
            self.assert_ok(self.send_one({"url": url}, *both, "-4"))
            self.assert_ok(self.send_one({"url": url}, *both, "-6", "--ipv4"))  # the last counts
            self.assert_error(self.send_one({"url": url}, *both, "-6"), "connect_refused")
            self.assert_error(self.send_one({"url": "http://127.0.0.1:1/"}, "-6"), "dns_not_found",
                              "IP version")
            self.assert_error(self.send_one({"url": "http://[::1]:1/"}, "--ipv4"), "dns_not_found",
                              "IP version")
        if ipv6_on_loopback():
            server = self.server(ANSWER, "::1")
            url = "http://localhost:%d/" % server.port
            self.assert_ok(self.send_one({"url": url}, "--ipv6"))

    def test_from_an_address(self):
        seen = []

        def tell(peer):
            seen.append(peer.sock.getpeername()[0])
            ANSWER(peer)
        server = self.server(tell)
        for io in ("auto", "epoll"):
            for text in ("127.0.0.7", "host!127.0.0.8"):
                self.assert_ok(self.send_one({"url": server.url}, "--io", io, "--interface", text))
        self.assertEqual(seen, ["127.0.0.7", "127.0.0.8"] * 2)
        for command in (["probe", "--step", "100ms", "-c", "2"], ["bench", "-n", "9"]):
            run = self.run_ringsend(*command, "--interface", "127.0.0.9", "-4", "--connect-to",
                                    "a.test::127.0.0.1:", "http://a.test:%d/" % server.port)
            self.assertEqual(run.status, OK, run.err)
            run = self.run_ringsend(*command, "-6", "http://127.0.0.1:1/")
            self.assertNotEqual(run.status, OK)
        self.assertEqual(seen[-1], "127.0.0.9")

    def test_an_address_that_is_not_ours_is_an_error_and_no_wait(self):
        for io in ("auto", "epoll"):
            result = self.send_one({"url": "http://127.0.0.1:1/"}, "--io", io, "--tries", "1",
                                   "--interface", "192.0.2.1")
            self.assert_error(result, "connect_no_port", "assign requested address")
        for text in ("no-such-device-or-name.invalid", "if!nothing", "host!no.invalid"):
            run = self.run_ringsend("check", "--interface", text, "-4", "-6", self.file("r", []))
            self.assertEqual(run.status, USAGE, text)


@unittest.skipUnless(INSIDE in os.environ, "no namespaces here")
class Device(Case):
    def test_by_a_device(self):
        """An address of the one is not reached by the other."""
        server = self.server(ANSWER, "10.9.0.1")
        for io in ("auto", "epoll"):
            self.assert_ok(self.send_one({"url": server.url}, "--io", io, "--interface", "if!one"))
            run = self.send("--io", io, "--interface", "lo", "--tries", "1",
                            "--connect-timeout", "100ms", records=[{"url": server.url}],
                            expect=NOT_ALL_OK)
            self.assertEqual(run.results[0]["error"], "timeout_connect")


if __name__ == "__main__":
    enter()
    main()
