#!/usr/bin/env bash
# docs/specs/output.schema.json has the members that the answers declare: all of them, and no other.
set -u
cd "$(dirname "$0")/../.." || exit 2
mapfile -t sources < <(find viewer src/report -name '*.[ch]' -o -name '*.def' | LC_ALL=C sort)
python3 tests/lint/members.py docs/specs/output.schema.json "${sources[@]}"
