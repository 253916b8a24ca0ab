/* Writes into a string of the program, which is read-only. */
static char *volatile name = (char *)"unchangeable";

static void shout(char *text) {
    text[0] = 'U';
}

int main(void) {
    shout(name);
    return 0;
}
