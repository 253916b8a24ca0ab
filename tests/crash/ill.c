/* Meets an instruction that does not exist. */
static void trap(void) {
    __asm__ volatile("ud2");
}

int main(void) {
    trap();
    return 0;
}
