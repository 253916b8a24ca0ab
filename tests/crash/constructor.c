/* Crashes before main. */
static int *volatile nothing;

__attribute__((constructor)) static void begin(void) {
    *nothing = 1;
}

int main(void) {
    return 0;
}
