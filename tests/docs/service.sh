#!/usr/bin/env bash
# examples/service: systemd finds nothing wrong, and a program with the variables of each drop-in is recorded under what the unit forbids.
. "${SOURCE:?}/tests/tools/test.sh"

# ---- what systemd says of the files, with programs that are there
cp -r "$SOURCE/examples/service" units
find units -type f -exec sed -i "s|/usr/local/bin/app|$BUILD/tests/docs/app|; s|/usr/local/lib/hakmem|$BUILD|" {} +
for drop_in in none units/app.service.d/*; do
    rm -rf one && mkdir -p one/app.service.d && cp units/app.service one/
    [ "$drop_in" = none ] || cp "$drop_in" one/app.service.d/
    systemd-analyze verify --recursive-errors=no one/app.service >said 2>&1 || complain "$drop_in: $(cat said)"
    [ ! -s said ] || complain "$drop_in: systemd-analyze verify says: $(cat said)"
done

# ---- the filter of the unit, from the systemd that is here: sets within sets, and names that this kernel's headers know
calls() {
    local word
    while read -r word; do
        case $word in "$1" | '#'* | '') ;; @*) calls "$word" ;; *) printf '#ifdef SYS_%s\n    SYS_%s,\n#endif\n' "$word" "$word" ;; esac
    done < <(systemd-analyze syscall-filter "$1")
}
[ "$(sed -n 's/^SystemCallFilter=//p' units/app.service)" = @system-service ] || complain "the unit has another filter than is tried here"
[ "$(sed -n 's/^RestrictAddressFamilies=//p' units/app.service)" = 'AF_UNIX AF_INET AF_INET6' ] || complain "the unit has other families than are tried here"
calls @system-service >system_service.h
"${CC:-cc}" -w -I . -o hardened "$SOURCE/tests/docs/hardened.c" || fail "hardened.c does not compile"
# It bars what it is to bar.
./hardened /usr/bin/python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)' 2>&1 | grep -q PermissionError || complain "memory is writable and executable"
./hardened /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_NETLINK)' 2>&1 | grep -q 'Address family' || complain "another family of addresses is let through"
(./hardened /usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).syscall(101, 0, 0, 0, 0)') >said 2>&1 # ptrace
[ $? -eq 159 ] || complain "ptrace is let through"

# ---- a program under it: a read-only system, a /tmp of its own, no devices, one folder that may be written
"${CC:-cc}" -g -O0 -x c -o faulty - <<'END' || exit 1
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(void) {
    while (clock() < CLOCKS_PER_SEC / 2)
        for (int i = 0; i < 1000; i++) {
            char *volatile row = malloc(48);
            row[48] = 1;
            free(row);
        }
    puts("ready");
    return 0;
}
END
# service DROP-IN [-u] PROGRAM...: its output is in out, its errors in err, what it stored in state/.
service() {
    local variables families=() user=()
    [ "$(id -u)" = 0 ] || user=(--unshare-user) # root needs none, and has none in a chroot
    [ "$2" != -u ] || families=(-u)
    mapfile -t variables < <(sed -n "s|%%|%|g; s|/var/lib/app|$PWD/state|g; s|^Environment=||p" "units/app.service.d/$1")
    rm -rf state && mkdir state
    (cd state && bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp "${user[@]}" --cap-drop ALL --ro-bind "$BUILD" "$BUILD" \
        --ro-bind "$PWD/.." "$PWD/.." --bind "$PWD" "$PWD" ../hardened "${families[@]}" env "${variables[@]}" "${@:$((2 + ${#families[@]}))}") >out 2>err </dev/null
}
# The process that closes the store may take a while longer than the program: `store HOW-IT-ENDED`.
store() {
    local i said ended=$1
    for ((i = 0; i < 600; i++)); do
        set -- state/heap.*.db
        said=$("$trace" info -s "$1" 2>&1)
        case $said in *'is still being written'*) ;; *"$ended"* | *'went on'*) break ;; esac
        sleep 0.1
    done
    echo "$1"
}
for drop_in in hakmem-record.conf hakmem-profile.conf; do
    service $drop_in "$BUILD/tests/docs/app" --fine || complain "$drop_in: status $?, $(cat out err)"
    [ "$(cat out)" = ready ] && [ ! -s err ] || complain "$drop_in: it says $(cat out err)"
    db=$(store 'exited with 0')
    "$trace" info -s "$db" >said 2>&1 || complain "$drop_in: $(cat said)"
    grep -q 'Nothing was lost' said && grep -q 'exited with 0' said || complain "$drop_in: $(cat said)"
    "$trace" top --json -s "$db" 2>&1 | grep -q parse_row || complain "$drop_in: $("$trace" top -s "$db" 2>&1)"
done
service hakmem-light.conf "$PWD/faulty" || complain "light: status $?, $(cat out err)"
grep -q '^SUMMARY: hakmem: heap-buffer-overflow ' err && [ "$(cat out)" = ready ] || complain "light: $(cat out err)"
db=$(store 'when recording stopped')
"$trace" faults -s "$db" 2>&1 | grep -q HKM-301 || complain "light: the store: $("$trace" faults -s "$db" 2>&1)"

# ---- without AF_UNIX no collector is reached: one line, the newest events lie in a file, and the program does not notice
service hakmem-record.conf -u "$BUILD/tests/docs/app" --fine || complain "no AF_UNIX: status $?, $(cat out err)"
[ "$(cat out)" = ready ] && [ "$(grep -c '^hakmem: no collector: ' err)" = 1 ] || complain "no AF_UNIX: $(cat out err)"
"$trace" import -s imported.db state/*.rings >said 2>&1 || complain "no AF_UNIX: $(cat said)"
"$trace" top --json -s imported.db | grep -q parse_row || complain "no AF_UNIX: nothing in the import"
