/* Does the words of one thread: calls malloc and its like, times each call, writes into the blocks,
 * and starts other threads. */
#include "player/player.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include "arch.h"

/* Where a thread reads, and what a word before the next one has said. */
struct reading {
    const uint64_t *word;
    unsigned place;
    uint32_t epoch; /* UINT32_MAX: none yet */
    uint32_t high, alignment;
    struct play_progress *own;
};

static const uint64_t *block_at(uint64_t number) {
    return (const uint64_t *)(player.file + PLAY_BLOCK_BYTES * (number + 1));
}

HAK_IN_PLACE uint64_t next_word(struct reading *r) {
    if (HAK_UNLIKELY(r->place == PLAY_BLOCK_WORDS)) {
        r->word = block_at(r->word[PLAY_BLOCK_WORDS]);
        r->place = 0;
    }
    return r->word[r->place++];
}

/* Counts a call that took so many ticks, and lets others see that it is done. */
HAK_IN_PLACE void count_call(struct play_progress *own, uint64_t ticks) {
    own->call_ticks += ticks;
    own->times[play_time_index(ticks)]++;
    if (HAK_UNLIKELY(ticks > own->most_ticks))
        own->most_ticks = ticks;
    own->all_calls++;
}
HAK_IN_PLACE void publish(struct play_progress *own) {
    __atomic_store_n(&own->calls, (uint32_t)own->all_calls, __ATOMIC_RELEASE);
    if (HAK_UNLIKELY(__atomic_load_n(&own->waiters, __ATOMIC_RELAXED)))
        player_wake_waiters(own);
}

/* The first word of a block says whose it is, so that a block that was handed out twice is seen. */
HAK_IN_PLACE uint64_t mark_of(const struct play_slot *slot) {
    return (uint64_t)(slot - player.slot) * 0x9e3779b97f4a7c15ull + slot->bytes;
}

/* Writes into the bytes from `from` on as --touch has it. */
static void touch(struct play_slot *slot, uint64_t from) {
    unsigned char *bytes = slot->pointer;
    if (player.touch == PLAY_TOUCH_NOTHING || !bytes)
        return;
    if (player.touch == PLAY_TOUCH_ALL && slot->bytes > from)
        memset(bytes + from, 0x5a, slot->bytes - from);
    if (player.touch == PLAY_TOUCH_PAGES && slot->bytes > from) {
        for (uint64_t at = (from | (HAK_PAGE_BYTES - 1)) + 1; at < slot->bytes;
             at += HAK_PAGE_BYTES)
            bytes[at] = 0x5a;
        bytes[slot->bytes - 1] = 0x5a;
    }
    if (slot->bytes >= sizeof(uint64_t)) {
        uint64_t mark = mark_of(slot);
        memcpy(bytes, &mark, sizeof mark);
    }
}

/* Counts a block whose first word is not as it was left. */
HAK_IN_PLACE void check(struct play_progress *own, const struct play_slot *slot) {
    uint64_t found, mark = mark_of(slot);
    if (player.touch == PLAY_TOUCH_NOTHING || !slot->pointer || slot->bytes < sizeof found)
        return;
    memcpy(&found, slot->pointer, sizeof found);
    own->damaged += found != mark;
}

/* Notes what a call gave for `bytes`. */
static void keep(struct play_progress *own, struct play_slot *slot, void *pointer, uint64_t bytes) {
    slot->pointer = pointer;
    slot->bytes = bytes;
    if (!pointer && player.touch != PLAY_TOUCH_NOTHING) {
        own->failed++;
        slot->bytes = 0;
        return;
    }
    own->live_bytes += (int64_t)bytes;
    own->live_blocks++;
}

static void do_take(struct reading *r, enum play_kind kind, struct play_slot *slot,
                    uint64_t bytes) {
    struct play_progress *own = r->own;
    void *pointer = NULL;
    uint64_t before = 0, after = 0;
    if (kind == PLAY_MALLOC) {
        before = hak_ticks_now();
        pointer = player.family.malloc(bytes);
        after = hak_ticks_now();
    } else if (kind == PLAY_CALLOC) {
        before = hak_ticks_now();
        pointer = player.family.calloc(1, bytes);
        after = hak_ticks_now();
        uint64_t first = 0;
        if (pointer && bytes >= sizeof first)
            memcpy(&first, pointer, sizeof first);
        own->damaged += first != 0;
    } else {
        size_t alignment = (size_t)1 << player.alignment[r->alignment];
        before = hak_ticks_now();
        int error = player.family.posix_memalign(&pointer, alignment, bytes);
        after = hak_ticks_now();
        pointer = error ? NULL : pointer;
    }
    count_call(own, after - before);
    keep(own, slot, pointer, bytes);
    touch(slot, 0);
}

static void do_realloc(struct reading *r, struct play_slot *slot, uint64_t bytes) {
    struct play_progress *own = r->own;
    struct play_slot old = *slot;
    uint64_t mark = mark_of(slot), first = mark;
    uint64_t before = hak_ticks_now();
    void *pointer = player.family.realloc(old.pointer, bytes);
    uint64_t after = hak_ticks_now();
    count_call(own, after - before);
    if (old.pointer || player.touch == PLAY_TOUCH_NOTHING) {
        own->live_bytes -= (int64_t)old.bytes;
        own->live_blocks--;
    }
    if (!pointer && old.pointer && bytes > 0) { /* the old block is still there */
        keep(own, slot, old.pointer, old.bytes);
        own->failed++;
        return;
    }
    keep(own, slot, pointer, bytes);
    uint64_t kept = old.bytes < bytes ? old.bytes : bytes;
    if (pointer && kept >= sizeof first && player.touch != PLAY_TOUCH_NOTHING)
        memcpy(&first, pointer, sizeof first);
    own->damaged += first != mark;
    touch(slot, kept);
}

static void do_free(struct reading *r, struct play_slot *slot) {
    struct play_progress *own = r->own;
    check(own, slot);
    uint64_t before = hak_ticks_now();
    player.family.free(slot->pointer);
    uint64_t after = hak_ticks_now();
    count_call(own, after - before);
    if (slot->pointer || player.touch == PLAY_TOUCH_NOTHING) {
        own->live_bytes -= (int64_t)slot->bytes;
        own->live_blocks--;
    }
    *slot = (struct play_slot){0};
}

/* ---- threads ----------------------------------------------------------------------------------
 */

static void *begin_thread(void *number) {
    player_do_thread((uint32_t)(uintptr_t)number);
    return NULL;
}

void player_start_thread(uint32_t number) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, player.stack_bytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attributes, begin_thread, (void *)(uintptr_t)number);
    pthread_attr_destroy(&attributes);
    if (error)
        player_fail("a thread could not be started", error);
}

/* Waits until the recorded time, in ns since the first event. */
static void wait_for_time(uint64_t ns) {
    uint64_t due = player.begin_ns + ns;
    struct timespec at = {.tv_sec = (time_t)(due / 1000000000),
                          .tv_nsec = (long)(due % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

/* The thread has no more words: it ends, or stays until all others are done, too. */
static void end_thread(struct reading *r, bool is_end) {
    if (r->epoch != UINT32_MAX)
        player_leave_epoch(r->epoch);
    if (__atomic_sub_fetch(&player.running, 1, __ATOMIC_ACQ_REL) == 0) {
        __atomic_store_n(&player.is_over, 1, __ATOMIC_RELEASE);
        player_wake(&player.is_over);
    }
    while (!is_end && !__atomic_load_n(&player.is_over, __ATOMIC_ACQUIRE))
        player_sleep_while(&player.is_over, 0);
}

void player_do_thread(uint32_t number) {
    struct reading r = {.epoch = UINT32_MAX, .own = &player.progress[number]};
    if (player.thread[number].first_block == PLAY_NO_BLOCK) {
        end_thread(&r, false);
        return;
    }
    r.word = block_at(player.thread[number].first_block);
    for (;;) {
        uint64_t word = next_word(&r);
        enum play_kind kind = play_kind_of(word);
        uint32_t number_in_word = play_slot_of(word);
        uint64_t bytes = play_bytes_of(word) | (uint64_t)r.high << 32;
        struct play_slot *slot = &player.slot[number_in_word];
        switch (kind) {
        case PLAY_MALLOC:
        case PLAY_CALLOC:
        case PLAY_ALIGNED:
            do_take(&r, kind, slot, bytes);
            break;
        case PLAY_REALLOC:
            do_realloc(&r, slot, bytes);
            break;
        case PLAY_FREE:
            do_free(&r, slot);
            break;
        case PLAY_HIGH:
            r.high = play_bytes_of(word);
            continue;
        case PLAY_ALIGNMENT:
            r.alignment = number_in_word;
            continue;
        case PLAY_WAIT:
            player_wait_for_calls(number_in_word, play_bytes_of(word));
            continue;
        case PLAY_EPOCH:
            player_enter_epoch(r.epoch, number_in_word);
            r.epoch = number_in_word;
            continue;
        case PLAY_TIME:
            if (player.is_paced)
                wait_for_time(word >> 4);
            continue;
        case PLAY_STEP:
            player_take_step(word >> 4);
            continue;
        case PLAY_LOOK:
            player_look();
            continue;
        case PLAY_START:
            player_start_thread(number_in_word);
            continue;
        case PLAY_END:
            end_thread(&r, number_in_word != 0);
            return;
        }
        r.high = 0;
        publish(r.own);
    }
}
