/* Meets a breakpoint without a debugger. */
static void stop_here(void) {
    __asm__ volatile("int3");
}

int main(void) {
    stop_here();
    return 0;
}
