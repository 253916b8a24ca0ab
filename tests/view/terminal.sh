#!/usr/bin/env bash
# `view` and the terminal: what it says where there is none, other sizes, without colour, the mouse, and that the
# terminal is as it was however it ends.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/view
# shellcheck source=tests/view/screen.bash
. "$here/screen.bash"
cp "$here/../format/v3/golden.db" . && chmod u+w golden.db || fail "no golden store"

# ---- where there is no screen for it ----------------------------------------------------------------------------
refuses() {
    local status=$1 due=$2
    shift 2
    "$@" >out 2>err </dev/null
    local got=$?
    [ "$got" -eq "$status" ] || fail "$*: status $got, due $status; $(cat out err)"
    grep -qF -- "$due" err || fail "$*: said $(cat err), due $due"
    [ ! -s out ] || fail "$*: $(head -c 100 out)"
}
refuses 2 'stdin and stdout are no terminal; `hakmem-trace top`, `heap` and `faults` print the same' "$trace" view -s golden.db
refuses 2 'view has no --json' "$trace" view --json -s golden.db
refuses 2 '--chart round: auto, braille, blocks or ascii was expected' "$trace" view --chart round -s golden.db
refuses 3 'no such file' "$trace" view -s none.db
says() { # COLUMNS ROWS LINE ENVIRONMENT...: on a terminal
    local columns=$1 rows=$2 line=$3
    shift 3
    begin "$columns" "$rows" env "$@" "$trace" view -s golden.db
    sees '^over 2$'
    window capture-pane -pJ | grep -qF -- "$line" || fail "due: $line"
}
says 100 30 'TERM=nobody-has-this: terminfo knows no such terminal; ' TERM=nobody-has-this
says 100 30 'TERM is not set' TERM=
says 100 30 'TERM=dumb: this terminal cannot move its cursor; ' TERM=dumb
says 59 30 'the terminal has 59 columns and 30 lines; 60 and 16 are needed' TERM=tmux-256color
begin 100 30 env TERM=tmux-256color "$trace" view -s golden.db --at nowhere
sees '^over 2$'
sees '^hakmem-trace: --at nowhere: peak, start, end'
begin 100 30 env TERM=tmux-256color "$trace" view -s golden.db '</dev/null'
sees '^over 2$'
sees 'stdin is no terminal'

# ---- sizes ------------------------------------------------------------------------------------------------------
begin 80 24 env TERM=tmux-256color "$trace" view -s golden.db
sees '1 of 185$'
keys G
sees '185 of 185$'
window resize-window -x 60 -y 16
sees '185 of 185$'
limit=$((SECONDS + ${LIMIT:-120}))
until [ "$(screen | tail -n 1 | cut -c 1-6)" = F1Help ]; do waited "the keys are not in line 16"; done
window resize-window -x 40 -y 10
sees '^too small: 40x10 of 60x16'
keys 4 # is not seen, so does nothing
window resize-window -x 133 -y 50
sees '185 of 185$'
sees 'alloc +freed +function'
keys q
sees '^over 4$'

# ---- the mouse --------------------------------------------------------------------------------------------------
# BUTTON COLUMN ROW, from 1: as xterm sends it. More BUTTONs come in one write.
mouse() {
    local button bytes=()
    for button in $1; do mapfile -t -O ${#bytes[@]} bytes < <(printf '%x\n' 27 91 77 $((button + 32)) $(($2 + 32)) $(($3 + 32))); done
    window send-keys -H "${bytes[@]}"
}
begin 80 24 env TERM=tmux-256color "$trace" view -s golden.db
sees '1 of 185$'
mouse 0 30 14
mouse 3 30 14
sees '4 of 185$'
mouse 65 30 15 # the wheel
sees '7 of 185$'
mouse 64 30 15
sees '4 of 185$'
mouse 0 10 9 # the second tab
mouse 3 10 9
lacks ' of 185$'
mouse 0 3 9
mouse 3 3 9
sees ' of 185$'
mouse 0 10 4 # the timeline's first column
mouse 3 10 4
lacks 'at the peak'
mouse '0 3' 75 24 # F10: a button that is let go later would be echoed before the line that is waited for
sees '^over 4$'

# ---- colour -----------------------------------------------------------------------------------------------------
# What reaches the terminal: its sequences of colours (SGR 30 to 49).
colours() {
    begin 80 24 env "$@" "$trace" view "${more[@]}" -s golden.db
    window pipe-pane -o "cat >'$PWD/raw'" # from here on
    sees '1 of 185$'
    keys t t
    sees 'by function  1 of'
    window resize-window -x 90 # all is drawn anew
    sees 'F3Search F4Filter'
    keys Q
    limit=$((SECONDS + ${LIMIT:-120}))
    until LC_ALL=C grep -aq 'over 4' raw; do waited "its end is not in the pipe"; done
    LC_ALL=C grep -aEq $'\033\\[([0-9;]*;)?[34][0-9](;[0-9;]*)?m' raw
}
more=()
colours TERM=tmux-256color || fail "no colour on a terminal that has them"
! colours TERM=vt100 || fail "colour on a vt100"
! colours TERM=tmux-256color NO_COLOR=1 || fail "colour in spite of NO_COLOR"
more=(--color never)
! colours TERM=tmux-256color || fail "colour in spite of --color never"

# ---- ends -------------------------------------------------------------------------------------------------------
# ends HOW STATUS: the terminal is looked at before and behind it.
ends() {
    local how=$1 due=$2
    rm -f before behind pid
    begin 80 24 "trap : INT; stty -a >before; sh -c 'echo \$\$ >pid; exec env TERM=tmux-256color \"$trace\" view -s golden.db'; echo status \$?; stty -a >behind"
    sees '1 of 185$'
    [ "$(window display-message -p '#{alternate_on}')" = 1 ] || fail "it does not use the terminal's second screen"
    eval "$how"
    sees "^status $due\$"
    [ "$(window display-message -p '#{alternate_on}')" = 0 ] || fail "$how: the second screen stays"
    [ "$(window display-message -p '#{cursor_flag}')" = 1 ] || fail "$how: the cursor stays hidden"
    limit=$((SECONDS + ${LIMIT:-120}))
    until [ -s behind ]; do waited "$how: no stty"; done
    cmp before behind || fail "$how: the terminal is not as it was"
}
ends 'keys q' 4
ends 'kill -TERM "$(cat pid)"' 143
ends 'kill -HUP "$(cat pid)"' 129
ends 'keys C-c' 130

# Stopped and continued, as Ctrl-Z and fg do.
begin 80 24 "bash --norc -i"
sees '^bash-[0-9.]+[#$]'
words "TERM=tmux-256color '$trace' view -s golden.db"
keys Enter
sees '1 of 185$'
keys C-z
sees 'Stopped'
[ "$(window display-message -p '#{alternate_on}')" = 0 ] || fail "stopped, the second screen stays"
words 'fg'
keys Enter
sees '1 of 185$'
keys j
sees '2 of 185$'
keys q
lacks ' of 185$'
