/* Kinds: a block has to be given back by a call of the family that made it, and with the size and
 * alignment that it was asked for, where the call names them.
 *
 *   made by                            given back by
 *   malloc, calloc, aligned_alloc,     free, realloc, free_sized, free_aligned_sized
 *   realloc
 *   new                                delete                 each in its common and its aligned
 *   new[]                              delete[]               form, which must agree too
 *   hak_pool_alloc_guarded             hak_pool_free_guarded, the end of its pool
 *
 * Another family is alloc-dealloc-mismatch; another size or alignment, or an aligned form against a
 * common one, is new-delete-type-mismatch. A block's kind is in its slot's state, out of the
 * program's reach.
 *
 * Never accused: what a program's own operators do. If one of them stands in the place of ours, new
 * may be the program's and delete ours, or the other way round, so C and C++ are not told apart
 * then; new and new[] still are, since our new[] calls the program's new. Nor what a module's
 * operators do that nobody else sees (trace/crash/private_operators.h). */
#include "guard/guard.h"

enum { GIVENS = 16, ANY = 0xff };

#define BY(name) (1u << HAK_BY_##name)
#define OF_C     (BY(MALLOC) | BY(CALLOC) | BY(ALIGNED) | BY(REALLOC))

/* Until the start every call may give back every block: the loader's calls come before. */
uint8_t hak_kinds_allowed[GIVENS] = {ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY,
                                     ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY};
static bool is_checking_kinds;

static bool is_delete(enum hak_given by) {
    return by >= HAK_GIVEN_BY_DELETE;
}
static bool is_array_delete(enum hak_given by) {
    return by == HAK_GIVEN_BY_DELETE_ARRAY || by == HAK_GIVEN_BY_DELETE_ARRAY_SIZED ||
           by == HAK_GIVEN_BY_DELETE_ARRAY_ALIGNED || by == HAK_GIVEN_BY_DELETE_ARRAY_SIZED_ALIGNED;
}

/* True when the freeing call says the block's size. */
static bool names_size(enum hak_given by) {
    return by == HAK_GIVEN_BY_FREE_SIZED || by == HAK_GIVEN_BY_FREE_ALIGNED_SIZED ||
           by == HAK_GIVEN_BY_DELETE_SIZED || by == HAK_GIVEN_BY_DELETE_ARRAY_SIZED ||
           by == HAK_GIVEN_BY_DELETE_SIZED_ALIGNED || by == HAK_GIVEN_BY_DELETE_ARRAY_SIZED_ALIGNED;
}
static bool names_alignment(enum hak_given by) {
    return by == HAK_GIVEN_BY_FREE_ALIGNED_SIZED || by >= HAK_GIVEN_BY_DELETE_ALIGNED;
}

/* The calls by which a block that `by` gives back may have been made. */
static unsigned kinds_for(enum hak_given by) {
    if (!is_delete(by))
        return OF_C;
    if (names_alignment(by))
        return is_array_delete(by) ? BY(NEW_ARRAY_ALIGNED) : BY(NEW_ALIGNED);
    return is_array_delete(by) ? BY(NEW_ARRAY) : BY(NEW);
}

void hak_check_kinds_start(bool has_own_operators) {
    is_checking_kinds = hak_options.check == HAK_CHECK_NORMAL && hak_options.kinds;
    for (unsigned by = 0; by < GIVENS; by++) {
        unsigned kinds = kinds_for((enum hak_given)by);
        if (has_own_operators)
            kinds = is_delete((enum hak_given)by) ? kinds | OF_C : ANY;
        hak_kinds_allowed[by] = (uint8_t)(is_checking_kinds ? kinds : ANY);
    }
}

static unsigned taken_of(const struct hak_located *at) {
    return at->slot->subkind & 7;
}

/* The family of an allocation: 0 as malloc, 1 single, 2 array. */
static int family_of_taken(unsigned taken) {
    if (OF_C >> taken & 1)
        return 0;
    return taken == HAK_BY_NEW || taken == HAK_BY_NEW_ALIGNED ? 1 : 2;
}
static int family_of_given(enum hak_given by) {
    return !is_delete(by) ? 0 : is_array_delete(by) ? 2 : 1;
}

/* A finding about the call that frees, with the alignment the block was asked for with. */
static struct hak_finding make_kinds_finding(const struct hak_located *at,
                                             enum hak_record_kind kind, enum hak_fault_code code) {
    return (struct hak_finding){
        .code = code,
        .kind = kind,
        .pointer = hak_user_in(at),
        .class_found = HAK_CLASS_NONE,
        .asked_alignment = at->slot->alignment ? (uint32_t)1 << at->slot->alignment : 0,
    };
}

HAK_COLD void hak_report_kinds(const struct hak_located *at, enum hak_record_kind kind) {
    bool is_family = hak_taken_by(at) == HAK_BY_POOL ||
                     family_of_taken(taken_of(at)) != family_of_given(hak_given_of(kind));
    /* The size and alignment that the call names were compared before (hak_check_claim). */
    if (!is_family && names_alignment(hak_given_of(kind)))
        return;
    struct hak_finding finding = make_kinds_finding(at, kind,
                                                    is_family ? HAK_FAULT_ALLOC_DEALLOC_MISMATCH
                                                              : HAK_FAULT_NEW_DELETE_TYPE_MISMATCH);
    hak_report_fault(at, &finding);
}

/* Whether the alignment that a call names agrees with the block's. free_aligned_sized may be given
 * what malloc made when that is aligned well enough by itself. */
static bool alignment_agrees(const struct hak_located *at, enum hak_given by, size_t alignment) {
    enum { ALIGNED_ANYWAY = 16 };
    size_t asked = at->slot->alignment ? (size_t)1 << at->slot->alignment : 0;
    if (is_delete(by) && !(BY(NEW_ALIGNED) | BY(NEW_ARRAY_ALIGNED)) >> taken_of(at) & 1)
        return false;
    if (alignment <= 1)
        alignment = 0;
    return alignment == asked || (!is_delete(by) && asked == 0 && alignment <= ALIGNED_ANYWAY);
}

void hak_check_claim(user_t user, enum hak_given by, size_t bytes, size_t alignment) {
    struct hak_located at;
    if (!is_checking_kinds || !user.p || !hak_locate(user.p, &at) ||
        at.slot->place != HAK_PLACE_LIVE || user.p != hak_user_in(&at) ||
        family_of_taken(taken_of(&at)) != family_of_given(by)) /* told by hak_check_pointer */
        return;
    bool has_size = names_size(by), has_alignment = names_alignment(by);
    if (HAK_LIKELY((!has_size || bytes == hak_asked_bytes_of(&at)) &&
                   (!has_alignment || alignment_agrees(&at, by, alignment))))
        return;
    struct hak_finding finding =
        make_kinds_finding(&at, hak_free_by(by), HAK_FAULT_NEW_DELETE_TYPE_MISMATCH);
    finding.given_bytes = has_size ? bytes : 0;
    finding.given_alignment = has_alignment ? (uint32_t)alignment : 0;
    hak_report_fault(&at, &finding);
}

/* Whether a pointer beside a block's start is explained by the wrong form of delete: an array of
 * objects with destructors has its length in front: new[] makes that with the block, delete[] looks
 * for it there. So a delete of such an array comes with a pointer behind the length, and a delete[]
 * of a single object with one before its start. */
bool hak_kinds_explain(const struct hak_located *at, enum hak_record_kind kind,
                       const void *pointer) {
    enum hak_given by = hak_given_of(kind);
    ptrdiff_t offset = (const char *)pointer - hak_user_in(at);
    if (!is_checking_kinds || at->slot->place != HAK_PLACE_LIVE)
        return false;
    size_t front = taken_of(at) == HAK_BY_NEW_ARRAY_ALIGNED ? (size_t)1 << at->slot->alignment
                                                            : sizeof(size_t);
    if (family_of_taken(taken_of(at)) == 1)
        return is_array_delete(by) && offset == -(ptrdiff_t)sizeof(size_t);
    if (family_of_taken(taken_of(at)) != 2 || is_array_delete(by) || offset != (ptrdiff_t)front ||
        hak_asked_bytes_of(at) <= front)
        return false;
    size_t length;
    __builtin_memcpy(&length, (const char *)pointer - sizeof length, sizeof length);
    return length != 0 && (hak_asked_bytes_of(at) - front) % length == 0;
}
