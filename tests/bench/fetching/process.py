"""Processes of a benchmark: on which core they run, and what they have used."""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import resource
import socket
import subprocess
import tempfile
import time

START_TIMEOUT_S = 10
RUN_TIMEOUT_S = 300
SETTLE_S = 0.2  # what a server frees after its answer is part of the cost


class Failed(Exception):
    """The measurement itself did not work; the text says why."""


def on_cores(cores, *argv):
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *map(str, argv)]


def on_core(core, *argv):
    return on_cores([core], *argv)


def free_port():
    """On every address, for an origin is on all those of loopback."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        return listener.getsockname()[1]


def raise_descriptor_limit():
    """For those who are started from here, too."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def exchange(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=RUN_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def exchange_json(port, method, path, body=None):
    status, answer = exchange(port, method, path, body)
    if status != 200:
        raise Failed(f"{method} {path}: {status} {answer[:2000].decode(errors='replace')}")
    return json.loads(answer or b"null")


@contextlib.contextmanager
def scratch_folder():
    with tempfile.TemporaryDirectory() as path:
        yield pathlib.Path(path)


@contextlib.contextmanager
def serving(argv, is_up, log, env=None):
    """A server, up for the length of a with block; it is up once is_up() is true."""
    with open(log, "wb") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   env={**os.environ, **(env or {})})
    try:
        wait_until(lambda: process.poll() is not None or answers(is_up), START_TIMEOUT_S)
        if process.poll() is not None or not answers(is_up):
            raise Failed(f"{log.stem} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        yield process.pid
    finally:
        stop(process)


def answers(is_up):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return is_up()
    return False


def is_up_at(port, path):
    return lambda: exchange(port, "GET", path)[0] == 200


def wait_until(condition, timeout_s, poll_s=0.02):
    """Whether it came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(poll_s)
    return True


def stop(process):
    process.terminate()
    try:
        process.wait(START_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(argv, env=None, timeout=RUN_TIMEOUT_S):
    """What a program prints."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        words = " ".join(map(str, argv))[:300]
        raise Failed(f"{words}: status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def run_and_time(argv):
    """What a program prints, its CPU time from start to end, and how long that was."""
    used, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    text = run(argv)
    wall_s, now = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return text, {"cpu_s": cpu_s, "wall_s": wall_s}


def cpu_s(pid):
    """CPU time of all threads a process has had (POSIX clock_getcpuclockid)."""
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise Failed(f"no CPU clock of process {pid}: {os.strerror(error)}")
    return time.clock_gettime_ns(clock.value) / 1e9


@contextlib.contextmanager
def measuring(pid):
    """A dict that has cpu_s and wall_s of a process once the with block is over."""
    used, wall, cpu = {}, time.monotonic(), cpu_s(pid)
    yield used
    wall = time.monotonic() - wall
    time.sleep(SETTLE_S)
    used.update(cpu_s=cpu_s(pid) - cpu, wall_s=wall)


def status_kib(pid, name):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name + ":"))


def resident_kib(pid):
    return status_kib(pid, "VmRSS")


def peak_kib(pid):
    """The most that was resident since forget_peak()."""
    return status_kib(pid, "VmHWM")


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def cpu_model():
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, os.uname().machine)
