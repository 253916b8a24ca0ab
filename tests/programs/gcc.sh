#!/usr/bin/env bash
# gcc on 20,000 lines of C: driver, cc1, as, collect2 and ld; and an error that it must report the same way.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
/usr/bin/python3 "$SOURCE/tests/tools/make_c.py" "$(scale 400 20000 4000)" >big.c
story() {
    cp ../big.c .
    "${under[@]}" gcc -O2 -Wall -frandom-seed=1 -o big big.c
    echo "gcc: $?"
    sha256sum <big
    ./big
}
echo 'int f(int a) { return b + a; } struct { int x; } y = { .z = 1 };' >wrong.c
error_story() {
    cp ../wrong.c .
    "${under[@]}" gcc -O2 -c wrong.c
    echo "gcc: $?"
}
check_program story "gcc"
addresses=20 check_program error_story
