"""How it ends, by itself and by force, and what becomes of who was there."""

from __future__ import annotations

import json
import os
import signal
import time

from harness import run_curl
from patience import eventually
from system import SystemTest, systemctl
from test_drain import Background


N_CRASHES = 6


class DrainTest(SystemTest):
    def slow_gather(self, ms: int) -> Background:
        gather = Background("-d", json.dumps([self.origin.url(f"/slow?ms={ms}")]), f"{self.gatherd.base}/v1/gather")
        eventually(lambda: len(self.origin.requests()) == 1, "the request")
        return gather

    def assert_ended_well(self) -> None:
        self.gatherd.until("inactive")
        self.assertEqual((self.gatherd.show("Result"), self.gatherd.show("ExecMainStatus")), ("success", "0"))

    def test_a_request_that_is_under_way_is_answered_before_the_end(self) -> None:
        gather = self.slow_gather(1000)
        began = time.monotonic()
        self.gatherd.stop()
        self.assertLess(time.monotonic() - began, 3)
        self.assertEqual(gather.answer().json()["results"][0]["outcome"], "success")
        self.assert_ended_well()

    def test_it_asks_for_the_time_that_it_needs(self) -> None:
        self.gatherd.change("TimeoutStopSec=500ms")
        gather = self.slow_gather(1500)
        self.gatherd.stop()
        self.assertEqual(gather.answer().json()["results"][0]["outcome"], "success")
        self.assert_ended_well()

    def test_systemd_knows_what_it_is_doing(self) -> None:
        gather = self.slow_gather(700)
        systemctl("stop", "--no-block", self.gatherd.unit)
        self.gatherd.until("deactivating")
        self.assertIn("Finishing", self.gatherd.show("StatusText"))
        self.assertEqual(gather.answer().status, 200)


class RecoveryTest(SystemTest):
    def test_a_loop_that_has_stopped_is_killed_and_started_anew(self) -> None:
        self.gatherd.change("WatchdogSec=500ms")
        pid = self.gatherd.start()
        os.kill(pid, signal.SIGSTOP)
        self.healthy()
        self.assertNotEqual(self.gatherd.pid, pid)
        self.assertEqual(self.gatherd.n_restarts(), 1)
        self.assertIn("Watchdog timeout", self.gatherd.journal())

    def test_a_loop_that_goes_round_is_left_alone(self) -> None:
        self.gatherd.change("WatchdogSec=300ms")
        pid = self.gatherd.start()
        time.sleep(1)
        self.assertEqual((self.gatherd.pid, self.gatherd.n_restarts()), (pid, 0))

    def test_a_job_goes_on_where_a_killed_daemon_was(self) -> None:
        self.gatherd.configure(*self.settings, "fetch.concurrency=4")
        urls = [self.origin.url(f"/slow?ms=100&n={n}") for n in range(40)]
        job = self.submit_urls(self.gatherd, urls)
        eventually(lambda: self.look(self.gatherd, job)["counts"]["success"] >= 8, "some results")
        os.kill(self.gatherd.pid, signal.SIGKILL)
        self.assert_complete(self.gatherd, job, urls)
        self.assertEqual(self.gatherd.n_restarts(), 1)
        self.assertLess(len(self.origin.requests()), 40 + 2 * 4 + 1)

    def test_no_number_of_crashes_takes_the_socket_away(self) -> None:
        self.gatherd.change("RestartSec=10ms")
        pid = self.gatherd.start()
        for _ in range(N_CRASHES):
            os.kill(pid, signal.SIGKILL)
            self.healthy()
            pid = self.gatherd.successor_of(pid)
        self.assertEqual(self.gatherd.show("ActiveState", self.gatherd.socket), "active")
        self.assertEqual(self.gatherd.n_restarts(), N_CRASHES)


class WrongConfigurationTest(SystemTest):
    def test_it_ends_with_status_78_and_is_not_tried_again(self) -> None:
        self.gatherd.configure("api.listn=127.0.0.1:1")
        self.assertEqual(self.gatherd.failed_start(), 78)
        time.sleep(1.5)  # RestartSec= and more
        self.assertEqual((self.gatherd.show("ActiveState"), self.gatherd.n_restarts()), ("failed", 0))
        self.assertIn("did you mean", self.gatherd.journal())

    def test_who_comes_meanwhile_does_not_have_it_tried_for_ever(self) -> None:
        self.gatherd.change("TriggerLimitBurst=3", section="Socket")
        systemctl("restart", self.gatherd.socket)
        self.gatherd.configure("api.listn=127.0.0.1:1")
        self.assertNotEqual(run_curl(f"{self.gatherd.base}/healthz").returncode, 0)
        self.assertLess(self.gatherd.journal().count("did you mean"), 5)
        self.assertEqual(self.gatherd.show("ActiveState", self.gatherd.socket), "failed")
        self.gatherd.configure()
        self.gatherd.restart()
        self.assertEqual(self.gatherd.unix("/healthz").status, 200)
