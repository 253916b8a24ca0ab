"""The rows of tests/pools: PROGRAM CASE is stopped with exactly the report PROGRAM.CASE.report, or is correct; with and without hakmem."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tools"))
from rows import AS_BY_DEFAULT, SOURCE, TIER, Row, main, prints, report, silent  # noqa: E402

HERE, REQUEST = f"{SOURCE}/tests/pools", f"{SOURCE}/examples/pools/request/request.cpp"
GCC, GXX = os.environ.get("CC", "gcc"), os.environ.get("CXX", "g++")
WITHOUT, LEAKS = "LD_PRELOAD=", "HAKMEM_LEAKS=error"
STRICT = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-g", "-O1", "-pthread")
STRICT_CXX = (*STRICT, "-Wpedantic", "-Wconversion", "-Wold-style-cast", "-Wnon-virtual-dtor", "-I", f"{SOURCE}/include")
PLAIN = (GCC, "-g", "-O0", "-Wall", "-I", f"{SOURCE}/include")
MADE = {"arena": (GCC, "-std=gnu11", *STRICT, "-I", f"{SOURCE}/include/hakmem", f"{HERE}/arena.c"),
        "classes": (GXX, "-std=c++17", *STRICT_CXX, f"{HERE}/classes.cpp"),
        "guarded": (GCC, "-std=gnu11", *STRICT, "-I", f"{SOURCE}/include", f"{HERE}/guarded.c"),
        "request": (GXX, "-std=c++17", *STRICT_CXX, REQUEST),
        "gone": (*PLAIN, f"{HERE}/gone.c"),
        "unmapped": (*PLAIN, f"{HERE}/unmapped.c")}
BY_CLANG = {"guarded": ("clang", *MADE["guarded"][1:]), "request": ("clang++", "-std=c++20", *STRICT_CXX, REQUEST)}
MISUSES = {"arena": "twice other inside cleared renewed resized destroyed moved freelike", "classes": "other outlive twice",
           "guarded": "overflow slack freed reset destroyed replaced twice late other inside free realloc leak"}


def row(program, case, check, *variables, level=None, name=None, made=None):
    """`PROGRAM CASE` with a check; NAME has what is not in PROGRAM.CASE."""
    return Row(".".join(filter(None, [program, case, name])), "pools", [check], level, variables=variables, arguments=[case] if case else [],
               made=[made or MADE[program]])


def starts(due, statuses=(134,)):
    """A check: there is one report, and its first line is like this."""
    def headline(of):
        found = re.findall("^hakmem: (.*)", of.printed, re.M)
        return None if of.status in statuses and len(found) == 1 and re.fullmatch(due, found[0]) else f"status {of.status}, due: {due}\n{of.printed[:1000]}"
    return headline


def once(of):
    """It goes on after the fault, which is reported once: the pool still knows its piece, and none is closed twice."""
    return None if of.status == 0 and len(re.findall("^hakmem: HKM", of.printed, re.M)) == 1 else f"status {of.status}:\n{of.printed[:2000]}"


# ---- the rows of each program: its first is of the quick tier

def misuses(program):
    """Each is stopped with exactly its report."""
    for case in MISUSES[program].split():
        yield row(program, case, report, *[LEAKS] * (case == "leak"))


def arena():
    there = "pools: {0}, there: {1}, gone: 0, closed: 0\n"
    for level in "normal", "trace", "light":
        yield row("arena", "correct", prints(there.format(1, int(level != "light"))), AS_BY_DEFAULT, level=level, name=level)
    yield row("arena", "correct", prints(there.format(0, 0)), WITHOUT, name="without")
    for case in "twice", "cleared", "moved", "freelike":
        yield row("arena", case, silent, WITHOUT, name="without")


def classes():
    """hakmem_pools.hpp compiles with all warnings under g++ and clang++, and its classes are correct where the program is."""
    for compiler in GXX, "clang++":
        for standard in "c++17", "c++20":
            made = (compiler, f"-std={standard}", *MADE["classes"][2:])
            name = f"{'gcc' if compiler == GXX else 'clang'}.{standard}"
            correct = prints("441 201 102 590\n")
            for level in "normal", "trace", "light":
                guard = "auto" if level == "light" else "all"
                yield row("classes", "correct", correct, AS_BY_DEFAULT, f"HAKMEM_GUARD={guard}", level=level, name=f"{level}.{name}", made=made)
            yield row("classes", "correct", correct, WITHOUT, name=f"without.{name}", made=made)


def guarded():
    """A correct program with threads and a forked child is accused of nothing, whatever is guarded. The pieces of an arena go with it, and keep what they
    point to."""
    for level, guard, pieces in (("normal", "all", "some"), ("normal", "sites:4", "some"), ("normal", "off", "none"), ("trace", "all", "some"),
                                 ("trace", "auto", "none"), ("light", "auto", "none")):
        yield row("guarded", "correct", prints(f"child: 0\nguarded: {pieces}\n"), AS_BY_DEFAULT, f"HAKMEM_GUARD={guard}", LEAKS, level=level, name=f"{level}.{guard}")
    yield row("guarded", "arena", silent, AS_BY_DEFAULT, LEAKS)
    for case in "other", "inside", "free", "twice", "late":
        yield row("guarded", case, once, AS_BY_DEFAULT, "HAKMEM_ON_FAULT=continue", name="continue")
    for name, made in ("gcc", MADE["guarded"]), ("clang", BY_CLANG["guarded"]):
        yield row("guarded", "correct", prints("child: 0\nguarded: none\n"), WITHOUT, name=f"without.{name}", made=made)
        for case in "overflow", "twice", "late", "other", "inside", "leak":
            yield row("guarded", case, silent, WITHOUT, name=f"without.{name}", made=made)


def request():
    """The example: what is printed is the same without hakmem, and late use is stopped where it is. log() is inlined into main(), and gcc says so from 13
    on."""
    late = (r"HKM-304 use-after-free: (log\(\) request.cpp:22|main\(\) request.cpp:39) reads 1 byte at offset 0 of a 12-byte block freed by "
            r"end\(\) request.cpp:19")
    yield row("request", "late", starts(late, (134, 139)), AS_BY_DEFAULT)
    yield row("request", "", prints("//\n"), AS_BY_DEFAULT, "HAKMEM_GUARD=all", LEAKS)
    for name, made in ("gcc", MADE["request"]), ("clang", BY_CLANG["request"]):
        for case in "", "late":
            yield row("request", case, prints("//\n"), WITHOUT, name=f"without.{name}", made=made)


def gone():
    """Each call for a destroyed pool is a fault that names the call, the pool and who destroyed it; hak_pool_exists only says that it is gone."""
    for case, line in ("redzone", 17), ("allow", 19), ("move", 21), ("reset_outside", 23), ("rebase", 25):
        due = f'HKM-504 pool-use-after-reset: main() gone.c:{line} calls hak_pool_{case} on pool 1 "rows", destroyed by end() gone.c:6'
        yield row("gone", case, starts(re.escape(due)), AS_BY_DEFAULT)
    yield row("gone", "exists", silent, AS_BY_DEFAULT)


def unmapped():
    """Pieces whose memory the program unmaps, replaces or moves before it tells of their end: nothing of that memory is read or judged, no leak is
    reported, and the addresses may be handed out anew. Room in memory that is still there is compared as before."""
    for level in "normal", "trace":
        for case in "gone", "again", "anew", "replaced", "moved", "onto", "shrunk", "lost":
            yield row("unmapped", case, silent, AS_BY_DEFAULT, "HAKMEM_LEAKS=1", level=level, name=level)
        for case in "kept-beside", "kept-refused", "kept-shrunk":
            yield row("unmapped", case, starts("HKM-505 pool-overflow: .*"), AS_BY_DEFAULT, level=level, name=level)


def rows():
    parts = [misuses(program) for program in MISUSES] + [arena(), classes(), guarded(), request(), gone(), unmapped()]
    for part in parts:
        yield from [next(part)] if TIER == "quick" else part


sys.exit(main(rows()))
