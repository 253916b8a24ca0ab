"""The rows of tests/crash: each program dies as without hakmem, and gives exactly its report: NAME.report, or NAME.normal.report where the level makes a
difference. With LD_PRELOAD alone in level trace, under `run` in level normal. An empty file: nothing is said."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tools"))
from rows import AS_BY_DEFAULT, SOURCE, TIER, UPDATE, Row, compare_report, main, mutation_rows, next_, programs_in, says  # noqa: E402
import reports  # noqa: E402

HERE = f"{SOURCE}/tests/crash"

# Differences between two crashes, beside those of all reports.
RULES = reports.compiled([
    (r"sent by process [0-9]+", "sent by process N"),
    (r", [0-9,]+ bytes, is full", ", N bytes, is full"),
    (r"and 1 more frame", "and N more frames"),
    # Frames of libc are named as its debug information allows.
    (r"^      #[0-9]+ (?!.*( (crash|tools|faults)/|hakmem src|in no module))", reports.DELETE),
    (r"^      #[0-9]+ +", "      #N "),
    # Compilers leave other values in registers.
    (r"^(  REGISTERS.*?)(of the (address|division):|that hold no valid address:|that point into the heap:|none points into a block of the heap)", r"\1N"),
    (r"^      r[a-z0-9]+ +0x[0-9a-fN]+( is .*)?$", reports.DELETE),
    (r"^                    (that (hold no valid address|point into the heap):|none points into a block of the heap)", reports.DELETE),
    # Where exactly a recursion hits the guard page depends on where the stack begins.
    (r"( recurse +crash/[a-z_]+\.c):[0-9]+", r"\1:N"),
    (r"( in recurse\(\) [a-z_]+\.c):[0-9]+", r"\1:N"),
    (r"( crash [a-z_]+\.c):[0-9]+ recurse", r"\1:N recurse"),
    # In level trace NEXT has one command more, and names the store for that.
    (r"^ {20}hakmem-trace run --check normal -- ", reports.DELETE),
    (r"(?<=^  NEXT)(.*)", lambda found: re.sub(r" -s hakmem\.[a-z0-9_]+\.N\.db", "", found.group(1))),
])
FULL_STACK = reports.compiled([(r"^      [> ] +[0-9]+ \| ", reports.DELETE)])  # the line at which the stack is full
RULES_OF = {
    "handler_on_stack": FULL_STACK, "idle_thread": FULL_STACK, "stack_overflow": FULL_STACK,
    # One is the first; the other may be late.
    "two_threads": reports.compiled([("^  AT THE SAME TIME", reports.DELETE), ("thread [23]", "thread N")]),
    # How malloc is made.
    "in_malloc": reports.compiled([("^      #.* hakmem src", reports.DELETE), ("SIGBUS|SIGSEGV", "SIGN"), ("SIGN, the kernel .*", "SIGN")]),
}
# Values that a report names, beside its exact text, which leaves registers out; and of a program that goes on after an access to a closed page.
SAYS = {
    "no_address": [r"^      r[a-z0-9]+ +0x6867666564636261( is the base of the address)?$"],
    # The form of the fill in a register, and no block that it names: no more than a guess.
    "fill_used": [r"^      r[a-z0-9]+ +0xdd958090a3b085dd is the pattern that fills freed memory(; the base of the address)?$",
                  "^  GUESS +the pointer was read from freed memory, or from a block that was not written to",
                  r"^SUMMARY: hakmem: crash fill_used.c:[0-9]+ main signal=SIGSEGV"],
    "freed_twice": ["^main: the freed block was read 2 times$"],
}
FOUND = {}  # with UPDATE, by program and level


def report(row):
    """It ends as without hakmem, `run` with 1 where it says a fault, and prints exactly its report."""
    found = reports.edited(reports.edited(reports.normalise(row.printed), RULES), RULES_OF.get(row.program, []))
    if UPDATE:
        FOUND[(row.program, row.level)] = found
        return None
    due, _ = yield from row.ask(row.path)
    if row.level == "normal" and re.search("^hakmem: HKM-", row.printed, re.M):
        due = 1
    elif row.level == "trace" and re.match("freed_|closed_", row.program):
        due = 0  # freed memory stays readable for a while, and nothing fills it
    elif row.program == "stop_handler_fails":
        due = 134  # libc's own stop calls the handler for ever
    elif row.program in ("closed_memory", "in_malloc"):
        due = 139  # without hakmem it is by chance what is mapped there, or nothing
    if row.program == "in_malloc" and row.status == 135:
        due = 135  # by which register malloc reaches its own records
    return compare_report(row, found, lambda _: due)


report.writes = True


def once(row):
    """Each place is told of once."""
    told = len(re.findall("^SUMMARY: hakmem: use-after-free freed_twice.c", row.printed, re.M))
    return None if told == 1 else f"one report is due: {row.printed}"


def write_all():
    for program in sorted({program for program, _ in FOUND}):
        trace, normal, own = FOUND[(program, "trace")], FOUND[(program, "normal")], f"{HERE}/{program}.normal.report"
        reports.write(f"{HERE}/{program}.report", trace)
        if normal != trace:
            reports.write(own, normal)
        elif os.path.exists(own) and not os.path.islink(own):
            os.remove(own)


def has_report(program):
    """With UPDATE any program that no other test runs."""
    head = "".join(reports.read(f"{HERE}/{program}.c").splitlines(True)[:4])
    return os.path.exists(f"{HERE}/{program}.report") or UPDATE and not os.path.exists(f"{HERE}/{program}.sh") and "Run by" not in head


def rows():
    """Both ways; in the quick tier that of the level by itself, where it has a report of its own, or else the other."""
    for program in filter(has_report, programs_in("crash")):
        own = os.path.exists(f"{HERE}/{program}.normal.report")
        for level in "trace", "normal":
            if TIER == "quick" and own != (level == "normal"):
                continue
            base = f"{HERE}/{program}.normal" if level == "normal" and own else f"{HERE}/{program}"
            types_next = TIER != "quick" and not UPDATE and (level == "trace" or own) and "\n  NEXT" in reports.read(base + ".report")
            checks = [report] + [next_] * types_next + [says(SAYS)] * (level == "normal" and program in SAYS)
            yield Row(f"{program}.{level}", "crash", checks, level, base=base, run=["--check", "normal"] if level == "normal" else None)
    yield Row("fill_used.normal", "crash", [says(SAYS)], "normal", variables=[AS_BY_DEFAULT])
    for guard in ("off", "sites:4", "all") if TIER != "quick" else ():
        yield Row(f"freed_twice.normal.{guard}", "crash", [says(SAYS), once], "normal",
                  variables=[AS_BY_DEFAULT, "HAKMEM_ON_FAULT=continue", f"HAKMEM_GUARD={guard}"])
    yield from mutation_rows("crash")


sys.exit(main(rows(), write_all))
