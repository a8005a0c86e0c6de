"""The options of a session: one row for each field of struct ringsend_options that Python has.

A field of the header without a row here, and without a reason in NOT_IN_PYTHON, fails
tests/test_options.py. Documentation and checks are made of the rows; Settings says the same to type
checkers, and the test compares the two."""

import math
import os
import struct
from typing import (TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Iterable, List, Mapping,
                    NamedTuple, Optional, Sequence, Tuple, TypedDict, Union)

from . import _engine

if TYPE_CHECKING:
    from ._shared import Certificates, Limits

NEVER = math.inf  # of a length of time: no limit
_NEVER_NS = (1 << 64) - 1
_UNLIMITED = (1 << 32) - 1

Outcomes = Iterable[Union[int, str]]
Path = Union[str, "os.PathLike[str]"]


class Option(NamedTuple):
    """One option: its name here, its field in the header, and what it may be."""
    name: str
    field: str
    convert: Callable[[str, Any], Any]  # name, value -> what the engine's field is set to
    says: str


# ---- Values


def count(low: int, high: int) -> Callable[[str, Any], int]:
    """A whole number from low to high; `bounds` of the function tells them."""

    def convert(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError("%s is a whole number, not %r" % (name, value))
        if not low <= value <= high:
            raise ValueError("%s=%d: it is %d to %d" % (name, value, low, high))
        return value

    return convert


def percent(name: str, value: Any) -> int:
    """1 to 1000, or math.inf for no bound."""
    return _UNLIMITED if value == math.inf else count(1, 1000)(name, value)


def nanoseconds(name: str, value: Any) -> int:
    """Of seconds: an int or float above 0, NEVER for no limit."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("%s is a number of seconds, not %r" % (name, value))
    if value == math.inf:
        return _NEVER_NS
    if not 1e-9 <= value < 1.8e10:
        raise ValueError("%s=%r: seconds above 0, or ringsend.NEVER" % (name, value))
    return round(value * 1e9)


def switch(name: str, value: Any) -> bool:
    """True or False, nothing else."""
    if not isinstance(value, bool):
        raise TypeError("%s is True or False, not %r" % (name, value))
    return value


def text(name: str, value: Any) -> bytes:
    """A str without NUL."""
    if not isinstance(value, str):
        raise TypeError("%s is a str, not %r" % (name, value))
    if "\0" in value:
        raise ValueError("%s holds a NUL character" % name)
    return value.encode()


def path(name: str, value: Any) -> bytes:
    """What names a file."""
    try:
        return os.fsencode(value)
    except TypeError:
        raise TypeError("%s is a path, not %r" % (name, value)) from None


def choice(**values: int) -> Callable[[str, Any], int]:
    """One of some names."""

    def convert(name: str, value: Any) -> int:
        if value not in values:
            raise ValueError("%s=%r: one of %s" % (name, value, ", ".join(map(repr, values))))
        return values[value]

    return convert


def _status_bits(name: str, statuses: Iterable[int]) -> List[int]:
    bits = [0] * 8
    for status in statuses:
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise ValueError("%s: %r is no status from 100 to 599" % (name, status))
        bits[(status - 100) // 64] |= 1 << (status - 100) % 64
    return bits


def _iterable(name: str, value: Any, of: str) -> List[Any]:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError("%s is %s, not %r" % (name, of, value))
    return list(value)


def statuses(name: str, value: Any) -> bytes:
    """Numbers from 100 to 599, as range(200, 300)."""
    numbers = _iterable(name, value, "a collection of statuses")
    if not numbers:
        raise ValueError("%s is empty" % name)
    return struct.pack("=8Q", *_status_bits(name, numbers))


def outcomes(name: str, value: Any) -> bytes:
    """Statuses and names of errors."""
    numbers, errors = [], [0, 0]
    for one in _iterable(name, value, "a collection of statuses and names of errors"):
        if isinstance(one, str):
            if one not in ERRORS:
                raise ValueError("%s: %r is no error; ringsend.ERRORS has all" % (name, one))
            number = _ERROR_NUMBERS[one]
            errors[number // 64] |= 1 << number % 64
        else:
            numbers.append(one)
    return struct.pack("=8Q2Q", *_status_bits(name, numbers), *errors)


def costs(name: str, value: Any) -> List[Tuple[int, int, int, Optional[str]]]:
    """[(count, window_s, burst, actual)], of which the last three may be left out."""
    limits = []
    for one in _iterable(name, value, "a collection of tuples (count, window_s, burst, actual)"):
        parts = list(one)
        limit, window_s, burst, actual = parts + [1, 0, None][len(parts) - 1:]
        if actual is not None:
            text(name, actual)
        limits.append((count(1, 1 << 40)(name, limit), nanoseconds(name, window_s),
                       count(0, 1 << 40)(name, burst), actual))
    return limits


def resolve(name: str, value: Any) -> List[Tuple[bytes, int, bytes]]:
    """{host or (host, port): address or addresses}"""
    if not isinstance(value, Mapping):
        raise TypeError("%s is a mapping of hosts to addresses, not %r" % (name, value))
    rules = []
    for where, addresses in value.items():
        host, port = where if isinstance(where, tuple) else (where, 0)
        if not isinstance(addresses, str):
            addresses = ",".join(addresses)
        rules.append((text(name, host), count(0, 65535)(name, port), text(name, addresses)))
    return rules


def shared(kind: str) -> Callable[[str, Any], _engine.Shared]:
    """An object that several sessions share."""

    def convert(name: str, value: Any) -> _engine.Shared:
        inner = getattr(value, "_shared", None)
        if getattr(value, "_KIND", None) != kind or not isinstance(inner, _engine.Shared):
            raise TypeError("%s is a ringsend.%s, not %r" % (name, kind, value))
        return inner

    return convert


ERRORS: Dict[str, str] = dict(_engine.errors()[1:])
_ERROR_NUMBERS = {name: number for number, (name, _) in enumerate(_engine.errors())}


def _retry_on_default() -> FrozenSet[Union[int, str]]:
    words = struct.unpack("=10Q", _engine.retry_on_default())
    status = {100 + n for n in range(500) if words[n // 64] >> n % 64 & 1}
    errors = {name for name, n in _ERROR_NUMBERS.items() if words[8 + n // 64] >> n % 64 & 1}
    return frozenset(status | errors)


RETRY_ON_DEFAULT: FrozenSet[Union[int, str]] = _retry_on_default()

# ---- The rows

_BYTES = count(1, (1 << 64) - 1)

OPTIONS: Dict[str, Option] = {
    row.name: row
    for row in (
        Option("pool", "connections_max", count(1, 32768),
               "Connections at once, all origins together; 1 to 32768, default 40."),
        Option("tries", "tries", count(1, 100),
               "Attempts in all, the first included; 1 to 100, default 4."),
        Option("pool_per_origin", "connections_per_origin", count(1, 32768),
               "The same for each scheme, host and port; default: pool."),
        Option(
            "window", "requests_max", count(1, 1048576),
            "Requests handed to the engine and not yet taken: how far iterators are read ahead; "
            "1 to 1048576, default 2 x pool + 16."),
        Option("limits", "limits", shared("Limits"),
               "ringsend.Limits that several sessions share."),
        Option("connect_timeout_s", "connect_timeout_ns", nanoseconds,
               "Seconds: a name lookup, and each connect; default 10."),
        Option("handshake_timeout_s", "handshake_timeout_ns", nanoseconds,
               "Seconds: connected to TLS established; default 10."),
        Option("first_byte_timeout_s", "first_byte_timeout_ns", nanoseconds,
               "Seconds: request sent to first byte of the response; default 30."),
        Option("timeout_s", "attempt_timeout_ns", nanoseconds,
               "Seconds: an attempt, from its connection to the response's end; default 60."),
        Option("deadline_s", "deadline_ns", nanoseconds,
               "Seconds: a request, waiting and all tries included; default NEVER."),
        Option("idle_timeout_s", "idle_timeout_ns", nanoseconds,
               "Seconds: unused connections are closed then; default 4."),
        Option(
            "backoff_min_s", "backoff_min_ns", nanoseconds,
            "Seconds: before try n + 1 a random time up to min(backoff_max_s, backoff_min_s x "
            "2^(n-1)); default 0.25."),
        Option("backoff_max_s", "backoff_max_ns", nanoseconds,
               "Seconds: the most of it; default 30."),
        Option("retry_after_max_s", "retry_after_max_ns", nanoseconds,
               "Seconds: the longest wait that a response can ask for; default 60."),
        Option(
            "retry_on", "retry_on", outcomes,
            "Statuses and names of errors (ringsend.ERRORS) that another try may help; default "
            "ringsend.RETRY_ON_DEFAULT."),
        Option("no_retry_on", "no_retry_on", outcomes,
               "What is taken out of that; default nothing."),
        Option(
            "retry_budget_percent", "retry_budget_percent", percent,
            "At most so many % of the first tries are retries; 1 to 1000, math.inf: no budget; "
            "default 20."),
        Option("retry_budget_per_s", "retry_budget_per_s", count(1, 10**6),
               "Retries per second beside those; 1 to 10^6, default 10."),
        Option("ok_status", "ok_status", statuses,
               "The statuses that count as ok, as range(200, 300), the default."),
        Option("ok_if", "ok_if", text,
               "A predicate in its place, as 'status == 200 && .code == 0' (guide, ringsend(3))."),
        Option("retry_if", "retry_if", text,
               "A predicate: a response for which it holds was not processed, and is tried again."),
        Option("rate", "rate_count", count(1, 10**9),
               "At most so many attempts begin within rate_window_s; 1 to 10^9, default no limit."),
        Option("rate_window_s", "rate_per_ns", nanoseconds, "Seconds: up to 3600, default 1."),
        Option("rate_burst", "rate_burst", count(1, 10**6),
               "Over any window rate x window + burst instead; 1 to 10^6, default none."),
        Option("rate_ramp_s", "rate_ramp_ns", nanoseconds,
               "Seconds: the rate grows from 0 within so long; up to 3600, default not."),
        Option("costs", "costs", costs,
               "Limits by weight, up to 4: (count, window_s=1, burst=0, actual=None); a record's "
               "cost counts against them, and actual, as \".usage.total_tokens\", finds what it "
               "was."),
        Option("body_max_bytes", "body_max_bytes", _BYTES,
               "Of a response, decoded; default 64 MiB."),
        Option("head_max_bytes", "head_max_bytes", count(1, (1 << 32) - 1),
               "Of a response's head; default 64 KiB."),
        Option("head_max_lines", "head_max_lines", count(1, (1 << 32) -
                                                         1), "Of the same; default 256."),
        Option("strict_http", "strict_http", switch, "Refuse heads with bare LF; default False."),
        Option("decode", "decode", switch,
               "Ask for gzip, deflate, br and zstd, and decode them; default False."),
        Option("store_headers", "store_headers", switch, "Results have headers; default False."),
        Option("redirects_max", "redirects_max", count(0, 1000),
               "So many redirects are followed, one after another; up to 1000, default 0."),
        Option("ca_file", "ca_file", path,
               "PEM: whom to trust; default $SSL_CERT_FILE and $SSL_CERT_DIR, else the system's."),
        Option("cert_file", "cert_file", path, "PEM: own certificate, then its issuers."),
        Option("key_file", "key_file", path, "PEM: its key; default: it is in cert_file."),
        Option("insecure", "insecure", switch, "Do NOT verify servers; default False."),
        Option("tls_legacy_renegotiation", "tls_legacy_renegotiation", switch,
               "Take servers without secure renegotiation (RFC 5746); default False."),
        Option("tls", "tls", shared("Certificates"),
               "ringsend.Certificates that several sessions share, in place of these."),
        Option(
            "resolve", "resolve", resolve,
            "Addresses in place of lookups: {host or (host, port): address or addresses}; \"*\" "
            "is any host."),
        Option("memory_max_bytes", "memory_max_bytes", _BYTES,
               "The most that the engine holds: what does not fit fails; default no cap."),
        Option("memory_target_bytes", "memory_target_bytes", _BYTES,
               "Responses wait for each other to stay about below this; default they do not."),
        Option("store_attempts", "store_attempts", switch,
               "Results have attempts_list; default False."),
        Option("exact_times", "exact_times", switch,
               "For measuring: completions are taken one by one; default False."),
        Option("spin", "spin", switch, "The engine does not sleep when it waits; default False."),
        Option("watch_max", "watch_max", count(0, 32768),
               "So many connections are watched for tcp_samples(); default 0."),
        Option("timestamps", "timestamps", switch,
               "Times have left_at_ns and arrived_at_ns on watched connections; default False."),
        Option("no_pauses", "no_pauses", switch,
               "For measuring: responses make no origin pause; default False."),
        Option("no_free_try", "no_free_try", switch,
               "For measuring: a dead connection costs a try; default False."),
        Option("seed", "seed", count(1, (1 << 64) - 1), "Of all jitter; default from the kernel."),
        Option(
            "io", "io", choice(auto=0, io_uring=1, epoll=2),
            "\"auto\" (default): io_uring, and epoll where it is refused; \"io_uring\", "
            "\"epoll\"."),
        Option("tls_library", "tls_library", choice(auto=0, bearssl=1, openssl=2),
               "\"auto\" (default), \"bearssl\", \"openssl\"."),
        Option("tls_min", "tls_min", count(12, 13),
               "The oldest version of TLS: 12, the default, or 13."),
        Option("http", "http", choice(http1=0, http2=1, http2_known=2),
               "\"http1\" (default), \"http2\" where a server of https chooses it, "
               "\"http2_known\"."),
        Option("streams_max", "streams_max", count(1, 1000),
               "Of HTTP/2: exchanges that share a connection; default 100."),
        Option("unix_socket", "unix_socket", path,
               "A path: all connections go to that unix socket; default none."),
        Option("unix_abstract", "unix_abstract", switch,
               "That is a name in the abstract namespace, and no path; default False."),
        Option("ip_version", "ip_version", count(4, 6),
               "4 or 6: addresses of that IP version alone; default of both."),
        Option("local_address", "local_address", text,
               "Connections go out from that IP address; default as the kernel says."),
        Option("local_device", "local_device", text,
               "They go out by that network device alone; default by any."),
        Option("proxy_http", "proxy_http", text,
               "By whom requests of http go: \"http://PROXY:3128\", or socks5, socks5h; "
               "default nobody."),
        Option("proxy_https", "proxy_https", text, "The same of https; default nobody."),
        Option("proxy_user", "proxy_user", text,
               "\"USER:PASSWORD\" for those that have none themselves; default none."),
        Option("no_proxy", "no_proxy", text,
               "Hosts that are reached without: \"*\", or names and networks with commas; "
               "default none."),
        Option("proxy_tunnel", "proxy_tunnel", switch,
               "CONNECT for requests of http, too; default False."),
        Option("proxy_queues", "proxy_queues", switch,
               "The proxy lets wait on purpose: no clock runs there; default False."),
        Option("proxy_timeout_s", "proxy_timeout_ns", nanoseconds,
               "How long a proxy may be silent; default 60."),
        Option("keep_max_s", "keep_max_ns", nanoseconds,
               "Unused connections are closed then, whatever the server says; default no bound."),
        Option("requests_per_connection", "requests_per_connection", count(1, 1000 * 1000 * 1000),
               "A connection carries no more requests than that; default any number."),
    )
}

# Fields of the header that have no option, and why.
NOT_IN_PYTHON = {
    "size": "the wrapper's own",
    "message": "it becomes the exception's text, or Session.message",
    "message_bytes": "likewise",
    "posts_max": "other threads hand over by asyncio.run_coroutine_threadsafe",
    "resolve_count": "the length of resolve",
    "costs_count": "the length of costs",
    "connect_to": "resolve does what most of its uses want",
    "connect_to_count": "the length of that",
    "proxy_headers": "the command has --proxy-header, for the few proxies that want more lines",
    "proxy_headers_count": "the length of that",
    "allocator": "Python has no function for it",
}


class Settings(TypedDict, total=False):
    """The options of a session beside pool and tries; None is the default of each."""
    pool_per_origin: Optional[int]
    window: Optional[int]
    limits: "Optional[Limits]"
    connect_timeout_s: Optional[float]
    handshake_timeout_s: Optional[float]
    first_byte_timeout_s: Optional[float]
    timeout_s: Optional[float]
    deadline_s: Optional[float]
    idle_timeout_s: Optional[float]
    backoff_min_s: Optional[float]
    backoff_max_s: Optional[float]
    retry_after_max_s: Optional[float]
    retry_on: Optional[Outcomes]
    no_retry_on: Optional[Outcomes]
    retry_budget_percent: Optional[float]
    retry_budget_per_s: Optional[int]
    ok_status: Optional[Iterable[int]]
    ok_if: Optional[str]
    retry_if: Optional[str]
    rate: Optional[int]
    rate_window_s: Optional[float]
    rate_burst: Optional[int]
    rate_ramp_s: Optional[float]
    costs: Optional[Iterable[Tuple[Any, ...]]]
    body_max_bytes: Optional[int]
    head_max_bytes: Optional[int]
    head_max_lines: Optional[int]
    strict_http: Optional[bool]
    decode: Optional[bool]
    store_headers: Optional[bool]
    redirects_max: Optional[int]
    ca_file: Optional[Path]
    cert_file: Optional[Path]
    key_file: Optional[Path]
    insecure: Optional[bool]
    tls_legacy_renegotiation: Optional[bool]
    tls: "Optional[Certificates]"
    resolve: Optional[Mapping[Union[str, Tuple[str, int]], Union[str, Sequence[str]]]]
    memory_max_bytes: Optional[int]
    memory_target_bytes: Optional[int]
    store_attempts: Optional[bool]
    exact_times: Optional[bool]
    spin: Optional[bool]
    watch_max: Optional[int]
    timestamps: Optional[bool]
    no_pauses: Optional[bool]
    no_free_try: Optional[bool]
    seed: Optional[int]
    io: Optional[str]
    tls_library: Optional[str]
    tls_min: Optional[int]
    http: Optional[str]
    streams_max: Optional[int]
    unix_socket: Optional[Path]
    unix_abstract: Optional[bool]
    ip_version: Optional[int]
    local_address: Optional[str]
    local_device: Optional[str]
    proxy_http: Optional[str]
    proxy_https: Optional[str]
    proxy_user: Optional[str]
    no_proxy: Optional[str]
    proxy_tunnel: Optional[bool]
    proxy_queues: Optional[bool]
    proxy_timeout_s: Optional[float]
    keep_max_s: Optional[float]
    requests_per_connection: Optional[int]


def to_fields(options: Mapping[str, Any]) -> Dict[str, Any]:
    """The fields of the header that these options set. TypeError names one that does not exist,
    ValueError one out of its bounds."""
    fields = {}
    for name, value in options.items():
        row = OPTIONS.get(name)
        if row is None:
            raise TypeError("there is no option %r%s" % (name, _meant(name)))
        if value is not None:
            fields[row.field] = row.convert(name, value)
    if "resolve" in fields:
        fields["resolve_count"] = len(fields["resolve"])
    if "costs" in fields:
        fields["costs_count"] = len(fields["costs"])
    return fields


def _meant(name: str) -> str:
    import difflib
    close = difflib.get_close_matches(str(name), OPTIONS, 1)
    return ": was %r meant?" % close[0] if close else ""


def documentation() -> str:
    """The rows for people."""
    return "\n".join("    %s: %s" % (row.name, row.says) for row in OPTIONS.values())
