"""Runs that are caught in flight: a server that answers only when the test lets it."""

import threading

from harness import BOUND_S, Case, response


class Held(Case):
    """A server that answers when `go` is set."""

    def setUp(self):
        super().setUp()
        self.go = threading.Event()

        def script(peer):
            while peer.request():
                self.go.wait(BOUND_S)
                peer.send(response(b"late"))
        self.held = self.server(script)
        self.addCleanup(self.go.set)  # comes before the server's end, which waits for its scripts

    def in_flight(self, count, *args, records=200, **more):
        """A run with this many requests at a server that does not answer yet."""
        path = self.file("in", [{"id": n, "data": str(n)} for n in range(records)])
        program = self.start("send", "-c", str(count), "--url", self.held.url, *args, path, **more)
        self.held.wait_for(lambda server: len(server.requests) == count)
        return program
