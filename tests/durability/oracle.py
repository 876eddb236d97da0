"""Whether a daemon has kept its word, by what its clients and its origins saw.

I1  every item of every acknowledged job ends with exactly one result, and none is invented
I2  what was not acknowledged is there wholly or not at all; one key never makes two jobs
I3  what must not be repeated is sent once at most, and a result says whether it was
I4  what may be repeated is, only as far as a crash makes it necessary
I5  a result that was once seen never changes and never goes away
I6  counts are those of the results, and no file is damaged or keeps what is nobody's
I7  whoever is to be told of a job's end is, again only as far as a crash makes it necessary
I8  what becomes of a time at which a schedule is due is told once, and one job is made at most
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Iterable, Iterator

Json = Any
OUTCOMES = ("success", "http_error", "assertion_failed", "transport_error", "blocked",
            "interrupted", "canceled", "skipped")
ANSWERED = ("success", "http_error")
NEVER_RUN = ("canceled", "skipped")
TOO_LATE = ("transport_error", "skipped")  # under way at the deadline, and not begun
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
COMES_TO = {"ok": "success", "slow": "success", "error": "http_error", "reset": "transport_error",
            "hang": "transport_error"}
TRIES_WITH_OTHERS = 3  # of a request that a daemon dies of
TRIES_ALONE = 3  # that follow, of one request at a time; then it is given up


@dataclass(frozen=True)
class Item:
    """A request: /BEHAVIOUR/JOB/INDEX, which no other has."""
    method: str
    path: str
    captures: bool = False  # the body, which is the path and a line feed

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE

    @property
    def behaviour(self) -> str:
        return self.path.split("/")[1]


@dataclass
class Wish:
    """A job that a client has asked for: once or, with a key, until it was acknowledged."""
    name: str
    items: list[Item]
    key: str | None = None
    ids: set[str] = field(default_factory=set)  # that came with an acknowledgement
    canceled: bool = False  # somebody has asked for it, heard or not
    retries: set[str] = field(default_factory=set)  # ids of jobs of what had failed, likewise
    lost_retries: int = 0  # those that were asked for and not acknowledged
    may_be_deleted: bool = False  # somebody has asked for it
    is_deleted: bool = False  # and it was acknowledged
    callback: str | None = None  # the path that is to be told of its end
    deadline_ms: int | None = None  # then what is left of it is given up


@dataclass
class Plan:
    """A schedule of jobs that have its name, and what it says of its runs."""
    name: str
    every: timedelta
    schedule: Json = None  # as it was made
    runs: list[Json] = field(default_factory=list)  # the oldest first


@dataclass
class Kept:
    """A job as it is found in the end."""
    job: Json
    results: list[Json]

    @property
    def id(self) -> str:
        return self.job["id"]

    def paths(self) -> list[str]:
        return [path_of(result) for result in self.results]


@dataclass
class Limits:
    """For each kill, and for all of them."""
    interrupted: int
    repeated: int
    told_again: int = 0


@dataclass
class Evidence:
    limits: Limits
    n_kills: int = 0
    wishes: list[Wish] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)  # but those that schedules have made:
    scheduled: dict[str, list[Kept]] = field(default_factory=dict)  # by name
    plans: list[Plan] = field(default_factory=list)
    seen: dict[tuple[str, int], str] = field(default_factory=dict)  # by job and index, as served
    arrived: Counter[tuple[str, str]] = field(default_factory=Counter)  # by method and path
    left_behind: list[str] = field(default_factory=list)  # what is wrong with the files


def path_of(result: Json) -> str:
    return "/" + result["request"]["url"].split("/", 3)[3]


def as_served(result: Json) -> str:
    return json.dumps(result, sort_keys=True)


def check(evidence: Evidence) -> list[str]:
    """What is wrong, a sentence each."""
    checks = (check_wishes, check_keys, check_unsafe, check_safe, check_answers, check_seen,
              check_counts, check_files, check_callbacks, check_plans)
    return [sentence for check_one in checks for sentence in check_one(evidence)]


# -- I1, I2: jobs ---------------------------------------------------------------------------

def check_wishes(evidence: Evidence) -> Iterator[str]:
    by_name: dict[str, list[Kept]] = defaultdict(list)
    for kept in evidence.kept:
        by_name[kept.job["name"]].append(kept)
    for wish in evidence.wishes:
        yield from check_wish(evidence, wish, by_name.pop(wish.name, []))
    for name in by_name:
        yield f"I1: nobody has asked for the job {name}"


def check_wish(evidence: Evidence, wish: Wish, kept: list[Kept]) -> Iterator[str]:
    ids = {each.id for each in kept}
    if wish.is_deleted and ids:
        yield f"I2: the job {wish.name} was deleted, and is there"
    for lost in sorted(set() if wish.may_be_deleted else (wish.ids | wish.retries) - ids):
        yield f"I1: the job {wish.name} was acknowledged as {lost}, and is lost"
    originals = [each for each in kept if len(each.results) == len(wish.items)
                 and each.id not in wish.retries]
    original = next((each for each in originals if each.id in wish.ids), None) or \
        next(iter(originals), None)
    if original is None:
        yield from check_absent(evidence, wish, kept)
        return
    yield from check_job(wish, original, wish.items)
    others = [each for each in kept if each is not original]
    for retry in others:
        yield from check_job(wish, retry, failed_items(wish, original))
    if len(others) > len(wish.retries) + wish.lost_retries:
        yield f"I2: there are {len(kept)} jobs {wish.name}"


def check_absent(evidence: Evidence, wish: Wish, kept: list[Kept]) -> Iterator[str]:
    if kept:
        yield f"I2: the job {wish.name} is there in part: {len(kept[0].results)} results " \
              f"of {len(wish.items)}"
    elif not wish.ids and any(evidence.arrived[i.method, i.path] for i in wish.items):
        yield f"I2: requests of the job {wish.name} were sent, but there is no such job"


def failed_items(wish: Wish, original: Kept) -> list[Item]:
    return [item for item, result in zip(wish.items, original.results)
            if result["outcome"] != "success"]


def check_job(wish: Wish, kept: Kept, items: list[Item]) -> Iterator[str]:
    what = f"the job {wish.name} ({kept.id})"
    if not kept.job["done"]:
        yield f"I1: {what} has not ended"
    if [result["index"] for result in kept.results] != list(range(len(items))):
        yield f"I1: {what} has {len(kept.results)} results of {len(items)}, or not in order"
        return
    for item, result in zip(items, kept.results):
        if (path_of(result), result["request"]["method"]) != (item.path, item.method):
            yield f"I1: {what}: result {result['index']} is of another request"
        elif result["state"] != "finished":
            yield f"I1: {what}: item {result['index']} has no result"
        elif not may_come_to(wish, item, result["outcome"]) and not is_given_up(result):
            yield f"I1: {what}: {item.method} {item.path} came to {result['outcome']} " \
                  f"({result['error']})"
        elif body_of(result) != expected_body(item, result["outcome"]):
            yield f"I1: {what}: of {item.method} {item.path} the body is {result['body']}"


def body_of(result: Json) -> str | None:
    return result["body"].get("data") or None


def expected_body(item: Item, outcome: str) -> str | None:
    has_one = item.captures and item.method != "HEAD" and outcome in ANSWERED
    return f"{item.path}\n" if has_one else None


def may_come_to(wish: Wish, item: Item, outcome: str) -> bool:
    return outcome == COMES_TO[item.behaviour] or \
        (outcome in NEVER_RUN and wish.canceled) or \
        (outcome in TOO_LATE and wish.deadline_ms is not None) or \
        (outcome == "interrupted" and not item.is_safe)


def is_given_up(result: Json) -> bool:
    return bool(result["error"]) and "ended unexpectedly each time" in result["error"]["message"]


def check_keys(evidence: Evidence) -> Iterator[str]:
    for wish in evidence.wishes:
        if len(wish.ids) > 1:
            yield f"I2: the key of the job {wish.name} has made {len(wish.ids)} jobs: " \
                  f"{', '.join(sorted(wish.ids))}"


# -- I3, I4: requests -----------------------------------------------------------------------

@dataclass
class Told:
    """What results say of a request, of all jobs that have it."""
    n: int = 0
    n_answered: int = 0
    n_interrupted: int = 0


def told(evidence: Evidence) -> dict[tuple[str, str], Told]:
    by_request: dict[tuple[str, str], Told] = defaultdict(Told)
    for kept in evidence.kept:
        for result in kept.results:
            about = by_request[result["request"]["method"], path_of(result)]
            about.n += 1
            about.n_answered += result["outcome"] in ANSWERED
            about.n_interrupted += result["outcome"] == "interrupted"
    return by_request


def check_unsafe(evidence: Evidence) -> Iterator[str]:
    n_interrupted = 0
    for (method, path), about in told(evidence).items():
        if method in SAFE:
            continue
        n_interrupted += about.n_interrupted
        n = evidence.arrived[method, path]
        if n > about.n:
            yield f"I3: {method} {path} was sent {n} times, for {about.n} results"
    limit = evidence.n_kills * evidence.limits.interrupted
    if n_interrupted > limit:
        yield f"I3: {n_interrupted} are interrupted, of {limit} that may be"


def check_safe(evidence: Evidence) -> Iterator[str]:
    limit = evidence.n_kills * evidence.limits.repeated
    n = n_repeated(evidence)
    if n > limit:
        yield f"I4: {n} requests were repeated, of {limit} that may be"
    limit = max(0, evidence.n_kills - TRIES_WITH_OTHERS) // TRIES_ALONE
    n = sum(is_given_up(result) for kept in evidence.kept for result in kept.results)
    if n > limit:
        yield f"I4: {n} requests were given up, of {limit} that {evidence.n_kills} kills allow"


def n_repeated(evidence: Evidence) -> int:
    """Those that one has to send again when its connection breaks do not count."""
    return sum(max(0, evidence.arrived[method, path] - about.n)
               for (method, path), about in told(evidence).items()
               if method in SAFE and not path.startswith("/reset/"))


def check_answers(evidence: Evidence) -> Iterator[str]:
    for (method, path), about in told(evidence).items():
        if evidence.arrived[method, path] < about.n_answered:
            yield f"I1: {method} {path} was answered, but it never arrived"


# -- I5, I6 ---------------------------------------------------------------------------------

def check_seen(evidence: Evidence) -> Iterator[str]:
    kept = {(each.id, result["index"]): result for each in evidence.kept
            for result in each.results}
    deleted = {id for wish in evidence.wishes if wish.may_be_deleted for id in wish.ids}
    for (job, index), served in evidence.seen.items():
        result = kept.get((job, index))
        if result is None and job in deleted:
            continue
        if result is None:
            yield f"I5: result {index} of {job} was seen, and is gone"
        elif as_served(result) != served:
            yield f"I5: result {index} of {job} was seen as {served}, and is now {as_served(result)}"


def check_counts(evidence: Evidence) -> Iterator[str]:
    for kept in evidence.kept:
        counts = kept.job["counts"]
        real = Counter(result["outcome"] for result in kept.results)
        said = {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}
        if said != dict(real) or counts["total"] != counts["finished"] or \
                counts["total"] != len(kept.results):
            yield f"I6: the job {kept.id} counts {counts}, but its results {dict(real)}"


def check_files(evidence: Evidence) -> Iterable[str]:
    return (f"I6: {what}" for what in evidence.left_behind)


# -- I7 -------------------------------------------------------------------------------------

def check_callbacks(evidence: Evidence) -> Iterator[str]:
    """A retry of a job tells the same path of its own end."""
    n_kept = Counter(each.job["name"] for each in evidence.kept)
    n_again = 0
    for wish in evidence.wishes:
        if wish.callback is None or wish.may_be_deleted:
            continue
        n = evidence.arrived["POST", wish.callback]
        if n < n_kept[wish.name]:
            yield f"I7: of {n_kept[wish.name]} jobs {wish.name} the end was told {n} times"
        n_again += max(0, n - n_kept[wish.name])
    limit = evidence.n_kills * evidence.limits.told_again
    if n_again > limit:
        yield f"I7: the ends of {n_again} jobs were told again, of {limit} that may be"


# -- I8 -------------------------------------------------------------------------------------

def check_plans(evidence: Evidence) -> Iterator[str]:
    for plan in evidence.plans:
        yield from check_due(plan)
        yield from check_runs(plan, evidence.scheduled.get(plan.name, []))


def check_due(plan: Plan) -> Iterator[str]:
    """Each time is told of, in order; and once, as it makes one run or is counted with others."""
    due = instant(plan.schedule["created_at"]) + plan.every
    for number, run in enumerate(plan.runs, 1):
        if run["number"] != number or instant(run["due_at"]) != due:
            yield f"I8: {plan.name} was due at {due}, and then says {run}"
        due = instant(run["due_at"]) + run["due_count"] * plan.every
        if run["state"] not in ("done", "skipped", "missed"):
            yield f"I8: {plan.name} has a run that is {run['state']}: {run}"
        elif run["state"] == "done" and run["counts"]["total"] != 1:
            yield f"I8: {plan.name} has a run of other items: {run}"


def check_runs(plan: Plan, kept: list[Kept]) -> Iterator[str]:
    ids = {each.id for each in kept}
    jobs = Counter(run["job_id"] for run in plan.runs if run["job_id"])
    for id in sorted(ids - set(jobs)):
        yield f"I8: the job {id} of {plan.name} is that of no run"
    for id in sorted(set(jobs) - ids):
        yield f"I8: the job {id} of {plan.name} is lost"
    for id, n in jobs.items():
        if n > 1:
            yield f"I8: the job {id} of {plan.name} is that of {n} runs"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
