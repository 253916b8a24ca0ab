# Compares Python frames in a store with what the interpreter said: `python_compare.py EXPECTED.json DEPTH < ROWS`, where a row
# is "size|depth|module|function|file|line" of a stack, in order.
import json
import os
import sys

expected = {int(size): stack for size, stack in json.load(open(sys.argv[1], encoding="utf-8")).items()}
most = int(sys.argv[2])
found, natives, wrong = {}, {}, 0
before_was_python = None
for row in sys.stdin.buffer.read().decode("utf-8", "replace").splitlines():
    size, depth, module, function, file, line = row.split("|")
    stack = found.setdefault(int(size), [])
    if int(depth) == 0:
        stack.clear()
        before_was_python = False
    if module == "":
        stack.append([function, os.path.basename(file), int(line)])
    elif before_was_python and function not in ("_PyEval_EvalFrameDefault", ""):
        print(f"block of {size}: a Python frame is called by {function}")
        wrong += 1
    before_was_python = module == ""


def fits(is_, due):
    # Long names are cut.
    return (due[0].encode().startswith(is_[0].encode()) and (is_[0] == due[0] or len(is_[0].encode()) > 240)
            and due[1].endswith(is_[1]) and is_[2] == due[2])


for size, due in expected.items():
    is_ = found.get(size)
    if is_ is None:
        print(f"block of {size}: no event")
        wrong += 1
        continue
    due = due[:most]
    if len(is_) != len(due) or not all(fits(a, b) for a, b in zip(is_, due)):
        wrong += 1
        if wrong < 5:
            at = next((i for i, (a, b) in enumerate(zip(is_, due)) if not fits(a, b)), min(len(is_), len(due)))
            print(f"block of {size}, {len(is_)} frames of {len(due)}, from {at}:\n  is  {is_[at:at + 3]}\n  due {due[at:at + 3]}")
print(f"{len(expected)} stacks, {wrong} wrong")
sys.exit(wrong != 0 or len(expected) < 100)
