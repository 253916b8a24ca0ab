/* Takes the calls that gcc and clang make of each memory access under -fsanitize=thread. */
#include <stdatomic.h>
#include <string.h>
#include "engine.h"

/* ---- plain accesses -------------------------------------------------------------------------- */

#define WHERE __builtin_return_address(0)

static inline void plain(const void *address, size_t bytes, bool is_write, const void *where) {
    if (model && model->is_running)
        races_plain(address, bytes, is_write, where);
}

#define ACCESS(bytes)                                                                              \
    void __tsan_read##bytes(void *p);                                                              \
    void __tsan_write##bytes(void *p);                                                             \
    void __tsan_unaligned_read##bytes(void *p);                                                    \
    void __tsan_unaligned_write##bytes(void *p);                                                   \
    void __tsan_read_write##bytes(void *p);                                                        \
    void __tsan_read##bytes(void *p) {                                                             \
        plain(p, bytes, false, WHERE);                                                             \
    }                                                                                              \
    void __tsan_write##bytes(void *p) {                                                            \
        plain(p, bytes, true, WHERE);                                                              \
    }                                                                                              \
    void __tsan_unaligned_read##bytes(void *p) {                                                   \
        plain(p, bytes, false, WHERE);                                                             \
    }                                                                                              \
    void __tsan_unaligned_write##bytes(void *p) {                                                  \
        plain(p, bytes, true, WHERE);                                                              \
    }                                                                                              \
    void __tsan_read_write##bytes(void *p) {                                                       \
        plain(p, bytes, true, WHERE);                                                              \
    }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __tsan_init(void);
void __tsan_func_entry(void *p);
void __tsan_func_exit(void);
void __tsan_read_range(void *p, size_t bytes);
void __tsan_write_range(void *p, size_t bytes);
void __tsan_init(void) {}
void __tsan_func_entry(void *p) {
    (void)p;
}
void __tsan_func_exit(void) {}
void __tsan_read_range(void *p, size_t bytes) {
    plain(p, bytes, false, WHERE);
}
void __tsan_write_range(void *p, size_t bytes) {
    plain(p, bytes, true, WHERE);
}

/* The layers are compiled with memset and similar functions under these names. */
void *model_memset(void *to, int byte, size_t bytes);
void *model_memcpy(void *to, const void *from, size_t bytes);
void *model_memmove(void *to, const void *from, size_t bytes);
void *model_memset(void *to, int byte, size_t bytes) {
    plain(to, bytes, true, WHERE);
    return memset(to, byte, bytes);
}
void *model_memcpy(void *to, const void *from, size_t bytes) {
    plain(from, bytes, false, WHERE);
    plain(to, bytes, true, WHERE);
    return memcpy(to, from, bytes);
}
void *model_memmove(void *to, const void *from, size_t bytes) {
    plain(from, bytes, false, WHERE);
    plain(to, bytes, true, WHERE);
    return memmove(to, from, bytes);
}

/* Newer compilers call these under -fsanitize=thread. */
void *__tsan_memset(void *to, int byte, size_t bytes) __attribute__((alias("model_memset")));
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
    __attribute__((alias("model_memcpy")));
void *__tsan_memmove(void *to, const void *from, size_t bytes)
    __attribute__((alias("model_memmove")));

/* ---- atomic accesses ------------------------------------------------------------------------- */

static struct model_thread *self(void) {
    return &model->now.threads[model->current];
}

static bool is_checked(void) {
    return model && model->is_running;
}

static uint64_t value_at(const void *address, size_t bytes) {
    uint64_t value = 0;
    memcpy(&value, address, bytes);
    return value;
}

static void must_be_mapped(const void *address) {
    if (!platform_is_mapped(address))
        model_fail("atomic access to memory that is not mapped: %s", report_name_of(address));
}

/* The newest own store that has not reached memory yet. */
static const struct store *buffered(const void *address) {
    const struct store *found = NULL;
    for (unsigned i = 0; i < self()->store_count; i++)
        if (self()->stores[i].address == address)
            found = &self()->stores[i];
    return found;
}

static uint64_t load(void *address, size_t bytes, int order, const void *where) {
    if (!is_checked())
        return value_at(address, bytes);
    const struct store *own = buffered(address);
    if (own)
        return own->value;
    if (explore_is_shared(address, false))
        explore_point((struct op){OP_LOAD, address, where, 0});
    must_be_mapped(address);
    races_load(address, order);
    return value_at(address, bytes);
}

static void store(void *address, size_t bytes, uint64_t value, int order, const void *where) {
    if (!is_checked()) {
        memcpy(address, &value, bytes);
        return;
    }
    bool is_shared = explore_is_shared(address, true);
    bool is_delayed = is_shared && model->has_buffers && order != memory_order_seq_cst;
    if (!is_delayed && (is_shared || (self()->store_count > 0 && order == memory_order_seq_cst)))
        explore_point((struct op){OP_STORE, address, where, 0});
    must_be_mapped(address);
    struct model_thread *t = self();
    if (!is_shared) {
        memcpy(address, &value, bytes);
        return;
    }
    if (t->store_count == BUFFER_STORES)
        model_fail("more than %d stores are delayed", BUFFER_STORES);
    struct store *entry = &t->stores[t->store_count++];
    *entry = (struct store){.address = address, .value = value, .bytes = (uint32_t)bytes};
    races_store_clocks(entry->clocks, order, &entry->releases);
    if (!is_delayed)
        explore_flush(t);
}

/* Before a read-modify-write: the old value. */
static uint64_t begin_change(void *address, size_t bytes, int order, const void *where) {
    if (is_checked()) {
        if (explore_is_shared(address, true) || self()->store_count > 0)
            explore_point((struct op){OP_CHANGE, address, where, 0});
        must_be_mapped(address);
        races_load(address, order);
    }
    return value_at(address, bytes);
}

static void end_change(void *address, size_t bytes, uint64_t value, int order) {
    memcpy(address, &value, bytes);
    if (!is_checked())
        return;
    clock_set clocks;
    bool releases;
    races_store_clocks(clocks, order, &releases);
    races_release(address, clocks, releases, true);
}

#define ATOMICS(bits, type)                                                                        \
    type __tsan_atomic##bits##_load(type *p, int order);                                           \
    type __tsan_atomic##bits##_load(type *p, int order) {                                          \
        return (type)load(p, sizeof *p, order, WHERE);                                             \
    }                                                                                              \
    void __tsan_atomic##bits##_store(type *p, type value, int order);                              \
    void __tsan_atomic##bits##_store(type *p, type value, int order) {                             \
        store(p, sizeof *p, value, order, WHERE);                                                  \
    }                                                                                              \
    CHANGE(bits, type, exchange, value)                                                            \
    CHANGE(bits, type, fetch_add, (type)(old + value))                                             \
    CHANGE(bits, type, fetch_sub, (type)(old - value))                                             \
    CHANGE(bits, type, fetch_and, old &value)                                                      \
    CHANGE(bits, type, fetch_or, old | value)                                                      \
    CHANGE(bits, type, fetch_xor, old ^ value)                                                     \
    COMPARE(bits, type, strong)                                                                    \
    COMPARE(bits, type, weak)                                                                      \
    COMPARE_VALUE(bits, type)

#define CHANGE(bits, type, name, result)                                                           \
    type __tsan_atomic##bits##_##name(type *p, type value, int order);                             \
    type __tsan_atomic##bits##_##name(type *p, type value, int order) {                            \
        type old = (type)begin_change(p, sizeof *p, order, WHERE);                                 \
        end_change(p, sizeof *p, (type)(result), order);                                           \
        return old;                                                                                \
    }

static bool compare(void *address, size_t bytes, uint64_t *expected, uint64_t value, int order,
                    int failed_order, const void *where) {
    uint64_t old = begin_change(address, bytes, memory_order_relaxed, where);
    bool is_equal = old == *expected;
    if (is_checked())
        races_load(address, is_equal ? order : failed_order);
    if (is_equal)
        end_change(address, bytes, value, order);
    *expected = old;
    return is_equal;
}

#define COMPARE(bits, type, name)                                                                  \
    int __tsan_atomic##bits##_compare_exchange_##name(type *p, type *expected, type value,         \
                                                      int order, int failed_order);                \
    int __tsan_atomic##bits##_compare_exchange_##name(type *p, type *expected, type value,         \
                                                      int order, int failed_order) {               \
        uint64_t seen = *expected;                                                                 \
        bool is_equal = compare(p, sizeof *p, &seen, value, order, failed_order, WHERE);           \
        if (!is_equal)                                                                             \
            *expected = (type)seen;                                                                \
        return is_equal;                                                                           \
    }

/* clang's form: the old value comes back. */
#define COMPARE_VALUE(bits, type)                                                                  \
    type __tsan_atomic##bits##_compare_exchange_val(type *p, type expected, type value, int order, \
                                                    int failed_order);                             \
    type __tsan_atomic##bits##_compare_exchange_val(type *p, type expected, type value, int order, \
                                                    int failed_order) {                            \
        uint64_t seen = expected;                                                                  \
        (void)compare(p, sizeof *p, &seen, value, order, failed_order, WHERE);                     \
        return (type)seen;                                                                         \
    }

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_thread_fence(int order) {
    if (!is_checked())
        return;
    if (order == memory_order_seq_cst && self()->store_count > 0)
        explore_point((struct op){OP_FENCE, NULL, WHERE, 0});
    races_fence(order);
}
void __tsan_atomic_signal_fence(int order) {
    (void)order;
}
