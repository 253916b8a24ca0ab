/* One event as it lies in a ring: 32 bytes, written by the program, read by the collector.
 *
 *   w[0]  time:48 | kind:8 | class:8
 *   w[1]  address:48 | delta:12 | flags:4
 *   w[2]  size:32 | stack:32
 *   w[3]  record_count:32 | epoch:23 | place:5 | subkind:4
 *
 * Fields are listed from bit 0 up; all words are little-endian. docs/specs/ring.md is the same in
 * prose. `time` is TSC ticks since the session's tsc_start, its low 48 bits: the reader unwraps it
 * (records of one ring never go back in time). `address` is what the program held for MALLOC, FREE,
 * REALLOC and REALLOC_FROM, and the pointer that was moved for every other move; the block's base
 * is (address & ~7) - 8 * delta. `size` is the bytes asked for the four program calls. A record
 * that does not fit sets HAK_RECORD_WIDE and is followed by one continuation with the full values.
 */
#ifndef HAK_TRACE_RECORD_H
#define HAK_TRACE_RECORD_H

#include <stdint.h>

struct hak_record {
    uint64_t w[4];
};

#define HAK_RECORD_BYTES 32
#define HAK_TIME_BITS    48

enum hak_record_flags {
    HAK_RECORD_WIDE = 1,    /* the next record is a continuation of this one */
    HAK_RECORD_ILLEGAL = 2, /* the move was not allowed by hops.def */
    HAK_RECORD_PARTIAL = 4, /* the stack's walk ended early (docs/specs/unwind.md) */
    HAK_RECORD_GUESSED = 8, /* frames of the stack were found by frame pointers (unwind.md) */
};

/* The subkind of a LEAK record: the scan's verdict on the block. The record of the scan itself
 * stands behind its blocks': address = live blocks, size = their bytes, old_address = lost blocks,
 * record_count = microseconds it took, epoch = why it saw less than there is (enum
 * hak_leak_partial, 8 bits) | reason << 8 | 1 << 16 where leaks count as a fault. */
enum hak_leak {
    HAK_LEAK_IS_DIRECT = 0,
    HAK_LEAK_IS_INDIRECT = 1,
    HAK_LEAK_IS_REACHABLE = 2,
    HAK_LEAK_IS_SCAN = 3,
};
enum hak_leak_reason {
    HAK_LEAK_AT_EXIT,
    HAK_LEAK_BY_SIGNAL,
    HAK_LEAK_BY_CALL,
    HAK_LEAK_BY_CONTROL,
};
enum hak_leak_partial {
    HAK_PARTIAL_THREADS = 1, /* a thread could not be stopped: its registers were not seen */
    HAK_PARTIAL_PAGES = 2,   /* /proc/self/pagemap cannot be read: large areas left out */
    HAK_PARTIAL_MEMORY = 4,  /* no memory for the list of areas or threads */
    HAK_PARTIAL_STACK = 8,   /* where the program's frames begin was not found */
    HAK_PARTIAL_CLOSED = 16, /* the program has closed pages of its own blocks */
    HAK_PARTIAL_POOLS = 32,  /* a pool or piece had no room, or a call for one was missed */
};
#define HAK_LEAK_REASON_SHIFT 8
#define HAK_LEAK_FINDING      0x10000u

/* The subkind of a PROGRAM_MAP record; one of PROGRAM_PROTECT has no FILE and no SHARED. */
enum hak_mapped {
    HAK_MAPPED_CLOSED = 1, /* PROT_NONE: nobody may touch it */
    HAK_MAPPED_FILE = 2,
    HAK_MAPPED_SHARED = 4,
    HAK_MAPPED_READ_ONLY = 8, /* open, and nobody may write it */
    HAK_MAPPED_CODE = 16,     /* PROT_EXEC */
};
enum { HAK_MAPPED_PAGE_BYTES = 4096 };
/* In a record of PROGRAM_UNMAP and PROGRAM_REMAP record_count is how many ns before it the call
 * began, at most 2^32 - 1; in one of PROGRAM_REMAP epoch is how many pages of 4 KiB at old_address
 * are no longer mapped, and in one of PROGRAM_BREAK old_address is the break before. */

/* The fields of a record, unpacked; the form in which guard hands an event to trace. */
struct hak_event_fields {
    uint64_t time;         /* ticks since the session's start */
    uint64_t address;      /* see above */
    uint64_t size;         /* bytes asked; or the kind's own value for notes */
    uint64_t old_address;  /* REALLOC that moved: the user pointer of the old block; else 0 */
    uint64_t delta_bytes;  /* address - base */
    uint32_t stack;        /* stack node id, 0 = none */
    uint32_t record_count; /* n of the generation */
    uint32_t epoch;        /* of the generation */
    uint8_t kind;          /* enum hak_record_kind */
    uint8_t class_index;   /* or HAK_CLASS_NONE */
    uint8_t place;         /* where it came from (MALLOC, REALLOC) or went to (all else) */
    uint8_t subkind;       /* enum hak_subkind */
    uint8_t flags;         /* enum hak_record_flags */
};

/* A continuation: w[0] = time:48 (same as the head's) | kind = CONTINUATION | class = how many
 * continuations still follow. w[1..3] are payload. For a wide block event the payload is
 *   w[1] = size, w[2] = old_address, w[3] = epoch:32 | delta in units of 8 bytes:32
 * and the head's size, epoch and delta fields hold the low bits only. For THREAD_START,
 * PROCESS_START, MODULE_LOAD and MARK the payload is a byte string of 24 bytes each, in order
 * (ring.md lists what is in it). */
#define HAK_CONTINUATION_BYTES 24

static inline uint64_t hak_record_time_bits(uint64_t ticks) {
    return ticks & (((uint64_t)1 << HAK_TIME_BITS) - 1);
}
static inline uint64_t hak_record_time(const struct hak_record *r) {
    return hak_record_time_bits(r->w[0]);
}
static inline uint8_t hak_record_kind_of(const struct hak_record *r) {
    return (uint8_t)(r->w[0] >> 48);
}
static inline uint8_t hak_record_class(const struct hak_record *r) {
    return (uint8_t)(r->w[0] >> 56);
}
static inline uint64_t hak_record_address_of(const struct hak_record *r) {
    return r->w[1] & (((uint64_t)1 << 48) - 1);
}
static inline uint64_t hak_record_delta_bytes(const struct hak_record *r) {
    return (r->w[1] >> 48 & 0xfff) << 3;
}
static inline uint8_t hak_record_flags_of(const struct hak_record *r) {
    return (uint8_t)(r->w[1] >> 60);
}
static inline uint32_t hak_record_size_of(const struct hak_record *r) {
    return (uint32_t)r->w[2];
}
static inline uint32_t hak_record_stack(const struct hak_record *r) {
    return (uint32_t)(r->w[2] >> 32);
}
/* epoch << 32 | record_count. */
static inline uint64_t hak_record_generation(const struct hak_record *r) {
    return r->w[3] & (((uint64_t)1 << 55) - 1);
}
static inline uint8_t hak_record_place(const struct hak_record *r) {
    return (uint8_t)(r->w[3] >> 55) & 31;
}
static inline uint8_t hak_record_subkind(const struct hak_record *r) {
    return (uint8_t)(r->w[3] >> 60);
}
/* The same of a wide record and its continuation. */
static inline uint64_t hak_wide_generation(const struct hak_record *r,
                                           const struct hak_record *wide) {
    return wide->w[3] << 32 | (uint32_t)r->w[3];
}
static inline uint64_t hak_wide_delta_bytes(const struct hak_record *wide) {
    return (wide->w[3] >> 32) << 3;
}

/* True when the event's values do not fit the 32 bytes of the head record. */
static inline int hak_fields_are_wide(const struct hak_event_fields *f) {
    return (f->size >> 32) != 0 || f->old_address != 0 || f->epoch >> 23 != 0 ||
           f->delta_bytes >= 8u << 12;
}

/* The words of a narrow record, for who has its fields in registers; the first without the time. */
#define HAK_RECORD_EPOCH_BITS 23
static inline uint64_t hak_record_head(unsigned kind, unsigned class_index) {
    return (uint64_t)kind << 48 | (uint64_t)class_index << 56;
}
static inline uint64_t hak_record_address(uint64_t address, uint64_t delta_bytes, uint8_t flags) {
    return address | delta_bytes >> 3 << 48 | (uint64_t)flags << 60;
}
static inline uint64_t hak_record_size(uint64_t bytes, uint32_t stack) {
    return bytes | (uint64_t)stack << 32;
}
static inline uint64_t hak_record_tail(uint32_t record_count, uint32_t epoch, unsigned place,
                                       unsigned subkind) {
    return record_count | (uint64_t)epoch << 32 | (uint64_t)place << 55 | (uint64_t)subkind << 60;
}

/* The record of these words, `head` still without the time. */
static inline struct hak_record hak_record_of_words(uint64_t head, uint64_t ticks,
                                                    uint64_t address_word, uint64_t size_word,
                                                    uint64_t tail) {
    return (struct hak_record){{head | hak_record_time_bits(ticks), address_word, size_word, tail}};
}

/* Packs a record whose values fit, or the low bits of those that do not; flags as they are. */
static inline struct hak_record hak_record_pack_narrow(const struct hak_event_fields *f) {
    return hak_record_of_words(
        hak_record_head(f->kind, f->class_index), f->time,
        hak_record_address(f->address & (((uint64_t)1 << 48) - 1), f->delta_bytes & 0x7fff,
                           f->flags),
        hak_record_size(f->size & 0xffffffffu, f->stack),
        hak_record_tail(f->record_count, f->epoch & 0x7fffff, f->place & 31, f->subkind & 15));
}

/* Packs the head record. Sets HAK_RECORD_WIDE by itself where it is needed. */
static inline struct hak_record hak_record_pack(const struct hak_event_fields *f) {
    struct hak_record r = hak_record_pack_narrow(f);
    r.w[1] |= (uint64_t)(hak_fields_are_wide(f) ? HAK_RECORD_WIDE : 0) << 60;
    return r;
}

/* A continuation, of kind `kind`, that `follow` more come behind. */
static inline struct hak_record hak_record_continuation(unsigned kind, uint64_t ticks,
                                                        unsigned follow, uint64_t first,
                                                        uint64_t second, uint64_t third) {
    return hak_record_of_words(hak_record_head(kind, follow), ticks, first, second, third);
}

/* Packs the continuation of a wide block event. */
static inline struct hak_record hak_record_pack_wide(const struct hak_event_fields *f,
                                                     uint8_t continuation_kind) {
    return hak_record_continuation(continuation_kind, f->time, 0, f->size, f->old_address,
                                   f->epoch | (f->delta_bytes >> 3) << 32);
}

/* A batch: several blocks of one slab that make the same move at once. The head is the record of
 * the first block, wide, its size the number of blocks, which no other move has; each word of the
 * continuations is one more block: record_count:32 | low 16 bits of its address:16, or 0 behind the
 * last. All else is the head's. */
#define HAK_MOVES_BATCH_MAX  64
#define HAK_BATCH_PER_RECORD 3
#define HAK_FIRST_MOVE       5  /* FRONT_REFILL */
#define HAK_MOVES_END        64 /* SLAB_ACQUIRE */

/* Blocks of the batch that `r` is the head of; 0: it is not one. Not more than HAK_MOVES_BATCH_MAX,
 * but in damaged memory. */
static inline uint32_t hak_record_batch_count(const struct hak_record *r) {
    uint8_t kind = hak_record_kind_of(r);
    int is_move = kind >= HAK_FIRST_MOVE && kind < HAK_MOVES_END;
    return is_move && (hak_record_flags_of(r) & HAK_RECORD_WIDE) ? hak_record_size_of(r) : 0;
}
static inline uint32_t hak_batch_continuations(uint32_t count) {
    return (count - 1 + HAK_BATCH_PER_RECORD - 1) / HAK_BATCH_PER_RECORD;
}
static inline uint64_t hak_batch_word(uint64_t address, uint32_t record_count) {
    return record_count | (address & 0xffff) << 32;
}
static inline uint32_t hak_batch_record_count(uint64_t word) {
    return (uint32_t)word;
}
/* Makes a head of the record of the first block. */
static inline struct hak_record hak_batch_head(struct hak_record first, uint32_t count) {
    first.w[1] |= (uint64_t)HAK_RECORD_WIDE << 60;
    first.w[2] |= count;
    return first;
}
/* `head_address` is the head's. */
static inline uint64_t hak_batch_address(uint64_t word, uint64_t head_address) {
    return (head_address & ~(uint64_t)0xffff) | (word >> 32 & 0xffff);
}

/* Unpacks a head record and, when it is wide and `wide` is not NULL, its continuation. */
static inline struct hak_event_fields hak_record_unpack(const struct hak_record *r,
                                                        const struct hak_record *wide) {
    struct hak_event_fields f = {
        .time = hak_record_time(r),
        .address = hak_record_address_of(r),
        .size = hak_record_size_of(r),
        .delta_bytes = hak_record_delta_bytes(r),
        .stack = hak_record_stack(r),
        .record_count = (uint32_t)hak_record_generation(r),
        .epoch = (uint32_t)(hak_record_generation(r) >> 32),
        .kind = hak_record_kind_of(r),
        .class_index = hak_record_class(r),
        .place = hak_record_place(r),
        .subkind = hak_record_subkind(r),
        .flags = hak_record_flags_of(r),
    };
    if ((f.flags & HAK_RECORD_WIDE) && wide) {
        f.size = wide->w[1];
        f.old_address = wide->w[2];
        f.epoch = (uint32_t)(hak_wide_generation(r, wide) >> 32);
        f.delta_bytes = hak_wide_delta_bytes(wide);
    }
    return f;
}

#endif
