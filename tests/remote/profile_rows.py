"""What tests/remote/profiles.sh asks about, as SQL: heap profiles of two versions on three hosts, whose stacks are kept, new, gone, or changed
by less than the sampling may; and, with "hostile", rows of a host that means harm."""
import sys

MASK = (1 << 64) - 1


def number(frames):
    """The number of a stack: FNV-1a of what stands before the first tabulator of each line, ended by a NUL, and the mixing of MurmurHash3."""
    value = 14695981039346656037
    lines = frames.split(b"\0")[0].split(b"\n")
    for line in lines if lines[-1] else lines[:-1]:
        for byte in line.split(b"\t")[0] + b"\0":
            value = ((value ^ byte) * 1099511628211) & MASK
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 1):
        value = ((value ^ value >> 33) * factor) & MASK
    return (value & (1 << 63) - 1) or 1


def text(value):
    return "'\\x" + value.encode().hex() + "'"


def pull(run, host, version, day, sums, program="/srv/bin/server", rate=524288, at=None):
    month = f"2026-{day[:2]}-01"
    print(f"INSERT INTO hakmem.pull(run, month, pull, at, began, host, pid, program, build, version, hakmem, rate, unsampled, labels)"
          f" VALUES({run}, '{month}', {run * 1000 + int(day.replace('-', ''))}, '{at or f'2026-{day} 10:00+00'}', '2026-10-01 10:00+00', {text(host)}, {run},"
          f" {text(program)}, 'aaaa', {text(version)}, '1', {rate}, {1 if run == 3 else 0}, {text('{}')});")
    for frames, live, blocks, variance in sums:
        print(f"INSERT INTO hakmem.stack VALUES({number(frames.encode())}, '{month}', {text(frames)}) ON CONFLICT DO NOTHING;")
        print(f"INSERT INTO hakmem.pull_sum VALUES({run}, '{month}', {run * 1000 + int(day.replace('-', ''))}, {number(frames.encode())}, {blocks}, {live},"
              f" {min(2 * blocks, MASK >> 1)}, {min(live + 4096, MASK >> 1)}, {blocks}, 4096, {variance});")


def main():
    CACHE = "put\t+\tcache.c\nmain\t+\tserver.c\n"
    ROWS = "strdup\t-\tstrdup.c\nparse\t+\tparse.c\nmain\t+\tserver.c\n"
    OLD, NEW, LIBRARY = "legacy\t+\told.c\nmain\t+\tserver.c\n", "session\t+\tnew.c\nmain\t+\tserver.c\n", "libx.so+0x1230 5f0c\t-\t\n"
    OTHER = "other stacks\t=\t\n"
    R = 524288
    print("SET TIME ZONE 'UTC';")
    if sys.argv[1] == "rows":
        pull(1, "web1", "1.0", "11-01", [(CACHE, 99000000, 9, 9e12)])  # an older one of the same process: it does not count
        pull(1, "web1", "1.0", "11-02", [(CACHE, 40000000, 40, 1e13), (ROWS, 5 * R, 10, 5.0 * R * R), (OLD, 8000000, 1, 0)])
        pull(2, "web2", "1.0", "11-02", [(CACHE, 60000000, 60, 1e13), (ROWS, 4 * R, 8, 4.0 * R * R)])
        pull(3, "web1", "1.1", "11-03", [(CACHE, 100000000, 100, 1e13), (ROWS, 6 * R, 12, 6.0 * R * R), (NEW, 30000000, 30, 1e12), (LIBRARY, R, 2, 1.0 * R * R)])
        pull(4, "web3", "1.1", "10-31", [(CACHE, 120000000, 120, 1e13), (ROWS, 5 * R, 10, 5.0 * R * R), (OTHER, 4096, 1, 0)], rate=65536)
        pull(5, "web3", "1.1", "11-03", [(NEW, 7000000, 1, 0)], program="/srv/bin/worker")
    else:
        evil = "a\x1b[31m\x07b\t+\t\x1b]0;x\x07.c\n" + "x" * 3000 + "\t?\n\t\t\t\n"
        pull(90, "\x1b[2Jhost", "evil", "11-04", [(evil, 9223372036854775807, 9223372036854775807 // 2, "'NaN'")], program="/\x1b[31m", at="2026-11-04 10:00+00")
        pull(91, "h", "evil2", "11-04", [(evil, 9223372036854770000, 1, "'Infinity'")], program="/\x1b[31m")
        pull(92, "h", "evil2", "11-04", [], program="/\x1b[31m", at="infinity")
        print("INSERT INTO hakmem.pull_sum VALUES(91, '2026-11-01', 92104, 7, -5, -9000, -1, -1, -1, -1, -1), (91, '2026-11-01', 92104, 8, 1, 100, 1, 1, 1, 1, 0),"
              " (91, '2026-11-01', 92104, -9223372036854775808, 1, 50, 1, 1, 1, 1, 0);")
        print(f"INSERT INTO hakmem.stack VALUES(8, '2026-11-01', {text(CACHE)});")  # frames of another stack


if __name__ == "__main__":
    main()
