"""docs/operations.md, "Behind nginx": its configurations, as they stand there.

Only the ports and the certificate are others. Clients use the name, over TLS.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import subprocess
from pathlib import Path
from typing import Iterator

from examples import Page
from harness import Gatherd, Json, Reply, curl, needs
from patience import eventually, takes_seconds
from servers import Certificates
from streams import Proxy
from test_jobs import JobTest

NAME = "gather.example"
SECTION = "Behind nginx"
MILLISECONDS = {"s": 1000, "m": 60_000}


class DocumentedNginx(Proxy):
    def __init__(self, gatherd: Gatherd, certificate: Path, key: Path) -> None:
        super().__init__(gatherd)
        self.page = Page("docs/operations.md", {
            "127.0.0.1:7480": f"127.0.0.1:{self.target}", "443": f"127.0.0.1:{self.port}",
            f"/etc/ssl/certs/{NAME}.pem": str(certificate),
            f"/etc/ssl/private/{NAME}.key": str(key)})

    def server(self) -> str:
        return self.page.block(SECTION, "nginx")


def documented_settings() -> list[str]:
    parser = configparser.ConfigParser()
    parser.read_string(Page("docs/operations.md", {}).block(SECTION, "ini"))
    return [f"{section}.{key}={value}" for section in parser.sections()
            for key, value in parser[section].items()]


@needs("nginx")
class ReverseProxyTest(JobTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        files = cls.enterClassContext(Certificates())
        certificate, key = files.issue(NAME, f"DNS:{NAME}")
        cls.nginx = cls.enterClassContext(DocumentedNginx(cls.gatherd, certificate, key))
        cls.way = ["--cacert", str(files.ca),
                   "--connect-to", f"{NAME}:443:127.0.0.1:{cls.nginx.port}"]

    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        return super().start_gatherd(*settings, *documented_settings())

    def ask(self, path: str, *arguments: str, stdin: bytes = b"") -> Reply:
        return curl(*self.way, *arguments, f"https://{NAME}{path}", stdin=stdin)

    @contextlib.contextmanager
    def client(self, path: str, *arguments: str) -> Iterator[subprocess.Popen]:
        """A curl that goes away in the end, whatever it has got."""
        command = ["curl", "-q", "-sSN", "--noproxy", "*", "--max-time", "60", *self.way,
                   *arguments, f"https://{NAME}{path}"]
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
            try:
                yield process
            finally:
                process.kill()

    def connections(self) -> int:
        return self.get("/v1/stats").json()["api"]["connections"] - 1  # but this one

    def started_job(self) -> Json:
        """With one result, and another one that does not come."""
        job = self.submit([self.origin.url(), self.origin.url("/hang")])
        eventually(lambda: self.job(job)["counts"]["finished"] == 1, "the first result")
        self.addCleanup(self.post, f"/v1/jobs/{job['id']}/cancel", "")
        return job

    def test_connections_to_the_daemon_are_kept(self) -> None:
        opened = []
        for _ in range(5):
            self.assertEqual(self.ask("/healthz").status, 200)
            opened.append(self.sockets_of_nginx())
        self.assertTrue(opened[0])
        self.assertEqual(opened, [opened[0]] * 5)

    def sockets_of_nginx(self) -> set[str]:
        """The local addresses from which somebody is connected to the daemon."""
        ours = f"0100007F:{self.gatherd.port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {local for _, local, remote, state, *_ in rows if (remote, state) == (ours, "01")}

    def test_a_page_of_the_name_is_the_daemons_own(self) -> None:
        reply = self.ask("/v1/gather", "-H", f"Origin: https://{NAME}", "-d",
                         json.dumps([self.origin.url()]))
        self.assertEqual(reply.status, 200)
        foreign = self.ask("/healthz", "-H", "Origin: https://evil.example")
        self.assertEqual(self.assert_problem(foreign, 403)["code"], "foreign_origin")

    def test_lines_come_while_the_job_runs(self) -> None:
        job = self.started_job()
        with self.client(job["links"]["results"], "-H", "Accept: application/x-ndjson") as client:
            self.assertEqual(json.loads(client.stdout.readline())["seq"], 1)
            self.assertFalse(self.job(job)["done"])
            self.post(f"/v1/jobs/{job['id']}/cancel", "")
            result, end = map(json.loads, client.stdout)
        self.assertEqual((result["outcome"], end["type"]), ("canceled", "job"))

    def test_events_come_while_the_job_runs(self) -> None:
        job = self.started_job()
        with self.client(job["links"]["events"]) as client:
            kinds = (line for line in client.stdout if line.startswith("event:"))
            self.assertEqual([next(kinds), next(kinds)], ["event: job\n", "event: result\n"])
            self.assertFalse(self.job(job)["done"])

    def test_results_of_a_gather_come_one_by_one(self) -> None:
        lines = ["-H", "Accept: application/x-ndjson"]
        document = json.dumps([self.origin.url(), self.origin.url("/hang")])
        with self.client("/v1/gather", *lines, "-d", document) as client:
            self.assertEqual(json.loads(client.stdout.readline())["outcome"], "success")
        self.assert_left("/hang")

    def test_who_waits_for_a_change_is_told_at_once(self) -> None:
        job = self.started_job()
        with self.client(f"{job['links']['self']}?until=done") as client:
            eventually(lambda: self.connections() >= 1, "the client")
            self.post(f"/v1/jobs/{job['id']}/cancel", "")
            self.assertTrue(json.loads(client.stdout.read())["done"])

    @takes_seconds
    def test_who_waits_in_vain_gets_the_daemons_answer(self) -> None:
        job = self.started_job()
        known = self.ask(job["links"]["self"]).header("etag") or ""
        reply = self.ask(job["links"]["self"] + "?wait=2", "-H", f"If-None-Match: {known}")
        self.assertEqual((reply.status, reply.header("preference-applied")), (304, "wait=2"))
        self.assertGreater(reply.seconds, 1.9)

    def test_nginx_waits_longer_than_the_daemon_lets_clients_wait(self) -> None:
        words = self.nginx.server().split()
        time = words[words.index("proxy_read_timeout") + 1].rstrip(";")
        longest = self.get("/v1/limits").json()["api"]["max_wait_ms"]
        self.assertGreater(int(time[:-1]) * MILLISECONDS[time[-1]], longest)

    def test_clients_that_go_away_are_forgotten(self) -> None:
        job = self.started_job()
        before = self.connections()
        with contextlib.ExitStack() as clients:
            for kind in ("?until=done", "/events"):
                for _ in range(5):
                    clients.enter_context(self.client(job["links"]["self"] + kind))
            eventually(lambda: self.connections() >= 10, "the clients")
        eventually(lambda: self.connections() <= before, "the end of their connections")

    def test_a_job_may_be_larger_than_a_megabyte(self) -> None:
        urls = "".join(f"http://10.1.2.3/{'x' * 60}/{n}\n" for n in range(20_000)).encode()
        self.assertGreater(len(urls), 1 << 20)
        reply = self.ask("/v1/jobs", "-H", "Content-Type: text/uri-list", "-X", "POST", "-T", "-",
                         stdin=urls)
        self.assertEqual(reply.status, 202, reply.body)
        self.assertEqual(reply.json()["counts"]["total"], 20_000)
        self.ask(f"/v1/jobs/{reply.json()['id']}", "-X", "DELETE")
