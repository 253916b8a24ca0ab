#!/usr/bin/env bash
# Seven of the rounds of tests/long/kill_rounds.sh: kills of all kinds, and copies, at random moments.
ROUNDS=${ROUNDS:-7} exec bash "$SOURCE/tests/long/kill_rounds.sh"
