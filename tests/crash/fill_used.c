/* Uses a number as a pointer that has the form of what freed memory is filled with, and names no
 * block. Run by addresses.sh. */
int main(void) {
    char *volatile at = (char *)0xdd958090a3b085dd;
    return *at;
}
