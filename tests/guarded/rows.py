"""The rows of tests/guarded: programs with a fault, every block guarded; many, of whose blocks some are; vectors, a correct one.

A fault program has NAME.SIDE.report, SIDE being HAKMEM_GUARD_SIDE, or byte, which is HAKMEM_GUARD_ALIGN=1; a link where two give the same. An empty file:
nothing is found, and the program ends with 0.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tools"))
from rows import AS_BY_DEFAULT, SOURCE, TIER, TRACE, UPDATE, Row, compare_report, difference, main, prints, programs_in, stop_status  # noqa: E402
import reports  # noqa: E402

HERE = f"{SOURCE}/tests/guarded"
FAULTS = [name for name in programs_in("guarded") if "_" in name]
SIDES = {"after": "HAKMEM_GUARD_SIDE=after", "before": "HAKMEM_GUARD_SIDE=before", "byte": "HAKMEM_GUARD_ALIGN=1"}

# ---- reports

STATUS = {"child_after": lambda report: max(stop_status(report) - 128, 0),  # as its parent says
          "handler_after": lambda report: 0}                                # its handler comes behind the report


def report(row):
    """It gives exactly its report, in each layout, and where its site's first blocks are guarded: it comes behind hundreds of blocks of another one."""
    return compare_report(row, reports.normalise(row.printed), STATUS.get(row.program, stop_status))


report.writes = True


def first_line(row):
    """In level trace the processor stops it at the same. Without a canary nothing is known of what was overwritten before."""
    due = re.sub("; at least [0-9]* bytes were overwritten .*", "", reports.read(row.base + ".report").split("\n")[0])
    return difference(due, reports.normalise(row.printed).split("\n")[0], os.path.basename(row.base) + ".report")


def report_rows():
    """Each program on each side, and in one of three further ways; FULL=1: in all of them. QUICK=1: on the side by which tests/long/mutations.sh finds that
    a check is disabled, or after."""
    mutants = set(re.findall("guarded/([a-z_]+)[.]normal[.]auto[.]([a-z]+)", reports.read(f"{SOURCE}/tests/long/mutations.list")))
    for turn, program in enumerate(FAULTS):
        for way, (side, variable) in enumerate(SIDES.items(), turn):
            def row(name, check, level, layout="auto", *more):
                return Row(name, "guarded", [check], level, layout, ["HAKMEM_GUARD=all", variable, *more], base=f"{HERE}/{program}.{side}")
            if TIER != "quick" or (program, side) in mutants or (side == "after" and not any((program, other) in mutants for other in SIDES)):
                yield row(f"{program}.normal.auto.{side}", report, "normal")
            if UPDATE or TIER == "quick":
                continue
            if TIER == "full" or way % 3 == 0:
                yield row(f"{program}.normal.auto.{side}.sites", report, "normal", "auto", "HAKMEM_GUARD=sites:4")
            if TIER == "full" or way % 3 == 1:
                yield row(f"{program}.normal.same.{side}", report, "normal", "same")
            if (TIER == "full" or way % 3 == 2) and " faulted\n" in reports.read(f"{HERE}/{program}.{side}.report"):
                yield row(f"{program}.trace.auto.{side}", first_line, "trace")


# ---- on after a fault

# A freed block is filled when it is opened, so that each write is found.
CONTINUE = {"read_after": ["HKM-301"], "read_freed": ["HKM-304"], "write_freed": ["HKM-303", "HKM-304"], "double_free": ["HKM-202"], "free_between": ["HKM-201"]}


def goes_on(row):
    """The block that it touched is opened, each fault is reported once, and `run` ends with 1, since the program itself ended with 0."""
    found = sorted(re.findall("^hakmem: (HKM-[0-9]+) ", row.printed, re.M))
    return None if row.status == 1 and found == CONTINUE[row.program] and "\nSUMMARY" in row.printed else f"status {row.status}, {found}:\n{row.printed[:2000]}"


# ---- how much was guarded

WHOLE = "all events kept, all stacks whole"
COVERED = {  # variables, blocks, way, COMPLETENESS
    "some": ([], "60", "", WHOLE + r"; guarded ([89]|[1-9][0-9]) of 6[0-9] blocks, of 2 of 2 call stacks \(the rest: too many of a call stack\)"),
    "little": (["HAKMEM_GUARD=all", "HAKMEM_GUARD_MEMORY=1M"], "600", "", WHOLE + r"; guarded 1[0-9]{2} of 60[0-9] blocks \(the rest: memory limit\)"),
    "whole": (["HAKMEM_GUARD=all"], "60", "", WHOLE),
    "off": (["HAKMEM_GUARD=off"], "60", "", WHOLE),
    "unrecorded": (["HAKMEM_TRACE=off"], "60", "", "nothing was recorded(?!.*; guarded ).*"),
    "child": ([], "60", "child", WHOLE + r"; guarded 4 of 10 blocks, of 1 of 1 call stack \(the rest: too many of a call stack\) since the fork")}


def coverage(row):
    """A report says how many blocks and call stacks of its process were guarded, and why others were not; nothing where all were, none was to be, or
    nothing is counted."""
    due = COVERED[row.name.split(".")[1]][3] + "(; debug registers (do not fire on this machine|are used on x86-64 only))?"
    found = re.findall("^  COMPLETENESS      (.*)", row.printed, re.M)
    return None if len(found) == 1 and re.fullmatch(due, found[0]) else f"COMPLETENESS {found}, due: {due}"


def numbers(row):
    """The report's JSON has the numbers of `info`."""
    _, fault = yield from row.ask(TRACE, "faults", "1", "--json", "-s", row.store())
    status, info = yield from row.ask(TRACE, "info", "--json", "-s", row.store())
    found, due = json.loads(fault)["completeness"]["guarded"], json.loads(info)["guarded"]
    is_sum = not found or found["blocks"] + sum(found["not_guarded"].values()) == found["of_blocks"]
    return None if status == 0 and found == due and is_sum else f"status {status}; the report has {found}, info {due}"


def coverage_rows():
    for way, (variables, *arguments, _) in COVERED.items():
        if TIER != "quick" or way == "some":
            yield Row(f"many.{way}", "guarded", [coverage] + [numbers] * (way not in ("unrecorded", "child")), run=["-s", "out.db"], variables=variables,
                      arguments=arguments)


# ---- instructions that want 16 bytes at a multiple of 16

def vector_rows():
    """They do the same in a guarded block that lies elsewhere, as HAKMEM_GUARD_ALIGN=size has it: each of them, also where another thread closes the page
    at that moment; the next blocks of such a stack are aligned, and those of threads whose SIGSEGV is blocked; the program's own handler hears of its
    own faults alone. By default such a block is aligned, so it does not matter who has SIGSEGV blocked."""
    cases = [(case, "fit") for case in ("by_default", "blocked", "ignored")]
    cases += [(case, "size") for case in ("each_instruction", "same_stack", "blocked", "ignored", "handler", "counters", "read_only", "at_once")]
    of_all = ["HAKMEM_GUARD=all", "HAKMEM_GUARD_SIDE=after", AS_BY_DEFAULT]
    through = prints("through\n")
    for case, align in cases:
        for level in "normal", "trace":
            if TIER != "quick" or (case, level) == ("each_instruction", "normal"):
                yield Row(f"vectors.{case}.{align}.{level}", "guarded", [through], level, "",
                          of_all + ["HAKMEM_TRACE=off", f"HAKMEM_GUARD_ALIGN={align.replace('fit', '')}"], [case])
    # Recorded, with the first blocks of each site alone, and on the light path.
    for more in ["HAKMEM_GUARD=all"], ["HAKMEM_GUARD=sites:4"], ["HAKMEM_CHECK=light", "HAKMEM_GUARD=sample:1"]:
        if TIER != "quick":
            yield Row(f"vectors.recorded.{more[-1].split('=')[1]}", "guarded", [through], run=["--store", "out.db"],
                      variables=of_all + ["HAKMEM_GUARD_ALIGN=size", *more], arguments=["each_instruction"])


def rows():
    yield from report_rows()
    for program in CONTINUE:
        if TIER != "quick" or program == "write_freed":
            yield Row(f"{program}.continue", "guarded", [goes_on], run=["--wait", "--store", "out.db"], variables=["HAKMEM_GUARD=all", "HAKMEM_ON_FAULT=continue"])
    yield from coverage_rows()
    yield from vector_rows()


sys.exit(main(rows()))
