"""What axe-core finds in pages: `axe.py DIRECTORY AXE.JS PAGE...`; it must be nothing. For tests/long/html.sh."""
import sys

from browser import Browser

directory, script, *pages = sys.argv[1:]
with open(script, encoding="utf-8") as text:
    source = text.read()
RUN = "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations), e => done([{id: String(e), help: '', nodes: []}]))"
found = looks = 0


def look(browser, what):
    """One look at what is shown now."""
    global found, looks
    looks += 1
    for one in browser.ask("POST", "/execute/async", {"script": RUN, "args": []}):
        found += 1
        print(f"{what}: {one['id']}: {one['help']}")
        for node in one["nodes"][:3]:
            print(f"    {node['html'][:160]}\n      {' '.join(node['failureSummary'].split())[:300]}")


with Browser(directory) as page:
    for path in pages:
        for scheme in ("light", "dark"):
            for width in (400, 1280):
                page.devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
                page.resize(width, 900)
                page.open(path)
                page.wait("document.documentElement.dataset.ready")
                page.run(source)
                if page.value("Boolean(document.getElementById('detail'))"):  # of a fleet
                    look(page, f"{path}, {scheme}, {width} pixels: findings")
                    page.run("document.querySelector('.open').click(); for (const d of document.querySelectorAll('details')) d.open = true")
                    look(page, f"{path}, {scheme}, {width} pixels: one finding")
                    continue
                for name in ("findings", "layers", "processes", "capture", "heap"):
                    page.click(f"#tab-{name}")
                    page.run("for (const d of document.querySelectorAll('details')) d.open = true")
                    look(page, f"{path}, {scheme}, {width} pixels: {name}")
                page.click("#go-all")
                for view in ("flame", "sandwich", "table", "icicle"):
                    page.click(f'[data-view="{view}"]')
                    look(page, f"{path}, {scheme}, {width} pixels: {view}")
                for colour in ("function", "growth", "module"):
                    page.run("const s = document.getElementById('colour'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", colour)
                    look(page, f"{path}, {scheme}, {width} pixels: colours of {colour}")
                if page.value("document.getElementById('libraries').checkVisibility()"):
                    page.click("#libraries")
                page.run("const s = document.getElementById('lines'); s.value = 'line'; s.dispatchEvent(new Event('change'))")
                look(page, f"{path}, {scheme}, {width} pixels: libraries and lines")
                for measure in ("grown", "live"):
                    page.run("const s = document.getElementById('measure'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", measure)
                    page.click("#go-end")
                    page.click("#is-span")
                    page.run("const s = document.getElementById('colour'); s.value = 'growth'; s.dispatchEvent(new Event('change'))")
                    page.settle()
                    look(page, f"{path}, {scheme}, {width} pixels: what is {measure}, colours of growth")
                page.run("const e = [...document.querySelectorAll('.frame')].pop(); e.dispatchEvent(new MouseEvent('mousemove', {bubbles: true, clientX: 200, clientY: 300}))")
                look(page, f"{path}, {scheme}, {width} pixels: details beside the pointer")
                page.click('[data-view="sandwich"]')
                look(page, f"{path}, {scheme}, {width} pixels: sandwich, libraries and lines")
                page.run("const s = document.getElementById('search'); s.value = '.c'; s.dispatchEvent(new Event('input'))")
                page.settle()
                look(page, f"{path}, {scheme}, {width} pixels: sandwich, several functions match")
                page.click('[data-view="icicle"]')
                page.run("const s = document.getElementById('search'); s.value = 'row'; s.dispatchEvent(new Event('input'))")
                page.wait("document.getElementById('total').textContent.includes('row')")
                look(page, f"{path}, {scheme}, {width} pixels: search")
print(f"{looks} looks, {found} findings")
sys.exit(1 if found or not looks else 0)
