"""The scenarios, each a function of a bench that prints its tables and returns its targets."""

import contextlib
import http.client
import subprocess
import threading

from fetching import gatherd, origin, process
from fetching.client import CLIENTS, Load, curl_loop
from fetching.measure import Series, compare
from fetching.process import Failed
from fetching.report import Target, print_rows, print_series, spread

CONCURRENCY = 64
US_AND_LOOP = ("gatherd", "curl loop")
HTTP1 = {"http_version": "1.1"}  # else a TLS origin that can do HTTP/2 gets one connection
MANY_HOSTS = 1000  # with more the bare loop takes milliseconds for each URL
N_WAVES = 18  # opening the connections is a small part of the work then, as it is with 64
PATIENT = {"fetch.timeout_ms": "200s", "fetch.connect_timeout_ms": "200s"}


def ratio(table, name, peer):
    """None, if one of them is not there."""
    if name in table and peer in table:
        return table[name].cpu / table[peer].cpu
    return None


def both(load):
    return {name: (name, load) for name in US_AND_LOOP}


# Keep-alive


def present(bench):
    names = []
    for name, client in CLIENTS.items():
        if client.is_there(bench):
            names.append(name)
        else:
            print(f"# left out: {name} is not there")
    return names


def keepalive(bench):
    """Small GETs of one host over kept-alive connections, 64 in flight."""
    loads = {}
    for name in present(bench):
        urls = bench.nginx.urls(max(1, int(bench.requests * CLIENTS[name].share)))
        loads[name] = (name, Load(urls, CONCURRENCY))
    table = compare(bench, bench.nginx, loads)
    print_series(table, "gatherd")
    return [
        Target("keepalive: CPU of gatherd / curl loop", 1.3, ratio(table, "gatherd", "curl loop")),
        Target("keepalive: CPU of gatherd / aiohttp", 0.1, ratio(table, "gatherd", "aiohttp")),
        Target("keepalive: CPU of gatherd / Go (stretch)", 1.0,
               ratio(table, "gatherd", "Go net/http")),
    ]


# TLS


def tls(bench):
    """New TLS connections, each verified against all that Debian trusts, 64 in flight."""
    n = bench.requests // 20
    load = Load(bench.nginx.tls_urls(n, "/once"), CONCURRENCY, defaults=HTTP1,
                min_connections=n, max_connections=n)
    table = compare(bench, bench.nginx, both(load))
    print_series(table, "gatherd")
    return [Target("tls: CPU of gatherd / curl loop", 1.2, ratio(table, "gatherd", "curl loop"))]


def http2(bench):
    """HTTP/2, 100 streams on one connection."""
    load = Load(bench.nginx.tls_urls(bench.requests // 2), 100, defaults={"http_version": "2"},
                loop_options=("-2",), max_connections=1)
    table = compare(bench, bench.nginx, both(load))
    print_series(table, "gatherd")
    return [Target("http2: CPU of gatherd / curl loop", 1.3, ratio(table, "gatherd", "curl loop"))]


# Many in flight


def in_flight_loads(bench, n_urls):
    n = bench.in_flight
    few = Load(bench.held.urls(n_urls, "/held/1"), CONCURRENCY, settings=PATIENT)
    # A free connection may be in another part of the client than the next request.
    one = Load(bench.held.urls(n_urls, f"/held/{n}"), n, settings=PATIENT,
               max_connections=n + n // 50)
    many = Load(bench.held.urls(n_urls, f"/held/{n}", origin.loopback_hosts(n)), n,
                settings={**PATIENT, "fetch.per_host_concurrency": 1}, max_connections=n + n // 50)
    return {"64 to one host": few, f"{n} to one host": one, f"{n} to {n} hosts": many}


def hold_gatherd(bench, urls, look):
    n = len(urls)
    with gatherd.running(bench, n, n, PATIENT) as daemon:
        asking = threading.Thread(target=daemon.gather, args=(urls, n, HTTP1))
        asking.start()
        look(daemon.pid)
        asking.join()


def hold_curl_loop(bench, urls, look):
    argv = process.on_core(bench.client_core, *curl_loop(bench, Load(urls, len(urls))))
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as loop:
        look(loop.pid)


def held_kib(bench, hold, scheme, n):
    """What a client has resident while n requests of its are in flight."""
    urls = (bench.held.urls if scheme == "http" else bench.held.tls_urls)(n, "/held/0")
    seen = None

    def look(pid):
        nonlocal seen
        if process.wait_until(lambda: bench.held.counts()["waiting"] == n, process.RUN_TIMEOUT_S):
            seen = process.resident_kib(pid)
        process.exchange(bench.held.control_port, "GET", "/release")

    hold(bench, urls, look)
    if seen is None:
        raise Failed(f"{n} {scheme} requests were never in flight together")
    return seen


def kib_each(bench, hold, scheme):
    few = CONCURRENCY
    return (held_kib(bench, hold, scheme, bench.in_flight) - held_kib(bench, hold, scheme, few)) / (
        bench.in_flight - few)


def memory_in_flight(bench):
    kib = {scheme: [kib_each(bench, hold, scheme) for hold in (hold_gatherd, hold_curl_loop)]
           for scheme in ("http", "https")}
    print()
    print_rows([f"KiB resident, each of {bench.in_flight} in flight", *US_AND_LOOP],
               [[scheme, *(f"{value:.1f}" for value in values)] for scheme, values in kib.items()])
    return [Target(f"inflight: memory of a transfer, {scheme}", limit, kib[scheme][0], "KiB")
            for scheme, limit in (("http", 20), ("https", 90))]


def inflight(bench):
    """8 000 requests in flight, to one slow host and to 8 000 of them."""
    n_urls = N_WAVES * bench.in_flight
    cases = in_flight_loads(bench, n_urls)
    loads = {f"{name}, {case}": (name, load) for case, load in cases.items() for name in US_AND_LOOP}
    loads.popitem()  # the loop to many hosts: it has no limit for each
    table = compare(bench, bench.held, loads)
    few, *others = (f"gatherd, {case}" for case in cases)
    print_series(table, few)
    targets = [Target(f"inflight: CPU of {name} / of 64", 2, ratio(table, name, few))
               for name in others]
    return targets + memory_in_flight(bench)


# Many hosts


def hosts(bench):
    """10 to 10 000 hosts, whose connections are open already, 64 in flight."""
    loads = {}
    for name, most in (("gatherd", 10000), ("curl loop", MANY_HOSTS)):
        for n in (n for n in (10, 100, 1000, 10000) if n <= most):
            names = origin.loopback_hosts(n)
            load = Load(bench.nginx.urls(bench.requests, hosts=names), CONCURRENCY,
                        warm=bench.nginx.urls(n, "/warm", names), max_connections=n + 1000,
                        settings={"fetch.max_idle_connections": n + 1000})
            loads[f"{name}, {n} hosts"] = (name, load)
    table = compare(bench, bench.nginx, loads)
    print_series(table, "gatherd, 10 hosts")
    return [Target("hosts: CPU of gatherd, 10 000 hosts / 10 hosts", 1.25,
                   ratio(table, "gatherd, 10000 hosts", "gatherd, 10 hosts"))]


# Sizes


def time_gathers(daemon, urls, n_times):
    """CPU and wall time of the same gather, some times over one connection."""
    body = gatherd.gather_body(urls, CONCURRENCY)
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=process.RUN_TIMEOUT_S)
    with contextlib.closing(connection), process.measuring(daemon.pid) as used:
        for _ in range(n_times):
            connection.request("POST", "/v1/gather", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise Failed(f"POST /v1/gather: {response.status} {answer[:1000]!r}")
    return used


def sizes(bench):
    """Gathers of 10 to 100 000 URLs of one host, 64 in flight."""
    table = {n: Series() for n in (10, 100, 1000, 10000, 100000)}
    for _ in range(bench.rounds):
        with gatherd.running(bench, max(table), CONCURRENCY) as daemon:
            daemon.gather(bench.nginx.urls(1000), CONCURRENCY)
            for n, series in table.items():
                n_times = max(1, 5000 // n)
                used = time_gathers(daemon, bench.nginx.urls(n), n_times)
                series.add(used, n * n_times)
    print_rows(["URLs in a gather", "CPU us per URL: min", "median", "max", "/ that of 1000"],
               [[str(n), *spread(series.cpu_us), f"{series.cpu / table[1000].cpu:.3f}"]
                for n, series in table.items()])
    return [Target(f"sizes: CPU of a URL, {n} in a gather / 1 000", 1.1, ratio(table, n, 1000))
            for n in (10000, 100000)]


# A large body


def body(bench):
    """One body of 200 MB: what memory it takes."""
    settings = {"fetch.max_body_bytes": "1G", **PATIENT}
    with gatherd.running(bench, 1, CONCURRENCY, settings) as daemon:
        daemon.gather(bench.nginx.urls(1000), CONCURRENCY)
        process.forget_peak(daemon.pid)
        before = process.peak_kib(daemon.pid)
        with process.measuring(daemon.pid) as used:
            result = daemon.gather(bench.nginx.urls(1, "/large"), 1)
        grown = process.peak_kib(daemon.pid) - before
    if result["body_bytes"] != origin.LARGE_BODY_BYTES:
        raise Failed(f"200 MB were asked, and {result['body_bytes']} bytes came")
    print(f"200 MB: {used['cpu_s']:.3f} s of CPU, {used['wall_s']:.3f} s, {grown} KiB more resident")
    return [Target("body: memory for 200 MB", 1024, grown, "KiB")]
