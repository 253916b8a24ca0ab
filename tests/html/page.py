"""The page of `hakmem-trace html` in a browser: `page.py TRACE DIRECTORY`, which has server.db and grower.db."""
import base64
import collections
import functools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import traceback

from browser import Browser, Failed

trace, directory = sys.argv[1:3]
failures = []
checks = 0
MEASURES = {"came": "allocated", "went": "freed", "brief": "short_lived", "grown": "grown", "live": "live"}


def same(what, got, due):
    """Notes a difference; goes on."""
    global checks
    checks += 1
    if got != due:
        failures.append(f"{what}: {got!r}; due {due!r}")


@functools.lru_cache(maxsize=None)
def printed(*words):
    """What a command prints of a store, which nothing changes: it is asked once."""
    done = subprocess.run([trace, *words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1, 4):
        raise SystemExit(f"{' '.join(words)}: status {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def ask(*words):
    """A command's JSON."""
    return json.loads(printed(*words))


def make(store, *options):
    """Writes the page of a store."""
    path = os.path.join(directory, store.removesuffix(".db") + ".html")
    done = subprocess.run([trace, "html", "-s", os.path.join(directory, store), *options, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 4):
        raise SystemExit(f"html of {store}: status {done.returncode}: {done.stderr.decode()}")
    return path


def load(page, path):
    """Opens the page, and waits until it is drawn."""
    page.open(path)
    page.wait("document.documentElement.dataset.ready")


def console(page, what):
    """Nothing was said there: neither by the page, nor of its policy."""
    same(f"{what}: console", page.console(), [])


def choose(page, name, value):
    """Sets a select, as a person who picks an option."""
    page.run("const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change'))", name, value)


def settle(page):
    """Waits until what was chosen last is drawn."""
    page.settle()


def plot(page):
    """Of the timeline, in the window."""
    page.run("scrollTo(0, 0)")
    return page.value("(({left, top, width, height}) => [left, top, width, height])(document.getElementById('plot').getBoundingClientRect())")


def point(page, share):
    """A place in the timeline, clear of handles."""
    settle(page)
    left, top, width, height = plot(page)
    x = left + width * share
    for handle in page.value("[...document.querySelectorAll('.handle:not([hidden])')].map(e => e.getBoundingClientRect().left + 11)"):
        if abs(handle - x) < 25:
            x = handle + (40 if share < 0.5 else -40)
    return x, top + height * 0.3


def places(page):
    """Shares of the timeline's width at which there is a step, a tenth apart or more, its begin and its last step among them: on a machine that stood still
    while the program ran, the steps are in a few heaps."""
    path = page.value("document.querySelector('#plot .edge').getAttribute('d')")
    steps = [float(x) / 1000 for x in re.findall(r"[ML]([0-9.]+)", path)]
    chosen = [0.0]
    for share in steps:
        if share - chosen[-1] >= 0.1 and steps[-1] - share >= 0.1:
            chosen.append(share)
    return [*chosen, steps[-1]]


def moment(page):
    """What the page says of the moment and of the total below it."""
    settle(page)
    said = page.value("Object.assign({}, document.getElementById('moment').dataset, {total: document.getElementById('total').dataset.value})")
    return {name: int(value) for name, value in said.items()}


def words_of(said):
    """The options of top for what the page shows, of a span or of a moment."""
    if said["fromEvent"]:
        return ["--between", f"#{said['fromEvent']}", f"#{said['event']}"]
    return ["--between", "start", f"#{said['event']}"]


def table(page):
    """Name -> value of the table's first number."""
    rows = page.value("[...document.querySelectorAll('#table tbody tr')].map(row => [row.cells[0].textContent, row.cells[2].textContent])")
    sums = collections.Counter()
    for name, value in rows:
        sums[name] += int(value.replace(",", ""))
    return {name: value for name, value in sums.items() if value}


def rows_of(answer, member):
    """The same of top's answer."""
    sums = collections.Counter()
    for row in answer["rows"]:
        name = row["name"]
        if name == "??":
            name = f"{os.path.basename(row['module'])}+0x{row['module_offset']:x}" if row["module"] else "??"
        sums[name] += row["self"][member]
    return {name: value for name, value in sums.items() if value}


def compare_moment(page, store, what, *more):
    """Total and each function of the moment on the page, beside top's."""
    said = moment(page)
    due = ask("top", "-s", store, "--at", f"#{said['event']}", "--limit", "0", *more) if said["event"] else None
    same(f"{what}: timeline and graph", said["total"], said["bytes"])
    if due:
        same(f"{what}: bytes at event {said['event']}", said["bytes"], due["total"]["live_bytes"])
        same(f"{what}: blocks at event {said['event']}", said["blocks"], due["total"]["live_blocks"])
    page.click('[data-view="table"]')
    if due:
        same(f"{what}: functions at event {said['event']}", table(page), rows_of(due, "live_bytes"))
    page.click('[data-view="icicle"]')


def compare_span(page, store, what, *more):
    """Each measure of the span on the page, beside top's."""
    said = moment(page)
    due = ask("top", "-s", store, *words_of(said), "--by", "growth", "--limit", "0", *more)
    page.click('[data-view="table"]')
    for unit in ("blocks", "bytes"):
        choose(page, "unit", unit)
        for measure, member in MEASURES.items():
            choose(page, "measure", measure)
            same(f"{what}: {measure} in {unit}, {words_of(said)}", moment(page)["total"], due["total"][f"{member}_{unit}"])
            same(f"{what}: functions, {measure} in {unit}, {words_of(said)}", table(page), rows_of(due, f"{member}_{unit}"))
    page.click('[data-view="icicle"]')


def look_at_totals(page):
    """The server, which forks: moments and spans by clicks, drags, touches."""
    store = os.path.join(directory, "server.db")
    load(page, make("server.db"))
    heap = ask("heap", "-s", store)
    said = moment(page)
    same("peak: event", said["event"], heap["peak"]["event"])
    same("peak: bytes", said["bytes"], heap["peak"]["live_bytes"])
    same("peak: blocks", said["blocks"], heap["peak"]["live_blocks"])
    compare_moment(page, store, "peak")
    steps = places(page)
    seen = []
    for share in steps:
        place = point(page, share)
        page.drag(place, place)
        settle(page)
        seen.append(moment(page)["event"])
        compare_moment(page, store, f"click at {share}")
    same("clicks from left to right choose later and later moments", seen, sorted(set(seen)))
    page.click("#go-end")
    compare_moment(page, store, "end")
    middle = len(steps) // 2
    for begin, end, kind in ((steps[0], steps[middle], "mouse"), (steps[-1], steps[middle - 1], "mouse"), (steps[middle - 1], steps[-1], "touch")):
        page.click("#go-peak")
        page.drag(point(page, begin), point(page, end), kind)
        settle(page)
        page.wait("document.getElementById('is-span').getAttribute('aria-pressed') === 'true'")
        compare_span(page, store, f"{kind} from {begin} to {end}")
    page.click("#go-all")
    compare_span(page, store, "whole time")
    choose(page, "measure", "held")
    same("held at the end", moment(page)["total"], ask("top", "-s", store, "--at", "end")["total"]["live_bytes"])
    choose(page, "measure", "live")
    for row in page.value("[...document.getElementById('process').options].map(o => Number(o.value))")[1:4]:
        choose(page, "process", str(row))
        page.click("#go-peak")
        compare_moment(page, store, f"process {row}", "--process", f"#{row}")
        page.click("#go-all")
        compare_span(page, store, f"process {row}", "--process", f"#{row}")
    choose(page, "process", "0")
    console(page, "totals")


def frame(page, after=""):
    """The graph's description of a frame, by name; `after` that, in the same step, so that no movement of the pointer comes between."""
    return page.run(f"{after}; return Object.fromEntries([...document.querySelectorAll('#frame dt')].map(t => [t.textContent, t.nextSibling.textContent]))")


def look_at_graph(page):
    """Zoom, order, colours and search."""
    store = os.path.join(directory, "grower.db")
    load(page, make("grower.db"))
    page.click('[data-view="flame"]')
    same("flame: root is the lowest", page.value("(f => Math.max(...f.map(e => e.offsetTop)) === f[0].offsetTop)([...document.querySelectorAll('.frame')])"), True)
    page.click('[data-view="icicle"]')
    same("icicle: root is the highest", page.value("document.querySelector('.frame').offsetTop"), 0)
    grow = page.value("[...document.querySelectorAll('.frame')].findIndex(e => e.textContent === 'grow_cache')")
    same("grow_cache is in the graph", grow > 0, True)
    page.run("document.querySelectorAll('.frame')[arguments[0]].scrollIntoView({block: 'center'})", grow)
    page.run("document.querySelectorAll('.frame')[arguments[0]].id = 'wanted'", grow)
    page.click("#wanted")
    same("zoomed into", page.value("document.getElementById('path').textContent"), "allmaingrow_cache")
    due = ask("top", "-s", store, "--limit", "0")
    zoomed = frame(page, "document.getElementById('graph').dispatchEvent(new Event('mouseleave'))")  # the pointer lies on another frame by now
    same("itself", bytes_in(zoomed["Itself"]), rows_of(due, "live_bytes")["grow_cache"])
    page.click("#path button")
    same("zoomed out", page.value("document.getElementById('path').children.length"), 1)
    total = moment(page)["total"]
    choose(page, "order", "up")
    same("bottom-up has the same total", moment(page)["total"], total)
    same("bottom-up begins with who allocated", page.value("document.querySelector('.frame[aria-level=\"2\"]').textContent"), "grow_cache")
    choose(page, "order", "down")
    page.click("#search")
    page.keys("parse_ROW")
    page.wait("document.querySelectorAll('.is-match').length || document.getElementById('total').textContent.includes('parse_ROW')")
    choose(page, "measure", "came")
    found = sum(value for name, value in rows_of(ask("top", "-s", store, *words_of(moment(page)), "--by", "growth", "--limit", "0"), "allocated_bytes").items() if name == "parse_row")
    same("search: what is under it", int(page.value("document.getElementById('total').dataset.found")), found)
    page.click("#search")
    page.keys("Escape")
    for colour in ("growth", "module", "function"):
        choose(page, "colour", colour)
    page.click('[data-view="table"]')
    page.click("#table thead th:nth-child(1) button")
    names = page.value("[...document.querySelectorAll('#table tbody tr')].map(row => row.cells[0].textContent)")
    same("table: sorted by name", names, sorted(names))
    same("table: says so", page.value("document.querySelector('#table thead th').getAttribute('aria-sort')"), "ascending")
    same("table: the focus stays on the heading", page.value("document.activeElement.dataset.sort"), "name")
    for per in ("file", "module"):
        choose(page, "per", per)
        due = ask("top", "-s", store, *words_of(moment(page)), "--by", "growth", "--limit", "0", "--per", per)
        got = page.value("[...document.querySelectorAll('#table tbody tr')].map(row => Number(row.cells[1].textContent.replaceAll(',', '')))")
        same(f"table by {per}", sorted(filter(None, got)), sorted(filter(None, (row["self"]["allocated_bytes"] for row in due["rows"]))))
    page.click('[data-view="icicle"]')
    same("mark in the timeline", page.value("document.querySelector('.note-mark title').textContent"), "mark half way")
    console(page, "graph")


def stacks_of(store, *options):
    """Folded stacks with their bytes at the peak, as lists of functions from the outermost on."""
    done = subprocess.run([trace, "export", "collapsed", "-s", store, *options], stdout=subprocess.PIPE, check=False, text=True)
    return [(line.rsplit(" ", 1)[0].split(";"), int(line.rsplit(" ", 1)[1])) for line in done.stdout.splitlines()]


def sums_of(pairs):
    """Adds up what has the same name."""
    sums = collections.Counter()
    for name, value in pairs:
        sums[name] += value
    return {name: value for name, value in sums.items() if value}


FRAMES = """
return [...document.querySelectorAll('.frame')].map(e => {
  e.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}));
  const said = Object.fromEntries([...document.querySelectorAll('#frame dt')].map(t => [t.textContent, t.nextSibling.textContent]));
  return Object.assign(said, {label: e.getAttribute('aria-label'), level: Number(e.getAttribute('aria-level')), text: e.textContent, kinds: [...e.classList]});
});
"""


def bytes_in(words):
    """The exact number that stands first in a description."""
    return int(re.match(r"([0-9,-]+) bytes", words).group(1).replace(",", ""))


def frames(page):
    """What the graph says of each of its frames when the pointer is on it."""
    settle(page)
    return page.run(FRAMES)


def own(page, name):
    """Name -> bytes of what the frames themselves hold; `name` makes one of a frame."""
    return sums_of((name(one), bytes_in(one["Itself"])) for one in frames(page) if "Itself" in one)


def numbers(text):
    """The numbers of a packed member of the page's data."""
    found, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(value)
            value = shift = 0
    return found


def folded_frames(path):
    """How many frames of the page's tree are folded at first."""
    with open(path, encoding="utf-8") as text:
        said = json.loads(re.search(r'id="data">(.*?)</script>', text.read(), re.DOTALL).group(1))
    kinds = [word & 3 for word in numbers(said["places"])[::2]]
    return sum(kinds[place] == 1 for place in numbers(said["tree"])[1::2])


def look_at_libraries(page):
    """Frames of libraries are folded as `top` folds them, until the button shows them as `top --all` does."""
    store, path = os.path.join(directory, "sorter.db"), make("sorter.db")
    few, all_of_them = ask("top", "-s", store, "--limit", "0"), ask("top", "-s", store, "--all", "--limit", "0")
    load(page, path)
    count = folded_frames(path)
    same("libraries: some are folded", count > 20, True)
    pressed = "[document.getElementById('libraries').textContent, document.getElementById('libraries').getAttribute('aria-pressed')]"
    same("libraries: the button", page.value(pressed), [f"Library frames: {count} hidden", "false"])
    folded, whole = (sums_of((stack[-1], value) for stack, value in stacks_of(store, *options)) for options in ((), ("--all",)))
    same("libraries: folded", own(page, lambda one: one["Function"]), folded)
    same("libraries: folded, none is marked", [one["Function"] for one in frames(page) if "is-library" in one["kinds"]], [])
    page.run("[...document.querySelectorAll('.frame')].find(e => e.textContent === 'compare').id = 'wanted'")
    page.click("#wanted")
    tab_to(page, "libraries")
    page.keys(" ")
    same("libraries: shown", page.value(pressed), [f"Library frames: {count} shown", "true"])
    way = next(stack for stack, _ in stacks_of(store, "--all") if "compare" in stack)
    same("libraries: still zoomed into the function", page.value("document.getElementById('path').lastChild.textContent"), "compare")
    same("libraries: on its whole way", page.value("[...document.getElementById('path').children].map(e => e.textContent)"), ["all", *way[: way.index("compare") + 1]][-12:])
    page.click("#path button")
    tab_to(page, "treeitem")
    page.keys("Escape")
    same("libraries: all frames", own(page, lambda one: one["Function"]), whole)
    same("libraries: total", moment(page)["total"], few["total"]["live_bytes"])
    marked = {one["Function"] for one in frames(page) if "is-library" in one["kinds"]}
    same("libraries: the program's are not marked", marked & {"main", "compare", "note", "descend", "pair"}, set())
    same("libraries: the wrapper is", "xmalloc" in marked, True)
    page.click('[data-view="table"]')
    same("libraries: table", table(page), rows_of(all_of_them, "live_bytes"))
    page.click("#libraries")
    same("libraries: table, folded", table(page), rows_of(few, "live_bytes"))
    same("libraries: bands stay the program's", set(page.value("[...document.querySelectorAll('#plot .band:not(.rest)')].map(b => b.textContent)")), set(folded))
    page.click('[data-view="icicle"]')
    choose(page, "order", "up")
    page.click("#libraries")
    same("libraries: from who allocated", moment(page)["total"], few["total"]["live_bytes"])
    console(page, "libraries")


def look_at_lines(page):
    """Frames that differ by their line are apart, on request, with the amounts of `top --per line`."""
    store = os.path.join(directory, "sorter.db")
    load(page, make("sorter.db"))

    def where(row):
        return f"{row['name']} {'/'.join(row['file'].split('/')[-2:])}:{row['line']}" if row["file"] else f"{row['name']} {os.path.basename(row['module'])}"

    due = sums_of((where(row), row["self"]["live_bytes"]) for row in ask("top", "-s", store, "--per", "line", "--limit", "0")["rows"])
    same("lines: two of one function", len([name for name in due if name.startswith("pair ")]), 2)
    same("lines: not at first", [one["text"] for one in frames(page) if one["text"].startswith("pair")], ["pair"])
    choose(page, "lines", "line")
    same("lines: frames", own(page, lambda one: f"{one['Function']} {one['Where']}"), due)
    labels = {f"{name.split(' ')[0]} {name.rsplit('/', 1)[-1]}" for name in due if name.startswith("pair ")}
    same("lines: labels", {one["text"] for one in frames(page) if one["text"].startswith("pair")}, labels)
    same("lines: names for screen readers", {one["label"].split(",")[0] for one in frames(page) if one["text"].startswith("pair")}, labels)
    choose(page, "order", "up")
    same("lines: from who allocated", sums_of((one["Function"] + " " + one["Where"], bytes_in(one["With callees"])) for one in frames(page) if one["level"] == 2), due)
    page.click('[data-view="table"]')
    choose(page, "per", "line")
    rows = page.value("[...document.querySelectorAll('#table tbody tr')].map(row => [row.cells[0].textContent + ' ' + row.cells[1].textContent, row.cells[2].textContent])")
    same("lines: table", sums_of((name, int(value.replace(",", ""))) for name, value in rows), due)
    console(page, "lines")


def around(stacks, function):
    """Of a function: what it holds with its callees, by callers and by callees; each stack counts once."""
    whole, callers, callees = 0, [], []
    for stack, value in stacks:
        if function in stack:
            at = stack.index(function)
            whole += value
            callers += [(stack[at - 1], value)] if at else []
            callees += [(stack[at + 1], value)] if at + 1 < len(stack) else []
    return whole, sums_of(callers), sums_of(callees)


def sandwich(page):
    """The same of what the page shows."""
    seen = frames(page)
    callers = sums_of((one["Function"], bytes_in(next(text for name, text in one.items() if name.startswith("Leads to ")))) for one in seen if one["level"] == 2 and one["label"].endswith(", caller"))
    callees = sums_of((one["Function"], bytes_in(one["With callees"])) for one in seen if one["level"] == 2 and not one["label"].endswith(", caller"))
    return int(page.value("document.getElementById('total').dataset.of")), callers, callees


def middle(page):
    """The function that the sandwich is of."""
    settle(page)
    return page.value("document.querySelector('.is-middle') && document.querySelector('.is-middle').textContent.split(':')[0]")


def look_at_sandwich(page):
    """Callers and callees of one function, beside the folded stacks and `top`."""
    store = os.path.join(directory, "sorter.db")
    load(page, make("sorter.db"))
    for what, options in (("folded", ()), ("whole", ("--all",))):
        stacks, rows = stacks_of(store, *options), ask("top", "-s", store, "--limit", "0", *options)["rows"]
        page.click('[data-view="table"]')
        if options:
            page.click("#libraries")
        for row in rows:
            page.click('[data-view="table"]')
            page.run("[...document.querySelectorAll('#table .open')].find(b => b.textContent === arguments[0]).id = 'wanted'", row["name"])
            page.click("#wanted")
            same(f"sandwich, {what}: {row['name']} is in the middle", middle(page), row["name"])
            got = sandwich(page)
            same(f"sandwich, {what}: {row['name']}", got, around(stacks, row["name"]))
            same(f"sandwich, {what}: {row['name']} with callees, as top says", got[0], row["with_callees"]["live_bytes"])
    page.click("#libraries")
    same("sandwich: total", moment(page)["total"], sum(value for _, value in stacks_of(store)))
    page.click('[data-view="icicle"]')
    page.run("document.activeElement.blur()")
    tab_to(page, "treeitem")
    page.keys("ArrowDown", "ArrowDown")
    name = page.value("document.activeElement.textContent")
    page.keys("s")
    same("sandwich: s on a frame", middle(page), name)
    same("sandwich: the focus is on the middle", page.value("document.activeElement.getAttribute('aria-level')"), "1")
    page.keys("ArrowUp")
    same("sandwich: up is a caller", page.value("/^main, .*, caller$/.test(document.activeElement.getAttribute('aria-label'))"), True)
    page.keys("Enter")
    same("sandwich: Enter on the caller", middle(page), "main")
    same("sandwich: the way back", page.value("[...document.getElementById('path').children].map(e => e.textContent)"), [name])
    page.keys("ArrowDown")
    callee = page.value("document.activeElement.textContent")
    same("sandwich: down is a callee", page.value("document.activeElement.getAttribute('aria-label').startsWith(document.activeElement.textContent + ', ')"), True)
    page.keys("s")
    same("sandwich: s on a callee", middle(page), callee)
    page.keys("Escape")
    same("sandwich: Escape goes back", middle(page), "main")
    page.keys("Escape")
    same("sandwich: and back", middle(page), name)
    page.keys("Escape")
    same("sandwich: to the graph", page.value("[document.querySelector('[data-view=\"icicle\"]').getAttribute('aria-pressed'), document.activeElement.getAttribute('role')]"), ["true", "treeitem"])
    page.run("[...document.querySelectorAll('.frame')].find(e => e.textContent === 'compare').id = 'wanted'")
    page.click("#wanted")
    page.click("#to-sandwich")
    same("sandwich: the button", middle(page), "compare")
    page.click("#search")
    page.keys("desc")
    same("sandwich: the search", middle(page), "descend")
    page.click("#search")
    page.keys("Escape", "sorter")
    settle(page)
    found = page.value("[...document.getElementById('candidates').children].map(e => e.textContent)")
    same("sandwich: the search finds more, and changes nothing", (set(found), middle(page)), ({name for stack, _ in stacks_of(store) for name in stack if not name.startswith("stdio")}, "descend"))
    page.click("#candidates button:last-child")
    same("sandwich: one of them", middle(page), found[-1])
    same("sandwich: each frame has a name", [one for one in frames(page) if not re.match(r".+, .+, [0-9.]+ %", one["label"])], [])
    console(page, "sandwich")


def look_at_details(page):
    """A frame's details, in the list and beside the pointer."""
    store = os.path.join(directory, "sorter.db")
    load(page, make("sorter.db"))
    row = next(row for row in ask("top", "-s", store, "--limit", "0")["rows"] if row["name"] == "pair")
    page.run("[...document.querySelectorAll('.frame')].find(e => e.textContent === 'pair').id = 'wanted'")
    page.run("document.getElementById('wanted').scrollIntoView({block: 'center'})")
    page.ask("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
             "actions": [{"type": "pointerMove", "duration": 0, "origin": {"element-6066-11e4-a52e-4f735466cecf": page.find("#wanted")}, "x": 0, "y": 0}]}]})  # fmt: skip
    share = f"{row['self']['live_bytes'] * 100 / moment(page)['total']:.1f} %"
    due = {"Function": "pair", "Where": "html/sorter.c", "Module": "sorter", "Itself": f"8,000 bytes (7.8 KiB), {share}", "With callees": f"8,000 bytes (7.8 KiB), {share} of what is shown", "Blocks": "2, 3.9 KiB each on average"}
    same("details: the list", frame(page), due)
    same("details: beside the pointer", page.value("[!document.getElementById('tip').hidden, [...document.querySelectorAll('#tip p')].map(p => p.textContent)]"),
         [True, ["pair", *(f"{name} {text}" for name, text in due.items() if name != "Function")]])  # fmt: skip
    page.keys("Escape")
    same("details: Escape takes it away", page.value("document.getElementById('tip').hidden"), True)
    page.run("[...document.querySelectorAll('.frame')].find(e => e.textContent === 'compare').id = 'outer'")
    page.click("#outer")
    inner = next(one for one in frames(page) if one["Function"] == "note")
    same("details: of what is zoomed into", inner["With callees"], f"6,000 bytes (5.9 KiB), {6000 * 100 / moment(page)['total']:.1f} % of what is shown, 100.0 % of compare")
    page.keys("Escape")
    page.run("document.querySelector('#path button').click()")
    choose(page, "unit", "blocks")
    same("details: in blocks", {name: text for name, text in next(one for one in frames(page) if one["Function"] == "pair").items() if name in ("Itself", "Bytes")},
         {"Itself": "2 blocks, 4.3 %", "Bytes": "8,000 (7.8 KiB), 3.9 KiB each on average"})  # fmt: skip
    console(page, "details")


def look_at_resident(page):
    """RSS is drawn on request: of a program that ran until the collector had looked at it."""
    load(page, make("holder.db"))
    edge = page.value("document.querySelector('#plot .edge').getBBox()")
    same("RSS is hidden at first", page.value("[document.querySelectorAll('#plot .resident').length, document.getElementById('show-rss').hidden]"), [0, False])
    page.click("#show-rss")
    same("RSS: its curve", page.value("document.querySelectorAll('#plot .resident').length"), 1)
    same("RSS: in words", re.sub(r"[0-9.]+ [KMG]iB", "N", page.value("document.getElementById('resident').textContent")), "Dashed, on a scale of its own: RSS N.")
    same("RSS: the curve of live bytes stays", page.value("document.querySelector('#plot .edge').getBBox()"), edge)
    console(page, "RSS")


def look_at_timeline(page):
    """Who holds it over time; what is hidden until it is asked for; words where the eye rests."""
    store = os.path.join(directory, "server.db")
    load(page, make("server.db"))
    page.click("#go-peak")
    bands = "[...document.querySelectorAll('#plot .band')]"
    names = page.value(f"{bands}.map(b => b.textContent)")
    held = [name for name, value in sorted(rows_of(ask("top", "-s", store, "--limit", "0"), "live_bytes").items(), key=lambda item: -item[1])]
    same("bands: the functions that hold the most at the peak, then the rest", [name in held[:9] for name in names[:-1]], [True] * (len(names) - 1))
    same("bands: the first", names[0], held[0])
    same("bands: the rest", names[-1], "all other functions")
    legend = page.value("[...document.querySelectorAll('#curve-legend li')].map(e => e.textContent)")
    same("legend", legend, ["allocated", "freed", *names[:-1], "others"])
    edge = page.value("document.querySelector('#plot .edge').getBBox()")
    area = page.value(f"(b => [Math.min(...b.map(x => x.y)), Math.max(...b.map(x => x.y + x.height))])({bands}.map(b => b.getBBox()))")
    same("bands: together they are the curve", abs(area[0] - edge["y"]) < 0.5, True)
    page.click("#by-function")
    same("one curve", page.value("[document.querySelectorAll('#plot .band').length, document.querySelectorAll('#plot .area').length]"), [0, 1])
    page.click("#by-function")
    page.click("#go-all")
    same("whole time: shows what was allocated in it", page.value("document.getElementById('measure').value"), "came")
    page.ask("POST", "/window/rect", {"width": 1400, "height": 1000})
    settle(page)
    same("the graph's first rows are in a window of 1400 x 900", page.value("document.getElementById('graph').getBoundingClientRect().top + scrollY + 3 * 21 < 900"), True)
    console(page, "timeline")
    load(page, make("grower.db"))
    page.click("#tab-findings")
    titles = page.value("[...document.querySelectorAll('.finding summary')].map(e => e.textContent)")
    same("findings: the line stands once", [title.count("grower.c:") <= 2 and "already freed by" in title for title in titles if "HKM-202" in title], [True])
    page.click("#tab-layers")
    same("tiers: explained", page.value("[...document.querySelectorAll('.keys li[title]')].slice(0, 4).map(e => e.title.length > 10)"), [True] * 4)
    same("tiers: each bar says what it is", page.value("[...document.querySelectorAll('#panel-layers svg rect')].every(e => / of /.test(e.textContent))"), True)
    console(page, "tiers")


def look_at_parts(page):
    """The findings with their reports, the layers, the processes."""
    store = os.path.join(directory, "grower.db")
    load(page, make("grower.db"))
    headline = page.value("document.getElementById('first-finding').textContent")
    page.click("#first-finding")
    same("the first finding leads to the findings", page.value("document.getElementById('tab-findings').getAttribute('aria-selected')"), "true")
    same("it is the first of them", page.value("document.querySelector('.finding summary').textContent").endswith(headline.split(", and ")[0]), True)
    first = page.value("document.querySelector('.finding').textContent")
    same("findings: the first", "memory-leak" in first or "HKM-" in first, True)
    page.click(".finding summary")
    due = subprocess.run([trace, "faults", "1", "-s", store, "--color", "never"], stdout=subprocess.PIPE, check=False, text=True).stdout
    reports = page.value("[...document.querySelectorAll('.finding pre')].map(e => e.textContent)")
    same("findings: the report of the double free", [report.strip() in due and "HKM-202" in report for report in reports].count(True), 1)
    page.click("#tab-layers")
    layers = ask("layers", "-s", store, "--quick")
    due = [[hit["layer"], f"{hit['hits']:,}", f"{hit['asked']:,}"] for hit in layers["hits"]]
    same("layers: hits", page.value("[...document.querySelectorAll('#panel-layers table')[0].tBodies[0].rows].map(r => [...r.cells].slice(0, 3).map(c => c.textContent))"), due)
    lives = ask("layers", "-s", store, "--superslabs")["changes"]["superslabs"]
    same("layers: SuperSlabs", page.value("[...document.querySelectorAll('.life .code')].map(e => e.textContent)"), [life["address"] for life in lives])
    page.click("#tab-processes")
    same("processes", page.value("document.querySelectorAll('#panel-processes tbody tr').length"), 1)
    page.click("#tab-capture")
    same("capture: complete", page.value("document.getElementById('panel-capture').textContent.includes('Nothing was lost')"), True)
    console(page, "parts")
    load(page, make("leaky.db"))
    page.click("#tab-findings")
    same("findings: the leak", page.value("document.getElementById('panel-findings').textContent.includes('1,234 bytes in 1 block')"), True)
    console(page, "leak")


def focus(page):
    """The id of what has the focus, or what else names it."""
    return page.value("(e => e.id || e.dataset.view || e.getAttribute('role') || e.nodeName)(document.activeElement)")


def tab_to(page, wanted):
    """Goes there with the Tab key alone."""
    for _ in range(80):
        if focus(page) == wanted:
            return True
        page.keys("Tab")
    failures.append(f"keys: Tab never came to {wanted}")
    return False


def look_at_keys(page):
    """All of it without a mouse."""
    store = os.path.join(directory, "grower.db")
    load(page, make("grower.db"))
    peak = moment(page)["event"]
    tab_to(page, "to")
    page.keys("Home")
    settle(page)
    same("keys: Home is the begin", moment(page)["bytes"], 0)
    page.keys("End")
    settle(page)
    compare_moment_without_click(page, store, "keys: End")
    page.keys("PageDown", "ArrowLeft", "ArrowLeft")
    settle(page)
    compare_moment_without_click(page, store, "keys: back")
    page.keys("p")
    settle(page)
    same("keys: p is the peak", moment(page)["event"], peak)
    same("keys: the handle says it", "live" in page.value("document.getElementById('to').getAttribute('aria-valuetext')"), True)
    for _ in range(3):
        page.keys("Shift+Tab")
    tab_to(page, "is-span")
    page.keys(" ")
    tab_to(page, "from")
    page.keys("ArrowLeft", "ArrowLeft")
    settle(page)
    same("keys: a span", moment(page)["fromEvent"] < moment(page)["event"], True)
    tab_to(page, "treeitem")
    page.keys("ArrowDown")
    same("keys: into the graph", page.value("document.activeElement.getAttribute('aria-level')"), "2")
    name = page.value("document.activeElement.textContent")
    page.keys("Enter")
    same("keys: zoomed", page.value("document.getElementById('path').textContent"), "all" + name)
    same("keys: focus stays in the graph", focus(page), "treeitem")
    page.keys("Escape")
    same("keys: zoomed out", page.value("document.getElementById('path').children.length"), 1)
    page.keys("/")
    same("keys: / is the search", focus(page), "search")
    load(page, os.path.join(directory, "grower.html"))
    tab_to(page, "tab-heap")
    for panel in ("findings", "layers", "processes", "capture"):
        page.keys("ArrowRight")
        same(f"keys: {panel}", page.value(f"!document.getElementById('panel-{panel}').hidden && document.getElementById('panel-heap').hidden"), True)
    page.keys("Home")
    same("keys: back to the heap", focus(page), "tab-heap")
    console(page, "keys")


def compare_moment_without_click(page, store, what):
    """As compare_moment, but for the table."""
    said = moment(page)
    same(f"{what}: timeline and graph", said["total"], said["bytes"])
    same(f"{what}: bytes", said["bytes"], ask("top", "-s", store, "--at", f"#{said['event']}")["total"]["live_bytes"])


OVERFLOW = """
const wide = [];
for (const e of document.querySelectorAll('body *')) {
  if (!e.checkVisibility() || e.closest('.scroll, pre, svg, .skip, .hidden, script, style, option')) continue;
  const box = e.getBoundingClientRect();
  if (box.width && (box.right > innerWidth + 1 || box.left < -1)) wide.push(`${e.nodeName} ${e.id || e.className} ${box.left} ${box.right}`);
}
return [document.documentElement.scrollWidth > innerWidth, wide.slice(0, 5)];
"""


def look_at_widths(page):
    """Nothing stands out at the side, from a telephone to a large screen, in any part."""
    for store in ("grower.db", "server.db"):
        path = make(store)
        for width in (400, 768, 2560):
            page.resize(width, 900)
            load(page, path)
            for name in ("heap", "findings", "layers", "processes", "capture"):
                page.click(f"#tab-{name}")
                page.run("for (const d of document.querySelectorAll('details')) d.open = true")
                same(f"{store}, {width} pixels: {name}", page.run(OVERFLOW), [False, []])
            page.click("#tab-heap")
            for view in ("flame", "sandwich", "table", "icicle"):
                page.click(f'[data-view="{view}"]')
                settle(page)
                same(f"{store}, {width} pixels: {view}", page.run(OVERFLOW), [False, []])
    page.resize(1280, 900)
    console(page, "widths")


def look_at_colours(page):
    """As the system has them, or as the button says."""
    path = make("grower.db")
    for scheme, due in (("dark", "dark"), ("light", "light")):
        page.devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        load(page, path)
        same(f"{scheme}: theme", page.value("document.documentElement.dataset.theme"), due)
    page.click("#theme")
    page.click("#theme")
    same("the button: dark", page.value("document.documentElement.dataset.theme"), "dark")
    console(page, "colours")


def look_at_growth(page):
    """Without a span "grown" is that of top: between start-up and teardown; what still grows is marked."""
    load(page, make("growing.db"))
    store = os.path.join(directory, "growing.db")
    due = ask("top", "-s", store, "--by", "growth", "--limit", "0")
    page.click('[data-view="table"]')
    choose(page, "measure", "grown")
    said = moment(page)
    same("growth: span", (said["fromEvent"], said["event"]), (due["from"]["event"], due["at"]["event"]))
    same("growth: total", said["total"], due["total"]["grown_bytes"])
    same("growth: functions", table(page), rows_of(due, "grown_bytes"))
    marked = page.value("[...document.querySelectorAll('#table tbody tr')].filter(row => row.cells[1].textContent.includes('still growing')).map(row => row.cells[0].textContent)")
    same("growth: marks", marked, [row["name"] for row in due["rows"] if row["still_growing"]])
    same("growth: leak is marked", marked, ["leak"])
    choose(page, "measure", "live")
    page.click("#go-peak")
    page.click('[data-view="icicle"]')
    choose(page, "colour", "growth")
    settle(page)
    look_at_signs(page, "a moment", {row["name"]: row["self"]["grown_bytes"] for row in due["rows"]})
    page.click("#go-all")
    choose(page, "measure", "live")
    choose(page, "colour", "function")
    choose(page, "measure", "grown")
    same("growth: grown has its colours", page.value("document.getElementById('colour').value"), "growth")
    choose(page, "measure", "came")
    same("growth: other measures have those from before", page.value("document.getElementById('colour').value"), "function")
    page.click("#go-end")
    page.click("#is-span")
    choose(page, "measure", "grown")
    said = moment(page)
    due = ask("top", "-s", store, *words_of(said), "--by", "growth", "--limit", "0")
    signs = {row["name"]: row["self"]["grown_bytes"] for row in due["rows"]}
    same("growth: at the end it shrinks", signs["leak"] < 0, True)
    look_at_signs(page, "a span", signs)
    same("growth: the legend says which way", all(word in page.value("document.getElementById('legend').textContent") for word in ("blue shrank", "orange grew", "Grey")), True)
    console(page, "growth")


def look_at_signs(page, what, grown):
    """Functions that call none have the colour of what grew, shrank or did neither, and say by how much."""
    settle(page)
    seen = [one for one in frames(page) if one["Function"] in ("leak", "swing", "fill", "start_up")]
    same(f"growth: {what}: frames", len(seen) > 1, True)
    for one in seen:
        value = grown.get(one["Function"], 0)
        kind = "is-grown" if value > 0 else "is-shrunk" if value < 0 else "is-even"
        same(f"growth: {what}: colour of {one['Function']}", [name for name in one["kinds"] if name in ("is-grown", "is-shrunk", "is-even")], [kind])
        same(f"growth: {what}: {one['Function']} says it", re.findall(", (grown|shrunk)", one["label"]), ["grown"] if value > 0 else ["shrunk"] if value < 0 else [])


ATTACK = "</script><script>window.owned = 1</script><!--<img src=x onerror='window.owned = 2'>\u2028\u2029\"'&lt;`${window.owned = 3}</style>]]>\\u003c\u202e"


def look_at_hostile(page):
    """Every text of the store is an attack: they are shown, and that is all."""
    store = os.path.join(directory, "hostile.db")
    shutil.copy(os.path.join(directory, "grower.db"), store)
    with sqlite3.connect(store) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")]
        for name in tables:
            for _, column, kind, *_ in database.execute(f"pragma table_info({name})"):
                if kind == "TEXT" and (name, column) not in (("meta", "key"), ("fault", "json"), ("fault", "fingerprint"), ("leak", "fingerprint")):
                    where = " where key in ('command_line', 'check')" if name == "meta" else " where id in (select name from sample)" if name == "never" else ""
                    try:
                        database.execute(f"update {name} set {column} = ? || rowid{where}", (ATTACK,))
                    except sqlite3.Error:
                        continue  # a key that must stay as it is
    with open(make("hostile.db"), encoding="utf-8") as text:
        source = text.read()
    same("hostile: the page is made of its own scripts alone", source.count("<script"), 2)
    same("hostile: no comment begins", "<!--" in source, False)
    load(page, os.path.join(directory, "hostile.html"))
    for name in ("findings", "layers", "processes", "capture", "heap"):
        page.click(f"#tab-{name}")
    page.click('[data-view="table"]')
    page.click('[data-view="flame"]')
    same("hostile: nothing ran", page.value("typeof window.owned"), "undefined")
    same("hostile: scripts", page.value("document.scripts.length"), 2)
    same("hostile: no element of theirs", page.value("document.querySelectorAll('img, iframe, object, embed, link, base, form').length"), 0)
    same("hostile: it is shown as text", page.value("document.body.textContent.includes('<script>window.owned = 1')"), True)
    console(page, "hostile")
    same("nothing was loaded", page.value("performance.getEntriesByType('resource').length"), 0)
    same("policy: innerHTML throws", page.run("try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); return 'no' } catch (e) { return e.name }"), "TypeError")
    for what, script in (
        ("handlers in attributes", "document.body.setAttribute('onclick', 'window.owned = 4')"),
        ("scripts that are put in", "const s = document.createElement('script'); s.text = 'window.owned = 5'; document.body.append(s)"),
    ):
        same(f"policy: {what}", page.run(f"try {{ {script}; return 'no' }} catch (e) {{ return e.name }}") in ("TypeError", "EvalError"), True)
    same("policy: nothing ran", page.value("typeof window.owned"), "undefined")
    page.console()


with Browser(directory) as browser:
    for part in (look_at_totals, look_at_graph, look_at_libraries, look_at_lines, look_at_sandwich, look_at_details, look_at_timeline, look_at_resident, look_at_parts, look_at_keys, look_at_widths, look_at_colours, look_at_growth, look_at_hostile):
        if len(sys.argv) < 4 or part.__name__ in sys.argv[3:]:
            try:
                part(browser)
            except Failed as error:
                failures.append(f"{part.__name__}: {traceback.format_exc(limit=-3)}{error}")
for line in failures[:40]:
    print(line)
print(f"{checks} looked at, {len(failures)} wrong")
sys.exit(1 if failures or not checks else 0)
