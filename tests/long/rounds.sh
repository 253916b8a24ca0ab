#!/usr/bin/env bash
# Runs tests/faults/rounds.sh behind HISTORIES histories of each kind, without debug registers, with no block guarded, and with all of them on either side
# and to the byte, with and without registers; and behind many stacks.
# timeout: 7200
. "${SOURCE:-$(dirname "$0")/../..}/tests/long/sizes"
exec "${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/faults/rounds.sh" "$HISTORIES" normal closed off all all-closed before before-closed byte byte-closed stacks stacks-watched stacks-all stacks-64M
