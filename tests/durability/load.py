"""Clients that keep a daemon busy with jobs, and remember what it told them.

What they want is noted before they ask for it, what was acknowledged when the answer is there, and
each result that they see as it was served. A daemon that is not there is asked again later.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Callable, Iterator

from oracle import Item, Json, Plan, Wish, as_served

N_LARGE = 20_000
HANG_MS = 300
CALLBACK_EVERY = 4  # jobs
DEADLINE_EVERY = 5  # of the others
DEADLINES_MS = (200, 1000, 5000)
PLANS_EVERY_S = (2, 3, 5)  # of schedules, which keep 1000 runs
BEHAVIOURS = {"ok": 60, "slow": 25, "error": 10, "reset": 3, "hang": 2}
METHODS = {"GET": 65, "POST": 30, "HEAD": 5}
CAPTURES = 0.2  # of the items


class Unreachable(Exception):
    """There was no answer, or not all of it."""


class Client:
    """A connection to a daemon that may be killed at any time."""

    def __init__(self, port: int, seconds: float = 30) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)

    def ask(self, method: str, path: str, body: Json = None, **headers: str) -> tuple[int, Json]:
        try:
            data = None if body is None else json.dumps(body).encode()
            self.connection.request(method, path, data, {"Content-Type": "application/json",
                                                         **headers})
            reply = self.connection.getresponse()
            text = reply.read()
            return reply.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.connection.close()
            raise Unreachable from error

    def pages(self, path: str) -> Iterator[list[Json]]:
        """The data of a list, page by page; path has a query."""
        cursor = ""
        while True:
            status, page = self.ask("GET", path + cursor)
            if status != 200:
                return
            yield page["data"]
            if not page["has_more"]:
                return
            cursor = f"&cursor={page['next_cursor']}"


@dataclass
class Memory:
    """What the clients know; one lock for all of it."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    wishes: list[Wish] = field(default_factory=list)
    acknowledged: list[tuple[Wish, str]] = field(default_factory=list)  # with the job's id
    seen: dict[tuple[str, int], str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)  # between two looks
    answers: Counter[str] = field(default_factory=Counter)
    n_items: int = 0

    def wish(self, items: Callable[[str], list[Item]], key: bool) -> Wish:
        with self.lock:
            name = f"{len(self.wishes)}"
            wish = Wish(name, items(name), f"key-{name}" if key else None)
            if len(self.wishes) % CALLBACK_EVERY == 0:
                wish.callback = f"/ok/callback/{name}"
            elif len(self.wishes) % DEADLINE_EVERY == 0:
                wish.deadline_ms = DEADLINES_MS[len(self.wishes) % len(DEADLINES_MS)]
            self.wishes.append(wish)
            self.n_items += len(wish.items)
            return wish

    def acknowledge(self, wish: Wish, ids: set[str], id: str) -> None:
        with self.lock:
            if id not in ids:
                ids.add(id)
                self.acknowledged.append((wish, id))

    def see(self, job: str, results: list[Json]) -> None:
        with self.lock:
            for result in results:
                if result["state"] != "finished":
                    continue
                served = as_served(result)
                before = self.seen.setdefault((job, result["index"]), served)
                if before != served:
                    self.changed.append(f"I5: result {result['index']} of {job} was seen as "
                                        f"{before}, and then as {served}")


def choose(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


class Worker(threading.Thread):
    """One client, which does now this, now that."""

    WEIGHTS = {"submit": 40, "look": 30, "replay": 8, "cancel": 3, "retry": 8, "delete": 3, "list": 5}

    def __init__(self, number: int, seed: int, port: int, origin: str, memory: Memory,
                 max_items: int) -> None:
        super().__init__(daemon=True)
        self.rng = random.Random(seed * 1000 + number)
        self.client = Client(port)
        self.origin = origin
        self.memory = memory
        self.max_items = max_items
        self.unanswered: list[Wish] = []  # with a key: to be asked for again
        self.is_to_stop = threading.Event()
        self.begins_large = number == 0

    def run(self) -> None:
        if self.begins_large:
            self.until_answered(self.new_wish(N_LARGE, key=True))
        while not self.is_to_stop.is_set():
            try:
                getattr(self, choose(self.rng, self.WEIGHTS))()
            except Unreachable:
                time.sleep(0.01)
        for wish in self.unanswered:
            self.until_answered(wish)

    def until_answered(self, wish: Wish) -> None:
        while not wish.ids:
            try:
                self.post(wish)
            except Unreachable:
                time.sleep(0.05)

    # What a client wants.

    def new_wish(self, n: int, key: bool) -> Wish:
        return self.memory.wish(lambda name: [self.item(name, i) for i in range(n)], key)

    def item(self, name: str, index: int) -> Item:
        return Item(choose(self.rng, METHODS), f"/{choose(self.rng, BEHAVIOURS)}/{name}/{index}",
                    self.rng.random() < CAPTURES)

    def document(self, wish: Wish) -> Json:
        callback = {"callback": {"url": self.origin + wish.callback}} if wish.callback else {}
        deadline = {"deadline_ms": wish.deadline_ms} if wish.deadline_ms else {}
        return {"name": wish.name, "defaults": {"timeout_ms": 20_000}, **callback, **deadline,
                "requests": [self.request(item) for item in wish.items]}

    def request(self, item: Item) -> Json:
        request: Json = {"url": self.origin + item.path, "method": item.method}
        if item.method == "POST":
            request["body"] = "x"
        if item.behaviour == "hang":
            request["timeout_ms"] = HANG_MS
        if item.captures:
            request["capture"] = {"body": "full"}
        return request

    def post(self, wish: Wish) -> None:
        headers = {"Idempotency-Key": wish.key} if wish.key else {}
        status, job = self.client.ask("POST", "/v1/jobs", self.document(wish), **headers)
        self.memory.answers[f"POST {status}"] += 1
        if status in (200, 202):
            self.memory.acknowledge(wish, wish.ids, job["id"])
        elif status in (409, 503, 507):
            raise Unreachable
        else:
            self.memory.changed.append(f"I1: the job {wish.name} was refused: {status} {job}")

    def any_acknowledged(self) -> tuple[Wish, str]:
        """The later ones more often: of them there is more to see."""
        with self.memory.lock:
            known = self.memory.acknowledged
            if not known:
                raise Unreachable  # yet
            return known[-1 - min(int(self.rng.expovariate(0.05)), len(known) - 1)]

    # What it does.

    def submit(self) -> None:
        if self.unanswered:
            self.post(self.unanswered[-1])
            self.unanswered.pop()
        if self.memory.n_items >= self.max_items:
            time.sleep(0.01)
            return
        wish = self.new_wish(min(1 + int(self.rng.expovariate(1 / 20)), 700),
                             self.rng.random() < 0.5)
        try:
            self.post(wish)
        except Unreachable:
            if wish.key:
                self.unanswered.append(wish)
            raise

    def replay(self) -> None:
        wish, id = self.any_acknowledged()
        if wish.key is not None and id in wish.ids and len(wish.items) < N_LARGE:
            self.post(wish)

    def look(self) -> None:
        _, id = self.any_acknowledged()
        for results in self.client.pages(f"/v1/jobs/{id}/results?limit=200"):
            self.memory.see(id, results)
            if self.rng.random() < 0.5:
                break

    def cancel(self) -> None:
        wish, id = self.any_acknowledged()
        if len(wish.items) < N_LARGE:
            wish.canceled = True
            self.client.ask("POST", f"/v1/jobs/{id}/cancel")

    def retry(self) -> None:
        wish, id = self.any_acknowledged()
        with self.memory.lock:
            if id not in wish.ids or len(wish.items) == N_LARGE or wish.may_be_deleted:
                return
            wish.lost_retries += 1
        status, job = self.client.ask("POST", f"/v1/jobs/{id}/retry")
        self.memory.answers[f"retry {status}"] += 1
        if status == 202:
            self.memory.acknowledge(wish, wish.retries, job["id"])
        if status < 500:
            wish.lost_retries -= 1

    def delete(self) -> None:
        """Of those that nobody asks for again."""
        wish, id = self.any_acknowledged()
        with self.memory.lock:
            if wish.key or wish.retries or wish.lost_retries:
                return
            wish.may_be_deleted = True
        wish.canceled = True
        status, _ = self.client.ask("DELETE", f"/v1/jobs/{id}")
        self.memory.answers[f"DELETE {status}"] += 1
        wish.is_deleted |= status in (204, 404)

    def list(self) -> None:
        status, page = self.client.ask("GET", "/v1/jobs?limit=50")
        ids = [job["id"] for job in page["data"]] if status == 200 else []
        if ids != sorted(ids, reverse=True):
            self.memory.changed.append(f"I6: the list of jobs is not in order: {ids}")


class Planner(threading.Thread):
    """A client that makes schedules, each until it is answered, and lets them run."""

    def __init__(self, port: int, origin: str, memory: Memory) -> None:
        super().__init__(daemon=True)
        self.client = Client(port)
        self.origin = origin
        self.memory = memory
        self.plans = [Plan(f"plan-{n}", timedelta(seconds=n)) for n in PLANS_EVERY_S]

    def run(self) -> None:
        for plan in self.plans:
            while plan.schedule is None:
                try:
                    self.make(plan)
                except Unreachable:
                    time.sleep(0.05)

    def make(self, plan: Plan) -> None:
        job = {"name": plan.name, "urls": [f"{self.origin}/ok/{plan.name}/0"]}
        document = {"name": plan.name, "every_ms": plan.every.total_seconds() * 1000, "job": job}
        status, schedule = self.client.ask("POST", "/v1/schedules", document,
                                           **{"Idempotency-Key": plan.name})
        if status in (409, 503, 507):
            raise Unreachable
        if status != 201:
            self.memory.changed.append(f"I8: {plan.name} was refused: {status} {schedule}")
        plan.schedule = schedule

    def look_back(self, client: Client) -> list[Plan]:
        """Ends them, and learns what has become of them."""
        for plan in self.plans:
            path = f"/v1/schedules/{plan.schedule['id']}"
            client.ask("POST", path + "/pause")
            while client.ask("GET", path)[1]["running"]:
                time.sleep(0.05)
            plan.runs = [run for page in client.pages(path + "/runs?limit=500") for run in page][::-1]
        return self.plans


class Load:
    """All clients, until they are told to stop."""

    def __init__(self, seed: int, port: int, origin: str, max_items: int, n_clients: int = 4) -> None:
        self.memory = Memory()
        self.planner = Planner(port, origin, self.memory)
        self.workers = [Worker(number, seed, port, origin, self.memory, max_items)
                        for number in range(n_clients)]

    def start(self) -> None:
        for client in (self.planner, *self.workers):
            client.start()

    def stop(self) -> None:
        """Returns when what has a key is acknowledged; needs a daemon."""
        for worker in self.workers:
            worker.is_to_stop.set()
        for client in (self.planner, *self.workers):
            client.join(60)
            assert not client.is_alive(), "a client is not answered"
