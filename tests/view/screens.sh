#!/usr/bin/env bash
# The screens of `view`, cell by cell: what a person sees of the golden store after each key, from the peak to a
# line, its stacks, a block and its story. UPDATE=1 writes screens.exact anew.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/view
# shellcheck source=tests/view/screen.bash
. "$here/screen.bash"
cp "$here/../format/v3/golden.db" . && chmod u+w golden.db || fail "no golden store"
made=$PWD/made
: >"$made"

# The screen that is due under this title.
due() {
    awk -v title="== $1" '$0 == title { found = 1; next } /^== / { found = 0 } found' "$here/screens.exact"
}
# shows TITLE PATTERN: waits for the pattern, and then for the very screen.
shows() {
    local last=
    sees "$2"
    if [ -n "${UPDATE-}" ]; then
        until [ "$(screen)" = "$last" ]; do last=$(screen) && sleep 0.5; done
        printf '== %s\n%s\n' "$1" "$(screen)" >>"$made"
        return
    fi
    limit=$((SECONDS + ${LIMIT:-120}))
    until [ "$(screen)" = "$(due "$1")" ]; do
        [ "$SECONDS" -lt "$limit" ] || { diff -u <(due "$1") <(screen); fail "this is not screen \"$1\""; }
        sleep 0.05
    done
}

begin 80 24 env TERM=tmux-256color "$trace" view -s golden.db
shows 'the peak' '1 of 185$'
keys j j Down
shows 'another line' '4 of 185$'
keys g Enter
shows 'the stacks of a line' 'allocated from'
keys Enter
shows 'the blocks of a stack' ' bytes  address'
keys Enter
shows 'why' 'owner  event'
keys s # means nothing here
keys Escape
sees ' bytes  address'
keys F6
shows 'the blocks by age' ' bytes  address'
keys BSpace q
shows 'back again' '  1 of 185$'
keys t
shows 'the tree' 'by function  1 of'
keys Down Left
shows 'a node that is closed' 'by function'
keys 3
shows 'the callers' 'by function'
keys 4
shows 'the faults' ' what$'
keys Enter
shows 'a report' '1-[0-9]+ of [0-9]+$'
keys Escape 1
words '/0x1'
shows 'a word is typed' 'Search: /?0x1'
keys Enter
shows 'a word is found' '[0-9]+ of 185$'
words 'nn'
words '\'
words 'inner'
keys Enter
shows 'a filter' 'only inner'
words '\'
keys C-u Enter
sees ' of 185$'
words ']]]]'
shows 'a later moment' 'live in'
keys s
words '}}'
shows 'a span' 'grown|shrunk'
keys F8 F9
shows 'a mark' 'at mark'
keys Tab G
shows 'the end' 'at the end'
keys Tab v v v v
shows 'by stack' 'by stack'
keys v
shows 'by class' 'by class'
keys v
shows 'by size' 'by size'
keys Enter
shows 'the stacks of a size' 'allocated from'
keys Enter
shows 'the blocks of a size' ' bytes  address'
keys q q v
shows 'by lifetime' 'by lifetime'
keys v
shows 'by thread' 'by thread'
keys v v
sees 'by function'
words 'p{s}}'
sees 'grown|shrunk'
words 'z'
shows 'the timeline of a span' 'ZOOM 1'
words '[['
shows 'a span inside of it' 'ZOOM 1'
words 'z'
shows 'the timeline of that' 'ZOOM 2'
words 'sm'
shows 'no mark in it' 'No mark'
words 'ZZZ'
shows 'the whole time again' 'This is the whole time'
keys F1
shows 'help' 'Help'
keys q Q
sees '^over 4$' # the golden capture has a loss

begin 120 40 env TERM=xterm "$trace" view --chart blocks -s golden.db --at "'#2000'" --per file
shows 'a large screen' 'event 2,000'
keys F10
sees '^over 4$'
begin 80 24 env LANG=C TERM=vt100 "$trace" view -s golden.db
shows 'without UTF-8' '1 of 185$'
keys q
sees '^over 4$'
[ -z "${UPDATE-}" ] || cp "$made" "$here/screens.exact"
