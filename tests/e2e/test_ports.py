"""Local ports run out: what wants a connection waits for one, and uses up no try.

In a network namespace of our own, which has so few of them."""

import os
import subprocess
import sys
import unittest

from harness import NOT_ALL_OK, OK, Case, answering, main, response

INSIDE = "RINGSEND_TEST_PORTS"
PORTS = 8


def enter():
    """Into a network of our own, if that is allowed. Returns where it is not."""
    unshare = ["unshare", "--map-root-user", "--net"]
    if INSIDE in os.environ or subprocess.call(unshare + ["true"], stderr=subprocess.DEVNULL) != 0:
        return
    script = 'ip link set lo up && exec "$@"'
    run = subprocess.run(unshare + ["sh", "-c", script, "sh", sys.executable, "-B"] + sys.argv,
                         env=dict(os.environ, **{INSIDE: "1"}), check=False)
    sys.exit(run.returncode)


def set_of_kernel(name, value):
    with open("/proc/sys/net/" + name, "w", encoding="ascii") as file:
        file.write(value)


@unittest.skipUnless(INSIDE in os.environ, "no namespaces here")
class Ports(Case):
    def few_ports(self, script):
        server = self.server(script)
        self.addCleanup(set_of_kernel, "ipv4/ip_local_port_range", "32768 60999")
        set_of_kernel("ipv4/ip_local_port_range", "50000 %d" % (50000 + PORTS - 1))
        return server

    def test_who_finds_no_port_waits_for_one(self):
        server = self.few_ports(answering(lambda request: response(b"ok")))
        run = self.send("-c", "40", "-X", "POST", "--tries", "1", "--url", server.url, expect=OK,
                        records=[{"data": str(n)} for n in range(400)])
        self.assertEqual([r["attempts"] for r in run.results], [1] * 400)
        self.assertLessEqual(server.connections, PORTS)
        self.assertIn("local ports or descriptors had run out", run.err)

    def test_the_records_deadline_ends_the_wait_and_the_cause_is_reported(self):
        def hold(peer):
            peer.request()
            peer.hold()
        server = self.few_ports(hold)
        run = self.send("-c", str(PORTS + 1), "-X", "POST", "--deadline", "2s", "--url", server.url,
                        expect=NOT_ALL_OK, records=[{"data": "x"}] * (PORTS + 1))
        errors = sorted(r["error"] for r in run.results)
        self.assertEqual(errors, ["connect_no_port"] + ["timeout_record"] * PORTS)
        self.assertEqual(sum("ambiguous" in r for r in run.results), PORTS)

    def test_no_address_to_talk_from_is_an_error_and_no_wait(self):
        set_of_kernel("ipv6/conf/all/disable_ipv6", "1")
        self.addCleanup(set_of_kernel, "ipv6/conf/all/disable_ipv6", "0")
        result = self.send_one({"url": "http://[::1]:9/"}, "--tries", "1")
        self.assert_error(result, "connect_no_port")


if __name__ == "__main__":
    enter()
    main()
