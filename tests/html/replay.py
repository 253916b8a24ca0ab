"""The page of `hakmem-trace replay --html` in a browser: `replay.py DIRECTORY PAGE ANSWER`, the page and the document of the same play."""
import json
import os
import sys

from browser import Browser

directory, path, answer = sys.argv[1:4]
with open(answer, encoding="utf-8") as file:
    due = json.load(file)
failures = []
CURVES = "[...document.querySelectorAll('#curves path[data-curve]')].map(e => [e.dataset.curve, e.getAttribute('d').split(/[ML]/).length - 1])"
SHAPES = "[...document.querySelectorAll('#curves path[data-curve]')].map(e => e.getAttribute('d'))"
COLUMN = "[...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
WIDE = "return document.documentElement.scrollWidth > innerWidth"


def same(what, got, expected):
    """Notes a difference; goes on."""
    if got != expected:
        failures.append(f"{what}: {got!r}; due {expected!r}")


with Browser(directory) as page:
    page.open(os.path.abspath(path))
    page.wait("document.documentElement.dataset.ready")
    names = [run["allocator"] for run in due["runs"]]
    points = [len(run["steps"]) for run in due["runs"]]
    same("allocators in the answer", len(names), 2)
    same("curves", page.value(CURVES), [[name, count] for name, count in zip(names + ["live"], points + points[:1])])
    same("rows of the figures", page.run(f"return {COLUMN}", "#figures tbody td:first-child"), names)
    same("rows of the steps", page.run(f"return {COLUMN}", "#steps tbody td:first-child"), [f"{step['calls']:,}" for step in due["runs"][0]["steps"]])
    same("headings of the steps", page.run(f"return {COLUMN}", "#steps th"), ["after calls", "live", *names])
    same("elements made of a name", page.value("document.querySelectorAll('b').length"), 0)
    before = page.value(SHAPES)
    page.run("const s = document.getElementById('along'); s.value = 'ns'; s.dispatchEvent(new Event('change'))")
    after = page.value(SHAPES)
    same("curves along the time", len(after), len(names))
    same("curves are other ones along the time", after != before[:-1], True)
    for width in (400, 1280, 2560):
        page.resize(width, 900)
        same(f"too wide at {width}", page.run(WIDE), False)
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
