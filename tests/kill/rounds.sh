#!/usr/bin/env bash
# Seven of the rounds of tests/long/kill_rounds.sh: kills of all kinds, and copies, at random moments.
. "${SOURCE:?}/tests/tools/test.sh"
# shellcheck disable=SC2034 # of the rounds
! left_out takeover || without="worker keeper"
ROUNDS=${ROUNDS:-7}
. "$SOURCE/tests/long/kill_rounds.sh"
