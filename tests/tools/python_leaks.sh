# shellcheck shell=bash
# Helpers for tests that look for leaks in CPython, which has some of its own at exit since 3.12 (names that it keeps once): there is what memcheck
# finds due. Sourced.

# HAKMEM_LEAKS for CPython: error where it loses nothing by itself.
python_leaks() {
    if /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then echo error; else echo 0; fi
}

# Blocks and bytes that memcheck finds lost, of a run of a command; not those with a pointer into their middle, which hakmem follows.
lost_to_memcheck() {
    PYTHONHASHSEED=0 PYTHONMALLOC=malloc valgrind --leak-check=full --log-file=memcheck "$@" >/dev/null || return 1
    grep -q 'All heap blocks were freed' memcheck && echo 'HEAP: 0 bytes in 0 blocks lost' >>memcheck
    awk '/(definitely|indirectly) lost: / { gsub(",", ""); bytes += $4; blocks += $7 } END { print blocks + 0, bytes + 0 }' memcheck
}

# The same by hakmem's leak scan at exit.
lost_to_hakmem() {
    rm -f leaks.db
    PYTHONHASHSEED=0 "$BUILD/hakmem-trace" run --wait --pools=malloc --leaks=1 --store leaks.db -- "$@" >/dev/null 2>leaks.err || return 1
    "$BUILD/hakmem-trace" sql -s leaks.db 'SELECT coalesce(sum(count), 0), coalesce(sum(bytes), 0) FROM leak' | tail -n 1 | tr '\t' ' '
}

# Both find the same lost, of a run of a command.
same_is_lost() {
    local due found
    due=$(lost_to_memcheck "$@") || { echo "memcheck of $*: $(tail -n 3 memcheck)"; return 1; }
    found=$(lost_to_hakmem "$@") || { echo "hakmem of $*: $(head -n 5 leaks.err)"; return 1; }
    [ "$due" = "$found" ] && return
    echo "$*: lost, blocks and bytes: memcheck $due, hakmem $found"
    return 1
}
