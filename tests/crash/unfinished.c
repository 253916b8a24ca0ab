/* Leaves a line on stderr unfinished (with an argument: finishes it) and gives a block back twice.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **argument) {
    static const char words[] = "reading the file ... \n";
    void *volatile block = malloc(10);
    (void)argument;
    if (write(2, words, strlen(words) - (count == 1)) < 0)
        return 1;
    free(block);
    free(block);
    return 0;
}
