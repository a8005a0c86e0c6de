"""Results in the order in which they come, and records from asynchronous iterables."""

import asyncio
from typing import TYPE_CHECKING, Any, AsyncIterable, Iterable, Optional, Union

from ._job import Job
from ._result import Result, SessionClosed

if TYPE_CHECKING:
    from ._session import Session


async def pump(session: "Session", job: Job, records: AsyncIterable[Any]) -> None:
    """Takes records as there is room: the task of a job whose records come asynchronously."""
    iterator: Any = records.__aiter__()
    try:
        while not job.exhausted:
            while not job.exhausted and not job.may_take():
                await _room(job)
            if job.exhausted:
                break
            try:
                record = await iterator.__anext__()
            except StopAsyncIteration:
                break
            job.held.append(record)
            while not job.exhausted and not job.may_take():
                await _room(job)
            if job.held and not session._closed:
                job.submit(job.held.pop())
                session._soon()
    except Exception as error:
        job.error = error
    finally:
        job.exhausted = True
        if job.waiter and not job.waiter.done():
            job.waiter.set_result(None)
        # A generator is not left to the collector: what it holds open ends with the job.
        if hasattr(iterator, "aclose"):
            await iterator.aclose()


async def _room(job: Job) -> None:
    job.room_waiter = asyncio.get_running_loop().create_future()
    try:
        await job.room_waiter
    finally:
        job.room_waiter = None


class Results:
    """`async for result in session.map(iterable)`. One task at a time takes them; when that is
    cancelled while it waits (asyncio.wait_for), none is lost."""

    def __init__(self, session: "Session", records: Union[Iterable[Any],
                                                          AsyncIterable[Any]]) -> None:
        self._session = session
        self._records: Any = records
        self._job: Optional[Job] = None

    def __aiter__(self) -> "Results":
        return self

    async def __anext__(self) -> Result:
        session, job = self._session, self._job
        if job is None:
            session._attach()
            job = self._job = session._job(self._records)
            self._records = None
        if job.ready:
            if job.wants_more():
                job.fill()
                session._soon()
            return job.take()
        while not job.ready:
            if session._stopped:
                job.refuse_more()
            job.fill()
            session._turn()
            if job.drain():
                await asyncio.sleep(0)
            elif job.finished or session._closed or session._broken:
                self._end(job)
            else:
                await session._wait(job)
                job.drain()
        return job.take()

    def _end(self, job: Job) -> None:
        """Raises what ends it."""
        job.end()
        error, job.error = job.error, None
        if self._session._broken:
            raise self._session._broken
        if error:
            raise error
        if job.refused or not job.finished:
            raise SessionClosed("the session was closed before all records had been taken")
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Takes no more records, and cancels what is in flight."""
        if self._job:
            self._session._abandon(self._job, None)
            self._job.end()
            self._job.ready.clear()
            self._job.given = self._job.submitted

    async def __aenter__(self) -> "Results":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        job, loop = self._job, self._session._loop
        if job and not job.finished and loop and not loop.is_closed():
            loop.call_soon_threadsafe(_let_go, self._session, job)


def _let_go(session: "Session", job: Job) -> None:
    """The iterator is gone: nobody takes these results."""
    job.end()
    job.exhausted = True
    if not session._closed:
        session._engine.cancel_sink(job.sink)
        session._soon()
