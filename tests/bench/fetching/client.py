"""The clients that are measured next to each other.

Each is a function of a bench and a load, and answers with ok, body_bytes, cpu_s and wall_s; what it
cannot tell is None.
"""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass

from fetching import gatherd, process
from fetching.process import Failed

DEBIANS_PYTHON = "/usr/bin/python3"  # its modules are installed for no other
WRK_SECONDS = 2
POLL_S = 0.1
UNDICI = "undici@6.21.3"


@dataclass
class Load:
    urls: list
    concurrency: int
    warm: tuple = ()              # URLs fetched before, not measured
    defaults: dict = None         # of gatherd's request
    settings: dict = None         # of gatherd
    loop_options: tuple = ()      # of curl_loop
    min_connections: int = 1
    max_connections: int = None   # None: as many as are in flight


def write_lines(bench, name, lines):
    path = bench.folder / name
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


# gatherd, and programs that are written for this and speak for themselves


def run_gatherd(bench, load):
    with gatherd.running(bench, len(load.urls), load.concurrency, load.settings) as daemon:
        if load.warm:
            daemon.gather(load.warm, load.concurrency, load.defaults)
        return daemon.measure(load.urls, load.concurrency, load.defaults)


def run_program(bench, load, *command):
    urls = write_lines(bench, "urls", load.urls)
    env = {"NODE_MODULES_OF": str(bench.built)}
    argv = process.on_core(bench.client_core, *command, urls, load.concurrency)
    return json.loads(process.run(argv, env))


def curl_loop(bench, load):
    urls = write_lines(bench, "urls", [*load.warm, *load.urls])
    return [bench.built / "curl_loop", *load.loop_options, "-c", bench.ca_file,
            "-w", len(load.warm), urls, load.concurrency]


def run_curl_loop(bench, load):
    return json.loads(process.run(process.on_core(bench.client_core, *curl_loop(bench, load))))


def run_pycurl(bench, load):
    return run_program(bench, load, DEBIANS_PYTHON, bench.peers / "pycurl_client.py")


def run_go(bench, load):
    return run_program(bench, load, bench.built / "go_client")


def run_undici(bench, load):
    return run_program(bench, load, "node", bench.peers / "undici_client.mjs")


def run_aiohttp(bench, load, loop="asyncio"):
    return run_program(bench, load, DEBIANS_PYTHON, bench.peers / "aiohttp_client.py", loop)


def run_uvloop(bench, load):
    return run_aiohttp(bench, load, "uvloop")


# Tools, whose whole process is measured


def run_curl_tool(bench, load):
    options = [line for url in load.urls for line in (f'url = "{url}"', 'output = "/dev/null"')]
    config = write_lines(bench, "curl.conf", options)
    argv = ["curl", "-q", "-s", "--parallel", "--parallel-max", load.concurrency,
            "-w", "%{http_code} %{size_download}\\n", "-K", config]
    text, used = process.run_and_time(process.on_core(bench.client_core, *argv))
    rows = [line.split() for line in text.splitlines()]
    return {"ok": sum(status == "200" for status, _ in rows),
            "body_bytes": sum(int(size) for _, size in rows), **used}


def run_wrk(bench, load):
    """It asks for one URL as often as it can, for a time: what it got is what was asked."""
    argv = ["wrk", "-t", 1, "-c", load.concurrency, "-d", f"{WRK_SECONDS}s", load.urls[0]]
    text, used = process.run_and_time(process.on_core(bench.client_core, *argv))
    if "Non-2xx" in text or "Socket errors" in text:
        raise Failed(f"wrk: {text}")
    return {"ok": int(re.search(r"(\d+) requests in", text)[1]), "body_bytes": None, **used}


# Servers, asked from the origins' core


def measure_server(pid, ask):
    with process.measuring(pid) as used:
        ok = ask()
    return {"ok": ok, "body_bytes": None, **used}


def run_blackbox(bench, load):
    """A probe for each URL, asked for by the bare loop."""
    port, conf = process.free_port(), bench.folder / "blackbox.yml"
    conf.write_text("modules: {get: {prober: http, http: {preferred_ip_protocol: ip4}}}\n")
    argv = process.on_core(bench.client_core, "env", "GOMAXPROCS=1", "prometheus-blackbox-exporter",
                           "--config.file", conf, f"--web.listen-address=127.0.0.1:{port}",
                           "--log.level=error")
    base = f"http://127.0.0.1:{port}/probe?module=get&target="
    urls = write_lines(bench, "urls", [base + url.replace("?", "%3F") for url in load.urls])

    def probe_all():
        asked = process.on_core(bench.origin_core, bench.built / "curl_loop", urls, load.concurrency)
        return json.loads(process.run(asked))["ok"]

    is_up, log = process.is_up_at(port, "/-/healthy"), bench.folder / "blackbox.log"
    with process.serving(argv, is_up, log) as pid:
        return measure_server(pid, probe_all)


def aria2_call(port, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    return process.exchange_json(port, "POST", "/jsonrpc", body)["result"]


def run_aria2(bench, load):
    """All URLs are added in one call; each becomes a file."""
    port, folder = process.free_port(), bench.folder / "aria2"
    shutil.rmtree(folder, ignore_errors=True)
    argv = process.on_core(
        bench.client_core, "aria2c", "--no-conf", "--enable-rpc", f"--rpc-listen-port={port}",
        f"--max-concurrent-downloads={load.concurrency}", "--file-allocation=none", "--quiet",
        f"--max-download-result={len(load.urls)}", "--rpc-max-request-size=100M", "-d", folder)
    calls = [{"methodName": "aria2.addUri", "params": [[url], {"out": str(i)}]}
             for i, url in enumerate(load.urls)]

    def is_up():
        return aria2_call(port, "aria2.getGlobalStat")

    def is_done():
        return int(is_up()["numStopped"]) == len(load.urls)

    def download_all():
        aria2_call(port, "system.multicall", calls)
        process.wait_until(is_done, process.RUN_TIMEOUT_S, POLL_S)
        rows = aria2_call(port, "aria2.tellStopped", 0, len(load.urls), ["status"])
        return sum(row["status"] == "complete" for row in rows)

    with process.serving(argv, is_up, bench.folder / "aria2.log") as pid:
        return measure_server(pid, download_all)


def has_module(name):
    done = subprocess.run([DEBIANS_PYTHON, "-c", f"import {name}"], capture_output=True, check=False)
    return done.returncode == 0


def has_program(name):
    return shutil.which(name) is not None


@dataclass
class Client:
    run: object
    share: float = 1           # of the requests, since some are slow
    keeps_alive: bool = True
    is_there: object = lambda bench: True
    is_timed: bool = False     # asks for as long as it is told, not for so many

CLIENTS = {
    "gatherd": Client(run_gatherd),
    "curl loop": Client(run_curl_loop),
    "curl --parallel": Client(run_curl_tool, 0.4, is_there=lambda _: has_program("curl")),
    "pycurl multi": Client(run_pycurl, 0.4, is_there=lambda _: has_module("pycurl")),
    "Go net/http": Client(run_go, is_there=lambda bench: (bench.built / "go_client").exists()),
    "Node undici": Client(
        run_undici, is_there=lambda bench: (bench.built / "node_modules" / "undici").exists()),
    "aiohttp": Client(run_aiohttp, 0.1, is_there=lambda _: has_module("aiohttp")),
    "aiohttp + uvloop": Client(run_uvloop, 0.1, is_there=lambda _: has_module("uvloop")),
    "blackbox probes": Client(
        run_blackbox, 0.02, False, lambda _: has_program("prometheus-blackbox-exporter")),
    "aria2 JSON-RPC": Client(run_aria2, 0.01, False, lambda _: has_program("aria2c")),
    "wrk (floor)": Client(run_wrk, is_there=lambda _: has_program("wrk"), is_timed=True),
}


# Building those that are sources


def build_c(bench):
    libcurl = process.run(["pkg-config", "--cflags", "--libs", "libcurl"]).split()
    cc = ["cc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-g"]
    process.run([*cc, "-o", bench.built / "curl_loop", bench.peers / "curl_loop.c", *libcurl])
    process.run([*cc, "-shared", "-fPIC", "-o", bench.built / "counts.so",
                 bench.peers / "counts.c"])


def build_go(bench):
    offline = {"GO111MODULE": "off", "GOCACHE": str(bench.built / "go-cache")}
    for name in ("go_client", "held_origin"):
        process.run(["go", "build", "-o", bench.built / name, bench.peers / f"{name}.go"], offline)


def install_undici(bench):
    if not (bench.built / "node_modules" / "undici").exists():
        process.run(["npm", "install", "--prefix", bench.built, "--ignore-scripts", "--no-audit",
                     "--no-fund", "--no-save", UNDICI])


def build(bench):
    """What cannot be built is said; it is then missing, not fatal, but for the bare loop."""
    bench.built.mkdir(parents=True, exist_ok=True)
    build_c(bench)
    for make in (build_go, install_undici):
        try:
            make(bench)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            print(f"# left out: {make.__name__}: {str(error).splitlines()[0]}")
