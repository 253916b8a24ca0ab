# Runs the tests of this folder with our libraries in front: each build, each layout, each front; in the quick tier two of
# them, each without the test that takes it longest.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"

tests=()
for test in malloc realloc aligned thread fork exhaustion; do left_out "$test" || tests+=("$test"); done

# run_all NAME LIBRARY [VARIABLE=VALUE...]
run_all() {
    local name=$1 library=$2 test
    shift 2
    for test in "${tests[@]}"; do
        [ "$test" = "${EXCEPT:-}" ] && continue
        if ! env "$@" LD_PRELOAD="$library" "$BUILD/tests/unit/entry/${test}_test" >"$test.out" 2>"$test.err"; then
            echo "$name: ${test}_test failed:"
            tail -n 20 "$test.out" "$test.err"
            failed=1
        elif [ -s "$test.err" ]; then
            echo "$name: ${test}_test was not silent on stderr:"
            head -n 5 "$test.err"
            failed=1
        fi
    done
}

plain=$BUILD/libhakmem.so debug=$BUILD/hakmem-debug.so
if is_quick; then
    EXCEPT=exhaustion run_all "plain" "$plain"
    EXCEPT=fork run_all "debug" "$debug" HAKMEM_TRACE=off
    exit "$failed"
fi
run_all "plain" "$plain"
run_all "plain, magazines" "$plain" HAKMEM_TINY_MAGAZINE_ENABLE=1
run_all "plain, smallest magazines" "$plain" HAKMEM_TINY_MAGAZINE_ENABLE=1 HAKMEM_TINY_MAG_CAP=2 \
    HAKMEM_TINY_TLS_SLL_CAP=1
# FULL=1: all ways; else each two choices together once.
for check in trace normal; do
    for layout in same header; do
        for magazine in 0 1; do
            case "${FULL:-0} $check $layout $magazine" in
            1* | *'trace same 0' | *'trace header 1' | *'normal same 1' | *'normal header 0') ;;
            *) continue ;;
            esac
            run_all "debug, $check, $layout, magazine $magazine" "$debug" HAKMEM_TRACE=off \
                HAKMEM_CHECK=$check HAKMEM_LAYOUT=$layout HAKMEM_TINY_MAGAZINE_ENABLE=$magazine HAKMEM_CLOSE_PAGES=0
            # Guarded blocks have a level of their own: with FULL=0 beside one of the two, which leaves each layout and front once.
            [ "${FULL:-0}$check" != 0trace ] || continue
            # exhaustion_test takes all mappings for itself, and counts on how many it has.
            [ "$check" = trace ] || EXCEPT=exhaustion run_all "debug, $check, $layout, magazine $magazine, pages" \
                "$debug" HAKMEM_TRACE=off HAKMEM_LAYOUT=$layout HAKMEM_TINY_MAGAZINE_ENABLE=$magazine
        done
    done
done
exit "$failed"
