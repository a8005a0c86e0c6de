"""From records, and from what fetch() is given, to what the engine is given.

A record is a mapping with the keys that records in files have: url, method, headers, data or body,
data_base64, data_file, form, id or custom_id, timeout, tries; and key, timeout_s, deadline_s,
at_least_once, into, discard. What cannot be sent becomes a result with the error bad_record: one
record never stops the others."""

import base64
import json
import os
import re
import stat
import urllib.parse
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple, TypedDict, Union

from . import _engine
from ._options import count, nanoseconds
from ._result import Result

Headers = Union[Mapping[str, Union[str, Iterable[str]]], Iterable[Tuple[str, str]]]


class Ask(TypedDict, total=False):
    """What get(), post() and their like take beside URL and data: see Session.fetch."""
    headers: Optional[Headers]
    tries: Optional[int]
    timeout_s: Optional[float]
    deadline_s: Optional[float]
    key: Optional[str]
    at_least_once: bool
    into: Any
    discard: bool
    cost: Any
    id: Any


KEYS = frozenset([
    "id", "custom_id", "method", "url", "headers", "data", "body", "data_base64", "data_file",
    "form", "timeout", "timeout_s", "deadline_s", "tries", "key", "at_least_once", "into",
    "discard", "cost"
])
PLAIN = frozenset(["id", "custom_id", "method", "url", "data", "body"])

AT_LEAST_ONCE, KEYED, HAS_BODY, BODY_FD, BODY_PIECES = 1, 2, 4, 8, 16
RESPONSE_FD, RESPONSE_PIECES, RESPONSE_DISCARD = 32, 64, 128
FULL = -1
SEQUENTIAL, UNKNOWN = -1, (1 << 64) - 1
NO_EXTRA = (0, 0, 0, -1, 0, 0, -1, None, 0, 0, 0, 0)
CACHED_MAX = 64

_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_encode_json: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _seconds(name: str, value: Any) -> float:
    """As in files: a number of seconds, or "250ms"."""
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|)", value)
        if not match:
            raise ValueError("%s: %r is no length of time" % (name, value))
        return float(match.group(1)) * _UNITS[match.group(2)]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("%s is a number of seconds, not %r" % (name, value))
    return value


def pairs(headers: Optional[Headers]) -> List[Tuple[bytes, bytes]]:
    """The lines of a head. TypeError or ValueError when they are none."""
    if headers is None:
        return []
    items: Iterable[Any] = headers.items() if isinstance(headers, Mapping) else headers
    lines = []
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError("headers are a mapping, or pairs of name and value")
        name, values = item
        for value in values if isinstance(values, (list, tuple)) else (values, ):
            lines.append((_bytes(name), _bytes(value)))
    return lines


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise TypeError("a header is made of str, not of %r" % (value, ))


def is_stream(data: Any) -> bool:
    """Whether a body comes in pieces."""
    return hasattr(data, "__anext__") or hasattr(
        data, "__aiter__") or (hasattr(data, "__next__") and not hasattr(data, "fileno"))


class _Opened:
    """A descriptor that is closed when nobody holds it any more."""

    __slots__ = ("fd", )

    def __init__(self, path: Any) -> None:
        self.fd = -1
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


class Fields:
    """What one request asks for beside URL, method and headers."""

    __slots__ = ("flags", "body", "is_json", "tries", "timeout_ns", "deadline_ns", "body_fd",
                 "body_at", "body_bytes", "response_fd", "held", "key", "cost")

    def __init__(self) -> None:
        self.flags, self.tries, self.timeout_ns, self.deadline_ns = 0, 0, 0, 0
        self.body: Optional[bytes] = None
        self.is_json = False
        self.body_fd, self.body_at, self.body_bytes, self.response_fd = -1, 0, 0, -1
        self.held: Any = None  # what lives as long as the request
        self.key: Optional[str] = None
        self.cost = (0, 0, 0, 0)

    def set_body(self, data: Any) -> None:
        """bytes and str as they are, files by their descriptor, all else as JSON."""
        if data is None:
            return
        if isinstance(data, (bytes, bytearray, memoryview)):
            self.body = bytes(data)
        elif isinstance(data, str):
            self.body = data.encode()
        elif hasattr(data, "fileno"):
            self._set_file(data)
        else:
            self.body, self.is_json = _encode_json(data).encode(), True
        if self.body == b"":
            self.flags |= HAS_BODY

    def _set_file(self, file: Any) -> None:
        if isinstance(file.read(0), str):
            raise TypeError("the file of a body is opened in binary mode")
        self.held = file
        self._set_descriptor(file.fileno(), file.tell if file.seekable() else None)

    def _set_descriptor(self, fd: int, tell: Optional[Callable[[], int]]) -> None:
        self.flags |= BODY_FD
        self.body_fd = fd
        if tell is None or not stat.S_ISREG(os.fstat(fd).st_mode):
            self.body_at, self.body_bytes = SEQUENTIAL, UNKNOWN
        else:
            self.body_at = tell()
            self.body_bytes = max(0, os.fstat(fd).st_size - self.body_at)

    def open_body(self, path: Any) -> None:
        """A regular file's descriptor, which a FIFO does not hold up."""
        self.held = file = _Opened(path)
        if not stat.S_ISREG(os.fstat(file.fd).st_mode):
            raise ValueError("data_file: %s is no regular file" % os.fsdecode(path))
        self._set_descriptor(file.fd, lambda: 0)

    def set_limits(self, tries: Any, timeout_s: Any, deadline_s: Any) -> None:
        """None: as in the options."""
        if tries is not None:
            self.tries = count(1, 100)("tries", tries)
        if timeout_s is not None:
            self.timeout_ns = nanoseconds("timeout_s", timeout_s)
        if deadline_s is not None:
            self.deadline_ns = nanoseconds("deadline_s", deadline_s)

    def set_cost(self, cost: Any) -> None:
        """A weight, or one for each of the option costs."""
        if cost is None:
            return
        weights = list(cost) if isinstance(cost, (list, tuple)) else [cost]
        if len(weights) > 4:
            raise ValueError("cost has at most 4 weights")
        weights = [count(0, 1 << 40)("cost", weight) for weight in weights] + [0] * 4
        self.cost = (weights[0], weights[1], weights[2], weights[3])

    def set_response(self, into: Any, discard: Any) -> None:
        """Where the response's body goes."""
        if into is not None and discard:
            raise ValueError("give only one of into and discard")
        if into is not None:
            self.response_fd = into if isinstance(into, int) else into.fileno()
            self.held = (self.held, into)
            self.flags |= RESPONSE_FD
        if discard:
            self.flags |= RESPONSE_DISCARD

    def set_repeat(self, key: Any, at_least_once: Any) -> None:
        """May it be sent again though it may have been processed?"""
        if key is not None:
            if not isinstance(key, str) or not key.strip():
                raise ValueError("key is a text that is not blank, not %r" % (key, ))
            self.key = key
            self.flags |= KEYED
        if at_least_once:
            self.flags |= AT_LEAST_ONCE

    def extra(self) -> Tuple[Any, ...]:
        """As the engine takes it."""
        return (self.tries, self.timeout_ns, self.deadline_ns, self.body_fd, self.body_at,
                self.body_bytes, self.response_fd, self.held, *self.cost)


def _one_of(record: Mapping[str, Any], *names: str) -> Optional[str]:
    given = [name for name in names if record.get(name) is not None]
    if len(given) > 1:
        raise ValueError("give only one of %s" % " and ".join(given))
    return given[0] if given else None


def _read_body(fields: Fields, record: Mapping[str, Any]) -> None:
    which = _one_of(record, "data", "body", "data_base64", "data_file", "form")
    if which in ("data", "body"):
        if is_stream(record[which]):
            raise TypeError("a body in pieces is for fetch() and stream()")
        fields.set_body(record[which])
    elif which == "data_base64":
        fields.set_body(base64.b64decode(record[which], validate=True))
    elif which == "data_file":
        fields.open_body(record[which])
    elif which == "form":
        fields.set_body(urllib.parse.urlencode(record[which], doseq=True))


class Maker:
    """Submits records to one engine."""

    def __init__(self, engine: _engine.Engine, headers: Optional[Headers]) -> None:
        self.engine = engine
        self.headers = pairs(headers)
        self._cached: Dict[Any, _engine.Headers] = {}
        self._none = self._block(()) if self.headers else None
        self._json = self._block(((b"Content-Type", b"application/json"), ), default=True)
        self._methods: Dict[Optional[str], Optional[bytes]] = {None: None}

    def _block(self,
               lines: Tuple[Tuple[bytes, bytes], ...],
               default: bool = False) -> _engine.Headers:
        """The session's headers with a request's in place of those of the same name; default: only
        what the session does not have."""
        if default:
            have = {name.lower() for name, _ in self.headers}
            lines = tuple(line for line in lines if line[0].lower() not in have)
        told = {name.lower() for name, _ in lines}
        return _engine.Headers(
            tuple(line for line in self.headers if line[0].lower() not in told) + lines)

    def _own_block(self, headers: Any, fields: Fields, content_type: bytes) -> _engine.Headers:
        """For a request that has headers of its own. The same ones come again as a rule."""
        lines = pairs(headers)
        if fields.key is not None:
            lines.append((b"Idempotency-Key", fields.key.encode()))
        cached = (content_type, tuple(lines))
        block = self._cached.get(cached)
        if block is None:
            if content_type and not any(name.lower() == b"content-type"
                                        for name, _ in lines + self.headers):
                lines.append((b"Content-Type", content_type))
            block = self._block(tuple(lines))
            if len(self._cached) >= CACHED_MAX:
                self._cached.clear()
            self._cached[cached] = block
        return block

    def _method(self, method: Any) -> Optional[bytes]:
        try:
            return self._methods[method]
        except (KeyError, TypeError):
            pass
        if not isinstance(method, str) or not method:
            raise ValueError("method is a str such as \"POST\", not %r" % (method, ))
        known = method.encode()
        if len(self._methods) < CACHED_MAX:
            self._methods[method] = known
        return known

    def record(self, sink: List[Result], record: Any, number: int) -> int:
        """Hands a record over; its result comes into the sink. Returns what submit does."""
        try:
            if type(record) is dict and record.keys() <= PLAIN:
                body = record.get("data")
                kind = type(body)
                if "body" in record:
                    pass
                elif kind is dict or kind is list or kind is int:
                    return self.engine.submit(sink, record, number,
                                              self._method(record.get("method")), record["url"],
                                              self._json,
                                              _encode_json(body).encode(), 0)
                elif body is None:
                    return self.engine.submit(sink, record, number,
                                              self._method(record.get("method")), record["url"],
                                              self._none, None, 0)
            return self._any_record(sink, record, number)
        except _engine.Unusable:
            raise
        except Exception as error:
            self.refuse(sink, record, number, error)
            return 0

    def refuse(self, sink: List[Result], data: Any, number: int, error: Exception) -> None:
        """The result of what cannot be sent."""
        told = "the record has no %s" % error if isinstance(error, KeyError) else str(error)
        name = ("data_file" if isinstance(error, OSError) else
                "out_of_memory" if isinstance(error, MemoryError) else "bad_record")
        sink.append(_engine.failed(Result, data, number, name, told or type(error).__name__))

    def _any_record(self, sink: List[Result], record: Any, number: int) -> int:
        if not isinstance(record, Mapping):
            raise TypeError("a record is a mapping, not %r" % (record, ))
        unknown = [key for key in record if key not in KEYS]
        if unknown:
            raise ValueError("unknown key %r (id may hold anything of yours)" % (unknown[0], ))
        fields = Fields()
        get = record.get
        _one_of(record, "timeout", "timeout_s")
        timeout = get("timeout")
        fields.set_limits(get("tries"),
                          get("timeout_s") if timeout is None else _seconds("timeout", timeout),
                          get("deadline_s"))
        fields.set_repeat(get("key"), get("at_least_once"))
        fields.set_response(get("into"), get("discard"))
        fields.set_cost(get("cost"))
        _read_body(fields, record)
        form = get("form") is not None
        return self.submit(sink, record, number, get("method"), record["url"], get("headers"),
                           fields, b"application/x-www-form-urlencoded" if form else b"")

    def submit(self,
               sink: List[Result],
               data: Any,
               number: int,
               method: Optional[str],
               url: Any,
               headers: Optional[Headers],
               fields: Fields,
               content_type: bytes = b"") -> int:
        """Hands a request over. TypeError or ValueError: it is none."""
        if not isinstance(url, (str, bytes)):
            raise TypeError("a str is wanted for the url, not %r" % (url, ))
        if fields.is_json:
            content_type = b"application/json"
        block: Optional[_engine.Headers]
        if headers or fields.key is not None or (content_type and not fields.is_json):
            block = self._own_block(headers, fields, content_type)
        else:
            block = self._json if fields.is_json else self._none
        extra = fields.extra()
        if extra == NO_EXTRA:
            return self.engine.submit(sink, data, number, self._method(method), url, block,
                                      fields.body, fields.flags)
        return self.engine.submit(sink, data, number, self._method(method), url, block, fields.body,
                                  fields.flags, extra)
