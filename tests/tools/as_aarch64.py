"""as_aarch64.py CORE: makes of a core of x86-64 one of aarch64, as if the same memory had been its program's: the notes have the registers
where that machine has them. A thread pointer lies in front of its thread's variables there, behind them here: it moves down in its range."""
import struct
import sys

# x0 to x30 and sp, of: r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss, fs_base, ...
KEPT = [10, 5, 11, 12, 13, 14, 4, 9, 8, 7, 6, 3, 2, 1, 0]
RIP, RSP, FS_BASE = 16, 19, 21
VARIABLES = 16 << 10
EM_AARCH64 = 183
NT_PRSTATUS, NT_FPREGSET, NT_ARM_TLS = 1, 2, 0x401


def note(owner, kind, bytes_):
    def padded(part):
        return part + bytes(-len(part) % 4)
    return struct.pack("<III", len(owner), len(bytes_), kind) + padded(owner) + padded(bytes_)


def notes_of(data):
    at = 0
    while at + 12 <= len(data):
        owner, count, kind = struct.unpack_from("<III", data, at)
        start = at + 12 + (owner + 3) // 4 * 4
        yield data[at + 12:at + 12 + owner], kind, data[start:start + count]
        at = start + (count + 3) // 4 * 4


def thread(status, starts):
    registers = struct.unpack_from("<27Q", status, 112)
    general = [registers[i] for i in KEPT] + [0] * (31 - len(KEPT)) + [registers[RSP], registers[RIP], 0]
    tp = registers[FS_BASE]
    start = max((s for s in starts if s <= tp), default=0)
    yield note(b"CORE\0", NT_PRSTATUS, status[:112] + struct.pack("<34Q", *general) + bytes(8))
    yield note(b"LINUX\0", NT_ARM_TLS, struct.pack("<Q", max(start, tp - VARIABLES)))


def main(path):
    with open(path, "r+b") as core:
        head = core.read(64)
        offset, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
        core.seek(offset)
        parts = [list(struct.unpack("<IIQQQQQQ", core.read(56))) for _ in range(count)]
        starts = [p[3] for p in parts if p[0] == 1]
        for i, part in enumerate(parts):
            if part[0] != 4:
                continue
            core.seek(part[2])
            made = b""
            for owner, kind, found in notes_of(core.read(part[5])):
                if kind == NT_PRSTATUS and owner == b"CORE\0":
                    made += b"".join(thread(found, starts))
                elif kind == NT_FPREGSET and owner == b"CORE\0":
                    made += note(owner, kind, found[160:416] + bytes(256 + 16))
                elif owner == b"CORE\0":
                    made += note(owner, kind, found)
            part[2], part[5] = core.seek(0, 2), len(made)
            core.write(made)
            core.seek(offset + 56 * i)
            core.write(struct.pack("<IIQQQQQQ", *part))
        core.seek(18)
        core.write(struct.pack("<H", EM_AARCH64))


main(sys.argv[1])
