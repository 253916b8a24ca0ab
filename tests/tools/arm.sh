# shellcheck shell=bash
# Finds what builds for arm64 and runs it: $cross, the prefix of the compiler's name; $qemu; $root, the folder of arm64's libc. Ends the
# test with status 77 where one of them is missing. Sourced by tests/arm, behind tests/tools/test.sh.
#
#   needs_binfmt       ends the test likewise where the kernel does not start programs of aarch64 by itself
#   make_arm           make, for arm64
#   find_wide_pages    sets $wide_pages to the sizes of pages beyond 4 KiB, in bytes, that qemu-user can name to a program by -p
#   build_arm LIBRARY  builds the libraries once for all tests, into $built, where no collector of the user's lies; LIBRARY of them needs libc and ld.so alone
# shellcheck disable=SC2034 # for the script
cross=aarch64-linux-gnu- root=/usr/aarch64-linux-gnu built=$BUILD/aarch64-libraries
command -v ${cross}gcc >/dev/null || { echo "skipped: no ${cross}gcc"; exit 77; }
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || { echo 'skipped: no qemu-aarch64'; exit 77; }
[ -e "$root/lib/ld-linux-aarch64.so.1" ] || { echo "skipped: no libc for arm64 in $root"; exit 77; }

# Without what debuggers read, which no test here asks for, and with the optimiser's first level: a third of the time. FULL=1: as users build.
more=-g0
[ "${FULL:-0}" = 1 ] || more+=' -O1'
make_arm=(env -u CC -u MAKEFLAGS -u MFLAGS -u SYSROOT make -s -j2 -C "$SOURCE" "BUILD=$built" "CROSS=$cross" "MORE=$more")
build_arm() {
    local needs
    mkdir -p "$built"
    flock "$built" "${make_arm[@]}" >made 2>&1 || fail "make CROSS=$cross: $(tail -n 20 made)"
    needs=$(${cross}readelf -d "$built/$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
    [ "$needs" = 'ld-linux-aarch64.so.1 libc.so.6 ' ] || complain "$1 needs more than libc: $needs"
}

# Version 11 has no -p any more.
find_wide_pages() {
    wide_pages='16384 65536'
    "$qemu" -p 16384 -version >/dev/null 2>&1 && return
    wide_pages=
    echo 'skipped: pages of 16 and 64 KiB: this qemu-user has no option -p'
}

# Flag F: the emulator is found in another root, too.
needs_binfmt() {
    grep -qs '^flags:.*F' /proc/sys/fs/binfmt_misc/qemu-aarch64 && return
    echo 'skipped: binfmt_misc starts no programs of aarch64: /proc/sys/fs/binfmt_misc/qemu-aarch64 with flag F is not there'
    exit 77
}
