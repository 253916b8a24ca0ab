/* Child processes free, resize and keep what their parent allocated; each has its own copy. */
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../corpus/shapes.h"

static char *kept[200];

static void wait_for(pid_t child, int due) {
    int status;
    require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == due,
            "child's status");
}

SHAPE(both_free) {
    for (int i = 0; i < 200; i++)
        kept[i] = opaque(malloc((size_t)i * 5 + 1));
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 200; i++)
            free(kept[i]);
        exit(4);
    }
    for (int i = 0; i < 200; i++)
        free(kept[i]);
    wait_for(child, 4);
}

SHAPE(child_resizes) {
    char *text = opaque(strdup("made by the parent"));
    pid_t child = fork();
    if (child == 0) {
        text = realloc(text, 10000);
        require(strcmp(text, "made by the parent") == 0, "copied");
        free(text);
        exit(0);
    }
    wait_for(child, 0);
    free(text);
}

SHAPE(child_of_a_child) {
    pid_t child = fork();
    if (child == 0) {
        char *text = opaque(malloc(100));
        pid_t grandchild = fork();
        if (grandchild == 0) {
            free(text);
            exit(2);
        }
        wait_for(grandchild, 2);
        free(text);
        exit(1);
    }
    wait_for(child, 1);
}

SHAPE(ends_at_once) {
    char *text = opaque(malloc(100));
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    wait_for(child, 3);
    free(text);
}

SHAPE(by_vfork) {
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    wait_for(child, 0);
}

SHAPE(spawned) {
    pid_t child;
    char *words[] = {"sh", "-c", "exit 6", NULL};
    require(posix_spawn(&child, "/bin/sh", NULL, NULL, words, NULL) == 0, "spawned");
    wait_for(child, 6);
}

static volatile int ready;

static void *work(void *unused) {
    ready = 1;
    for (int i = 0; i < 20000; i++)
        free(opaque(malloc((size_t)i % 300)));
    return unused;
}

SHAPE(beside_a_thread) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    while (!ready)
        usleep(100);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            free(opaque(malloc(10)));
            exit(0);
        }
        wait_for(child, 0);
    }
    pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    return run_all(argc, argv);
}
