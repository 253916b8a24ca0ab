/* operator new and operator delete in all 20 forms, under the names that C++ mangles them to.
 *
 * A program may put its own in the place of some of them, mostly operator new(size_t) and operator
 * delete(void *) alone, and the standard then has the other forms call those ([new.delete]). So
 * each form but the basic ones looks whether the next one still is ours, as the loader or linker
 * bound it, and calls the program's where it is not; without that, a sized delete would give us
 * what a program's own operator new made.
 *
 *   new[]                  --> new                sized delete, delete nothrow --> delete
 *   new nothrow            --> try { new }        delete[]                     --> delete
 *   new[] nothrow          --> try { new[] }      sized delete[], nothrow      --> delete[]
 *   the aligned forms      --> the same among themselves
 *
 * All are weak, so that a program linked with libhakmem.a may define its own.
 *
 * Without memory the new_handler is called until it gives up (by an exception, or because there is
 * none any more), then std::bad_alloc is thrown, or NULL returned by the nothrow forms. */
#include "entry/cxx.h"
#include "entry/way.h"

#define OPERATOR HAK_EXPORT HAK_ON_LINE __attribute__((weak))

typedef const void *nothrow_t;

/* NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming) */
OPERATOR void *_Znwm(size_t bytes);
OPERATOR void *_Znam(size_t bytes);
OPERATOR void *_ZnwmRKSt9nothrow_t(size_t bytes, nothrow_t);
OPERATOR void *_ZnamRKSt9nothrow_t(size_t bytes, nothrow_t);
OPERATOR void *_ZnwmSt11align_val_t(size_t bytes, size_t alignment);
OPERATOR void *_ZnamSt11align_val_t(size_t bytes, size_t alignment);
OPERATOR void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t alignment, nothrow_t);
OPERATOR void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t alignment, nothrow_t);
OPERATOR void _ZdlPv(void *block);
OPERATOR void _ZdaPv(void *block);
OPERATOR void _ZdlPvRKSt9nothrow_t(void *block, nothrow_t);
OPERATOR void _ZdaPvRKSt9nothrow_t(void *block, nothrow_t);
OPERATOR void _ZdlPvm(void *block, size_t bytes);
OPERATOR void _ZdaPvm(void *block, size_t bytes);
OPERATOR void _ZdlPvSt11align_val_t(void *block, size_t alignment);
OPERATOR void _ZdaPvSt11align_val_t(void *block, size_t alignment);
OPERATOR void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *block, size_t alignment, nothrow_t);
OPERATOR void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *block, size_t alignment, nothrow_t);
OPERATOR void _ZdlPvmSt11align_val_t(void *block, size_t bytes, size_t alignment);
OPERATOR void _ZdaPvmSt11align_val_t(void *block, size_t bytes, size_t alignment);

/* The form of this file beside the one that the program's calls go to. */
HAK_OWN_NAME(_Znwm);
HAK_OWN_NAME(_Znam);
HAK_OWN_NAME(_ZnwmRKSt9nothrow_t);
HAK_OWN_NAME(_ZnamRKSt9nothrow_t);
HAK_OWN_NAME(_ZnwmSt11align_val_t);
HAK_OWN_NAME(_ZnamSt11align_val_t);
HAK_OWN_NAME(_ZnwmSt11align_val_tRKSt9nothrow_t);
HAK_OWN_NAME(_ZnamSt11align_val_tRKSt9nothrow_t);
HAK_OWN_NAME(_ZdlPv);
HAK_OWN_NAME(_ZdaPv);
HAK_OWN_NAME(_ZdlPvSt11align_val_t);
HAK_OWN_NAME(_ZdaPvSt11align_val_t);

static inline bool is_another(const char *bound, const char *own) {
    __asm__("" : "+r"(bound));
    return bound != own;
}

#define IS_REPLACED(form) HAK_UNLIKELY(is_another((const char *)(form), hak_own_##form))

/* ---- new ------------------------------------------------------------------------------------- */

struct request {
    size_t bytes, alignment; /* alignment 0: the common one */
    enum hak_subkind by;
    hak_call_t call;
    void *(*replaced)(size_t); /* the program's own form to call, or NULL */
    void *(*replaced_aligned)(size_t, size_t);
    void *block;
};

/* One attempt at the request's block; NULL without memory. */
static void *take(const struct request *request) {
    struct hak_hand_out how = {.asked_bytes = request->bytes,
                               .alignment = request->alignment,
                               .subkind = request->by,
                               .call = request->call};
    return request->alignment ? hak_entry_serve(&how) : hak_entry_serve_counted(&how);
}

/* Turns an invalid alignment (0, too) into NO_ALIGNMENT, since 0 stands for the common one. */
static size_t settle_alignment(size_t alignment) {
    enum { NO_ALIGNMENT = 3 };
    return hak_is_power_of_two(alignment) && alignment <= PTRDIFF_MAX / 2 ? alignment
                                                                          : NO_ALIGNMENT;
}

static bool is_possible(const struct request *request) {
    return request->alignment == 0 || hak_is_power_of_two(request->alignment);
}

/* Asks until there is memory or nobody who could make some. */
static void take_with_handler(void *argument) {
    struct request *request = argument;
    while (!(request->block = take(request))) {
        void (*handler)(void) = hak_cxx_new_handler(*request->call);
        if (!handler)
            return;
        handler();
    }
}

/* As operator new: calls the new handler while memory is missing, and throws std::bad_alloc without
 * one. */
static void *take_or_throw(struct request *request) {
    if (is_possible(request))
        take_with_handler(request);
    if (!request->block)
        hak_cxx_throw_bad_alloc(*request->call);
    return request->block;
}

/* The request's block, by the new handler's help, too; NULL where operator new would throw, also
 * for an exception of the handler. */
static void *take_or_null(struct request *request) {
    if (!is_possible(request))
        return NULL;
    request->block = take(request);
    if (request->block || !hak_cxx_new_handler(*request->call) ||
        !hak_cxx_can_catch(*request->call))
        return request->block;
    return hak_cxx_try(take_with_handler, request) ? request->block : NULL;
}

/* Calls the program's own operator new, which may throw: for hak_cxx_try. */
static void call_programs_new(void *argument) {
    struct request *request = argument;
    request->block = request->replaced
                         ? request->replaced(request->bytes)
                         : request->replaced_aligned(request->bytes, request->alignment);
}

static void *try_replaced(struct request *request) {
    return hak_cxx_try(call_programs_new, request) ? request->block : NULL;
}

static HAK_COLD void *take_slowly(size_t bytes, enum hak_subkind by, hak_call_t call) {
    struct request request = {.bytes = bytes, .by = by, .call = call};
    return take_or_throw(&request);
}

static HAK_COLD void *take_slowly_or_null(size_t bytes, enum hak_subkind by, hak_call_t call) {
    struct request request = {.bytes = bytes, .by = by, .call = call};
    return take_or_null(&request);
}

/* operator new(size_t). */
void *_Znwm(size_t bytes) {
    HAK_IN_LIGHT(light__Znwm(bytes));
    void *block = hak_entry_take_fast(bytes);
    return HAK_LIKELY(block != NULL) ? block : take_slowly(bytes, HAK_BY_NEW, HAK_CALL);
}

/* operator new[](size_t); a program's own operator new serves it, as the standard says. */
void *_Znam(size_t bytes) {
    if (IS_REPLACED(_Znwm))
        return _Znwm(bytes);
    HAK_IN_LIGHT(light__Znam(bytes));
    void *block = hak_entry_take_fast(bytes);
    return HAK_LIKELY(block != NULL) ? block : take_slowly(bytes, HAK_BY_NEW_ARRAY, HAK_CALL);
}

/* operator new(size_t, nothrow); a program's own operator new serves it. */
void *_ZnwmRKSt9nothrow_t(size_t bytes, nothrow_t nothrow) {
    (void)nothrow;
    if (IS_REPLACED(_Znwm))
        return try_replaced(&(struct request){.bytes = bytes, .replaced = _Znwm});
    void *block = hak_entry_take_fast(bytes);
    return HAK_LIKELY(block != NULL) ? block : take_slowly_or_null(bytes, HAK_BY_NEW, HAK_CALL);
}

/* operator new[](size_t, nothrow); a program's own operators serve it. */
void *_ZnamRKSt9nothrow_t(size_t bytes, nothrow_t nothrow) {
    (void)nothrow;
    if (IS_REPLACED(_Znam) || IS_REPLACED(_Znwm))
        return try_replaced(&(struct request){.bytes = bytes, .replaced = _Znam});
    void *block = hak_entry_take_fast(bytes);
    return HAK_LIKELY(block != NULL) ? block
                                     : take_slowly_or_null(bytes, HAK_BY_NEW_ARRAY, HAK_CALL);
}

/* operator new(size_t, align_val_t). */
void *_ZnwmSt11align_val_t(size_t bytes, size_t alignment) {
    return take_or_throw(&(struct request){.bytes = bytes,
                                           .alignment = settle_alignment(alignment),
                                           .by = HAK_BY_NEW_ALIGNED,
                                           .call = HAK_CALL});
}

/* operator new[](size_t, align_val_t); a program's own operator new serves it. */
void *_ZnamSt11align_val_t(size_t bytes, size_t alignment) {
    if (IS_REPLACED(_ZnwmSt11align_val_t))
        return _ZnwmSt11align_val_t(bytes, alignment);
    return take_or_throw(&(struct request){.bytes = bytes,
                                           .alignment = settle_alignment(alignment),
                                           .by = HAK_BY_NEW_ARRAY_ALIGNED,
                                           .call = HAK_CALL});
}

/* An aligned block, or NULL where new would throw. */
static void *take_aligned_or_null(size_t bytes, size_t alignment, enum hak_subkind by,
                                  hak_call_t call) {
    struct request request = {
        .bytes = bytes, .alignment = settle_alignment(alignment), .by = by, .call = call};
    return take_or_null(&request);
}

/* operator new(size_t, align_val_t, nothrow); a program's own serves it. */
void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t alignment, nothrow_t nothrow) {
    (void)nothrow;
    if (IS_REPLACED(_ZnwmSt11align_val_t))
        return try_replaced(&(struct request){
            .bytes = bytes, .alignment = alignment, .replaced_aligned = _ZnwmSt11align_val_t});
    return take_aligned_or_null(bytes, alignment, HAK_BY_NEW_ALIGNED, HAK_CALL);
}

/* operator new[](size_t, align_val_t, nothrow); a program's own operators serve it. */
void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t alignment, nothrow_t nothrow) {
    (void)nothrow;
    if (IS_REPLACED(_ZnamSt11align_val_t) || IS_REPLACED(_ZnwmSt11align_val_t))
        return try_replaced(&(struct request){
            .bytes = bytes, .alignment = alignment, .replaced_aligned = _ZnamSt11align_val_t});
    return take_aligned_or_null(bytes, alignment, HAK_BY_NEW_ARRAY_ALIGNED, HAK_CALL);
}

/* ---- delete ---------------------------------------------------------------------------------- */

/* Gives a block back to us. `bytes` and `alignment` are the call's, as far as `by` names them. */
HAK_IN_PLACE void give_deleted(void *block, size_t bytes, size_t alignment, enum hak_given by) {
    HAK_IN_LIGHT(light_free(block));
    if (by != HAK_GIVEN_BY_DELETE && by != HAK_GIVEN_BY_DELETE_ARRAY)
        hak_entry_claim(user_from(block), by, bytes, alignment);
    hak_entry_free(block, by);
}

/* Frees a block as operator delete; a program's own serves it. */
HAK_IN_PLACE void delete_one(void *block, size_t bytes, enum hak_given by) {
    if (IS_REPLACED(_ZdlPv))
        _ZdlPv(block);
    else
        give_deleted(block, bytes, 0, by);
}

/* Frees a block as operator delete[]; a program's own, also of delete, serves it. */
HAK_IN_PLACE void delete_array(void *block, size_t bytes, enum hak_given by) {
    if (IS_REPLACED(_ZdaPv))
        _ZdaPv(block);
    else
        delete_one(block, bytes, by);
}

/* As delete_one, with the alignment that the call names. */
HAK_IN_PLACE void delete_aligned(void *block, size_t bytes, size_t alignment, enum hak_given by) {
    if (IS_REPLACED(_ZdlPvSt11align_val_t))
        _ZdlPvSt11align_val_t(block, alignment);
    else
        give_deleted(block, bytes, alignment, by);
}

/* As delete_array, with the alignment that the call names. */
HAK_IN_PLACE void delete_array_aligned(void *block, size_t bytes, size_t alignment,
                                       enum hak_given by) {
    if (IS_REPLACED(_ZdaPvSt11align_val_t))
        _ZdaPvSt11align_val_t(block, alignment);
    else
        delete_aligned(block, bytes, alignment, by);
}

void _ZdlPv(void *block) {
    HAK_IN_LIGHT(light_free(block));
    hak_entry_free(hak_entry_later(block), HAK_GIVEN_BY_DELETE);
}

void _ZdaPv(void *block) {
    delete_one(block, 0, HAK_GIVEN_BY_DELETE_ARRAY);
}

void _ZdlPvRKSt9nothrow_t(void *block, nothrow_t nothrow) {
    (void)nothrow;
    delete_one(block, 0, HAK_GIVEN_BY_DELETE);
}

void _ZdaPvRKSt9nothrow_t(void *block, nothrow_t nothrow) {
    (void)nothrow;
    delete_array(block, 0, HAK_GIVEN_BY_DELETE_ARRAY);
}

void _ZdlPvm(void *block, size_t bytes) {
    delete_one(block, bytes, HAK_GIVEN_BY_DELETE_SIZED);
}

void _ZdaPvm(void *block, size_t bytes) {
    delete_array(block, bytes, HAK_GIVEN_BY_DELETE_ARRAY_SIZED);
}

void _ZdlPvSt11align_val_t(void *block, size_t alignment) {
    give_deleted(block, 0, alignment, HAK_GIVEN_BY_DELETE_ALIGNED);
}

void _ZdaPvSt11align_val_t(void *block, size_t alignment) {
    delete_aligned(block, 0, alignment, HAK_GIVEN_BY_DELETE_ARRAY_ALIGNED);
}

void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *block, size_t alignment, nothrow_t nothrow) {
    (void)nothrow;
    delete_aligned(block, 0, alignment, HAK_GIVEN_BY_DELETE_ALIGNED);
}

void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *block, size_t alignment, nothrow_t nothrow) {
    (void)nothrow;
    delete_array_aligned(block, 0, alignment, HAK_GIVEN_BY_DELETE_ARRAY_ALIGNED);
}

void _ZdlPvmSt11align_val_t(void *block, size_t bytes, size_t alignment) {
    delete_aligned(block, bytes, alignment, HAK_GIVEN_BY_DELETE_SIZED_ALIGNED);
}

void _ZdaPvmSt11align_val_t(void *block, size_t bytes, size_t alignment) {
    delete_array_aligned(block, bytes, alignment, HAK_GIVEN_BY_DELETE_ARRAY_SIZED_ALIGNED);
}

bool hak_entry_operators_are_replaced(void) {
    return IS_REPLACED(_Znwm) || IS_REPLACED(_Znam) || IS_REPLACED(_ZnwmSt11align_val_t) ||
           IS_REPLACED(_ZnamSt11align_val_t) || IS_REPLACED(_ZdlPv) || IS_REPLACED(_ZdaPv) ||
           IS_REPLACED(_ZdlPvSt11align_val_t) || IS_REPLACED(_ZdaPvSt11align_val_t);
}
/* NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming) */
