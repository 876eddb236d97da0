"""The daemon that is measured."""

import contextlib
import json
import pathlib
import resource

from fetching import process
from fetching.process import Failed

OWN_DESCRIPTORS = 200  # of the daemon and of its clients, ample


class Daemon:
    """One that runs."""

    def __init__(self, pid, port):
        self.pid = pid
        self.port = port

    def gather(self, urls, concurrency, defaults=None):
        """All URLs in one POST, all of which have to be answered well."""
        answer = process.exchange_json(self.port, "POST", "/v1/gather",
                                       gather_body(urls, concurrency, defaults))
        return count_results(answer["results"], urls)

    def measure(self, urls, concurrency, defaults=None):
        """The same, and what it took; reading the answer is nobody's cost."""
        body = gather_body(urls, concurrency, defaults)
        with process.measuring(self.pid) as used:
            status, answer = process.exchange(self.port, "POST", "/v1/gather", body)
        if status != 200:
            raise Failed(f"POST /v1/gather: {status} {answer[:1000].decode(errors='replace')}")
        return {**count_results(json.loads(answer)["results"], urls), **used}


def gather_body(urls, concurrency, defaults=None):
    return json.dumps({"limits": {"concurrency": concurrency}, "defaults": defaults or {},
                       "requests": urls})


def count_results(results, urls):
    if [result["request"]["url"] for result in results] != urls:
        raise Failed("gatherd's results are not the requests in the order asked")
    wrong = [result for result in results if result["status_code"] != 200]
    if wrong:
        raise Failed(f"gatherd: {len(wrong)} of {len(urls)} failed, such as by {wrong[0]['error']}")
    return {
        "ok": len(results),
        "body_bytes": sum(result["body"]["decoded_bytes"] for result in results),
    }


def max_idle_connections(concurrency):
    """As many as are in flight, or as many as the daemon finds room for: a fetch may take two."""
    left, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(256, min(concurrency, left - 2 * concurrency - OWN_DESCRIPTORS))


def options(port, n_urls, concurrency, ca_file, more=None):
    config = {
        "api.listen": f"127.0.0.1:{port}",
        "api.max_connections": 16,
        "api.max_items": max(n_urls, 1000),
        "api.max_body_bytes": max(256 * n_urls, 1 << 20),
        "egress.allow": "127.0.0.0/8",
        "fetch.ca_file": ca_file,
        "fetch.concurrency": concurrency,
        "fetch.per_host_concurrency": concurrency,
        "fetch.max_idle_connections": max_idle_connections(concurrency),
        "jobs.max_result_bytes": "4G",
        **(more or {}),
    }
    return [word for key, value in config.items() for word in ("--set", f"{key}={value}")]


@contextlib.contextmanager
def running(bench, n_urls, concurrency, more=None, wrapper=(), env=None, cores=None):
    """A daemon, alone on the clients' core unless said otherwise, for the length of a with block."""
    port = process.free_port()
    argv = process.on_cores(cores or [bench.client_core], *wrapper, bench.gatherd,
                           *options(port, n_urls, concurrency, bench.ca_file, more))
    log = pathlib.Path(bench.folder) / "gatherd.log"
    with process.serving(argv, process.is_up_at(port, "/healthz"), log, env) as pid:
        yield Daemon(pid, port)
