"""request() and map(): every record one result, whatever happens meanwhile."""

import asyncio
import itertools

import pytest
from conftest import coroutine_test, refused_url

import ringsend


@coroutine_test
async def test_results_are_in_order_and_tell_failures(server):
    taken, nobody = refused_url()
    data = [{"url": server.url + "/echo", "data": n} for n in range(100)]
    data[10]["url"], data[20]["url"] = "ftp://nowhere/", nobody
    async with ringsend.Session(4, tries=1) as session:
        results, few, none = await asyncio.gather(session.request(data), session.request(data[:5]),
                                                  session.request([]))
    taken.close()
    assert none == [] and [r.text() for r in few] == list("01234")
    assert [r.data for r in results] == data
    assert [r.error for r in results if not r.ok] == ["bad_url", "connect_refused"]
    assert results[10].attempts == 0 and results[20].detail
    assert all(r.json() == n for n, r in enumerate(results) if r.ok)
    types = {headers["Content-Type"] for _, _, headers, _ in server.seen}
    assert types == {"application/json"}


@coroutine_test
async def test_bodies_headers_and_keys_arrive(server, tmp_path):
    (tmp_path / "body").write_bytes(b"from a file")
    url = server.url + "/echo"
    records = [
        {
            "url": url
        },
        {
            "url": url,
            "method": "PUT",
            "body": "text",
            "id": object()
        },
        {
            "url": url,
            "data": b"\0bytes"
        },
        {
            "url": url,
            "data": {
                "a": [1, "ä"]
            },
            "headers": {
                "X-One": "1",
                "x-session": "own"
            }
        },
        {
            "url": url,
            "data": {},
            "headers": [("Content-Type", "application/x"), ("X-Two", "2")]
        },
        {
            "url": url,
            "data_base64": "AAE=",
            "headers": {
                "X-Many": ["1", "2"]
            }
        },
        {
            "url": url,
            "data_file": str(tmp_path / "body"),
            "method": "POST"
        },
        {
            "url": url,
            "form": {
                "a": "b c",
                "d": ["1", "2"]
            }
        },
        {
            "url": url,
            "data": "",
            "key": "the key",
            "timeout": "20s",
            "tries": 2,
            "deadline_s": 60
        },
        {
            "url": url,
            "data": True,
            "timeout": 3.5,
            "at_least_once": True
        },
    ]
    async with ringsend.Session(1, headers={"X-Session": "all"}, store_headers=True) as session:
        results = await session.request(iter(records))
    assert all(r.ok for r in results), results
    assert ("X-Seen", "yes") in results[0].headers
    seen = server.seen
    assert [s[0] for s in seen] == ["GET", "PUT"] + ["POST"] * 8
    assert [s[3] for s in seen] == [
        b"", b"text", b"\0bytes", b'{"a":[1,"\\u00e4"]}', b"{}", b"\0\1", b"from a file",
        b"a=b+c&d=1&d=2", b"", b"true"
    ]
    assert [s[2].get("Content-Type") for s in seen][3:] == [
        "application/json", "application/x", None, None, "application/x-www-form-urlencoded", None,
        "application/json"
    ]
    assert [s[2]["X-Session"] for s in seen] == ["all"] * 3 + ["own"] + ["all"] * 6
    assert seen[5][2].getall("X-Many") == ["1", "2"] and seen[8][2]["Idempotency-Key"] == "the key"


BAD = [
    ({
        "url": "/echo",
        "headrs": {}
    }, "unknown key 'headrs'"),
    ({
        "method": "GET"
    }, "no 'url'"),
    ({
        "url": 3
    }, "for the url"),
    (["url"], "a mapping"),
    ("text", "a mapping"),
    ({
        "url": "/echo",
        "data": {1, 2}
    }, "not JSON serializable"),
    ({
        "url": "/echo",
        "data": float("nan")
    }, "JSON"),
    ({
        "url": "/echo",
        "data": 1,
        "body": 2
    }, "only one"),
    ({
        "url": "/echo",
        "tries": 0
    }, "tries=0"),
    ({
        "url": "/echo",
        "timeout": 0
    }, "timeout"),
    ({
        "url": "/echo",
        "timeout": "soon"
    }, "soon"),
    ({
        "url": "/echo",
        "headers": "X: 1"
    }, "headers"),
    ({
        "url": "/echo",
        "headers": {
            "X": 1
        }
    }, "header"),
    ({
        "url": "/echo",
        "data_base64": "?"
    }, ""),
    ({
        "url": "/echo",
        "data_file": "/nowhere"
    }, "No such file"),
    ({
        "url": "/\ud800"
    }, "surrogates"),
    ({
        "url": "/echo",
        "key": " "
    }, "key"),
    ({
        "url": "/echo",
        "method": 3
    }, "method"),
    ({
        "url": "/echo",
        "data": iter([b"x"])
    }, "fetch"),
    ({
        "url": "/echo",
        "into": 1,
        "discard": True
    }, "one of"),
    ({
        "url": "/echo",
        "headers": {
            "X Y": "1"
        }
    }, "header"),
]


@coroutine_test
async def test_a_record_that_cannot_be_sent_says_so_and_stops_no_other(server):
    records = [
        dict(bad, url=server.url +
             bad["url"]) if isinstance(bad, dict) and isinstance(bad.get("url"), str) else bad
        for bad, _ in BAD
    ]
    good = {"url": server.url + "/echo"}
    async with ringsend.Session(2) as session:
        results = await session.request([good, *records, good])
    assert results[0].ok and results[-1].ok and len(server.seen) == 2
    for result, (bad, told) in zip(results[1:], BAD):
        assert not result.ok and result.attempts == 0, bad
        assert result.error in ("bad_record", "bad_header", "bad_url", "data_file"), bad
        assert told in (result.detail or result.error), (bad, result.detail)


class Hostile(dict):
    """Raises what no mapping should."""

    def get(self, key, default=None):
        raise RuntimeError("hostile")


@coroutine_test
async def test_a_record_that_raises_has_its_result_too(server):
    deep = value = {}
    for _ in range(100000):
        value["a"] = value = {}
    good = {"url": server.url + "/echo"}
    async with ringsend.Session(2) as session:
        results = await session.request([good, Hostile(good), {**good, "data": deep}, good])
        assert [r.error for r in results] == [None, "bad_record", "bad_record", None]
        assert results[1].detail == "hostile"

        def closes():
            yield good
            session.close()
            yield good

        with pytest.raises(ringsend.SessionClosed):
            await session.request(closes())


@coroutine_test
async def test_exceptions_of_callbacks_lose_no_result(server):
    got = []

    def callback(result):
        got.append(result.data["id"])
        if result.data["id"] in (0, 3, 150):
            raise KeyError(result.data["id"])

    records = [{"url": server.url + "/echo", "id": n} for n in range(200)]
    async with ringsend.Session(4) as session:
        with pytest.raises(KeyError):
            await session.request(records, callback)
        assert sorted(got) == list(range(200)) and len(server.seen) == 200
        assert (await session.get(server.url + "/echo")).ok
        got.clear()
        with pytest.raises(KeyError):  # no more are taken, and those that were are told
            await session.map(records, callback)
        assert sorted(got) == list(range(len(got))) and 0 < len(got) < 200
        assert len(server.seen) == 201 + len(got)


@coroutine_test
async def test_callbacks_may_be_coroutines(server):
    got, at_once = [], [0, 0]

    async def callback(result):
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0)
        at_once[0] -= 1
        got.append(result.data["id"])
        if result.data["id"] == 3:
            raise OSError("full")

    async with ringsend.Session(4) as session:
        with pytest.raises(OSError, match="full"):
            await session.request([{
                "url": server.url + "/echo",
                "id": n
            } for n in range(50)], callback)
    assert sorted(got) == list(range(50)) and at_once[1] == 1


class Source:
    """An iterable without end that knows how far it was read."""

    def __init__(self, url, fails_at=None):
        self.url, self.read, self.fails_at = url, 0, fails_at

    def __iter__(self):
        for n in itertools.count():
            if n == self.fails_at:
                raise LookupError("the source ends badly")
            self.read += 1
            yield {"url": self.url, "id": n}

    async def __aiter__(self):
        for record in iter(self):
            await asyncio.sleep(0)
            yield record


class Async:

    def __init__(self, source):
        self.source = source

    def __aiter__(self):
        return self.source.__aiter__()


@coroutine_test
@pytest.mark.parametrize("kind", [lambda source: source.__iter__(), Async])
async def test_endless_iterables_are_read_as_there_is_room(server, kind):
    source = Source(server.url + "/echo")
    async with ringsend.Session(2, window=7) as session:
        got = 0
        async with session.map(kind(source)) as results:
            async for result in results:
                assert result.ok
                got += 1
                assert source.read <= got + 8
                if got == 100:
                    break
        read = source.read
        assert (await session.get(server.url + "/echo")).ok
        assert source.read == read and session.stats()["finished"] == session.stats()["submitted"]


@coroutine_test
@pytest.mark.parametrize("kind", [lambda source: source.__iter__(), Async])
async def test_what_an_iterable_raises_is_told_behind_all_results(server, kind):
    async with ringsend.Session(2) as session:
        got = []
        with pytest.raises(LookupError, match="badly"):
            await session.request(kind(Source(server.url + "/echo", 30)), got.append)
        assert len(got) == 30
        got = []
        with pytest.raises(LookupError, match="badly"):
            async for result in session.map(kind(Source(server.url + "/echo", 30))):
                got.append(result)
        assert len(got) == 30 and all(r.ok for r in got)


@coroutine_test
async def test_leaving_the_loop_cancels_what_is_in_flight(server):
    async with ringsend.Session(4, window=8) as session:
        async for _ in session.map([{
                "url": server.url + "/echo"
        }] + [{
                "url": server.url + "/held"
        }] * 50):
            break
        await server.until(lambda s: s.broken or len(s.seen) == 1)
        while session.stats()["finished"] < session.stats()["submitted"]:
            await asyncio.sleep(0)
        assert session.stats()["submitted"] <= 9


@coroutine_test
async def test_asynchronous_generators_are_closed(server):
    ended = []

    async def records():
        try:
            while True:
                yield {"url": server.url + "/echo"}
        finally:
            ended.append(True)

    async with ringsend.Session(4) as session:
        async with session.map(records()) as results:
            assert (await results.__anext__()).ok
        while not ended:
            await asyncio.sleep(0)
        task = asyncio.ensure_future(session.map(records(), lambda result: None))
        await server.arrived(20)
        task.cancel()
        while len(ended) < 2:
            await asyncio.sleep(0)


@coroutine_test
async def test_cancelling_the_task_stops_the_sending(server):
    got = []
    source = Source(server.url + "/held")
    async with ringsend.Session(5, window=10) as session:
        task = asyncio.ensure_future(session.request(source, got.append))
        await server.arrived(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        read = source.read
        assert sorted(r.data["id"] for r in got) == list(range(read))
        assert {r.error for r in got} == {"cancelled"} and read <= 10
        await server.until(lambda s: s.broken == 5)
        assert session.stats()["finished"] == session.stats()["submitted"] == source.read
        server.release()
        assert (await session.get(server.url + "/held")).ok


@coroutine_test
async def test_timeouts_of_asyncio_end_it(server):
    async with ringsend.Session(2) as session:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(session.request([{"url": server.url + "/held"}] * 9), 0.05)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(session.get(server.url + "/held"), 0.05)
        results = session.map([{"url": server.url + "/held"}] * 3)
        for _ in range(3):  # waiting for the next one is given up, no result is
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(results.__anext__(), 0.02)
        server.release()
        assert [r.text() async for r in results] == ["let go"] * 3


@coroutine_test
async def test_close_during_a_request_ends_it(server):
    got = []
    session = ringsend.Session(3, window=5)
    several = asyncio.ensure_future(session.request(Source(server.url + "/held"), got.append))
    listed = asyncio.ensure_future(session.request([{"url": server.url + "/held"}]))
    single = asyncio.ensure_future(session.get(server.url + "/held"))
    queued = [asyncio.ensure_future(session.get(server.url + "/held")) for _ in range(20)]
    iterated = asyncio.ensure_future(session.map(Source(server.url + "/held")).__anext__())
    await server.arrived(3)
    session.close()
    session.close()
    with pytest.raises(ringsend.SessionClosed):
        await several
    assert {r.error for r in got} <= {"cancelled"}
    assert [r.error for r in await listed] == ["cancelled"]
    ended = await asyncio.gather(single, *queued, iterated, return_exceptions=True)
    for one in ended:
        assert isinstance(one, ringsend.SessionClosed) or one.error == "cancelled", one


@coroutine_test
async def test_use_after_close_is_told(server):
    async with ringsend.Session(2) as session:
        pass
    for use in (lambda: session.request([{}]), lambda: session.get(server.url),
                lambda: session.map([{}], print), lambda: session.map([{}]).__anext__(),
                lambda: session.stream("GET", server.url).__aenter__()):
        with pytest.raises(ringsend.SessionClosed):
            await use()
    for use in (session.stats, session.features, lambda: session.limit(1), session.tls_origins,
                session.tcp_samples, session.stop):
        with pytest.raises(RuntimeError, match="closed"):
            use()
    assert "closed" in repr(session)


@coroutine_test
async def test_stop_lets_what_is_in_flight_end(server):
    session = ringsend.Session(3, window=5)
    got = []
    task = asyncio.ensure_future(session.request(Source(server.url + "/held"), got.append))
    await server.arrived(3)
    session.stop()
    server.release()
    with pytest.raises(ringsend.SessionClosed, match="stopped"):
        await task
    assert sorted(r.error or r.text() for r in got)[:3] == ["let go"] * 3
    assert {r.error for r in got} == {None, "stopped"}
    assert (await session.get(server.url + "/echo")).error == "stopped"
    session.close()


@coroutine_test
async def test_many_jobs_share_the_window(server):
    async with ringsend.Session(4, window=6) as session:
        endless = session.map(Source(server.url + "/echo"))
        await endless.__anext__()
        many = await asyncio.gather(
            *(session.request([{
                "url": server.url + "/echo"
            }] * 9) for _ in range(10)), *(session.get(server.url + "/echo") for _ in range(30)))
        assert sum(len(one) for one in many[:10]) == 90 and all(one.ok for one in many[10:])
        await endless.aclose()


@coroutine_test
async def test_what_is_no_list_of_records_is_refused(server):
    async with ringsend.Session() as session:
        for wrong in ({"url": server.url}, server.url, b"x", None, 3):
            with pytest.raises(TypeError):
                await session.request(wrong)


@coroutine_test
async def test_over_epoll_too(server, over_epoll):
    async with ringsend.Session(4) as session:
        assert session.features().startswith("epoll")
        results = await session.request([{
            "url": server.url + "/echo",
            "data": n
        } for n in range(99)])
        assert [r.json() for r in results] == list(range(99))
