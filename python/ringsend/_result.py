"""What became of a request."""

import json
from typing import Any, List, NamedTuple, Optional

from . import _engine, _options


class Times(NamedTuple):
    """Where a request's time went, in ns; 0 for what did not happen. ..._at_ns are points in time
    on time.monotonic_ns(), of the last attempt (ringsend(3), struct ringsend_times)."""
    queue_ns: int
    dns_ns: int
    connect_ns: int
    tls_ns: int
    first_byte_ns: int
    total_ns: int
    begun_at_ns: int
    sent_at_ns: int
    first_byte_at_ns: int
    done_at_ns: int
    left_at_ns: int
    arrived_at_ns: int


class Attempt(NamedTuple):
    """One attempt, times in ns (ringsend(3), struct ringsend_attempt). `wait` says what held the
    next one back: "none", "free", "backoff", "retry_after", "rate", "budget", "pause" or
    "redirect"."""
    began_ns: int
    dns_ns: int
    connect_ns: int
    tls_ns: int
    first_byte_ns: int
    total_ns: int
    wait_ns: int
    wait: str
    error: Optional[str]
    status: int
    reused: bool
    pause_ns: int


class Result(_engine.Result):
    """What became of one request. Read-only; any thread may look at it.

    data: what the caller gave. ok: a complete response, and a status of ok_status. status: 0 when
    there was none. error: None exactly when a complete response came, else a name of
    ringsend.ERRORS; detail: a sentence more, or None. ambiguous: it may have been processed, and
    nobody can tell. attempts: tries made. body: bytes. headers: with store_headers a list of
    (name, value), else None. encoding: the Content-Encoding that the body still has. cut_short:
    cancelling or stopping kept it from a try, or from its response. unjudged: what ok_if asked for
    could not be read. location: where a status of 300 to 399 leads, or None; redirects: so
    many were followed; processed: an answer that led to a GET says that the request itself was.
    head_bytes, packed_bytes: of the response as it came."""

    __slots__ = ()

    def text(self) -> str:
        """The body as UTF-8; what is none of it becomes U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body)

    @property
    def retry_after_s(self) -> float:
        """What the last response asked for, in seconds; 0: nothing."""
        return self._retry_after_ns / 1e9

    @property
    def times(self) -> Times:
        """Where its time went."""
        known = self._times
        return Times(*(known[name] for name in Times._fields))

    @property
    def attempts_list(self) -> Optional[List[Attempt]]:
        """With store_attempts: all of them, the first one first."""
        known = self._attempts_list
        if known is None:
            return None
        return [Attempt(*(one[name] for name in Attempt._fields)) for one in known]

    @property
    def redirect_urls(self) -> List[str]:
        """Where the redirects that were followed led: the last attempt was at the last one."""
        return self._redirect_urls.split("\n") if self._redirect_urls else []

    def raise_for_error(self) -> "Result":
        """Itself when it is ok, else it raises ringsend.RequestError."""
        if not self.ok:
            raise RequestError(self)
        return self

    def __repr__(self) -> str:
        told = "status %d" % self.status if self.error is None else self.error
        return "<Result %s: %s, %d attempts, %d bytes>" % ("ok" if self.ok else "not ok", told,
                                                           self.attempts, len(self.body))


class RequestError(Exception):
    """A result that is not ok, as an exception: `result` has it."""

    def __init__(self, result: Result) -> None:
        said = (_options.ERRORS.get(result.error, result.error) if result.error else "status %d" %
                result.status)
        super().__init__("%s%s" % (said, ": " + result.detail if result.detail else ""))
        self.result = result


class SessionClosed(RuntimeError):
    """The session is closed. From request() and map() when it was closed before all records were
    taken: the results of those that were are in `results`, unless a callback had them."""

    def __init__(self,
                 message: str = "the session is closed",
                 results: Optional[List[Optional[Result]]] = None) -> None:
        super().__init__(message)
        self.results = results or []
