/* Writes into the code of the program. */
static int answer(void) {
    return 42;
}

int main(void) {
    char *volatile code = (char *)answer;
    *code = 0;
    return answer();
}
