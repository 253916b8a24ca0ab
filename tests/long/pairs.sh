#!/usr/bin/env bash
# Every two variables, each with each of its values that is not the default, through the stress: both libraries without
# recording, a thirtieth of them recorded (tests/matrix/matrix.py). PARTS=N: an Nth of each.
# timeout: 14400
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
parts=$PARTS
for mode in plain debug; do
    python3 "$SOURCE/tests/matrix/matrix.py" $mode --pairs --operations 4000 --part "1/$parts" || failed=1
done
python3 "$SOURCE/tests/matrix/matrix.py" recorded --pairs --operations 4000 --part "1/$((30 * parts))" || failed=1
