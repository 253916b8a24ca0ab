/* Fills its stack to the very end: all frames, arguments and environment are gone. */
static void fill(volatile char *from) {
    for (;;)
        *from++ = 'A';
}

int main(void) {
    char name[8];
    fill(name);
    return 0;
}
