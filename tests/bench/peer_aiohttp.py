"""A peer of `./dev bench gather`: asyncio.gather over an aiohttp session, as its manual shows it.

peer_aiohttp.py BASE COUNT CONCURRENCY fetches BASE0, BASE1, ... and prints one JSON object.
"""

import asyncio
import json
import sys
import time

import aiohttp


async def fetch(session, url):
    async with session.get(url) as response:
        return response.status, len(await response.read())


async def gather(base, count, concurrency):
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        return await asyncio.gather(*(fetch(session, f"{base}{i}") for i in range(count)))


def main(base, count, concurrency):
    wall, cpu = time.monotonic(), time.process_time()
    results = asyncio.run(gather(base, int(count), int(concurrency)))
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(json.dumps({
        "ok": sum(status == 200 for status, _ in results),
        "body_bytes": sum(size for _, size in results),
        "wall_s": wall,
        "cpu_s": cpu,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
