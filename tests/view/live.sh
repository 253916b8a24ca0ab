#!/usr/bin/env bash
# `view` of a program that still runs: new data come by themselves, the cursor stays on its line, a moment of the
# past stays, and the end is noticed.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/view
# shellcheck source=tests/view/screen.bash
. "$here/screen.bash"
cat >steps.c <<'END'
/* For each line that is read: a hundred blocks of one of three functions, told by its letter. */
#include <stdio.h>
#include <stdlib.h>
static void *volatile kept[100000];
static int count;
__attribute__((noinline)) static void take_apples(int size) { kept[count++] = malloc(size); }
__attribute__((noinline)) static void take_pears(int size) { kept[count++] = malloc(size); }
__attribute__((noinline)) static void take_plums(int size) { kept[count++] = malloc(size); }
int main(void) {
    char line[8];
    static char buffer[1024];
    setvbuf(stdin, buffer, _IOFBF, sizeof buffer);
    setvbuf(stdout, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        for (int i = 0; i < 100; i++)
            line[0] == 'a' ? take_apples(100) : line[0] == 'e' ? take_pears(50) : take_plums(1000);
        fputs("done\n", stdout);
    }
    return 0;
}
END
"${CC:-cc}" -w -O1 -g -fno-builtin -o steps steps.c || fail "steps.c does not compile"
mkfifo in out
"$trace" run --check trace -s steps.db -- ./steps <in >out 2>errors &
run=$!
# shellcheck disable=SC2034 # screen.bash
at_exit='exec 8>&-; wait "$run"'
exec 8>in 9<out
step() {
    echo "$1" >&8
    read -r -u 9 line && [ "$line" = 'done' ] || fail "the program did not go on: $(cat errors)"
}
step a
step e
limit=$((SECONDS + ${LIMIT:-120}))
until [ "$("$trace" sql -s steps.db 'select count(*) >= 200 from event' 2>/dev/null)" = 1 ]; do waited "nothing is stored"; done
begin 80 24 env TERM=tmux-256color "$trace" view -s steps.db
sees 'LIVE'
sees '15,000 bytes live in 200 blocks at the end'
sees '66.7% +9.8K +100 +100 .* take_apples'
sees '33.3% .* take_pears'
keys j
sees '2 of 2$'
sees '^ live 5,000 \(100\)'

# More of another function, which comes before both: the cursor stays on the pears, what is new has its mark.
step p
sees '115,000 bytes live in 300 blocks at the end'
sees '3 of 3$'
sees '^ live 5,000 \(100\)'
sees '^\+ .* take_plums'

# A moment of the past stays.
keys '['
moment() { screen | grep -E 'bytes live in .* at [0-9.]+ s \(event [0-9]+\)'; }
then=
limit=$((SECONDS + ${LIMIT:-120}))
until [ -n "$then" ] && [ "$then" = "$(moment)" ]; do then=$(moment) || then='' && waited "no moment before the end"; done
step e
step e
limit=$((SECONDS + ${LIMIT:-120}))
until [ "$("$trace" sql -s steps.db 'select count(*) >= 500 from event' 2>/dev/null)" = 1 ]; do waited "nothing more is stored"; done
events=$(screen | head -n 1 | sed -E 's/.*  ([0-9,]+) events.*/\1/')
limit=$((SECONDS + ${LIMIT:-120}))
while [ "$(screen | head -n 1 | sed -E 's/.*  ([0-9,]+) events.*/\1/')" = "$events" ] &&
    [ "$(printf %d "${events//,/}")" -lt 500 ]; do waited "the timeline does not grow"; done
[ "$(moment)" = "$then" ] || fail "the moment moved: it was $then"
keys ')'
sees '125,000 bytes live in 500 blocks at the end'

# The end of the program.
exec 8>&-
wait "$run" || fail "run: status $?; $(cat errors)"
lacks 'LIVE'
keys Enter
sees 'allocated from'
keys q q
sees '^over 0$'
