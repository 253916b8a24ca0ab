"""The rows of tests/light: the programs of tests/guarded with each block watched, and those of this folder with none."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tools"))
from rows import SOURCE, TIER, UPDATE, Row, difference, main, programs_in  # noqa: E402
import reports  # noqa: E402

HERE, GUARDED = f"{SOURCE}/tests/light", f"{SOURCE}/tests/guarded"
WATCHED = ("write_after", "read_after", "write_slack", "read_freed", "write_freed", "size_freed", "double_free", "free_inside", "thread_after", "child_after")


def of_light(program):
    """The report of level light of a program of tests/guarded, by that of level normal."""
    rules = [(r"; the program was stopped here \(SIGABRT\)", ""),
             ("all events kept, all stacks whole", "level light: every block was watched"),
             ("(hakmem-trace why 0xN)$", rf"\1 -s hakmem.{program}.N.db"),
             ("  refused   <-- wrong", "   <-- found"),
             ("(.*hakmem-trace explain.*)", rf"\1\n{' ' * 20}hakmem-trace run --check normal -- tests/guarded/{program}   # checks every block, and records what led to it")]
    text = reports.read(f"{GUARDED}/{program}.after.report")
    for pattern, to in rules:
        text = re.sub(pattern, to, text, flags=re.M)
    return text


def report(row):
    """It gives exactly its report, NAME.report or that of tests/guarded with what level light changes, and ends with the program's own status."""
    path, found = f"{row.base}.report", reports.normalise(row.printed)
    due = reports.read(path) if os.path.exists(path) else of_light(row.program) if row.folder == "guarded" else ""
    if UPDATE and found != due:
        reports.write(path, found)
    if UPDATE:
        print(f"{row.name}: status {row.status}, {found.count(chr(10))} lines")
        return None
    if not due:
        return "no report is due"
    return difference(due, found, os.path.basename(path)) + (f"\nexit status {row.status}, expected the program's own, 0" if row.status else "")


report.writes = True


def first_line(row):
    """Its first line is that of level normal."""
    due = reports.read(f"{GUARDED}/{row.program}.after.report").split("\n")[0]
    return difference(due, reports.normalise(row.printed).split("\n")[0], f"{row.program}.after.report")


def rows():
    for program in programs_in("guarded"):
        if os.path.exists(f"{GUARDED}/{program}.after.report") and (TIER != "quick" or program in WATCHED):
            yield Row(f"{program}.light", "guarded", [report] * (program in WATCHED) + [first_line], "light",
                      variables=["HAKMEM_GUARD=sample:1", "HAKMEM_GUARD_MEMORY=64M", "HAKMEM_WATCH=0"], base=f"{HERE}/{program}")
    for program in programs_in("light"):
        if program.startswith("free_"):
            yield Row(f"{program}.light", "light", [report], "light", variables=["HAKMEM_GUARD=off", "HAKMEM_WATCH=0"], base=f"{HERE}/{program}")


sys.exit(main(rows()))
