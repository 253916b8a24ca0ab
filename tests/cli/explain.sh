#!/usr/bin/env bash
# `explain` shows pages as text: no mark of Markdown outside of code blocks, bold only with colour.
. "${SOURCE:?}/tests/tools/test.sh"
escape=$(printf '\033')
for code in $("$trace" explain | sed -n 's/^\(HKM-[0-9]*\) .*/\1/p'); do
    "$trace" explain "$code" >page || fail "$code: status $?"
    grep -v '^    ' page | grep -nE '^#|^\||`|\]\(|\*\*' && fail "$code: Markdown in the lines above"
    grep -q '^WHAT IT IS$' page || fail "$code: no heading WHAT IT IS"
    grep -q "$escape" page && fail "$code: escape codes in a file"
    "$trace" explain "$code" --color always | sed "s/$escape\[[0-9;]*m//g" | cmp - page || fail "$code: --color always has other text"
done
"$trace" explain HKM-101 --color always | grep -qF "${escape}[1mWHAT IT IS${escape}[0m" || fail "headings are not bold"
"$trace" explain HKM-101 --json | grep -q '## What it is' || fail "--json has no longer the page as it is"
exit 0
