"""hakmem in gdb: `hakmem why EXPRESSION` and its like, live and on a core file, without running code of the program.

gdb loads this with the library that it is named after (docs/specs/debugger.md says what to do where it may not), or by
`source hakmem-gdb.py`. It evaluates the expression and asks `hakmem-trace core`, which reads the structures by the table
that the library carries; nothing here knows where a field lies.
"""

import os
import re
import shutil
import subprocess

import gdb

OWN = re.compile(r"(^|/)(libhakmem\.so|hakmem-(debug|record|attach)\.so)")
FATAL = {"SIGABRT", "SIGSEGV", "SIGBUS", "SIGTRAP", "SIGILL", "SIGFPE"}
ET_CORE = b"\x04\x00"


def find_trace():
    """hakmem-trace: as `set hakmem-trace PATH` has it, beside the library, beside this file, or in PATH."""
    chosen = gdb.parameter("hakmem-trace")
    if chosen:
        return chosen
    folders = [os.path.dirname(os.path.realpath(globals()["__file__"]))] if "__file__" in globals() else []
    folders += [os.path.dirname(os.path.realpath(each.filename)) for each in gdb.objfiles() if each.filename and OWN.search(each.filename)]
    for folder in folders:
        for place in (folder, os.path.join(folder, os.pardir, "bin"), os.path.join(folder, os.pardir, os.pardir, "bin")):
            path = os.path.join(place, "hakmem-trace")
            if os.access(path, os.X_OK):
                return path
    path = shutil.which("hakmem-trace")
    if not path:
        raise gdb.GdbError("hakmem: hakmem-trace is not found; `set hakmem-trace PATH` names it")
    return path


def is_core(path):
    """Whether the file's ELF header is that of a core."""
    try:
        with open(path, "rb") as file:
            head = file.read(18)
    except OSError:
        return False
    return head[:4] == b"\x7fELF" and head[16:18] == ET_CORE


def core_path():
    """The core file that gdb has open; None where it has none. Of `info files` only the quoted paths are read, in whatever words they stand."""
    inferior = gdb.selected_inferior()
    connection = getattr(inferior, "connection", None)
    if connection and connection.type != "core":
        return None
    paths = re.findall(r"`(.*)'", gdb.execute("info files", to_string=True))
    path = next((each for each in paths if is_core(each)), None)
    if connection and not path:
        raise gdb.GdbError("hakmem: gdb does not say where its core file lies, or it lies there no more; `hakmem-trace core FILE` reads one")
    return path


def run_trace(words, **more):
    command = [find_trace(), "core", *words]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **more)
    except OSError as error:
        raise gdb.GdbError(f"hakmem: {command[0]} cannot be started: {error.strerror}") from error
    gdb.write(done.stdout.decode(errors="replace"))
    notes = done.stderr.decode(errors="replace").strip()
    if notes and done.returncode in (2, 3):
        raise gdb.GdbError(notes)
    if notes:
        gdb.write(notes + "\n")


def ask(words):
    """Hands the core file over, or the process with its memory, which gdb may open where others may not."""
    store = gdb.parameter("hakmem-store")
    words = [*words, "-s", store] if store else words
    path, pid = core_path(), gdb.selected_inferior().pid
    if path:
        run_trace([path, *words])
        return
    if pid == 0:
        raise gdb.GdbError("hakmem: there is no process and no core file")
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError as error:
        raise gdb.GdbError(f"hakmem: the memory of process {pid} cannot be read here: {error.strerror}") from error
    try:
        run_trace([str(pid), "--memory", str(memory), *words], pass_fds=[memory])
    finally:
        os.close(memory)


class Path(gdb.Parameter):
    """A path, "" where none is set."""

    def __init__(self, name, sentence):
        self.set_doc = self.show_doc = sentence
        super().__init__(name, gdb.COMMAND_FILES, gdb.PARAM_OPTIONAL_FILENAME)
        self.name, self.value = name, ""

    def get_set_string(self):
        return ""

    def get_show_string(self, value):
        return f'{self.name} is "{value}".'


def address_of(argument, usage):
    """The address that an expression is: its value, or where it lies if that is an array."""
    if not argument.strip():
        raise gdb.GdbError(f"hakmem {usage} EXPRESSION: an address, for example $rdi, p, &s->name, 0x7f21c4a12950")
    try:
        value = gdb.parse_and_eval(argument)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
            value = value.address
        return hex(int(value.cast(gdb.lookup_type("unsigned long"))) & (1 << 64) - 1)
    except gdb.error as error:  # gdb's own words, without those of Python around them
        raise gdb.GdbError(f"hakmem {usage}: {error}") from error


# Command: its options for `hakmem-trace core`, whether it takes an address, its help.
COMMANDS = {
    "heap": ([], False, "The process, its end, and its heap"),
    "why": (["--why"], True, "The block of an address: its owner, live or free, its list and neighbours"),
    "owner": (["--owner"], True, "The block of an address, in brief"),
    "block": (["--block"], True, "Every life of the block that holds an address, out of the store of the recording"),
    "history": (["--history"], True, "Every event of the block that holds an address, out of the store of the recording"),
    "verify": (["--check"], False, "Damage in lists, counts, states, and in the bytes in and around blocks"),
    "leaks": (["--leaks"], False, "Unreachable live blocks of a core file (of a running process `generate-core-file` makes one)"),
    "top": (["--top"], False, "The biggest holders: live blocks by allocating stack if known, else by class"),
    "layers": (["--layers"], False, "Blocks of each class by layer and list"),
}


class Hakmem(gdb.Command):
    """Asks hakmem's heap; `help hakmem` lists what."""

    def __init__(self):
        super().__init__("hakmem", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class Question(gdb.Command):
    def __init__(self, name):
        self.name = name
        self.words, self.takes_address, sentence = COMMANDS[name]
        self.__doc__ = f"{sentence}: hakmem {name}{' EXPRESSION' if self.takes_address else ''}."
        super().__init__(f"hakmem {name}", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION if self.takes_address else gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        del from_tty
        ask([*self.words, address_of(argument, self.name)] if self.takes_address else self.words)


def program_frame():
    """The innermost frame outside hakmem's modules, if hakmem has the innermost of all; else None."""
    frame = gdb.newest_frame()
    is_inside = False
    while frame and frame.is_valid() and OWN.search(gdb.solib_name(frame.pc()) or ""):
        is_inside = True
        frame = frame.older()
    return frame if is_inside else None


def select_program_frame():
    frame = program_frame()
    if frame:
        frame.select()
        gdb.execute("frame")
    return frame is not None


class Frame(gdb.Command):
    """Selects the program's frame where hakmem stopped it: hakmem frame. A stop by a signal does it by itself."""

    def __init__(self):
        super().__init__("hakmem frame", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        del argument, from_tty
        if not select_program_frame():
            gdb.write("hakmem: the program stands in no frame of hakmem's\n")


def on_stop(event):
    """hakmem ends a program by a signal, some frames inside; what is of interest is who called it."""
    if isinstance(event, gdb.SignalEvent) and event.stop_signal in FATAL:
        try:
            select_program_frame()
        except gdb.error:
            pass


Path("hakmem-trace", 'Path of hakmem-trace, "" to look for it beside the library and in PATH')
Path("hakmem-store", 'Store of the recording, "" for the one that the process wrote')
for each in (Hakmem, Frame):
    each()
for each in COMMANDS:
    Question(each)
gdb.events.stop.connect(on_stop)
