#!/usr/bin/python3
"""Sends a file of records with asyncio and aiohttp, as an ordinary script would: a semaphore for
the pool, a coroutine per record, four tries, a line per result. The peer that ringsend grew out of.

usage: aiohttp_article.py CONNECTIONS RECORDS RESULTS"""

import asyncio
import json
import random
import sys

import aiohttp

TRIES = 4
RETRIED = (408, 425, 429, 500, 502, 503, 504)


async def send(session, semaphore, record, results):
    result = {
        "id": record["id"], "ok": False, "status": 0, "attempts": 0, "error": None, "body": None
    }
    async with semaphore:
        for attempt in range(1, TRIES + 1):
            result["attempts"] = attempt
            try:
                async with session.request(
                    record.get("method", "POST"), record["url"], json=record["data"]
                ) as response:
                    result["body"] = await response.text()
                    result["status"] = response.status
                    result["ok"] = response.ok
                    result["error"] = None
                if response.status not in RETRIED:
                    break
            except (aiohttp.ClientError, asyncio.TimeoutError) as error:
                result["error"] = type(error).__name__
            if attempt < TRIES:
                await asyncio.sleep(random.uniform(0, 0.25 * 2**attempt))
    results.write(json.dumps(result) + "\n")


async def main():
    connections, records_path, results_path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    semaphore = asyncio.Semaphore(connections)
    connector = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=60)
    with open(records_path, encoding="utf-8") as records, open(results_path, "w",
                                                               encoding="utf-8") as results:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(send(session, semaphore, json.loads(line), results)
                                   for line in records))


asyncio.run(main())
