"""tutorial.py PAGE: types what PAGE's console blocks show behind "$ ", in this folder, and compares each answer with the one shown
and its exit status with what such a command may give.
Addresses, times, process ids and folders may differ; "..." stands for any lines."""
import re
import subprocess
import sys

PATTERNS = [(r"0x[0-9a-f]{5,}", "ADDRESS"), (r"\b[0-9.]+ (us|ms|s)\b", "TIME"), (r"\b\d{3,7}( +1 orders)", r"PID\1"), (r" +", " "), (r"[\w-]+/orders\.c", "orders.c"),
            (r"HKM-(\d+):[0-9a-f]{16}", r"HKM-\1:PRINT")]


def plain(line):
    for pattern, by in PATTERNS:
        line = re.sub(pattern, by, line)
    return line.strip()


def fits(shown, said):
    """Every line shown is said, in this order; lines between may be left out only where "..." stands."""
    at, free = 0, False
    for line in shown:
        if line == "...":
            free = True
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in plain(line).split("...")) + "$")
        while free and at < len(said) and not pattern.match(said[at]):
            at += 1
        if at == len(said) or not pattern.match(said[at]):
            return line
        at, free = at + 1, False
    return None if free or at == len(said) else "the end"


def is_due(command, status):
    """Ends as the page means it: 1 where a fault was found, by a signal where the program dies."""
    finds = re.match(r"hakmem-trace (run|faults|why)\b", command)
    dies = command.startswith("./orders ")
    return status == 0 or finds and status == 1 or dies and status in (-11, 139)


page = open(sys.argv[1]).read()
count = wrong = 0
for block in re.findall(r"^```console\n(.*?)^```$", page, re.M | re.S):
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *shown = part.splitlines()
        done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        missed = fits(shown, [plain(line) for line in done.stdout.splitlines()])
        count += 1
        if not is_due(command, done.returncode):
            print("$ %s\n%s\nends with status %d\n" % (command, done.stdout, done.returncode))
            wrong += 1
        elif missed is not None:
            print("$ %s\n%s\nlacks, or has more than: %s\n" % (command, done.stdout, missed))
            wrong += 1
if count < 10:
    sys.exit("%s: only %d commands" % (sys.argv[1], count))
sys.exit(wrong != 0)
