"""One exchange whose bodies come in pieces, either way.

The engine says by results that are not final that a piece has come, or that it wants the next one
of the request's. Pieces that nobody has taken yet are few: beyond HELD of them the engine is told
to hold the rest, and TCP holds the peer back."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Deque, List, Optional, Tuple

from ._records import BODY_PIECES, RESPONSE_PIECES, UNKNOWN, Fields, Headers
from ._result import Result, SessionClosed

if TYPE_CHECKING:
    from ._session import Session

PIECE, WANTS = 1, 2
HELD, LET_GO = 8, 2


class Stream:
    """A response that is taken in pieces: `async with session.stream(...) as response`.

    `status`, `headers` (with store_headers) and `encoding` are there from the beginning; `result`
    is when the body has ended. A response whose status is not among ok_status is not streamed: its
    body is one piece. What breaks off behind the first piece is told by `result`, whose error is
    not None then; the iteration ends as if all had come, so look at `result.ok`."""

    def __init__(self,
                 session: "Session",
                 method: Optional[str],
                 url: str,
                 body: Any,
                 headers: Optional[Headers],
                 fields: Fields,
                 data: Any,
                 pieces: bool = False) -> None:
        self._session = session
        self._asked = (method, url, headers, fields, data)
        self._body = body
        self._pieces_wanted = pieces
        self._sink: List[Result] = []
        self._ready: Deque[Result] = deque()
        self._ticket = 0
        self._holding = False
        self._waiter: Optional["asyncio.Future[None]"] = None
        self._feeder: Optional["asyncio.Task[None]"] = None
        self._wants: Optional[asyncio.Event] = None
        self._error: Optional[BaseException] = None
        self._head: Optional[Result] = None
        self._given = False  # the stored body, as one piece
        self.result: Optional[Result] = None

    @property
    def status(self) -> int:
        """Of the response; 0: there is none."""
        return self._head.status if self._head else 0

    @property
    def headers(self) -> Optional[List[Tuple[str, str]]]:
        """Of the response, with store_headers."""
        return self._head.headers if self._head else None

    @property
    def encoding(self) -> Optional[str]:
        """The Content-Encoding that the pieces have, or None."""
        return self._head.encoding if self._head else None

    async def __aenter__(self) -> "Stream":
        session = self._session
        await session._room()
        method, url, headers, fields, data = self._asked
        if self._pieces_wanted:
            fields.flags |= RESPONSE_PIECES
        if self._body is not None:
            fields.flags |= BODY_PIECES
            fields.body_bytes = UNKNOWN
        self._ticket = session._core.maker.submit(self._sink, data, 0, method, url, headers, fields)
        session._streams[self] = None
        try:
            if self._body is not None and self._ticket > 0:
                self._wants = asyncio.Event()
                self._wants.set()
                self._feeder = asyncio.ensure_future(self._feed())
            session._soon()
            while not self._pieces_wanted and self.result is None or self._head is None:
                await self._wait()
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._leave()

    def _leave(self) -> None:
        """What is still in flight is cancelled."""
        session = self._session
        if self._feeder:
            self._feeder.cancel()
        if self.result is None and not session._closed:
            session._engine.cancel(self._ticket)
            session._soon()
        session._streams.pop(self, None)

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._ready:
                piece = self._ready.popleft()
                if self._holding and len(self._ready) <= LET_GO:
                    self._hold(False)
                return piece.body
            if self.result is not None:
                if self._error:
                    raise self._error
                if not self._given and self.result.body:
                    self._given = True
                    return self.result.body
                raise StopAsyncIteration
            await self._wait()

    async def finish(self) -> Result:
        """Passes over what is left, and returns the result."""
        while self.result is None:
            self._ready.clear()
            if self._holding:
                self._hold(False)
            await self._wait()
        if self._error:
            raise self._error
        return self.result

    def _hold(self, hold: bool) -> None:
        self._holding = hold
        if not self._session._closed:
            self._session._engine.hold(self._ticket, hold)
            self._session._soon()

    async def _wait(self) -> None:
        self._take_events()
        if self._ready or self.result:
            return
        if self._session._broken:
            raise self._session._broken
        if self._session._closed:
            raise SessionClosed()
        if self._waiter:
            raise RuntimeError("somebody else waits for this stream already")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _take_events(self) -> None:
        """What the engine has said since."""
        events = self._sink[:]
        del self._sink[:len(events)]
        for event in events:
            if event._kind == WANTS:
                if self._wants:
                    self._wants.set()
                continue
            self._head = self._head or event
            if event._kind == PIECE:
                self._ready.append(event)
            else:
                self.result = event
        if len(self._ready) >= HELD and not self._holding and self.result is None:
            self._hold(True)
        if self._waiter and not self._waiter.done() and (self._ready or self.result or
                                                         self._session._closed or
                                                         self._session._broken):
            self._waiter.set_result(None)

    # ---- The request's body

    async def _feed(self) -> None:
        try:
            if hasattr(self._body, "__aiter__"):
                async for piece in self._body:
                    await self._give(piece, False)
            else:
                for piece in self._body:
                    await self._give(piece, False)
            await self._give(b"", True)
        except Exception as error:
            self._error = error
            if not self._session._closed:
                self._session._engine.cancel(self._ticket)
                self._session._soon()

    async def _give(self, piece: Any, last: bool) -> None:
        if isinstance(piece, (bytearray, memoryview)):
            piece = bytes(piece)
        if not isinstance(piece, bytes):
            raise TypeError("the pieces of a body are bytes, not %r" % (piece, ))
        if not piece and not last:
            return
        assert self._wants
        await self._wants.wait()
        self._wants.clear()
        if not self._session._closed:
            self._session._engine.body(self._ticket, piece, last)
            self._session._soon()
