"""The log, in each of its formats, of a daemon that starts, works and ends."""

from __future__ import annotations

import json
import re
import unittest

from harness import Gatherd, Json, curl, run_gatherd
from journal import JournalGatherd, can_mount
from patience import eventually
from servers import Certificates, Origin

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (error|warning|info|debug): ([ -~]*)")

class LogTest(unittest.TestCase):
    def said(self, *settings: str) -> list[str]:
        """The lines of a daemon that has served and ended."""
        with Gatherd(*settings) as gatherd:
            curl(gatherd.base + "/healthz")
            gatherd.stop()
            return gatherd.stderr().splitlines()

    def test_text_is_a_line_with_time_and_level(self) -> None:
        said = self.said()
        for line in said:
            self.assertRegex(line, LINE)
        self.assertRegex(said[-1], "info: stopped$")

    def test_without_a_journal_auto_is_text(self) -> None:
        self.assertRegex(self.said("log.format=auto")[-1], LINE)

    def test_json_is_an_object_a_line(self) -> None:
        records = [json.loads(line) for line in self.said("log.format=json", "log.level=debug")]
        for record in records:
            self.assertEqual(list(record)[:4], ["time", "level", "event", "message"])
        listening = next(each for each in records if each["event"] == "daemon.listening")
        self.assertEqual(listening["message"], f"listening on {listening['address']}")
        self.assertEqual((records[-1]["event"], records[-1]["level"]), ("daemon.stopped", "info"))


    def records(self, gatherd: Gatherd) -> list[Json]:
        return [json.loads(line) for line in gatherd.stderr().splitlines()]

    def events(self, gatherd: Gatherd) -> list[str]:
        return [record["event"] for record in self.records(gatherd)]

    def test_a_start_and_an_end_tell_what_and_where(self) -> None:
        with (Certificates() as certificates,
              Gatherd("log.format=json", f"fetch.ca_file={certificates.ca}") as gatherd):
            gatherd.stop()
            self.assertEqual(self.events(gatherd),
                             ["daemon.starting", "tokens.none", "store.opened", "daemon.listening",
                              "daemon.ready", "daemon.stopping", "daemon.drained",
                              "daemon.stopped"])
            starting, _, opened, *_ = self.records(gatherd)
            for library in ("libcurl", "c-ares", "libmicrohttpd", "SQLite", "jansson"):
                self.assertRegex(starting["message"], rf" {library} \d+\.\d+")
            self.assertEqual(opened["path"], str(gatherd.store))

    def test_an_open_way_to_credentials_of_a_cloud_is_told(self) -> None:
        for settings, addresses in ((["egress.allow=0.0.0.0/0 ::/0"], 2),
                                    (["egress.allow=169.254.0.0/16"], 1),
                                    (["egress.allow=169.254.0.0/16", "egress.deny=169.254.169.254"],
                                     0),
                                    (["egress.allow=10.0.0.0/8 127.0.0.0/8"], 0)):
            with self.subTest(settings=settings), Gatherd("log.format=json", *settings) as gatherd:
                self.assertEqual(self.events(gatherd).count("egress.wide"), addresses)

    def test_https_that_cannot_work_is_told(self) -> None:
        with Certificates() as certificates:
            garbage = certificates.directory / "garbage.pem"
            garbage.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
            for file, is_told, word in ((certificates.ca, False, "fine"),
                                        (certificates.directory, True, "PEM"),
                                        (garbage, True, "PEM"),
                                        ("/nothing.pem", True, "No such file")):
                setting = f"fetch.ca_file={file}"
                with self.subTest(file=file), Gatherd("log.format=json", setting) as gatherd:
                    self.assertEqual("trust.none" in self.events(gatherd), is_told)
                    done = run_gatherd("--set", setting, "--check-config")
                    self.assertEqual(done.returncode, 0)
                    self.assertEqual("fetch.ca_file" in done.stderr, is_told)
                    self.assertIn(word, done.stderr if is_told else done.stdout)

    def test_what_is_given_up_at_the_end_is_told(self) -> None:
        with Origin() as origin, Gatherd("log.format=json", "egress.allow=127.0.0.0/8",
                                         "api.drain_timeout_ms=100ms") as gatherd:
            curl(gatherd.base + "/v1/jobs", "-d", json.dumps([origin.url("/hang")]))
            eventually(origin.requests, "the request")
            gatherd.stop()
            self.assertIn("daemon.drain_cut", self.events(gatherd))
            self.assertIn(": 1 fetches", gatherd.stderr())

    def test_a_start_that_fails_says_why(self) -> None:
        with Gatherd("log.format=json") as first:
            done = run_gatherd("--set", f"api.listen=127.0.0.1:{first.port}",
                               "--set", f"store.path={first.directory}/other",
                               "--set", "log.format=json")
        self.assertEqual(done.returncode, 1)
        last = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual((last["event"], last["level"]), ("daemon.start_failed", "error"))
        self.assertIn(str(first.port), last["message"])


@unittest.skipUnless(can_mount(), "needs a mount namespace")
class JournalTest(unittest.TestCase):
    def test_entries_have_fields(self) -> None:
        gatherd = JournalGatherd()
        gatherd.listen()
        with gatherd:
            gatherd.stop()
            eventually(lambda: "daemon.stopped" in str(gatherd.entries()), "the last entry")
            entries = gatherd.entries()
            self.assertEqual(gatherd.stderr(), "")
        for entry in entries:
            self.assertEqual(entry["SYSLOG_IDENTIFIER"], "gatherd")
            self.assertRegex(entry["MESSAGE_ID"], "^[0-9a-f]{32}$")
            self.assertRegex(entry["CODE_FILE"], r"^daemon/\w+(/\w+)?\.c$")
        listening = next(e for e in entries if e["GATHERD_EVENT"] == "daemon.listening")
        self.assertEqual(listening["GATHERD_ADDRESS"], f"127.0.0.1:{gatherd.port}")
        self.assertEqual((entries[-1]["GATHERD_EVENT"], entries[-1]["PRIORITY"]),
                         ("daemon.stopped", "6"))

    def test_a_journal_that_is_not_there_gets_lines_with_priorities(self) -> None:
        with JournalGatherd() as gatherd:
            self.assertIn("<6>listening on", gatherd.stderr())
            gatherd.listen()
            gatherd.stop()
            eventually(lambda: "daemon.stopped" in str(gatherd.entries()), "the last entry")
            self.assertNotIn("stopped", gatherd.stderr())
