"""crashed.py TRACE CORE STORE PROCESS: for ten addresses of a crashed program, live and freed ones, `core --why` says what the store says.

Prints the addresses."""
import json
import os
import re
import subprocess
import sys

trace, core, store, process = sys.argv[1:]


def ask(*words):
    done = subprocess.run([trace, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(words)}: status {done.returncode}: {done.stderr}")
    return done.stdout


def rows(query):
    return [line.split("\t") for line in ask("sql", "-s", store, query).splitlines()]


def file_of(name):
    """The file of a program that was started by a link: its name in the core, where the store has the link's."""
    return os.path.basename(os.path.realpath(name[1])) + "+" if os.path.islink(name[1]) else name[0]


def frames(text, heading=None):
    """What stands behind the numbers of a stack's frames; the kernel names a library by its file, the dynamic linker by a link to it."""
    if heading:
        text = re.search(rf"^  {heading}\n((?: +#.*\n)*)", text, re.M)
        text = text.group(1) if text else ""
    found = [" ".join(line.split()) for line in re.findall(r"^ +#\d+ +(.*)$", text, re.M)]
    return [re.sub(r"\.so[.0-9]*\+", ".so+", re.sub(r"([\w.-]+)\+", file_of, line)) for line in found]


live = rows(f"SELECT user, size FROM live WHERE process = {process} ORDER BY size % 7, birth LIMIT 5")
freed = rows(f"SELECT user, last_size, max(id) AS newest FROM life WHERE process = {process} GROUP BY base HAVING end_id IS NOT NULL"
             f" ORDER BY end_id DESC LIMIT {10 - len(live)}")
if not live or len(live) + len(freed) < 10:
    sys.exit(f"{len(live)} live blocks and {len(freed)} freed ones are in the store; ten were due")
for is_live, (user, size, *_) in [(True, row) for row in live] + [(False, row) for row in freed]:
    address = hex(int(user))
    block = json.loads(ask("core", core, "--why", address, "--json"))["why"]["block"]
    found = (block["user"], block["asked"], block["live"]) if block else None
    if found != (address, int(size), is_live):
        sys.exit(f"{address}: the core says {found}, the store {size} bytes, live {is_live}")
    answer, due = ask("core", core, "--why", address, "-s", store), ask("why", address, "-s", store, "-p", f"#{process}", "--stacks")
    if "RECORDED in " not in answer:
        sys.exit(f"{address}: the core's answer has nothing of the store: {answer}")
    known = frames(due)
    for heading in ["allocated"] if is_live else ["allocated", "freed"]:
        stack = frames(answer, heading)
        if not stack or any(frame not in known for frame in stack):
            sys.exit(f"{address}: {heading} by {stack} in the core; the store has {known}")
    print(address)
