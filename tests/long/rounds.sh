#!/usr/bin/env bash
# Runs tests/faults/rounds.sh behind ten histories of each kind, without debug registers, with no block guarded, and with all of them on either side
# and to the byte, with and without registers; and behind many stacks. HISTORIES=N: behind N of each kind.
# timeout: 7200
exec "${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/faults/rounds.sh" "${HISTORIES:-10}" normal closed off all all-closed before before-closed byte byte-closed stacks stacks-watched stacks-all stacks-64M
