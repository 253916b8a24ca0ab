"""A headless Chromium, driven by chromedriver over HTTP (the W3C's WebDriver), with nothing but Python's own library.

    with Browser(directory) as page:
        page.open("/tmp/app.html")
        page.wait("document.documentElement.dataset.ready")
        page.click("#go-end")

Works as root in a bare chroot: no sandbox, no /dev/shm, a profile of its own in `directory`. Waits are for conditions.
"""
import base64
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

LIMIT_SECONDS = 120  # of one wait; generous, since the machine may be busy
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {
    "Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "PageUp": "\ue00e", "PageDown": "\ue00f", "End": "\ue010", "Home": "\ue011",
    "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Shift": "\ue008",
}  # fmt: skip


class Failed(Exception):
    """What the browser answered was an error, or it did not answer."""


def find(*names):
    """The first of these programs that is there."""
    for name in names:
        for folder in (*os.environ.get("PATH", "").split(":"), "/usr/bin", "/usr/lib/chromium"):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return path
    raise Failed(f"none of {', '.join(names)} is installed: apt-get install chromium chromium-driver")


class Browser:
    """A browser with one page. `options` are further arguments of Chromium."""

    def __init__(self, directory, options=(), width=1280, height=900):
        self.directory = directory
        self.output = os.path.join(directory, "chromedriver.out")
        self.session = None
        environment = dict(os.environ, HOME=directory, TMPDIR=directory, XDG_CONFIG_HOME=directory, XDG_CACHE_HOME=directory)
        for name in [name for name in environment if name.startswith("HAKMEM_") or name == "LD_PRELOAD"]:
            del environment[name]
        with open(self.output, "wb") as out:
            self.driver = subprocess.Popen(  # pylint: disable=consider-using-with
                [find("chromedriver"), "--port=0", "--allowed-ips="], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True
            )
        try:
            self.address = f"http://127.0.0.1:{self._port()}"
            arguments = [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-extensions",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server", "--hide-scrollbars",
                f"--user-data-dir={os.path.join(directory, 'profile')}", f"--window-size={width},{height}", *options,
            ]  # fmt: skip
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": {"binary": find("chromium", "chromium-browser", "google-chrome"), "args": arguments},
                "goog:loggingPrefs": {"browser": "ALL"},
                "timeouts": {"script": LIMIT_SECONDS * 1000, "pageLoad": LIMIT_SECONDS * 1000},
            }
            answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.session = answer["sessionId"]
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the browser, and whatever is left of it."""
        if self.session:
            try:
                self._ask("DELETE", f"/session/{self.session}")
            except (Failed, OSError):
                pass
            self.session = None
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.driver.wait()

    def _port(self):
        end = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < end:
            with open(self.output, encoding="utf-8", errors="replace") as text:
                for line in text:
                    if "started successfully on port " in line:
                        return int(line.rsplit(" ", 1)[1].rstrip().rstrip("."))
            if self.driver.poll() is not None:
                break
            time.sleep(0.05)
        with open(self.output, encoding="utf-8", errors="replace") as text:
            raise Failed(f"chromedriver did not start:\n{text.read()}")

    def _ask(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=2 * LIMIT_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failed(json.load(error)["value"]["message"].split("\n")[0]) from error

    def ask(self, method, path, body=None):
        """One command of the session."""
        return self._ask(method, f"/session/{self.session}{path}", body)

    def open(self, path):
        """Loads a file; returns when it is loaded."""
        self.ask("POST", "/url", {"url": "file://" + os.path.abspath(path)})

    def run(self, script, *arguments):
        """What the script returns."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def value(self, expression):
        """What a JavaScript expression is."""
        return self.run(f"return {expression}")

    def wait(self, expression):
        """Waits until it is true, and returns it."""
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            value = self.value(expression)
            if value:
                return value
            if time.monotonic() > end:
                raise Failed(f"never became true: {expression}")
            time.sleep(0.05)

    def find(self, selector):
        """The first element of a CSS selector, for `ask`."""
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def settle(self):
        """Waits until what was chosen last is drawn: the page says that it is ready, and has shown it."""
        self.wait("document.documentElement.dataset.ready")
        self.ask("POST", "/execute/async", {"script": "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))", "args": []})

    def click(self, selector):
        """Clicks as a mouse does: it must be visible, and nothing over it. A drawing between the button's down and up would take the element away."""
        self.wait("document.documentElement.dataset.ready")
        self.ask("POST", f"/element/{self.find(selector)}/click")

    def keys(self, *keys):
        """Types on what has the focus: names of KEYS, or texts."""
        actions = []
        for key in keys:
            shift = key.startswith("Shift+")
            for character in KEYS.get(key.removeprefix("Shift+"), key.removeprefix("Shift+")):
                press = [{"type": kind, "value": character} for kind in ("keyDown", "keyUp")]
                actions += [{"type": "keyDown", "value": KEYS["Shift"]}, *press, {"type": "keyUp", "value": KEYS["Shift"]}] if shift else press
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def drag(self, begin, end, kind="mouse"):
        """From (x, y) to (x, y) of the window; kind: mouse or touch."""
        moves = [
            {"type": "pointerMove", "duration": 0, "x": int(begin[0]), "y": int(begin[1])},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "duration": 20, "x": int((begin[0] + end[0]) / 2), "y": int((begin[1] + end[1]) / 2)},
            {"type": "pointerMove", "duration": 20, "x": int(end[0]), "y": int(end[1])},
            {"type": "pointerUp", "button": 0},
        ]
        self.ask("POST", "/actions", {"actions": [{"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": moves}]})

    def resize(self, width, height):
        """Of the page itself, whatever the window's least width is."""
        self.devtools("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.wait(f"innerWidth === {width}")

    def devtools(self, command, parameters):
        """A command of Chromium's own protocol."""
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def console(self):
        """Lines of the console since the last call, errors of the page and of its policy among them."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, path):
        """A screenshot of what is seen, as PNG."""
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.ask("GET", "/screenshot")))
