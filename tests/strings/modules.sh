#!/usr/bin/env bash
# Calls are looked at by whatever way a module reaches libc: bound at start or later, without PLT, through tables and
# pointers, read-only or not, at fixed addresses, from libraries that are loaded later, in threads, children and
# handlers. A function of the program's own is left alone, pointers to functions stay equal, and hakmem's own calls are none
# of the program's.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
flags='-O0 -g -fno-builtin -w -D_GNU_SOURCE'

# ask WAY CASE STATUS REPORTS [VARIABLE=VALUE]
ask() {
    local way=$1 case=$2 due=$3 reports=$4 got
    shift 4
    rm -f log
    { # the shell's own word on programs that abort goes to /dev/null
        env HAKMEM_CHECK_STRING=1 HAKMEM_TRACE=off HAKMEM_LOG="$PWD/log" "$@" LD_PRELOAD="$BUILD/hakmem-debug.so" \
            "./modules.$way" "$case" >out 2>&1
        got=$?
    } 2>/dev/null
    [ "$got" -eq "$due" ] || complain "$way, $case $*: exit status $got, expected $due"
    [ -e log ] || : >log
    [ "$(grep -cE '^hakmem: HKM-301 .*: memset, called by [a-z_]+\(\) modules\.c:[0-9]+, writes 17 bytes at offset 0 of a 16-byte block from main\(\) modules\.c:[0-9]+, 1 of them past' log)" \
        -eq "$reports" ] || complain "$way, $case: $reports reports due, found: $(grep '^hakmem' log || echo none)"
}

while IFS="|" read -r way options shared; do
    # shellcheck disable=SC2086
    gcc $flags $options -o "modules.$way" "$SOURCE/tests/strings/modules.c" -ldl -lpthread || exit 2
    # shellcheck disable=SC2086
    gcc $flags -DPLUGIN $shared -o plugin.so "$SOURCE/tests/strings/modules.c" || exit 2
    for case in call table constant pointer plugin_call plugin_table again thread child handler; do
        ask "$way" $case 134 1
    done
    # On it goes, as asked; what was damaged is not told again.
    ask "$way" call 0 1 HAKMEM_ON_FAULT=continue
    ask "$way" plugin_call 0 1 HAKMEM_ON_FAULT=continue
    ask "$way" pointers 0 0
    ask "$way" cancel 0 0
    ask "$way" grow 0 0
done <<'END'
lazy|-fPIE -pie -Wl,-z,lazy|-fPIC -shared -Wl,-z,lazy
now|-fPIE -pie -Wl,-z,now -Wl,-z,relro|-fPIC -shared -Wl,-z,now -Wl,-z,relro
bare|-fPIE -pie -Wl,-z,norelro -Wl,-z,lazy|-fPIC -shared -Wl,-z,norelro -Wl,-z,lazy
direct|-fPIE -pie -fno-plt|-fPIC -shared -fno-plt
fixed|-fno-pie -no-pie -Wl,-z,lazy|-fPIC -shared
fixed_now|-fno-pie -no-pie -Wl,-z,now|-fPIC -shared
old_hash|-fPIE -pie -Wl,--hash-style=sysv|-fPIC -shared -Wl,--hash-style=sysv
END

# shellcheck disable=SC2086
gcc $flags -DOWN_STRLEN -rdynamic -o modules.own "$SOURCE/tests/strings/modules.c" -ldl -lpthread || exit 2
# shellcheck disable=SC2086
gcc $flags -DPLUGIN -fPIC -shared -o plugin.so "$SOURCE/tests/strings/modules.c" || exit 2
ask own own 0 0
ask own call 134 1
