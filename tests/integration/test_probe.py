"""/probe: what blackbox_exporter's http prober tells, in the same words."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from harness import Gatherd, GatherdTest, Reply, curl, needs, run_gatherd
from patience import PATIENCE, eventually, takes_seconds
from servers import Certificates, Origin, free_port, refused_url
from test_metrics import Prometheus

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "probe.md").read_text()
SAMPLE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_0-9]+)="((?:[^"\\]|\\.)*)"')
Samples = dict[tuple[str, frozenset], float]

# What differs from one probe to the next.
TIMES = {"probe_duration_seconds", "probe_dns_lookup_time_seconds", "probe_http_duration_seconds"}


def samples_of(text: str) -> Samples:
    """By name and labels."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            found[name, frozenset(LABEL.findall(labels or ""))] = float(value)
    return found


class Blackbox:
    """The real one, with modules as YAML."""

    def __init__(self, modules: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="gatherd-test-"))
        self.file = self.directory / "blackbox.yml"
        self.file.write_text(modules)
        self.port = free_port()

    def __enter__(self) -> "Blackbox":
        self.process = subprocess.Popen(
            ["prometheus-blackbox-exporter", f"--config.file={self.file}",
             f"--web.listen-address=127.0.0.1:{self.port}"], stderr=subprocess.DEVNULL)
        eventually(self.is_there, "blackbox_exporter", 10)
        return self

    def is_there(self) -> bool:
        return subprocess.run(["curl", "-sf", "-o", "/dev/null", "--noproxy", "*",
                               f"http://127.0.0.1:{self.port}/-/healthy"], check=False).returncode == 0

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.directory)


class ProbeTest(GatherdTest):
    zone = {"one.test": {"A": ["127.0.0.1"]}}
    modules: dict[str, dict[str, str]] = {
        "post": {"method": "POST", "body": "x=1", "headers": "X-A: b c", "valid_status_codes": "2xx 404"},
        "error": {"valid_status_codes": "503"},
        "plain": {"fail_if_ssl": "true"},
        "secure": {"fail_if_not_ssl": "true"},
        "no_redirects": {"follow_redirects": "false"},
        "body": {"fail_if_body_matches_regexp": "Error|Warn"},
        "not_body": {"fail_if_body_not_matches_regexp": "^[{].*[}]"},
        "header": {"fail_if_header_matches": "X-Nope?: ."},
        "not_header": {"fail_if_header_not_matches": "Content-Type: ^text/html"},
        "http_2": {"valid_http_versions": "HTTP/2.0"},
        "small": {"body_size_limit": "10"},
        "bearer": {"bearer_secret_ref": "token"},
        "quick": {"timeout_ms": "200"},
    }

    @classmethod
    def setUpClass(cls) -> None:
        directory = Path(tempfile.mkdtemp(prefix="gatherd-test-"))
        cls.addClassCleanup(shutil.rmtree, directory)
        secrets = directory / "secrets"
        secrets.write_text("token = hush\n")
        secrets.chmod(0o600)
        cls.settings = [*GatherdTest.settings, f"fetch.secrets_file={secrets}",
                        *(f"probe.{name}.{key}={value}" for name, module in cls.modules.items()
                          for key, value in module.items())]
        super().setUpClass()

    def probe(self, target: str, module: str = "", *arguments: str) -> Samples:
        query = {"target": target, **({"module": module} if module else {})}
        reply = self.get("/probe?" + urlencode(query), *arguments)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8")
        return samples_of(reply.body.decode())

    def value(self, samples: Samples, name: str, **labels: str) -> float:
        return samples[f"probe_{name}", frozenset(labels.items())]

    def success(self, target: str, module: str = "") -> bool:
        return self.value(self.probe(target, module), "success") == 1

    def failed_by_regex(self, path: str, module: str) -> bool:
        samples = self.probe(self.origin.url(path), module)
        by_regex = self.value(samples, "failed_due_to_regex") == 1
        self.assertEqual(self.value(samples, "success"), 0 if by_regex else 1)
        return by_regex

    def test_a_good_target_is_a_success(self) -> None:
        samples = self.probe(self.origin.url("/bytes/100", host="one.test"))
        self.assertEqual(self.value(samples, "success"), 1)
        self.assertEqual(self.value(samples, "http_status_code"), 200)
        self.assertEqual(self.value(samples, "http_content_length"), 100)
        self.assertEqual(self.value(samples, "http_version"), 1.1)
        self.assertEqual(self.value(samples, "ip_protocol"), 4)

    def test_the_phases_add_up_to_less_than_the_whole(self) -> None:
        samples = self.probe(self.origin.url("/slow?ms=50"))
        phases = {dict(labels)["phase"]: value for (name, labels), value in samples.items()
                  if name == "probe_http_duration_seconds"}
        self.assertEqual(set(phases), {"resolve", "connect", "tls", "processing", "transfer"})
        self.assertGreaterEqual(phases["processing"], 0.05)
        self.assertGreaterEqual(self.value(samples, "duration_seconds"), sum(phases.values()))

    def test_each_probe_has_a_connection_of_its_own(self) -> None:
        for _ in range(3):
            connect = self.value(self.probe(self.origin.url()), "http_duration_seconds", phase="connect")
            self.assertGreater(connect, 0)

    def test_a_failing_target_is_no_failing_probe(self) -> None:
        for target in (refused_url(), self.origin.url("/close"), "http://nosuch.test/", "http://[::1",
                       "ftp://one.test/", "http://10.1.2.3/", self.gatherd.base):
            with self.subTest(target=target):
                samples = self.probe(target)
                self.assertEqual(self.value(samples, "success"), 0)
                self.assertEqual(self.value(samples, "http_status_code"), 0)

    def test_a_target_without_a_scheme_is_http(self) -> None:
        self.assertTrue(self.success(f"127.0.0.1:{self.origin.port}/bytes/1"))

    def test_a_module_says_how_to_ask(self) -> None:
        self.assertTrue(self.success(self.origin.url("/echo"), "post"))
        request = self.origin.requests()[-1]
        self.assertEqual(request["method"], "POST")
        self.assertIn(["x-a", "b c"], [[name.lower(), value] for name, value in request["headers"]])

    def test_statuses_decide(self) -> None:
        self.assertFalse(self.success(self.origin.url("/status/503")))
        self.assertTrue(self.success(self.origin.url("/status/503"), "error"))
        self.assertFalse(self.success(self.origin.url("/status/200"), "error"))

    def test_tls_decides(self) -> None:
        self.assertTrue(self.success(self.origin.url(), "plain"))
        self.assertFalse(self.success(self.origin.url(), "secure"))

    def test_versions_decide(self) -> None:
        self.assertFalse(self.success(self.origin.url(), "http_2"))

    def test_the_size_of_the_body_decides(self) -> None:
        self.assertTrue(self.success(self.origin.url("/bytes/10"), "small"))
        self.assertFalse(self.success(self.origin.url("/bytes/11"), "small"))

    def test_redirects_are_followed_unless_the_module_says_otherwise(self) -> None:
        samples = self.probe(self.origin.url("/redirect/2"))
        self.assertEqual(self.value(samples, "http_redirects"), 2)
        self.assertEqual(self.value(samples, "success"), 1)
        self.assertFalse(self.success(self.origin.url("/redirect/2"), "no_redirects"))

    def test_the_body_decides(self) -> None:
        self.assertFalse(self.failed_by_regex("/json", "body"))
        self.assertFalse(self.failed_by_regex("/json", "not_body"))
        self.assertTrue(self.failed_by_regex("/bytes/10", "not_body"))

    def test_headers_decide(self) -> None:
        self.assertFalse(self.failed_by_regex("/json", "header"))
        self.assertTrue(self.failed_by_regex("/json", "not_header"))

    def test_a_secret_is_sent_and_not_told(self) -> None:
        reply = self.get("/probe?" + urlencode({"target": self.origin.url("/echo"), "module": "bearer"}))
        self.assertNotIn(b"hush", reply.body)
        sent = {name.lower(): value for name, value in self.origin.requests()[-1]["headers"]}
        self.assertEqual(sent["authorization"], "Bearer hush")

    def test_a_module_has_a_timeout(self) -> None:
        samples = self.probe(self.origin.url("/hang"), "quick")
        self.assertEqual(self.value(samples, "success"), 0)
        self.assertLess(self.value(samples, "duration_seconds"), 2 * PATIENCE)

    def test_the_scrape_is_answered_before_prometheus_gives_up(self) -> None:
        samples = self.probe(self.origin.url("/hang"), "", "-H", "X-Prometheus-Scrape-Timeout-Seconds: 0.8")
        self.assertEqual(self.value(samples, "success"), 0)
        self.assertGreater(self.value(samples, "duration_seconds"), 0.3)
        self.assertLess(self.value(samples, "duration_seconds"), 2 * PATIENCE)

    def test_a_question_that_makes_no_sense_is_a_problem(self) -> None:
        good = urlencode({"target": self.origin.url()})
        for query in ("", "target=", f"{good}&module=nope", f"{good}&modul=post"):
            with self.subTest(query=query):
                self.assert_problem(self.get(f"/probe?{query}"), 400)
        for seconds in ("x", "-1", "nan", "0"):
            with self.subTest(seconds=seconds):
                reply = self.get(f"/probe?{good}", "-H", f"X-Prometheus-Scrape-Timeout-Seconds: {seconds}")
                self.assert_problem(reply, 400)

    @needs("promtool")
    def test_promtool_has_nothing_to_say(self) -> None:
        reply = self.get("/probe?" + urlencode({"target": self.origin.url()}))
        done = subprocess.run(["promtool", "check", "metrics"], input=reply.body, capture_output=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))


BLACKBOX_MODULES = """
modules:
  http_2xx: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}
  insecure: {prober: http, timeout: 5s,
             http: {preferred_ip_protocol: ip4, tls_config: {insecure_skip_verify: true}}}
  post: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, method: POST, body: a}}
  regex: {prober: http, timeout: 5s,
          http: {preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ["^nothing"]}}
"""


@needs("prometheus-blackbox-exporter")
class LikeBlackboxTest(GatherdTest):
    """Both are asked for the same targets, by modules that say the same."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.certificates = cls.enterClassContext(Certificates())
        cls.settings = [*GatherdTest.settings, "probe.insecure.insecure_skip_verify=true",
                        "probe.post.method=POST", "probe.post.body=a",
                        "probe.regex.fail_if_body_not_matches_regexp=^nothing"]
        super().setUpClass()
        cls.secure = cls.enterClassContext(Origin(
            tls=cls.certificates.issue("good", "DNS:good.test,DNS:other.test,IP:127.0.0.1", 1)))
        cls.blackbox = cls.enterClassContext(Blackbox(BLACKBOX_MODULES))

    def ask(self, base: str, target: str, module: str) -> Samples:
        reply: Reply = curl(f"{base}/probe?" + urlencode({"target": target, "module": module}))
        self.assertEqual(reply.status, 200, reply.body)
        return samples_of(reply.body.decode())

    def assert_same(self, target: str, module: str = "http_2xx", but: set[str] = frozenset()) -> None:
        """but: what has another value."""
        ours = self.ask(self.gatherd.base, target, module)
        theirs = self.ask(f"http://127.0.0.1:{self.blackbox.port}", target, module)
        self.assertEqual(set(ours), set(theirs))
        for key, value in theirs.items():
            if key[0] not in TIMES | but:
                self.assertEqual(ours[key], value, key)

    def test_good_and_bad_answers(self) -> None:
        for path in ("/bytes/100", "/json", "/status/404", "/status/503", "/redirect/3"):
            with self.subTest(path=path):
                self.assert_same(self.origin.url(path))

    def test_other_modules(self) -> None:
        self.assert_same(self.origin.url("/echo"), "post", {"probe_http_content_length",
                                                            "probe_http_uncompressed_body_length"})
        self.assert_same(self.origin.url("/json"), "regex")

    def test_targets_that_do_not_answer(self) -> None:
        # Where it would have gone is not known of one that never let us in.
        nowhere = {"probe_ip_addr_hash", "probe_ip_protocol"}
        self.assert_same(refused_url(), but=nowhere)
        self.assert_same("http://nosuch.invalid/")
        self.assert_same("http://[::1")

    def test_tls(self) -> None:
        # Nothing leads to a certificate that is trusted: 0 here, the year 1 there.
        self.assert_same(self.secure.url("/bytes/1"), "insecure",
                         {"probe_ssl_last_chain_expiry_timestamp_seconds"})
        self.assert_same(self.secure.url("/bytes/1"), but={"probe_ip_addr_hash", "probe_ip_protocol"})


class ProbeConfigTest(GatherdTest):
    def test_a_module_that_is_wrong_is_found_before_the_start(self) -> None:
        done = run_gatherd("--check-config", "--set", "probe.a.valid_status_codes=2yy")
        self.assertEqual(done.returncode, 78)
        self.assertIn("[probe.a] expect/status/0", done.stderr)

    def test_a_daemon_with_many_modules_serves(self) -> None:
        with Gatherd(*self.settings, *(f"probe.m{n}.method=HEAD" for n in range(100))) as gatherd:
            self.assertTrue(gatherd.is_healthy())


class ProbeDocsTest(GatherdTest):
    """docs/probe.md says what there is."""

    text = DOCS

    def in_first_column(self, pattern: str) -> set[str]:
        rows = [line.split("|")[1] for line in self.text.splitlines() if line.startswith("| `")]
        return {name for row in rows for name in re.findall("`([a-z_0-9]+)`", row) if re.search(pattern, name)}

    def test_every_key_is_told(self) -> None:
        printed = run_gatherd("--print-config").stdout.partition("[probe.http_2xx]")[2]
        keys = set(re.findall(r"^([a-z_0-9]+) =", printed, re.MULTILINE))
        told = self.in_first_column("") - self.in_first_column("^probe_") - {"target", "module"}
        self.assertEqual(told, keys)

    def test_every_family_is_told(self) -> None:
        source = "".join(path.read_text() for path in self.sources())
        self.assertEqual(self.in_first_column("^probe_"), set(re.findall(r'"(probe_[a-z_]+)"', source)))

    def sources(self) -> list[Path]:
        return [Path(__file__).resolve().parents[2] / "daemon" / "api" / "probe_metrics.c"]

    def test_the_example_is_a_configuration(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            secrets, file = Path(directory) / "secrets", Path(directory) / "gatherd.conf"
            secrets.write_text("login-token = hush\n")
            secrets.chmod(0o600)
            example = re.search(r"```ini\n(.*?)```", self.text, re.DOTALL).group(1)
            file.write_text(f"[fetch]\nsecrets_file = {secrets}\n{example}")
            done = run_gatherd("--config", str(file), "--check-config")
            self.assertEqual((done.returncode, done.stderr), (0, ""))


class ProbingPrometheus(Prometheus):
    """One that has the documented configuration, with these targets."""

    CONFIG = "{target}"

    def __init__(self, gatherd: Gatherd, *targets: str) -> None:
        example = re.search(r"```yaml\n(.*?)```", DOCS, re.DOTALL).group(1)
        example = example.replace("127.0.0.1:7480", f"127.0.0.1:{gatherd.port}")
        example = re.sub(r"targets: \[.*\]", f"targets: [{', '.join(targets)}]", example)
        super().__init__("global: {scrape_interval: 1s, scrape_timeout: 1s}\n" + example)


@takes_seconds
@needs("prometheus")
class ProbedByPrometheusTest(GatherdTest):
    def test_it_probes_what_the_documented_configuration_says(self) -> None:
        good, bad = self.origin.url("/json"), self.origin.url("/status/503")
        with ProbingPrometheus(self.gatherd, good, bad) as prometheus:
            eventually(prometheus.is_up, "a scrape", 30)
            eventually(lambda: len(prometheus.query("probe_success")) == 2, "two probes", 10)
            found = {result["metric"]["instance"]: result["value"][1]
                     for result in prometheus.query("probe_success")}
            self.assertEqual(found, {good: "1", bad: "0"})
            health = {target["health"] for target in prometheus.get("targets")["activeTargets"]}
            self.assertEqual(health, {"up"})
