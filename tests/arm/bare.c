/* Functions that are compiled without call frame information. */
int call_bare_compiled(void (*function)(void), int depth);
static volatile int sink;
__attribute__((noinline)) int call_bare_compiled(void (*function)(void), int depth) {
    volatile char room[120];
    room[depth] = 1;
    if (depth == 0)
        function();
    else
        sink += call_bare_compiled(function, depth - 1);
    return room[depth] + sink;
}
