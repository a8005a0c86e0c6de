"""A session: an engine in asyncio's loop.

The loop watches one descriptor for all requests and keeps one timer; there is no task and no
coroutine per request. _turn() has the engine work and wakes whoever has results. Code of the
caller's (iterators, callbacks) runs in the task that called request() or map(), not in _turn()."""

import asyncio
import inspect
import itertools
import time
import warnings
from collections import deque
from typing import (TYPE_CHECKING, Any, AsyncIterable, Awaitable, Callable, Coroutine, Deque, Dict,
                    Iterable, List, Optional, Union, overload)

from . import _engine, _options
from ._job import NEVER_NS, SETTLE_NS, Callbacks, Collected, Core, Job, iterator_of, settle
from ._map import Results, pump
from ._records import Ask, Fields, Headers, is_stream
from ._result import Result, SessionClosed
from ._stream import Stream

if TYPE_CHECKING:
    from typing_extensions import Unpack

Records = Union[Iterable[Any], AsyncIterable[Any]]
CLOSE_S = 5.0


class Session:
    """Session(pool=40, tries=4, *, headers=None, **options)

    Requests over a bounded pool of connections. `headers` go with every request, unless it has the
    same name of its own. Lengths of time are seconds. None is the default of each option.

    One session, one loop, one thread: other threads are refused with RuntimeError (they hand over
    by asyncio.run_coroutine_threadsafe), and so is the child of a fork. Each thread may have
    sessions of its own.

    Raises TypeError for an option that does not exist or is of the wrong type, ValueError for one
    that is out of its bounds or a file of certificates that cannot be read, OSError when the
    kernel grants no engine. Where io_uring is refused it works over epoll; `message` then says
    why.

    Options:
"""

    def __init__(self,
                 pool: int = 40,
                 tries: int = 4,
                 *,
                 headers: Optional[Headers] = None,
                 **options: "Unpack[_options.Settings]") -> None:
        self._closed = True  # should the next line raise
        self._core = Core(headers, {"pool": pool, "tries": tries, **options})
        self._closed = self._stopped = False
        self._engine = self._core.engine
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._fd = -1
        self._timer: Optional[asyncio.TimerHandle] = None
        self._timer_ns = NEVER_NS
        self._scheduled: Optional[asyncio.Handle] = None
        self._broken: Optional[OSError] = None
        # Single requests: their results come into one sink, and go to futures by their numbers.
        self._answers: List[Result] = []
        self._calls: Dict[int, "asyncio.Future[Result]"] = {}
        self._numbers = itertools.count()
        self._queue: Deque["asyncio.Future[None]"] = deque()
        self._streams: Dict[Stream, None] = {}
        self._late: Dict["asyncio.Future[Any]", None] = {}

    # ---- Life

    async def __aenter__(self) -> "Session":
        self._attach()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancels what is in flight and frees the engine. Whoever awaits gets results that say
        cancelled; request() and map() raise SessionClosed unless all their records had been taken.
        May be called twice, and after the loop has been closed. RuntimeError from another thread,
        or from code that runs within the engine."""
        if self._closed:
            return
        if self._engine.used:
            settle(self._core, CLOSE_S)
        self._engine.free()
        self._closed = True
        for job in self._core.jobs:
            job.refuse_more()
        if self._timer:
            self._timer.cancel()
        if self._loop and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            self._distribute()
            for waiting in self._queue:
                if not waiting.done():
                    waiting.set_exception(SessionClosed())
            self._queue.clear()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn("unclosed %r" % self, ResourceWarning, source=self)

    def stop(self) -> None:
        """Takes no more records and starts no more tries; what is in flight goes on. Requests that
        wait for their first try end with the error "stopped"; request() and map() raise
        SessionClosed unless all their records had been taken."""
        self._attach()
        self._stopped = True
        self._engine.stop()
        for job in self._core.jobs:
            job.refuse_more()
        self._soon()

    def _attach(self) -> asyncio.AbstractEventLoop:
        """The session belongs to the first loop that uses it."""
        loop = asyncio.get_running_loop()
        if self._broken:
            raise self._broken
        if self._closed:
            raise SessionClosed()
        if self._loop is None:
            self._fd = self._engine.fd()
            if self._fd < 0:
                raise OSError("the kernel grants no descriptor that asyncio can watch")
            loop.add_reader(self._fd, self._turn)
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("the session belongs to another loop")
        return loop

    # ---- Turns

    def _turn(self, wait_ns: int = 0) -> None:
        """The descriptor is readable, a deadline has come, or there is something to send."""
        if self._closed or self._broken:
            return
        try:
            deadline_ns = self._engine.turn(wait_ns)
        except OSError as error:
            self._broken = error
            assert self._loop
            self._loop.remove_reader(self._fd)
            deadline_ns = NEVER_NS
        self._distribute()
        self._set_timer(deadline_ns)

    def _soon(self) -> None:
        """A turn once all that is ready now has run."""
        if self._scheduled is None and self._loop and not self._loop.is_closed():
            self._scheduled = self._loop.call_soon(self._on_schedule)

    def _on_schedule(self) -> None:
        self._scheduled = None
        self._turn()

    def _on_timer(self) -> None:
        self._timer, self._timer_ns = None, NEVER_NS
        self._turn()

    def _set_timer(self, deadline_ns: int) -> None:
        """A timer that is set for earlier stays: most deadlines only move away."""
        if deadline_ns >= self._timer_ns or not self._loop or self._loop.is_closed():
            return
        left_ns = deadline_ns - time.monotonic_ns()
        if left_ns <= 0:
            self._soon()
            return
        if self._timer:
            self._timer.cancel()
        self._timer_ns = deadline_ns
        self._timer = self._loop.call_later(left_ns / 1e9, self._on_timer)

    def _distribute(self) -> None:
        """Wakes those whose results have come, and those for whom there is room now."""
        if self._answers:
            answers = self._answers[:]
            del self._answers[:len(answers)]
            for result in answers:
                call = self._calls.get(result._number)
                if call and not call.done():
                    call.set_result(result)
        for job in self._core.jobs:
            if job.room_waiter:
                job.offer_room()
            if job.waiter and not job.waiter.done() and (job.sink or job.starved or self._closed or
                                                         self._broken):
                job.waiter.set_result(None)
        for stream in list(self._streams):
            stream._take_events()
        while self._queue and not self._closed and self._may_begin():
            waiting = self._queue.popleft()
            if not waiting.done():
                self._core.granted += 1
                waiting.set_result(None)
        self._core.sharers = len(self._queue)

    def _may_begin(self) -> bool:
        """Whether there is room for a single request: beside jobs they have their share."""
        core = self._core
        singles = len(self._calls) + len(self._streams) + core.granted
        return core.has_room() and (not core.jobs or singles < core.share())

    async def _wait(self, job: Job) -> None:
        """Until the job has results, room or an end."""
        assert self._loop
        if job.waiter:
            raise RuntimeError("somebody else waits for these results already")
        job.waiter = self._loop.create_future()
        try:
            if not job.sink:
                await job.waiter
        finally:
            job.waiter = None

    # ---- Many

    @overload
    async def request(self, data_list: Records, callback: None = None) -> List[Result]:
        ...

    @overload
    async def request(self, data_list: Records, callback: Callable[[Result], Any]) -> None:
        ...

    async def request(self,
                      data_list: Records,
                      callback: Optional[Callable[[Result], Any]] = None) -> Optional[List[Result]]:
        """Sends each record of an iterable, asynchronous or not, and returns the results in its
        order. With a callback, calls it for each result as it comes and keeps none; one that
        returns an awaitable is awaited before the next.

        A record is a mapping: "url"; "method"; "headers"; "data" (bytes and str as they are, a
        binary file, all else as JSON), or one of "body", "data_base64", "data_file", "form";
        "timeout" (seconds or "250ms"), "deadline_s", "tries"; "key" (sent as Idempotency-Key: a
        POST with it is tried again), "at_least_once"; "into" (a file for the response), "discard";
        "cost";
        "id", anything of yours. One that cannot be sent has a result with the error "bad_record".

        All records are sent and told, whatever the callback raises: its first exception, or the
        iterable's, is raised when all results are in. When the task is cancelled, what is in
        flight is cancelled too, the callback has its results, and no more records are taken."""
        self._attach()
        kept = Collected[Result]()
        calls = Callbacks(callback or kept.add)
        try:
            await self._drive(data_list, calls, False)
        except SessionClosed as error:
            error.results = kept.results
            raise
        return None if callback else [result for result in kept.results if result is not None]

    @overload
    def map(self, iterable: Records, callback: Callable[[Result], Any]) -> Coroutine[Any, Any, int]:
        ...

    @overload
    def map(self, iterable: Records, callback: None = None) -> Results:
        ...

    def map(
        self,
        iterable: Records,
        callback: Optional[Callable[[Result],
                                    Any]] = None) -> Union[Results, Coroutine[Any, Any, int]]:
        """For iterables of any length, asynchronous or not: records are taken as there is room, and
        no more than `window` of them are ahead of whoever takes the results.

        `await session.map(iterable, callback)` calls the callback for each result as it comes, as
        request() does, but takes no more records once it has raised. Returns how many results
        there were.

        `async for result in session.map(iterable)` has them in the order in which they come.
        Leaving the loop cancels what is in flight, at the latest when the iterator is gone;
        `async with session.map(iterable) as results` does so at its end."""
        if callback is None:
            return Results(self, iterable)
        return self._map(iterable, callback)

    async def _map(self, iterable: Records, callback: Callable[[Result], Any]) -> int:
        self._attach()
        return await self._drive(iterable, Callbacks(callback), True)

    def _job(self, records: Records) -> Job:
        """One whose records are being taken."""
        if not hasattr(records, "__aiter__"):
            return Job(self._core, iterator_of(records))
        job = Job(self._core, None)
        job.pump = asyncio.ensure_future(pump(self, job, records))  # type: ignore[arg-type]
        return job

    async def _drive(self, records: Records, calls: Callbacks, stop_on_error: bool) -> int:
        """Runs a job to its end."""
        job = self._job(records)
        try:
            while True:
                if self._stopped or (stop_on_error and calls.error):
                    job.refuse_more()  # not one more
                job.fill()
                self._turn()
                if job.drain():
                    await asyncio.sleep(0)  # others want to run, too
                elif job.finished or self._closed or self._broken:
                    break
                else:
                    await self._wait(job)
                    job.drain()
                while job.ready:
                    called = calls.call(job.take())
                    if called is not None and inspect.isawaitable(called):
                        await self._awaited(called, calls)
        except BaseException:
            self._abandon(job, calls)
            raise
        finally:
            job.end()
        self._raise_end(job, calls)
        return job.given

    def _raise_end(self, job: Job, calls: Callbacks) -> None:
        if self._broken:
            raise self._broken
        if isinstance(job.error, _engine.Unusable) and self._closed:
            job.error, job.refused = None, True  # from within the iterable
        if job.error or calls.error:
            raise job.error or calls.error or AssertionError
        if job.refused or not job.finished:
            raise SessionClosed("the session was %s before all records had been taken" %
                                ("closed" if self._closed else "stopped"))

    @staticmethod
    async def _awaited(called: Awaitable[Any], calls: Callbacks) -> None:
        try:
            await called
        except Exception as error:
            calls.failed(error)

    def _abandon(self, job: Job, calls: Optional[Callbacks]) -> None:
        """The job's task was cancelled: what was taken has its result before that goes on.
        Awaitable callbacks that are still due become tasks."""
        try:
            if self._closed or self._broken:
                job.drain()
            else:
                job.abandon(lambda: self._turn(SETTLE_NS))
        except RuntimeError:
            return  # another thread, or a child, lets go of a coroutine
        while calls and job.ready:
            called = calls.call(job.take())
            if called is not None and inspect.isawaitable(called):
                self._finish_later(called)
        if calls and calls.error and self._loop and not self._loop.is_closed():
            self._loop.call_exception_handler({
                "message": "a callback of %r raised, and its task was cancelled" % self,
                "exception": calls.error
            })

    def _finish_later(self, called: Awaitable[Any]) -> None:
        if self._loop and self._loop.is_running():
            task = asyncio.ensure_future(called, loop=self._loop)
            self._late[task] = None
            task.add_done_callback(lambda done: self._late.pop(done))

    # ---- One

    async def fetch(self,
                    method: Optional[str],
                    url: str,
                    *,
                    data: Any = None,
                    headers: Optional[Headers] = None,
                    tries: Optional[int] = None,
                    timeout_s: Optional[float] = None,
                    deadline_s: Optional[float] = None,
                    key: Optional[str] = None,
                    at_least_once: bool = False,
                    into: Any = None,
                    discard: bool = False,
                    cost: Any = None,
                    id: Any = None) -> Result:
        """One request; its result. It raises for mistakes of the program alone (TypeError,
        ValueError): failures are told by the result, see Result.raise_for_error.

        data: bytes and str as they are; a binary file; an iterator or asynchronous iterable of
        bytes, sent in pieces as it gives them; all else as JSON. headers: beside the session's.
        timeout_s, deadline_s, tries: in place of the session's. key: sent as Idempotency-Key.
        into: a binary file that the response's body is written to, or its descriptor. discard:
        the body is only counted. cost: a weight, or one for each of the option costs. id: yours, it
        is the result's `data`."""
        self._attach()
        fields = _fields(tries, timeout_s, deadline_s, key, at_least_once, into, discard)
        fields.set_cost(cost)
        if is_stream(data):
            async with Stream(self, method, url, data, headers, fields, id) as stream:
                return await stream.finish()
        fields.set_body(data)
        loop = await self._room()
        number = next(self._numbers)
        call: "asyncio.Future[Result]" = loop.create_future()
        self._calls[number] = call
        try:
            ticket = self._core.maker.submit(self._answers, id, number, method, url, headers,
                                             fields)
            self._soon()
            try:
                return await call
            except asyncio.CancelledError:
                if not self._closed:
                    self._engine.cancel(ticket)
                    self._soon()
                raise
        finally:
            del self._calls[number]

    async def get(self, url: str, **more: "Unpack[Ask]") -> Result:
        """fetch("GET", url, ...)"""
        return await self.fetch("GET", url, **more)

    async def head(self, url: str, **more: "Unpack[Ask]") -> Result:
        """fetch("HEAD", url, ...)"""
        return await self.fetch("HEAD", url, **more)

    async def post(self, url: str, data: Any = None, **more: "Unpack[Ask]") -> Result:
        """fetch("POST", url, data=data, ...)"""
        return await self.fetch("POST", url, data=data, **more)

    async def put(self, url: str, data: Any = None, **more: "Unpack[Ask]") -> Result:
        """fetch("PUT", url, data=data, ...)"""
        return await self.fetch("PUT", url, data=data, **more)

    async def patch(self, url: str, data: Any = None, **more: "Unpack[Ask]") -> Result:
        """fetch("PATCH", url, data=data, ...)"""
        return await self.fetch("PATCH", url, data=data, **more)

    async def delete(self, url: str, **more: "Unpack[Ask]") -> Result:
        """fetch("DELETE", url, ...)"""
        return await self.fetch("DELETE", url, **more)

    def stream(self,
               method: Optional[str],
               url: str,
               *,
               data: Any = None,
               headers: Optional[Headers] = None,
               tries: Optional[int] = None,
               timeout_s: Optional[float] = None,
               deadline_s: Optional[float] = None,
               key: Optional[str] = None,
               at_least_once: bool = False,
               id: Any = None) -> Stream:
        """`async with session.stream("GET", url) as response`: a response whose body comes in
        pieces, `async for piece in response`, no faster than they are taken. See Stream. The clock
        of the attempt counts what you take: long streams want timeout_s=ringsend.NEVER."""
        fields = _fields(tries, timeout_s, deadline_s, key, at_least_once, None, False)
        if not is_stream(data):
            fields.set_body(data)
            data = None
        return Stream(self, method, url, data, headers, fields, id, pieces=True)

    async def _room(self) -> asyncio.AbstractEventLoop:
        """For one more request, in the order in which they came."""
        loop = self._attach()
        if self._queue or not self._may_begin():
            waiting = loop.create_future()
            self._queue.append(waiting)
            self._core.sharers = len(self._queue)
            try:
                await waiting
            finally:
                if waiting.done() and not waiting.cancelled() and not waiting.exception():
                    self._core.granted -= 1
            self._attach()
        return loop

    # ---- Looking at it

    @property
    def message(self) -> str:
        """Why it works over epoll, or what the files of certificates have that was passed over;
        else empty."""
        return self._engine.message

    def stats(self) -> Dict[str, int]:
        """What the engine has done so far: the fields of struct ringsend_stats in ringsend(3)."""
        return self._engine.stats()

    def features(self) -> str:
        """By which of the kernel's ways it works, and the features in use."""
        return self._engine.features()

    def tls_origins(self) -> List[str]:
        """Of each https origin, its version of TLS and the library that speaks it."""
        return self._engine.tls_origins()

    def tcp_samples(self) -> List[Dict[str, Any]]:
        """What the kernel's TCP knows of watched connections (option watch_max): dicts with the
        fields of struct ringsend_tcp_sample."""
        return self._engine.tcp_samples(3 * 32768)

    def limit(self, connections: int) -> None:
        """From now on at most so many connections, 1 to pool."""
        self._engine.limit(connections)
        self._soon()

    def __repr__(self) -> str:
        return "<ringsend.Session %s, %d in flight>" % ("closed" if self._closed else "open",
                                                        self._engine.used)


def _fields(tries: Optional[int], timeout_s: Optional[float], deadline_s: Optional[float],
            key: Optional[str], at_least_once: bool, into: Any, discard: bool) -> Fields:
    fields = Fields()
    fields.set_limits(tries, timeout_s, deadline_s)
    fields.set_repeat(key, at_least_once)
    fields.set_response(into, discard)
    return fields


Session.__doc__ = (Session.__doc__ or "") + _options.documentation()
