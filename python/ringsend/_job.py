"""One engine, and the jobs on it: what a session of asyncio's and the synchronous door share.

A job takes records from an iterator as there is room, and has a sink, the list that the engine
appends results to. From there they go to `ready`, and one by one to whoever asked. What has been
taken from the iterator and not yet given to the caller is at most the job's share of the window:
that is the back-pressure, both for endless iterators and for callers that are slow."""

import time
from collections import deque
from typing import Any, Callable, Deque, Dict, Generic, Iterable, Iterator, List, Optional, TypeVar

from . import _engine, _options
from ._records import FULL, Headers, Maker
from ._result import Result

T = TypeVar("T")
SETTLE_NS = 1_000_000
SETTLE_TURNS = 1000
NEVER_NS = (1 << 64) - 1


class Core:
    """The engine with its options, and what shares its window."""

    def __init__(self, headers: Optional[Headers], options: Dict[str, Any]) -> None:
        fields = _options.to_fields(options)
        pool = fields.setdefault("connections_max", 40)
        self.window: int = fields.setdefault("requests_max", min(2 * pool + 16, 1 << 20))
        self.engine = _engine.Engine(Result, fields)
        self.maker = Maker(self.engine, headers)
        self.jobs: Dict["Job", None] = {}
        self.sharers = 0  # beside the jobs: single requests that wait
        self.granted = 0  # of these: were told that there is room, and have not taken it

    def share(self) -> int:
        """How much of the window is a job's."""
        return max(1, self.window // max(1, len(self.jobs) + (self.sharers > 0)))

    def has_room(self) -> bool:
        """For one more request."""
        return self.engine.used + self.granted < self.window


class Job:
    """Records of one iterator on their way."""

    __slots__ = ("core", "source", "sink", "ready", "submitted", "drained", "given", "exhausted",
                 "error", "starved", "waiter", "room_waiter", "pump", "held", "refused",
                 "__weakref__")

    def __init__(self, core: Core, source: Optional[Iterator[Any]]) -> None:
        self.core = core
        self.source = source  # None: somebody else calls submit
        self.sink: List[Result] = []
        self.ready: Deque[Result] = deque()
        self.submitted = self.drained = self.given = 0
        self.exhausted = False  # no more is taken
        self.error: Optional[Exception] = None  # of the iterator
        self.starved = False  # the engine had no room
        self.waiter: Any = None  # a future of whoever takes the results
        self.room_waiter: Any = None  # and of the pump
        self.pump: Any = None  # a task, in place of the source
        self.held: List[Any] = []  # a record in the pump's hand, which has no room for it
        self.refused = False  # there may have been more records
        core.jobs[self] = None

    @property
    def in_flight(self) -> int:
        """Taken, and without a result in `ready`."""
        return self.submitted - self.drained

    @property
    def finished(self) -> bool:
        """All that was taken has been given, and no more will be."""
        return self.exhausted and self.given == self.submitted

    def may_take(self) -> bool:
        """Whether there is room for one more record."""
        if self.submitted - self.given >= self.core.share():
            return False
        self.starved = not self.core.has_room()
        return not self.starved

    def wants_more(self) -> bool:
        """Whether it is worth it to fill up: a quarter of the share is free."""
        share = self.core.share()
        return not self.exhausted and 4 * (self.submitted - self.given) <= 3 * share

    def refuse_more(self) -> None:
        """Takes no more records, though there may be some."""
        self.refused = self.refused or not self.exhausted
        self.exhausted = True
        if self.pump:
            self.pump.cancel()
        for record in self.held:  # it was taken: so it has a result
            self.submitted += 1
            self.sink.append(_engine.failed(Result, record, self.submitted - 1, "stopped", None))
        self.held.clear()

    def offer_room(self) -> None:
        """To the pump, if it waits for some."""
        waiter = self.room_waiter
        if waiter and not waiter.done() and self.may_take():
            waiter.set_result(None)

    def submit(self, record: Any) -> None:
        """Hands one over, for which may_take() was true."""
        ticket = self.core.maker.record(self.sink, record, self.submitted)
        assert ticket != FULL
        self.submitted += 1

    def fill(self) -> None:
        """Takes records while there is room. What the iterator raises ends it, and is told when
        all results are in."""
        source, engine = self.source, self.core.engine
        window = self.core.window - self.core.granted
        if self.exhausted or source is None:
            return
        record, sink = self.core.maker.record, self.sink
        limit = self.given + self.core.share()
        self.starved = False
        try:
            while self.submitted < limit:
                if engine.used >= window:
                    self.starved = True
                    return
                item = next(source)
                record(sink, item, self.submitted)
                self.submitted += 1
        except StopIteration:
            self.exhausted = True
        except Exception as error:
            self.exhausted, self.error = True, error
        except BaseException:
            self.exhausted = True
            raise

    def drain(self) -> Deque[Result]:
        """What has come so far, behind what had."""
        count = len(self.sink)
        if count:
            self.ready.extend(self.sink[:count])
            self.drained += count
            del self.sink[:count]
        return self.ready

    def take(self) -> Result:
        """The next one."""
        self.given += 1
        if self.room_waiter:
            self.offer_room()
        return self.ready.popleft()

    def abandon(self, turn: Callable[[], None]) -> None:
        """Takes no more, cancels what is in flight, and waits for its results, which follow at
        once. They are in `ready` then."""
        self.refuse_more()
        if self.drain() is not None and self.in_flight:
            self.core.engine.cancel_sink(self.sink)
            for _ in range(SETTLE_TURNS):
                turn()
                self.drain()
                if not self.in_flight:
                    break

    def end(self) -> None:
        """It has no part in the window any more."""
        if self.pump:
            self.pump.cancel()
        self.core.jobs.pop(self, None)


class Collected(Generic[T]):
    """Results in the order of their records: they come in any."""

    def __init__(self) -> None:
        self.results: List[Optional[Result]] = []

    def add(self, result: Result) -> None:
        """Puts one in its place."""
        number, results = result._number, self.results
        if number >= len(results):
            results.extend([None] * (number + 1 - len(results)))
        results[number] = result


class Callbacks:
    """Calls the callback for each result, whatever it raises: the first exception is kept, and
    none costs a result."""

    def __init__(self, callback: Callable[[Result], Any]) -> None:
        self.callback = callback
        self.error: Optional[Exception] = None

    def call(self, result: Result) -> Any:
        """What the callback returns; None when it raised."""
        try:
            return self.callback(result)
        except Exception as error:
            self.failed(error)
            return None

    def failed(self, error: Exception) -> None:
        """Keeps the first one."""
        if self.error is None:
            self.error = error


def settle(core: Core, until_s: float) -> None:
    """Cancels all, and takes the results: at most so long."""
    engine = core.engine
    engine.cancel_all()
    until = time.monotonic() + until_s
    while engine.used and time.monotonic() < until:
        engine.turn(SETTLE_NS)


def iterator_of(records: Iterable[Any]) -> Iterator[Any]:
    """TypeError, with what was meant, when it is no collection of records."""
    if isinstance(records, (str, bytes, dict)):
        raise TypeError(
            "a list or another iterable of records is wanted; for one request there are "
            "fetch(), get() and post()")
    return iter(records)
