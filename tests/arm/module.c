/* A module that calls back, through functions of its own. */
static volatile int sink;
__attribute__((noinline)) static int inner(void (*function)(void), int depth) {
    volatile char room[64];
    room[depth] = 1;
    if (depth == 0)
        function();
    else
        sink += inner(function, depth - 1);
    return room[depth];
}
__attribute__((visibility("default"))) int call_through(void (*function)(void)) {
    return inner(function, 6) + sink;
}
