#!/usr/bin/env bash
# `hunt` names the line in ROUNDS of ROUNDS hunts: each kind of fault in each place, in C and C++, -O0 and -O2, as root and as an
# ordinary user (as this user alone where that is not root).
# timeout: 14400
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
users=$(id -un)
[ "$(id -u)" -ne 0 ] || users='root nobody'
ALL=1 USERS=$users bash "$SOURCE/tests/hunt/places.sh"
