# The plain library: a free of what malloc never returned is one line and SIGABRT, never a crash later;
# memory of another allocator is passed on.
. "${SOURCE:?}/tests/tools/test.sh"
${CC:-cc} -O0 -g -w -I"$SOURCE" "$SOURCE/tests/unit/entry/misuse.c" -o misuse -lpthread || exit 1

# due NAME STATUS STDOUT STDERR-PATTERN
due() {
    local status=0
    LD_PRELOAD=$BUILD/libhakmem.so ./misuse "$1" >out 2>err || status=$?
    sed -i '/^qemu: uncaught target signal /d' err # an emulator's own line
    if [ "$status" -ne "$2" ] || [ "$(cat out)" != "$3" ] || [ "$(wc -l <err)" -gt 1 ] ||
        ! grep -qE "^$4\$" <(cat err; [ -s err ] || echo); then
        echo "$1: status $status (due $2), stdout \"$(cat out)\" (due \"$3\"), stderr:"
        cat err
        echo "due: $4"
        failed=1
    fi
}

address='0x[0-9a-f]+'
tail='free what malloc returned'
due stack 134 "" "hakmem: bad-free: $address is on the stack; $tail"
due static 134 "" "hakmem: bad-free: $address is code or static data; $tail"
due code 134 "" "hakmem: bad-free: $address is code or static data; $tail"
due unmapped 134 "" "hakmem: bad-free: $address is no memory; $tail"
due nonsense 134 "" "hakmem: bad-free: 0xdeadbeefdeadbeef is no memory; $tail"
due inside 134 "" "hakmem: bad-free: $address is inside a block or in no block; $tail"
due inside-large 134 "" "hakmem: bad-free: $address is inside a block or in no block; $tail"
due twice 134 "" "hakmem: double-free: $address is free already; some code freed it twice"
due twice-large 134 "" "hakmem: double-free: $address is free already; some code freed it twice"
due twice-later 134 "" "hakmem: double-free: $address is free already; some code freed it twice"
due inside-in-thread 134 "" "hakmem: bad-free: $address is inside a block or in no block; $tail"
due realloc-stack 134 "" "hakmem: bad-free: $address is on the stack; $tail"
due realloc-inside 134 "" "hakmem: bad-free: $address is inside a block or in no block; $tail"
due mapping 134 "" "hakmem: bad-free: $address is no allocator's; $tail"
due glibc 0 "went on, given to glibc" ""
