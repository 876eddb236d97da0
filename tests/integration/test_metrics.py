"""/metrics, and what is made for it: its page, the dashboard, the alerts; read by a real Prometheus."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from harness import GatherdTest, Json, needs
from patience import PATIENCE, eventually, takes_seconds
from servers import Helper, free_port

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "metrics.md"
DASHBOARD = TOP / "config" / "grafana-dashboard.json"
ALERTS = TOP / "config" / "prometheus-alerts.yml"
ALERT_TESTS = TOP / "config" / "prometheus-alerts-test.yml"

FAMILY = re.compile(r"\b(?:gatherd|process)_[a-z0-9_]+")
SAMPLE = re.compile(r'^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def promtool(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
    return subprocess.run(["promtool", *arguments], input=stdin, capture_output=True, text=True,
                          cwd=ALERTS.parent, check=False)


def without_suffix(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name)


class Exposition:
    """The text, taken apart."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.help = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        self.samples: dict[tuple[str, frozenset], float] = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                self.add(line)

    def add(self, line: str) -> None:
        match = SAMPLE.match(line)
        assert match, line
        key = (match[1], frozenset(LABEL.findall(match[2] or "")))
        assert key not in self.samples, line
        self.samples[key] = float(match[3])

    def value(self, name: str, **labels: str) -> float:
        return self.samples[name, frozenset(labels.items())]

    def labels(self) -> set[tuple[str, str]]:
        return {label for _, labels in self.samples for label in labels}


class MetricsTest(GatherdTest):
    keys = itertools.count()

    def metrics(self) -> Exposition:
        reply = self.get("/metrics")
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.header("content-type"),
                         "text/plain; version=0.0.4; charset=utf-8")
        return Exposition(reply.body.decode())

    def busy(self, mark: str = "") -> None:
        """Some of everything, with a mark wherever a client can put one."""
        self.fetch(self.origin.url(f"/{mark}"), headers={"X-Mark": mark or "x"})
        self.results([self.origin.url(f"/status/404?{mark}"), "http://10.1.2.3/" + mark],
                     name=mark or "x", labels={"mark": mark or "x"})
        self.get(f"/v1/jobs/{mark or 'x'}", "-H", f"X-Mark: {mark or 'x'}")
        self.get(f"/nowhere/{mark}?{mark}")
        self.get("/healthz", "-X", "PUT")
        self.get("/healthz", "-X", f"MARK{mark.upper()}")
        reply = self.post("/v1/jobs", [self.origin.url(f"/close?{mark}")],
                          "-H", f"Idempotency-Key: {mark}{next(self.keys)}")
        eventually(lambda: self.get(f"/v1/jobs/{reply.json()['id']}").json()["done"], "the job")


class ExpositionTest(MetricsTest):
    @needs("promtool")
    def test_promtool_finds_nothing(self) -> None:
        self.busy()
        done = promtool("check", "metrics", stdin=self.metrics().text)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_what_happens_is_counted(self) -> None:
        before = self.metrics()
        self.busy()
        after = self.metrics()

        def grown(name: str, **labels: str) -> float:
            return after.value(name, **labels) - before.samples.get(
                (name, frozenset(labels.items())), 0)
        for outcome, n in {"success": 1, "http_error": 1, "blocked": 1, "transport_error": 1}.items():
            self.assertEqual(grown("gatherd_items_finished_total", outcome=outcome), n, outcome)
        self.assertEqual(grown("gatherd_jobs_accepted_total"), 1)
        self.assertEqual(grown("gatherd_jobs_ended_total", status="done"), 1)
        self.assertEqual(grown("gatherd_egress_denials_total", rule="ipv4-private"), 1)
        self.assertEqual(grown("gatherd_item_errors_total", code="empty_reply"), 1)
        self.assertGreaterEqual(
            grown("gatherd_origin_phase_duration_seconds_count", phase="wait"), 2)
        self.assertEqual(grown("gatherd_store_results_total"), 1)
        self.assertGreaterEqual(grown("gatherd_store_commits_total"), 1)
        self.assertEqual(grown("gatherd_api_requests_total", method="POST", route="/v1/gather",
                               code="200"), 2)
        self.assertEqual(grown("gatherd_api_requests_total", method="GET", route="/v1/jobs/{id}",
                               code="404"), 1)
        self.assertEqual(grown("gatherd_api_requests_total", method="other", route="other",
                               code="404"), 1)
        self.assertEqual(grown("gatherd_api_requests_total", method="other", route="other",
                               code="405"), 1)

    def test_what_goes_on_is_seen(self) -> None:
        job = self.post("/v1/jobs", {"urls": [self.origin.url("/hang")] * 3,
                                     "limits": {"concurrency": 2}}).json()
        eventually(lambda: self.metrics().value("gatherd_items_in_flight") == 2, "two in flight")
        metrics = self.metrics()
        self.assertEqual(metrics.value("gatherd_items_queued"), 1)
        self.assertEqual(metrics.value("gatherd_jobs", status="running"), 1)
        self.assertGreaterEqual(metrics.value("gatherd_tasks"), 10)
        self.assertEqual(metrics.value("gatherd_api_connections"), 1)
        self.get(f"/v1/jobs/{job['id']}/cancel", "-X", "POST")
        eventually(lambda: self.metrics().value("gatherd_jobs", status="running") == 0, "the end")
        self.assertEqual(self.metrics().value("gatherd_items_in_flight"), 0)

    def test_what_waits_on_disk_is_counted_across_a_restart(self) -> None:
        urls = [self.origin.url("/")] * 10 + [self.origin.url("/hang")] * 5000
        job = self.post("/v1/jobs", {"urls": urls, "limits": {"concurrency": 2}}).json()
        pending = lambda: self.metrics().value("gatherd_job_items_pending")
        eventually(lambda: pending() == 5000, "ten results")
        self.assertLess(self.metrics().value("gatherd_items_queued"), 5000)
        self.gatherd.restart()
        self.assertEqual(pending(), 5000)
        self.assertEqual(self.get("/v1/stats").json()["jobs"]["pending_items"], 5000)
        self.get(f"/v1/jobs/{job['id']}/cancel", "-X", "POST")
        eventually(lambda: pending() == 0, "the end")
        self.gatherd.restart()
        self.assertEqual(pending(), 0)

    def test_the_process_is_this_one(self) -> None:
        metrics = self.metrics()
        status = Path(f"/proc/{self.gatherd.process.pid}/status").read_text()
        threads = int(re.search(r"Threads:\s+(\d+)", status)[1])
        self.assertLessEqual(abs(metrics.value("process_threads") - threads), 1)
        self.assertLessEqual(abs(metrics.value("process_open_fds") - self.gatherd.open_files()), 3)
        if self.gatherd.memory_is_its_own():
            ratio = metrics.value("process_resident_memory_bytes") / self.gatherd.resident_bytes()
            self.assertTrue(0.8 < ratio < 1.2, ratio)

    def test_histograms_are_cumulative_and_add_up(self) -> None:
        self.busy()
        metrics = self.metrics()
        series: dict[tuple, list[tuple[float, float]]] = {}
        for (name, labels), value in metrics.samples.items():
            if name.endswith("_bucket"):
                bound = float(dict(labels)["le"].replace("+Inf", "inf"))
                rest = frozenset(label for label in labels if label[0] != "le")
                series.setdefault((without_suffix(name), rest), []).append((bound, value))
        self.assertGreater(len(series), 8)
        for (name, labels), buckets in series.items():
            counts = [count for _, count in sorted(buckets)]
            self.assertEqual(counts, sorted(counts), name)
            self.assertEqual(counts[-1], metrics.samples[f"{name}_count", labels])

    def test_no_label_holds_what_a_client_has_chosen(self) -> None:
        before = {name for name, _ in self.metrics().labels()}
        self.busy("c4n4ry")
        metrics = self.metrics()
        self.assertNotIn("c4n4ry", metrics.text.lower())
        self.assertNotIn("MARK", metrics.text)
        self.assertNotIn("127.0.0.1", metrics.text)
        self.assertLessEqual({name for name, _ in metrics.labels()} - before,
                             {"code", "rule", "le", "route", "method"})

    def test_clients_cannot_make_more_series(self) -> None:
        self.busy()
        self.metrics()
        before = len(self.metrics().samples)
        for n in range(30):
            self.get(f"/nowhere/{n}")
            self.get(f"/v1/jobs/job_{n:026d}")
        self.assertLessEqual(len(self.metrics().samples), before)


class StackTest(MetricsTest):
    settings = [*GatherdTest.settings, "log.measure_stacks=yes"]

    def test_how_deep_stacks_get_can_be_measured(self) -> None:
        self.busy()
        deep = self.metrics().value("gatherd_task_stack_high_water_bytes")
        self.assertTrue(1000 < deep < 256 * 1024, deep)


class MadeForItTest(MetricsTest):
    """The page, the dashboard and the alerts know the families that there are, and no others."""

    def test_the_page_lists_every_family(self) -> None:
        metrics = self.metrics()
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .* \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
        self.assertEqual([name for name, _, _ in rows], list(metrics.types))
        for name, kind, text in rows:
            self.assertEqual((kind, text), (metrics.types[name], metrics.help[name]), name)

    def test_the_page_knows_the_labels(self) -> None:
        self.busy()
        rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| (.*?) \|", PAGE.read_text(), re.MULTILINE))
        shown: dict[str, set[str]] = {}
        for name, labels in self.metrics().samples:
            family = name if name in rows else without_suffix(name)
            shown.setdefault(family, set()).update(label for label, _ in labels if label != "le")
        for family, labels in shown.items():
            self.assertEqual(set(re.findall(r"`(\w+)`", rows[family])), labels, family)

    def test_what_is_made_of_families_knows_them(self) -> None:
        families = set(self.metrics().types)
        for file in (DASHBOARD, ALERTS, ALERT_TESTS):
            used = {without_suffix(name) for name in FAMILY.findall(file.read_text())}
            self.assertLessEqual(used, families, file.name)
            self.assertTrue(used)

    @needs("promtool")
    def test_the_alerts_are_rules_and_pass_their_tests(self) -> None:
        for arguments in (["check", "rules", "--lint-fatal", str(ALERTS)],
                          ["test", "rules", str(ALERT_TESTS)]):
            done = promtool(*arguments)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_is_tested_both_ways(self) -> None:
        alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text())
        tests = re.findall(r"- name: (\w+ (?:fires|is quiet))", ALERT_TESTS.read_text())
        self.assertEqual(tests, [f"{name} {how}" for name in alerts for how in ("fires", "is quiet")])


class Prometheus(Helper):
    """A server that scrapes one target, and nothing else."""

    CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: gatherd
    static_configs:
      - targets: ["{target}"]
"""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target
        self.port = free_port()

    def command(self) -> list[str]:
        config = self.directory / "prometheus.yml"
        config.write_text(self.CONFIG.format(target=self.target))
        return ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.directory}/tsdb",
                f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"]

    def get(self, path: str) -> Json:
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=10 * PATIENCE) as reply:
            return json.load(reply)["data"]

    def query(self, expression: str) -> list[Json]:
        return self.get(f"query?query={quote(expression)}")["result"]

    def is_up(self) -> bool:
        try:
            return any(result["value"][1] == "1" for result in self.query("up"))
        except OSError:
            return False


def expressions(panels: list[Json]) -> list[str]:
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


@takes_seconds
@needs("prometheus")
class PrometheusTest(MetricsTest):
    TAKES_LONG = True

    def test_it_scrapes_and_the_dashboard_asks_what_it_understands(self) -> None:
        self.busy()
        target = f"127.0.0.1:{self.gatherd.port}"
        with Prometheus(target) as prometheus:
            eventually(prometheus.is_up, "a scrape", 30)
            active, = prometheus.get("targets")["activeTargets"]
            self.assertEqual((active["health"], active["lastError"]), ("up", ""))
            self.assertEqual(len(prometheus.query("gatherd_build_info")), 1)
            self.assertEqual(prometheus.query('gatherd_store_health{state="ok"}')[0]["value"][1], "1")
            types = {name: of[0]["type"] for name, of in prometheus.get("metadata").items()}
            for name, kind in self.metrics().types.items():
                self.assertEqual(types[name], kind)
            self.ask_for_dashboard(prometheus)

    def ask_for_dashboard(self, prometheus: Prometheus) -> None:
        asked = expressions(json.loads(DASHBOARD.read_text())["panels"])
        self.assertGreater(len(asked), 30)
        variables = {"$__rate_interval": "1m", "$job": "gatherd", "$instance": ".*"}
        for expression in asked:
            for name, value in variables.items():
                expression = expression.replace(name, value)
            with self.subTest(expression=expression):
                prometheus.query(expression)
                selectors = re.findall(r"\b(gatherd_\w+|process_\w+)(\{[^}]*\})", expression)
                self.assertTrue(selectors)
