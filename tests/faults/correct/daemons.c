/* A child makes itself a daemon: a session of its own, all descriptors closed, and goes on working.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../corpus/shapes.h"

static char *kept[100];

static void work(int result) {
    for (int i = 0; i < 100; i++)
        kept[i] = opaque(malloc((size_t)i * 30));
    for (int i = 0; i < 100; i++)
        free(kept[i]);
    if (write(result, "done", 4) != 4)
        _exit(1);
}

int main(void) {
    int ends[2];
    char answer[5] = "";
    require(pipe(ends) == 0, "a pipe");
    kept[0] = opaque(malloc(50));
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        for (int i = 0; i < 256; i++)
            if (i != ends[1])
                close(i);
        open("/dev/null", O_RDWR);
        work(ends[1]);
        exit(0);
    }
    close(ends[1]);
    waitpid(child, NULL, 0);
    require(read(ends[0], answer, 4) == 4 && strcmp(answer, "done") == 0, "the daemon's answer");
    puts(answer);
    free(kept[0]);
    return 0;
}
