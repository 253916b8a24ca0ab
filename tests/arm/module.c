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

static void (*asked)(void);
static int answer(void) {
    return 5;
}
/* Is called when the first call of resolved() is bound. */
static int (*resolve(void))(void) {
    if (asked)
        asked();
    return answer;
}
__attribute__((visibility("default"), ifunc("resolve"))) int resolved(void);
__attribute__((visibility("default"))) int call_resolver(void (*function)(void)) {
    asked = function;
    return resolved() + sink;
}
