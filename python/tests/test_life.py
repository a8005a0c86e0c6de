"""Threads, processes, loops and signals: what a session survives, and what it says."""

import asyncio
import gc
import os
import threading

import pytest
from conftest import BOUND_S, SANITIZED, coroutine_test, interrupted, run_script

import ringsend


@coroutine_test
async def test_another_thread_is_refused_and_breaks_nothing(server):
    async with ringsend.Session(2) as session:
        await session.get(server.url + "/echo")
        told = []

        def other():
            for use in (session.close, session.stats, lambda: session._engine.turn(0),
                        lambda: asyncio.run(session.get(server.url))):
                try:
                    use()
                except RuntimeError as error:
                    told.append(str(error))

        await asyncio.get_running_loop().run_in_executor(None, other)
        assert len(told) == 4 and all("another" in one for one in told), told
        assert (await session.get(server.url + "/echo")).ok

        def hands_over(loop):
            return asyncio.run_coroutine_threadsafe(session.get(server.url + "/echo"),
                                                    loop).result()

        loop = asyncio.get_running_loop()
        assert (await loop.run_in_executor(None, hands_over, loop)).ok


def test_sessions_in_threads_share_limits(server):
    limits, got = ringsend.Limits(pool=3), []

    async def main():
        async with ringsend.Session(3, limits=limits) as session:
            got.extend(await session.request([{"url": server.url + "/echo"}] * 200))

    threads = [threading.Thread(target=asyncio.run, args=(main(), )) for _ in range(2)]
    threads.append(
        threading.Thread(target=lambda: got.extend(
            ringsend.send([{
                "url": server.url + "/echo"
            }] * 200, limits=limits))))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_S)
    assert len(got) == 600 and all(r.ok for r in got)


def test_a_loop_closed_with_work_in_flight(server):
    loop = asyncio.new_event_loop()

    async def begin():
        session = ringsend.Session(3)
        tasks = [
            asyncio.ensure_future(session.request([{
                "url": server.url + "/held"
            }] * 3)),
            asyncio.ensure_future(session.get(server.url + "/held"))
        ]
        await server.arrived(3)
        return session, tasks

    session, tasks = loop.run_until_complete(begin())
    for task in tasks:
        task._log_destroy_pending = False
    loop.close()
    session.close()
    session.close()
    server.wait(lambda s: s.broken == 3)
    del tasks
    gc.collect()


def test_a_session_has_one_loop(server):
    session = ringsend.Session(2)

    async def use():
        assert (await session.get(server.url + "/echo")).ok

    loop = asyncio.new_event_loop()
    loop.run_until_complete(use())
    with pytest.raises(RuntimeError, match="another loop"):
        asyncio.run(use())
    loop.close()
    session.close()


def test_one_that_is_not_closed_is_warned_of(server):

    async def main():
        session = ringsend.Session(2)
        await session.get(server.url + "/echo")

    with pytest.warns(ResourceWarning, match="unclosed <ringsend.Session"):
        asyncio.run(main())
        gc.collect()


LIVE = """
import asyncio, ringsend, sys
session = ringsend.Session(2)
async def main():
    task = asyncio.ensure_future(session.request([{"url": sys.argv[1]}] * 5))
    print((await session.get(sys.argv[2])).ok, flush=True)
asyncio.run(main())
other = ringsend.results([{"url": sys.argv[2]}] * 5)
print(next(other).ok)
"""


def test_the_interpreter_ends_with_a_live_session(server):
    run = run_script(LIVE, server.url + "/held", server.url + "/echo")
    assert (run.returncode, run.stdout) == (0, "True\nTrue\n"), run.stderr


FORKS = """
import asyncio, os, ringsend, sys
async def main():
    async with ringsend.Session(2) as session:
        await session.get(sys.argv[1])
        child = os.fork()
        if child == 0:
            try:
                session._engine.turn(0)
            except RuntimeError as error:
                print(error, flush=True)
            session = None
            print(len(ringsend.send([{"url": sys.argv[1]}])), flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1], (await session.get(sys.argv[1])).ok)
asyncio.run(main())
"""


def test_a_child_of_fork_is_told_and_harms_nobody(server):
    run = run_script(FORKS, server.url + "/echo")
    said = run.stdout.splitlines()
    assert "child of fork" in said[0] and said[1:] == ["1", "0 True"], run.stderr


CTRL_C = """
import asyncio, ringsend, sys
got = []
async def main():
    async with ringsend.Session(3, window=6) as session:
        await session.request(({"url": sys.argv[1], "id": n} for n in range(10**9)), got.append)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", sorted(r.data["id"] for r in got), {r.error for r in got})
"""


def test_ctrl_c_cancels_and_tells(server):
    program = interrupted(CTRL_C, server)
    assert program.stdout == "interrupted [0, 1, 2, 3, 4, 5] {'cancelled'}\n", program.stderr


@coroutine_test
async def test_code_that_runs_within_the_engine_does_not_break_it(server):

    class Closes:
        """What the engine lets go of may do anything."""

        def __init__(self, session):
            self.session = session

        def __del__(self):
            try:
                self.session.close()
            except RuntimeError as error:
                told.append(str(error))

    told = []
    async with ringsend.Session(2) as session:
        call = session.fetch("GET", server.url + "/echo", id=Closes(session))
        assert (await call).ok
    del call
    gc.collect()


def rss():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(SANITIZED, reason="sanitizers keep memory")
@coroutine_test
async def test_memory_does_not_grow(server):
    count = int(os.environ.get("RINGSEND_REQUESTS", "3000"))
    records = ({
        "url": server.url + "/status/200",
        "data": {
            "n": n
        },
        "headers": {
            "X-N": str(n)
        }
    } for n in range(count))
    async with ringsend.Session(20) as session:
        seen = []
        await session.map(
            records, lambda result: seen.append(rss())
            if result.data["data"]["n"] % (count // 10) == 0 else server.seen.clear())
    assert seen[-1] - seen[2] < 4 << 20, seen
