#!/usr/bin/env bash
# The page of `replay --html` in a headless Chromium: curves and tables have the figures of --json, a library's name stays a text, 400 to 2,560 pixels.
# timeout: 900
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C.UTF-8
c="${CC:-cc} -w -fno-builtin -O1"
name='a<b>&|"x.so'
$c -o shapes "$SOURCE/tests/replay/shapes.c" &&
    printf '%s\n' 'void *__libc_malloc(unsigned long);' 'void *malloc(unsigned long n) { return __libc_malloc(n); }' | $c -shared -fPIC -o "$name" -x c - ||
    fail 'the programs do not compile'
"$trace" run -s shapes.db -- ./shapes 2>notes || fail "run: status $?: $(cat notes)"
"$trace" replay -s shapes.db --touch first --against "glibc,./$name" --html page.html --json >answer.json 2>errors || fail "replay --html: status $?: $(cat errors)"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" answer.json || complain 'beside --html there is no document of the page'
"$trace" replay -s shapes.db --touch first --against glibc --html - >alone.html 2>errors || complain "replay --html -: status $?: $(cat errors)"
head -n 1 alone.html | grep -q '^<!doctype html>$' && [ "$(tail -n 1 alone.html)" = '</html>' ] || complain "--html - is not the page alone: $(head -n 3 alone.html)"
! grep -E '(src|href)="?(https?:)?//' page.html || complain 'the page loads something'
"$trace" replay -s shapes.db --touch first --against glibc --html missing/page.html >said 2>errors
status=$?
[ "$status" -eq 3 ] && grep -q missing/page.html errors || complain "a folder that is not there: status $status: $(cat errors)"
python3 "$SOURCE/tests/html/replay.py" "$PWD" page.html answer.json || complain 'the page is not as due'
exit "$failed"
