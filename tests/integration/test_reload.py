"""SIGHUP: a new configuration comes into force, and what goes on does not notice; a wrong one does not."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from durable import DurableTest
from harness import Gatherd, GatherdTest, Json, Reply, curl, run_gatherd
from patience import PATIENCE, eventually
from tokens import new_token


class ConfiguredGatherd(Gatherd):
    """One with a configuration file, that is read again."""

    def __init__(self, config: str, *settings: str, **options: Json) -> None:
        super().__init__(*settings, **options)
        self.config = self.directory / "gatherd.conf"
        self.config.write_text(config)

    def command(self) -> list[str]:
        return [*super().command(), "--config", str(self.config)]

    def count(self, line: str) -> int:
        return self.stderr().count(line)

    def tell(self, line: str) -> None:
        """Has it read its configuration, until the log has one more such line."""
        n = self.count(line)
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.count(line) > n, line)

    def reload(self, config: str | None = None) -> None:
        if config is not None:
            self.config.write_text(config)
        self.tell("the configuration is reloaded")

    def refuse(self, config: str, *words: str) -> None:
        self.config.write_text(config)
        self.tell("the configuration is not reloaded")
        for word in words:
            eventually(lambda: word in self.stderr(), word)  # noqa: B023

    def limits(self) -> Json:
        return curl(f"{self.base}/v1/limits").json()


OPEN = "[egress]\nallow = 127.0.0.0/8\n"


class ReloadTest(GatherdTest):
    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        return cls.enterClassContext(ConfiguredGatherd(OPEN))

    def reload(self, config: str) -> None:
        assert isinstance(self.gatherd, ConfiguredGatherd)
        self.gatherd.reload(config)

    def refuse(self, config: str, *words: str) -> None:
        assert isinstance(self.gatherd, ConfiguredGatherd)
        self.gatherd.refuse(config, *words)

    def setUp(self) -> None:
        super().setUp()
        self.reload(OPEN)

    def test_limits_change(self) -> None:
        self.reload(f"{OPEN}[api]\nmax_items = 2\nmax_wait_ms = 5s\n[jobs]\nttl_ms = 2h\n")
        limits = self.get("/v1/limits").json()
        self.assertEqual((limits["api"]["max_items"], limits["api"]["max_wait_ms"],
                          limits["jobs"]["ttl_ms"]), (2, 5000, 7_200_000))
        self.assert_problem(self.post("/v1/gather", [self.origin.url()] * 3), 413)
        job = self.post("/v1/jobs", [self.origin.url()]).json()
        self.assertEqual(self.post("/v1/gather", [self.origin.url()] * 2).status, 200, job)

    def test_bodies_may_be_as_large_as_it_says_now(self) -> None:
        self.reload(f"{OPEN}[api]\nmax_body_bytes = 1K\n")
        self.assertEqual(self.post("/v1/gather", b" " * 2000 + b"[]").status, 413)
        self.reload(OPEN)
        self.assertEqual(self.post("/v1/gather", b" " * 2000 + b"[]").status, 422)

    def test_egress_changes_for_open_connections_too(self) -> None:
        self.assertEqual(self.fetch(self.origin.url())["outcome"], "success")
        self.reload("[egress]\nallow = 127.0.0.0/8\ndeny = 127.0.0.1\n")
        result = self.fetch(self.origin.url())
        self.assertEqual((result["outcome"], result["error"]["rule"]),
                         ("blocked", "egress.deny 127.0.0.1"))
        self.reload("")
        result = self.fetch(self.origin.url())
        self.assertEqual((result["outcome"], result["error"]["rule"]), ("blocked", "ipv4-loopback"))
        self.assertEqual(len(self.origin.requests()), 1)
        blocked = self.get("/v1/stats").json()["items"]["blocked_by"]
        self.assertEqual(blocked["egress.deny 127.0.0.1"], 1)

    def test_own_addresses_stay_blocked(self) -> None:
        result = self.fetch(f"{self.gatherd.base}/healthz")
        self.assertEqual((result["outcome"], result["error"]["rule"]), ("blocked", "own-listener"))

    def test_the_user_agent_of_running_requests_stays(self) -> None:
        """What they were read with is kept until they have ended."""
        urls = [self.origin.url(f"/slow?ms={300 * PATIENCE:.0f}"), self.origin.url("/echo")]
        answers: list[Reply] = []
        body = json.dumps({"urls": urls, "limits": {"concurrency": 1}})
        asking = threading.Thread(target=lambda: answers.append(
            curl("-d", body, f"{self.gatherd.base}/v1/gather")))
        asking.start()
        eventually(lambda: len(self.origin.requests()) == 1, "the first request")
        self.reload(f"{OPEN}[fetch]\nuser_agent = second/2\n")
        asking.join()
        self.assertEqual([r["outcome"] for r in answers[0].json()["results"]], ["success"] * 2)
        self.fetch(self.origin.url("/echo"))
        agents = [dict((name.lower(), value) for name, value in request["headers"])["user-agent"]
                  for request in self.origin.requests()]
        self.assertTrue(agents[0].startswith("gatherd/"), agents)
        self.assertEqual(agents[1:], [agents[0], "second/2"])

    def test_secrets_change(self) -> None:
        secrets = self.gatherd.directory / "secrets"
        secrets.touch(0o600)
        auth = {"type": "bearer", "secret_ref": "key"}
        for value in ("first", "second"):
            secrets.write_text(f"key = {value}\n")
            self.reload(f"{OPEN}[fetch]\nsecrets_file = {secrets}\n")
            self.assertEqual(dict(self.received(auth=auth)["headers"])["Authorization"], f"Bearer {value}")
        self.reload(OPEN)
        self.assert_problem(self.post("/v1/gather", {"requests": [
            {"url": self.origin.url(), "auth": auth}]}), 422, "/requests/0/auth/secret_ref")

    def test_hosts_and_origins_change_for_connections_that_are_open(self) -> None:
        ask = ("/healthz", "GET", b"", "Host: gather.example", "Origin: https://board.example")
        request = self.gatherd.request_bytes(*ask).replace(
            f"Host: 127.0.0.1:{self.gatherd.port}\r\n".encode(), b"")
        plain = self.gatherd.request_bytes("/healthz")
        with self.gatherd.connect() as connection:
            connection.send(plain)
            self.assertEqual(connection.reply().status, 200)
            self.reload(f"{OPEN}[api]\nallowed_hosts = gather.example\n"
                        "allowed_origins = https://board.example\n")
            connection.send(request)
            reply = connection.reply()
            self.assertEqual((reply.status, reply.header("access-control-allow-origin")),
                             (200, "https://board.example"))
            self.reload(OPEN)
            connection.send(request)
            self.assertEqual(connection.reply().status, 403)

    def test_probe_modules_come_and_go(self) -> None:
        target = f"/probe?target={self.origin.url()}&module=mine"
        self.assertEqual(self.get(target).status, 400)
        self.reload(f"{OPEN}[probe.mine]\nmethod = HEAD\n")
        self.assertIn(b"\nprobe_success 1\n", self.get(target).body)
        self.reload(OPEN)
        self.assertEqual(self.get(target).status, 400)

    def test_the_level_of_the_log_changes(self) -> None:
        self.reload(f"{OPEN}[log]\nlevel = debug\n")
        self.reload(f"{OPEN}[log]\nlevel = info\n")

    def test_what_needs_a_restart_is_said_and_stays(self) -> None:
        before = self.get("/v1/limits").json()["fetch"]["concurrency"]
        self.reload(f"{OPEN}[fetch]\nconcurrency = 3\n[store]\nmax_bytes = 20M\n")
        self.assertIn("fetch.concurrency has changed: that takes a restart", self.gatherd.stderr())
        self.assertIn("store.max_bytes has changed: that takes a restart", self.gatherd.stderr())
        self.assertNotIn("api.listen has changed", self.gatherd.stderr())
        self.assertEqual(self.get("/v1/limits").json()["fetch"]["concurrency"], before)

    def test_a_wrong_one_changes_nothing_and_all_that_is_wrong_is_said(self) -> None:
        self.reload(f"{OPEN}[api]\nmax_items = 7\n")
        self.refuse("[api]\nmax_itms = 8\nmax_items = 8\nmax_wait_ms = soon\n[egress]\nallow = nobody\n",
                    "gatherd.conf:2: api.max_itms", "did you mean api.max_items", "gatherd.conf:4: ",
                    "gatherd.conf:6: ")
        self.assertEqual(self.get("/v1/limits").json()["api"]["max_items"], 7)
        self.assertEqual(self.fetch(self.origin.url())["outcome"], "success")
        for wrong, word in (("[fetch]\nsecrets_file = /nothing/secrets\n", "/nothing/secrets"),
                            ("[api]\ntokens_file = /nothing/tokens\n", "/nothing/tokens"),
                            ("[egress]\nnat64_prefixes = 2001:db8::/33\n", "2001:db8::/33"),
                            ("[probe.x]\nfail_if_body_matches_regexp = (\n", "probe.x")):
            with self.subTest(word=word):
                self.refuse(wrong, word)
        self.assertEqual(self.get("/v1/limits").json()["api"]["max_items"], 7)

    def test_a_file_that_is_gone_changes_nothing(self) -> None:
        self.gatherd.config.unlink()
        self.gatherd.tell("the configuration is not reloaded")
        self.assertEqual(self.fetch(self.origin.url())["outcome"], "success")

    def test_drop_ins_are_read_behind_the_file(self) -> None:
        directory = Path(f"{self.gatherd.config}.d")
        directory.mkdir()
        try:
            for name, items in (("20-late.conf", 5), ("10-early.conf", 4), ("ignored.txt", 6)):
                (directory / name).write_text(f"[api]\nmax_items = {items}\n")
            self.reload(f"{OPEN}[api]\nmax_items = 3\n")
            self.assertEqual(self.get("/v1/limits").json()["api"]["max_items"], 5)
            (directory / "20-late.conf").write_text("[api]\nmax_items = none\n")
            self.refuse(OPEN, "20-late.conf:2: api.max_items")
        finally:
            for each in directory.iterdir():
                each.unlink()
            directory.rmdir()

    def test_it_is_told_by_a_command(self) -> None:
        n = self.gatherd.count("the configuration is reloaded")
        done = run_gatherd("reload", str(self.gatherd.process.pid))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        eventually(lambda: self.gatherd.count("the configuration is reloaded") > n, "the line")
        for pid, status in (("nonsense", 64), ("0", 64), (str(2**22 + 1), 1)):
            done = run_gatherd("reload", pid)
            self.assertEqual(done.returncode, status)
            self.assertIn(pid, done.stderr)

    def test_a_process_that_is_no_gatherd_is_left_alone(self) -> None:
        with subprocess.Popen(["sleep", "60"]) as other:
            done = run_gatherd("reload", str(other.pid))
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, f"gatherd: process {other.pid} is no gatherd\n")
            self.assertIsNone(other.poll())
            other.terminate()

    def test_many_of_them_take_no_memory(self) -> None:
        def work() -> None:
            self.reload(OPEN)
            self.fetch(self.origin.url())
        self.assert_memory_back(work, 60, 1 << 20)


class TokensTest(GatherdTest):
    """Those of a daemon whose file of tokens changes."""

    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        return cls.enterClassContext(ConfiguredGatherd(OPEN))

    def tokens(self, *lines: str) -> str:
        path = self.gatherd.directory / "tokens"
        path.touch(0o600)
        path.write_text("".join(f"{line}\n" for line in lines))
        return f"{OPEN}[api]\ntokens_file = {path}\n"

    def status(self, token: str, path: str = "/v1/jobs") -> int:
        return self.get(path, "-H", f"Authorization: Bearer {token}").status

    def test_they_come_change_and_go(self) -> None:
        (first, first_line), (second, second_line) = new_token("one", "read"), new_token("two", "read")
        self.gatherd.reload(self.tokens(first_line))
        self.assertEqual((self.status(first), self.status(second), self.get("/v1/jobs").status),
                         (200, 401, 401))
        self.gatherd.reload(self.tokens(second_line))
        self.assertEqual((self.status(first), self.status(second)), (401, 200))
        self.gatherd.reload(OPEN)
        self.assertEqual(self.get("/v1/jobs").status, 200)

    def test_a_reload_is_no_way_around_a_quota(self) -> None:
        token, line = new_token("slow", "read", "--requests-per-second", "2")
        self.gatherd.reload(self.tokens(line))
        began = time.monotonic()
        statuses = [self.status(token) for _ in range(3)]
        self.gatherd.reload(self.tokens(line))
        statuses += [self.status(token) for _ in range(3)]
        self.assertLessEqual(statuses.count(200), 2 + 2 * (time.monotonic() - began), statuses)
        self.gatherd.reload(OPEN)

    def test_a_request_under_way_keeps_its_token(self) -> None:
        token, line = new_token("brief", "submit", "--queued-items", "5")
        self.gatherd.reload(self.tokens(line))
        answers: list[Reply] = []
        body = json.dumps([self.origin.url(f"/slow?ms={500 * PATIENCE:.0f}")])
        asking = threading.Thread(target=lambda: answers.append(self.post(
            "/v1/gather", body, "-H", f"Authorization: Bearer {token}")))
        asking.start()
        eventually(lambda: len(self.origin.requests()) == 1, "the request")
        self.gatherd.reload(OPEN)
        asking.join()
        self.assertEqual(answers[0].status, 200)


class ExposedTest(GatherdTest):
    """One that others can reach."""

    def test_it_cannot_lose_its_tokens(self) -> None:
        _, line = new_token("one", "read")
        with tempfile.TemporaryDirectory() as directory:
            tokens = Path(directory) / "tokens"
            tokens.touch(0o600)
            tokens.write_text(f"{line}\n")
            with_tokens = f"[api]\ntokens_file = {tokens}\n"
            gatherd = ConfiguredGatherd(with_tokens)
            gatherd.settings[0] = f"api.listen=0.0.0.0:{gatherd.port}"
            with gatherd:
                gatherd.refuse("", "0.0.0.0")
                self.assertEqual(curl(f"{gatherd.base}/v1/jobs").status, 401)


class NotedTest(GatherdTest):
    """What the service manager is told."""

    def test_it_hears_when_it_begins_and_what_came_of_it(self) -> None:
        with tempfile.TemporaryDirectory() as directory, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:
            path = f"{directory}/notes"
            notes.bind(path)
            notes.settimeout(10 * PATIENCE)
            with ConfiguredGatherd("", environment={"NOTIFY_SOCKET": path}) as gatherd:
                self.assertIn(b"READY=1", notes.recv(1000))
                gatherd.reload()
                self.assertRegex(notes.recv(1000), rb"^RELOADING=1\nMONOTONIC_USEC=[0-9]+$")
                self.assertRegex(notes.recv(1000), rb"^READY=1\nSTATUS=Listening on [0-9.:]+$")
                gatherd.refuse("nonsense\n", "gatherd.conf:1")
                self.assertIn(b"RELOADING=1", notes.recv(1000))
                self.assertRegex(notes.recv(1000), rb"^READY=1\nSTATUS=.*stays in force$")


class JobsTest(DurableTest):
    def test_jobs_go_on(self) -> None:
        gatherd = self.enterContext(ConfiguredGatherd(f"{OPEN}[fetch]\nuser_agent = a/1\n",
                                                      "fetch.concurrency=4"))
        job = self.submit_urls(gatherd, [self.origin.url(f"/slow?ms=20&n={n}") for n in range(200)])
        for n in range(5):
            gatherd.reload(f"{OPEN}[fetch]\nuser_agent = a/{n}\n")
        self.assertEqual(self.ended(gatherd, job)["counts"]["success"], 200)
        sent = [event["target"] for event in self.origin.requests()]
        self.assertEqual(len(set(sent)), 200)
        self.assertEqual(len(sent), 200)
