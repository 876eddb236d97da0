"""gatherctl get --local: the same without a daemon."""

from __future__ import annotations

import json
import signal
from typing import Any

from gatherctl import GatherctlTest


def shape(value: Any) -> Any:
    """What members there are, whatever their values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else None


class LocalTest(GatherctlTest):
    def environment(self) -> dict[str, str]:
        return {"GATHERD_SERVER": "unix:/nowhere/socket"}

    def local(self, *arguments: str, stdin: str = "", status: int = 0) -> str:
        return self.out("get", "--local", *arguments, stdin=stdin, status=status)

    def test_no_daemon_is_needed(self) -> None:
        line, last = map(json.loads, self.local(self.origin.url("/"), "--ndjson").splitlines())
        self.assertEqual((line["outcome"], line["status_code"]), ("success", 200))
        self.assertEqual(last["counts"]["success"], 1)

    def test_results_are_those_of_a_daemon(self) -> None:
        asked = ["get", self.origin.url("/"), self.origin.url("/status/404"), "--json"]
        local = json.loads(self.out(*asked, "--local", status=2))
        remote = json.loads(self.out(*asked, status=2, GATHERD_SERVER=self.gatherd.base))
        self.assertEqual(shape(local), shape(remote))

    def test_options_are_those_of_a_daemon(self) -> None:
        self.local(self.origin.url("/echo"), "-X", "PUT", "-d", "hello", "--repeat", "3", "--concurrency", "400")
        self.assertEqual([each["method"] for each in self.origin.requests()], ["PUT"] * 3)

    def test_what_fails_is_status_2(self) -> None:
        self.assertIn("404", self.local(self.origin.url("/status/404"), status=2))

    def test_ports_that_browsers_shun_stay_closed(self) -> None:
        line = json.loads(self.local("http://127.0.0.1:25/", "--ndjson", status=2).splitlines()[0])
        self.assertEqual((line["outcome"], line["error"]["rule"]), ("blocked", "port-bad"))

    def test_what_makes_no_sense_is_told_by_line(self) -> None:
        lines = '{"url": "http://one.example/"}\n{"url": "http://two.example/", "timeout_ms": -1}\n'
        self.assertIn("standard input:2 (timeout_ms): ", self.err("get", "--local", stdin=lines))

    def test_ctrl_c_keeps_what_came(self) -> None:
        process = self.begin("get", "--local", "--ndjson", self.origin.url("/"), self.origin.url("/hang"))
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate()
        self.assertEqual(process.returncode, 130)
        self.assertEqual(json.loads(first)["index"], 0)
        self.assertNotIn('"type":"gather"', said)

    def test_names_outside_ascii_are_read_in_any_locale(self) -> None:
        done = self.run_gatherctl("get", "--local", "--ndjson", stdin="http://m\u00fcller.invalid/\n", status=2,
                                  LC_ALL="C")
        self.assertIn("xn--mller-kva.invalid", done.stdout)
