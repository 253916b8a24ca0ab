# shellcheck shell=bash
# For tests that start one program many times in one recorded session, where it may find itself unrecorded
# for want of memory, which it then says. Sourced; works in the current directory.

counting="$BUILD/tests/tools/count_calls.so $BUILD/hakmem-debug.so"
export COUNT_CALLS_FILE=calls

begin_run() {
    rm -f calls && truncate -s 1M calls
}

# After a run with its stderr in `err`: nothing is said but that nothing is recorded, and what is recorded is
# noted for compare_runs. $1 says which run it was.
end_run() {
    if [ -s err ]; then
        [ "$(wc -l <err)" -eq 1 ] && grep -q '^hakmem: nothing is recorded: ' err && return
        echo "$1: it says $(head -n 3 err)"
        exit 1
    fi
    # pid, MALLOC, FREE, REALLOC of each process image
    [ -z "${recorded-}" ] ||
        od -A n -t u8 -w64 -v calls | awk 'NR == 1 { n = $1 } NR > 1 && NR <= n + 1 { print $1, $2, $3, $4 }' |
        sed '/ 0 0 0$/d' >>counted # nothing where there was no memory for the counter
}

# What was noted against the store $1, of the processes whose program is $2; at least $3 there must be.
compare_runs() {
    [ "$(wc -l <counted)" -ge "$3" ] || { echo "$1: only $(wc -l <counted) processes were counted"; exit 1; }
    "$BUILD/hakmem-trace" check -s "$1" >check.out 2>&1 || { echo "$1: $(head -n 5 check.out)"; exit 1; }
    "$BUILD/hakmem-trace" sql -s "$1" "select p.pid || ' ' || total(kind = 'MALLOC') || ' ' || total(kind = 'FREE') ||
            ' ' || total(kind = 'REALLOC') || ' ' as row from event e join process p on p.id = e.process
            where p.program like '%/$2' group by p.pid" |
        sed -nE 's/\.0 / /g; / 0 0 0 *$/d; s/^([0-9]+ [0-9]+ [0-9]+ [0-9]+) *$/\1/p' |
        awk 'NR == FNR { is_counted[$1] = 1; next } is_counted[$1]' counted - | sort >stored
    sort counted | cmp -s - stored || {
        echo "$1: the store (>) holds other numbers of calls than were made (<): pid malloc free realloc"
        sort counted | diff - stored | head -n 10
        exit 1
    }
}
