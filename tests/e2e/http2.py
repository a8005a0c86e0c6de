"""Frames of HTTP/2 by hand (RFC 9113 4.1), for peers that do what no library would."""

import socket

from harness import BOUND_S

(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
REFUSED_STREAM, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED = 7, 11, 13
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") +
            payload)


def fields(*pairs):
    """As literals that nobody indexes (RFC 7541 6.2.2); of less than 127 bytes each."""
    return b"".join(b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) +
                    value.encode() for name, value in pairs)


def request(stream, method="GET", path="/", flags=END_STREAM | END_HEADERS, more=()):
    return frame(HEADERS, flags, stream,
                 fields((":method", method), (":scheme", "http"), (":authority", "h"),
                        (":path", path), *more))


class End:
    """One end of a connection, frame by frame."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def send(self, *frames):
        self.sock.sendall(b"".join(frames))

    def _take(self, count):
        while len(self.buffer) < count:
            more = self.sock.recv(1 << 16)
            if not more:
                return None
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def frame(self):
        """(kind, flags, stream, payload), or None at the end, by a reset as well."""
        try:
            head = self._take(9)
            payload = head and self._take(int.from_bytes(head[:3], "big"))
        except ConnectionResetError:
            return None
        if not head or payload is None:
            return None
        return head[3], head[4], int.from_bytes(head[5:9], "big"), payload

    def frames(self):
        while True:
            got = self.frame()
            if got is None:
                return
            yield got

    def until(self, kind):
        """The frames up to the first of that kind."""
        got = []
        for one in self.frames():
            got.append(one)
            if one[0] == kind:
                return got
        raise AssertionError("the connection ended first: %r" % got)


class Client(End):
    def __init__(self, port):
        super().__init__(socket.create_connection(("127.0.0.1", port), BOUND_S))
        self.send(PREFACE, frame(SETTINGS))

    def close(self):
        self.sock.close()


class ServerEnd(End):
    """A server's end, handed to a script by `serving`."""

    def __init__(self, peer):
        super().__init__(peer.sock)
        self.peer, self.number = peer, peer.number
        self.buffer = b""
        self.bodies = {}
        self.dead = set()

    def begin(self, settings=b""):
        assert self._take(len(PREFACE)) == PREFACE
        self.send(frame(SETTINGS, 0, 0, settings), frame(SETTINGS, ACK))

    def request(self):
        """The next request that is whole: its stream and its body; None at the end."""
        for kind, flags, stream, payload in self.frames():
            if kind == PING and not flags:
                self.send(frame(PING, ACK, 0, payload))
            if kind == RST_STREAM:
                self.dead.add(stream)
            if kind == GOAWAY:
                return None
            if kind == HEADERS:
                self.bodies[stream] = b""
            if kind == DATA:
                self.bodies[stream] += payload
                if payload:
                    more = len(payload).to_bytes(4, "big")
                    self.send(frame(WINDOW_UPDATE, 0, 0, more),
                              frame(WINDOW_UPDATE, 0, stream, more))
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                return stream, self.bodies.pop(stream)
        return None

    def answer(self, stream, body=b"{}", status="200"):
        self.send(frame(HEADERS, END_HEADERS, stream, fields((":status", status))),
                  frame(DATA, END_STREAM, stream, body))

    def reset(self, stream, code):
        self.send(frame(RST_STREAM, 0, stream, code.to_bytes(4, "big")))

    def goodbye(self, last, code=0):
        self.send(frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big")))


def serving(script, settings=b""):
    """For RawServer: script(end) once the preface has come and our SETTINGS are out."""
    def run(peer):
        end = ServerEnd(peer)
        end.begin(settings)
        script(end)
    return run


def limit(streams):
    """A setting: SETTINGS_MAX_CONCURRENT_STREAMS."""
    return b"\0\x03" + streams.to_bytes(4, "big")
