/* A library that crashes while it is loaded (tests/crash/load.c). */
static int *volatile nothing;

__attribute__((constructor)) static void begin(void) {
    *nothing = 1;
}
