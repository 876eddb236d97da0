"""Who may: tokens, rights, tenants that do not see each other, quotas."""

from __future__ import annotations

import json
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import Gatherd, Json, Reply, curl, run_gatherd
from patience import PATIENCE, eventually
from servers import Origin, free_port
from tokens import TokensTest, new_token

UNKNOWN = "gth_" + 64 * "0"


class RightsTest(TokensTest):
    tokens = {"all": ["submit,read,admin"], "both": ["submit,read"], "submit": ["submit"], "read": ["read"],
              "admin": ["admin"]}

    # What takes which right; {job} is there, and stays.
    table = {
        "submit": ["POST /v1/gather", "GET /v1/gather?url={origin}", "POST /v1/jobs",
                   "DELETE /v1/jobs/{missing}"],
        "read": ["GET /v1/jobs", "GET /v1/jobs/{job}", "GET /v1/jobs/{job}/results",
                 "GET /v1/jobs/{job}/results/0", "GET /v1/jobs/{job}/results/0/body",
                 "GET /v1/limits"],
        "admin": ["GET /v1/stats", "GET /v1/tasks", "GET /metrics"],
    }

    # What takes the right to submit and to read, since its answer shows what is stored.
    of_both = ["POST /v1/jobs/{job}/cancel", "POST /v1/jobs/{job}/retry",
               "POST /v1/schedules/{missing}/pause", "POST /v1/schedules/{missing}/resume",
               "POST /v1/schedules/{missing}/run"]

    def ask(self, request: str, *arguments: str) -> Reply:
        method, target = request.split(" ")
        target = target.format(origin=self.origin.url(), job=self.job, missing=self.job + "x")
        body = ["-d", json.dumps([self.origin.url()])] if method == "POST" and "{" not in request \
            else []
        return curl("-X", method, *body, *arguments, self.gatherd.base + target)

    def setUp(self) -> None:
        super().setUp()
        reply = self.post("/v1/jobs", [self.origin.url()], *self.bearer("all"))
        self.assertEqual(reply.status, 202, reply.body)
        self.job = reply.json()["id"]

    def test_without_a_token_nothing_goes(self) -> None:
        for request in sum(self.table.values(), []):
            with self.subTest(request):
                reply = self.ask(request)
                problem = self.assert_problem(reply, 401)
                self.assertEqual(problem["code"], "token_missing")
                self.assertEqual(reply.header("www-authenticate"), 'Bearer realm="gatherd"')

    def test_health_takes_no_token(self) -> None:
        self.assertEqual(self.get("/healthz").status, 200)

    def test_what_is_no_token_of_ours_is_refused(self) -> None:
        good = self.shown["all"]
        for shown in (UNKNOWN, good[:-1], good + "0", good.upper(), "sha256:" + 64 * "0", "ä"):
            with self.subTest(shown=shown):
                reply = self.get("/v1/jobs", "-H", f"Authorization: Bearer {shown}")
                problem = self.assert_problem(reply, 401)
                self.assertEqual(problem["code"], "token_unknown")
                self.assertIn('error="invalid_token"', reply.header("www-authenticate") or "")
                self.assertNotIn(shown, reply.body.decode())

    def test_the_hash_of_a_token_is_no_token(self) -> None:
        for line in self.tokens_file.read_text().splitlines()[1:]:
            digest = line.split(" ")[1]
            for shown in (digest, digest.removeprefix("sha256:")):
                reply = self.get("/v1/jobs", "-H", f"Authorization: Bearer {shown}")
                self.assert_problem(reply, 401)

    def test_only_a_bearer_counts(self) -> None:
        token = self.shown["all"]
        for arguments in (["-H", f"Authorization: Basic {token}"], ["-u", f"all:{token}"],
                          ["-H", f"Authorization: {token}"], ["-H", f"X-Api-Key: {token}"],
                          ["-H", "Authorization: Bearer"], ["-b", f"token={token}"]):
            with self.subTest(arguments=arguments[1][:20]):
                self.assert_problem(self.get("/v1/jobs", *arguments), 401)
        self.assert_problem(self.get(f"/v1/jobs?access_token={token}"), 401)

    def test_the_scheme_is_written_any_way(self) -> None:
        for scheme in ("bearer", "BEARER", "Bearer "):
            reply = self.get("/v1/jobs", "-H", f"Authorization: {scheme} {self.shown['all']}")
            self.assertEqual(reply.status, 200, scheme)

    def test_two_tokens_are_ambiguous(self) -> None:
        reply = self.get("/v1/jobs", *self.bearer("all"), *self.bearer("read"))
        self.assertEqual(self.assert_problem(reply, 400)["code"], "several_authorizations")

    def test_each_right_opens_what_it_is_for_and_nothing_else(self) -> None:
        for right, requests in self.table.items():
            for request in requests:
                for name in ("submit", "read", "admin"):
                    with self.subTest(request, name=name):
                        reply = self.ask(request, *self.bearer(name))
                        if name == right:
                            self.assertNotIn(reply.status, (401, 403), reply.body)
                            continue
                        problem = self.assert_problem(reply, 403)
                        self.assertEqual(problem["code"], "right_missing")
                        self.assertIn(f'scope="{right}"', reply.header("www-authenticate") or "")

    def test_who_may_not_read_is_shown_nothing_that_is_stored(self) -> None:
        for request in self.of_both:
            for name, missing in (("submit", "read"), ("read", "submit"), ("admin", "submit"),
                                  ("both", None)):
                with self.subTest(request, name=name):
                    reply = self.ask(request, *self.bearer(name))
                    if missing is None:
                        self.assertNotIn(reply.status, (401, 403), reply.body)
                        continue
                    self.assert_problem(reply, 403)
                    self.assertIn(f'scope="{missing}"', reply.header("www-authenticate") or "")
                    self.assertNotIn(self.origin.url().encode(), reply.body)

    def test_who_may_not_is_refused_before_the_body_comes(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.gatherd.request_bytes("/v1/jobs", "POST", b"",
                                                       "Content-Length: 1000000"))
            reply = connection.reply()
            assert reply is not None
            self.assertEqual(reply.status, 401)

    def test_what_is_not_there_takes_no_token(self) -> None:
        self.assert_problem(self.get("/nothing"), 404)
        self.assert_problem(self.get("/v1/jobs", "-X", "PUT"), 405)

    def test_limits_show_the_token_but_not_its_secret(self) -> None:
        reply = self.get("/v1/limits", *self.bearer("all"))
        self.assertEqual(reply.json()["token"],
                         {"name": "all", "tenant": "", "rights": ["admin", "read", "submit"],
                          "quota": {"requests_per_second": None, "queued_items": None}})
        self.assertNotIn(self.shown["all"].encode(), reply.body)


class TenantsTest(TokensTest):
    tokens = {"red": ["submit,read", "--tenant", "red"],
              "red2": ["submit,read", "--tenant", "red"],
              "blue": ["submit,read", "--tenant", "blue"],
              "nobody": ["submit,read"]}
    others = ("blue", "nobody")

    def submit(self, name: str, *arguments: str, document: Json = None) -> Reply:
        document = document or {"labels": {"who": name}, "requests": [self.origin.url("/404")],
                                "defaults": {"expect": {"status": [200]}}}
        return self.post("/v1/jobs", document, *self.bearer(name), *arguments)

    def job(self, name: str) -> str:
        reply = self.submit(name)
        self.assertEqual(reply.status, 202, reply.body)
        return reply.json()["id"]

    def ids(self, name: str, query: str = "") -> set[str]:
        page = self.get("/v1/jobs?limit=1000" + query, *self.bearer(name)).json()
        return {job["id"] for job in page["data"]}

    def end(self, name: str, job: str) -> None:
        eventually(lambda: self.get(f"/v1/jobs/{job}", *self.bearer(name)).json()["done"], "the end")

    def assert_hidden(self, name: str, job: str) -> None:
        """To the last byte as one that never was."""
        never = "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE"
        for request in ("GET {}", "GET {}/results", "GET {}/results/0", "GET {}/results/0/body",
                        "POST {}/cancel", "POST {}/retry", "DELETE {}"):
            method, path = request.split(" ")
            with self.subTest(request, name=name):
                replies = [self.get("/v1/jobs/" + path.format(each), "-X", method,
                                    *self.bearer(name)) for each in (job, never)]
                self.assertEqual([reply.status for reply in replies], [404, 404])
                self.assertEqual(replies[0].body.replace(job.encode(), never.encode()),
                                 replies[1].body)

    def test_a_running_job_is_of_its_tenant_only(self) -> None:
        reply = self.submit("red", document=[self.origin.url("/hang")])
        job = reply.json()["id"]
        eventually(lambda: self.origin.requests(), "the request")
        for name in self.others:
            self.assert_hidden(name, job)
        self.assertEqual(self.get(f"/v1/jobs/{job}", *self.bearer("red2")).json()["status"],
                         "running")
        self.assertEqual(self.get(f"/v1/jobs/{job}", "-X", "DELETE",
                                  *self.bearer("red2")).status, 204)

    def test_an_ended_job_is_of_its_tenant_only(self) -> None:
        job = self.job("red")
        self.end("red", job)
        for name in self.others:
            self.assert_hidden(name, job)
        self.assertEqual(self.get(f"/v1/jobs/{job}/results", *self.bearer("red2")).status, 200)

    def test_lists_have_the_tenants_own_jobs(self) -> None:
        jobs = {name: self.job(name) for name in ("red", "blue", "nobody")}
        for name, job in jobs.items():
            self.end(name, job)
            for query in ("", "&status=done", f"&label.who={name}"):
                with self.subTest(name=name, query=query):
                    seen = self.ids(name, query)
                    self.assertIn(job, seen)
                    self.assertFalse(seen & (set(jobs.values()) - {job}))
        self.assertEqual(self.ids("blue", "&label.who=red"), set())
        self.assertIn(jobs["red"], self.ids("red2"))

    def test_cursors_lead_nobody_to_the_jobs_of_others(self) -> None:
        for _ in range(3):
            self.job("red")
        self.job("blue")
        first = self.get("/v1/jobs?limit=1", *self.bearer("red")).json()
        page = self.get(f"/v1/jobs?cursor={first['next_cursor']}", *self.bearer("blue")).json()
        self.assertFalse({job["id"] for job in page["data"]} & self.ids("red"))

    def test_keys_are_the_tenants_own(self) -> None:
        key = ["-H", "Idempotency-Key: nightly"]
        first, again, other = (self.submit(name, *key, document=[self.origin.url()])
                               for name in ("red", "red2", "blue"))
        self.assertEqual([reply.status for reply in (first, again, other)], [202, 202, 202])
        self.assertEqual(first.json()["id"], again.json()["id"])
        self.assertNotEqual(first.json()["id"], other.json()["id"])
        self.assertIsNone(other.header("idempotent-replayed"))
        reused = self.submit("red", *key, document=[self.origin.url("/other")])
        self.assertEqual(self.assert_problem(reused, 422)["code"], "idempotency_key_reused")
        fine = self.submit("nobody", *key, document=[self.origin.url("/other")])
        self.assertEqual(fine.status, 202)

    def test_what_is_retried_stays_with_its_tenant(self) -> None:
        job = self.job("red")
        self.end("red", job)
        reply = self.get(f"/v1/jobs/{job}/retry", "-X", "POST", *self.bearer("red2"))
        self.assertEqual(reply.status, 202, reply.body)
        self.assertIn(reply.json()["id"], self.ids("red"))
        self.assert_hidden("blue", reply.json()["id"])


class RestartTest(unittest.TestCase):
    def test_jobs_stay_with_their_tenant_over_a_crash(self) -> None:
        with tempfile.TemporaryDirectory() as directory, Origin() as origin:
            file = Path(directory) / "tokens"
            file.touch(0o600)
            red, red_line = new_token("red", "submit,read", "--tenant", "red")
            blue, blue_line = new_token("blue", "submit,read", "--tenant", "blue")
            file.write_text(f"{red_line}\n{blue_line}\n")
            with Gatherd("egress.allow=127.0.0.0/8", f"api.tokens_file={file}") as gatherd:
                def ask(token: str, *arguments: str) -> Reply:
                    return curl("-H", f"Authorization: Bearer {token}", *arguments)

                jobs = [ask(red, "-d", json.dumps([origin.url(path)]),
                            gatherd.base + "/v1/jobs").json()["id"] for path in ("/hang", "/")]
                gatherd.restart()
                for job in jobs:
                    self.assertEqual(ask(red, f"{gatherd.base}/v1/jobs/{job}").status, 200)
                    self.assertEqual(ask(blue, f"{gatherd.base}/v1/jobs/{job}").status, 404)
                self.assertEqual(ask(blue, gatherd.base + "/v1/jobs").json()["data"], [])

    def test_jobs_from_before_there_were_tokens_are_of_those_without_a_tenant(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "tokens"
            file.touch(0o600)
            plain, plain_line = new_token("plain", "read")
            red, red_line = new_token("red", "read", "--tenant", "red")
            file.write_text(f"{red_line}\n{plain_line}\n")
            with Gatherd() as gatherd:
                job = curl("-d", '["https://[::1]/"]', gatherd.base + "/v1/jobs").json()["id"]
                gatherd.kill()
                gatherd.settings.append(f"api.tokens_file={file}")
                gatherd.start()
                for token, status in ((plain, 200), (red, 404)):
                    reply = curl("-H", f"Authorization: Bearer {token}",
                                 f"{gatherd.base}/v1/jobs/{job}")
                    self.assertEqual(reply.status, status)


class QuotaTest(TokensTest):
    tokens = {"slow": ["submit,read", "--requests-per-second", "5"],
              "small": ["submit,read", "--tenant", "small", "--queued-items", "10"],
              "one": ["submit", "--queued-items", "1"],
              "free": ["submit,read", "--tenant", "free"]}

    def test_requests_beyond_the_rate_get_a_429(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: self.get("/v1/jobs", *self.bearer("slow")),
                                    range(20)))
        refused = [reply for reply in replies if reply.status != 200]
        self.assertGreaterEqual(len(replies) - len(refused), 5)
        self.assertTrue(refused)
        for reply in refused:
            self.assertEqual(self.assert_problem(reply, 429)["code"], "quota_exceeded")
            self.assertEqual(reply.header("retry-after"), "1")
            self.assertRegex(reply.header("ratelimit") or "", r'^"requests";r=0;t=1$')
        for reply in replies:
            self.assertEqual(reply.header("ratelimit-policy"), '"requests";q=5;w=1')
        time.sleep(1.1)
        self.assertEqual(self.get("/v1/jobs", *self.bearer("slow")).status, 200)

    def test_others_are_not_counted_with_it(self) -> None:
        for _ in range(20):
            reply = self.get("/v1/jobs", *self.bearer("free"))
            self.assertEqual(reply.status, 200)
            self.assertIsNone(reply.header("ratelimit"))

    def test_who_has_no_quota_left_still_sees_the_health(self) -> None:
        replies = [self.get("/healthz", *self.bearer("slow")) for _ in range(20)]
        self.assertEqual({reply.status for reply in replies}, {200})

    def hang(self, n: int) -> Json:
        return [{"url": self.origin.url("/hang"), "repeat": n}]

    def assert_over(self, reply: Reply, left: int) -> None:
        self.assertEqual(self.assert_problem(reply, 429)["code"], "quota_exceeded")
        self.assertIsNotNone(reply.header("retry-after"))
        self.assertEqual(reply.header("ratelimit-policy"), '"queued-items";q=10')
        self.assertEqual(reply.header("ratelimit"), f'"queued-items";r={left}')

    def assert_never(self, reply: Reply) -> None:
        problem = self.assert_problem(reply, 413)
        self.assertEqual(problem["code"], "too_many_items")
        self.assertIn("may have 10 items", problem["detail"])
        self.assertIsNone(reply.header("retry-after"))

    def test_items_that_wait_are_bounded(self) -> None:
        submit = lambda n: self.post("/v1/jobs", self.hang(n), *self.bearer("small"))
        self.assert_never(submit(11))
        first = submit(8)
        self.assertEqual(first.status, 202, first.body)
        self.assert_over(submit(3), 2)
        second = submit(2)
        self.assertEqual(second.status, 202)
        self.assert_over(submit(1), 0)
        self.assertEqual(self.post("/v1/jobs", self.hang(11), *self.bearer("free")).status, 202)
        path = f"/v1/jobs/{first.json()['id']}"
        self.assertEqual(self.get(path, "-X", "DELETE", *self.bearer("small")).status, 204)
        third = submit(8)
        self.assertEqual(third.status, 202)
        for job in (second, third):
            self.get(f"/v1/jobs/{job.json()['id']}", "-X", "DELETE", *self.bearer("small"))

    def test_items_that_are_too_many_are_refused_while_they_come(self) -> None:
        lines = f"{self.origin.url('/hang')}\n".encode() * 1000
        for n_before in (1, 9):
            job = self.post("/v1/jobs", self.hang(n_before), *self.bearer("small")).json()
            with self.subTest(n_before=n_before), self.gatherd.connect() as connection:
                connection.send(self.gatherd.request_bytes(
                    "/v1/jobs", "POST", b"", f"Authorization: Bearer {self.shown['small']}",
                    "Content-Type: text/uri-list", "Content-Length: 100000000") + lines)
                reply = connection.reply()
                assert reply is not None
                self.assert_never(reply)
            self.get(f"/v1/jobs/{job['id']}", "-X", "DELETE", *self.bearer("small"))

    def test_a_gather_counts_too(self) -> None:
        reply = self.post("/v1/gather", self.hang(11), *self.bearer("small"))
        self.assert_never(reply)
        reply = self.post("/v1/gather", [self.origin.url()] * 10, *self.bearer("small"))
        self.assertEqual(reply.status, 200, reply.body)

    def test_a_probe_is_an_item(self) -> None:
        probe = f"/probe?target={self.origin.url('/hang')}"
        with self.gatherd.connect() as connection:
            connection.send(self.gatherd.request_bytes(
                probe, "GET", b"", f"Authorization: Bearer {self.shown['one']}"))
            eventually(lambda: self.get(probe, *self.bearer("one")).status == 429, "the quota")
        probe = f"/probe?target={self.origin.url()}"
        eventually(lambda: self.get(probe, *self.bearer("one")).status == 200, "its end")

    def test_limits_show_the_quota(self) -> None:
        limits = self.get("/v1/limits", *self.bearer("small")).json()
        self.assertEqual(limits["token"]["quota"],
                         {"requests_per_second": None, "queued_items": 10})


class TokensFileTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.directory / "tokens"
        self.file.touch(0o600)

    def check(self, *settings: str) -> str:
        """What is wrong with the file."""
        done = run_gatherd("--set", f"api.tokens_file={self.file}", "--check-config")
        self.assertEqual(done.returncode, 78, done.stdout)
        return done.stderr

    def test_mistakes_are_named_by_line_and_never_quoted(self) -> None:
        digest = "sha256:" + 64 * "a"
        table = {
            "CANARY": "NAME sha256:HASH RIGHTS", f"a CANARY read": "sha256:",
            f"a {64 * 'a'} read": "sha256:", f"a {digest} CANARY": "rights",
            f"a {digest} read,": "rights", f"a {digest}": "RIGHTS",
            f"a {digest} read CANARY=1": "tenant=NAME", f"a {digest} read tenant=": "tenant",
            f"a {digest} read queued_items=CANARY": "quota",
            f"a {digest} read requests_per_second=0": "quota",
            f".CANARY {digest} read": "name",
        }
        for line, words in table.items():
            with self.subTest(line):
                self.file.write_text(f"# tokens\n\n{line}\n")
                said = self.check()
                self.assertIn(f"{self.file}:3: ", said)
                self.assertIn(words, said)
                self.assertNotIn("CANARY", said)

    def test_a_name_or_a_token_given_twice_is_a_mistake(self) -> None:
        _, one = new_token("one", "read")
        _, two = new_token("two", "read")
        for text, what in ((f"{one}\n{two.replace('two', 'one', 1)}\n", "name"),
                           (f"{one}\n{one.replace('one', 'two', 1)}\n", "hash")):
            self.file.write_text(text)
            self.assertIn(f":2: this {what} was given in line 1 already", self.check())

    def test_a_file_without_tokens_is_a_mistake(self) -> None:
        self.file.write_text("# none\n")
        self.assertIn("nobody could use", self.check())

    def test_a_file_that_others_may_change_is_refused(self) -> None:
        self.file.write_text(new_token("one", "read")[1])
        self.file.chmod(0o660)
        self.assertIn("others may", self.check())

    def test_a_missing_file_is_named(self) -> None:
        self.file.unlink()
        self.assertIn(str(self.file), self.check())

    def test_with_tokens_every_address_may_be_listened_on(self) -> None:
        token, line = new_token("one", "read")
        self.file.write_text(line)
        port = free_port()
        with Gatherd(f"api.tokens_file={self.file}", also_listen=f"0.0.0.0:{port}"):
            url = f"http://127.0.0.2:{port}/v1/jobs"
            self.assertEqual(curl(url).status, 401)
            self.assertEqual(curl("-H", f"Authorization: Bearer {token}", url).status, 200)
            self.assertEqual(curl("-H", "Host: evil.example", url).status, 403)


class TokenNewTest(unittest.TestCase):
    def test_no_two_are_alike(self) -> None:
        self.assertEqual(len({new_token("one", "read")[0] for _ in range(5)}), 5)

    def test_mistakes_are_said(self) -> None:
        for arguments in ([], ["old"], ["new"], ["new", "a"], ["new", "a", "--rights", "write"],
                          ["new", "a b", "--rights", "read"], ["new", "a", "--rights", "read", "b"],
                          ["new", "a", "--rights", "read", "--tenant", ".x"],
                          ["new", "a", "--rights", "read", "--queued-items", "many"],
                          ["new", "a", "--rights", "read", "--colour", "red"]):
            with self.subTest(arguments=arguments):
                done = run_gatherd("token", *arguments)
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertIn("gatherd token new NAME --rights", done.stderr)


if __name__ == "__main__":
    unittest.main()
