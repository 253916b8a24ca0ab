# Allocates blocks of sizes of their own from every kind of Python call, and writes the Python stack of each, as the interpreter
# itself has it: `python_story.py EXPECTED.json`.
import asyncio
import ctypes
import functools
import gc
import json
import mmap
import os
import signal
import sys
import threading

expected = {}
kept, pages = [], []
size = 100000
lock = threading.Lock()


def mark():
    global size
    with lock:
        size += 16
        own = size
    frame, stack = sys._getframe(), []
    while frame:
        stack.append([frame.f_code.co_qualname, os.path.basename(frame.f_code.co_filename), frame.f_lineno])
        frame = frame.f_back
    stack[0][2] += 4
    expected[own + 1] = stack
    kept.append(bytearray(own))


def plain():
    mark()


def generator(depth):
    mark()
    yield 1
    if depth:
        yield from generator(depth - 1)
    mark()


def fails():
    raise ValueError


def catches():
    try:
        fails()
    except ValueError:
        mark()
    finally:
        mark()


class Row:
    mark()

    def __init__(self):
        mark()

    def __getattr__(self, name):
        mark()
        return name

    def __del__(self):
        mark()

    @property
    def value(self):
        mark()
        return 1

    @staticmethod
    def static():
        (lambda: mark())()

    def __lt__(self, other):
        mark()
        return True


def größe_日本語_𝔘():
    mark()


def recursive(n):
    if n:
        return recursive(n - 1)
    mark()


def through_c(n):
    if n:
        return functools.reduce(lambda a, b: through_c(n - 1), [1, 2])
    mark()


async def coroutine(n):
    if n:
        await coroutine(n - 1)
    else:
        await asyncio.sleep(0)
        mark()


def with_callback():
    callback = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: mark() or 0)
    callback()


def over_lines(a=None,
               b=None):
    return [
        mark(),
        a,
        [mark() for _ in range(2)],
        b,
        mark(
        ),
    ]


def executed():
    # The code of each is freed before the next is made, which takes its place, of the same size.
    for i in range(300):
        space = {"mark": mark}
        exec(compile("\n" * (i % 7) + f"def f{i % 10}():\n" + "\n" * (i % 3) + "    mark()\n" + f"f{i % 10}()\n",
                     f"<made {i % 5}>", "exec"), space)
        del space
        if i % 50 == 0:
            gc.collect()


def at_page_end(what):
    # The bytes of the object end where the page ends, and the next one cannot be read.
    room = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(room))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(begin + mmap.PAGESIZE), mmap.PAGESIZE, 0) == 0
    pages.append(room)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(room))  # the interpreter's end reads names that it interned
    address = begin + mmap.PAGESIZE - (sys.getsizeof(what) + 7) // 8 * 8
    ctypes.memmove(address, id(what), sys.getsizeof(what))
    return ctypes.cast(address, ctypes.py_object).value


def short(mark):
    mark()


def at_page_ends():
    code = short.__code__
    count = len(pages)  # a text of its own each time, also of wide characters
    texts = [(f"f{count + i}", f"<{count + i}>") for i in range(8)]
    for name, file in texts + [(f"ä{count}", f"<日{count}>")]:
        own = {"co_name": at_page_end(name), "co_qualname": at_page_end(name), "co_filename": at_page_end(file),
               "co_linetable": at_page_end(code.co_linetable)}
        type(short)(code.replace(**own), {})(mark)


def in_handler(number, frame):
    mark()


def story():
    plain()
    list(generator(3))
    for _ in generator(1):
        mark()
    catches()
    row = Row()
    row.anything
    row.value
    Row.static()
    sorted([row, Row(), Row()])
    del row
    größe_日本語_𝔘()
    recursive(20)
    recursive(300)
    through_c(4)
    asyncio.run(coroutine(3))
    with_callback()
    over_lines()
    executed()
    at_page_ends()
    space = {"mark": mark}
    exec(compile(f"def {'long' * 100}():\n mark()\n{'long' * 100}()", "/" + "folder/" * 60 + "x.py", "exec"), space)
    signal.signal(signal.SIGUSR1, in_handler)
    signal.raise_signal(signal.SIGUSR1)
    threads = [threading.Thread(target=lambda: [recursive(n) for n in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


story()
story()  # what was met before
child = os.fork()
if child == 0:
    expected.clear()
    size += 1000000
    story()
    with open(sys.argv[1] + ".child", "w") as file:
        json.dump(expected, file)
    os._exit(0)
os.waitpid(child, 0)
with open(sys.argv[1], "w") as file:
    json.dump(expected, file)
