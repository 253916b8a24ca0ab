"""Runs hakmem-trace on a pseudo-terminal, in the directory of the stores; TRACE names the command."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

TRACE = os.environ["TRACE"]
CLEAR = "\r\x1b[K"
PARTIAL = "hakmem-trace: interrupted: the answer is partial"
INTERRUPT, END_OF_FILE = "\x03", "\x04"
failures = []


def expect(condition, what, got=""):
    if not condition:
        failures.append(f"{what}: {got!r}" if got != "" else what)


class Terminal:
    """hakmem-trace with the streams named in `on` at a terminal of its own; others go to files."""

    def __init__(self, *words, on, wait=0, **more):
        environment = dict(os.environ, LD_PRELOAD=os.path.abspath("slow_clock.so"), TERM="xterm")
        environment.update(more)
        if wait:
            environment["WAIT_FOR_SIGNAL"] = str(wait)
        if os.path.exists("waiting"):
            os.unlink("waiting")
        self.out = open("stdout", "w+b")
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            if "stdout" not in on:
                os.dup2(self.out.fileno(), 1)
            if "stderr" not in on:
                os.dup2(os.open("stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            os.execve(TRACE, [TRACE, *words], environment)
        self.seen = ""

    def read(self, until=None, start=0):
        """Reads what the terminal shows, until the pattern `until` stands there (after `start`), or to the end."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit and not (until and re.search(until, self.seen[start:])):
            ready, _, _ = select.select([self.master], [], [], 1)
            if not ready:
                continue
            try:
                part = os.read(self.master, 4096)
            except OSError:
                part = b""
            if not part:
                break
            self.seen += part.decode("utf-8", "replace")

    def prompt(self, after=""):
        """Reads on to the shell's next prompt: what is typed before it, Ctrl-D above all, may be lost."""
        self.read(until=r"hakmem-> |     \.\.\. ", start=self.seen.rfind(after) + len(after) if after else 0)

    def type(self, text):
        os.write(self.master, text.encode())

    def interrupt(self):
        """Ctrl-C in the middle of reading: the slow clock waits there."""
        self.read(until="of 400 events")
        limit = time.monotonic() + 60
        while not os.path.exists("waiting") and time.monotonic() < limit:
            time.sleep(0.01)
        self.type(INTERRUPT)

    def end(self):
        """The exit status, -n for signal n; what was shown is in `seen`, what was printed in `text`."""
        self.read()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        self.out.seek(0)
        self.text = self.out.read().decode()
        self.out.close()
        return os.waitstatus_to_exitcode(status)


def progress_is_shown_and_taken_away():
    count = r"[\d,]+ of 400 events(, [\d,]+ per second, \d+ s left)?"
    for words, doing in ((("threads",), ""), (("block", "0x5581a8c30000"), ""), (("events",), ""),
                         (("check",), "checking chunks: "),
                         (("sql", "select count(*) from event where size = 60"), "")):
        terminal = Terminal(*words, "-s", "many.db", on={"stderr"})
        status = terminal.end()
        line = re.search(r"\r(.*?)\x1b\[K", terminal.seen)
        expect(status == 0, f"{words[0]}: status", status)
        expect(line and re.fullmatch(doing + count, line[1]), f"{words[0]}: no line of progress",
               terminal.seen)
        expect(terminal.seen.endswith(CLEAR), f"{words[0]}: progress is left behind", terminal.seen)
        expect(terminal.text, f"{words[0]}: no answer")
        expect("per second" not in terminal.text, f"{words[0]}: progress in the answer")


def progress_is_for_terminals_only():
    terminal = Terminal("threads", "-s", "many.db", on={"stderr"}, TERM="dumb")
    expect(terminal.end() == 0 and terminal.seen == "", "progress on a dumb terminal", terminal.seen)
    terminal = Terminal("threads", "-s", "many.db", on=set())
    expect(terminal.end() == 0 and terminal.seen == "", "something on the terminal", terminal.seen)
    expect(os.path.getsize("stderr") == 0, "progress in a file")


def answer_and_progress_do_not_mix():
    terminal = Terminal("events", "-s", "many.db", "--no-pager", on={"stdout", "stderr"})
    expect(terminal.end() == 0, "events on a terminal: status")
    expect("per second" not in terminal.seen, "progress between lines of an answer", terminal.seen[:300])
    terminal = Terminal("threads", "-s", "many.db", "--no-pager", on={"stdout", "stderr"})
    terminal.end()
    expect(re.search(r"of 400 events.*" + re.escape(CLEAR) + r".*thread", terminal.seen, re.S),
           "threads: progress, then the answer", terminal.seen[:300])


def interrupt_ends_with_what_is_there():
    terminal = Terminal("events", "-s", "many.db", on={"stderr"}, wait=10)
    terminal.interrupt()
    expect(terminal.end() == 130, "Ctrl-C: status 130")
    shown, partial, _ = terminal.seen.partition(PARTIAL)
    expect(partial, "Ctrl-C: what the answer is", terminal.seen)
    expect(CLEAR in shown, "Ctrl-C: progress stays", terminal.seen)
    expect(1 < terminal.text.count("\n") < 401, "Ctrl-C: part of the answer", terminal.text[-200:])
    expect(terminal.text.endswith("\n"), "Ctrl-C: a line is cut", terminal.text[-200:])


def interrupt_of_every_reader():
    for words in (("block", "0x5581a8c30000"), ("threads",), ("why", "0x5581a8c30000"), ("check",),
                  ("why", "p:150"), ("events", "--addr", "0x5581a8c30000"),
                  ("sql", "select count(*) from event where size = 60")):
        terminal = Terminal(*words, "-s", "many.db", on={"stderr"}, wait=10)
        terminal.interrupt()
        status = terminal.end()
        expect(status == 130, f"Ctrl-C in {words}: status", status)
        expect(PARTIAL in terminal.seen, f"Ctrl-C in {words}", terminal.seen)


def interrupted_json_is_whole():
    for words, wait in ((("events",), 10), (("block", "0x5581a8c30000"), 10)):
        terminal = Terminal(*words, "--json", "-s", "many.db", on={"stderr"}, wait=wait)
        terminal.interrupt()
        expect(terminal.end() == 130, f"{words[0]} --json: status 130")
        try:
            completeness = json.loads(terminal.text)["completeness"]
            expect(completeness.get("interrupted") is True, f"{words[0]} --json: says so", completeness)
        except ValueError as problem:
            expect(False, f"{words[0]} --json, interrupted: {problem}", terminal.text[-300:])


def pager_is_waited_for():
    pager = "trap '' INT; sed 's/^/PAGED /'; echo PAGER ENDS"
    terminal = Terminal("events", "-s", "many.db", on={"stdout", "stderr"}, PAGER=pager)
    expect(terminal.end() == 0, "pager: status")
    shown = terminal.seen.replace("\r\n", "\n")
    expect(shown.count("PAGED ") == 401 and shown.endswith("PAGER ENDS\n"), "pager: all, then its end",
           shown[-80:])
    expect("per second" not in shown, "pager: progress in between")
    terminal = Terminal("threads", "-s", "many.db", on={"stdout", "stderr"}, wait=10,
                        PAGER=pager)
    terminal.interrupt()
    expect(terminal.end() == 130, "Ctrl-C before the pager: status")
    expect(PARTIAL in terminal.seen, "Ctrl-C before the pager", terminal.seen)
    terminal = Terminal("why", "0x5581a8c30000", "-s", "many.db", on={"stdout", "stderr"}, PAGER="exit 0")
    status = terminal.end()
    expect(status in (0, -signal.SIGPIPE) and "hakmem-trace:" not in terminal.seen,
           f"a pager that does not read: status {status}", terminal.seen)


def interrupted_question_starts_no_pager():
    pager = "echo PAGER STARTED; sed 's/^/PAGED /'"
    question = "select count(*) from event where size = 60"
    terminal = Terminal("sql", question, "-s", "many.db", on={"stdout", "stderr"}, wait=10, PAGER=pager)
    terminal.interrupt()
    expect(terminal.end() == 130, "Ctrl-C before an answer: status")
    expect("PAGE" not in terminal.seen, "Ctrl-C before an answer: an empty pager", terminal.seen)
    expect(PARTIAL in terminal.seen, "Ctrl-C before an answer", terminal.seen)
    terminal = Terminal("sql", "selec 1", "-s", "many.db", on={"stdout", "stderr"}, PAGER=pager)
    expect(terminal.end() == 2 and "PAGE" not in terminal.seen, "an error: a pager", terminal.seen)
    terminal = Terminal("sql", question, "-s", "many.db", on={"stdout", "stderr"}, PAGER=pager)
    expect(terminal.end() == 0, "an answer: status")
    shown = terminal.seen.partition("PAGER STARTED")[2]
    expect("count(*)" in shown and "PAGED" in shown and "of 400 events" not in shown, "an answer: the pager", terminal.seen)


def nobody_reads_to_the_end():
    for ignored in (False, True):
        reader, writer = os.pipe()
        os.close(reader)
        command = subprocess.Popen([TRACE, "events", "-s", "many.db"], stdout=writer,
                                   stderr=subprocess.PIPE, restore_signals=not ignored)
        os.close(writer)
        said = command.stderr.read().decode()
        command.stderr.close()
        status = command.wait()
        expect(said == "", f"SIGPIPE {'ignored' if ignored else 'as usual'}: it says something", said)
        expect(status != 0, "SIGPIPE: status", status)


def ignored_interrupts_stay_ignored():
    command = subprocess.Popen([TRACE, "sql", "-", "-s", "many.db"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    command.send_signal(signal.SIGINT)
    answer, said = command.communicate(b"select 1;")
    expect(command.returncode == 0 and answer == b"1\n" and said == b"", "nohup: SIGINT ends it",
           (command.returncode, answer, said))


def shell_goes_on_after_an_interrupt():
    terminal = Terminal("sql", "-s", "many.db", on={"stdout", "stderr"})
    terminal.read(until="hakmem-> ")
    terminal.type("select 1\n")
    terminal.read(until=r"\.\.\. ")
    terminal.type(INTERRUPT)
    terminal.seen = ""
    terminal.read(until="hakmem-> ")
    terminal.type("select 40 + 2;\n")
    terminal.read(until="42")
    terminal.prompt(after="42")
    terminal.type(END_OF_FILE)
    status = terminal.end()
    expect(status == 0, "shell: status", status)
    expect("42" in terminal.seen, "shell: the next question", terminal.seen)
    expect(PARTIAL not in terminal.seen, "shell: it says that it was interrupted", terminal.seen)


def shell_hears_an_interrupt_that_comes_before_it_waits():
    for kind in "xterm", "dumb":
        terminal = Terminal("sql", "-s", "many.db", on={"stdout", "stderr"}, TERM=kind,
                            LD_PRELOAD=os.path.abspath("interrupt_at_prompt.so"))
        terminal.read(until=r"hakmem-> [^$]*hakmem-> ")
        expect(terminal.seen.count("hakmem-> ") == 2, f"{kind} shell: Ctrl-C at once: no prompt", terminal.seen)
        ask(terminal, "select 40 + 2;\n", "42")
        terminal.type(END_OF_FILE)
        expect(terminal.end() == 0, f"{kind} shell: Ctrl-C at once: status")


def shell(**more):
    terminal = Terminal("sql", "-s", "many.db", on={"stdout", "stderr"}, **more)
    terminal.read(until="hakmem-> ")
    return terminal


def ask(terminal, typed, until):
    terminal.seen = ""
    terminal.type(typed)
    terminal.read(until=re.escape(until))
    expect(until in terminal.seen, f"shell: {typed!r}: no {until!r}", terminal.seen)
    if until in terminal.seen and until[-1] != " " and ".quit" not in typed:
        terminal.prompt(after=until)


LEFT, UP, LINE_BEGIN = "\x1b[D", "\x1b[A", "\x01"


def shell_edits_lines_and_keeps_a_history():
    for history in ".hakmem_sql_history", "state/hakmem_sql_history":
        terminal = shell()
        ask(terminal, "elect 4100 + 6;" + LINE_BEGIN + "s\n", "4106")
        ask(terminal, "select 4300 +  6;" + LEFT * 2 + "2\n", "4326")
        ask(terminal, "select 1;\n", "hakmem-> ")
        ask(terminal, UP * 3 + LEFT + "0\n", "4160")
        ask(terminal, "select 1\n", "     ... ")
        ask(terminal, INTERRUPT, "hakmem-> ")
        ask(terminal, UP + UP + "\n", "4160")
        terminal.type(END_OF_FILE)
        expect(terminal.end() == 0, "shell with editing: status")
        terminal = shell()
        ask(terminal, UP + "\n", "4160")
        ask(terminal, ".quit\n", "quit")
        expect(terminal.end() == 0, "shell, .quit: status")
        expect(os.stat(history).st_mode & 0o777 == 0o600, "history: mode", oct(os.stat(history).st_mode))
        os.makedirs("state", exist_ok=True)
        os.environ["XDG_STATE_HOME"] = os.path.abspath("state")
    os.environ["XDG_STATE_HOME"] = ""


def shell_shows_what_is_there():
    terminal = shell()
    ask(terminal, ".tables\n", "thread_name")
    expect(re.search(r"event +log +20\r\n", terminal.seen), "shell: .tables", terminal.seen)
    ask(terminal, ".schema live\n", "at_event")
    expect(re.search(r"live +stack +INTEGER", terminal.seen), "shell: .schema live", terminal.seen)
    ask(terminal, ".schema evnt\n", "did you mean 'event'?")
    ask(terminal, ".help\n", "leave, as Ctrl-D")
    ask(terminal, "select 5\n", "     ... ")
    ask(terminal, "+ 600;\n", "605")
    ask(terminal, ".exit\n", "exit")
    expect(terminal.end() == 0, "shell, .exit: status")


def shell_takes_characters_of_several_bytes():
    terminal = shell(LC_ALL="C.UTF-8")
    ask(terminal, "select 'b\u00e4\u20ac' || length('\u00e4\u20ac');\n", "b\u00e4\u20ac2")
    terminal.seen = ""
    os.write(terminal.master, b"select '\xe4\xc3x' || 4;\n")  # of another encoding
    terminal.read(until="x4")
    expect("x4" in terminal.seen, "shell: bytes that are no character", terminal.seen)
    terminal.prompt(after="x4")
    terminal.type(END_OF_FILE)
    expect(terminal.end() == 0, "shell, UTF-8: status")


def shell_needs_no_editing():
    terminal = shell(TERM="dumb")
    ask(terminal, "select 40 + 2;\n", "42")
    terminal.type(END_OF_FILE)
    expect(terminal.end() == 0, "dumb shell: status")
    expect("\x1b" not in terminal.seen, "dumb shell: escape codes", terminal.seen)


BOLD, RED, PLACE, PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[36m", "\x1b[0m"


def without_colour(text):
    for code in BOLD, RED, PLACE, PLAIN:
        text = text.replace(code, "")
    return text


def shown(*words, on, **more):
    """What a terminal shows, and what is printed into a file, of a command that goes by itself."""
    terminal = Terminal(*words, on=on, LD_PRELOAD="", PAGER="cat", **more)
    terminal.end()
    return terminal.seen.replace("\r\n", "\n"), terminal.text


def reports_have_colour_on_a_terminal():
    fault = ("faults", "1", "-s", "stale.db")
    _, plain = shown(*fault, on=set())
    expect("\x1b" not in plain, "faults 1 into a file: colour", plain)
    seen, _ = shown(*fault, on={"stdout"})
    expect(seen.startswith(f"{BOLD}hakmem: {PLAIN}{RED}HKM-202{PLAIN}{BOLD} double-free"),
           "faults 1: the first line", seen[:200])
    expect(f"{BOLD}  HISTORY{PLAIN}" in seen and f"{BOLD}SUMMARY:{PLAIN}" in seen, "faults 1: its parts", seen)
    expect(f"{PLACE}app/server.c:131{PLAIN}" in seen, "faults 1: file and line", seen)
    expect(without_colour(seen) == plain, "faults 1: colour changes its text", seen)
    for words, more in (((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"}), (("--color", "never"), {})):
        seen, _ = shown(*fault, *words, on={"stdout"}, **more)
        expect(seen == plain, f"faults 1 with {words} {more}: colour", seen[:200])
    _, text = shown(*fault, "--color", "always", on=set(), NO_COLOR="1")
    expect(RED in text and without_colour(text) == plain, "faults 1 --color always: into a file", text)
    why = ("why", "0x5581a8c31040", "--stacks", "-s", "stale.db")
    _, plain = shown(*why, on=set())
    seen, _ = shown(*why, on={"stdout"})
    expect("\x1b" not in plain and without_colour(seen) == plain, "why: colour changes its text", seen)
    expect(f"{PLACE}server.c:118{PLAIN}" in seen and f"{BOLD}EVIDENCE{PLAIN}" in seen, "why: colour", seen)


def report_of_a_run_has_colour_on_a_terminal():
    program = os.path.join(os.path.dirname(TRACE), "tests/faults/double_free")
    for words, more, on, due in (((), {}, {"stderr"}, True), ((), {"NO_COLOR": "1"}, {"stderr"}, False),
                                 (("--color", "never"), {}, {"stderr"}, False), ((), {}, set(), False),
                                 (("--color", "always"), {"NO_COLOR": "1"}, set(), True)):
        seen, _ = shown("run", "--store", "colour.db", "--force", *words, "--", program, on=on, **more)
        if not on:
            with open("stderr", encoding="utf-8") as file:
                seen = file.read()
        what = f"run {words} {more} {on}"
        expect("HKM-202" in seen and "SUMMARY:" in seen, f"{what}: no report", seen)
        expect((f"{BOLD}  FOUND{PLAIN}" in seen and f"{RED}HKM-202{PLAIN}" in seen) == due
               and ("\x1b" in seen.replace(CLEAR[1:], "")) == due, f"{what}: colour", seen)
        _, stored = shown("faults", "1", "-s", "colour.db", on=set())
        expect("FOUND" in stored and "\x1b" not in stored, f"{what}: colour in the store", stored)
    shown("run", "--store", "colour.db", "--force", "--log", "colour.log", "--", program, on={"stderr"})
    with open("colour.log", encoding="utf-8") as file:
        expect("\x1b" not in file.read(), "run --log: colour in a file")


for test in (reports_have_colour_on_a_terminal, report_of_a_run_has_colour_on_a_terminal,
             progress_is_shown_and_taken_away, progress_is_for_terminals_only,
             answer_and_progress_do_not_mix, interrupt_ends_with_what_is_there,
             interrupt_of_every_reader, interrupted_json_is_whole, pager_is_waited_for,
             interrupted_question_starts_no_pager,
             nobody_reads_to_the_end, ignored_interrupts_stay_ignored,
             shell_goes_on_after_an_interrupt, shell_hears_an_interrupt_that_comes_before_it_waits, shell_edits_lines_and_keeps_a_history,
             shell_shows_what_is_there, shell_takes_characters_of_several_bytes, shell_needs_no_editing):
    test()
for failure in failures:
    print(f"terminal.sh: {failure}")
sys.exit(1 if failures else 0)
