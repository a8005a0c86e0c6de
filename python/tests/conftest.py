"""What the tests share: aiohttp's own server as the peer, in a thread with a loop of its own.

Nothing waits by sleeping: the server counts what has arrived, holds answers until it is told to
let them go, and tests wait for its counts. BOUND_S only ends what hangs."""

import asyncio
import functools
import os
import signal
import subprocess
import sys
import threading

import pytest
from aiohttp import web

import ringsend

BOUND_S = 60
SANITIZED = os.environ.get("RINGSEND_SANITIZED") == "1"


def coroutine_test(function):
    """A test that is a coroutine, in a loop of its own."""

    @functools.wraps(function)
    def run(*args, **more):

        async def bounded():
            await asyncio.wait_for(function(*args, **more), BOUND_S)

        asyncio.run(bounded())

    return run


class Server:
    """Answers /echo with what it was sent, /status/N, /bytes/N, /held once release() was called,
    /lines in pieces as next_piece() says, and puts all requests into `seen`."""

    def __init__(self):
        self.seen = []  # (method, path, headers, body)
        self.grown = threading.Condition()
        self.broken = 0  # held requests whose connection went
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.started = threading.Event()
        self.thread.start()
        assert self.started.wait(BOUND_S)

    def _run(self):
        asyncio.run(self._main())

    async def _main(self):
        self.loop, self.end = asyncio.get_running_loop(), asyncio.Event()
        self.released = asyncio.Event()
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/echo", self._echo)
        app.router.add_route("*", "/status/{code}", self._status)
        app.router.add_route("*", "/bytes/{count}", self._bytes)
        app.router.add_route("*", "/to/{code}/{where:.*}", self._redirect)
        app.router.add_route("*", "/held", self._held)
        app.router.add_route("*", "/once/{name}", self._once)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = "http://127.0.0.1:%d" % site._server.sockets[0].getsockname()[1]
        self.started.set()
        await self.end.wait()
        self.released.set()
        await runner.cleanup()

    async def _note(self, request):
        body = await request.read()
        with self.grown:
            self.seen.append((request.method, request.path, request.headers.copy(), body))
            self.grown.notify_all()
        return body

    async def _echo(self, request):
        return web.Response(body=await self._note(request), headers={"X-Seen": "yes"})

    async def _status(self, request):
        await self._note(request)
        return web.Response(status=int(request.match_info["code"]), text="told")

    async def _redirect(self, request):
        await self._note(request)
        return web.Response(status=int(request.match_info["code"]),
                            headers={"Location": "/" + request.match_info["where"]})

    async def _bytes(self, request):
        await self._note(request)
        response = web.StreamResponse()
        await response.prepare(request)
        left = int(request.match_info["count"])
        while left > 0:
            await response.write(b"x" * min(left, 1 << 16))
            left -= 1 << 16
        return response

    async def _once(self, request):
        """503 the first time, then 200."""
        await self._note(request)
        times = sum(1 for each in self.seen if each[1] == request.path)
        return web.Response(status=503 if times == 1 else 200, headers={"Retry-After": "0"})

    async def _held(self, request):
        await self._note(request)
        closed = asyncio.ensure_future(self._closed(request))
        await asyncio.wait([closed, asyncio.ensure_future(self.released.wait())],
                           return_when=asyncio.FIRST_COMPLETED)
        closed.cancel()
        return web.Response(text="let go")

    async def _closed(self, request):
        while request.transport and not request.transport.is_closing():
            await asyncio.sleep(0.002)
        with self.grown:
            self.broken += 1
            self.grown.notify_all()

    def release(self):
        """Lets all that are held go, now and from now on."""
        self.loop.call_soon_threadsafe(self.released.set)

    def wait(self, accept):
        """Until accept(self) is true."""
        with self.grown:
            assert self.grown.wait_for(lambda: accept(self), BOUND_S)

    async def until(self, accept):
        """The same for coroutines."""
        await asyncio.get_running_loop().run_in_executor(None, self.wait, accept)

    def arrived(self, count):
        """Waits for so many requests."""
        return self.until(lambda server: len(server.seen) >= count)

    def close(self):
        """Ends the server and its thread."""
        self.loop.call_soon_threadsafe(self.end.set)
        self.thread.join(BOUND_S)


@pytest.fixture
def server():
    """A server of its own for each test."""
    it = Server()
    yield it
    it.close()


def refused_url():
    """Where nobody listens: the socket must be kept."""
    import socket
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, "http://127.0.0.1:%d/" % taken.getsockname()[1]


def run_script(script, *args, **more):
    """Runs a program in a process of its own; returns it, with what it printed."""
    return subprocess.run([sys.executable, "-X", "dev", "-B", "-c", script, *args],
                          capture_output=True,
                          text=True,
                          timeout=BOUND_S,
                          check=False,
                          **more)


def interrupted(script, server):
    """Runs it until the server, which holds its answers back, has three requests; then Ctrl-C."""
    program = subprocess.Popen([sys.executable, "-B", "-c", script, server.url + "/held"],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE,
                               text=True)
    server.wait(lambda s: len(s.seen) >= 3)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=BOUND_S)
    return subprocess.CompletedProcess(program.args, program.returncode, out, err)


@pytest.fixture
def over_epoll(monkeypatch):
    """Sessions made in the test go over epoll."""
    to_fields = ringsend._options.to_fields
    monkeypatch.setattr(ringsend._options, "to_fields", lambda options: to_fields({
        "io": "epoll",
        **options
    }))
