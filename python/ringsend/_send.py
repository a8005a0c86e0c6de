"""The synchronous door: for scripts without a loop."""

from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, List, Optional, overload

from ._job import Callbacks, Collected, Core, Job, iterator_of, settle
from ._records import Headers
from ._result import Result

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Settings

SLICE_NS = 100_000_000  # Ctrl-C is seen after so long at most
CLOSE_S = 5.0


def _end(core: Core, job: Job) -> None:
    """Frees the engine; what was in flight has its result in `ready`."""
    job.exhausted = True
    if core.engine.used:
        settle(core, CLOSE_S)
    job.drain()
    core.engine.free()


def _step(core: Core, job: Job) -> None:
    """Fills, and waits until there are results or the job is done."""
    job.fill()
    if not job.sink and job.in_flight:
        core.engine.turn(SLICE_NS)
    job.drain()


@overload
def send(records: Iterable[Any],
         callback: None = None,
         *,
         pool: int = 40,
         tries: int = 4,
         headers: Optional[Headers] = None,
         **options: "Unpack[Settings]") -> List[Result]:
    ...


@overload
def send(records: Iterable[Any],
         callback: Callable[[Result], Any],
         *,
         pool: int = 40,
         tries: int = 4,
         headers: Optional[Headers] = None,
         **options: "Unpack[Settings]") -> None:
    ...


def send(records: Iterable[Any],
         callback: Optional[Callable[[Result], Any]] = None,
         *,
         pool: int = 40,
         tries: int = 4,
         headers: Optional[Headers] = None,
         **options: "Unpack[Settings]") -> Optional[List[Result]]:
    """Sends all records (see ringsend.Session.request) and returns their results in the order of
    the records; with a callback, calls it for each result as it comes, and keeps none.

    Records are taken from the iterable as there is room. A record that cannot be sent has a result
    that says so. An exception of the callback, or of the iterable, is raised when all results are
    in. Ctrl-C cancels what is in flight; the callback has the results of all that were taken.

    Any thread, beside other calls and sessions, also inside a running loop, which it blocks.
    Options are those of Session. Raises TypeError and ValueError for options, OSError when the
    kernel grants no engine."""
    core = Core(headers, {"pool": pool, "tries": tries, **options})
    job, kept = Job(core, iterator_of(records)), Collected[Result]()
    calls = Callbacks(callback or kept.add)
    try:
        while not job.finished:
            _step(core, job)
            while job.ready:
                calls.call(job.take())
    finally:
        _end(core, job)
        while job.ready:
            calls.call(job.take())
    if job.error or calls.error:
        raise job.error or calls.error or AssertionError
    return None if callback else [result for result in kept.results if result is not None]


def results(records: Iterable[Any],
            *,
            pool: int = 40,
            tries: int = 4,
            headers: Optional[Headers] = None,
            **options: "Unpack[Settings]") -> Iterator[Result]:
    """The same as an iterator of results in the order in which they come, for any number of
    records: those ahead of whoever takes the results are at most `window` (2 x pool + 16). When the
    iterator is closed, what is in flight is cancelled. It works while it is asked for the next
    one: clocks run meanwhile. One thread."""
    core = Core(headers, {"pool": pool, "tries": tries, **options})
    return _results(core, Job(core, iterator_of(records)))


def _results(core: Core, job: Job) -> Iterator[Result]:
    try:
        while not job.finished:
            _step(core, job)
            while job.ready:
                yield job.take()
    finally:
        _end(core, job)
    if job.error:
        raise job.error
