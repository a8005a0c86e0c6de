"""The synchronous door."""

import itertools

import pytest
from conftest import interrupted, run_script

import ringsend


def test_results_are_in_order(server):
    results = ringsend.send(({
        "url": server.url + "/echo",
        "data": n
    } for n in range(300)),
                            pool=8,
                            headers={"X-All": "1"})
    assert [r.json() for r in results] == list(range(300))
    assert server.seen[0][2]["X-All"] == "1" and ringsend.send([]) == []


def test_callbacks_have_each_result(server):
    got = []

    def callback(result):
        got.append(result.data["id"])
        raise KeyError("always")

    with pytest.raises(KeyError):
        ringsend.send([{"url": server.url + "/echo", "id": n} for n in range(100)], callback)
    assert sorted(got) == list(range(100))


def test_an_iterator_of_results_reads_as_far_as_it_is_read(server):
    read = []

    def endless():
        for n in itertools.count():
            read.append(n)
            yield {"url": server.url + "/echo"}

    results = ringsend.results(endless(), pool=2)
    for got in range(1, 200):
        assert next(results).ok and len(read) <= got + 21
    results.close()
    with pytest.raises(StopIteration):
        next(results)

    def fails():
        yield {"url": server.url + "/echo"}
        raise LookupError("badly")

    results = ringsend.results(fails())
    assert next(results).ok
    with pytest.raises(LookupError):
        next(results)
    with pytest.raises(LookupError):
        ringsend.send(fails())


CTRL_C = """
import ringsend, sys, threading
got, url = [], sys.argv[1]
def callback(result):
    got.append(result)
try:
    ringsend.send(({"url": url, "id": n} for n in range(10**9)), callback, pool=3, window=6)
except KeyboardInterrupt:
    print("interrupted", sorted(r.data["id"] for r in got), {r.error for r in got})
"""


def test_ctrl_c_cancels_and_tells(server):
    program = interrupted(CTRL_C, server)
    assert program.stdout == "interrupted [0, 1, 2, 3, 4, 5] {'cancelled'}\n", program.stderr


def test_inside_a_running_loop(server):
    run = run_script(
        """
import asyncio, ringsend, sys
async def main():
    print(len(ringsend.send([{"url": sys.argv[1]}] * 10)))
asyncio.run(main(), debug=False)
""", server.url + "/echo")
    assert run.stdout == "10\n", run.stderr
