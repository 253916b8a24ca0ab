#!/usr/bin/env bash
# A disk that becomes full while a program is recorded: `run` ends with 4, also where the end of the record found room
# again and only the events between are missing.
. "${SOURCE:?}/tests/tools/test.sh"
if [ "${1-}" != inside ]; then # a mount of its own, which ends with it
    unshare -m "$SOURCE/tests/kill/full_disk.sh" inside
    exit
fi
mkdir -p small && mount -t tmpfs -o size=2m none small || exit 1
counted=0

# On a disk that is full for good, nothing says that all is well, whatever is left in the last moment.
for room in 900 750 700 600 450 350 300 150; do
    rm -f small/*
    head -c $((2048 - room))K /dev/zero >small/fill
    "$trace" run --check trace --store small/store.db -- "$BUILD/tests/bench/loops" random 2048 300000 >run.out 2>run.err
    found=$?
    [ -s small/store.db ] || { [ $found -eq 2 ] || complain "$room KiB: status $found without a store"; continue; }
    lost=$("$trace" sql -s small/store.db "select count(*) from loss where reason = 'disk full'" 2>/dev/null | tail -n 1)
    early=$("$trace" sql -s small/store.db "select count(*) = 0 from meta where key = 'finished'" 2>/dev/null | tail -n 1)
    [ "${lost:-0}" -gt 0 ] && [ "${early:-1}" -eq 0 ] && counted=$((counted + 1))
    due=0
    [ "${lost:-0}" -gt 0 ] || [ "${early:-1}" -ne 0 ] && due=4
    [ $found -eq $due ] || complain "$room KiB of room: status $found, $due was due (lost: $lost, ended early: $early): $(cat run.err)"
    [ $due -eq 0 ] || grep -q 'the capture is incomplete' run.err || complain "$room KiB: not said: $(cat run.err)"
done
umount small
[ $counted -gt 0 ] || complain "no run lost events and came to its end: nothing was tried here"
