"""speedscope's own page opens what `export speedscope` writes, and shows the sums of `top`: `speedscope_page.py INDEX.HTML STORE...`; in
headless Chromium, for tests/long/export.sh."""
import base64
import json
import os
import sys
from decimal import ROUND_HALF_UP, Decimal

from readers import ask, by_function, fail, name_of, same, top

sys.path.insert(0, os.path.join(os.environ["SOURCE"], "tests/html"))
from browser import Browser  # pylint: disable=wrong-import-position

PROFILES = [("live bytes", "live_bytes"), ("live blocks", "live_blocks"), ("allocated bytes", "allocated_bytes"), ("allocations", "allocated_blocks"),
            ("short-lived allocations", "short_lived_blocks")]
# Rows of the table: name and what the function itself has, without the share.
ROWS = """return [...document.querySelectorAll('tr')].filter(row => row.cells.length === 3 && /%\\)$/.test(row.cells[1].textContent)).map(row =>
    [row.cells[2].textContent, row.cells[1].textContent.replace(/ *\\([^)]*\\)$/, '')])"""


def words(value, is_bytes):
    """As the page writes a number."""
    if not is_bytes:
        return f"{value:,}"
    if value < 1024:
        return f"{value} B"
    size = Decimal(value)
    for unit in ("KB", "MB", "GB"):
        size /= 1024
        if size < 1024:
            break
    return f"{size.quantize(Decimal('0.01'), ROUND_HALF_UP)} {unit}"


def look(page, store, number):
    """The table of one profile: its lines are those of `top`, the most first."""
    name, member = PROFILES[number]
    page.wait(f"document.body.innerText.includes({json.dumps(f'{name} ({number + 1}/{len(PROFILES)})')})")
    document = top(store, *(() if member.startswith("live") else ("--by", "calls", "--at", "peak")))
    names = [name_of(row) for row in document["rows"]]
    due = by_function(document, member)
    rows = page.run(ROWS)
    if due and not rows:
        fail(store, name, "shows no line")
    for function, own in rows:
        if names.count(function) > 1:  # of several files: lines of their own there
            continue
        same(f"{store} {name} {function}", own, words(due.get(function, 0), "bytes" in name))
    shown = {function for function, _ in rows}
    most = max(due, key=due.get, default=None)
    if most and most not in shown:
        fail(store, name, most, "is not on the page:", sorted(shown))
    return len(rows)


def check(page, index, store):
    """Opens it as speedscope's own command does."""
    data = base64.b64encode(ask("export", "speedscope", "-s", store)).decode()
    with open("load.js", "w", encoding="utf-8") as script:
        script.write(f"speedscope.loadFileFromBase64({json.dumps(store + '.json')}, {json.dumps(data)})")
    page.ask("POST", "/url", {"url": "about:blank"})
    page.ask("POST", "/url", {"url": f"file://{os.path.abspath(index)}#localProfilePath={os.path.abspath('load.js')}"})
    page.wait("document.title.endsWith(' - speedscope')")
    page.keys("3")  # the table
    page.wait("document.body.innerText.includes('Symbol Name')")
    rows = 0
    for number in range(len(PROFILES)):
        rows += look(page, store, number)
        page.keys("n")
    errors = [line for line in page.console() if line.startswith("SEVERE")]
    same(f"errors of the page of {store}", errors, [])
    print(f"{store}: {rows} lines in {len(PROFILES)} profiles")


with Browser(os.getcwd(), options=("--use-gl=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")) as browser:
    for path in sys.argv[2:]:
        check(browser, sys.argv[1], path)
