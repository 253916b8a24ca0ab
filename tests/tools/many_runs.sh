# shellcheck shell=bash
# Helpers for tests that start one program many times in one recorded session, where it may find itself unrecorded
# for want of memory, which it then says. Sourced; works in the current directory.

counting="$BUILD/tests/tools/count_calls.so $BUILD/hakmem-debug.so"
export counting
runs=0

# A recorded run has a file of its own for the counter: all are read at the end, in one go, since every program that
# is started here is recorded, too.
begin_run() {
    [ -n "${recorded-}" ] || return 0
    export COUNT_CALLS_FILE=calls.$runs
    : >"$COUNT_CALLS_FILE" && truncate -s 1M "$COUNT_CALLS_FILE"
}

# After a run with its stderr in `err`: nothing is said, and what the counter counted counts (not so for a run without
# this). $1 says which run it was.
end_run() {
    [ ! -s err ] || {
        echo "$1: it says $(head -n 3 err)"
        exit 1
    }
    [ -z "${recorded-}" ] || printf '%s\n' "$COUNT_CALLS_FILE" >>ended
    runs=$((runs + 1))
}

# Prints what an SQL query gives.
ask() {
    "$BUILD/hakmem-trace" sql -s "$1" "$2" || { echo "hakmem-trace sql failed: $2" >&2; exit 1; }
}

# Compares the counts of all runs since the last time with the store $1, of the processes whose program is $2; at
# least $3 there must be. A program that the store names as not recorded, for want of memory, is left out with its
# children.
compare_runs() {
    xargs python3 "$SOURCE/tests/tools/counted_runs.py" <ended >counted || { echo "$1: what was counted cannot be read"; exit 1; }
    rm -f ended calls.*
    [ "$(wc -l <counted)" -ge "$3" ] || { echo "$1: only $(wc -l <counted) processes were counted"; exit 1; }
    "$BUILD/hakmem-trace" check -s "$1" >check.out 2>&1 || { echo "$1: $(head -n 5 check.out)"; exit 1; }
    ask "$1" "select pid || ' ' as pid from process where note <> ''" | sed -n 's/^\([0-9]*\) *$/\1/p' >unrecorded
    # A pid may come again, also one that was a left out child's.
    awk 'FILENAME == "unrecorded" { is_unrecorded[$1] = 1; next } is_unrecorded[$1] { is_left_out[$2] = 1; next }
            { m[$2] += $3; f[$2] += $4; r[$2] += $5 }
            END { for (p in m) if (!is_left_out[p]) print p, m[p], f[p], r[p] }' unrecorded counted |
        sort >due
    ask "$1" "select p.pid || ' ' || total(kind = 'MALLOC') || ' ' || total(kind = 'FREE') || ' ' ||
            total(kind = 'REALLOC') || ' ' as row from event e join process p on p.id = e.process
            where p.program like '%/$2' group by p.pid" |
        sed -nE 's/\.0 / /g; / 0 0 0 *$/d; s/^([0-9]+ [0-9]+ [0-9]+ [0-9]+) *$/\1/p' |
        awk 'FILENAME == "due" { is_counted[$1] = 1; next } is_counted[$1]' due - | sort >stored
    [ "$(wc -l <stored)" -ge $(($3 / 2)) ] || { echo "$1: only $(wc -l <stored) processes were recorded"; exit 1; }
    cmp -s due stored || {
        echo "$1: the store (>) holds other numbers of calls than were made (<): pid malloc free realloc"
        diff due stored | head -n 10
        exit 1
    }
}

# refuse_at FIRST COUNT LIBRARY STEPS: one run in which COUNT calls for memory fail, from the FIRST on. Sets seen, the calls
# that there were.
refuse_at() {
    local status
    begin_run
    "$BUILD/tests/memory/fail_call" --first "$1" --count "$2" --seen seen --preload "$3" \
        "$BUILD/tests/memory/survive" "$4" >out 2>err
    status=$?
    read -r seen <seen
    [ "$status" -eq 0 ] && [ "$(<out)" = survived ] || {
        echo "call $1 of $seen failed, $2 in a row, $3: status $status: $(head -n 3 err)"
        exit 1
    }
    end_run "call $1 of $seen failed, $2 in a row, $3"
}

# limit_each LIMIT KIB FACTOR STEPS LIBRARY: runs under `ulimit LIMIT` (-v or -d) from KIB on, each FACTOR thousandths of the one
# before: the program starts or it does not, and goes on with what it gets. It must go in more than half of them.
limit_each() {
    local kib=$2 step status went=0
    for ((step = 0; step < $4; step++, kib = kib * $3 / 1000 + 1)); do
        begin_run
        (ulimit -S "$1" $kib; LD_PRELOAD=$5 exec "$BUILD/tests/memory/survive" 60) >out 2>err
        status=$?
        case "$status" in
        0)
            # ld.so finds no room for the library, says so, and starts the program without it
            [ "$went" -gt 0 ] || ! grep -q "object '${5##* }' from LD_PRELOAD cannot be preloaded" err || continue
            went=$((went + 1))
            end_run "ulimit $1 $kib, $5"
            ;;
        3) # nothing at all could be had: `ulimit -d` counts the library's data (3 MiB), tables of addresses (0.5 each, one
            # or two by ASLR), guarded slots (1.1) and small ones, 5.3 to 5.9 MiB before the first block; the tables of
            # stacks have no room then. A SuperSlab and what is known of its slots need 8 MiB
            [ $kib -lt 20000 ] || { echo "ulimit $1 $kib, $5: nothing was to be had"; exit 1; }
            end_run "ulimit $1 $kib, $5"
            ;;
        127) # the dynamic linker could not load what it has to
            [ "$went" -eq 0 ] && grep -qE 'error while loading shared libraries|cannot allocate TLS' err || {
                echo "ulimit $1 $kib, $5: $(head -n 3 err)"
                exit 1
            }
            ;;
        139) # ld.so does not ask whether it got its tables; which page it lacks goes by the length of paths
            [ "$went" -eq 0 ] && [[ $("$BUILD/tests/memory/died_in" "$1" $kib "$5" \
                "$BUILD/tests/memory/survive" 60 2>/dev/null) == */ld-linux-* ]] || {
                echo "ulimit $1 $kib, $5: SIGSEGV: $(head -n 3 err)"
                exit 1
            }
            ;;
        *)
            echo "ulimit $1 $kib, $5: status $status: $(head -n 3 err)"
            exit 1
            ;;
        esac
    done
    [ "$went" -gt $(($4 / 2)) ] || { echo "ulimit $1, $5: it went only $went times of $4"; exit 1; }
}
