"""One request at a time: fetch() and its like, and bodies in pieces."""

import asyncio
import os

import pytest
from conftest import coroutine_test, refused_url

import ringsend

LARGE = 3 << 20


@coroutine_test
async def test_each_method(server):
    async with ringsend.Session(2) as session:
        url = server.url + "/echo"
        results = [
            await session.get(url), await session.head(url), await session.post(url, {"a": 1}),
            await session.put(url, "x"), await session.patch(url, b"y"), await session.delete(url),
            await session.fetch("PROPFIND", url, id=7)
        ]
        assert all(r.ok for r in results) and results[-1].data == 7
        assert [s[0] for s in server.seen
                ] == ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"]
        assert results[2].json() == {"a": 1}
        assert results[0].raise_for_error() is results[0]
        missing = await session.get(server.url + "/status/404")
        with pytest.raises(ringsend.RequestError, match="status 404") as told:
            missing.raise_for_error()
        assert told.value.result is missing and "404" in repr(missing)
        assert results[0].times.total_ns > 0


@coroutine_test
async def test_limits_of_its_own(server):
    taken, nobody = refused_url()
    async with ringsend.Session(2, backoff_min_s=0.001, store_attempts=True) as session:
        result = await session.get(nobody, tries=2)
        assert (result.error, result.attempts) == ("connect_refused", 2)
        assert [a.error for a in result.attempts_list] == ["connect_refused"] * 2
        assert "nothing listens" in ringsend.ERRORS[result.error]
        assert (await session.get(server.url + "/held", timeout_s=0.02,
                                  tries=1)).error == "timeout_attempt"
        assert (await session.get(server.url + "/held", deadline_s=0.02)).error == "timeout_record"
        assert (await session.post(server.url + "/once/a", {})).attempts == 2
        lost = await session.post(server.url + "/held", {}, timeout_s=0.02)
        assert lost.ambiguous and lost.attempts == 1
        for wrong in ({"tries": 0}, {"timeout_s": 0}, {"deadline_s": -1}, {"key": ""}):
            with pytest.raises(ValueError):
                await session.get(server.url, **wrong)
        with pytest.raises(TypeError):
            await session.get(server.url, timeout=3)
        with pytest.raises(TypeError):
            await session.post(server.url, {1})
        assert (await session.get("nowhere")).error == "bad_url"
    taken.close()


@coroutine_test
async def test_cancelling_one_ends_it_alone(server):
    async with ringsend.Session(5) as session:
        tasks = [asyncio.ensure_future(session.get(server.url + "/held")) for _ in range(5)]
        await server.arrived(5)
        tasks[2].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[2]
        await server.until(lambda s: s.broken == 1)
        server.release()
        assert [r.text() for r in await asyncio.gather(*tasks[:2], *tasks[3:])] == ["let go"] * 4


@coroutine_test
async def test_one_that_waits_for_room_may_be_cancelled(server):
    async with ringsend.Session(1, window=1) as session:
        tasks = [asyncio.ensure_future(session.get(server.url + "/held")) for _ in range(4)]
        await server.arrived(1)
        tasks[1].cancel()
        server.release()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(ended[1], asyncio.CancelledError)
        assert [ended[n].text() for n in (0, 2, 3)] == ["let go"] * 3


@coroutine_test
async def test_bodies_of_files_and_into_files(server, tmp_path):
    data = os.urandom(LARGE)
    (tmp_path / "out").write_bytes(data)
    reader, writer = os.pipe()
    async with ringsend.Session(2) as session:
        with open(tmp_path / "out", "rb") as out, open(tmp_path / "in", "wb+") as into:
            out.seek(5)
            result = await session.post(server.url + "/echo", out, into=into, timeout_s=30)
            assert result.ok and result.body == b"" and result.packed_bytes == LARGE - 5
        assert (tmp_path / "in").read_bytes() == data[5:] and server.seen[0][3] == data[5:]
        with os.fdopen(reader, "rb") as pipe:
            os.write(writer, b"through a pipe")
            os.close(writer)
            assert (await session.post(server.url + "/echo", pipe)).text() == "through a pipe"
        result = await session.get(server.url + "/bytes/%d" % LARGE, discard=True)
        assert (result.ok, result.body, result.packed_bytes) == (True, b"", LARGE)
        with open(__file__, encoding="utf-8") as text, pytest.raises(TypeError, match="binary"):
            await session.post(server.url, text)
        with pytest.raises(ValueError, match="only one"):
            await session.get(server.url, into=1, discard=True)


@coroutine_test
async def test_bodies_in_pieces(server):

    async def pieces():
        for n in range(10):
            await asyncio.sleep(0)
            yield b"%d" % n * 50000

    async with ringsend.Session(2) as session:
        whole = b"".join([piece async for piece in pieces()])
        assert (await session.post(server.url + "/echo", pieces())).body == whole
        assert server.seen[-1][2]["Transfer-Encoding"] == "chunked"
        assert (await session.put(server.url + "/echo", iter([b"a",
                                                              bytearray(b"b"), b"",
                                                              b"c"]))).body == b"abc"
        assert (await session.post(server.url + "/echo", iter([]))).body == b""
        assert (await session.post("nowhere", pieces())).error == "bad_url"
        async with session.stream("POST", server.url + "/echo", data=pieces()) as response:
            assert b"".join([piece async for piece in response]) == whole
            assert response.result.ok and response.result.body == b""

        async def fails():
            yield b"x"
            raise LookupError("no more")

        with pytest.raises(LookupError, match="no more"):
            await session.post(server.url + "/echo", fails())
        with pytest.raises(TypeError, match="bytes"):
            await session.post(server.url + "/echo", iter(["text"]))
        assert (await session.get(server.url + "/echo")).ok


@coroutine_test
async def test_responses_in_pieces_no_faster_than_they_are_taken(server):
    async with ringsend.Session(2, store_headers=True) as session:
        large = 64 << 20
        async with session.stream("GET", server.url + "/bytes/%d" % large) as response:
            assert response.status == 200 and response.headers and response.encoding is None
            first = await response.__anext__()
            for _ in range(200):
                await asyncio.sleep(0)
                session._turn()
            assert session.stats()["bytes_received"] < large // 2  # the peer is held back
            assert response.result is None
            count = len(first)
            async for piece in response:
                count += len(piece)
            assert count == large and response.result.ok and response.result.packed_bytes == large
        async with session.stream("GET", server.url + "/status/404") as response:
            assert response.status == 404 and [p async for p in response] == [b"told"]
        async with session.stream("GET", server.url + "/bytes/%d" % large) as response:
            assert response.status == 200
        async with session.stream("GET", "nowhere") as response:
            assert response.status == 0 and [p async for p in response] == []
            assert response.result.error == "bad_url"
        async with session.stream("GET", server.url + "/bytes/100000") as response:
            assert (await response.finish()).packed_bytes == 100000
        assert (await session.get(server.url + "/echo")).ok


@coroutine_test
async def test_close_ends_streams(server):
    session = ringsend.Session(2)
    async with session.stream("GET", server.url + "/bytes/%d" % (64 << 20)) as response:
        session.close()
        async for _ in response:
            pass
        assert response.result.error == "cancelled"

    async def never():
        yield b"x"
        await asyncio.get_running_loop().create_future()

    session = ringsend.Session(2)
    task = asyncio.ensure_future(session.post(server.url + "/echo", never()))
    while not session.stats()["bytes_sent"]:
        await asyncio.sleep(0)
    session.close()
    assert (await task).error == "cancelled"


@coroutine_test
async def test_costs(server):
    record = {"url": server.url + "/echo", "data": {"used": 3}, "cost": 3}
    async with ringsend.Session(4, costs=[(3, 3600)]) as session:
        results = session.map([record, {**record, "cost": [9, 1, 1, 1, 1]}, record])
        assert (await results.__anext__()).error == "bad_record"
        assert (await results.__anext__()).ok
        late = asyncio.ensure_future(results.__anext__())  # that is all for this hour
        while not session.stats()["held"]:
            await asyncio.sleep(0)
        assert len(server.seen) == 1 and not late.done()
        late.cancel()
    async with ringsend.Session(4, costs=[(3, 0.001)]) as session:
        assert (await session.post(record["url"], {}, cost=[1])).ok
        with pytest.raises(ValueError, match="cost"):
            await session.get(record["url"], cost=-1)
    for wrong in (3, [()], [(0,)], [(1, 0)], [(1, 1, 1, 3)], [(1,)] * 5):
        with pytest.raises((TypeError, ValueError)):
            ringsend.Session(costs=wrong)


@coroutine_test
async def test_redirects(server):
    url = server.url + "/to/303/to/302/echo"
    async with ringsend.Session(2) as session:
        result = await session.post(url, {})
        assert (result.status, result.location, result.redirects) == (303, "/to/302/echo", 0)
        assert result.redirect_urls == [] and not result.processed
    async with ringsend.Session(2, redirects_max=5) as session:
        result = await session.post(url, {})
        assert result.ok and result.redirects == 2 and result.processed
        assert result.redirect_urls == [server.url + "/to/302/echo", server.url + "/echo"]
        assert [seen[0] for seen in server.seen] == ["POST", "POST", "GET", "GET"]


@coroutine_test
async def test_a_unix_socket(server, tmp_path):
    listener = await asyncio.start_unix_server(_hello, str(tmp_path / "socket"))
    async with ringsend.Session(2, unix_socket=tmp_path / "socket") as session:
        results = await session.request([{"url": "http://any.test/"}] * 5)
        assert [r.text() for r in results] == ["hello"] * 5
    listener.close()


async def _hello(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    await writer.drain()
    writer.close()
