"""The page of `hakmem-trace fleet html` in a browser: `fleet.py DIRECTORY PAGE HOSTILE`, two pages of it."""
import os
import sys

from browser import Browser

directory, plain, hostile = sys.argv[1:4]
failures = []
checks = 0
OVERFLOW = """
return document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll('body *')].some(e => {
  if (!e.checkVisibility() || e.closest('.scroll, pre, svg, .skip, .hidden, script, style, option')) return false;
  const box = e.getBoundingClientRect();
  return box.width && (box.right > innerWidth + 1 || box.left < -1);
})
"""


def same(what, got, due):
    """Notes a difference; goes on."""
    global checks
    checks += 1
    if got != due:
        failures.append(f"{what}: {got!r}; due {due!r}")


def load(page, path):
    """Opens the page, and waits until it is drawn."""
    page.open(path)
    page.wait("document.documentElement.dataset.ready")


def names(page):
    """Kinds of the findings that the table shows, from its top."""
    return page.value("[...document.querySelectorAll('tbody .open b')].map(e => e.textContent)")


def choose(page, name, value):
    """Sets a select, as a person who picks an option."""
    page.run("const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change'))", name, value)


def look_at_table(page):
    """Order, filters, search."""
    load(page, plain)
    same("the most runs first", names(page), ["leak", "double-free"])
    same("how many", page.value("document.getElementById('total').textContent"), "2 findings")
    same("a row", page.value("[...document.querySelectorAll('#table tbody tr:nth-child(2) td')].slice(1, 8).map(e => e.textContent)"),
         ["6", "195", "6", "3", "2", "2026-10-26 10:00 1.0", "2026-10-31 10:00 1.1"])  # fmt: skip
    page.click('[data-sort="name"]')
    same("by name", names(page), ["double-free", "leak"])
    page.click('[data-sort="name"]')
    same("by name, from its end", names(page), ["leak", "double-free"])
    same("which way", page.value("document.querySelector('th[aria-sort]').getAttribute('aria-sort')"), "descending")
    page.click('[data-sort="first_seen"]')
    same("the newest first", names(page), ["leak", "double-free"])
    choose(page, "build", "1.0")
    same("of a build", names(page), ["double-free"])
    same("of how many", page.value("document.getElementById('total').textContent"), "1 of 2 findings")
    choose(page, "build", "")
    choose(page, "kind", "leak")
    same("of a kind", names(page), ["leak"])
    choose(page, "kind", "")
    choose(page, "host", "host1")
    same("of a host", names(page), ["leak", "double-free"])
    choose(page, "build", "1.1")
    same("of a host's build", names(page), ["leak"])
    choose(page, "build", "")
    choose(page, "host", "")
    page.run("document.activeElement.blur()")
    page.keys("/", "server.c:88")
    same("the search", names(page), ["double-free"])
    same("the console", page.console(), [])


def look_at_finding(page):
    """By keyboard: a finding's days, places and report."""
    load(page, plain)
    page.run("document.querySelector('[data-finding^=\"HKM-202\"]').focus()")
    page.keys("Enter")
    same("the focus", page.value("document.activeElement.id"), "detail-title")
    same("the title", page.value("document.activeElement.textContent"), "double-free close server.c:88")
    same("the report", page.value("document.getElementById('report').textContent"), "hakmem: HKM-202 double-free\n  report 6\n")
    same("whose", page.value("document.getElementById('report-of').textContent"), "2026-10-31 10:00 on host0, /srv/bin/server")
    same("the chart", page.value("document.getElementById('chart-title').textContent"), "How often by day: 6 days with it, the most on 2026-10-27: 64.")
    same("days", page.value("document.querySelectorAll('#days tbody tr').length"), 6)
    same("places", page.value("[...document.querySelectorAll('#places tbody tr')].map(r => [...r.cells].slice(0, 5).map(c => c.textContent).join(' '))"),
         ["host0 1.1 cccc2222 1 64", "host2 1.1 cccc2222 1 1", "host1 1.0 aaaa1111bbbb 2 65", "host0 1.0 aaaa1111bbbb 1 1", "host2 1.0 aaaa1111bbbb 1 64"])  # fmt: skip
    for width in (400, 768, 2560):
        page.resize(width, 900)
        same(f"{width} pixels", page.run(OVERFLOW), False)
    page.resize(1280, 900)
    for scheme in ("dark", "light"):
        page.devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        page.wait(f"document.documentElement.dataset.theme === '{scheme}'")
    page.click("#theme")
    page.click("#theme")
    same("the button: dark", page.value("document.documentElement.dataset.theme"), "dark")
    same("the console", page.console(), [])


def look_at_hostile(page):
    """Texts of hosts that try to break out are shown, and that is all."""
    with open(hostile, encoding="utf-8") as text:
        source = text.read()
    same("hostile: scripts of the page alone", source.count("<script"), 2)
    same("hostile: no comment begins", "<!--" in source, False)
    load(page, hostile)
    for i in range(page.value("document.querySelectorAll('.open').length")):
        page.run("document.querySelectorAll('.open')[arguments[0]].click()", i)
    same("hostile: nothing ran", page.value("typeof window.owned"), "undefined")
    same("hostile: scripts", page.value("document.scripts.length"), 2)
    same("hostile: no element of theirs", page.value("document.querySelectorAll('img, iframe, object, embed, link, base, form').length"), 0)
    same("hostile: shown as text", page.value("document.body.textContent.includes('<script>window.owned = 1')"), True)
    same("hostile: nothing was loaded", page.value("performance.getEntriesByType('resource').length"), 0)
    page.resize(400, 900)
    same("hostile: 400 pixels", page.run(OVERFLOW), False)
    same("hostile: the console", page.console(), [])
    same("policy: innerHTML throws", page.run("try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); return 'no' } catch (e) { return e.name }"), "TypeError")
    page.console()


with Browser(os.path.abspath(directory)) as browser:
    for part in (look_at_table, look_at_finding, look_at_hostile):
        part(browser)
for line in failures:
    print(line)
print(f"{checks} looked at, {len(failures)} wrong")
sys.exit(1 if failures or not checks else 0)
