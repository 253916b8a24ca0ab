/* The simulated allocator: arrays, slabs, inboxes, large blocks. */
#include "heap.h"

#include <stdio.h>
#include <stdlib.h>
#include "check.h"

#define ARENA        0x7f1000000000u
#define LARGE_ARENA  0x7e0000000000u
#define SLABS_MAX    ((uint32_t)1 << 18)
#define LARGE_MAX    ((uint32_t)1 << 16)
#define SLOT_BITS    13
#define IS_NEW       0x80000000u /* in slot.size: given by operator new */
#define DRAIN_MOST   1024        /* blocks taken in at a time */
#define IN_SUPERSLAB (HAK_SUPERSLAB_BYTES / HAK_SLAB_BYTES)

struct slot {
    uint32_t events, size;
};
struct slab {
    struct slot *slots;
    uint64_t *free; /* one bit for each slot */
    struct thread *owner;
    uint32_t epoch, free_count, first_word;
    uint8_t class_index;
    bool is_listed;
};
struct large {
    uint64_t base, size;
    uint32_t events, epoch, kind;
};

static struct slab *slabs;
static struct large *larges;
static uint32_t slab_count = IN_SUPERSLAB, large_count = 1, epochs, threads;
static uint64_t large_next = LARGE_ARENA;

/* `array` with room for more than `count` elements. */
static void *grow(void *array, uint32_t *room, uint32_t count, size_t element) {
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 16;
    array = realloc(array, *room * element);
    if (!array) {
        fputs("capture: out of memory\n", stderr);
        exit(1);
    }
    return array;
}

static void *get(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (!memory) {
        fputs("capture: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void heap_start(void) {
    slabs = get(SLABS_MAX * sizeof *slabs);
    larges = get(LARGE_MAX * sizeof *larges);
}

void heap_add_thread(struct thread *thread, uint32_t process, uint32_t row) {
    thread->process = process;
    thread->row = row;
    thread->number = threads++;
    thread->superslab_used = IN_SUPERSLAB;
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        size_t bytes = hak_class_bytes(c);
        struct array *a = &thread->array[c];
        a->capacity = bytes <= 256 ? 128 : bytes <= 2048 ? 64 : 16;
        a->batch = 4;
        a->block = get(a->capacity * sizeof *a->block);
    }
}

static struct hak_event *next_event(struct thread *t, unsigned kind, uint8_t class_index,
                                    uint8_t place, uint32_t stack) {
    struct lane *lane = t->lane;
    if (lane->tail == LANE_EVENTS) {
        fputs("capture: a step made more events than a queue holds\n", stderr);
        exit(1);
    }
    struct hak_event *e = &lane->queue[lane->tail++];
    *e = (struct hak_event){.ns = lane->now,
                            .process = t->process,
                            .thread = t->row,
                            .stack = stack,
                            .kind = (uint8_t)kind,
                            .class_index = class_index,
                            .place = place};
    return e;
}

static uint64_t address_of(const struct slab *slab, uint32_t slot) {
    return ARENA + (uint64_t)(slab - slabs) * HAK_SLAB_BYTES +
           hak_first_slot_offset(slab->class_index) + slot * hak_class_bytes(slab->class_index);
}

static struct slab *slab_of(block_ref block) {
    return &slabs[block >> SLOT_BITS];
}
static struct slot *slot_of(block_ref block) {
    return &slab_of(block)->slots[block & ((1u << SLOT_BITS) - 1)];
}

/* The next event of a block, large or not. */
static struct hak_event *block_event(struct thread *t, unsigned kind, block_ref block,
                                     uint8_t place, uint32_t stack) {
    if (block & LARGE) {
        struct large *l = &larges[block & ~LARGE];
        struct hak_event *e = next_event(t, kind, HAK_CLASS_NONE, place, stack);
        e->address = e->base = l->base;
        e->generation = (uint64_t)l->epoch << 32 | ++l->events;
        return e;
    }
    struct slab *slab = slab_of(block);
    struct hak_event *e = next_event(t, kind, slab->class_index, place, stack);
    e->address = e->base = address_of(slab, block & ((1u << SLOT_BITS) - 1));
    e->generation = (uint64_t)slab->epoch << 32 | ++slot_of(block)->events;
    return e;
}

void heap_note(struct thread *t, unsigned kind, uint64_t address, uint64_t size) {
    struct hak_event *e = next_event(t, kind, HAK_CLASS_NONE, 0, 0);
    e->address = e->base = address;
    e->size = size;
}

static void list_slab(struct thread *t, struct slab *slab) {
    struct slab_list *list = &t->slabs[slab->class_index];
    list->slab = grow(list->slab, &list->room, list->count, sizeof *list->slab);
    list->slab[list->count++] = (uint32_t)(slab - slabs);
    slab->is_listed = true;
}

/* A slab of the thread's SuperSlab, whose first slab holds what hakmem itself needs. */
static struct slab *acquire(struct thread *t, uint8_t class_index, uint32_t stack) {
    if (t->superslab_used == IN_SUPERSLAB) {
        if (slab_count + IN_SUPERSLAB > SLABS_MAX) {
            fputs("capture: the simulated program needs more than 16 GiB\n", stderr);
            exit(1);
        }
        t->superslab = slab_count;
        slab_count += IN_SUPERSLAB;
        t->superslab_used = 1;
        struct hak_event *e = next_event(t, HAK_SUPERSLAB_MAP, HAK_CLASS_NONE, 0, stack);
        e->address = e->base = ARENA + (uint64_t)t->superslab * HAK_SLAB_BYTES;
        e->size = HAK_SUPERSLAB_BYTES;
    }
    struct slab *slab = &slabs[t->superslab + t->superslab_used++];
    uint32_t slots = hak_class_slots(class_index);
    slab->class_index = class_index;
    slab->owner = t;
    slab->epoch = ++epochs;
    slab->slots = get(slots * sizeof *slab->slots);
    slab->free = get((slots / 64 + 1) * sizeof *slab->free);
    slab->free_count = slots;
    for (uint32_t i = 0; i < slots; i++)
        slab->free[i / 64] |= (uint64_t)1 << i % 64;
    struct hak_event *e = next_event(t, HAK_SLAB_ACQUIRE, class_index, 0, stack);
    e->address = e->base = ARENA + (uint64_t)(slab - slabs) * HAK_SLAB_BYTES;
    e->size = hak_class_bytes(class_index);
    e->generation = (uint64_t)slab->epoch << 32;
    list_slab(t, slab);
    return slab;
}

/* The lowest free slot of a slab that has one. */
static block_ref take_slot(struct slab *slab) {
    uint32_t word = slab->first_word;
    while (!slab->free[word])
        word++;
    uint32_t bit = (uint32_t)__builtin_ctzll(slab->free[word]);
    slab->free[word] &= slab->free[word] - 1;
    slab->first_word = word;
    slab->free_count--;
    return (block_ref)(slab - slabs) << SLOT_BITS | (word * 64 + bit);
}

static void put_slot(struct thread *t, block_ref block) {
    struct slab *slab = slab_of(block);
    uint32_t slot = block & ((1u << SLOT_BITS) - 1);
    slab->free[slot / 64] |= (uint64_t)1 << slot % 64;
    slab->first_word = slot / 64 < slab->first_word ? slot / 64 : slab->first_word;
    slab->free_count++;
    if (!slab->is_listed)
        list_slab(t, slab);
}

/* Blocks that other threads freed go into the array while it has room, else into their slab. */
static void drain(struct thread *t, uint32_t stack) {
    if (!t->inbox_count || t->posted_ns >= t->lane->now)
        return;
    struct hak_event *e = next_event(t, HAK_REMOTE_DRAIN, HAK_CLASS_NONE, 0, stack);
    e->address = e->base = ARENA - (t->number + 1) * 4096ull;
    uint32_t count = t->inbox_count < DRAIN_MOST ? t->inbox_count : DRAIN_MOST;
    e->size = count;
    for (uint32_t i = 0; i < count; i++) {
        block_ref block = t->inbox[--t->inbox_count];
        struct array *a = &t->array[slab_of(block)->class_index];
        if (a->count < a->capacity) {
            block_event(t, HAK_DRAIN_FRONT, block, HAK_PLACE_FRONT, stack);
            a->block[a->count++] = block;
        } else {
            block_event(t, HAK_DRAIN_SLAB, block, HAK_PLACE_SLAB, stack);
            put_slot(t, block);
        }
    }
}

/* All of one batch at one time, the lowest address last, so that it is handed out first. */
static void refill(struct thread *t, uint8_t class_index, uint32_t stack) {
    struct array *a = &t->array[class_index];
    drain(t, stack);
    if (a->count)
        return;
    block_ref taken[256];
    uint32_t count = 0;
    struct slab_list *list = &t->slabs[class_index];
    while (count < a->batch) {
        struct slab *slab = list->count ? &slabs[list->slab[list->count - 1]] : NULL;
        if (!slab) {
            if (count)
                break;
            slab = acquire(t, class_index, stack);
        }
        if (!slab->free_count) {
            slab->is_listed = false;
            list->count--;
            continue;
        }
        taken[count++] = take_slot(slab);
    }
    while (count) {
        block_event(t, HAK_FRONT_REFILL, taken[--count], HAK_PLACE_FRONT, stack);
        a->block[a->count++] = taken[count];
    }
    if (a->batch < a->capacity / 2)
        a->batch *= 2;
}

/* The older half of a full array. */
static void spill(struct thread *t, uint8_t class_index, uint32_t stack) {
    struct array *a = &t->array[class_index];
    uint32_t half = a->capacity / 2;
    for (uint32_t i = 0; i < half; i++) {
        block_event(t, HAK_FRONT_SPILL, a->block[i], HAK_PLACE_SLAB, stack);
        put_slot(t, a->block[i]);
    }
    a->count -= half;
    for (uint32_t i = 0; i < a->count; i++)
        a->block[i] = a->block[half + i];
}

/* 40 KiB, 48, 56, 64, 80, ... 2 MiB: 4 to a power of two. */
static uint64_t bytes_of_kind(uint32_t kind) {
    return (uint64_t)(4 + kind % 4 + 1) << (13 + kind / 4);
}
static uint32_t kind_of(uint64_t size) {
    uint32_t kind = 0;
    while (kind < SIZE_KINDS - 1 && bytes_of_kind(kind) < size)
        kind++;
    return kind;
}

static block_ref take_large(struct thread *t, uint64_t size, uint32_t stack) {
    uint32_t kind = kind_of(size);
    if (t->kept_count[kind]) {
        block_ref block = t->kept[kind][--t->kept_count[kind]];
        block_event(t, HAK_BIGCACHE_TAKE, block, HAK_PLACE_LARGE, stack);
        return block;
    }
    if (large_count == LARGE_MAX) {
        fputs("capture: too many large blocks\n", stderr);
        exit(1);
    }
    struct large *l = &larges[large_count];
    *l = (struct large){.base = large_next, .epoch = ++epochs, .kind = kind};
    large_next += bytes_of_kind(kind);
    block_ref block = LARGE | large_count++;
    block_event(t, HAK_L25_TAKE, block, HAK_PLACE_LARGE, stack);
    return block;
}

static void keep_large(struct thread *t, block_ref block, uint32_t stack) {
    uint32_t kind = larges[block & ~LARGE].kind;
    block_event(t, HAK_BIGCACHE_PUT, block, HAK_PLACE_BIGCACHE, stack);
    t->kept[kind] = grow(t->kept[kind], &t->kept_room[kind], t->kept_count[kind], sizeof block);
    t->kept[kind][t->kept_count[kind]++] = block;
}

static block_ref hand_out(struct thread *t, unsigned kind, uint64_t size, struct call call,
                          struct hak_event **event) {
    block_ref block;
    uint8_t place = HAK_PLACE_LARGE;
    if (size > HAK_CLASS_MAX_BYTES) {
        block = take_large(t, size, call.stack);
        larges[block & ~LARGE].size = size;
    } else {
        uint8_t class_index = (uint8_t)hak_class_of_bytes(size);
        struct array *a = &t->array[class_index];
        if (!a->count)
            refill(t, class_index, call.stack);
        block = a->block[--a->count];
        place = HAK_PLACE_FRONT;
        slot_of(block)->size = (uint32_t)size | (call.subkind == HAK_BY_NEW ? IS_NEW : 0);
    }
    struct hak_event *e = block_event(t, kind, block, place, call.stack);
    e->size = size;
    e->subkind = call.subkind;
    e->flags = call.flags;
    *event = e;
    return block;
}

block_ref heap_malloc(struct thread *t, uint64_t size, struct call call) {
    struct hak_event *e;
    return hand_out(t, HAK_MALLOC, size, call, &e);
}

/* FREE, or REALLOC_FROM: where the block goes, and what must make room before. */
static void give_back(struct thread *t, unsigned kind, block_ref block, struct call call) {
    if (block & LARGE) {
        struct hak_event *e = block_event(t, kind, block, HAK_PLACE_LARGE, call.stack);
        e->size = larges[block & ~LARGE].size;
        e->flags = call.flags;
        keep_large(t, block, call.stack);
        return;
    }
    struct slab *slab = slab_of(block);
    struct thread *owner = slab->owner;
    uint32_t size = slot_of(block)->size;
    struct array *a = &owner->array[slab->class_index];
    if (owner == t && a->count == a->capacity)
        spill(t, slab->class_index, call.stack);
    struct hak_event *e =
        block_event(t, kind, block, owner == t ? HAK_PLACE_FRONT : HAK_PLACE_REMOTE, call.stack);
    e->size = size & ~IS_NEW;
    e->subkind = kind != HAK_FREE ? 0 : size & IS_NEW ? HAK_GIVEN_BY_DELETE : HAK_GIVEN_BY_FREE;
    e->flags = call.flags;
    if (owner == t) {
        a->block[a->count++] = block;
        return;
    }
    owner->inbox = grow(owner->inbox, &owner->inbox_room, owner->inbox_count, sizeof block);
    owner->inbox[owner->inbox_count++] = block;
    if (owner->posted_ns < t->lane->now) /* the other lane may be ahead */
        owner->posted_ns = t->lane->now;
    if (owner->inbox_count % 32 == 0) {
        struct hak_event *note = next_event(t, HAK_REMOTE_POST, slab->class_index, 0, call.stack);
        note->address = note->base = e->base;
        note->size = 32 | (uint64_t)owner->number << 16;
    }
}

void heap_free(struct thread *t, block_ref block, struct call call) {
    give_back(t, HAK_FREE, block, call);
}

static uint64_t size_of(block_ref block) {
    return block & LARGE ? larges[block & ~LARGE].size : slot_of(block)->size & ~IS_NEW;
}

block_ref heap_realloc(struct thread *t, block_ref block, uint64_t size, struct call call) {
    uint64_t room = block & LARGE ? bytes_of_kind(larges[block & ~LARGE].kind)
                                  : hak_class_bytes(slab_of(block)->class_index);
    if (size <= room && (size > HAK_CLASS_MAX_BYTES) == ((block & LARGE) != 0) &&
        (block & LARGE || hak_class_of_bytes(size) == slab_of(block)->class_index)) {
        struct hak_event *e = block_event(t, HAK_REALLOC, block, HAK_PLACE_LIVE, call.stack);
        e->size = size;
        if (block & LARGE)
            larges[block & ~LARGE].size = size;
        else
            slot_of(block)->size = (uint32_t)size;
        return block;
    }
    struct hak_event *e;
    call.subkind = HAK_BY_REALLOC;
    uint64_t old = block & LARGE ? larges[block & ~LARGE].base
                                 : address_of(slab_of(block), block & ((1u << SLOT_BITS) - 1));
    block_ref wider = hand_out(t, HAK_REALLOC, size, call, &e);
    e->old_address = old;
    give_back(t, HAK_REALLOC_FROM, block, call);
    return wider;
}

struct hak_event heap_look(block_ref block) {
    struct slab *slab = slab_of(block);
    return (struct hak_event){.base = address_of(slab, block & ((1u << SLOT_BITS) - 1)),
                              .size = size_of(block),
                              .generation = (uint64_t)slab->epoch << 32 | slot_of(block)->events,
                              .class_index = slab->class_index};
}

void heap_free_inherited(struct thread *child, const struct hak_event *last, struct call call) {
    struct hak_event *e =
        next_event(child, HAK_FREE, last->class_index, HAK_PLACE_FRONT, call.stack);
    e->address = e->base = last->base;
    e->size = last->size;
    e->generation = last->generation + 1;
}

void heap_each_address(void (*each)(void *context, uint64_t base, uint32_t events), void *context) {
    for (uint32_t s = 0; s < slab_count; s++)
        for (uint32_t i = 0; slabs[s].slots && i < hak_class_slots(slabs[s].class_index); i++)
            if (slabs[s].slots[i].events)
                each(context, address_of(&slabs[s], i), slabs[s].slots[i].events);
    for (uint32_t i = 1; i < large_count; i++)
        each(context, larges[i].base, larges[i].events);
}
