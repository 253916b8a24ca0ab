#!/usr/bin/env bash
# tests/run: what fails once is run again, alone, and named as flaky, three of them are failures; what a machine lacks is counted
# and named, with its reason; a failure stays one; a folder that other users cannot enter is named; the slow ones begin, also where none has
# run; `--long` that is interrupted keeps what has ended, and goes on; beside a live one it is refused; FULL=1 is for tests/long;
# what hangs is ended. `--quick` runs what tests/quick names and says so to it; `--until` what that leaves, recent commits' rooms first, then the day's
# window, names what did not run, and ends in time; `--list` names cases. UPDATE, LIST and ROWS are heard for named tests alone. And which files lint looks at in
# the quick tier, what is wrong in tests/quick, and what .ci/run says.
set -u
unset CHANGED
SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
export BUILD=$PWD/build
mkdir -p "$BUILD" tests/few tests/tools && cp "$SOURCE/tests/run" tests/run && cp "$SOURCE/tests/tools/"{window,quick_tier}.py tests/tools || exit 2
failed=0

# test_of NAME: its script, from stdin.
test_of() { cat >"tests/few/$1.sh"; }
# closes_with STATUS PATHS LINES: tests/run of these ends so, and its last lines are these.
closes_with() {
    local got
    # shellcheck disable=SC2086
    tests/run $2 >out 2>&1
    got=$?
    if [ "$got" -eq "$1" ] && [ "$(tail -n "$(wc -l <<<"$3")" out)" = "$3" ]; then return; fi
    echo "tests/run $2 ended with $got, where $1 was expected, and with these lines:"
    tail -n 20 out
    failed=1
}

echo 'exit 0' | test_of passes
echo 'echo broken; exit 1' | test_of fails
for name in flaky1 flaky2 flaky3; do
    echo "[ -e '$PWD/$name' ] || { touch '$PWD/$name'; echo only at first; exit 1; }" | test_of $name
done
echo 'echo "skipped: no such machine"; exit 77' | test_of skips
echo 'echo "skipped: one part: no such machine"; exit 0' | test_of skips_part
echo 'exit 77' | test_of skips_silently

closes_with 0 few/passes.sh '1 passed, 0 failed'
closes_with 1 'few/passes.sh few/fails.sh' '1 passed, 1 failed'
closes_with 0 'few/passes.sh few/flaky1.sh few/flaky2.sh' $'flaky: few/flaky1.sh\nflaky: few/flaky2.sh\n3 passed, 0 failed'
grep -q '^only at first$' out || { echo "what a flaky test said at first is not shown" && failed=1; }
rm -f flaky1 flaky2
closes_with 1 'few/flaky1.sh few/flaky2.sh few/flaky3.sh' \
    $'flaky: few/flaky1.sh\nflaky: few/flaky2.sh\nflaky: few/flaky3.sh\n0 passed, 3 failed'
closes_with 0 'few/passes.sh few/skips.sh few/skips_part.sh' \
    $'skipped: few/skips.sh: no such machine\nskipped: few/skips_part.sh: one part: no such machine\n2 passed, 0 failed, 2 skipped'
closes_with 1 few/skips_silently.sh '0 passed, 1 failed'
grep -q 'says not why' out || { echo "a skip without a reason is not named" && failed=1; }

# A checkout that other users cannot enter: tests/run says so at the start, and again above the last line where a test failed.
if [ "$(id -u)" -eq 0 ]; then
    chmod 700 .
    tests/run few/fails.sh >out 2>&1
    chmod 755 .
    [ "$(grep -c "^note: other users cannot enter $BUILD" out)" -eq 2 ] || { echo "a folder that others cannot enter is not named:" && cat out && failed=1; }
fi

# Where no test has run before, those with the highest limits begin, and a script without one counts as one of 900 s.
rm -r tests/few build/tests && mkdir tests/few || exit 2
for name in a_short:300 b_usual: c_long:1800; do
    { [ -z "${name#*:}" ] || echo "# timeout: ${name#*:}" && echo "echo ${name%:*} >>'$PWD/order'"; } | test_of "${name%:*}"
done
closes_with 0 '--jobs 1 few' '3 passed, 0 failed'
[ "$(xargs <order)" = 'c_long b_usual a_short' ] || { echo "tests that have not run begin in the order $(xargs <order)" && failed=1; }

# The seconds of another machine (tests/seconds) come before the limit, and those of this one before both.
begins_with() { # SECONDS OF THIS MACHINE, OF OTHERS, FIRST
    rm -f order && echo "$1" >build/tests/seconds && echo "$2" >tests/seconds
    closes_with 0 '--jobs 1 few' '3 passed, 0 failed'
    [ "$(head -n 1 order)" = "$3" ] || { echo "with '$1' here and '$2' elsewhere $(head -n 1 order) begins" && failed=1; }
}
begins_with '' '4000 1 few/b_usual.sh' b_usual
begins_with '5000 1 few/a_short.sh' '4000 1 few/b_usual.sh' a_short

# The quick tier is what tests/quick names, and says so to it; its seconds are no measure for the full one.
known() { awk '$3 == "few/b_usual.sh" { print $1 }' build/tests/seconds; }
echo '4000 1 few/b_usual.sh' >build/tests/seconds
printf '# a list\nfew/a_short.sh whole a face\nfew/b_usual.sh part a face\n' >tests/quick
echo "echo \"\${QUICK-none}\" >'$PWD/quick'" | test_of b_usual
closes_with 0 --quick '2 passed, 0 failed'
[ "$(cat quick)" = 1 ] && [ "$(known)" = 4000 ] || { echo "--quick: QUICK is $(cat quick), $(known) s are noted" && failed=1; }
closes_with 0 few '3 passed, 0 failed'
[ "$(cat quick)" = none ] && [ "$(known)" != 4000 ] || { echo "without --quick: QUICK is $(cat quick), $(known) s are noted" && failed=1; }

# --until leaves out what the quick tier runs whole, and names what it has no time for; what has begun ends, and is looked at again if it is red.
closes_with 0 "--until $((EPOCHSECONDS + 1000))" $'ran 2 of the 2 tests that the quick tier does not run whole\n2 passed, 0 failed'
closes_with 1 "--until $((EPOCHSECONDS - 1))" \
    $'ran 0 of the 2 tests that the quick tier does not run whole\nnot run: few/b_usual.sh few/c_long.sh\n0 passed, 1 failed'
closes_with 2 '--until soon' "tests/run: tests/tools/window.py cannot choose tests until 'soon': see above"
# .ci/run says how many ran. A make that takes too long is ended, and those behind it do not begin.
mkdir .ci bin && cp "$SOURCE/.ci/run" .ci && echo "[ \"\$1\" != check-full ] || exec '$PWD/tests/run' --until \"\${2#UNTIL=}\"" >bin/make && chmod +x bin/make || exit 2
ci_says() { # STATUS LINE
    PATH=$PWD/bin:$PATH .ci/run >out 2>&1
    [ $? -eq "$1" ] && [ "$(sed -n '$s/, [0-9]* minutes$//p' out)" = "$2" ] || { echo "due of .ci/run: $2" && cat out && failed=1; }
}
ci_says 0 'make demo: passed, make check: passed, make check-full: passed, ran 2 of the 2 tests that the quick tier does not run whole'
sed -i 's/begun + 60 \* 60/begun/' .ci/run
ci_says 1 'make demo: passed, make check: passed, make check-full: failed, ran 0 of the 2 tests that the quick tier does not run whole'
sed -i 's/69 \* 60/1/' .ci/run && echo 'exec sleep 1000' >bin/make && rm -r build/tests/results
ci_says 1 'make demo: failed, make check: failed, make check-full: failed, ran none'

# A test that began before TIME is ended AFTER_UNTIL later, and has no result; one that failed is run again while there is time, else it has failed. The clock
# is a file.
tick() { echo "echo '$1' >'$PWD/clock'"; }
at_clock() { # LINES: at the end of a run until a second later, which ends another second later
    local until=$((EPOCHSECONDS + 1000))
    sed -E "s/\\\$?\bEPOCHSECONDS\b/\$(cat '${PWD//\//\\/}\/clock')/g; s/^AFTER_UNTIL=480/AFTER_UNTIL=1/" "$SOURCE/tests/run" >tests/run
    sed -i "s/LATER/$((until + 1))/" tests/few/b_usual.sh
    echo $((until - 1)) >clock
    closes_with 1 "--until $until few/b_usual.sh" "$1"
    cp "$SOURCE/tests/run" tests/run
}
cp tests/few/b_usual.sh usual
{ tick LATER && echo 'exec sleep 1000'; } | test_of b_usual
at_clock $'not ended in time, which is not run: few/b_usual.sh\n0 passed, 1 failed'
{ echo "echo once >>'$PWD/times'" && tick LATER && echo 'exit 1'; } | test_of b_usual
at_clock $'not run: few/c_long.sh\n0 passed, 1 failed'
[ "$(cat times)" = once ] || { echo "a test that failed runs again behind the end" && failed=1; }
{ echo "[ -e '$PWD/second' ] || { touch '$PWD/second'; exit 1; }" && tick LATER && echo 'exec sleep 1000'; } | test_of b_usual
at_clock $'not run: few/c_long.sh\n0 passed, 1 failed'
mv usual tests/few/b_usual.sh

printf '%s\n' '1 1 few/b_usual.sh' '1 100000 few/c_long.sh' >tests/seconds
closes_with 0 "--until $((EPOCHSECONDS + 1000))" \
    $'ran 1 of the 2 tests that the quick tier does not run whole\nnot run: few/c_long.sh\n1 passed, 0 failed'
[ "$(tests/run --list)" = $'few/a_short.sh\nfew/b_usual.sh\nfew/c_long.sh' ] || { tests/run --list && failed=1; }
echo '[ "${LIST-}" != 1 ] || echo row' | test_of rows
[ "$(tests/run --list few/rows.sh)" = 'few/rows.sh:row' ] || { tests/run --list && failed=1; }
closes_with 1 few/rows.sh '0 passed, 1 failed'
echo 'echo 2 rows, 3 cases, 0 red' | test_of rows
closes_with 0 few/rows.sh '3 passed, 0 failed'
# Each row that passes alone is a flaky one.
rows_red() { # COMPLAINT...
    rm -f again
    {
        echo "[ ! -e '$PWD/again' ] || { echo 9 rows, 9 cases, 0 red; exit 0; }; touch '$PWD/again'"
        printf 'echo complained: %s\n' "$@"
        echo "echo 9 rows, 9 cases, $# red; exit 1"
    } | test_of rows
}
rows_red 'a.normal report' 'a.normal next' 'b report'
closes_with 0 few/rows.sh $'flaky: few/rows.sh:a.normal\nflaky: few/rows.sh:b\n9 passed, 0 failed'
rows_red 'a report' 'b report' 'c report'
closes_with 1 few/rows.sh $'flaky: few/rows.sh:a\nflaky: few/rows.sh:b\nflaky: few/rows.sh:c\n6 passed, 3 failed'
rm tests/few/rows.sh
# Variables that choose or change cases are heard for tests that are named.
echo "echo \"\${UPDATE-}\${LIST-}\${ROWS-}\${PROGRAMS-}\${CHANGED-}\${CK_RUN_CASE-}\" >'$PWD/heard'" | test_of hears
for paths in '' few; do
    UPDATE=a LIST=b ROWS=c PROGRAMS=d CHANGED=e CK_RUN_CASE=f closes_with 0 "$paths" '4 passed, 0 failed'
    [ "$(cat heard)" = "${paths:+abcdef}" ] || { echo "a test of '$paths' hears $(cat heard)" && failed=1; }
done
rm tests/few/hears.sh

# tests/quick: what is wrong in it, and a script that it does not run finds nothing for the tier.
printf 'few whole\nfew/a_short.sh part\nfew/c_long.sh full\nfew/none.sh half\n' >tests/quick
quick_tier() { /usr/bin/python3 tests/tools/quick_tier.py "$@"; }
[ "$(quick_tier rows)" = "few/none.sh is not there
few/none.sh: 'half' is none of whole, part, full
few/a_short.sh is part, and does not ask for the quick tier
few/b_usual.sh is whole, and asks for the quick tier" ] || { quick_tier rows && failed=1; }
[ "$(quick_tier finders script.few/a_short script.few/b_usual script.few/c_long)" = 'script.few/a_short script.few/b_usual' ] ||
    { echo "tests that find for the tier: $(quick_tier finders script.few/{a_short,b_usual,c_long})" && failed=1; }

# window DAY TOUCHED: of five tests that take 100 s each, those that fit into 250 s of two processors, in the order of their importance.
window() {
    echo "$2" >touched
    printf 'few/%s.sh\n' a b c d e | /usr/bin/python3 tests/tools/window.py --until $((86400 * $1 + 188)) --now $((86400 * $1)) --processors 2 --here none --touched touched |
        sed 's|few/||; s|\.sh||' | xargs
}
for name in a b c d e; do echo "100 100 few/$name.sh"; done >tests/seconds
printf 'src/guard few/d.sh few/none\nsrc few/e.sh\n' >tests/rooms
for case in '7::a b c' '8::b c d' '13::e a b' '12::e a b' '7:src/guard/x.c:d a b' '7:src/y.c:e a b' '7:tests/few/c.sh:c a b' '7:README.md:a b c' \
    '7:tests/tools/x.py:a b c' '9:tests/few/x.c:c b d' '9:tests/few/more/x.report:c b d'; do
    IFS=: read -r day path due <<<"$case"
    [ "$(window "$day" "$path")" = "$due" ] || { echo "day $day, '$path' touched: $(window "$day" "$path"), expected $due" && failed=1; }
done
# On a machine three times slower than that of tests/seconds each test of the list is chosen within seven days, whatever commits touch.
week() { # TIMES
    (
        cd "$SOURCE" || exit
        awk -v times="$1" '$3 !~ /[.]sh$/ { print $1 * times, $2 * times, $3 }' tests/seconds >"$OLDPWD/slow"
        printf '%s\n' src/x.c docs/x.md viewer/x.c >"$OLDPWD/touched"
        for day in 0 1 2 3 4 5 6; do
            /usr/bin/python3 tests/tools/window.py --until $((86400 * day + 2100)) --now $((86400 * day)) --processors 2 --here "$OLDPWD/slow" --touched "$OLDPWD/touched" <"$OLDPWD/rest"
        done
    ) | LC_ALL=C sort -u >chosen
    LC_ALL=C comm -13 chosen rest
}
BUILD=$SOURCE "$SOURCE/tests/run" --list | sed 's/:.*//' | (cd "$SOURCE" && /usr/bin/python3 tests/tools/quick_tier.py tests rest) | LC_ALL=C sort -u >rest
[ -s rest ] && [ -z "$(week 3)" ] || { echo "of $(wc -l <rest) tests not chosen in a week: $(week 3)" && failed=1; }
rm tests/seconds tests/rooms tests/quick

# `--long`, interrupted in the second of two tests: the page has the first, nobody is left, and the next run does the rest.
rm -r tests/few && mkdir tests/long || exit 2
echo "echo once >>'$PWD/ran'" >tests/long/first.sh
echo "[ -e '$PWD/go' ] || { touch '$PWD/waits'; exec sleep 1000; }" >tests/long/second.sh
git init -q . && git add tests && git -c user.name=a -c user.email=a commit -q -m a || exit 2
export GIT_CEILING_DIRECTORIES=${PWD%/*}
. "$SOURCE/tests/tools/await.sh"
nobody_left() { [ -z "$(find /proc/[0-9]*/cwd -maxdepth 1 -lname "$BUILD/tests/scratch/*" 2>/dev/null)" ]; }
# A signal to tests/run alone ends it before its tests have ended by themselves.
setsid tests/run --long >out 2>&1 &
run=$!
await test -e waits || { cat out && failed=1; }
kill -TERM "$run"
has_ended() { ! kill -0 "$run"; }
await has_ended || { echo "tests/run does not hear a signal of its own until its tests have ended" && failed=1 && kill -KILL -- "-$run"; }
wait "$run"
nobody_left || { echo "a signal to tests/run alone leaves its tests" && failed=1; }
rm -rf waits ran build/tests docs

env --default-signal setsid tests/run --long >out 2>&1 &
run=$!
has_first() { [ -e waits ] && grep '^| long/first.sh | passed ' docs/benchmarks/*.md; }
await has_first || { cat out && failed=1; }
# Beside a live one there is no second one, which would go on in the same folder.
timeout 300 tests/run --long >second 2>&1
[ $? -eq 2 ] && grep -q "^tests/run: another --long run works in .*/results_long (process $run)" second && kill -0 "$run" || {
    echo "a second run beside a live one is not refused:" && cat second && failed=1
}
kill -INT -- "-$run"
wait "$run"
await nobody_left || { echo "an interrupted run leaves its tests" && failed=1; }
page=$(echo docs/benchmarks/*.md)
for line in '^Not whole: 1 of 2 tests have ended' '^1 passed, 0 failed, 0 [a-z]* in ' '^| long/second.sh | not run |'; do
    grep -q "$line" "$page" || { echo "the page of an interrupted run does not say '$line':" && cat "$page" out && failed=1; }
done
touch go
closes_with 0 --long '2 passed, 0 failed'
[ "$(cat ran)" = once ] && grep -q 'goes on behind 1 tests' out || { echo "the run does not go on:" && cat ran out && failed=1; }
grep -q '^2 passed, 0 failed in ' "$page" && ! grep -q 'Not whole\|not run' "$page" || { echo "the page is not whole:" && cat "$page" && failed=1; }
closes_with 0 --long '2 passed, 0 failed'
[ "$(grep -c once ran)" = 2 ] && [ "$(find docs/benchmarks -name '*.md' | wc -l)" = 2 ] || { echo "a run after a whole one is not a new one:" && cat ran out && failed=1; }

# With FULL=1 tests/long hears of it, and no other test does; the page says the size.
mkdir tests/few && echo "[ -z \"\${FULL-}\" ]" | test_of hears_nothing
echo "pwd; [ \"\${FULL-}\" = 1 ]" >tests/long/second.sh
export FULL=1
closes_with 0 --long '3 passed, 0 failed'
unset FULL
grep -lx 'In full: `make check-long FULL=1`.' docs/benchmarks/*.md >full
grep -lx 'In the size of an evening; .*' docs/benchmarks/*.md >evening
grep -qx 'build/tests/scratch/long.second.sh' docs/benchmarks/*.md && ! grep "$BUILD" docs/benchmarks/*.md || { echo "a page names folders of this machine" && failed=1; }
[ "$(wc -l <full)" = 1 ] && [ "$(wc -l <evening)" = 2 ] || { echo "a page does not say its size:" && cat full evening && failed=1; }

# A test that hangs is ended at its limit; in a whole run with --long, and in an emulator, at four times that, those of tests/long as they say.
rm tests/few/* tests/long/first.sh
printf '# timeout: 1\nexec sleep 1000\n' | tee tests/few/hangs.sh >tests/long/second.sh
hung() { # PATHS LINES
    # shellcheck disable=SC2086
    tests/run $1 >out 2>&1
    [ "$(grep '^hung: ' out | sort)" = "$2" ] || { echo "tests/run $1 ends what hangs otherwise:" && cat out && failed=1; }
}
hung few 'hung: ended after 1 s'
TOOLS_FIRST=$PWD hung few 'hung: ended after 4 s'
hung --long $'hung: ended after 1 s\nhung: ended after 4 s'

# Lint in the quick tier looks at what changed since the last tenth commit, or since the branch that a clone follows, or at a landing since the day before; where
# a tenth commit is among those, and where a table or a rule changed, at everything.
. "$SOURCE/tests/tools/changed.sh"
looks_at() { # LINE: in the folder we are in
    local got
    got=$(QUICK=1 changed_or printf everything | tr '\0' ' ')
    [ "$got" = "$1" ] || { echo "$(git rev-list --count HEAD) commits: the quick tier looks at $got, due: $1" && failed=1; }
}
commit() { echo "$1" >"$1" && git add "$1" && git -c user.name=a -c user.email=a commit -q -m "$1" || exit 2; }
mkdir twelve && cd twelve && looks_at everything && git init -q . || exit 2
on_day() { export GIT_COMMITTER_DATE="2026-01-0$1 12:00 +0000"; }
on_day 1
for name in a b c d e f g h i; do commit $name; done
on_day 2 && commit j && looks_at everything
on_day 4 && commit k && commit l && echo >m && looks_at 'k l m '
for name in .clang-tidy tests/lint/rules.sh src/x.def; do
    mkdir -p "$(dirname $name)" && echo >$name && looks_at everything && rm $name
done
git clone -q . ../clone && cd ../clone || exit 2
looks_at 'k l '
commit n && looks_at 'n '
on_day 6 && for name in o p q r s t u v; do commit $name; done
looks_at everything
git clone -q . ../landed && cd ../landed && looks_at everything
exit $failed
