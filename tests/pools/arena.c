/* Arenas that tell Valgrind's macros, as the libraries of servers do: a header in front of its
 * memory, which is closed, pieces with room between them, a list of free cells, resets by a trim or
 * by destroy and create. `arena CASE` does one thing; `arena correct` all that is allowed. */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>

enum { MEMORY = 4096, ROOM = 16, CELL = 48 };

struct arena {
    char *memory;
    size_t used;
    void *free_cells; /* each holds the next one */
};

static struct arena *arena_create(const char *name) {
    struct arena *arena = malloc(sizeof *arena);
    (void)name;
    arena->memory = malloc(MEMORY);
    arena->used = 0;
    arena->free_cells = NULL;
    VALGRIND_MAKE_MEM_NOACCESS(arena->memory, MEMORY);
    ASAN_POISON_MEMORY_REGION(arena->memory, MEMORY);
    VALGRIND_CREATE_MEMPOOL(arena, ROOM, 0);
    return arena;
}

static void *arena_take(struct arena *arena, size_t bytes) {
    char *piece = arena->memory + arena->used + ROOM;
    arena->used += bytes + ROOM;
    ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
    VALGRIND_MEMPOOL_ALLOC(arena, piece, bytes);
    return piece;
}

static void *arena_take_cell(struct arena *arena) {
    void **cell = arena->free_cells;
    if (!cell)
        return arena_take(arena, CELL);
    VALGRIND_MEMPOOL_ALLOC(arena, cell, CELL);
    arena->free_cells = *cell;
    return cell;
}

static void arena_give_cell(struct arena *arena, void *cell) {
    VALGRIND_MEMPOOL_FREE(arena, cell);
    VALGRIND_MAKE_MEM_UNDEFINED(cell, sizeof(void *));
    memcpy(cell, &arena->free_cells, sizeof(void *));
    arena->free_cells = cell;
}

/* APR's way: nothing of the pool lies in the byte at its header. */
static void arena_clear(struct arena *arena) {
    arena->used = 0;
    arena->free_cells = NULL;
    VALGRIND_MEMPOOL_TRIM(arena, arena, 1);
}

/* PostgreSQL's way. */
static void arena_renew(struct arena *arena) {
    arena->used = 0;
    arena->free_cells = NULL;
    VALGRIND_DESTROY_MEMPOOL(arena);
    VALGRIND_CREATE_MEMPOOL(arena, ROOM, 0);
}

static void *arena_resize(struct arena *arena, void *piece, size_t old, size_t bytes) {
    char *moved = arena->memory + arena->used + ROOM;
    arena->used += bytes + ROOM;
    memcpy(moved, piece, old);
    VALGRIND_MEMPOOL_CHANGE(arena, piece, moved, bytes);
    return moved;
}

static void arena_destroy(struct arena *arena) {
    VALGRIND_DESTROY_MEMPOOL(arena);
    free(arena->memory);
}

static void correct(void) {
    struct arena *arena = arena_create("correct"), *other = arena_create("other"), *moved;
    char *cell, *kept;
    int i;
    for (i = 0; i < 100; i++) {
        arena_give_cell(arena, arena_take_cell(arena));
        cell = arena_take_cell(arena);
        (void)arena_take_cell(other);
        (i % 2 ? arena_clear : arena_renew)(arena);
        arena_renew(other);
        (void)cell;
    }
    cell = arena_take(arena, 24);
    arena_give_cell(arena, arena_resize(arena, cell, 24, 64));

    kept = arena_take(arena, CELL);
    cell = arena_take(arena, CELL);
    VALGRIND_MEMPOOL_TRIM(arena, cell - 8, CELL / 2);
    arena_give_cell(arena, cell); /* began in the range, ends behind it */
    (void)arena_take(arena, CELL);
    cell = arena_take(arena, 1000);
    VALGRIND_MEMPOOL_TRIM(arena, cell + 900, 1);
    arena_give_cell(arena, cell);
    (void)kept;

    moved = malloc(sizeof *moved);
    cell = arena_take_cell(arena);
    for (i = 0; i < 3; i++) { /* there, and back again */
        *moved = *arena;
        VALGRIND_MOVE_MEMPOOL(arena, moved);
        *arena = *moved;
        VALGRIND_MOVE_MEMPOOL(moved, arena);
    }
    *moved = *arena;
    VALGRIND_MOVE_MEMPOOL(arena, moved);
    arena_give_cell(moved, cell);
    VALGRIND_CREATE_MEMPOOL_EXT(arena, 0, 0, VALGRIND_MEMPOOL_METAPOOL);
    arena_give_cell(moved, arena_take_cell(moved));
    VALGRIND_DESTROY_MEMPOOL(arena);
    arena_destroy(moved);

    cell = malloc(100);
    VALGRIND_MALLOCLIKE_BLOCK(cell, 50, 0, 0);
    VALGRIND_RESIZEINPLACE_BLOCK(cell, 50, 60, 0);
    VALGRIND_FREELIKE_BLOCK(cell, 0);
    VALGRIND_MALLOCLIKE_BLOCK(cell, 50, 0, 0);
    VALGRIND_FREELIKE_BLOCK(cell, 0);
    free(cell);
    printf("pools: %u, there: %u, gone: %u, closed: %d\n", (unsigned)RUNNING_ON_VALGRIND,
           VALGRIND_MEMPOOL_EXISTS(other), VALGRIND_MEMPOOL_EXISTS(moved),
           __asan_address_is_poisoned(cell));
}

static void end_request(struct arena *arena) {
    arena_clear(arena);
}

int main(int argc, char **argv) {
    const char *does = argc > 1 ? argv[1] : "correct";
    struct arena *arena = arena_create("requests"), *other = arena_create("rows");
    void *first = arena_take_cell(arena), *second = arena_take_cell(arena);
    (void)VALGRIND_MAKE_MEM_DEFINED(first, CELL);
    if (strcmp(does, "correct") == 0)
        correct();
    if (strcmp(does, "twice") == 0) {
        arena_give_cell(arena, first);
        arena_give_cell(arena, second);
        arena_give_cell(arena, first); /* the list is a ring from here on */
    }
    if (strcmp(does, "other") == 0)
        arena_give_cell(other, first);
    if (strcmp(does, "inside") == 0)
        arena_give_cell(arena, (char *)first + 8);
    if (strcmp(does, "cleared") == 0) {
        end_request(arena);
        arena_give_cell(arena, first);
    }
    if (strcmp(does, "renewed") == 0) {
        arena_renew(arena);
        arena_give_cell(arena, first);
    }
    if (strcmp(does, "resized") == 0) {
        (void)arena_resize(arena, first, CELL, 64);
        arena_give_cell(arena, first);
    }
    if (strcmp(does, "destroyed") == 0) {
        arena_destroy(arena);
        (void)arena_take_cell(arena);
    }
    if (strcmp(does, "moved") == 0) {
        struct arena moved = *arena;
        VALGRIND_MOVE_MEMPOOL(arena, &moved);
        arena_give_cell(&moved, second);
        arena_give_cell(&moved, first);
        arena_give_cell(&moved, first);
    }
    if (strcmp(does, "freelike") == 0) {
        char *block = malloc(CELL);
        VALGRIND_MALLOCLIKE_BLOCK(block, CELL, 0, 0);
        VALGRIND_FREELIKE_BLOCK(block, 0);
        VALGRIND_FREELIKE_BLOCK(block, 0);
    }
    return 0;
}
