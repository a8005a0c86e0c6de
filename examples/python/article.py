#!/usr/bin/python3
"""The article's script on top of libringsend: a pool, a list of data, a callback for each result.

What was a semaphore for the pool, a coroutine for each record and a loop of four tries there, the
engine does here; the shape stays: request(pool, data_list).

usage: article.py CONNECTIONS RECORDS RESULTS"""

import asyncio
import json
import sys

import ringsend

TRIES = 4


def call_back(result, results):
    """One record is done, well or not."""
    results.write(
        json.dumps({
            "id": result.data["id"], "ok": result.ok, "status": result.status,
            "attempts": result.attempts, "error": result.error, "body": result.text()
        }) + "\n")


async def request(pool, data_list, callback):
    async with ringsend.Session(pool, tries=TRIES) as session:
        await session.request(data_list, callback)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.splitlines()[-1])
    connections, records_path, results_path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    with open(records_path, encoding="utf-8") as records, open(results_path, "w",
                                                               encoding="utf-8") as results:
        data_list = [json.loads(line) for line in records]
        asyncio.run(request(connections, data_list, lambda result: call_back(result, results)))


if __name__ == "__main__":
    main()
