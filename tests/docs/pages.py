"""pages.py TREE PAGE...: types every command that the PAGEs of TREE show, each page in a fresh copy of the folder `made`, and
compares each answer with the one shown and each status with what such a command may give. `pages.py --here PAGE` types PAGE in this folder as it is.

A block whose lines begin with "$ " has commands and their answers; one that begins with a command, or is marked ```sh, has commands alone; ```python is a script,
and ```c or ```cpp that begins with `// FILE.c:` the file that the next commands name; where the page's folder has that file, it is the same.
In an answer addresses, times, process ids and folders may differ, and "..." stands for anything. A comment before a block says more:
    <!-- figures: others -->           numbers differ in each run, and the spaces around them
    <!-- not run: REASON; TEST -->     what cannot be typed here, and the test that runs the like
    <!-- from: COMMAND -->             who says what the block shows; its figures differ
Any other block with a line that begins with a command is refused, and so is `hakmem-trace ...` in a sentence with an unknown word."""
import collections
import functools
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys

PATTERNS = [(r"0x[0-9a-f]{5,}", "ADDRESS"), (r"\b[0-9.]+ (us|ms|s)\b", "TIME"), (r"\b(process|pid)( +)\d+", r"\1\2PID"), (r"\.\d+\.(db|rings)\b", r".PID.\1"),
            (r"^(\s*\S+ +HKM-\d+.*?)\b\d{3,7}( +\d+ \w+ )", r"\1PID\2"), (r"[\w/.-]+/(\w+\.(?:c|cpp)\b)", r"\1"), (r"\S+/(hakmem\.\w)", r"\1"), (r"HKM-(\d+):[0-9a-f]{16}", r"HKM-\1:PRINT"), (r"; debug registers do not fire on this machine$", ""),
            (r"\.\.\. \d+ frames of ", "... N frames of "), (r" +", " ")]
OF_MACHINE = re.compile(r"registers +no debug register watched: ") # a line of `info` where this machine has none
COMMAND = re.compile(r"\(gdb\) |([A-Z_]+=[^\s:]+ )+\S|(sudo )?((hakmem-(trace|collect)|make|sqlite3|gdb|perf|strace|git|docker|podman|apt|systemctl|systemd-run|export|python3|cc|gcc|g\+\+|patch|meson|vim"
                     r"|tests/\w|\./\w\S*|build/\S*)( |$)|hakmem-trace$)")
# Pages that others hold word for word: the help of the commands, whose examples are those of the man pages.
ELSEWHERE = {"docs/specs/commands.md": "tests/man/examples.sh"}
Block = collections.namedtuple("Block", "line language lines note before")


def blocks_of(text):
    """The fenced and the indented blocks of a page, each with the comment and the sentence before it."""
    lines = text.split("\n")
    i, note, before = 0, "", ""
    while i < len(lines):
        line = lines[i]
        fence = re.match(r"( *)```(\w*)$", line)
        at = i
        if fence:
            i += 1
            while i < len(lines) and lines[i].strip() != "```":
                i += 1
            found = [part[len(fence[1]):] for part in lines[at + 1:i]]
            i += 1
        elif re.match(r" {4,}\S", line) and (i == 0 or not lines[i - 1].strip() or lines[i - 1].lstrip().startswith("<!--")):
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                i += 1
            found = lines[at:i]
            while not found[-1].strip():
                found.pop()
            depth = min(len(part) - len(part.lstrip()) for part in found if part.strip())
            found = [part[depth:] for part in found]
        else:
            if line.strip():
                comment = re.match(r" *<!-- (.*) -->$", line)
                note, before = (comment[1], before) if comment else ("", line)
            i += 1
            continue
        yield Block(at + 1, fence[2] if fence else "", found, note, before)
        note = ""


def commands_of(block):
    """Pairs of a command and the lines shown behind it, None where no answer is shown."""
    lines, found = block.lines, []
    if block.note.startswith("from: "):
        return [[block.note[len("from: "):], lines]]
    if block.language == "python":
        return [["/usr/bin/python3 -c " + shlex.quote("\n".join(lines)), None]]
    if any(line.startswith("$ ") for line in lines):
        for line in lines:
            if line.startswith("$ "):
                found.append([line[2:], []])
            elif found and found[-1][0].endswith("\\"):
                found[-1][0] = found[-1][0][:-1] + line
            elif found:
                found[-1][1].append(line)
        if not any(shown for _, shown in found): # where the page shows no answer at all, there may be any
            found = [[command, None] for command, _ in found]
    elif block.language == "sh" or block.language == "" and lines and COMMAND.match(lines[0]):
        for line in lines:
            if found and found[-1][0].endswith("\\"):
                found[-1][0] = found[-1][0][:-1] + line
            elif line.strip() and not line.startswith("#"):
                found.append([line, None])
    return found


def plain(line, any_figures):
    for pattern, by in PATTERNS:
        line = re.sub(pattern, by, line)
    if any_figures:  # other figures have columns of other widths
        line = re.sub(r"\b[KMG]iB\b", "bytes", re.sub(r" ?[+-]?\d[\d,.]*", " N", line))
        line = re.sub(" +", " ", line)
    return line.strip()


def missed_in(shown, said, any_figures):
    """The first line shown that is not said; lines between may be left out only where "..." stands."""
    at, free = 0, False
    for line in shown:
        if line.strip() == "...":
            free = True
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in plain(line.rstrip("\\"), any_figures).split("...")) + "$")
        while free and at < len(said) and not pattern.match(said[at]):
            at += 1
        if at == len(said) or not pattern.match(said[at]):
            return line
        at, free = at + 1, False
    return None if free or at == len(said) else "the end"


def is_due(command, status):
    """Ends as the page says, or else means it: 1 where a fault was found, by a signal where the program dies, 4 where a part was not recorded."""
    said = re.search(r" # (fails|passes)\b", command)
    if said:
        return (status == 1) == (said[1] == "fails")
    finds = re.search(r"\bhakmem-trace (run|record|faults|why|hunt|leaks|core|check|export sarif|export junit)\b", command)
    dies = re.search(r"(^|LD_PRELOAD=\S+ )\./\w+", command)
    is_incomplete = status == 4 and re.search(r"\bhakmem-trace leaks\b", command)
    return status == 0 or is_incomplete or finds and status == 1 or dies and status in (134, 139, -6, -11)


@functools.lru_cache(None)
def help_of(command):
    done = subprocess.run(["hakmem-trace", "help", command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout if done.returncode == 0 else ""


def unknown_word(sentence):
    """What hakmem-trace does not know of a command in a sentence."""
    words = re.split(r"\s+", sentence.split(" -- ")[0].split("|")[0])[1:]
    words = words[2:] if words[:1] == ["-s"] else words
    if not words or not re.match(r"[a-z]+$", words[0]):
        return next((word for word in words if word.startswith("--") and word.split("=")[0] not in ("--help", "--version", "--json")), None)
    if not help_of(words[0]):
        return words[0]
    options = [re.match(r"--[\w-]+", word) for word in words[1:] if not word.startswith("'")]
    return next((option[0] for option in options if option and not re.search(re.escape(option[0]) + r"\b", help_of(words[0]))), None)


class Page:
    def __init__(self, tree, name):
        self.tree, self.name = tree, name
        self.wrong = self.ran = 0
        self.left = collections.Counter()

    def fail(self, line, what):
        print("%s:%d: %s\n" % (self.name, line, what))
        self.wrong += 1

    def type(self, line, command, shown, any_figures, names):
        for name, by in names:
            command = command.replace(name, by)
        typed = "printf q | script -qec %s /dev/null" % shlex.quote("stty cols 100 rows 30; " + command.split("#")[0]) if re.match(r"hakmem-trace view\b", command) else command
        with open(".said", "w+") as out:
            try:
                done = subprocess.run(["bash", "-c", typed], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=300)
            except subprocess.TimeoutExpired:
                return self.fail(line, "$ %s\ndoes not end" % command)
            out.seek(0)
            said = out.read()
        self.ran += 1
        missed = None if shown is None else missed_in(shown, [plain(part, any_figures) for part in said.splitlines() if not OF_MACHINE.match(part)], any_figures)
        if not is_due(command, done.returncode):
            self.fail(line, "$ %s\n%s\nends with status %d" % (command, said, done.returncode))
        elif missed is not None:
            self.fail(line, "$ %s\n%s\nlacks, or has more than: %s" % (command, said, missed))

    def source(self, block, name, text):
        if os.path.exists(name) and open(name).read() != text:
            self.fail(block.line, f"shows {name} otherwise than it is")
        with open(name, "w") as source:
            source.write(text)

    def block(self, block, names):
        not_run = re.match(r"not run: (.+); (\S+)$", block.note)
        commands = commands_of(block)
        if not_run:
            if not glob.glob(os.path.join(self.tree, not_run[2])):
                self.fail(block.line, "says that %s runs the like, which is not there" % not_run[2])
            self.left[not_run[1]] += len(commands) or 1
        elif block.language in ("c", "cpp") and re.match(r"// [\w-]+\.(c|cpp): ", block.lines[0]):
            self.source(block, block.lines[0].split()[1].rstrip(":"), "\n".join(block.lines) + "\n")
        elif commands:
            for command, shown in commands:
                self.type(block.line, command, shown, block.note == "figures: others" or block.note.startswith("from: "), names())
        elif any(COMMAND.match(re.sub(r"^[\s-]*(run: |script: |sh ')?", "", line)) for line in block.lines) and not re.match(r"Report \(`tests/", block.before):
            self.fail(block.line, "shows a command, and is neither a block of commands nor marked `<!-- not run: REASON; TEST -->`")

    def sentences(self, text):
        for at, line in enumerate(text.split("\n"), 1):
            for sentence in re.findall(r"`(hakmem-trace [^`]+)`", line):
                word = unknown_word(sentence)
                if word:
                    self.fail(at, "`%s`: hakmem-trace does not know %s" % (sentence, word))

    def run(self):
        text = open(os.path.join(self.tree, self.name), encoding="utf-8").read()
        self.sentences(text)
        blocks = list(blocks_of(text))
        if self.name in ELSEWHERE:
            self.left["the help of a command"] += len(blocks)
            return
        if not any(commands_of(block) and not block.note.startswith("not run") for block in blocks):
            for block in blocks:
                self.block(block, lambda: [])
            return
        shutil.copytree("made", "here", symlinks=True)
        os.chdir("here")
        set_up = subprocess.run([os.path.join(self.tree, "tests/docs/setup"), self.name], stdin=subprocess.DEVNULL, stdout=open("../set_up", "w"), stderr=subprocess.STDOUT)
        if set_up.returncode != 0:
            self.fail(1, "what the page speaks of cannot be made:\n" + open("../set_up").read())

        def names():
            return [line.rstrip("\n").split("\t") for line in open(".names")] if os.path.exists(".names") else []
        for block in blocks:
            self.block(block, names)
        if os.path.exists(".process"):
            for process in open(".process").read().split():
                subprocess.run(["kill", process], stderr=subprocess.DEVNULL)
        os.chdir("..")
        os.rename("here", "left" + self.name.replace("/", ".")) # who still ends there is not disturbed


def main(tree, names):
    ran, left, wrong = 0, collections.Counter(), 0
    for name in names:
        page = Page(tree, name)
        page.run()
        ran, wrong = ran + page.ran, wrong + page.wrong
        left.update(page.left)
        if page.ran:
            print("%s: %d commands" % (name, page.ran))
    print("%d commands of %d pages ran; %d not:" % (ran, len(names), sum(left.values())))
    for reason, count in sorted(left.items()):
        print("    %4d  %s" % (count, reason))
    return wrong != 0


def main_here(name):
    page = Page("", name)
    for block in blocks_of(open(name, encoding="utf-8").read()):
        page.block(block, lambda: [])
    return page.wrong != 0 or page.ran == 0


if __name__ == "__main__":
    sys.exit(main_here(sys.argv[2]) if sys.argv[1] == "--here" else main(sys.argv[1], sys.argv[2:]))
