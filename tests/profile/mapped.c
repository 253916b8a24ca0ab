/* Maps, reserves, opens and unmaps memory of its own, and forks a child that gives up a part of it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sys/wait.h>
__attribute__((noinline)) static char *map_table(size_t n) {
    return mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
__attribute__((noinline)) static char *reserve(size_t n) {
    return mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}
__attribute__((noinline)) static void open_part(char *p, size_t n) {
    mprotect(p, n, PROT_READ | PROT_WRITE);
}
int main(void) {
    char *a = map_table(64 << 20);
    char *r = reserve((size_t)1 << 32);
    open_part(r, 16 << 20);
    munmap(a + (8 << 20), 4 << 20);
    a[0] = 1;
    pid_t p = fork();
    if (p == 0) {
        munmap(a, 1 << 20);
        _exit(0);
    }
    wait(0);
    return 0;
}
