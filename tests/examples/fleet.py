"""What examples/fleet said is what its README shows: `fleet.py SAID README`, but for what differs from run to run."""
import re
import sys

MASKS = (
    (r"/tmp/hakmem-fleet\.\w+", "FOLDER"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "DAY TIME"),
    (r"HKM-202:[0-9a-f]{16}", "FINGERPRINT"),
    (r"\b0x[0-9a-f]+", "ADDRESS"),
    (r"\bcapture([ =])\d+", r"capture\1N"),
    (r"\d+ rows, .*KiB; \d+ of \d+ parts", "ROWS"),
    (r"\bprocess \d+", "process N"),
    (r"hakmem \d+\.\d+\.\d+", "hakmem VERSION"),
    (r"\d+\.\d{3} s", "T s"),
    (r"\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b", "BUILD"),
    (r"layout \d+: \d+ migrations and \d+ partitions", "LAYOUT"),
    (r"\((large|[^()]*of \d+ bytes[^()]*)\)", "(CLASS)"),  # whether the block was guarded is by chance
    (r" +", " "),
)


def masked(text):
    """Its lines, without reports and what is by chance."""
    text = re.sub(r"^hakmem: HKM-202.*?^SUMMARY[^\n]*\n", "...\n", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^A (large block|slot) .*\n|^NEXT +hakmem-trace why .*--stacks.*\n", "", text, flags=re.MULTILINE)
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text)
    return [line.rstrip() for line in text.splitlines()]


with open(sys.argv[1], encoding="utf-8") as file:
    said = masked(file.read())
with open(sys.argv[2], encoding="utf-8") as file:
    shown = [masked(block) for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", file.read(), flags=re.DOTALL | re.MULTILINE) if not language]
due = [line for block in shown for line in block + [""]]
while due and not due[-1]:
    due.pop()
while said and not said[-1]:
    said.pop()
if said != due:
    for number in range(max(len(said), len(due))):
        pair = [lines[number] if number < len(lines) else "(nothing)" for lines in (said, due)]
        if pair[0] != pair[1]:
            print(f"line {number + 1} is\n  {pair[0]}\nand README.md shows\n  {pair[1]}")
            break
    sys.exit(1)
