#!/usr/bin/env bash
# dlsym by libc's own handle gives the malloc family that libc's own calls lead to: what libc allocated is freed by it, and nobody is accused.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
${CC:-cc} -w -fno-builtin -O0 -g -o handle "$SOURCE/tests/family/handle.c" || fail "the program does not compile"
./handle >due
[ $? -eq 5 ] || fail "the program alone: $(cat due)"
cat >foreign.py <<'P'
import ctypes
libc = ctypes.CDLL("libc.so.6")
libc.strdup.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
for i in range(1000):
    libc.free(libc.strdup(b"x" * i))
print("end")
P

# check STATUS DUE WAY COMMAND...: the command's output is that of the file DUE.
check() {
    local status
    "${@:4}" >said 2>&1
    status=$?
    [ "$status" -eq "$1" ] && cmp -s "$2" said || complain "$3: status $status, due $1: $(head -n 5 said)"
}
echo end >end
check 5 due libhakmem.so env LD_PRELOAD="$BUILD/libhakmem.so" ./handle
check 0 end "Python and libhakmem.so" env LD_PRELOAD="$BUILD/libhakmem.so" /usr/bin/python3 foreign.py
for way in "--check light" "--check trace" "--check normal" "--check normal --guard all" "--allocator keep"; do
    # shellcheck disable=SC2086 # options
    HAKMEM_TRACE_FILE=handle.db check 5 due "run $way" "$BUILD/hakmem-trace" run --force $way -- ./handle
    # shellcheck disable=SC2086 # options
    HAKMEM_TRACE_FILE=handle.db check 0 end "Python, run $way" "$BUILD/hakmem-trace" run --force $way -- /usr/bin/python3 foreign.py
done
exit "$failed"
