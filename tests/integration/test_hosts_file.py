"""/etc/hosts: asked before the name servers, and trusted no more than they are."""

from __future__ import annotations

import subprocess
import unittest
from pathlib import Path

from harness import Gatherd, GatherdTest

HOSTS = """\
127.0.0.1 localhost
127.0.0.1 only-here.test alias.test
127.0.0.1 both.test
10.0.0.1  private.test
"""


class GatherdWithHosts(Gatherd):
    """In a mount namespace of its own, where /etc/hosts is ours."""

    def command(self) -> list[str]:
        hosts = self.directory / "hosts"
        hosts.write_text(HOSTS)
        return ["unshare", "--map-root-user", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts), *super().command()]


def may_mount() -> bool:
    command = ["unshare", "--map-root-user", "--mount", "mount", "--bind", "/etc/hosts",
               "/etc/hosts"]
    return Path("/etc/hosts").exists() and \
        subprocess.run(command, capture_output=True, check=False).returncode == 0


@unittest.skipUnless(may_mount(), "the kernel gives us no mount namespace")
class HostsFileTest(GatherdTest):
    zone = {"both.test": {"A": ["127.0.0.9"]}, "asked.test": {"A": ["127.0.0.1"]}}
    make_gatherd = GatherdWithHosts

    def setUp(self) -> None:
        super().setUp()
        self.dns.log.mark()

    def names_asked_for(self) -> set[str]:
        return {event["name"] for event in self.dns.log.lines()}

    def test_a_name_in_it_is_never_asked_for(self) -> None:
        for name in ("only-here.test", "alias.test", "both.test"):
            with self.subTest(name=name):
                result = self.fetch(self.origin.url(host=name))
                self.assertEqual(result["outcome"], "success", result["error"])
                self.assertEqual(result["remote_ip"], "127.0.0.1")
        self.assertEqual(self.names_asked_for(), set())

    def test_any_other_name_is(self) -> None:
        result = self.fetch(self.origin.url(host="asked.test"))
        self.assertEqual(result["outcome"], "success", result["error"])
        self.assertEqual(self.names_asked_for(), {"asked.test"})

    def test_it_opens_no_way_to_what_is_forbidden(self) -> None:
        result = self.fetch("http://private.test/")
        self.assert_error(result, "blocked", "blocked_by_policy", "dns")
