#!/usr/bin/env bash
# examples/fleet runs from its one command to its end, says what its README shows, and leaves nothing behind: no server, no folder, no queue.
set -u
unset "${!HAKMEM_@}" "${!PG@}" LD_PRELOAD
mkdir home temporary && chmod 755 . 
export PATH=$BUILD:$PATH HOME=$PWD/home CC=${CC:-cc}
"$SOURCE/examples/fleet/fleet" >said 2>err || { echo "examples/fleet ends with $?: $(cat err)"; exit 1; }
[ ! -s err ] || { echo "examples/fleet: $(cat err)"; exit 1; }
python3 "$SOURCE/tests/examples/fleet.py" said "$SOURCE/examples/fleet/README.md" || exit 1
[ -z "$(ls -A home)" ] || { echo "left behind in HOME: $(ls -A home)"; exit 1; }
folder=$(sed -n 's/^a server on a Unix socket in //p' said)
if [ -z "$folder" ] || [ -e "$folder" ]; then echo "left behind: $folder"; exit 1; fi
if grep -al "${folder/hakmem/[h]akmem}" /proc/[0-9]*/cmdline >left 2>/dev/null; then echo "left behind: $(cat left)"; exit 1; fi
