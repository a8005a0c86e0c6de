"""What the end-to-end tests share: programs with time bounds, servers, JSON lines.

Every test runs the real program against real sockets on loopback. Nothing waits for the program by
sleeping: the tests wait for a process to end, a socket to become readable, a line to be printed or
an event that a scripted server sets. BOUND_S only ends what hangs; no test asserts that something
was fast enough by it.

Environment: RINGSEND, the program to test (else build/ringsend of this checkout);
RINGSEND_SANITIZED=1, it is a sanitizer build: bounds are wider and memory is not measured;
RINGSEND_REFUSED=1, io_uring is refused (tests/refuse.c): the tests are the same, and only that
each program tells so is taken out of what it told."""

import collections
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from certificates import Authority, Certificate

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RINGSEND = os.environ.get("RINGSEND", os.path.join(ROOT, "build", "ringsend"))
SANITIZED = os.environ.get("RINGSEND_SANITIZED") == "1"
REFUSED = os.environ.get("RINGSEND_REFUSED") == "1"
BOUND_S = 120 if SANITIZED else 30

# Whoever starts the tests in the background, or without a terminal, may have these ignored, and
# what the tests start would inherit it and wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No options of whoever runs the tests; and nobody, not even root, can make anything there.
os.environ["XDG_CONFIG_HOME"] = "/dev/null"
for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
    os.environ.pop(variable, None)
    os.environ.pop(variable.upper(), None)

SECOND_THOUGHT_S = 0.11  # what comes within 100 ms of the first signal counts as that one

# Exit statuses of the program.
OK, USAGE, INPUT, NOT_ALL_OK, NOT_STARTED, STOPPED, OUTPUT = 0, 1, 2, 3, 4, 6, 7
SIGINT_EXIT, SIGTERM_EXIT = 130, 143

# The keys of a result in the order in which they are written; those in brackets may be absent.
RESULT_KEYS = [
    "id", "line", "[file]", "ok", "status", "attempts", "error", "[detail]", "[body]",
    "[body_base64]", "[body_file]", "[encoding]", "[headers]", "[location]", "[redirects]",
    "[ambiguous]", "[processed]", "[retry_after]", "us", "[trace]", "[input]"
]
US_KEYS = ["queue", "dns", "connect", "tls", "first_byte", "total"]


def options_table():
    """All commands with their options, as the program has them: see docs/generate.py."""
    run = subprocess.run([RINGSEND, "--options-json"], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def rows_of(command):
    """The options of a command."""
    return [line for each in options_table() if each["name"] == command for line in each["help"]
            if isinstance(line, dict) and "id" in line]


def json_line(text):
    """One line as JSON; a key that comes twice is an error."""
    def unique(pairs):
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise ValueError("duplicate key in %r" % text)
        return dict(pairs)
    return json.loads(text, object_pairs_hook=unique)


def json_lines(data):
    """Results as the program promises them: whole lines, valid UTF-8, one JSON object each."""
    if data and not data.endswith(b"\n"):
        raise ValueError("torn last line: %r" % data[-200:])
    return [json_line(line) for line in data.decode("utf-8").split("\n")[:-1]]


def lines_of(records):
    """The input file for a list of records (bytes pass as they are)."""
    if isinstance(records, bytes):
        return records
    return b"".join(r + b"\n" if isinstance(r, bytes) else json.dumps(r).encode() + b"\n"
                    for r in records)


FALLBACK = re.compile(r"^ringsend \w+: over epoll, with more system calls: .*\n", re.M)


def without_fallback(text):
    """What a program told, on standard error or a terminal, but that io_uring is refused."""
    if not REFUSED:
        return text
    if isinstance(text, str):
        text, told = FALLBACK.subn("", text)
    else:
        text, told = re.subn(FALLBACK.pattern.encode(), b"", text, flags=re.M)
    if told > 1:
        raise AssertionError("told %d times that it goes over epoll" % told)
    return text


# What the summary says of the system calls that a run took; without -q the last of its lines.
COST = r"(?:io_uring_enter|system) calls per record"


class Run:
    """A finished program: its exit status and what it printed."""

    def __init__(self, status, out, err):
        self.status, self.out = status, out
        self.err = without_fallback(err.decode("utf-8", "replace"))

    @property
    def results(self):
        return json_lines(self.out)


def peak_bytes(pid):
    """The most memory a living process ever had. ru_maxrss would not do: across exec it keeps
    the peak of the interpreter that forked the program."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return int(re.search(r"^VmHWM:\s+(\d+) kB", file.read(), re.M).group(1)) << 10


class Program:
    """A running program whose output is collected by threads, so that tests can wait for it."""

    def __init__(self, args, bound_s=BOUND_S, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE, **more):
        self.bound_s = bound_s
        self.process = subprocess.Popen(args, stdin=stdin, stdout=stdout, stderr=stderr,
                                        **more)
        self.grown = threading.Condition()
        self.text = {"out": bytearray(), "err": bytearray()}
        self.readers = [threading.Thread(target=self._read, args=(name, pipe), daemon=True)
                        for name, pipe in (("out", self.process.stdout),
                                           ("err", self.process.stderr)) if pipe]
        self.ended = set()
        for reader in self.readers:
            reader.start()

    def _read(self, name, pipe):
        while True:
            data = os.read(pipe.fileno(), 1 << 16)
            with self.grown:
                self.text[name] += data
                if not data:
                    self.ended.add(name)
                self.grown.notify_all()
            if not data:
                return

    def wait_for(self, accept):
        """Waits until accept(out, err) is true, and returns what it returned."""
        def check():
            return accept(self.text["out"], self.text["err"])
        with self.grown:
            self.grown.wait_for(lambda: check() or len(self.ended) == len(self.readers),
                                self.bound_s)
            found = check()
        if not found:
            self.kill()
            raise AssertionError("the expected output did not come; stdout: %r\nstderr: %s" % (
                bytes(self.text["out"][-2000:]), self.text["err"].decode("utf-8", "replace")))
        return found

    def signal(self, number):
        self.process.send_signal(number)  # does nothing to a process that was waited for

    def signal_again(self, number):
        """A second thought."""
        time.sleep(SECOND_THOUGHT_S)
        self.signal(number)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def finish(self):
        """Waits for the end; a program that does not come to one is killed and fails the test."""
        try:
            status = self.process.wait(self.bound_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("still running after %s s; stderr:\n%s" % (
                self.bound_s, self.text["err"].decode("utf-8", "replace"))) from None
        self.release()
        return Run(status, bytes(self.text["out"]), bytes(self.text["err"]))

    def close(self):
        self.kill()
        self.release()

    def release(self):
        """The process has ended: takes in the rest of its output."""
        for reader in self.readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


Request = collections.namedtuple("Request", "method target headers body head connection")


def header(request, name):
    """All values of a header, in order."""
    return [value for key, value in request.headers if key.lower() == name.lower()]


class Peer:
    """The server's end of one connection, handed to a script."""

    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.held = b""

    def _more(self):
        data = self.sock.recv(1 << 16)
        self.held += data
        return bool(data)

    def request(self):
        """The next request, or None when the client closed. Bodies: Content-Length only."""
        while b"\r\n\r\n" not in self.held:
            if not self._more():
                return None
        head, _, self.held = self.held.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = [tuple(part.strip(" ") for part in line.split(":", 1)) for line in lines[1:]]
        length = sum(int(value) for name, value in headers if name.lower() == "content-length")
        while len(self.held) < length:
            if not self._more():
                return None
        body, self.held = self.held[:length], self.held[length:]
        request = Request(method, target, headers, body, head, self.number)
        with self.server.changed:
            self.server.requests.append(request)
            self.server.changed.notify_all()
        return request

    def send(self, data):
        self.sock.sendall(data)

    def send_split(self, data):
        """Byte by byte, each in a segment of its own."""
        for at in range(len(data)):
            self.sock.sendall(data[at:at + 1])

    def wait_close(self):
        """Reads until the client closes."""
        while self._more():
            pass

    def end(self):
        """Ends the stream in our direction: FIN, not reset, whatever has not been read."""
        self.sock.shutdown(socket.SHUT_WR)
        self.wait_close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def hold(self):
        """Stays silent until the client closes or the test is over."""
        try:
            self.wait_close()
        except OSError:
            pass


class RawServer:
    """A listening socket; each connection runs script(peer) in a thread of its own and is closed
    when the script returns. An exception fails the test, unless the connection caused it."""

    def __init__(self, script, host="127.0.0.1", backlog=512):
        """host: an address, the path of a unix socket, or NUL and the name of an abstract one."""
        self.is_unix = host[0] in "/\0"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(socket.AF_UNIX if self.is_unix else family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(host if self.is_unix else (host, 0))
        self.listener.listen(backlog)
        self.port = 80 if self.is_unix else self.listener.getsockname()[1]
        self.authority = "%s:%d" % ("[%s]" % host if ":" in host else host, self.port)
        self.url = "http://%s/" % self.authority
        self.script = script
        self.changed = threading.Condition()
        self.requests = []
        self.errors = []
        self.peers = []
        self.threads = []
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_unix:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                peer = Peer(self, sock, len(self.peers))
                self.peers.append(peer)
                thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
                self.threads.append(thread)
                self.changed.notify_all()
            thread.start()

    def _serve(self, peer):
        try:
            self.script(peer)
        except OSError:
            pass
        except Exception as error:  # shown by close()
            self.errors.append(error)
        finally:
            peer.sock.close()

    @property
    def connections(self):
        return len(self.peers)

    def wait_for(self, accept):
        """Waits until accept(server) is true: a request or a connection has come."""
        with self.changed:
            if not self.changed.wait_for(lambda: accept(self), BOUND_S):
                raise AssertionError("the server saw %d connections, %d requests" % (
                    len(self.peers), len(self.requests)))

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.acceptor.join(BOUND_S)
        self.listener.close()
        for peer in self.peers:
            try:
                peer.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(BOUND_S)
        if self.errors:
            raise self.errors[0]


def response(body=b"", status="200 OK", headers=()):
    """A well-framed response."""
    lines = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body), *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def answering(answer):
    """A script that answers every request on a connection with what answer(request) returns, and
    closes when that is None."""
    def script(peer):
        while True:
            request = peer.request()
            data = answer(request) if request else None
            if data is None:
                return
            peer.send(data)
    return script


def in_turn(*answers):
    """A script that gives the n-th request of the whole server the n-th answer, and the last one
    to all others; bytes are sent, a callable is called with the peer and ends the connection."""
    lock = threading.Lock()
    state = [0]

    def script(peer):
        while peer.request():
            with lock:
                answer = answers[min(state[0], len(answers) - 1)]
                state[0] += 1
            if callable(answer):
                answer(peer)
                return
            peer.send(answer)
    return script


def filler_blocks(count):
    """The body that `serve --body-bytes` answers with, in blocks."""
    block, place = 1 << 16, b"x" * 11
    lines = b"".join(place + b"%04x\n" % at for at in range(0, block, 16))
    for at in range(0, count, block):
        yield lines.replace(place, b"%011x" % (at // block))[:count - at]


def filler(count):
    return b"".join(filler_blocks(count))


class Serve(Program):
    """`ringsend serve` on a free port of loopback, ready when made."""

    PROGRAM = RINGSEND

    def __init__(self, *options):
        self.stopped = False
        super().__init__([self.PROGRAM, "serve", "-p", "0", *options])
        marker = b"listening on http"

        def ready(out, err):
            for text in (out, err):
                _, found, rest = text.partition(marker)
                if found and b"\n" in rest:
                    return rest
            return None
        scheme, address = self.wait_for(ready).split()[0].decode().rstrip("/").split("://")
        self.is_tls = scheme == "s"
        self.pid = self.process.pid
        self.authority = address
        self.port = int(address.rsplit(":", 1)[1])
        self.url = "http%s://%s/" % (scheme, address)

    def connect(self):
        """An http.client connection that trusts whatever listens there."""
        if not self.is_tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND_S)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=BOUND_S,
                                           context=context)

    def stats(self):
        connection = self.connect()
        try:
            connection.request("GET", "/-/stats")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def stop(self, number=signal.SIGTERM):
        """Ends it by a signal and returns the Run, with its report."""
        self.stopped = True
        self.signal(number)
        return self.finish()

    def close(self):
        """A platform that has not been stopped must still be there, and end well."""
        if self.stopped:
            super().close()
            return
        run = self.stop()
        if run.status != OK:
            raise AssertionError("serve ended with %d:\n%s" % (run.status, run.err))


class Nginx:
    """nginx in a directory of its own, one worker, with an access log that counts deliveries.

    The listening socket is made here and handed over by nginx's own variable for upgrades, so the
    port is free and clients can connect before nginx has read its configuration."""

    CONFIG = """
daemon off; worker_processes 1; {user} pid {dir}/pid; error_log {dir}/error.log;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    log_format deliveries '$request_method $uri $http_x_id $status $request_length'{tls_fields};
    access_log {dir}/access.log deliveries;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    keepalive_requests {keepalive_requests};
    server {{
        listen 127.0.0.1:{port}{tls};
        location / {{ default_type application/json; return 200 '{{"uri":"$uri"}}'; }}
        location /file/ {{ alias {dir}/files/; }}
        location /missing/ {{ return 404; }}
        location /teapot/ {{ return 418 'short and stout'; }}
        location /moved/ {{ return 302 /file/; }}
    }}
}}
"""

    def __init__(self, directory, keepalive_requests=1000, tls=None, http2=False):
        """tls: lines for the server, which then speaks https; the log's lines get two fields more,
        the number of the connection and r when its session was resumed."""
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not program:
            raise unittest.SkipTest("nginx is not installed: apt-get install nginx-light")
        self.dir = os.path.join(directory, "nginx")
        os.makedirs(os.path.join(self.dir, "files"))
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        self.port = listener.getsockname()[1]
        self.url = "http%s://127.0.0.1:%d/" % ("s" if tls else "", self.port)
        config = os.path.join(self.dir, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(self.CONFIG.format(
                dir=self.dir, port=self.port, keepalive_requests=keepalive_requests,
                tls=" ssl%s;\n        %s" % (" http2" if http2 else "",
                                             tls.rstrip(";")) if tls else "",
                tls_fields=" ' $connection $ssl_session_reused'" if tls else "",
                user="user root;" if os.geteuid() == 0 else ""))
        self.process = subprocess.Popen(
            [program, "-p", self.dir, "-c", config, "-e", os.path.join(self.dir, "error.log")],
            env=dict(os.environ, NGINX="%d;" % listener.fileno()), pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        listener.close()

    def file(self, name, data):
        with open(os.path.join(self.dir, "files", name), "wb") as file:
            file.write(data)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # finishes what it does: the log is complete
            try:
                self.process.wait(BOUND_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def deliveries(self):
        """Stops nginx and returns its log: a list of [method, uri, x-id, status, bytes]."""
        self.close()
        with open(os.path.join(self.dir, "access.log"), encoding="utf-8") as file:
            return [line.split() for line in file]




def over_tls(certificate, script, prepare=None):
    """The script behind a TLS 1.2 handshake; prepare(context) may change what the server speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # it is for the client to refuse what is weak
    context.load_cert_chain(*certificate)
    if prepare:
        prepare(context)

    def run(peer):
        peer.sock = context.wrap_socket(peer.sock, server_side=True)
        script(peer)
    return run


def ipv6_on_loopback():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


def refused_port():
    """A port of 127.0.0.1 on which nobody listens; bound as long as the socket is kept, so that
    nobody else takes it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


class Case(unittest.TestCase):
    """A test with a directory of its own; all that it starts is ended with it."""

    maxDiff = 4000

    def setUp(self):
        if not os.access(RINGSEND, os.X_OK):
            self.fail("no program at %s: ./run build makes it" % RINGSEND)
        self.dir = tempfile.mkdtemp(prefix="ringsend-e2e-")
        os.chmod(self.dir, 0o755)  # tests that give up root read their files here
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(lines_of(content))
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def serve(self, *options):
        serve = Serve(*options)
        self.addCleanup(serve.close)
        return serve

    def server(self, script, host="127.0.0.1", **more):
        server = RawServer(script, host, **more)
        self.addCleanup(server.close)
        return server

    def tls_server(self, certificate, script, prepare=None, host="127.0.0.1"):
        """A RawServer that speaks TLS 1.2."""
        server = self.server(over_tls(certificate, script, prepare), host)
        server.url = "https://%s/" % server.authority
        return server

    def nginx(self, **more):
        nginx = Nginx(self.dir, **more)
        self.addCleanup(nginx.close)
        return nginx

    def start(self, *args, **more):
        program = Program([RINGSEND, *args], **more)
        self.addCleanup(program.close)
        return program

    def run_ringsend(self, *args, **more):
        return self.start(*args, **more).finish()

    def send(self, *options, records, expect=None, **more):
        """Sends records from a file to stdout; `expect` is the exit status that must come."""
        run = self.run_ringsend("send", *options, self.file("records.jsonl", records), **more)
        if expect is not None:
            self.assertEqual(run.status, expect, run.err)
        return run

    def send_one(self, record, *options):
        """The result of one record."""
        run = self.send(*options, records=[record])
        self.assertEqual(len(run.results), 1, run.err)
        result = run.results[0]
        self.assertEqual(run.status, OK if result["ok"] else NOT_ALL_OK, run.err)
        return result

    def assert_ok(self, result, body=None):
        self.assertTrue(result["ok"] and result["error"] is None, result)
        if body is not None:
            self.assertEqual(result.get("body"), body, result)

    def assert_error(self, result, name, *words):
        """The error's name, and words that its detail must hold."""
        self.assertEqual((result["ok"], result["error"]), (False, name), result)
        self.assertTrue(result.get("detail"), result)
        for word in words:
            self.assertIn(word, result.get("detail") or "", result)

    def assert_result_shape(self, result):
        """Keys in their order, each of its kind."""
        order = [key.strip("[]") for key in RESULT_KEYS]
        self.assertEqual(list(result), [key for key in order if key in result], result)
        for key in RESULT_KEYS:
            if not key.startswith("["):
                self.assertIn(key, result)
        self.assertEqual(list(result["us"]), US_KEYS)
        for key in US_KEYS:
            self.assertIsInstance(result["us"][key], int)
            self.assertGreaterEqual(result["us"][key], 0)
        self.assertIsInstance(result["line"], int)
        self.assertIsInstance(result["ok"], bool)
        self.assertIsInstance(result["attempts"], int)
        if result["error"] is not None:
            self.assertRegex(result["error"], "^[a-z0-9_]+$")
            self.assertFalse(result["ok"])
            self.assertTrue(result.get("detail"), result)
        for key in ("body", "body_base64", "detail", "file"):
            if key in result:
                self.assertIsInstance(result[key], str)
        self.assertFalse("body" in result and "body_base64" in result, result)
        if "ambiguous" in result:
            self.assertIs(result["ambiguous"], True)


def main():
    unittest.main(verbosity=1)
