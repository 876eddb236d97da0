"""A process that may open few files: fetches wait, clients are answered, and it recovers."""

from __future__ import annotations

import threading
from pathlib import Path

from harness import Gatherd, GatherdTest
from patience import PATIENCE, eventually
from servers import Origin


class FewDescriptorsTest(GatherdTest):
    """Twice as many connections are asked for as there can be."""

    max_files = 80

    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        return cls.enterClassContext(Gatherd(*settings, max_files=cls.max_files))

    def test_it_says_what_it_can_not_do(self) -> None:
        self.assertIn(f"only {self.max_files} descriptors", self.gatherd.stderr())
        self.assertLess(self.get("/v1/limits").json()["fetch"]["concurrency"], 30)

    def test_fetches_wait_and_clients_are_answered(self) -> None:
        urls = [self.origin.url(f"/slow?ms=20&n={n}") for n in range(4 * self.max_files)]
        answers: list = []
        gathering = threading.Thread(target=lambda: answers.append(self.gather(urls)))
        gathering.start()
        slowest = 0.0
        while gathering.is_alive():
            slowest = max(slowest, self.get("/healthz").seconds)
        gathering.join()
        self.assertEqual(answers[0]["counts"]["success"], len(urls))
        self.assertLess(slowest, 1 * PATIENCE)

    def test_connections_that_are_kept_do_not_use_them_up(self) -> None:
        with Origin(host="0.0.0.0") as everywhere:
            urls = [everywhere.url(host=f"127.0.1.{n}") for n in range(1, 200)]
            answer = self.gather(urls)
            self.assertEqual(answer["counts"]["success"], len(urls), answer["stats"])
        self.assertEqual(self.get("/healthz").status, 200)
        self.assertLess(self.gatherd.open_files(), self.max_files)

    def test_clients_that_stay_do_not_use_them_up(self) -> None:
        clients = [self.gatherd.connect() for _ in range(2 * self.max_files)]
        before = cpu_seconds(self.gatherd)
        served = clients[0]
        served.send(self.gatherd.request_bytes("/healthz"))
        reply = served.reply()
        self.assertTrue(reply is not None and reply.status == 200)
        for client in clients:
            client.close()
        eventually(self.gatherd.is_healthy, "an answer to a new client", 2)
        self.assertLess(cpu_seconds(self.gatherd) - before, 0.5 * PATIENCE)
        self.assertEqual(self.fetch(self.origin.url())["outcome"], "success")


class HardlyAnyDescriptorsTest(FewDescriptorsTest):
    """As few as it starts with: everything goes one by one."""

    max_files = 56


def cpu_seconds(gatherd: Gatherd) -> float:
    fields = Path(f"/proc/{gatherd.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
