/* Pools whose pieces `top --pools` counts: with a name, without one, several of one name, one that
 * another replaces, and a child of a fork. */
#include <hakmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#define OWN __attribute__((noinline, noipa))
enum { SLOT = 64 };
static char rows[100 * SLOT], requests[100 * SLOT], again[4 * SLOT];
static int used;
OWN static char *new_row(const void *pool, char *memory, int slot, size_t bytes) {
    hak_pool_alloc(pool, memory + slot * SLOT, bytes);
    return memory + slot * SLOT;
}
OWN static void serve(int pieces) {
    while (pieces-- > 0)
        hak_pool_alloc(requests, requests + SLOT * used++, 10);
}
OWN static void end_request(void) {
    hak_pool_reset(requests);
    used = 0;
}
OWN static void make_temporary(size_t bytes) {
    hak_pool_create(again, "temporary");
    new_row(again, again, 0, bytes);
    new_row(again, again, 1, bytes);
    hak_pool_free(again, again);
    hak_pool_destroy(again);
}
int main(void) {
    if (!hak_pool_create)
        return 1;
    hak_pool_create(rows, "rows");
    hak_pool_create(requests, NULL);
    for (int i = 0; i < 5; i++)
        new_row(rows, rows, i, 40);
    serve(20);
    hak_mark("served");
    end_request();
    serve(3);
    make_temporary(30);
    make_temporary(50);
    hak_pool_free(rows, rows);
    hak_pool_free(rows, rows + SLOT);
    hak_pool_allow(rows, "free", "cache");
    hak_pool_allow(rows, "cache", "out");
    hak_pool_move(rows, rows, "cache");
    hak_pool_move(rows, rows, "out");
    hak_pool_reset_outside(requests, requests + SLOT, 1);
    hak_mark("parted");
    pid_t child = fork();
    if (child == 0) {
        hak_pool_free(rows, rows + 2 * SLOT);
        new_row(rows, rows, 10, 60);
        exit(0);
    }
    waitpid(child, NULL, 0);
    hak_pool_create(again, "late");
    new_row(again, again, 0, 7);
    hak_pool_create(again, "later"); /* the one before is not destroyed */
    return 0;
}
