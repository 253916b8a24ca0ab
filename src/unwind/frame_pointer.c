/* Steps from a frame without call frame information to its caller, if there is evidence. */
#include "unwind/frame_pointer.h"
#include "platform/objects.h"
#include "unwind/code.h"
#include "unwind/rules.h"
#include "unwind/splice.h"
#include HAK_ARCH_FILE(calls.h)

enum { FRAME_BYTES_MAX = 1 << 16, FUNCTION_BYTES_MAX = 1 << 16 };
enum { LOWEST_CODE = 4096, USES_IN_MODULE = 1 << 20, USES_ELSEWHERE = 256 };

/* NULL in libhakmem.so: no thread remembers its last stacks there. */
_Thread_local struct hak_thread_stacks *hak_thread_stacks
    __attribute__((tls_model("initial-exec")));

/* True when code with CFI is called that is not the frame's own: then this is not its return
 * address, but that of a function further out. */
static bool leads_elsewhere(const struct hak_code_call *call) {
    return call->is_direct && hak_code_has_cfi(call->target);
}

/* Is `ip` the aligned first byte of a function, behind padding? V8 puts the address of a builtin
 * there when it goes on with an interpreted frame in place of a compiled one. */
static bool was_planted(struct hak_code_reader *reader, uintptr_t ip) {
    enum { ALIGNMENT = 32 };
    uint8_t before;
    return ip % ALIGNMENT == 0 && hak_code_is_known(ip) &&
           hak_code_copy(reader, ip - 1, &before, 1) && hak_is_padding(before);
}

/* Does rbp lie where a frame pointer may? */
static bool is_near(const struct hak_bare_frame *frame) {
    return frame->bp - frame->sp <= FRAME_BYTES_MAX && (frame->bp & 7) == 0;
}

/* Finds the CFA of a frame that is known to be of the function that was called, by that one's first
 * instructions. False: they do not tell it. */
static bool find_frame_bytes(struct hak_code_reader *reader, const struct hak_bare_frame *frame,
                             const struct hak_code_call *call, struct hak_bare_caller *caller) {
    uint8_t code[HAK_JUMP_BYTES];
    if (!call->is_direct || frame->pc - call->target >= FUNCTION_BYTES_MAX ||
        !hak_code_copy(reader, call->target, code, sizeof code))
        return false;
    unsigned bytes = hak_frame_bytes(code);
    caller->cfa = bytes ? frame->bp + bytes : caller->cfa;
    return bytes != 0;
}

/* Takes the caller from the saved rbp and the return address above it. False: rbp is not near, the
 * words are unreadable, or the address does not follow a call that may have led here. */
static bool step_by_rbp(struct hak_stack_memory *memory, struct hak_code_reader *reader,
                        const struct hak_bare_frame *frame, struct hak_bare_caller *caller) {
    struct hak_code_call call;
    if (!is_near(frame) || !hak_stack_read(memory, frame->bp + 8, &caller->ip) ||
        !hak_stack_read(memory, frame->bp, &caller->bp))
        return false;
    caller->ip = hak_return_address(caller->ip);
    if ((hak_code_follows_call(reader, caller->ip, &call) ? leads_elsewhere(&call)
                                                          : !was_planted(reader, caller->ip)))
        return false;
    caller->cfa = frame->bp + 16;
    caller->tells_cfa = HAK_FP_TELLS_CFA || find_frame_bytes(reader, frame, &call, caller);
    return true;
}

/* The caller's rbp when the return address lies at `at`: the frame's own, unless that points into
 * what is stepped over; then it was saved, as a rule directly below the return address. */
static uintptr_t bp_behind(struct hak_stack_memory *memory, const struct hak_bare_frame *frame,
                           uintptr_t at) {
    uintptr_t saved;
    if (frame->bp - frame->sp < at - frame->sp && hak_stack_read(memory, at - 8, &saved) &&
        saved - at < FRAME_BYTES_MAX && (saved & 7) == 0)
        return saved;
    return frame->bp;
}

/* Where the direct call leads whose return address `ip` is; 0 = there is none, or it leads to code
 * with CFI. */
static uintptr_t find_target(struct hak_code_reader *reader, uintptr_t ip) {
    struct hak_code_call call;
    return hak_code_is_known(ip - 1) && hak_code_follows_call(reader, ip, &call) &&
                   call.is_direct && !leads_elsewhere(&call)
               ? call.target
               : 0;
}

/* Code that the loader knows stays as it is until it is unloaded. */
static uint32_t uses_of(uintptr_t ip) {
    struct hak_object object;
    return hak_object_find(ip, &object) ? USES_IN_MODULE : USES_ELSEWHERE;
}

/* The target of the call before `ip`, which the thread mostly remembers for a number of uses. 0:
 * none. */
static uintptr_t target_of(struct hak_thread_stacks *all, struct hak_code_reader *reader,
                           uintptr_t ip) {
    if (ip <= LOWEST_CODE || ip >> HAK_ADDRESS_BITS != 0)
        return 0;
    if (!all)
        return find_target(reader, ip);
    uint64_t key = ip + all->salt;
    struct hak_known_call *known = &all->call[key * HAK_SPREAD >> (64 - HAK_KNOWN_CALL_BITS)];
    if (HAK_LIKELY(known->key == key && known->uses_left > 0)) {
        known->uses_left--;
        return known->target;
    }
    uintptr_t target = find_target(reader, ip);
    known->key = 0; /* a handler that leaves by longjmp leaves nothing half written */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    known->target = target;
    known->uses_left = uses_of(ip);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    known->key = key;
    return target;
}

/* Is `ip` the return address of a call that leads to the frame's own code? */
static bool is_return_of(struct hak_thread_stacks *all, struct hak_code_reader *reader,
                         const struct hak_bare_frame *frame, uintptr_t ip) {
    uintptr_t target = target_of(all, reader, ip);
    return HAK_UNLIKELY(target != 0) && frame->pc - target < FUNCTION_BYTES_MAX;
}

/* Where the search ends that begins at `sp`: above a stack of `span` bytes lies no return address.
 */
static uintptr_t search_end(uintptr_t sp, uintptr_t low, uintptr_t span) {
    uintptr_t end = sp + 8 * HAK_SEARCH_WORDS;
    return sp - low < span && end - low > span ? low + span : end;
}

/* Looks for the return address of a call that leads to the frame's own code. */
static bool step_by_call(struct hak_stack_memory *memory, struct hak_code_reader *reader,
                         const struct hak_bare_frame *frame, struct hak_bare_caller *caller) {
    struct hak_thread_stacks *all = hak_thread_stacks;
    uintptr_t end = search_end(frame->sp, memory->low, memory->span);
    for (uintptr_t at = frame->sp; at < end; at += 8) {
        if (!hak_stack_read(memory, at, &caller->ip))
            return false;
        caller->ip = hak_return_address(caller->ip);
        if (!is_return_of(all, reader, frame, caller->ip))
            continue;
        caller->cfa = (at + HAK_STACK_ALIGNMENT) & ~(uintptr_t)(HAK_STACK_ALIGNMENT - 1);
        caller->tells_cfa = HAK_FP_TELLS_CFA;
        caller->bp = bp_behind(memory, frame, at);
        return true;
    }
    return false;
}

/* Is the return address of a frame that was interrupted in its register still? It follows a call of
 * this very code then, and the frame pointer does not point to the frame's own record yet. */
static bool is_in_register(struct hak_stack_memory *memory, struct hak_code_reader *reader,
                           const struct hak_bare_frame *frame) {
    uintptr_t link = hak_return_address(frame->link), saved;
    return link != 0 && is_return_of(hak_thread_stacks, reader, frame, link) &&
           !(is_near(frame) && hak_stack_read(memory, frame->bp + 8, &saved) &&
             hak_return_address(saved) == link);
}

/* Takes the caller of a function that was interrupted in its prologue or epilogue, its return
 * address next to the stack pointer or in its register. False: it is not at such an edge, or the
 * address follows no call that led here. */
static bool step_from_edge(struct hak_stack_memory *memory, struct hak_code_reader *reader,
                           const struct hak_bare_frame *frame, struct hak_bare_caller *caller) {
    uint8_t code[HAK_EDGE_BYTES];
    struct hak_code_call call;
    struct hak_edge edge;
    if (!hak_code_copy(reader, frame->pc - HAK_EDGE_BYTES_BEFORE, code, sizeof code))
        return false;
    if (!hak_edge_in(code, &edge)) {
        if (!is_in_register(memory, reader, frame))
            return false;
        edge = (struct hak_edge){-1, -1, 0};
    }
    caller->bp = frame->bp;
    caller->ip = frame->link;
    if ((edge.return_at >= 0 &&
         !hak_stack_read(memory, frame->sp + (uintptr_t)edge.return_at, &caller->ip)) ||
        (edge.fp_at >= 0 &&
         !hak_stack_read(memory, frame->sp + (uintptr_t)edge.fp_at, &caller->bp)))
        return false;
    caller->ip = hak_return_address(caller->ip);
    if (!hak_code_follows_call(reader, caller->ip, &call) || leads_elsewhere(&call))
        return false;
    caller->cfa = frame->sp + (uintptr_t)edge.cfa;
    caller->tells_cfa = HAK_FP_TELLS_CFA || edge.cfa > 0;
    return true;
}

bool hak_bare_frame_step_by_rbp(struct hak_stack_memory *memory, const struct hak_bare_frame *frame,
                                struct hak_bare_caller *caller) {
    struct hak_code_reader reader = {1};
    return is_near(frame) && hak_code_is_executable(frame->pc) &&
           step_by_rbp(memory, &reader, frame, caller);
}

bool hak_bare_frame_search(const struct hak_bare_frame *frame, struct hak_known_search *known) {
    const struct hak_stack_bounds *bounds = &hak_stack_bounds;
    struct hak_code_reader reader = {1};
    uintptr_t end = search_end(frame->sp, bounds->low, bounds->high - bounds->low);
    if ((frame->sp & 7) != 0 || !hak_is_in_stack_bounds(bounds, frame->sp) || is_near(frame) ||
        !hak_code_is_executable(frame->pc))
        return false;
    known->pc = frame->pc;
    known->sp = frame->sp;
    known->words = 0;
    known->uses_left = HAK_SEARCH_USES;
    known->is_found = false;
    for (uintptr_t at = frame->sp; at < end && !known->is_found; at += 8) {
        uintptr_t word = hak_word_at(at); /* once: another thread may write there */
        known->word[known->words++] = word;
        known->is_found = is_return_of(hak_thread_stacks, &reader, frame, word);
    }
    return true;
}

bool hak_search_is_of(const struct hak_known_search *known, const struct hak_bare_frame *frame) {
    return known->pc == frame->pc && known->sp == frame->sp && !is_near(frame);
}

/* The first word from `i` on that is not what was noted; known->words = all are. */
static uint32_t find_change(const struct hak_known_search *known, uint32_t i) {
    enum { AT_ONCE = 8 };
    typedef uint64_t __attribute__((vector_size(16), aligned(8), may_alias)) pair;
    const pair *now = (const pair *)(known->sp + 8 * (uintptr_t)i);
    const pair *noted = (const pair *)(known->word + i);
    for (; i + AT_ONCE <= known->words; i += AT_ONCE, now += AT_ONCE / 2, noted += AT_ONCE / 2) {
        pair differ =
            (now[0] ^ noted[0]) | (now[1] ^ noted[1]) | (now[2] ^ noted[2]) | (now[3] ^ noted[3]);
        if (differ[0] | differ[1])
            break;
    }
    while (i < known->words && hak_word_at(known->sp + 8 * (uintptr_t)i) == known->word[i])
        i++;
    return i;
}

/* Whether the noted search would end the same now; it uses up one use. A word that has changed
 * decides nothing as long as it is not taken for a return address either. */
bool hak_search_stands(struct hak_known_search *known) {
    const struct hak_bare_frame frame = {.pc = known->pc};
    struct hak_code_reader reader = {1};
    if (known->uses_left == 0)
        return false;
    known->uses_left--;
    for (uint32_t i = 0; (i = find_change(known, i)) < known->words; i++) {
        uintptr_t word = hak_word_at(known->sp + 8 * (uintptr_t)i);
        if ((known->is_found && i + 1 == known->words) ||
            is_return_of(hak_thread_stacks, &reader, &frame, word))
            return false;
        known->word[i] = word;
    }
    return true;
}

bool hak_bare_frame_step(struct hak_stack_memory *memory, const struct hak_bare_frame *frame,
                         struct hak_bare_caller *caller) {
    struct hak_code_reader reader = {1};
    if (!hak_code_is_executable(frame->pc))
        return false;
    if (frame->was_interrupted && step_from_edge(memory, &reader, frame, caller))
        return true;
    return step_by_rbp(memory, &reader, frame, caller) ||
           step_by_call(memory, &reader, frame, caller);
}
