"""The command line: help, checks of the configuration, a clean start and a clean end."""

from __future__ import annotations

import re
import signal
import socket
import tempfile
import threading
import unittest
from pathlib import Path

from harness import Gatherd, RawConnection, curl, run_curl, run_gatherd
from patience import PATIENCE, eventually
from servers import Origin, free_port


class OptionsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def config(self, text: str) -> str:
        path = self.directory / "gatherd.conf"
        path.write_text(text)
        return str(path)

    def assert_refused(self, *arguments: str, words: tuple[str, ...]) -> None:
        done = run_gatherd(*arguments)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertGreater(done.returncode, 0, "ended by a signal")
        for word in words:
            self.assertIn(word, done.stderr)

    def test_version_tells_a_line_for_each_part(self) -> None:
        done = run_gatherd("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        *versions, switch = done.stdout.splitlines()
        names = ["gatherd", "libcurl", "libmicrohttpd", "jansson", "SQLite", "c-ares", "OpenSSL", "zlib"]
        self.assertEqual([line.split()[0] for line in versions], names)
        for line in versions:
            self.assertRegex(line, r"^\S+ \d+(\.\d+)+\S*$")
        self.assertRegex(switch, r"^coroutine switch: (assembly|portable C)$")

    def test_an_unknown_option_is_refused(self) -> None:
        self.assert_refused("--confg", "x", words=("--confg",))

    def test_an_argument_nobody_wants_is_refused(self) -> None:
        self.assert_refused("surplus", words=("surplus",))

    def test_a_missing_value_is_refused(self) -> None:
        self.assert_refused("--set", words=("--set",))
        self.assert_refused("--config", words=("--config",))

    def test_a_good_configuration_passes(self) -> None:
        path = self.config("# ours\n[api]\nlisten = 127.0.0.1:7481\nmax_items = 5000\n"
                           "[fetch]\nconcurrency = 10\n[egress]\nallow = 10.0.0.0/8 fd00::/8\n")
        done = run_gatherd("--config", path, "--check-config")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_errors_of_a_configuration_are_located(self) -> None:
        table = [("[api]\n\nmax_itms = 5\n", ("gatherd.conf", "3", "max_itms", "max_items")),
                 ("[api]\nmax_items = many\n", ("gatherd.conf", "2", "max_items", "many")),
                 ("[api]\nmax_items = -1\n", ("gatherd.conf", "2", "max_items")),
                 ("[apy]\nmax_items = 1\n", ("gatherd.conf", "apy", "api")),
                 ("[egress]\nallow = 127.0.0.0/33\n", ("gatherd.conf", "2", "127.0.0.0/33")),
                 ("[egress]\nallow = 10.0.0.0/8 nonsense\n", ("gatherd.conf", "2", "nonsense")),
                 ("[api]\nlisten = 127.0.0.1\n", ("gatherd.conf", "2", "listen")),
                 ("[api]\nlisten = 127.0.0.1:99999\n", ("gatherd.conf", "2", "listen")),
                 ("[log]\nlevel = loud\n", ("gatherd.conf", "2", "level", "loud")),
                 ("nonsense\n", ("gatherd.conf", "1"))]
        for text, words in table:
            with self.subTest(text=text):
                self.assert_refused("--config", self.config(text), "--check-config", words=words)
                self.assert_refused("--config", self.config(text), words=words)

    def test_a_missing_file_is_named(self) -> None:
        path = str(self.directory / "nothing.conf")
        self.assert_refused("--config", path, "--check-config", words=(path,))

    def test_bad_settings_are_refused(self) -> None:
        for setting, word in (("api.max_itms=1", "max_items"), ("max_items=1", "max_items"),
                              ("api.max_items", "api.max_items"), ("api.max_items=x", "max_items"),
                              ("=1", "--set")):
            with self.subTest(setting=setting):
                self.assert_refused("--set", setting, "--check-config", words=(word,))

    def test_an_open_door_is_told_with_all_else_that_is_wrong(self) -> None:
        path = self.config("[api]\nlisten = 0.0.0.0:0\n[fetch]\nsecrets_file = /nothing/secrets\n")
        self.assert_refused("--config", path, "--check-config",
                            words=("fetch.secrets_file: /nothing/secrets", "0.0.0.0:0",
                                   "api.tokens_file"))

    def test_print_config_shows_what_is_in_force(self) -> None:
        path = self.config("[fetch]\nconcurrency = 10\n")
        done = run_gatherd("--config", path, "--set", "api.max_items=77", "--print-config")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.replace(" ", "") for line in done.stdout.splitlines()]
        self.assertIn("concurrency=10", lines)
        self.assertIn("max_items=77", lines)

    def test_what_print_config_prints_is_a_configuration(self) -> None:
        printed = run_gatherd("--set", "egress.allow=10.0.0.0/8 ::1/128", "--print-config").stdout
        path = self.config(printed)
        self.assertEqual(run_gatherd("--config", path, "--check-config").returncode, 0)
        self.assertEqual(run_gatherd("--config", path, "--print-config").stdout, printed)

    def test_set_wins_over_the_file(self) -> None:
        path = self.config("[fetch]\nconcurrency = 10\n")
        done = run_gatherd("--config", path, "--set", "fetch.concurrency=11", "--print-config")
        self.assertIn("concurrency=11", done.stdout.replace(" ", ""))


class StartTest(unittest.TestCase):
    def test_a_taken_port_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            done = run_gatherd("--set", f"api.listen={address}")
        self.assertGreater(done.returncode, 0)
        self.assertIn(address, done.stderr)

    def test_a_public_address_is_refused(self) -> None:
        for address in ("0.0.0.0", "[::]"):
            with self.subTest(address=address):
                listen = f"{address}:{free_port()}"
                done = run_gatherd("--set", f"api.listen={listen}")
                self.assertGreater(done.returncode, 0)
                self.assertIn(listen, done.stderr)

    def test_several_addresses_are_served(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path, port = f"{directory}/socket", free_port()
            with Gatherd(also_listen=f"127.0.0.1:{port} unix:{path}"):
                self.assertEqual(curl(f"http://127.0.0.1:{port}/healthz").status, 200)
                self.assertEqual(curl("--unix-socket", path, "http://localhost/healthz").status,
                                 200)

    def test_proxy_variables_are_ignored(self) -> None:
        with Origin() as origin, Origin() as proxy:
            names = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
            environment = {name: proxy.base for name in names}
            with Gatherd("egress.allow=127.0.0.0/8", environment=environment) as gatherd:
                reply = curl("-d", f'["{origin.url("/?direct")}"]', gatherd.base + "/v1/gather")
            self.assertEqual(reply.json()["results"][0]["outcome"], "success")
            self.assertEqual(proxy.events(), [])


class TaskDumpTest(unittest.TestCase):
    def test_sigusr1_logs_what_every_task_waits_for(self) -> None:
        with Origin() as origin, Gatherd("egress.allow=127.0.0.0/8") as gatherd:
            curl("-d", f'["{origin.url("/hang")}"]', gatherd.base + "/v1/jobs")
            eventually(lambda: len(origin.requests()) == 1, "the request")
            gatherd.process.send_signal(signal.SIGUSR1)
            for line in (r"main +#1 .*waits .* for readable fd", r"http server +#\d+ ",
                         r"    fetch +#\d+ .*waits [\d.]+ s for .* left"):
                eventually(lambda line=line: re.search(line, gatherd.stderr()), line)
            self.assertEqual(curl(gatherd.base + "/healthz").status, 200)


class EndTest(unittest.TestCase):
    TAKES_LONG = True

    def test_signals_end_an_idle_daemon(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number), Gatherd() as gatherd:
                gatherd.stop(number)

    def test_open_connections_do_not_keep_it(self) -> None:
        with Gatherd() as gatherd, RawConnection(gatherd.port), RawConnection(gatherd.port) as half:
            half.send(b"POST /v1/gather HTTP/1.1\r\nHost: x\r\nContent-Le")
            gatherd.stop()

    def test_a_running_gather_does_not_keep_it(self) -> None:
        with Origin() as origin, Gatherd("egress.allow=127.0.0.0/8") as gatherd:
            client = threading.Thread(target=run_curl, args=(
                "-d", f'["{origin.url("/hang")}", "{origin.url("/hang")}"]',
                gatherd.base + "/v1/gather"))
            client.start()
            eventually(lambda: len(origin.requests()) == 2, "the requests")
            gatherd.stop()
            client.join(5 * PATIENCE)
            self.assertFalse(client.is_alive())

    def test_running_jobs_do_not_keep_it(self) -> None:
        with Origin() as origin, Gatherd("egress.allow=127.0.0.0/8") as gatherd:
            for _ in range(5):
                curl("-d", f'["{origin.url("/hang")}", "{origin.url("/endless")}"]',
                     gatherd.base + "/v1/jobs")
            eventually(lambda: len(origin.requests()) == 10, "the requests")
            gatherd.stop()

    def test_a_second_signal_ends_it_at_once(self) -> None:
        with Origin() as origin, Gatherd("egress.allow=127.0.0.0/8") as gatherd:
            client = threading.Thread(target=run_curl, args=(
                "-d", f'["{origin.url("/hang")}"]', gatherd.base + "/v1/gather"))
            client.start()
            eventually(lambda: len(origin.requests()) == 1, "the request")
            gatherd.process.send_signal(signal.SIGTERM)
            eventually(lambda: "stopping on TERM" in gatherd.stderr(), "the first signal's line")
            gatherd.expected_status = -signal.SIGTERM
            gatherd.stop()
            client.join(5 * PATIENCE)
            self.assertFalse(client.is_alive())

    def test_the_port_is_free_again(self) -> None:
        with Gatherd() as first:
            pass
        second = Gatherd()
        second.port, second.settings = first.port, first.settings
        with second:
            self.assertTrue(second.is_healthy())


if __name__ == "__main__":
    unittest.main()
