"""The rows of tests/leaks: the first comment of a program says LOST with blocks and bytes of both kinds, or KEPT: nothing at all."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tools"))
from rows import AS_BY_DEFAULT, SOURCE, TIER, TRACE, Row, main, made_path, source_of  # noqa: E402
import reports  # noqa: E402

HERE = f"{SOURCE}/tests/leaks"
LIBRARY = (os.environ.get("CC", "gcc"), "-O0", "-g", "-shared", "-fPIC", f"{HERE}/library.c")
WAYS = (("O2", "normal", "header"), ("O0", "normal", "header"), ("O0", "normal", "same"), ("O0", "trace", "same"), ("O0", "recorded", None))


def due(row):
    """Blocks and bytes, direct and indirect."""
    found = re.search("LOST (direct [0-9]+ [0-9]+ indirect [0-9]+ [0-9]+)", reports.read(source_of(row.made[0])))
    return found.group(1) if found else "direct 0 0 indirect 0 0"


def raw(row):
    """The list that the program writes itself has what is due, and nothing else is said."""
    path, sums = f"{row.directory}/log", {"Direct": [0, 0], "Indirect": [0, 0]}
    for kind, size, count in re.findall(r"^  (Direct|Indirect) leak of ([0-9,]+) byte\S+ in ([0-9,]+) ", reports.read(path) if os.path.exists(path) else "", re.M):
        sums[kind] = [sums[kind][0] + int(count.replace(",", "")), sums[kind][1] + int(size.replace(",", ""))]
    found = "direct {} {} indirect {} {}".format(*sums["Direct"], *sums["Indirect"])
    return None if (row.status, row.printed, found) == (0, "", due(row)) else f"status {row.status}, {found}, due: {due(row)}\n{row.printed[:300]}"


def stored(row):
    """The store has what is due."""
    sums = (f"total({of}) FILTER (WHERE kind = '{kind}')" for kind in ("direct", "indirect") for of in ("count", "bytes"))
    _, said = yield from row.ask(TRACE, "sql", "-s", "out.db", f"SELECT printf('direct %d %d indirect %d %d', {', '.join(sums)}) FROM leak")
    return None if (row.status, said.strip()) == (0, due(row)) else f"status {row.status}, found {said.strip()}, due: {due(row)}"


def rows():
    """Each program goes two of the five ways, other ones from program to program."""
    of_way = {"quick": 1, "usual": 2, "full": 5}[TIER]
    for turn, source in enumerate(sorted(glob.glob(f"{HERE}/lost_*.c*")) + sorted(glob.glob(f"{HERE}/kept_*.c*"))):
        compiler = os.environ.get("CC", "gcc") if source.endswith(".c") else os.environ.get("CXX", "g++")
        for way, (option, level, layout) in enumerate(WAYS):
            if (turn + way) % 5 >= of_way:
                continue
            name = ".".join(filter(None, [os.path.basename(source).split(".")[0], level, layout, option]))
            more = {"arguments": [made_path(LIBRARY)], "made": [(compiler, f"-{option}", "-g", "-w", source, "-pthread", "-ldl"), LIBRARY]}
            if level == "recorded":
                yield Row(name, "leaks", [stored], run=["--leaks=1", "--log", "log", "-s", "out.db"], variables=["HAKMEM_CHECK=trace", "HAKMEM_LAYOUT=header"], **more)
            else:
                yield Row(name, "leaks", [raw], level, layout, ["HAKMEM_TRACE=off", "HAKMEM_LEAKS=1", f"HAKMEM_LOG={os.path.abspath(name)}/log", AS_BY_DEFAULT],
                          drop_output=True, **more)


sys.exit(main(rows()))
