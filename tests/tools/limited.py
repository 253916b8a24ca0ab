"""Runs a command and ends it when it has used too much of a processor, or stands still: `limited.py SECONDS COMMAND...`.

The limit holds on a busy machine: SECONDS count what the command and all that it started have used of a processor, and, apart
from that, how long none of them has used or waited for one.
The status is the command's, 128 and the number of its signal, or 124 when it was ended.
"""
import ctypes
import os
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER, LOOK, TICKS = 36, 0.2, os.sysconf("SC_CLK_TCK")


def below(parent):
    """The descendants of a process: CPU seconds of each, with those of its children that it has heard of; whether one can run."""
    children, found, left, runs = {}, {}, [parent], False
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                words = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(words[1]), []).append((int(name), sum(map(int, words[11:15])) / TICKS))
    while left:
        for pid, cpu in children.get(left.pop(), []):
            found[pid] = cpu
            runs = runs or can_run(pid)
            left.append(pid)
    return found, runs


def can_run(pid):
    """A thread of it runs or waits for a processor."""
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8", errors="replace") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "R":
                    return True
    except OSError:
        pass
    return False


def main(limit, command):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        os._exit(127)
    heard, before, since = 0.0, -1.0, time.monotonic()
    while True:
        # The ended ones are heard of before the rest is counted: nothing is in the sum twice.
        while True:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                break
            heard += usage.ru_utime + usage.ru_stime
            if pid == child:
                return os.waitstatus_to_exitcode(status)
        there, runs = below(os.getpid())
        used, now = heard + sum(there.values()), time.monotonic()
        if used > before or runs:
            before, since = max(used, before), now
        if used > limit or now - since > limit:
            break
        time.sleep(LOOK)
    while there:  # what they start meanwhile, too
        for pid in there:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
        there, _ = below(os.getpid())
    return 124


code = main(float(sys.argv[1]), sys.argv[2:])
sys.exit(code if code >= 0 else 128 - code)
