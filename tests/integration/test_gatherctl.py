"""gatherctl: every command against a daemon, piped, on a terminal, and when things go wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from gatherctl import GATHERCTL, GatherctlTest
from harness import Gatherd
from patience import PATIENCE, eventually, takes_seconds


class GetTest(GatherctlTest):
    def test_a_table_has_a_row_for_each_url(self) -> None:
        said = self.out("get", self.origin.url("/"), self.origin.url("/status/404"), status=2)
        titles, *rows = said.splitlines()
        self.assertEqual(titles.split()[:3], ["#", "status", "total"])
        self.assertEqual({tuple(row.split()[:2]) for row in rows}, {("0", "200"), ("1", "404")})

    def test_all_as_expected_is_status_0(self) -> None:
        self.run_gatherctl("get", self.origin.url("/status/404"), "--expect", "4xx")

    def test_what_fails_is_named(self) -> None:
        self.assertRegex(self.out("get", "http://127.0.0.1:1/", "--set", "timeout_ms=1000", status=2),
                         "blocked_by_policy")

    def test_json_is_one_document_in_the_order_asked(self) -> None:
        slow, fast = self.origin.url("/slow?ms=100"), self.origin.url("/")
        answer = json.loads(self.out("get", slow, fast, "--json"))
        self.assertEqual([each["request"]["url"] for each in answer["results"]], [slow, fast])
        self.assertEqual(answer["counts"]["success"], 2)

    def test_lines_come_as_they_are_ready(self) -> None:
        slow, fast = self.origin.url("/slow?ms=500"), self.origin.url("/")
        lines = [json.loads(line) for line in self.out("get", slow, fast, "--ndjson").splitlines()]
        self.assertEqual([line.get("index") for line in lines], [1, 0, None])
        self.assertEqual(lines[-1]["type"], "gather")

    def test_csv_has_the_columns_of_the_daemon(self) -> None:
        row, = csv.DictReader(io.StringIO(self.out("get", self.origin.url("/"), "--csv")))
        self.assertEqual((row["status_code"], row["outcome"]), ("200", "success"))
        self.assertRegex(row["total_ms"], r"^\d+\.\d{3}$")

    def test_only_what_failed(self) -> None:
        said = self.out("get", self.origin.url("/"), self.origin.url("/status/500"), "--failed", "--csv",
                        status=2)
        self.assertEqual([row["index"] for row in csv.DictReader(io.StringIO(said))], ["1"])

    def test_options_reach_the_origin(self) -> None:
        self.run_gatherctl("get", self.origin.url("/echo"), "-X", "PUT", "-H", "X-A: b", "-d", "hello",
                           "--repeat", "2", "--concurrency", "1", "--timeout", "20")
        requests = self.origin.requests()
        self.assertEqual([each["method"] for each in requests], ["PUT", "PUT"])
        self.assertEqual({dict(each["headers"]).get("x-a") or dict(each["headers"]).get("X-A") for each in requests}, {"b"})

    def test_urls_come_from_standard_input(self) -> None:
        urls = f"# those that matter\n{self.origin.url('/')}\n\n{self.origin.url('/json')}\n"
        self.assertEqual(len(self.out("get", "--ndjson", stdin=urls).splitlines()), 3)

    def test_files_are_read_in_their_formats(self) -> None:
        urls = [self.origin.url(path) for path in ("/a", "/b")]
        texts = {"list.txt": "\n".join(urls),
                 "list.ndjson": "\n".join(json.dumps({"url": url}) for url in urls),
                 "sitemap.xml": '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
                                + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>",
                 "curl.conf": "\nnext\n".join(f'url = "{url}"' for url in urls)}
        for name, text in texts.items():
            with self.subTest(file=name):
                path = self.gatherd.directory / name
                path.write_text(text)
                answer = json.loads(self.out("get", "-f", str(path), "--json", status=None))
                self.assertEqual([each["request"]["url"] for each in answer["results"]], urls)

    def test_a_unix_socket_serves_as_well(self) -> None:
        path = self.gatherd.directory / "socket"
        with Gatherd(*self.settings, also_listen=f"unix:{path}"):
            self.run_gatherctl("get", self.origin.url("/"), "--server", f"unix:{path}")

    @takes_seconds
    def test_many_urls_need_little_memory(self) -> None:
        urls = "".join(f"http://127.0.0.1:1/{n}\n" for n in range(100_000))
        most = subprocess.run(["/usr/bin/env", "python3", "-c", PEAK, GATHERCTL, "get", "--csv"],
                              input=urls, capture_output=True, text=True, check=True,
                              env={**os.environ, **self.environment()}).stdout
        lines, peak_kib = map(int, most.split())
        self.assertEqual(lines, 100_001)
        if self.gatherd.memory_is_its_own():  # the client's is as the daemon's
            self.assertLess(peak_kib, 64 * 1024)


PEAK = """
import resource, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdin=sys.stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
lines = sum(1 for line in process.stdout)
process.wait()
print(lines, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class TroubleTest(GatherctlTest):
    def test_a_word_that_is_mistyped_is_named(self) -> None:
        self.assertIn("did you mean get?", self.err("gte"))
        self.assertIn("did you mean --repeat?", self.err("get", "--repat", "3"))
        self.assertIn("--timeout needs TIME", self.err("get", "--timeout"))
        self.assertIn("'soon' is not a time", self.err("get", "--timeout", "soon"))
        self.assertIn("needs JOB", self.err("show"))
        self.assertIn("is no id of a job", self.err("show", "../stats"))

    def test_a_line_that_is_no_url_is_named(self) -> None:
        self.assertIn("standard input:2:", self.err("get", stdin=f"{self.origin.url('/')}\nnonsense\n"))

    def test_what_the_daemon_refuses_is_told_by_line(self) -> None:
        path = self.gatherd.directory / "requests.ndjson"
        path.write_text('{"url": "http://one.example/"}\n{"url": "http://two.example/", "timeout_ms": -1}\n')
        self.assertIn(f"{path}:2 (timeout_ms): ", self.err("get", "-f", str(path)))

    def test_nothing_to_fetch_is_said(self) -> None:
        self.assertIn("there is nothing to fetch", self.err("get", stdin=""))

    def test_a_daemon_that_is_not_there_is_status_3(self) -> None:
        for server in ("http://127.0.0.1:1", "unix:/nowhere/socket"):
            self.assertIn("Is it running?", self.err("jobs", "--server", server, status=3))

    def test_somebody_else_is_no_gatherd(self) -> None:
        self.assertIn("is no gatherd", self.err("jobs", "--server", self.origin.url("/").rstrip("/")))

    def test_ctrl_c_while_urls_are_awaited(self) -> None:
        terminal = self.on_terminal("get")
        eventually(terminal.catches_ctrl_c, "a handler of SIGINT")
        terminal.type(b"\x03")
        self.assertEqual(terminal.ended(), 130, terminal.said)

    def test_help_needs_a_place_to_go_to(self) -> None:
        with open("/dev/full", "w", encoding="ascii") as full:
            for words in (["--help"], ["get", "--help"], ["--version"]):
                done = subprocess.run([GATHERCTL, *words], stdout=full, stderr=subprocess.DEVNULL, check=False)
                self.assertEqual(done.returncode, 4, words)

    def test_a_full_disk_is_status_4(self) -> None:
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([GATHERCTL, "get", self.origin.url("/")], stdout=full, text=True,
                                  stderr=subprocess.PIPE, check=False,
                                  env={**os.environ, **self.environment()})
        self.assertEqual(done.returncode, 4)
        self.assertIn("No space left on device", done.stderr)

    def test_a_reader_that_has_enough_is_no_reason_to_complain(self) -> None:
        process = self.begin("get", self.origin.url("/"), "--repeat", "500", "--ndjson")
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual((process.wait(20 * PATIENCE), process.stderr.read()), (4, ""))

    def test_a_daemon_that_is_killed_leaves_what_came(self) -> None:
        with Gatherd(*self.settings) as gatherd:
            process = self.begin("get", self.origin.url("/"), self.origin.url("/hang"), "--ndjson",
                                 "--server", gatherd.base)
            first = json.loads(process.stdout.readline())
            gatherd.kill()
            gatherd.expected_status = -signal.SIGKILL
            self.assertEqual((first["index"], process.wait(20 * PATIENCE)), (0, 3))
            self.assertIn("has left in between", process.stderr.read())

    def test_ctrl_c_cancels_and_keeps_what_came(self) -> None:
        process = self.begin("get", self.origin.url("/"), self.origin.url("/hang"))
        for _ in range(2):  # the titles, and what came
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20 * PATIENCE), 130)
        self.assertIn("1 of 2 as expected, 0 failed, 1 did not come", process.stderr.read())
        eventually(self.nothing_is_running, "the end of the gather")

    def nothing_is_running(self) -> bool:
        return self.get("/v1/stats").json()["items"]["running"] == 0


class JobTest(GatherctlTest):
    def submit(self, *arguments: str) -> str:
        return self.out("submit", *arguments).strip()

    def test_a_job_is_looked_after_from_its_beginning_to_its_end(self) -> None:
        job = self.submit(self.origin.url("/"), self.origin.url("/status/404"), "--name", "nightly",
                          "--label", "team=web")
        self.assertRegex(job, "^job_")
        self.run_gatherctl("watch", job, status=2)
        self.assertRegex(self.out("show", job), r"(?m)^status +done$")
        self.assertIn(job, self.out("jobs", "--label", "team=web", "--status", "done"))
        self.assertNotIn(job, self.out("jobs", "--label", "team=api"))
        failed, = csv.DictReader(io.StringIO(self.out("results", job, "--failed", "--csv", status=2)))
        self.assertEqual(failed["status_code"], "404")
        again = self.out("retry", job, "--wait", status=2).strip()
        self.assertEqual(json.loads(self.out("show", again, "--json"))["counts"]["total"], 1)
        self.run_gatherctl("delete", job, again)
        self.assertIn("job_not_found", self.err("show", job))

    @takes_seconds
    def test_all_jobs_are_listed(self) -> None:
        with Gatherd(*self.settings, "jobs.max_jobs=2000") as gatherd:
            subprocess.run(["curl", "-sS", "-o", "/dev/null", "-d", json.dumps([self.origin.url("/")]),
                            *[f"{gatherd.base}/v1/jobs"] * 1005], check=True, stdout=subprocess.DEVNULL)
            said = self.out("jobs", "--server", gatherd.base).splitlines()
            self.assertEqual((len(said), said[0].split()[0]), (1006, "id"))
            self.assertEqual(len(self.out("jobs", "--limit", "7", "--server", gatherd.base).splitlines()), 8)

    def test_a_key_makes_it_once(self) -> None:
        ids = {self.submit(self.origin.url("/"), "--key", "once") for _ in range(2)}
        self.assertEqual(len(ids), 1)

    def test_a_job_is_canceled(self) -> None:
        job = self.submit(self.origin.url("/hang"))
        self.run_gatherctl("cancel", job)
        self.run_gatherctl("watch", job, status=2)
        self.assertEqual(json.loads(self.out("show", job, "--json"))["status"], "canceled")

    def test_results_of_a_job_that_runs_are_those_there_are(self) -> None:
        job = self.submit(self.origin.url("/"), self.origin.url("/status/404"), self.origin.url("/hang"))
        eventually(lambda: json.loads(self.out("show", job, "--json"))["counts"]["finished"] == 2, "two")
        lines = [json.loads(line) for line in self.out("results", job, "--ndjson", status=2).splitlines()]
        self.assertEqual({(line["index"], line["status_code"]) for line in lines}, {(0, 200), (1, 404)})
        self.assertEqual(self.out("results", job, "--ndjson", "--outcome", "blocked"), "")
        self.assertIn("outcome", self.err("results", job, "--outcome", "good"))
        self.run_gatherctl("cancel", job)

    def test_results_are_what_the_daemon_says(self) -> None:
        job = self.submit(self.origin.url("/"), "--wait")
        lines = self.out("results", job, "--ndjson")
        self.assertEqual(lines.encode(), self.get(f"/v1/jobs/{job}/results", "-H",
                                                  "Accept: application/x-ndjson").body)

    def test_results_are_followed_across_a_restart(self) -> None:
        with Gatherd(*self.settings) as gatherd:
            server = ("--server", gatherd.base)
            job = self.submit(self.origin.url("/"), self.origin.url(f"/slow?ms={1500 * PATIENCE:.0f}"),
                              *server)
            process = self.begin("results", job, "--follow", "--ndjson", *server)
            first = json.loads(process.stdout.readline())
            gatherd.restart()
            rest = [json.loads(line) for line in process.stdout]
            self.assertEqual(process.wait(20 * PATIENCE), 0, process.stderr.read())
            self.assertEqual([first["index"], *(line.get("index") for line in rest)], [0, 1, None])

    @takes_seconds
    def test_results_are_followed_across_a_time_without_a_daemon(self) -> None:
        with Gatherd(*self.settings) as gatherd:
            server = ("--server", gatherd.base)
            job = self.submit(self.origin.url("/"), self.origin.url(f"/slow?ms={1500 * PATIENCE:.0f}"),
                              *server)
            process = self.begin("results", job, "--follow", "--ndjson", *server)
            process.stdout.readline()
            gatherd.kill()
            time.sleep(2.5)  # it has asked in vain by then
            gatherd.start()
            rest = [json.loads(line) for line in process.stdout]
            self.assertEqual(process.wait(20 * PATIENCE), 0, process.stderr.read())
            self.assertEqual([line.get("index") for line in rest], [1, None])

    def test_watching_survives_a_restart(self) -> None:
        with Gatherd(*self.settings) as gatherd:
            server = ("--server", gatherd.base)
            job = self.submit(self.origin.url(f"/slow?ms={500 * PATIENCE:.0f}"), *server)
            terminal = self.on_terminal("watch", job, *server)
            terminal.read_until("0/1")
            gatherd.restart()
            self.assertEqual(terminal.ended(), 0, terminal.said)


class OperatorTest(GatherctlTest):
    def test_a_schedule_is_looked_after(self) -> None:
        document = json.dumps({"name": "front", "every_ms": 3_600_000, "job": [self.origin.url("/")]})
        schedule = self.out("schedules", "add", "-", "--key", "k", stdin=document).strip()
        self.assertEqual(self.out("schedules", "add", "-", "--key", "k", stdin=document).strip(), schedule)
        self.run_gatherctl("watch", self.out("schedules", "run", schedule).strip())
        eventually(lambda: "done" in self.out("schedules", "runs", schedule), "the end of the run")
        self.run_gatherctl("schedules", "pause", schedule)
        self.assertRegex(self.out("schedules"), f"{schedule} +front +3600000 +- +true")
        self.run_gatherctl("schedules", "resume", schedule)
        self.run_gatherctl("schedules", "delete", schedule)
        self.assertIn("There are no schedules", self.err("schedules", status=0))

    def test_what_cannot_be_done_with_schedules_is_named(self) -> None:
        self.assertIn("did you mean pause?", self.err("schedules", "pase", "x"))
        self.assertIn("pause takes the id", self.err("schedules", "pause"))
        self.assertIn("No such file", self.err("schedules", "add", "/nowhere"))

    def test_tasks_are_a_tree(self) -> None:
        self.assertRegex(self.out("tasks"), r"(?m)^http server .*\n  /v1/tasks +running")

    def test_top_shows_what_goes_on(self) -> None:
        job = self.out("submit", self.origin.url("/hang")).strip()
        said = self.out("top")
        self.assertIn("1 running", said)
        self.assertRegex(said, f"{job} +running")
        self.run_gatherctl("cancel", job)

    def test_top_on_a_terminal_goes_on_until_ctrl_c(self) -> None:
        terminal = self.on_terminal("top")
        terminal.read_until("/s, ")  # the second time, when the rate is known
        terminal.type(b"\x03")
        self.assertEqual(terminal.ended(), 0)

    def test_a_configuration_is_checked(self) -> None:
        path = self.gatherd.directory / "wrong.conf"
        path.write_text("[fetch]\nconcurency = 3\n")
        self.assertIn("did you mean fetch.concurrency?",
                      self.err("check", "--config", str(path), status=78))

    def test_gatherd_is_told_to_reload(self) -> None:
        self.run_gatherctl("reload", str(self.gatherd.process.pid))
        eventually(lambda: "reloaded" in self.gatherd.stderr(), "the reload")


class TokenTest(GatherctlTest):
    @classmethod
    def setUpClass(cls) -> None:
        said = subprocess.run([os.environ["GATHERD"], "token", "new", "ci", "--rights", "submit,read"],
                              capture_output=True, text=True, check=True).stdout
        cls.token = re.search(r"gd_\S+|[A-Za-z0-9_-]{30,}", said)[0]
        cls.tokens = Path(os.environ["STATE_DIRECTORY"], "gatherctl-tokens")
        cls.tokens.write_text("\n".join(line for line in said.splitlines() if "sha256" in line) + "\n")
        cls.tokens.chmod(0o600)
        cls.settings = [*GatherctlTest.settings, f"api.tokens_file={cls.tokens}"]
        super().setUpClass()

    def test_a_token_opens_the_door(self) -> None:
        self.run_gatherctl("jobs", GATHERD_TOKEN=self.token)
        path = self.gatherd.directory / "token"
        path.write_text(self.token + "\n")
        self.run_gatherctl("jobs", "--token-file", str(path))

    def test_without_one_it_says_how_to_give_it(self) -> None:
        self.assertIn("--token-file", self.err("jobs"))
        self.assertIn("token_unknown", self.err("jobs", GATHERD_TOKEN="x" * 40))


class TerminalTest(GatherctlTest):
    def test_progress_is_shown_and_taken_away(self) -> None:
        terminal = self.on_terminal("get", self.origin.url("/"), self.origin.url("/slow?ms=800"))
        terminal.read_until("1/2")
        self.assertEqual(terminal.ended(), 0)
        last = terminal.said.rpartition("\r\x1b[K")[2]
        self.assertIn("2 of 2 as expected", last)

    def test_colours_are_for_terminals_that_want_them(self) -> None:
        for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            with self.subTest(environment=environment):
                terminal = self.on_terminal("get", self.origin.url("/"), **environment)
                self.assertEqual(terminal.ended(), 0)
                self.assertEqual("\x1b[32m200" in terminal.said, coloured)

    def test_ctrl_c_on_a_terminal(self) -> None:
        terminal = self.on_terminal("get", self.origin.url("/"), self.origin.url("/hang"))
        terminal.read_until("1/2")
        terminal.type(b"\x03")
        self.assertEqual(terminal.ended(), 130)
        self.assertIn("1 did not come", terminal.said)

    def test_text_of_strangers_does_nothing_to_the_terminal(self) -> None:
        job = self.out("submit", self.origin.url("/"), "--name", "a\x1b[2Jb").strip()
        terminal = self.on_terminal("jobs")
        self.assertEqual(terminal.ended(), 0)
        self.assertIn(job, terminal.said)
        self.assertNotIn("\x1b[2J", terminal.said)
