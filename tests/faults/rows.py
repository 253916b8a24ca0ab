"""The rows of tests/faults: programs with a fault in each level and layout, correct ones in each front; of faults/cxx.sh those of cxx.

A fault program has NAME.LEVEL.report with the level's own layout, and may have NAME.LEVEL.LAYOUT.report with another; a link where two give the same.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tools"))
from rows import SOURCE, TEST, TIER, TRACE, UPDATE, Row, compare_report, main, mutation_rows, next_, programs_in, report, silent, stop_status  # noqa: E402
import reports  # noqa: E402

HERE = f"{SOURCE}/tests/faults"
OWN_LAYOUT = {"trace": "same", "normal": "header"}
FAULTS = [name for name in programs_in("faults") if not name.startswith("correct_")]
CORRECT = [name for name in programs_in("faults") if name.startswith("correct_")]

# ---- the table of docs/specs/checks.md

PAGE = f"{SOURCE}/docs/specs/checks.md"
HEAD = """<!-- table: UPDATE=1 tests/run tests/faults/rows.sh writes it -->
| program of tests/faults | `trace`, `same` | `trace`, `header` | `normal`, `same` | `normal`, `header` |
|---|---|---|---|---|
"""
LAST = "<!-- end of table -->\n"
WAYS = [("trace", "same"), ("trace", "header"), ("normal", "same"), ("normal", "header")]
CELLS = {}  # of the page, by (program, level, layout); with UPDATE those that were found


def read_table():
    before, _, rest = reports.read(PAGE).partition(HEAD)
    rows, _, behind = rest.partition(LAST)
    for line in rows.splitlines():
        program, *codes = [cell.strip() for cell in line.strip("|").split("|")]
        CELLS.update({(program, *way): code for way, code in zip(WAYS, codes)})
    return before, behind


def code_found(row):
    """The code of a row's report, a dash where nothing is found, or what is neither."""
    found = re.match(r"hakmem: (HKM-[0-9]+ [a-z-]+):", row.printed)
    if found and row.status == stop_status(row.printed):
        return found.group(1)
    return "-" if not row.printed and row.status == 0 else f"status {row.status}: {row.printed[:300]}"


def table(row):
    """The page's table says which fault the program gives in this level and layout."""
    key = row.program, row.level, OWN_LAYOUT[row.level] if row.layout == "auto" else row.layout
    if UPDATE:
        CELLS[key] = code_found(row)
    due = CELLS.get(key)
    return None if due == code_found(row) else f"docs/specs/checks.md says {due}, the program shows {code_found(row)}"


table.writes = True


def whole_table():
    """Every fault program has its line, and no other; UPDATE=1 writes them."""
    if UPDATE:
        lines = ["| " + " | ".join([program] + [CELLS[(program, *way)] for way in WAYS]) + " |\n" for program in FAULTS]
        reports.write(PAGE, AROUND[0] + HEAD + "".join(lines) + LAST + AROUND[1])
    named = list(dict.fromkeys(program for program, _, _ in CELLS))
    return None if named == FAULTS else f"docs/specs/checks.md has other programs: {set(named) ^ set(FAULTS) or 'in another order'}"


# ---- numbers of events

def of_store(row, query):
    _, said = yield from row.ask(TRACE, "sql", "-s", row.store(), query)
    return said.strip()


def numbers(row):
    """The numbers of the fault in `why` and `block` are the report's. The record of the fault, which has one of its own, is no step."""
    listed = yield from of_store(row, "select event from fault")
    said = ""
    for command in "why", "block":
        said += (yield from row.ask(TRACE, command, "@fault:1", "-s", row.store()))[1]
    found = re.findall(r"^FAULT .*, event ([0-9,]+); |^ +>? *([0-9,]+) +[0-9.]+ s +FAULT |^ +>? *([0-9,]+) +.* reported here$", said, re.M)
    found = {"".join(groups).replace(",", "") for groups in found}
    if found != {listed} or len(re.findall("^FAULT ", said, re.M)) != 2:
        return f"the report has event {listed}, why and block have {found}: {said}"
    return None


KIND_FOUND = {"double_free": "FREE", "double_free_resized": "FREE", "double_free_realloc": "REALLOC", "overflow_free": "FAULT", "overflow_exit": "FAULT",
              "use_after_free_read": "FAULT"}


def events(row):
    """The event at which a fault was found has one number: in FOUND, in HISTORY, in `faults` and its JSON, and `events` has it."""
    found, history = ("".join(re.findall(pattern, row.printed, re.M)) for pattern in (r"^  FOUND +event ([0-9,]+) ", r"^      ([0-9,]+) .* <-- found$"))
    number = found.replace(",", "")
    listed = yield from of_store(row, "select event from fault")
    _, page = yield from row.ask(TRACE, "faults", "1", "--json", "-s", row.store())
    json = re.search(r'^ *"event": ([0-9]+),$', page, re.M)
    kind = yield from of_store(row, f"select kind from event where id = {number or 0}")
    if not found or history != found or listed != number or not json or json.group(1) != listed or kind != KIND_FOUND[row.program]:
        return f"FOUND has event '{found}', HISTORY '{history}', fault '{listed}', its JSON '{json and json.group(1)}'; it is '{kind}', due: '{KIND_FOUND[row.program]}'"
    return None


def no_events(row):
    """Where nothing is recorded there are no numbers."""
    named = re.search(r"^  [A-Z].* event [0-9].*|^.*<-- found.*", row.printed, re.M)
    _, listed = yield from row.ask(TRACE, "sql", "select event from fault")
    if named or listed.strip() != "0":
        return f"events, and nothing is recorded: {named and named.group()}; the store has event '{listed.strip()}'"
    return None


# ---- on after a fault

NO_WAY_ON = ("use_after_free_pointer.normal", "use_after_free_two.normal", "overflow_grown.trace", "overflow_grown.normal")
# A sweep tells the damage of each allocation; what is written into a page that was opened again after the first access is found by it, too.
TWICE = ("overflow_exit.trace", "overflow_exit.normal", "foreign_link.normal", "use_after_free_write.normal", "overflow_stopped.normal", "string_scanned.normal")


def goes_on(row):
    """With HAKMEM_ON_FAULT=continue each fault is reported once, and the program goes on to its own end."""
    key = f"{row.program}.{row.level}"
    due = 1 if key.startswith("double_free_realloc.") else 139 if key in NO_WAY_ON else 0  # the resize that was refused gives it NULL
    found = re.findall("^hakmem: HKM-.*", row.printed, re.M)
    counts = (2,) if key in TWICE else (1,)
    if key == "use_after_free_strlen.normal":
        counts = range(1, 99)  # strlen reads on, in steps of the processor's
    if not any(os.path.exists(path) and os.path.getsize(path) for path in (f"{HERE}/{key}.report", f"{HERE}/{key}.header.report")):
        counts = (0,)
    if row.status == due and len(found) in counts:
        return None
    return f"status {row.status}, expected {due}; {len(found)} reports:\n" + "\n".join(found)


# ---- threads

def holds(text, *lines):
    """The lines stand there, one behind the other, whatever the space between words."""
    return "\n".join(lines) in re.sub("^ ", "", re.sub(" +", " ", text), flags=re.M)


def threads(row):
    """The places where threads were created, beyond the exact report: read back from the store when the threads are gone."""
    _, why = yield from row.ask(TRACE, "why", re.search("hakmem-trace why (0x[0-9a-f]+)", row.printed).group(1), "-s", row.store())
    found = yield from of_store(row, "SELECT t.number, t.creator, f.function FROM thread t JOIN stack_frame f ON f.stack = t.stack AND f.depth = 0 "
                                     "AND f.level = 0 ORDER BY t.number")
    if not holds(why, 'THREADS thread 2 "dispatcher" was created by thread 1 "double_free_thr" at main double_free_threads.c:31',
                 'thread 3 "closer" was created by thread 2 "dispatcher" at start_closer double_free_threads.c:17'):
        return f"not in why: {why}"
    return None if "2\t1\tmain\n3\t2\tstart_closer" in found else f"the rows of the store: {found}"


def thread(row):
    """Without a record the place is in the report, too."""
    well = holds(row.printed, 'THREADS thread 2 "double_free_thr" was created by thread 1 at:', "#0 main faults/double_free_thread.c:14")
    return None if well and holds(row.printed, 'FOUND thread 2 "double_free_thr"') else f"not there: {row.printed}"


# ---- correct programs

def legal(row):
    """It leaves a record in which every move of every block is legal."""
    status, said = yield from row.ask(TRACE, "check", "-s", row.store())
    return f"check ends with {status}:\n{said[:2000]}" if status else None


# ---- C++ programs as people write them

def source_of(row):
    return reports.read(f"{row.base}.cpp")


def cxx_report(row):
    """Its report is exact. Where a block of a program with a plug-in lies depends on what ld.so allocated for the plug-in's path before, and of one of
    containers on how the compiler's library makes them (place). A full page leaves ALLOCATOR out, and whether it is full depends on the registers that the
    compiler keeps pointers in (room). Some of hundreds of written bytes are, by chance, those that are due at the block's address."""
    source, found = source_of(row), reports.normalise(row.printed)
    if re.search("^// (plugin|place):", source, re.M):
        found = re.sub(r"slot [0-9,]+ of slab [0-9]+ ", "slot N of slab N ", found)
    if re.search("^// room:", source, re.M):
        found = re.sub("^  ALLOCATOR  .*\n", "", found, flags=re.M)
    if re.search("^// chance:", source, re.M):
        found = re.sub(": ((at least )?39[0-9]|400) bytes overwritten", ": N bytes overwritten", found)
        found = re.sub(" (39[0-9]|400) bytes changed", " N bytes changed", found)
    if UPDATE:
        reports.keep(row.base, found)
    return compare_report(row, found, path=reports.due(row.base))


cxx_report.__name__ = "report"
cxx_report.writes = True


def marked(row):
    """Its first line with a source file is the one that the program marks: WRONG, the user's own wrong line, or ALLOCATED, the line of the allocation
    where the record cannot know who did it."""
    due = [f"{row.program}.cpp:{number}" for number, line in enumerate(source_of(row).split("\n"), 1) if re.search("// (WRONG|ALLOCATED):", line)]
    first = re.search(r"[a-z_./]+\.(c|cc|cpp|h|tcc):[0-9]+", row.printed)
    found = os.path.basename(first.group()) if first else ""
    return None if [found] == due else f"the first line with a source file is {found}, not the marked {due}"


# ---- the rows

def fault_rows():
    """Each program in both levels with its report. Of a program's two other ways, for the table, those of every second; NEXT by turns in one level;
    of those that go on every second one in level trace. FULL=1: all."""
    is_full = TIER == "full" or UPDATE
    for turn, program in enumerate(FAULTS):
        for level in "trace", "normal":
            checks = [report, table]
            if is_full or level == ("trace", "normal")[turn % 2]:
                checks.append(next_)
            if level == "normal":
                checks += [numbers] if program in NUMBERED else []
                checks += [events] if program in KIND_FOUND else []
                checks += [threads] if program == "double_free_threads" else []
            if TIER != "quick" or level == "normal":
                yield Row(f"{program}.{level}", "faults", checks if TIER != "quick" else [check for check in checks if check is not next_], level)
            if TIER == "quick":
                continue
            other = next(layout for layout in ("same", "header") if layout != OWN_LAYOUT[level])
            name = f"{program}.{level}.{other}"
            if os.path.exists(f"{HERE}/{name}.report"):
                yield Row(name, "faults", [report, table], level, other)
            elif is_full or turn % 2:
                yield Row(name, "faults", [table], level, other)
            if is_full or level == "normal" or turn % 2 == 0:
                yield Row(f"{program}.{level}.continue", "faults", [goes_on], level, "header", ["HAKMEM_ON_FAULT=continue"])


NUMBERED = ("bad_free_inside", "bad_free_misaligned", "double_free", "mismatch_new_free", "overflow_free", "use_after_free_read")


def correct_rows():
    """In every level, layout and front, with caches so small that blocks go through all of them. Without FULL=1 each program runs in half of the ways,
    in which each pair of these stands. By turns those of level trace or of level normal go through `run`."""
    for turn, program in enumerate(CORRECT, 1):
        for way in range(8):  # bits: magazine, layout, level
            if TIER == "full" or (way ^ way // 2 ^ way // 4 ^ turn) % 2 == 0 and (TIER != "quick" or way == 7 - turn % 2):
                level, layout, magazine = ("trace", "normal")[way // 4], ("same", "header")[way // 2 % 2], way % 2
                run = ["--check", level, "--layout", layout] if (way // 4 ^ turn // 2) % 2 else None
                yield Row(f"{program}.{level}.{layout}.{magazine}", "faults", [silent, legal], level, layout,
                          [f"HAKMEM_TINY_MAGAZINE_ENABLE={magazine}", "HAKMEM_TINY_MAG_CAP=8", "HAKMEM_TINY_TLS_SLL_CAP=16"], run=run)


def cxx_rows():
    for program in programs_in("faults/cxx"):
        variables = re.findall("^// variables: (.*)", reports.read(f"{HERE}/cxx/{program}.cpp"), re.M)
        yield Row(program, "faults/cxx", [cxx_report, marked], "normal", variables=variables, drop_output=True)


def enough_cxx():
    count = len(programs_in("faults/cxx"))
    return None if count >= 12 else f"{count} programs in tests/faults/cxx, 12 or more are due"


def rows():
    yield from fault_rows()
    yield from mutation_rows("faults")
    yield from correct_rows()
    yield Row("double_free_thread.normal.not_recorded", "faults", [thread], "normal", variables=["HAKMEM_TRACE=off"])
    if TIER != "quick":
        for program in "overflow_exit", "overflow_later":
            yield Row(f"{program}.normal.sweeps", "faults", [next_], "normal", variables=["HAKMEM_SWEEP_EVERY=1"])
        for program in "double_free", "overflow_free", "use_after_free_read":
            yield Row(f"{program}.not_recorded", "faults", [no_events], run=["--trace", "off"])


if TEST == "faults/cxx.sh":
    sys.exit(main(cxx_rows(), enough_cxx))
AROUND = read_table()
sys.exit(main(rows(), whole_table))
