#!/usr/bin/env bash
# git gc over a made history: repack with threads, prune, and all the processes that it starts.
# timeout: 1800
first_level=trace
. "${SOURCE:?}/tests/tools/real_program.sh"
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
/usr/bin/python3 "$SOURCE/tests/tools/make_history.py" "$(scale 60 1000 500)" >history
git init -q -b main template && git -C template fast-import --quiet <history || exit 1
# Loose objects, as commits leave them.
git -C template -c transfer.unpackLimit=1000000 fetch -q . main
for pack in template/.git/objects/pack/*.pack; do mv "$pack" history.pack && rm -f "${pack%.pack}".*; done
git -C template unpack-objects -q <history.pack || exit 1
story() {
    cp -r ../template repository && cd repository || exit 1
    "${under[@]}" git gc --aggressive || echo "git gc: $?"
    git fsck --full --strict
    git cat-file --batch-check --batch-all-objects | sha256sum
    git log -p --stat --format=fuller main | sha256sum
    git count-objects -v | grep -E '^(count|in-pack|packs|garbage)'
}
normalise() { tr '\r' '\n' | grep -vE '^(Enumerating|Counting|Compressing|Writing|Delta|Total)' || true; }
check_program story "git gc"
