/* Frees a pointer to a variable, and goes on. */
#include <stdlib.h>

int main(void) {
    int variable = 1;
    free(&variable);
    return variable == 1 ? 0 : 1;
}
