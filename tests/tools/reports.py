"""The text of reports, and the files that tests keep them in.

    reports.py normalise <REPORT            prints it without what differs from run to run
    reports.py due BASE                     names the file with the report that is due here: due()
    reports.py write BASE [LINES] <REPORT   keeps a report: keep()
"""
import functools
import os
import re
import subprocess
import sys

DELETE, EACH = object(), object()  # what becomes of a line, or of each place in it, that fits; else of the first place

# Differences from run to run, from machine to machine or with every edit of the allocator become N.
RULES = [
    (r"0x[0-9a-f]{6,16}", "0xN", EACH),
    (r"^      0xN ([\]\[ ][0-9a-f]{2}){16}.*", "      0xN  BYTES"),
    (r"event [0-9,]+   [0-9.]+ s", "event N   N s"),
    (r"event [0-9,]+ \(", "event N (", EACH),
    (r" and event [0-9,]+;", " and event N;"),
    (r"      [0-9.]+ s (to [0-9.]+ s )?old;", "      N s old;"),
    (r"^(hakmem: HKM-30[0-9] [a-z-]+: [^,]*:[0-9]+ (accesses|reads|writes|executes)) [0-9,]+ bytes?,? ", r"\1 memory "),
    (r"at exit, in [0-9.,]+ ms", "at exit, in N ms"),
    (r"^      [0-9,]+ +([A-Za-z_]+)", r"      N           \1"),
    (r" -- [^ ]*/tests/(faults|crash|guarded|light)/", r" -- tests/\1/"),
    (r" -- [^ ]*/made\.[0-9a-f]{8}/", " -- "),
    (r"-s [^ ]*hakmem\.([a-z0-9_]+)\.[0-9]+\.db", r"-s hakmem.\1.N.db", EACH),
    (r"store=[^ ]*hakmem\.([a-z0-9_]+)\.[0-9]+\.db", r"store=hakmem.\1.N.db"),
    (r"(hakmem src/[a-z_/]+\.[ch]):[0-9]+", r"\1:N"),
    (r"\.\.\. [0-9]+ frames? of (libc|ld\.so)([: ].*|$)", "... N frames of libc"),
    (r"and [0-9]+ more frames", "and N more frames"),
    # How much of it is inlined is the compiler's; newer libraries call some functions by other names.
    (r"\.\.\. [0-9]+ frames? of (hakmem and libstdc\+\+|libstdc\+\+|the compiler)", r"... N frames of \1"),
    (r"__isoc23_", "__isoc99_", EACH),
    # How much was guarded is libc's and the machine's; tests/guarded/rows.sh has it exactly.
    (r"; guarded [0-9,]+ of [0-9,]+ blocks?(, of [0-9,]+ of [0-9,]+ call stacks?)?( \(the rest: [a-z, ]+\))?( since the fork)?", ""),
    # Some machines alone have these.
    (r"; debug registers (do not fire on this machine|are used on x86-64 only)$", ""),
    # Callers of main and of threads' functions, and functions at exit, are libc's and ld.so's, and named as their debug information allows.
    (r"^      #[0-9]+ +(__libc_start_|_start|start_thread|_*clone|_*(GI___)?nptl_deallocate_tsd|_dl_(call_)?fini|__run_exit_handlers|_*(GI_)?exit |"
     r"\?\? +(libc|ld-linux-(x86-64|aarch64))\.so)", DELETE),
    # Compilers, and the C library for its processor, make different instructions of an access; tests/instruction has them exactly.
    (r"^  INSTRUCTION       .*", "  INSTRUCTION       N"),
    (r"^      (touches|reads|writes|reads and writes) [0-9,]+ bytes?( at |, |$)", DELETE),
    (r"^      libcapstone does not know it$", DELETE),
    (r"^  REGISTERS         (of the address, and )?pointing into the heap:$", DELETE),
    (r"^      (r[a-z0-9]+|x[0-9]+|sp) +0x[0-9a-fN]+ is ", DELETE),
    # The emulator of another architecture, of a program that a signal ended (tests/tools/cross_check.sh).
    # One ends itself, with these lines, at a SIGSEGV that is queued (docs/arm.md). A shorter address leaves more room behind it.
    (r"^\*\*$", DELETE),
    (r"^(Bail out! )?ERROR:[^ ]*cpu-exec\.c:.*assertion failed", DELETE),
    (r"^(      base 0xN) +user", r"\1    user"),
    (r"^qemu: uncaught target signal [0-9]+ \([A-Za-z ]+\) - core dumped$", DELETE),
]


def compiled(rules):
    return [(re.compile(pattern), None if to is DELETE else to, 0 if how else 1) for pattern, to, *how in rules]


def edited(text, rules):
    """The text after each of the compiled rules, line by line."""
    lines = []
    for line in text.split("\n"):
        for pattern, to, count in rules:
            if to is not None:
                line = pattern.sub(to, line, count)
            elif pattern.search(line):
                break
        else:
            lines.append(line)
    return "\n".join(lines)


RULES_OF_ALL = compiled(RULES)


def normalise(text):
    return edited(text, RULES_OF_ALL)


@functools.lru_cache(None)
def compiler_is_old():
    """g++ 10 and older give the destructors at the end of a scope other lines."""
    return int(subprocess.run(["g++", "-dumpversion"], capture_output=True, text=True, check=True).stdout.split(".")[0]) <= 10


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def write(path, text):
    """Writes a file, or in the place of a link a file, where that has another text."""
    if not os.path.exists(path) or read(path) != text:
        if os.path.lexists(path):
            os.remove(path)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)


def due(base):
    """The file with the report that is due with this compiler: BASE.gcc10.report, or BASE.report."""
    old = base + ".gcc10.report"
    return old if compiler_is_old() and os.path.exists(old) else base + ".report"


def keep(base, text, lines=None):
    """Writes the report that is due with this compiler. With an old one BASE.report stays, and the other file is there only if they differ.
    Lines that fit the pattern `lines` are nobody's difference: a file that differs in such alone stays as it is."""
    def is_same(path):
        def compared(text):
            return [line for line in text.split("\n") if lines is None or not re.search(lines, line)]
        return os.path.exists(path) and compared(read(path)) == compared(text)

    old, new = base + ".gcc10.report", base + ".report"
    if is_same(new):
        if compiler_is_old() and os.path.exists(old):
            os.remove(old)
    elif not compiler_is_old():
        write(new, text)
    elif not is_same(old):
        write(old, text)


if __name__ == "__main__":
    if sys.argv[1] == "due":
        print(due(sys.argv[2]))
    else:
        given = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        if sys.argv[1] == "write":
            keep(sys.argv[2], given, *sys.argv[3:4])
        else:
            sys.stdout.buffer.write(normalise(given).encode("utf-8", "surrogateescape"))
