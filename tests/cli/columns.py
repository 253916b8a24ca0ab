"""Runs hakmem-trace on pseudo-terminals of several widths: `columns.py STORE WORD...`. No line is longer than the terminal, unless it is one word, and every word of the
answer to a pipe stands there whole."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

TRACE = os.environ["TRACE"]
wrong = 0


def on_terminal(width, words):
    """What a terminal of `width` columns shows."""
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        os.execve(TRACE, [TRACE, *words], dict(os.environ, TERM="dumb", PAGER="cat", NO_COLOR="1"))
    seen = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.waitpid(pid, 0)
    os.close(master)
    return re.sub(r"\x1b\[[0-9;]*[mK]", "", seen.decode("utf-8")).replace("\r\n", "\n")


def look(width, words):
    global wrong
    piped = subprocess.run([TRACE, *words], stdout=subprocess.PIPE, check=True, text=True).stdout
    shown = on_terminal(width, words)
    too_long = [line for line in shown.split("\n") if len(line) > width and len(line.split()) > 1]
    if too_long:
        print(f"{width} columns, {' '.join(words)}: {too_long[0]!r}")
        wrong = 1
    if sorted(shown.split()) != sorted(piped.split()):
        missing = sorted(set(piped.split()) ^ set(shown.split()))
        print(f"{width} columns, {' '.join(words)}: other words: {missing[:5]}")
        wrong = 1


for columns in (76, 80, 100, 400):
    for more in ([], ["--tree"], ["--bottom-up", "--per", "line"], ["--between", "start", "end", "--by", "growth"], ["--per", "stack"], ["--per", "line", "--by", "calls"]):
        look(columns, ["top", "-s", sys.argv[1], *more, *sys.argv[2:]])
sys.exit(wrong)
