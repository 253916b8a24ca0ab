/* Wrappers of the allocator by their place, whatever their names: code that called the allocator,
 * or another wrapper, and was called from many places itself. They are shown like any frame, since
 * a function of the program's may look so, but the stack is shown to two frames that are none. */
#include "report/page/parts.h"

#include "store/stacks/stacks.h"

enum { WRAPPERS_MOST = 6, CODES_MOST = WRAPPERS_MOST * HAK_WRAPPERS_STACKS };

/* The program's code at the inner end of a stack: its `n`th, -1 = there is none. Inlined levels are
 * one. */
static int find_code(const struct hak_frames *frames, int n) {
    uint64_t last = 0;
    for (int i = 0; i < frames->count; i++) {
        enum hak_frame_role role = hak_words_frame_role(frames->frame, frames->count, i);
        uint64_t ip = frames->frame[i].ip;
        if (role == HAK_FRAME_START)
            return -1;
        if (role != HAK_FRAME_PROGRAM || ip == last)
            continue;
        last = ip;
        if (n-- == 0)
            return i;
    }
    return -1;
}

/* Appends the innermost code addresses of the stack, at most WRAPPERS_MOST; none of one that a
 * signal interrupted. Returns the new count. */
static int collect(const struct hak_frames *frames, struct hak_callers *codes, int count) {
    if (frames->count == 0 || frames->frame[0].is_interrupted)
        return count;
    for (int n = 0; n < WRAPPERS_MOST; n++) {
        int i = find_code(frames, n);
        if (i < 0)
            break;
        codes[count++] = (struct hak_callers){.ip = frames->frame[i].ip};
    }
    return count;
}

/* True when the code at this address has so many callers that it is a wrapper. */
static bool is_called_from_many(const struct hak_callers *codes, int count, uint64_t ip) {
    for (int i = 0; i < count; i++)
        if (codes[i].ip == ip)
            return codes[i].count == HAK_CALLERS_COUNTED;
    return false;
}

/* Marks the innermost frames, up to the first that is no wrapper. */
static void mark_wrappers(struct hak_frames *frames, const struct hak_callers *codes, int count) {
    if (frames->count == 0 || frames->frame[0].is_interrupted)
        return;
    for (int n = 0; n < WRAPPERS_MOST; n++) {
        int i = find_code(frames, n);
        if (i < 0 || !is_called_from_many(codes, count, frames->frame[i].ip))
            return;
        for (uint64_t ip = frames->frame[i].ip; i < frames->count && frames->frame[i].ip == ip; i++)
            frames->frame[i].is_called_from_many = true;
    }
}

void hak_report_mark_wrappers(struct hak_store_reader *r, struct hak_frames *const *stacks,
                              int stack_count) {
    struct hak_callers codes[CODES_MOST];
    int count = 0;
    if (stack_count > HAK_WRAPPERS_STACKS)
        stack_count = HAK_WRAPPERS_STACKS;
    for (int i = 0; r && i < stack_count; i++)
        count = collect(stacks[i], codes, count);
    if (count == 0 || hak_store_count_callers(r, codes, count) < 0)
        return; /* COMPLETENESS tells of stacks that cannot be read */
    for (int i = 0; i < stack_count; i++)
        mark_wrappers(stacks[i], codes, count);
}
