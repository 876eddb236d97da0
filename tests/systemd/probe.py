"""Tries what a gatherd that has been taken over would try; run in its place, in its sandbox.

Prints a line of JSON: what each attempt came to, "done" or the name of an error.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
import sys
from typing import Any, Callable

C = ctypes.CDLL(None, use_errno=True)
PTRACE_TRACEME = 0
CLONE_NEWUSER = 0x10000000
CLONE_NEWNS = 0x00020000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
SYSLOG_ACTION_SIZE_BUFFER = 10
STATE = os.environ["STATE_DIRECTORY"]


def call(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def write(path: str) -> None:
    with open(path, "w") as file:
        file.write("x")


def run(program: str) -> None:
    """Fails as exec does."""
    os.waitpid(os.posix_spawn(program, [program, "-c", ":"], {}), 0)


def run_copy_in(directory: str) -> None:
    path = f"{directory}/program"
    with open("/proc/self/exe", "rb") as source, open(path, "wb") as copy:
        copy.write(source.read())
    os.chmod(path, 0o700)
    run(path)


def make_set_uid() -> None:
    write(f"{STATE}/set-uid")
    os.chmod(f"{STATE}/set-uid", 0o4755)


def mount() -> None:
    """Where nobody else sees it, or it would stay after an attempt that succeeds."""
    call(C.unshare(CLONE_NEWNS))
    call(C.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    call(C.mount(b"none", STATE.encode(), b"tmpfs", 0, None))


def become_root() -> None:
    os.setresuid(0, 0, 0)


ATTEMPTS: dict[str, Callable[[], Any]] = {
    # What it has to be able to do, or all the others say nothing.
    "write to its state": lambda: write(f"{STATE}/file"),
    "connect": lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close(),
    # What it must not.
    "write to /etc": lambda: write("/etc/gatherd-probe"),
    "write to /usr": lambda: write("/usr/gatherd-probe"),
    "write to /run": lambda: write("/run/gatherd-probe"),
    "write to /var/lib": lambda: write("/var/lib/gatherd-probe"),
    "write to /root": lambda: write("/root/gatherd-probe"),
    "read the credentials of others": lambda: open("/etc/credstore/gatherd.probe").read(),
    "run a shell": lambda: run("/bin/sh"),
    "run a file in its state": lambda: run_copy_in(STATE),
    "run a file in /tmp": lambda: run_copy_in("/tmp"),
    "run a file in /var/tmp": lambda: run_copy_in("/var/tmp"),
    "run a file in /dev/shm": lambda: run_copy_in("/dev/shm"),
    "map memory to write and execute": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
    "open a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "open a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "use ptrace": lambda: call(C.ptrace(PTRACE_TRACEME, 0, 0, 0)),
    "see other processes": lambda: os.stat("/proc/1/status"),
    "make a set-uid file": make_set_uid,
    "mount": mount,
    "have real-time priority": lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)),
    "read the kernel's log": lambda: call(C.klogctl(SYSLOG_ACTION_SIZE_BUFFER, None, 0)),
    "become root": become_root,
    "have namespaces of users": lambda: call(C.unshare(CLONE_NEWUSER)),
}


def outcome(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


print(json.dumps({name: outcome(attempt) for name, attempt in ATTEMPTS.items()}), flush=True)
