"""A peer of `./dev bench fetch`: asyncio.gather over an aiohttp session, as its manual shows it.

aiohttp_client.py LOOP URLS CONCURRENCY fetches the URLs in a file, on the loop asyncio or uvloop, and
prints one JSON object.
"""

import asyncio
import json
import sys
import time

import aiohttp


async def fetch(session, url):
    async with session.get(url) as response:
        return response.status, len(await response.read())


async def gather(urls, concurrency):
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        return await asyncio.gather(*(fetch(session, url) for url in urls))


def main(loop, path, concurrency):
    with open(path, encoding="ascii") as file:
        urls = file.read().split()
    if loop == "uvloop":
        import uvloop
        uvloop.install()
    wall, cpu = time.monotonic(), time.process_time()
    results = asyncio.run(gather(urls, int(concurrency)))
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(json.dumps({
        "ok": sum(status == 200 for status, _ in results),
        "body_bytes": sum(size for _, size in results),
        "wall_s": wall,
        "cpu_s": cpu,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
