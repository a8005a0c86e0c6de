"""What a service manager is told (sd_notify(3)): READY, STATUS, WATCHDOG, and time for a stop."""

import os
import re
import signal
import socket

from harness import BOUND_S, OK, SIGTERM_EXIT, Case, main


class Notify(Case):
    def manager(self, name=None):
        """A socket that hears what is told to NOTIFY_SOCKET."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(name or self.path("notify"))
        listener.settimeout(BOUND_S)
        return listener

    def send_under(self, name, url, count=500, **more):
        records = self.file("records", [{"id": n, "url": url} for n in range(count)])
        return self.start("send", "-q", "-c", "2", "-o", self.path("results"), "--force", records,
                          env={**os.environ, "NOTIFY_SOCKET": name, **more})

    def hear(self, listener, pattern):
        """Everything up to a message that matches."""
        heard = []
        while not heard or not re.search(pattern, heard[-1]):
            heard.append(listener.recv(4096).decode())
        return heard

    def test_it_is_told_how_far_it_is_and_that_it_lives(self):
        listener = self.manager()
        serve = self.serve("--latency", "100ms")
        run = self.send_under(self.path("notify"), serve.url, WATCHDOG_USEC="100000")
        self.assertEqual(listener.recv(4096), b"READY=1")
        self.hear(listener, r"^WATCHDOG=1$")
        self.hear(listener, r"^WATCHDOG=1$")
        self.hear(listener, r"^STATUS=[1-9]\d* done, 0 not ok, 2 in flight$")
        run.signal(signal.SIGTERM)
        self.hear(listener, r"^STATUS=\d+ done.*over\nSTOPPING=1\nEXTEND_TIMEOUT_USEC=15000000$")
        self.assertEqual(run.finish().status, SIGTERM_EXIT)

    def test_a_stop_that_takes_its_time_asks_for_it(self):
        listener = self.manager("\0ringsend-notify-%d" % os.getpid())
        serve = self.serve("--latency", "4s")
        run = self.send_under("@ringsend-notify-%d" % os.getpid(), serve.url)
        self.hear(listener, r"2 in flight")
        run.signal(signal.SIGTERM)
        self.hear(listener, r"stopping\nSTOPPING=1\nEXTEND_TIMEOUT_USEC=15000000$")
        run.signal_again(signal.SIGTERM)
        self.assertEqual(run.finish().status, SIGTERM_EXIT)

    def test_nobody_who_listens_holds_nothing_up(self):
        url = self.serve().url
        self.assertEqual(self.send_under(self.path("nowhere"), url, 20).finish().status, OK)
        self.assertEqual(self.send_under("nonsense", url, 20).finish().status, OK)
        listener = self.manager()
        full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(full.close)
        full.connect(self.path("notify"))
        full.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while True:
                full.send(b"nobody reads this")
        run = self.send_under(self.path("notify"), url, 200, WATCHDOG_USEC="1000",
                              WATCHDOG_PID="1")
        self.assertEqual(run.finish().status, OK)
        self.assertNotIn(b"WATCHDOG=1", listener.recv(4096))


if __name__ == "__main__":
    main()
