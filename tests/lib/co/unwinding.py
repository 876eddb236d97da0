"""For gdb: steps through every switch of the program, and unwinds the stack at each instruction.

Whatever the processor is about to do there, the stack must end where it began: in main(), or at the
bottom of one of ours.
"""

import gdb

SWITCHES = ("co_switch_asm", "co_switch_asm_jump", "co_switch_asm_exit")
ENDS = ("main", "co_switch_asm_bottom", "co_switch_asm_start")
TOO_MANY = 30  # frames: the unwinder goes round in circles


def names():
    """The functions on the stack, innermost first; those behind the end, such as main()'s caller, too."""
    found = []
    frame = gdb.newest_frame()
    while frame is not None and len(found) < TOO_MANY:
        found.append(frame.name())
        frame = frame.older()
    return found


def ends_well():
    """Whether the stack ends where it began."""
    return names()[-1] in ENDS


def step_through():
    """Steps out of the switch that the program is at. returns how many instructions it took"""
    n = 0
    while gdb.newest_frame().name() in SWITCHES:
        n += 1
        if not ends_well():
            raise SystemError(f"at {gdb.execute('x/i $pc', to_string=True)}: {names()}")
        gdb.execute("stepi", to_string=True)
    if not ends_well():
        raise SystemError(f"after the switch: {names()}")
    return n


def is_alive():
    """Whether the program has not ended yet."""
    return gdb.selected_inferior().pid != 0


def run():
    """returns how many instructions were looked at, by switch"""
    counts = dict.fromkeys(SWITCHES, 0)
    for switch in SWITCHES:
        gdb.execute(f"break *{switch}", to_string=True)
    gdb.execute("run", to_string=True)
    while is_alive():
        counts[gdb.newest_frame().name()] += step_through()
        gdb.execute("continue", to_string=True)
    return counts


try:
    gdb.execute("set debuginfod enabled off")
    seen = run()
    if min(seen.values()) == 0:
        raise SystemError(f"not every switch was made: {seen}")
    print("instructions:", *seen.values())
except (SystemError, gdb.error) as problem:
    print("FAIL", problem)
    gdb.execute("quit 1")
