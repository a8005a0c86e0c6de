"""The options of a session: all of the header's, each with a name, and checked."""

import inspect
import math
import os
import re

import pytest

import ringsend
from ringsend import _engine, _options, _records, _result

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KIND_OTHER = 0

# Fields of other structs that Python does not show by these names, and why.
REQUEST_ELSEWHERE = {
    "size",
    "user",
    "handle",  # the wrapper's own
    "in_doubt",
    "in_doubt_mask",  # for who must know after its process has died: the command has it
    "method",
    "url",
    "headers",
    "headers_count",
    "body",
    "flags",
    "tries",
    "attempt_timeout_ns",
    "deadline_ns",
    "body_fd",
    "body_at",
    "body_bytes",
    "response_fd",
    "cost"  # Engine.submit takes them
}
RESULT_NAMES = {
    "request": "data",
    "attempts_list_count": "attempts_list",
    "headers_count": "headers",
    "retry_after_ns": "retry_after_s",
    "kind": "_kind"
}


def test_each_field_of_the_header_has_an_option_or_a_reason():
    fields = set(_engine.fields()["options"])
    known = {row.field for row in _options.OPTIONS.values()} | set(_options.NOT_IN_PYTHON)
    assert fields - known == set(), (
        "new fields of struct ringsend_options: give each a row in "
        "python/ringsend/_options.py, and "
        "a line in Settings, or a reason in NOT_IN_PYTHON")
    assert known - fields == set(), "the header has no such fields any more"


def test_each_option_can_be_set():
    kinds = _engine.fields()["options"]
    assert [row.name for row in _options.OPTIONS.values() if kinds[row.field] == KIND_OTHER
            ] == [], ("a new kind of field: teach it to python/native/fields.c")


def test_type_checkers_are_told_of_the_same_options():
    told = set(_options.Settings.__annotations__)
    assert told == set(_options.OPTIONS) - {"pool", "tries"}


def test_the_documentation_names_all():
    for name in _options.OPTIONS:
        assert re.search("^    %s: .+" % name, ringsend.Session.__doc__, re.M), name


def test_requests_results_and_numbers_have_all_fields():
    fields = _engine.fields()
    assert set(fields["request"]) == REQUEST_ELSEWHERE, (
        "a new field of struct ringsend_request: Session.fetch(), _records.KEYS and Engine.submit")
    for field in fields["result"]:
        assert hasattr(ringsend.Result, RESULT_NAMES.get(field, field)), field
    assert set(fields["times"]) == set(_result.Times._fields)
    assert set(fields["attempt"]) == set(_result.Attempt._fields)


def test_flags_are_the_headers():
    with open(os.path.join(ROOT, "src/ringsend.h"), encoding="utf-8") as file:
        text = re.search(r"enum ringsend_request_flags \{(.*?)\};", file.read(), re.S).group(1)
    flags = dict(re.findall(r"RINGSEND_(\w+) = (\d+)", text))
    assert len(flags) == 8
    for name, value in flags.items():
        assert getattr(_records, name) == int(value)


def test_what_does_not_exist_is_refused_with_what_was_meant():
    with pytest.raises(TypeError, match="no option 'timeouts_s': was 'timeout_s' meant"):
        ringsend.Session(timeouts_s=3)
    with pytest.raises(TypeError, match="no option 'retries'"):
        ringsend.send([], retries=3)


@pytest.mark.parametrize("name", [
    "pool", "tries", "timeout_s", "window", "connect_timeout_s", "rate", "retry_budget_percent",
    "head_max_bytes", "deadline_s", "seed", "backoff_min_s", "pool_per_origin"
])
def test_zero_is_no_default(name):
    with pytest.raises(ValueError, match=name):
        ringsend.Session(**{name: 0})
    ringsend.Session(**{name: None}).close()


@pytest.mark.parametrize("options, error", [
    ({
        "pool": 40.0
    }, TypeError),
    ({
        "pool": True
    }, TypeError),
    ({
        "pool": 32769
    }, ValueError),
    ({
        "tries": "4"
    }, TypeError),
    ({
        "timeout_s": -1
    }, ValueError),
    ({
        "timeout_s": "1s"
    }, TypeError),
    ({
        "timeout_s": math.nan
    }, ValueError),
    ({
        "insecure": 1
    }, TypeError),
    ({
        "io": "aio"
    }, ValueError),
    ({
        "ok_if": "status =="
    }, ValueError),
    ({
        "ok_if": b"x"
    }, TypeError),
    ({
        "retry_on": "5xx"
    }, TypeError),
    ({
        "retry_on": ["conect_refused"]
    }, ValueError),
    ({
        "ok_status": [99]
    }, ValueError),
    ({
        "ok_status": []
    }, ValueError),
    ({
        "limits": 3
    }, TypeError),
    ({
        "tls": ringsend.Limits()
    }, TypeError),
    ({
        "resolve": {
            "a": "nonsense"
        }
    }, ValueError),
    ({
        "resolve": []
    }, TypeError),
    ({
        "ca_file": "/nowhere"
    }, ValueError),
    ({
        "cert_file": 3
    }, TypeError),
    ({
        "headers": 3
    }, TypeError),
    ({
        "headers": {
            "a": 3
        }
    }, TypeError),
    ({
        "tls_min": 11
    }, ValueError),
    ({
        "rate_window_s": 7200
    }, ValueError),
])
def test_what_is_out_of_bounds_is_refused(options, error):
    with pytest.raises(error) as told:
        ringsend.Session(**options)
    assert str(told.value)


def test_all_options_are_taken(tmp_path):
    values = {
        "pool": 3,
        "tries": 2,
        "pool_per_origin": 2,
        "window": 9,
        "limits": ringsend.Limits(3),
        "retry_on": [503, "connect_refused"],
        "no_retry_on": {500},
        "retry_budget_percent": math.inf,
        "ok_status": range(200, 400),
        "ok_if": "status == 200",
        "retry_if": "status == 418",
        "tls": ringsend.Certificates(insecure=True),
        "resolve": {
            "a.test": "127.0.0.1",
            ("b.test", 80): ["127.0.0.1", "::1"],
            "*": "127.0.0.1"
        },
        "io": "epoll",
        "tls_library": "bearssl",
        "tls_min": 12,
        "http": "http1",
        "ip_version": 4,
        "local_address": "127.0.0.1",
        "local_device": None,
        "ca_file": None,
        "cert_file": None,
        "key_file": None,
        "watch_max": 0, "unix_socket": None, "costs": [(1000, 60, 10, ".used"), (5,)],
        "memory_max_bytes": 1 << 30
    }
    for name, row in _options.OPTIONS.items():
        if name not in values:
            values[name] = {
                _options.switch: False,
                _options.nanoseconds: 1.5,
                _options.text: None
            }.get(row.convert, 1000)
    with_all = ringsend.Session(**values)
    assert "epoll" in with_all.features()
    with_all.close()


def test_defaults_are_as_documented():
    assert {429, 503, "connect_refused"} <= ringsend.RETRY_ON_DEFAULT
    assert 400 not in ringsend.RETRY_ON_DEFAULT
    assert ringsend.ERRORS["bad_url"] == "the URL cannot be used"
    assert list(inspect.signature(ringsend.Session).parameters)[:2] == ["pool", "tries"]
