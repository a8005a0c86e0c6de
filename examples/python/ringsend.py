"""libringsend for asyncio, through ctypes: requests go in, results come back by callbacks or one
await.

No coroutine and no task per request: the engine keeps what a coroutine would keep on its stack,
and asyncio watches one descriptor for all of them. The structures below are the beginnings of
those in ringsend.h; the library takes shorter ones for those of an older version."""

import asyncio
import ctypes
import ctypes.util
import itertools
import json
import os

NEVER = (1 << 64) - 1
FULL, ADDRESS = -1, ctypes.c_void_p
AT_LEAST_ONCE, KEYED, HAS_BODY = 1, 2, 4


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("bytes", ctypes.c_size_t)]


class Received(ctypes.Structure):
    """Bytes again, for what need not end in NUL."""
    _fields_ = [("data", ADDRESS), ("bytes", ctypes.c_size_t)]


class Header(ctypes.Structure):
    _fields_ = [("name", Bytes), ("value", Bytes)]


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("message", ctypes.c_char_p),
                ("message_bytes", ctypes.c_size_t), ("connections_max", ctypes.c_uint32),
                ("connections_per_origin", ctypes.c_uint32), ("requests_max", ctypes.c_uint32),
                ("posts_max", ctypes.c_uint32), ("limits", ctypes.c_void_p),
                ("connect_timeout_ns", ctypes.c_uint64), ("handshake_timeout_ns", ctypes.c_uint64),
                ("first_byte_timeout_ns", ctypes.c_uint64), ("attempt_timeout_ns", ctypes.c_uint64),
                ("deadline_ns", ctypes.c_uint64), ("idle_timeout_ns", ctypes.c_uint64),
                ("tries", ctypes.c_uint32)]


class Request(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("method", Bytes), ("url", Bytes),
                ("headers", ctypes.POINTER(Header)), ("headers_count", ctypes.c_size_t),
                ("body", Bytes), ("flags", ctypes.c_uint32), ("tries", ctypes.c_uint32),
                ("attempt_timeout_ns", ctypes.c_uint64), ("deadline_ns", ctypes.c_uint64),
                ("user", ctypes.c_size_t), ("handle", ctypes.c_uint64)]


class RawResult(ctypes.Structure):
    _fields_ = [("request", ctypes.POINTER(Request)), ("error", ctypes.c_int),
                ("status", ctypes.c_int), ("ok", ctypes.c_bool), ("ambiguous", ctypes.c_bool),
                ("attempts", ctypes.c_uint32), ("detail", ctypes.c_char_p), ("body", Received)]


class Stats(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("submitted", ctypes.c_uint64),
                ("finished", ctypes.c_uint64), ("attempts", ctypes.c_uint64),
                ("connections_opened", ctypes.c_uint64), ("connections_reused", ctypes.c_uint64),
                ("connections_open", ctypes.c_uint32), ("connections_peak", ctypes.c_uint32),
                ("waiting", ctypes.c_uint32), ("handshakes_full", ctypes.c_uint64),
                ("handshakes_resumed", ctypes.c_uint64), ("bytes_sent", ctypes.c_uint64),
                ("bytes_received", ctypes.c_uint64), ("enters", ctypes.c_uint64),
                ("next_deadline_ns", ctypes.c_uint64)]


def load():
    name = os.environ.get("LIBRINGSEND") or "libringsend.so.0"
    library = ctypes.CDLL(name)
    engine = ADDRESS
    for function, result, *arguments in (("new", ctypes.c_int, ctypes.POINTER(ADDRESS),
                                          ctypes.POINTER(Options)), ("free", None, engine),
                                         ("submit", ctypes.c_int, engine,
                                          ADDRESS), ("submit_detail", ctypes.c_char_p, engine),
                                         ("run", ctypes.c_int, engine,
                                          ctypes.c_uint64), ("fd", ctypes.c_int, engine),
                                         ("reap", ctypes.c_size_t, engine, ADDRESS,
                                          ctypes.c_size_t), ("stats", None, engine, ADDRESS),
                                         ("error_name", ctypes.c_char_p, ctypes.c_int),
                                         ("error_text", ctypes.c_char_p, ctypes.c_int)):
        each = getattr(library, "ringsend_" + function)
        each.restype, each.argtypes = result, arguments
    return library


class Result:
    """What became of one request."""

    __slots__ = ("data", "ok", "status", "error", "detail", "ambiguous", "attempts", "body")

    def __init__(self, data, ok=False, status=0, error=None, detail=None, ambiguous=False,
                 attempts=0, body=b""):
        self.data, self.ok, self.status, self.error, self.detail = data, ok, status, error, detail
        self.ambiguous, self.attempts, self.body = ambiguous, attempts, body

    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)


class Session:
    """An engine in the running loop. One session, one loop, one thread."""

    BATCH = 64

    def __init__(self, pool=40, tries=4, timeout_s=60, headers=None):
        self.library = load()
        self.requests_max = 2 * pool + 16
        message = ctypes.create_string_buffer(512)
        options = Options(size=ctypes.sizeof(Options), connections_max=pool,
                          requests_max=self.requests_max, tries=tries,
                          attempt_timeout_ns=int(timeout_s * 1e9))
        options.message, options.message_bytes = ctypes.cast(message, ctypes.c_char_p), len(message)
        self.engine = ADDRESS()
        if self.library.ringsend_new(ctypes.byref(self.engine), ctypes.byref(options)):
            raise OSError(message.value.decode() or "the engine cannot start")
        self.headers = self._headers({"Content-Type": "application/json", **(headers or {})})
        # The engine borrows a slot's memory until its result has been reaped.
        self.slots = (Request * self.requests_max)()
        self.at = ctypes.addressof(self.slots)
        self.free = list(range(self.requests_max))
        self.kept = [
            None
        ] * self.requests_max  # (what the caller gave, callback, bytes that are borrowed)
        for number, slot in enumerate(self.slots):
            slot.size, slot.user = ctypes.sizeof(Request), number
            slot.headers, slot.headers_count = self.headers, len(self.headers)
        self.results = (ctypes.POINTER(RawResult) * self.BATCH)()
        self.stats = Stats(size=ctypes.sizeof(Stats))
        self.waiting = iter(())
        self.timer = None
        self.loop = asyncio.get_running_loop()
        self.loop.add_reader(self.library.ringsend_fd(self.engine), self._turn)

    @staticmethod
    def _headers(headers):
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        return (Header * len(pairs))(*(Header(Bytes(n, len(n)), Bytes(v, len(v)))
                                       for n, v in pairs))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        self.close()

    def close(self):
        if self.engine:
            self.loop.remove_reader(self.library.ringsend_fd(self.engine))
            if self.timer:
                self.timer.cancel()
            self.library.ringsend_free(self.engine)
            self.engine = None

    async def request(self, data_list, callback=None):
        """Sends each item of data_list, {"url", "method", "data"}; returns the results in its
        order. callback(result) is called for each as it comes, and then none are kept."""
        data_list = list(data_list)
        results, done, left = [None] * len(data_list), self.loop.create_future(), itertools.count(
            len(data_list) - 1, -1)

        def finished(number, result):
            if callback:
                callback(result)
            else:
                results[number] = result
            if next(left) == 0 and not done.done():
                done.set_result(None)

        if data_list:
            self.waiting = itertools.chain(
                self.waiting, ((data, finished, number) for number, data in enumerate(data_list)))
            self._turn()
            await done
        return None if callback else results

    def _submit(self):
        """Hands over what there is room for."""
        submit, engine, size = self.library.ringsend_submit, self.engine, ctypes.sizeof(Request)
        while self.free:
            entry = next(self.waiting, None)
            if entry is None:
                return
            data = entry[0]
            number = self.free.pop()
            slot = self.slots[number]
            url, body = data["url"].encode(), data.get("data")
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            method = data.get("method", "POST" if body is not None else "GET").encode()
            self.kept[number] = (entry, url, body, method)
            target = slot.url
            target.data, target.bytes = url, len(url)
            target = slot.method
            target.data, target.bytes = method, len(method)
            target = slot.body
            target.data, target.bytes = body, len(body) if body is not None else 0
            error = submit(engine, self.at + number * size)
            if error:
                self._refused(number, -error)

    def _refused(self, number, error):
        (data, finished, place), *_ = self.kept[number]
        self.kept[number] = None
        self.free.append(number)
        detail = self.library.ringsend_submit_detail(self.engine)
        finished(place, Result(data, error=self.library.ringsend_error_name(error).decode(),
                               detail=detail.decode() if detail else None))

    def _reap(self):
        count = self.library.ringsend_reap(self.engine, self.results, self.BATCH)
        for i in range(count):
            raw = self.results[i][0]
            number = raw.request[0].user
            (data, finished, place), *_ = self.kept[number]
            self.kept[number] = None
            self.free.append(number)
            body = raw.body
            error = raw.error
            finished(
                place,
                Result(data, raw.ok, raw.status,
                       self.library.ringsend_error_name(error).decode() if error else None,
                       raw.detail.decode() if raw.detail else None, raw.ambiguous, raw.attempts,
                       ctypes.string_at(body.data, body.bytes) if body.bytes else b""))
        return count

    def _turn(self):
        """The descriptor is readable, a deadline has come, or there is something to send."""
        self._submit()
        while self.engine:
            if self.library.ringsend_run(self.engine, 0) < 0:
                raise OSError("the io_uring broke")
            if not self._reap():
                break
            self._submit()
        if self.engine:
            self._set_timer()

    def _set_timer(self):
        self.library.ringsend_stats(self.engine, ctypes.addressof(self.stats))
        at = self.stats.next_deadline_ns
        if self.timer:
            self.timer.cancel()
            self.timer = None
        if at != NEVER:
            self.timer = self.loop.call_at(at / 1e9,
                                           self._turn)  # asyncio's clock is CLOCK_MONOTONIC
