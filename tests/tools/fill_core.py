"""fill_core.py CORE PID: writes into a core of gdb's (generate-core-file) the memory that it left out and the kernel's core has, while
the process stands. gdb gives a range up at its first page that cannot be read, as those with guard markers (MADV_GUARD_INSTALL)."""
import struct
import sys

PAGE = 4096


def main(path, pid):
    with open(path, "r+b") as core, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        head = core.read(64)
        offset, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
        for i in range(count):
            core.seek(offset + 56 * i)
            kind, flags, at, start, _, stored, _, _ = struct.unpack("<IIQQQQQQ", core.read(56))
            core.seek(at)
            if kind != 1 or not flags & 2 or any(core.read(stored)):
                continue
            for page in range(0, stored, PAGE):
                try:
                    memory.seek(start + page)
                    found = memory.read(PAGE)
                except OSError:
                    continue
                core.seek(at + page)
                core.write(found)


main(sys.argv[1], sys.argv[2])
