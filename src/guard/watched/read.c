/* Decides whether a read that a debug register has stopped leaves its block.
 *
 * Correct programs read past a block: functions of strings take whole words and vectors, also from
 * in front of one that begins in their midst. So it is a fault when the instruction before can only
 * have read
 *
 *   at most 8 bytes, none of them of the block                   | asked | ####
 *   a vector that is not aligned, in memmove, memcpy, mempcpy    | as####ed...
 *
 * since words that hold a byte of a block reach into it, and these functions alone read nothing but
 * what they were asked for; where they take more, they begin at a multiple of the vector. All else
 * is passed over. */
#include "guard/watched/watched.h"

enum { MOST_READS = 8 };

struct block {
    uintptr_t start, end;
};

/* True when the read surely touched no other byte than it may: a scalar beside the block, one byte
 * of unknown place, or a vector that memmove reads. */
static bool leaves(const struct hak_watch_read *read, const struct block *block,
                   const struct hak_stopped *stopped) {
    if (read->is_scalar && !read->is_placed)
        return read->bytes == 1;
    if (read->is_scalar)
        return read->address >= block->end || read->address + read->bytes <= block->start;
    return read->is_vector && read->is_placed && stopped->is_in_memmove(stopped->registers);
}

/* Of several places the nearest to the block. */
static bool is_nearer(const struct hak_watch_read *one, const struct hak_watch_read *other,
                      enum hak_watched_side side) {
    return side == HAK_WATCHED_IN_FRONT ? one->address > other->address
                                        : one->address < other->address;
}

uintptr_t hak_watched_read(const struct hak_watched *was, const struct hak_located *at,
                           const struct hak_stopped *stopped) {
    struct hak_watch_read reads[MOST_READS];
    uintptr_t user = (uintptr_t)hak_user_in(at);
    struct block block = {user, user + hak_asked_bytes_of(at)};
    const struct hak_watch_read *found = NULL;
    unsigned count = hak_watch_reads(stopped->registers, stopped->flags, was->address, was->bytes,
                                     reads, MOST_READS);
    if (count > MOST_READS)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        if (!leaves(&reads[i], &block, stopped))
            return 0;
        if (reads[i].is_placed && (!found || is_nearer(&reads[i], found, was->side)))
            found = &reads[i];
    }
    if (!found)
        return 0;
    if (found->restored >= 0)
        stopped->registers->value[found->restored] = found->restored_value;
    bool is_across = found->address < block.end && was->side == HAK_WATCHED_BEHIND;
    return is_across ? block.end : found->address;
}
