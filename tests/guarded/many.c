/* `many BLOCKS WAY` takes blocks by two stacks and writes behind the last; with a WAY its child
 * does, behind ten of its own. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char *make(int i) { /* each third block by another stack */
    return i % 3 ? malloc(24) : malloc(40);
}

int main(int count, char **words) {
    (void)count;
    int blocks = atoi(words[1]), status = 0;
    char *last = NULL;
    for (int i = 0; i < blocks; i++)
        last = make(i);
    if (words[2][0] && fork() != 0)
        return wait(&status) < 0;
    for (int i = 0; words[2][0] && i < 10; i++)
        last = make(1);
    last[24] = 1;
    free(last);
    return 0;
}
