# A terminal of one's own (tmux) for the scripts of this folder, which source this. Nothing sleeps for a fixed time: what is
# due is waited for, 120 s at most.
unset "${!HAKMEM_@}" PAGER LESS NO_COLOR COLORTERM LD_PRELOAD TMUX LC_ALL LC_CTYPE LANGUAGE TERM
export LANG=C.UTF-8 TZ=UTC
name=${0##*/}
sockets=$(mktemp -d /tmp/hakview.XXXXXX) || exit 2 # a socket's path has 107 bytes
export TMUX_TMPDIR=$sockets
trace=$BUILD/hakmem-trace
number=0
window() { tmux -u -L "hak$number" -f /dev/null "$@" 8>&- 9>&-; }
# shellcheck disable=SC2154
cleanup() { window kill-server 2>/dev/null; rm -rf "$sockets"; eval "${at_exit-}"; }
fail() {
    echo "$name: $*"
    echo '---- the screen:'
    window capture-pane -p 2>/dev/null
    exit 1
}
command -v tmux >/dev/null || fail "there is no tmux"

# begin COLUMNS ROWS COMMAND: a new window and nothing else; `over STATUS` stands there at its end.
begin() {
    local columns=$1 rows=$2
    shift 2
    window kill-server 2>/dev/null
    number=$((number + 1)) # the old one may take a moment to end
    window new-session -d -x "$columns" -y "$rows" "$* ; echo over \$?; exec sleep 1000" || fail "no window"
}
waited() {
    [ "$SECONDS" -lt "$limit" ] || fail "$1"
    sleep 0.05
}
keys() { window send-keys "$@"; }
# Text that is no name of a key.
words() { window send-keys -l -- "$1"; }
screen() { window capture-pane -p; }
# sees PATTERN: waits until a line of the screen has it.
sees() {
    limit=$((SECONDS + ${LIMIT:-120}))
    until screen | grep -Eq -- "$1"; do waited "\"$1\" is not on the screen"; done
}
lacks() {
    limit=$((SECONDS + ${LIMIT:-120}))
    while screen | grep -Eq -- "$1"; do waited "\"$1\" stays on the screen"; done
}
