"""Prints stacks as chains of functions: reads rows (size, flags, stack, module, function), innermost
frame first; cuts a chain behind main, names libraries instead of their functions, counts repeats."""
import os
import sys

chains = {}
for line in sys.stdin:
    size, flags, stack, module, function = line.rstrip("\n").split("\t")
    name = os.path.basename(module)
    if not module:
        function = "?"
    elif name.startswith(("libc.so", "libpthread", "libstdc++", "libgcc_s", "linux-vdso", "ld-linux")):
        function = "<%s>" % name.split(".")[0]
    elif function.startswith("__cxa_"):
        function = "<libstdc++>"  # linked in
    function = function.split("(")[0]
    chains.setdefault((int(size), int(flags), int(stack)), []).append(function)
lines = set()
for (size, flags, _), frames in chains.items():
    kept = []
    for function in frames:
        if kept and kept[-1][0] == function:
            kept[-1][1] += 1
        else:
            kept.append([function, 1])
        if function == "main":
            break
    names = ["%s*%d" % (f, n) if n > 1 and f[0] != "<" else f for f, n in kept]
    while names and (names[-1].startswith(("<lib", "<ld")) or names[-1] == "_start"):
        names.pop()
    lines.add((size, flags, " ".join(names)))
for size, flags, names in sorted(lines):
    print(size, flags, names)
