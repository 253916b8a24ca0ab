/* Records with stacks the memory that the program maps, unmaps, moves and takes by its break,
 * besides its allocator's, so that memory which no block takes has a name, too
 * (docs/specs/mappings.md).
 *
 *   stack --> system call --> it failed, or nothing is recorded: no more
 *                  |
 *                  v
 *   PROGRAM_MAP, _UNMAP, _REMAP, _PROTECT, _BREAK, once the kernel has done it
 *
 * Another thread may map an address between the kernel's munmap and its record, whose time is then
 * the later one. So the record of a call that gives up addresses says how long ago the call began:
 * memory mapped after that was not given up by it.
 *
 * Mappings by libc and ld.so themselves (stacks of threads, libraries) do not come here, nor do
 * hakmem's, by raw calls. Thread and signal safety: as the system calls'; nothing is allocated, and
 * errno is as libc leaves it. */
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include "hop.h"
#include "memory_tags.h"
#include "newer.h"
#include "options.h"
#include "superslab.h"
#include "trace/memory/memory.h"
#include "trace/record.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "platform/symbols.h"

enum { HUGE_PAGE_SHIFT = 21 };

/* ---- recording -------------------------------------------------------------------------------
 */

/* A call on its way. */
struct mapping_call {
    uint64_t begin_ns;
    uint32_t stack;
    uint8_t flags;
    bool is_recorded;
};

/* The kept allocator takes what it hands out by such calls: that is no more than its blocks. */
static bool is_of_allocator(hak_call_t call) {
    uintptr_t to = (uintptr_t)*call;
    return to >= hak_kept_text.start && to < hak_kept_text.end;
}

/* A handler may open pages (a garbage collector's barrier), on a stack that has room for little
 * more than the system call. */
enum { ROOM_OF_WALK = 16 << 10, ROOM_OF_RECORD = 4 << 10 };

/* Bytes that are left of the signal stack that the thread runs on; SIZE_MAX on another stack. */
static size_t room_of_handler(void) {
    stack_t s;
    const char *here = __builtin_frame_address(0);
    if (hak_raw_call(SYS_sigaltstack, 0, &s) != 0 || !(s.ss_flags & SS_ONSTACK))
        return SIZE_MAX;
    return here > (const char *)s.ss_sp ? (size_t)(here - (const char *)s.ss_sp) : 0;
}

/* Begins a call that changes the program's mappings: takes its stack, as far as the signal stack it
 * may run on has room, and the time if `is_timed`. `call` is where the program called. Also while
 * recording is stopped, as other changes of what addresses are. */
static HAK_TRACER_TEXT struct mapping_call begin_call(hak_call_t call, bool is_timed) {
    struct mapping_call c = {0};
    c.is_recorded = hak_options.trace && hak_current_ready() && !is_of_allocator(call);
    size_t room = c.is_recorded ? room_of_handler() : 0;
    c.is_recorded = room >= ROOM_OF_RECORD;
    if (room < ROOM_OF_WALK)
        c.flags = HAK_RECORD_PARTIAL;
    else
        c.stack = hak_stack_of_call(__builtin_frame_address(0), call, &c.flags);
    if (c.is_recorded && is_timed)
        c.begin_ns = hak_monotonic_ns();
    return c;
}

/* Nanoseconds since the call began, at most UINT32_MAX: what a record holds. */
static uint32_t ns_since(const struct mapping_call *c) {
    uint64_t now = hak_monotonic_ns();
    uint64_t ns = now > c->begin_ns ? now - c->begin_ns : 0;
    return ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

/* Records the event of the call with its stack and, where it was timed, its duration. */
static void end_call(const struct mapping_call *c, struct hak_event_fields fields) {
    fields.class_index = HAK_CLASS_NONE;
    fields.stack = c->stack;
    fields.flags = c->flags;
    if (c->begin_ns)
        fields.record_count = ns_since(c);
    hak_trace_record(&fields);
}

static bool has_failed(long result) {
    return result < 0 && result >= -4095;
}

/* As the kernel rounds: a record counts in pages of HAK_MAPPED_PAGE_BYTES, of which it has some. */
static uint64_t whole_pages(uint64_t bytes) {
    return (bytes + HAK_PAGE_BYTES - 1) & ~(uint64_t)(HAK_PAGE_BYTES - 1);
}

/* The kernel maps at no address with a memory tag, and no record has one. The program gets back
 * what it gave where the memory lies there: one of two pointers, or NULL. */
static void *as_given(long result, void *given, void *other) {
    const void *place = (const void *)result;
    if (has_failed(result))
        return (void *)hak_libc_result(result);
    return place == hak_untagged(given)   ? given
           : place == hak_untagged(other) ? other
                                          : (void *)place;
}

/* ---- the calls -------------------------------------------------------------------------------
 */

/* The bytes that the kernel maps for the length: whole pages, or whole huge pages with
 * MAP_HUGETLB. */
static uint64_t mapped_bytes(uint64_t bytes, int flags) {
    unsigned shift = (unsigned)flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
    if (!(flags & MAP_HUGETLB) || !(flags & MAP_ANONYMOUS))
        return whole_pages(bytes);
    uint64_t huge = (uint64_t)1 << (shift ? shift : HUGE_PAGE_SHIFT);
    return (bytes + huge - 1) & ~(huge - 1);
}

/* How memory is mapped, as bits HAK_MAPPED_*: closed or read-only, code, of a file, shared. */
static unsigned way_of(int protection, int flags) {
    bool is_shared = (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
    return (protection == PROT_NONE      ? HAK_MAPPED_CLOSED
            : !(protection & PROT_WRITE) ? HAK_MAPPED_READ_ONLY
                                         : 0) |
           (protection & PROT_EXEC ? HAK_MAPPED_CODE : 0) |
           (flags & MAP_ANONYMOUS ? 0 : HAK_MAPPED_FILE) | (is_shared ? HAK_MAPPED_SHARED : 0);
}

/* The calls that the program makes stand apart from hakmem's own, which alone may be refused
 * without the program knowing (tests/memory/fail_call.c looks for the section). */
__attribute__((noinline, section("hak_program_calls"))) static long
ask_kernel(long number, long a, long b, long c, long d, long e, long f) {
    return hak_raw_call_always(number, a, b, c, d, e, f);
}

/* The memory of the range is about to go: pieces of the program's own pools may lie there. The
 * kernel refuses an address within a page. */
static void begin_unmap(uintptr_t from, uint64_t bytes) {
    if (hak_before_unmap && from % HAK_MAPPED_PAGE_BYTES == 0)
        hak_before_unmap(from, bytes);
}

/* Asks the kernel for a mapping, and records it if there is one. Returns as mmap does. */
static void *map(hak_call_t at, void *given, size_t bytes, int protection, int flags, int file,
                 off_t offset) {
    void *address = hak_untagged(given);
    struct mapping_call call = begin_call(at, false);
    if ((flags & MAP_FIXED) && !(flags & MAP_FIXED_NOREPLACE))
        begin_unmap((uintptr_t)address, mapped_bytes(bytes, flags));
    long result = ask_kernel(SYS_mmap, (long)address, (long)bytes, protection, flags, file, offset);
    if (call.is_recorded && !has_failed(result))
        end_call(&call, (struct hak_event_fields){.kind = HAK_PROGRAM_MAP,
                                                  .address = (uint64_t)result,
                                                  .size = mapped_bytes(bytes, flags),
                                                  .subkind = (uint8_t)way_of(protection, flags)});
    return as_given(result, given, NULL);
}

HAK_EXPORT void *mmap(void *address, size_t bytes, int protection, int flags, int file,
                      off_t offset) {
    return map(HAK_CALL, address, bytes, protection, flags, file, offset);
}
HAK_EXPORT void *mmap64(void *address, size_t bytes, int protection, int flags, int file,
                        off64_t offset) {
    return map(HAK_CALL, address, bytes, protection, flags, file, offset);
}

/* The program's munmap: asks the kernel, and records the call with its duration if it succeeded. */
HAK_EXPORT int munmap(void *address, size_t bytes) {
    struct mapping_call call = begin_call(HAK_CALL, true);
    address = hak_untagged(address);
    begin_unmap((uintptr_t)address, whole_pages(bytes));
    long result = ask_kernel(SYS_munmap, (long)address, (long)bytes, 0, 0, 0, 0);
    if (call.is_recorded && !has_failed(result))
        end_call(&call, (struct hak_event_fields){.kind = HAK_PROGRAM_UNMAP,
                                                  .address = (uintptr_t)address,
                                                  .size = whole_pages(bytes)});
    return (int)hak_libc_result(result);
}

/* The program's mprotect: asks the kernel, and records the change. Reservations are opened by it
 * (V8), and pages that guard closed. */
HAK_EXPORT int mprotect(void *address, size_t bytes, int protection) {
    struct mapping_call call = begin_call(HAK_CALL, false);
    address = hak_untagged(address);
    long result = ask_kernel(SYS_mprotect, (long)address, (long)bytes, protection, 0, 0, 0);
    if (call.is_recorded && bytes && !has_failed(result))
        end_call(&call,
                 (struct hak_event_fields){.kind = HAK_PROGRAM_PROTECT,
                                           .address = (uintptr_t)address,
                                           .size = whole_pages(bytes),
                                           .subkind = (uint8_t)way_of(protection, MAP_ANONYMOUS)});
    return (int)hak_libc_result(result);
}

/* How much of the old mapping surely stays where it is: none where it may move. */
static uint64_t bytes_kept(uint64_t old_bytes, uint64_t bytes, int flags) {
    bool may_move = (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) ||
                    ((flags & MREMAP_MAYMOVE) && bytes > old_bytes);
    return may_move ? 0 : bytes < old_bytes ? bytes : old_bytes;
}

/* The program's mremap: asks the kernel, and records the move with its duration. With an old size
 * of 0, or MREMAP_DONTUNMAP, the old pages stay mapped. */
HAK_EXPORT void *mremap(void *given, size_t old_bytes, size_t bytes, int flags, ...) {
    void *old = hak_untagged(given), *given_new = NULL;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
        va_list more;
        va_start(more, flags);
        given_new = va_arg(more, void *);
        va_end(more);
    }
    void *wanted = hak_untagged(given_new);
    struct mapping_call call = begin_call(HAK_CALL, true);
    uint64_t kept = bytes_kept(whole_pages(old_bytes), whole_pages(bytes), flags);
    if (flags & MREMAP_FIXED)
        begin_unmap((uintptr_t)wanted, whole_pages(bytes));
    begin_unmap((uintptr_t)old + kept, whole_pages(old_bytes) - kept);
    long result =
        ask_kernel(SYS_mremap, (long)old, (long)old_bytes, (long)bytes, flags, (long)wanted, 0);
    uint64_t left = flags & MREMAP_DONTUNMAP ? 0 : whole_pages(old_bytes) / HAK_MAPPED_PAGE_BYTES;
    if (call.is_recorded && !has_failed(result))
        end_call(&call, (struct hak_event_fields){.kind = HAK_PROGRAM_REMAP,
                                                  .address = (uint64_t)result,
                                                  .size = whole_pages(bytes),
                                                  .old_address = (uintptr_t)old,
                                                  .epoch = (uint32_t)left});
    return as_given(result, given, given_new);
}

/* ---- the break -------------------------------------------------------------------------------
 */

/* Records by how much the break moved, if it did. */
static void end_break(const struct mapping_call *call, const void *before, const void *now) {
    if (call->is_recorded && now != before)
        end_call(call, (struct hak_event_fields){
                           .kind = HAK_PROGRAM_BREAK,
                           .address = (uintptr_t)now,
                           .old_address = (uintptr_t)before,
                           .size = (uintptr_t)(now > before ? (char *)now - (char *)before
                                                            : (char *)before - (char *)now)});
}

/* Where libc keeps it, whose own brk and sbrk go on from there. Looked for when it is needed: few
 * programs do, and each start would pay for it. */
static void **glibc_break;

/* The end of the program's data, from glibc's variable where there is one. At the first use it is
 * asked of the kernel. */
static void *break_now(void) {
    static void *own;
    if (!glibc_break)
        glibc_break = hak_symbol_default("__curbrk");
    if (!glibc_break)
        glibc_break = &own;
    if (!*glibc_break)
        *glibc_break = (void *)ask_kernel(SYS_brk, 0, 0, 0, 0, 0, 0);
    return *glibc_break;
}

/* Asks the kernel to set the break, and records the change. False: it is below `wanted`. */
static bool move_break(hak_call_t at, void *before, void *wanted) {
    struct mapping_call call = begin_call(at, false);
    *glibc_break = (void *)ask_kernel(SYS_brk, (long)wanted, 0, 0, 0, 0, 0);
    end_break(&call, before, *glibc_break);
    return *glibc_break >= wanted;
}

HAK_EXPORT int brk(void *wanted) {
    return move_break(HAK_CALL, break_now(), wanted) ? 0 : (int)hak_libc_result(-ENOMEM);
}

/* The program's sbrk: moves the break and returns the old one; the change is recorded. */
HAK_EXPORT void *sbrk(intptr_t more) {
    char *before = break_now(), *wanted;
    bool is_far = __builtin_add_overflow((uintptr_t)before, more, (uintptr_t *)&wanted);
    if (more == 0)
        return before;
    if (is_far || !move_break(HAK_CALL, before, wanted))
        return (void *)hak_libc_result(-ENOMEM);
    return before;
}
