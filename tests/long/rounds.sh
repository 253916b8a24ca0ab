#!/usr/bin/env bash
# As tests/faults/rounds.sh, behind ten histories of each kind, with all blocks guarded on either side and to the byte, too.
# timeout: 7200
exec "${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/faults/rounds.sh" 10 normal all before byte
