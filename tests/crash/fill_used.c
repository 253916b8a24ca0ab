/* Uses a number as a pointer that happens to be what freed memory is filled with. Run by
 * addresses.sh. */
int main(void) {
    char *volatile at = (char *)0xdddddddddddddddd;
    return *at;
}
