"""Which lines the lab compares: every variable of options.def that changes how the plain allocator works.

A line is a name, what is set on both sides, and what is set on its own side. Lines come from
`hakmem-trace info --options --json`, so a new variable appears by itself; below stands only what a table
of types cannot say: which variable needs which other one to be on, and values worth trying.
"""
import collections
import json
import re
import subprocess

# `context` is set with and without the switch, `settings` with it alone.
Line = collections.namedtuple("Line", "name context settings")

# Options that do not matter for speed, or are tried elsewhere (`run` options, outputs, the safety lines).
LEFT_OUT = ("INJECT", "SESSION", "COLLECT", "TRACE", "LOG", "STATS", "EXTERNAL_GUARD", "DEBUG_LEVEL", "SS_ACQUIRE_DEBUG", "TINY_FRONT_METRICS", "TINY_FRONT_DUMP", "BENCH_FAST_MODE")
# Variables that act only beside others.
CONTEXT = {
    "TINY_MAG_CAP": {"TINY_MAGAZINE_ENABLE": "1"},
    "TINY_TLS_SLL_CAP": {"TINY_MAGAZINE_ENABLE": "1"},
    "TINY_HOT_RING_C": {"TINY_HOT_RING_ENABLE": "1"},
    "TINY_FRONT_HEAPV2_ONLY": {"TINY_FRONT_DISABLE_HEAPV2": "0"},
    "ALLOC_LEARN_": {"ALLOC_LEARN": "1"},
    "MEM_LEARN_": {"MEM_LEARN": "1"},
    "LEARN_ADVANCED": {"ALLOC_LEARN": "1", "MEM_LEARN": "1"},
}
# Values worth trying; the first is the one for quick, and for single members of a family.
VALUES = {
    "TINY_UNIFIED_C": ("0", "16", "256", "1024"),
    "TINY_MAX_CLASS": ("3", "0", "1", "2", "4", "5", "6"),
    "TINY_PREWARM_ALL": ("64",),
    "TINY_PREWARM_C": ("128",),
    "TINY_SS_PRECHARGE_C": ("2",),
    "SUPERSLAB_PREWARM": ("4",),
    "SS_EMPTY_SCAN_LIMIT": ("1", "1024"),
    "TINY_TENSION_DRAIN_THRESHOLD": ("64", "65536"),
    "BIGCACHE_MAX": ("0", "64M"),
    "TINY_TLS_CLASS_OVERRIDE": ("C2:256:64,C3:256:64", "C0:16:4,C1:16:4,C2:16:4,C3:16:4,C4:16:4,C5:16:4,C6:16:4,C7:16:4"),
    "TINY_HOT_RING_C": ("256", "64"),
    "TINY_MAG_CAP": ("128", "8"),
    "TINY_TLS_SLL_CAP": ("32", "1024"),
    "ALLOC_LEARN_WINDOW": ("1000", "100000"),
    "ALLOC_LEARN_RATE": ("0.5", "0.02"),
    "MEM_LEARN_WINDOW": ("1000", "100000"),
    "MEM_LEARN_THRESHOLD": ("0.5", "0.95"),
}
# Several at once, beside the profiles and presets.
TOGETHER = {
    "all small fronts": {"TINY_FRONT_ENABLE_ULTRAHOT": "1", "TINY_FRONT_DISABLE_HEAPV2": "0", "TINY_FRONT_ENABLE_FC": "1", "TINY_FRONT_ENABLE_SFC": "1"},
    "both kinds of learning": {"ALLOC_LEARN": "1", "MEM_LEARN": "1"},
}


def by_prefix(table, name, otherwise):
    """The entry for the variable itself, else for the longest prefix that the table has."""
    fitting = [prefix for prefix in table if name.startswith(prefix)]
    return table[max(fitting, key=len)] if fitting else otherwise


def values_of(option, name):
    standard, choices = option["default"], option["range"]
    if option["type"] == "CHOICE":
        return [value for value in choices.split("|") if value not in (standard, "auto")]
    known = by_prefix(VALUES, name, ())
    if known or option["type"] not in ("NUMBER", "BYTES"):
        return [value for value in known if value != standard]
    low, high = (int(re.match(r"\d+", bound).group()) for bound in choices.split(".."))
    number = int(re.match(r"\d+", standard).group()) or 4
    tried = [min(max(value, low), high) for value in (number * 4, number // 4)]
    return [str(value) for value in dict.fromkeys(tried) if str(value) != standard]


def lines(trace, is_quick):
    """All lines, those that are quick only where asked to."""
    told = subprocess.run([trace, "info", "--options", "--json"], stdout=subprocess.PIPE, check=True).stdout
    options = {
        option["variable"].removeprefix("HAKMEM_"): option
        for option in json.loads(told)["options"]
        if not option["run_option"]
    }
    result, families = [], collections.defaultdict(list)
    for name, option in options.items():
        if name.startswith(LEFT_OUT):
            continue
        if re.search(r"_C\d$", name):
            families[name[:-1]].append(name)
        context = by_prefix(CONTEXT, name, {})
        tried = values_of(option, name)
        if re.search(r"_C\d$", name):
            # A member stands for itself once; its family tries all values together.
            tried = [] if is_quick else tried[:1]
        elif is_quick and option["type"] in ("NUMBER", "BYTES", "FRACTION", "TEXT"):
            tried = tried[:1]
        result += [Line(f"{name}={value}", context, {name: value}) for value in tried]
    for family, members in families.items():
        for value in by_prefix(VALUES, family, ())[: 2 if is_quick else None]:
            settings = {member: value for member in members}
            result.append(Line(f"{family}*={value}", by_prefix(CONTEXT, family, {}), settings))
    result += [Line(name, {}, settings) for name, settings in TOGETHER.items() if set(settings) <= set(options)]
    return result
