"""gdb commands for the tasks of libgather: source this file, then

    co-tasks         lists the tasks of all running loops, as a tree
    co-bt ID         backtrace of a task

Works on a live process and on a core file alike, with or without debug information: nothing is
run in the process, and nothing written to it. All that is needed is the symbol co_debug. (A core
file has to be the kernel's: gdb's generate-core-file cannot read past the guards between stacks.)
"""

import re
import struct

import gdb
import gdb.unwinder

VERSION = 1
STATES = ("ready", "running", "parked", "ended")
GROUP = 1  # enum co_scope_kind
TOO_MANY = 10_000_000  # tasks: the lists are damaged

# What a parked context's stack pointer points to: the offset at which each register is saved there,
# by co_debug.frame and the architecture. A stack pointer that is not saved is behind the frame.
FRAMES = {
    ("x86_64", "i386:x86-64"): (
        56,
        {"r15": 0, "r14": 8, "r13": 16, "r12": 24, "rbx": 32, "rbp": 40, "rip": 48},
    ),
    ("aarch64", "aarch64"): (
        160,
        {"x29": 0, "pc": 8, "x30": 8, **{f"x{i}": 16 + 8 * (i - 19) for i in range(19, 29)}},
    ),
    ("ucontext", "i386:x86-64"): (
        None,
        {
            **{"r12": 72, "r13": 80, "r14": 88, "r15": 96},
            **{"rbp": 120, "rbx": 128, "rsp": 160, "rip": 168},
        },
    ),
    ("ucontext", "aarch64"): (
        None,
        {"sp": 432, "pc": 440, **{f"x{i}": 184 + 8 * i for i in range(19, 31)}},
    ),
}
STACK_POINTERS = {"i386:x86-64": ("rsp", "rip"), "aarch64": ("sp", "pc")}


def read(address, code="Q"):
    """A number in the process: Q is 64 bits, I 32 bits, B a byte."""
    data = gdb.selected_inferior().read_memory(address, struct.calcsize(code))
    return struct.unpack("<" + code, data)[0]


def pointer(address):
    """An address as gdb wants it."""
    return gdb.Value(address).cast(gdb.lookup_type("char").pointer())


def read_text(address):
    """A string in the process."""
    return pointer(address).string(errors="replace") if address != 0 else "(null)"


class Runtime:
    """The runtime's data, as co_debug describes it."""

    def __init__(self):
        try:
            table = int(gdb.parse_and_eval("(unsigned long) &co_debug"))
        except gdb.error as error:
            raise gdb.GdbError("there is no symbol co_debug: not libgather, or stripped") from error
        version, n_fields = read(table, "I"), read(table + 4, "I")
        if version != VERSION:
            raise gdb.GdbError(f"this is a script for co_debug {VERSION}, not {version}")
        first, self.running = read(table + 8), read(table + 16)
        self.frame = read_text(read(table + 24))
        entries = range(first, first + 16 * n_fields, 16)
        self.offsets = {read_text(read(entry)): read(entry + 8) for entry in entries}

    def get(self, address, field, code="Q"):
        """The value of a field such as "co_task.id" of what is at an address."""
        return read(address + self.offsets[field], code)

    def list_of(self, head, link):
        """The addresses of what is on a list, by the field that links it."""
        node = self.get(head, "co_list.next")
        for _ in range(TOO_MANY):
            if node == head:
                return
            yield node - self.offsets[link]
            node = self.get(node, "co_list.next")
        raise gdb.GdbError(f"the list at {head:#x} does not end: it is damaged")

    def loops(self):
        """Every running loop."""
        return self.list_of(self.running, "co_loop.running")

    def groups_of(self, task):
        """The groups a task has entered, the outermost first."""
        scope, end = self.get(task, "co_task.scope"), task + self.offsets["co_task.root"]
        groups = []
        while scope not in (end, 0):
            if self.get(scope, "co_scope.kind", "I") == GROUP:
                groups.insert(0, scope - self.offsets["co_group.scope"])
            scope = self.get(scope, "co_scope.outer")
        return groups

    def children_of(self, group):
        """The tasks of a group."""
        return self.list_of(group + self.offsets["co_group.children"], "co_task.sibling")

    def tasks_of(self, loop):
        """Every task of a loop with its depth, each after the one whose group it is in."""
        todo = [(loop + self.offsets["co_loop.root"], 0)]
        while todo:
            item, depth = todo.pop()
            if isinstance(item, Task):
                yield item, depth
                below = [(group, depth + 1) for group in self.groups_of(item.address)]
            else:
                below = [(Task(self, loop, task), depth) for task in self.children_of(item)]
            todo += reversed(below)


class Task:
    """A task of a loop."""

    def __init__(self, runtime, loop, address):
        self.runtime, self.loop, self.address = runtime, loop, address
        self.id = self.get("id")
        self.state = STATES[self.get("state", "I")]

    def get(self, field, code="Q"):
        """The value of one of its fields."""
        return self.runtime.get(self.address, f"co_task.{field}", code)

    def wait(self):
        """What it waits for, and since when."""
        kind = self.get("waits_for")
        word = read_text(self.runtime.get(kind, "co_wait_kind.word"))
        on = self.get("waits_on")
        if self.runtime.get(kind, "co_wait_kind.is_fd", "B"):
            word += f" {on}"
        elif on:
            word += f" {on:#x}"
        since = self.runtime.get(self.loop, "co_loop.now", "q") - self.get("since", "q")
        return f"waits {since / 1e9:.3f} s for {word}"

    def line(self, depth):
        """Itself, as text."""
        what = self.wait() if self.state == "parked" else self.state
        text = f"{'  ' * depth}{read_text(self.get('name'))}  #{self.id}  {what}"
        return f"{text:64}  {read_text(self.get('site'))}"

    def registers(self):
        """The registers it goes on with, once it is continued."""
        architecture = gdb.selected_inferior().architecture().name()
        if (self.runtime.frame, architecture) not in FRAMES:
            raise gdb.GdbError(f"unknown frame {self.runtime.frame} for {architecture}")
        size, saved = FRAMES[self.runtime.frame, architecture]
        frame = self.get("context.sp")
        values = {name: read(frame + offset) for name, offset in saved.items()}
        if size is not None:
            values[STACK_POINTERS[architecture][0]] = frame + size
        return frame, values

    def thread(self):
        """The thread its loop runs on."""
        number = self.runtime.get(self.loop, "co_loop.thread_id", "I")
        for thread in gdb.selected_inferior().threads():
            if thread.ptid[1] == number:
                return thread
        return None


class FrameId:
    """What gdb tells frames by."""

    def __init__(self, sp, pc):
        self.sp, self.pc = pointer(sp), pointer(pc)


class Detour(gdb.unwinder.Unwinder):
    """Leads from the innermost frame of a thread to that of a task, while it is told to.

    So gdb's own unwinder walks a stack that no thread is on, without its registers being set.
    """

    def __init__(self):
        super().__init__("libgather-tasks")
        self.start = None

    def take(self, frame, values):
        """From the selected thread's innermost frame to where those are the registers."""
        names = STACK_POINTERS[gdb.selected_inferior().architecture().name()]
        newest = gdb.newest_frame()
        self.start = [int(newest.read_register(name)) for name in names]
        self.frame, self.values, self.names = frame, values, names
        gdb.invalidate_cached_frames()

    def leave(self):
        """No more."""
        self.start = None
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.start is None:
            return None
        if [int(pending.read_register(name)) for name in self.names] != self.start:
            return None
        # Stacks grow down: a frame must seem to be below those that lead to it.
        info = pending.create_unwind_info(FrameId(self.frame, self.start[1]))
        for name, value in self.values.items():
            kind = pending.read_register(name).type
            info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info


DETOUR = Detour()
gdb.unwinder.register_unwinder(None, DETOUR, replace=True)


def backtrace_of_parked(task):
    """Lines of a task that is on no thread."""
    DETOUR.take(*task.registers())
    try:
        text = gdb.execute("backtrace", to_string=True)
    finally:
        DETOUR.leave()
    # The first frame is that of the thread, where the detour began: it is left out.
    frames = re.split(r"^#\d+ +", text, flags=re.MULTILINE)[2:]
    return "".join(f"#{i:<2} {frame}" for i, frame in enumerate(frames))


def backtrace_of_running(task):
    """Lines of the task that the loop's thread is in."""
    before, thread = gdb.selected_thread(), task.thread()
    if thread is None:
        raise gdb.GdbError("its thread is unknown")
    thread.switch()
    try:
        return gdb.execute("backtrace", to_string=True)
    finally:
        before.switch()


class Tasks(gdb.Command):
    """List the tasks of all running loops, as a tree."""

    def __init__(self):
        super().__init__("co-tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        """Called by gdb."""
        del argument, from_tty
        runtime = Runtime()
        for loop in runtime.loops():
            print(f"loop {loop:#x} of thread {runtime.get(loop, 'co_loop.thread_id', 'I')}")
            for task, depth in runtime.tasks_of(loop):
                print(task.line(depth + 1))


class Backtrace(gdb.Command):
    """Backtrace of a task: co-bt ID. Of several loops, each one's task of that number."""

    def __init__(self):
        super().__init__("co-bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        """Called by gdb."""
        del from_tty
        if not argument.lstrip("#").isdigit():
            raise gdb.GdbError("which task? co-bt ID, where co-tasks lists the IDs")
        number, runtime, found = int(argument.lstrip("#")), Runtime(), False
        for loop in runtime.loops():
            for task, _ in runtime.tasks_of(loop):
                if task.id == number:
                    found = True
                    self.print(task)
        if not found:
            raise gdb.GdbError(f"there is no task #{number}")

    @staticmethod
    def print(task):
        """The task and its frames."""
        print(task.line(0))
        if task.state == "ready" and not task.get("context.sp"):
            print("it has not begun")
            return
        lines = backtrace_of_running if task.state == "running" else backtrace_of_parked
        print(lines(task), end="")


Tasks()
Backtrace()
