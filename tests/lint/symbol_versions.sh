#!/usr/bin/env bash
# Libraries that are loaded into programs run with glibc 2.28, whatever they were built on: no library of BUILD asks for a
# newer version of any symbol, and none names a function that glibc moved from libpthread or libdl into libc in 2.34, which a
# program that links neither does not have (src/platform/symbols.h finds them by name).
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
NEWEST=2.28
status=0
complain() {
    echo "$*"
    status=1
}
looked=0
for library in libhakmem.so hakmem-debug.so hakmem-record.so hakmem-attach.so; do
    file=$BUILD/$library
    symbols=$(objdump -T "$file" 2>/dev/null | sed -nE 's/.*\*UND\*.* \(?GLIBC_([0-9.]+|PRIVATE)\)? +([^ ]+)$/\1 \2/p')
    [ -n "$symbols" ] || {
        complain "$file: no symbols of glibc to look at"
        continue
    }
    looked=$((looked + 1))
    while read -r version symbol; do
        if [ "$(printf '%s\n' "$version" "$NEWEST" | sort -V | tail -n 1)" != "$NEWEST" ]; then
            complain "$library needs $symbol of glibc $version; due: $NEWEST at most"
        fi
    done <<<"$symbols"
    # Whole names: of libc before 2.34 they are not.
    moved=$(objdump -T "$file" | awk '/\*UND\*/ { print $NF }' |
        grep -xE 'pthread_(key_create|key_delete|[gs]etspecific|create|join|once|kill|sigmask|cancel|mutex_trylock|attr_.*|setname_np)|dl(sym|vsym|open|mopen|close|addr1?|info|error)|sem_.*|timer_.*|shm_(open|unlink)|mq_.*|aio_.*|__isoc23_.*' | tr '\n' ' ')
    [ -z "$moved" ] || complain "$library names $moved: of another library before glibc 2.34, or of glibc 2.38"
done
[ "$looked" -eq 4 ] || complain "$looked libraries looked at; due: 4"
exit "$status"
