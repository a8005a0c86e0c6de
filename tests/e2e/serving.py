"""What the tests of `ringsend serve` share."""

import socket
import time

from harness import BOUND_S, Case


class ServeCase(Case):
    def exchange(self, serve, method="GET", target="/", body=None, headers=None):
        connection = serve.connect()
        self.addCleanup(connection.close)
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return answer, answer.read()

    def raw(self, serve, data):
        """Sends bytes on a connection of its own and returns all that comes until it closes."""
        with socket.create_connection(("127.0.0.1", serve.port), BOUND_S) as sock:
            sock.sendall(data)
            got = b""
            while True:
                try:
                    more = sock.recv(1 << 16)
                except ConnectionResetError:
                    return got
                if not more:
                    return got
                got += more

    def results(self, serve, count, *options, records=None, method="GET"):
        run = self.send("--url", serve.url, *options, records=records or [
            {"id": n, "method": method, "headers": {"x-id": "r%d" % n}} for n in range(count)])
        self.assertEqual(len(run.results), count)
        return run.results

    def log(self, name="log"):
        return [line.split("\t") for line in self.read(name).decode().splitlines()]

    def wait_for_stats(self, serve, accept):
        end = time.monotonic() + BOUND_S
        while not accept(serve.stats()):
            self.assertLess(time.monotonic(), end, serve.stats())
