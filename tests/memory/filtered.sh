#!/usr/bin/env bash
# A burst under a filter of system calls that kills for the call by which many ranges of pages go
# back at once: hakmem does not make it there.
. "${SOURCE:?}/tests/tools/test.sh"

filtered=$BUILD/tests/memory/filtered
for way in prctl seccomp inherited; do
    for level in plain light; do
        case $level in
        plain) under=(env LD_PRELOAD="$BUILD/libhakmem.so") ;;
        light) under=(env LD_PRELOAD="$BUILD/hakmem-debug.so" HAKMEM_CHECK=light HAKMEM_TRACE=off) ;;
        esac
        status=0
        "${under[@]}" "$filtered" "$way" 2>err || status=$?
        [ "$status" -ne 77 ] || { echo "skipped: no filter of system calls may be set here" && exit 0; }
        [ "$status" -eq 0 ] || fail "$level, $way: status $status, $(head -n 3 err)"
    done
done

# A call that only asks, and fails, changes nothing.
count() { # WORD...: how often `filtered` gives ranges back together
    strace -f -o calls -e trace=process_madvise env LD_PRELOAD="$BUILD/libhakmem.so" "$filtered" "$@" || return
    grep -c ' = [1-9]' calls
}
if [ "$(count burst)" -gt 0 ]; then
    [ "$(count probe)" -gt 0 ] || fail "after a call that only asked whether there are filters, ranges go one by one"
else
    echo "this kernel does not give ranges back together: not tried"
fi
