#!/usr/bin/python3
"""CPython's asyncio, or uvloop in its place if the first argument says so."""

import asyncio
import random
import sys
import threading
import time

MANY = 100_000


def fastest(rounds, n, run):
    """What one of the n operations of run(n) takes, in the fastest of some rounds."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter_ns()
        run(n)
        times.append(time.perf_counter_ns() - start)
    return min(times[1:]) / n


async def fastest_in_task(rounds, n, run):
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter_ns()
        await run(n)
        times.append(time.perf_counter_ns() - start)
    return min(times[1:]) / n


def take_from_generator(n):
    for _ in range(n):
        next(take_from_generator.source)


async def generator_next():
    def yield_for_ever():
        while True:
            yield

    take_from_generator.source = yield_for_ever()
    return fastest(200, 1_000, take_from_generator)


async def yields(n_tasks, n_each):
    start = asyncio.Event()

    async def yield_once_told():
        await start.wait()
        for _ in range(n_each):
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(yield_once_told()) for _ in range(n_tasks)]
    await asyncio.sleep(0)
    start.set()
    began = time.perf_counter_ns()
    await asyncio.gather(*tasks)
    return (time.perf_counter_ns() - began) / n_tasks / n_each


async def yield_few():
    return min([await yields(10, 50) for _ in range(100)])


async def yield_many():
    return min([await yields(MANY, 5) for _ in range(2)])


def spawn_and_join(live):
    async def return_at_once():
        pass

    async def run(n):
        for _ in range(0, n, live):
            await asyncio.gather(*(return_at_once() for _ in range(live)))

    return run


async def pass_items(n):
    queue = asyncio.Queue(100)

    async def put():
        for i in range(n):
            await queue.put(i)

    task = asyncio.create_task(put())
    for _ in range(n):
        await queue.get()
    await task


def some_deadline():
    return random.uniform(1, 60)


async def arm_among_many():
    loop = asyncio.get_running_loop()

    def arm_and_cancel(n):
        for _ in range(n):
            loop.call_later(some_deadline(), print).cancel()

    armed = [loop.call_later(some_deadline(), print) for _ in range(MANY)]
    each = fastest(50, 200, arm_and_cancel)
    for handle in armed:
        handle.cancel()
    return each


def memory_bytes():
    with open("/proc/self/status", encoding="ascii") as status:
        fields = (line.split() for line in status)
        return sum(int(f[1]) * 1024 for f in fields if f[0] in ("VmRSS:", "VmPTE:"))


async def parked_bytes():
    release = asyncio.Event()
    before = memory_bytes()
    tasks = [asyncio.create_task(release.wait()) for _ in range(MANY)]
    await asyncio.sleep(0)
    value = (memory_bytes() - before) / MANY
    release.set()
    await asyncio.gather(*tasks)
    return value


async def wakeups():
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    n_threads, n_each, n_called = 4, 25_000, 0

    def count():
        nonlocal n_called
        n_called += 1
        if n_called == n_threads * n_each:
            done.set()

    def call():
        for _ in range(n_each):
            loop.call_soon_threadsafe(count)

    threads = [threading.Thread(target=call) for _ in range(n_threads)]
    start = time.perf_counter_ns()
    for thread in threads:
        thread.start()
    await done.wait()
    each = (time.perf_counter_ns() - start) / n_threads / n_each
    for thread in threads:
        thread.join()
    return each


FIGURES = {
    "generator_next_ns": generator_next,
    "yield_ns": yield_few,
    "yield_100000_ns": yield_many,
    "spawn_join_10_ns": lambda: fastest_in_task(100, 50, spawn_and_join(10)),
    "spawn_join_ns": lambda: fastest_in_task(5, 1000, spawn_and_join(1000)),
    "spawn_join_100000_ns": lambda: fastest_in_task(1, MANY, spawn_and_join(MANY)),
    "queue_item_ns": lambda: fastest_in_task(100, 500, pass_items),
    "timer_ns": arm_among_many,
    "parked_task_bytes": parked_bytes,
    "thread_wakeup_ns": wakeups,
}


def main():
    names = sys.argv[1:]
    if names[:1] == ["uvloop"]:
        import uvloop

        uvloop.install()
        del names[0]
        del FIGURES["generator_next_ns"]  # which is CPython's in either case
    if names:
        print(f"{asyncio.run(FIGURES[names[0]]()):.3f}")
    else:
        print(*FIGURES, sep="\n")


if __name__ == "__main__":
    main()
