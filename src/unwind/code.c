/* Finds executable memory, and reads instructions there without ever faulting. */
#include "unwind/code.h"
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include "platform/maps.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "unwind/cfi.h"
#include "platform/objects.h"
#include HAK_ARCH_FILE(calls.h)

enum {
    RANGES_MAX = 2048,
    MISSES_MAX = 4096, /* unknown addresses between two looks at the maps, at most */
    TRIES = 4,         /* to search while tables change */
};

struct range {
    uintptr_t start, end;
};

/* Two tables: one is in use while the other is being filled. */
static struct table {
    _Atomic uint32_t count;
    struct range range[RANGES_MAX];
} tables[2];
static _Atomic uint32_t table_version; /* tables[table_version % 2] is in use */

static _Atomic uint32_t reader_thread; /* it reads the maps; 0 = nobody */

/* Unknown addresses. Places where a thread surely runs are counted apart from words that a stack
 * merely has: these are often data, which must not put off the look at the maps that finds code
 * made since. */
static struct misses {
    _Atomic uint32_t count; /* since the maps were read on their behalf */
    _Atomic uint32_t due;   /* so many are let go before they are read again */
} of_frames, of_guesses;

/* ---- what can be executed --------------------------------------------------------------------
 */

/* Appends a range, joined with the last one if they touch; dropped when the table is full. */
static void add_range(struct table *table, uintptr_t start, uintptr_t end) {
    uint32_t count = atomic_load_explicit(&table->count, memory_order_relaxed);
    if (count > 0 && table->range[count - 1].end == start) {
        table->range[count - 1].end = end;
    } else if (count < RANGES_MAX) {
        table->range[count] = (struct range){start, end};
        atomic_store_explicit(&table->count, count + 1, memory_order_relaxed);
    }
}

/* Fills the table with the executable mappings of the process. False: none could be read. */
static bool read_maps(struct table *table) {
    struct hak_maps maps;
    struct hak_mapping mapping;
    if (!hak_maps_begin(&maps))
        return false;
    while (hak_maps_next(&maps, &mapping))
        if (mapping.protection & PROT_EXEC)
            add_range(table, mapping.start, mapping.end);
    hak_maps_end(&maps);
    return atomic_load_explicit(&table->count, memory_order_relaxed) > 0;
}

/* Whether a range of the sorted table holds the address. */
static bool is_in_table(const struct table *table, uintptr_t address) {
    uint32_t count = atomic_load_explicit(&table->count, memory_order_relaxed);
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->range[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && address >= table->range[low].start;
}

/* Whether the address was executable when the ranges were last read; false also where new ones come
 * in at each try. */
static bool is_in_ranges(uintptr_t address) {
    for (int tries = 0; tries < TRIES; tries++) {
        uint32_t before = atomic_load_explicit(&table_version, memory_order_acquire);
        bool found = is_in_table(&tables[before % 2], address);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&table_version, memory_order_relaxed) == before)
            return found;
    }
    return false;
}

/* Reads the maps anew when it is time to. Returns whether that was done. */
static bool refresh(struct misses *misses) {
    uint32_t due = atomic_load(&misses->due), nobody = 0;
    if (atomic_fetch_add(&misses->count, 1) < due)
        return false;
    uint32_t self = (uint32_t)hak_raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    /* A reader that a signal handler left by longjmp has left its mark: walks do not nest. */
    if (!atomic_compare_exchange_strong(&reader_thread, &nobody, self) && nobody != self)
        return false;
    uint32_t next = atomic_load(&table_version) + 1;
    struct table *table = &tables[next % 2];
    atomic_store(&table->count, 0);
    atomic_thread_fence(memory_order_seq_cst);
    if (read_maps(table))
        atomic_store(&table_version, next);
    atomic_store(&misses->count, 0);
    atomic_store(&misses->due, due < MISSES_MAX ? 2 * due + 1 : due);
    atomic_store(&reader_thread, 0);
    return true;
}

/* Whether the address is executable code; ranges are read anew for one that is not in them, where
 * misses allow it. */
static bool is_executable(uintptr_t address, struct misses *misses) {
    if (address >> HAK_ADDRESS_BITS != 0)
        return false;
    if (is_in_ranges(address))
        return true;
    if (!refresh(misses) || !is_in_ranges(address))
        return false;
    atomic_store(&misses->due, 0);
    return true;
}

bool hak_code_is_executable(uintptr_t address) {
    return is_executable(address, &of_frames);
}

bool hak_code_is_known(uintptr_t address) {
    return is_in_ranges(address);
}

void hak_code_fork_child(void) {
    atomic_store(&reader_thread, 0);
}

/* ---- instructions -----------------------------------------------------------------------------
 */

bool hak_code_copy(struct hak_code_reader *reader, uintptr_t from, uint8_t *to, unsigned bytes) {
    uintptr_t first = from & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    uintptr_t last = (from + bytes - 1) & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    if (from < HAK_PAGE_BYTES || (from + bytes) >> HAK_ADDRESS_BITS != 0)
        return false;
    if (first != reader->page && !hak_raw_readable(first))
        return false;
    if (last != first && last != reader->page && !hak_raw_readable(last))
        return false;
    reader->page = last;
    memcpy(to, (const void *)from, bytes);
    return true;
}

bool hak_code_has_cfi(uintptr_t pc) {
    struct hak_object object;
    struct hak_cfi cfi;
    return pc >> HAK_ADDRESS_BITS == 0 && hak_object_find(pc, &object) &&
           hak_cfi_find(&object, pc, &cfi);
}

/* Where code at `address` leads when it is a PLT entry or a jump; else `address` itself. */
static uintptr_t follow_jump(struct hak_code_reader *reader, uintptr_t address) {
    uint8_t code[HAK_JUMP_BYTES];
    uintptr_t slot, target;
    if (!hak_code_copy(reader, address, code, sizeof code))
        return address;
    target = hak_jump_target(code, address, &slot);
    if (target != 0)
        return target;
    return slot != 0 && (slot & 7) == 0 &&
                   hak_code_copy(reader, slot, (uint8_t *)&target, sizeof target)
               ? target
               : address;
}

bool hak_code_follows_call(struct hak_code_reader *reader, uintptr_t ip,
                           struct hak_code_call *call) {
    uint8_t code[HAK_CALL_BYTES_MAX];
    uintptr_t target;
    *call = (struct hak_code_call){false, 0};
    if (ip >> HAK_ADDRESS_BITS != 0 || ip < HAK_PAGE_BYTES || !is_executable(ip - 1, &of_guesses) ||
        !hak_code_copy(reader, ip - HAK_CALL_BYTES_MAX, code, sizeof code))
        return false;
    const uint8_t *end = code + HAK_CALL_BYTES_MAX;
    if (hak_ends_direct_call(end, ip, &target) && is_executable(target, &of_guesses)) {
        *call = (struct hak_code_call){true, follow_jump(reader, target)};
        return true;
    }
    return hak_ends_indirect_call(end);
}
