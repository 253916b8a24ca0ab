# shellcheck shell=bash
# Runs a threaded program with every front on, under every profile and with both kinds of learning, in both libraries.
# Sourced; works in the current directory.

unset "${!HAKMEM_@}"
all_fronts=(HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0 HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1 HAKMEM_TINY_FRONT_ENABLE_FC=1
    HAKMEM_TINY_FRONT_ENABLE_SFC=1 HAKMEM_TINY_HOT_RING_ENABLE=1 HAKMEM_SMALLMID_ENABLE=1)

# $1 what the run is called; then variables and the program.
run_one_setting() {
    local name=$1 started=$SECONDS status=0
    shift
    env "$@" >out 2>err </dev/null || status=$?
    [ $status -eq 0 ] && [ -s out ] && [ ! -s err ] || {
        echo "$name: status $status: $(head -n 5 out err)"
        exit 1
    }
    echo "$name: $(cat out) in $((SECONDS - started)) s"
}

# all_fronts PROGRAM ARGUMENT...: every block whole, hak_verify content, nothing said.
all_fronts() {
    local library profile
    for library in libhakmem.so hakmem-debug.so; do
        for profile in default balanced adaptive tight; do
            run_one_setting "$library, profile $profile, all fronts" LD_PRELOAD="$BUILD/$library" HAKMEM_TRACE=off \
                HAKMEM_PROFILE=$profile "${all_fronts[@]}" "$@"
        done
        run_one_setting "$library, both learnings, all fronts" LD_PRELOAD="$BUILD/$library" HAKMEM_TRACE=off \
            HAKMEM_ALLOC_LEARN=1 HAKMEM_MEM_LEARN=1 HAKMEM_LEARN_ADVANCED=1 HAKMEM_ALLOC_LEARN_WINDOW=1000 \
            HAKMEM_MEM_LEARN_WINDOW=1000 "${all_fronts[@]}" "$@"
    done
}
