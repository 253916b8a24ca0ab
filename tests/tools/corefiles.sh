# shellcheck shell=bash
# Sourced by the tests of corefile: core files made by gdb, and what a command says of them with addresses as names.
. "$SOURCE/tests/tools/test.sh"
export LC_ALL=C

# in_gdb LIBRARY COMMAND... -- PROGRAM [ARG...]: runs PROGRAM over LIBRARY ("" = none) under gdb to its end, then the commands. gdb reads
# no separate debug files, since that takes it longer than all else. Its cores have what the kernel's have (fill_core.py).
in_gdb() {
    local library=$1 commands=()
    shift
    while [ "$1" != -- ]; do
        commands+=(-ex "$1")
        [[ $1 != generate-core-file* ]] || commands+=(-ex "python gdb.execute('shell python3 $SOURCE/tests/tools/fill_core.py ${1#* } %d' % gdb.selected_inferior().pid)")
        shift
    done
    shift
    timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -iex 'set debug-file-directory /nowhere' \
        ${library:+-ex "set environment LD_PRELOAD $library"} -ex 'set startup-with-shell on' \
        -ex "run ${*:2} >said" "${commands[@]}" "$1" </dev/null >gdb.out 2>&1
}

# make_core FILE LIBRARY PROGRAM [ARG...]: what PROGRAM printed is in `said`.
make_core() {
    local file=$1 library=$2
    shift 2
    rm -f "$file"
    in_gdb "$library" "generate-core-file $file" kill -- "$@"
    [ -s "$file" ] || fail "gdb made no core of $1: $(tail -n 5 gdb.out)"
}

address_of() { sed -n "s/^$1 //p" said; }

# Addresses that the program named become @NAME, all others 0x; what differs from run to run and from libc to libc goes.
normal() {
    local script='' name address
    while read -r name address; do script="$script;s/$address\\b/@$name/g"; done <said
    sed -E -e "${script#;};s/0x[0-9a-f]+/0x/g;s/(thread|process) +[0-9]+/\1 N/g;s/^process N [^,]*/process N PROGRAM/" \
        -e "s,It lies in /[^ ]*\\+0x,It lies in PROGRAM+0x,;s/^(allocator +[^ ]+) [0-9.]+/\1 VERSION/;s/^(live +)[0-9,]+ blocks, [0-9,]+/\1N blocks, N/"
}

# as_of_kernel FILE: leaves of modules that are only read the first page alone, as the kernel does.
as_of_kernel() {
    python3 - "$1" <<'END' || fail 'shortening modules'
import struct, sys
with open(sys.argv[1], "r+b") as core:
    head = core.read(64)
    offset, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
    for i in range(count):
        core.seek(offset + 56 * i)
        kind, flags, at, _, _, stored, _, _ = struct.unpack("<IIQQQQQQ", core.read(56))
        core.seek(at)
        if kind == 1 and not flags & 2 and stored > 4096:
            keep = 4096 if core.read(4) == b"\x7fELF" else 0
            core.seek(offset + 56 * i + 32)
            core.write(struct.pack("<Q", keep))
END
}

# without_stack FILE: as if the end of FILE were missing, and there the stack of the first thread.
without_stack() {
    python3 - "$1" <<'END' || fail 'cutting off'
import os, struct, sys
with open(sys.argv[1], "r+b") as core:  # the part that lies highest, a stack, begins where the file ends
    head = core.read(64)
    offset, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
    parts = []
    for at in range(offset, offset + 56 * count, 56):
        core.seek(at)
        kind, flags, _, start, _, stored, _, _ = struct.unpack("<IIQQQQQQ", core.read(56))
        if kind == 1 and flags & 2 and stored:
            parts.append((start, at))
    core.seek(max(parts)[1] + 8)
    core.write(struct.pack("<Q", os.path.getsize(sys.argv[1])))
END
}
