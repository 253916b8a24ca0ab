/* Pieces of no bytes, as marks of a pool are: `empty CASE` does one thing wrong. */
#include <hakmem.h>
#include <string.h>

static char memory[1000], other[1000];

static char *new_mark(const void *pool, char *at) {
    if (hak_pool_alloc)
        hak_pool_alloc(pool, at, 0);
    return at;
}

static void give(const void *pool, char *mark) {
    if (hak_pool_free)
        hak_pool_free(pool, mark);
}

static void begin(void) {
    if (hak_pool_create) {
        hak_pool_create(memory, "marks");
        hak_pool_create(other, "others");
    }
    if (hak_pool_allow)
        hak_pool_allow(memory, "free", "cache");
}

int main(int argc, char **argv) {
    const char *does = argc > 1 ? argv[1] : "";
    begin();
    char *mark = new_mark(memory, memory + 64);
    if (strcmp(does, "twice") == 0) {
        give(memory, mark);
        give(memory, mark);
    }
    if (strcmp(does, "late") == 0) {
        if (hak_pool_reset)
            hak_pool_reset(memory);
        give(memory, mark);
    }
    if (strcmp(does, "mismatch") == 0)
        give(other, mark);
    if (strcmp(does, "moved") == 0 && hak_pool_move)
        hak_pool_move(memory, mark, "cache"); /* it is out */
    return 0;
}
