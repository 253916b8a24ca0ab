"""What google-pprof (Debian's google-perftools) says of `export pprof-text` beside `top`, function by function; without an argument
whether it is there: status 77, and why not, where this release has no such package."""
import os
import re
import shutil
import subprocess
import sys

from readers import ask, by_function, fail, same, top

TYPES = [("inuse_space", "live_bytes"), ("inuse_objects", "live_blocks"), ("alloc_space", "allocated_bytes"), ("alloc_objects", "allocated_blocks")]


def is_there():
    if shutil.which("google-pprof"):
        return True
    policy = shutil.which("apt-cache") and subprocess.run(["apt-cache", "policy", "google-perftools"], stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"}).stdout
    if policy and re.search(rb"^  Candidate: [^(]", policy, re.M):
        fail("google-pprof is missing: tools/deps installs it")
    return False


def google_sums(path, sample_type):
    """By innermost function, as google-pprof names it."""
    words = ["google-pprof", "--text", "--show_bytes", "--no_strip_temp", "--nodecount=1000000", "--nodefraction=0", "--edgefraction=0", "--" + sample_type, path]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PPROF_TMPDIR": os.getcwd()})
    if done.returncode == 0 and not done.stdout:
        return {} # it says nothing of nothing
    if done.returncode or not done.stdout.startswith(b"Total: "):
        fail(*words, "ended with status", done.returncode, done.stdout.decode(), done.stderr.decode())
    lines = done.stdout.decode().splitlines()
    sums = {}
    for line in lines[1:]:
        match = re.match(r" *(-?\d+) +-?[\d.]+% +-?[\d.]+% +(-?\d+) +-?[\d.]+% (.*)$", line)
        if not match:
            fail("not a line of google-pprof:", line)
        name = match.group(3).removesuffix(" (inline)")
        sums[name] = sums.get(name, 0) + int(match.group(1))
    same("the total of " + path, int(re.match(r"Total: (\d+)", lines[0]).group(1)), sum(sums.values()))
    return {name: value for name, value in sums.items() if value}


def shorten(name):
    """As google-pprof shortens the names of C++; "--" is its own sign."""
    name = name.replace("--", "- -")
    while re.search(r"\([^()]*\)(\s*const)?", name):
        name = re.sub(r"\([^()]*\)(\s*const)?", "", name)
    return re.sub(r"^.*\s+(\w+::)", r"\1", name)


def shortened(sums):
    short = {}
    for name, value in sums.items():
        short[shorten(name)] = short.get(shorten(name), 0) + value
    return {name: value for name, value in short.items() if value}


def check(store):
    """At four moments; of each one of the four measures, FULL=1: each."""
    turn = 0
    for words in ([], ["--at", "end"], ["--process", "#1"], ["--between", "peak", "end"]):
        with open("file.heap", "wb") as file:
            file.write(ask("export", "pprof-text", "-s", store, *words))
        at = words if {"--at", "--between"} & set(words) else ["--at", "peak", *words]
        moment, whole = top(store, *words), top(store, "--by", "calls", *at)
        turn += 1
        for name, member in TYPES if os.environ.get("FULL") == "1" else TYPES[(turn + len(store)) % 4:][:1]:
            document = whole if name.startswith("alloc") or "--between" in words else moment
            same(f"{store} {words} {name}", google_sums("file.heap", name), shortened(by_function(document, member)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        check(sys.argv[1])
    elif not is_there():
        print("skipped: what google-pprof says: this release has no google-perftools")
        sys.exit(77)
