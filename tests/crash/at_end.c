/* Crashes in a destructor, when libraries are ending. */
static int *volatile nothing;

__attribute__((destructor)) static void end(void) {
    *nothing = 1;
}

int main(void) {
    return 0;
}
