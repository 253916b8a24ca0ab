/* Start-up, the end of a thread, and fork.
 *
 *   first call of the process   options, registry, brk's start
 *   constructor                 the same if no call came before; thread key, fork handlers, the
 *                               checks (hak_check_start); calls of ld.so may come before
 *   first call of a thread      a heap (front), its end noted with the thread key
 *   end of a thread             in the last round of key destructors, so that others' frees before
 *                               it still find the caches
 *   fork                        no lock is held over it; the child makes anew what was locked by
 *                               threads that are not there
 *
 * In level light (light.h) the checks' half reads the options and starts the checks, and has no
 * heap; the constructor of the plain one comes after its own.
 *
 * The library is linked with -z initfirst: only ld.so's own calls come before the constructor,
 * which therefore cannot rely on libc's constructors: `environ` may not be set yet. Before glibc
 * 2.34 libpthread takes that place (hak_entry_is_overtaken): the first call of another library's
 * constructor runs ours. */
#include <pthread.h>
#include "background/background.h"
#include "entry/allocators.h"
#include "entry/counted/counted.h"
#include "entry/entry.h"
#include "entry/environment/environment.h"
#include "entry/summary.h"
#include "entry/way.h"
#include "front/remote.h"
#include "learn/learn.h"
#include "light.h"
#include "platform/address.h"
#include "platform/objects.h"
#include "platform/own.h"
#include "platform/raw_call.h"
#include "platform/symbols.h"
#include "platform/tags.h"
#include "pool/pool.h"
#include "platform/thread_key.h"

/* pthreads calls destructors in up to 4 rounds as long as values are set anew. */
enum { END_ROUND = 3 };

static struct hak_lock start_lock;
static _Atomic bool is_started, is_constructed;
static struct hak_thread_key thread_key;
static char **constructor_environment;
void (*hak_entry_begin_counting)(void);

/* ---- the process ----------------------------------------------------------------------------- */

/* Memory tags as the option asks for them; a line where there are none, or not that way. */
static HAK_COLD void start_tags(enum hak_tags_way wanted) {
    static const char *const missed[] = {
        "hakmem: HAKMEM_TAGS=asymm: the kernel does not prefer that on each processor "
        "(/sys/devices/system/cpu/cpu*/mte_tcf_preferred); HAKMEM_TAGS=sync is used"};
    static const char *const none[] = {
        "hakmem: HAKMEM_TAGS: this processor or its kernel has no memory tags; none are used"};
    enum hak_tags_way way = hak_tags_start(wanted);
    if (wanted == HAK_TAGS_WAY_ASYMM && way == HAK_TAGS_WAY_SYNC)
        hak_options_say(missed, 1);
    if (wanted != HAK_TAGS_WAY_AUTO && wanted != HAK_TAGS_WAY_OFF && way == HAK_TAGS_WAY_OFF)
        hak_options_say(none, 1);
}

/* Once, on the first call of the family: reads the options, starts registry, route, front and
 * large. */
static HAK_COLD void start_process(void) {
    hak_lock(&start_lock);
    if (!atomic_load_explicit(&is_started, memory_order_relaxed)) {
        if (hak_is_debug_build) {
            hak_pages_counter = hak_hop_count;
            hak_layer_keeps = hak_large_keeps;
        }
        if (hak_is_light_build)
            hak_large_sample_ends = hak_light_sample_ends;
        else /* they are the other half's */
            hak_entry_read_options(constructor_environment);
        if (HAK_HAS_TAGS && hak_is_debug_build &&
            (hak_light_serves() ||
             (hak_options.check == HAK_CHECK_NORMAL && hak_options.layout == HAK_LAYOUT_HEADER)))
            start_tags((enum hak_tags_way)hak_options.tags);
        if (hak_light_serves()) {
            hak_own_stop(); /* what the leak scan asks about */
        } else {
            hak_bench_fast_start();
            hak_learn_start();
        }
        hak_address_start();
        hak_registry_start(true);
        if (!hak_light_serves())
            hak_route_start();
        atomic_store_explicit(&is_started, true, memory_order_release);
    }
    hak_unlock(&start_lock);
}

/* ---- a thread -------------------------------------------------------------------------------- */

static void construct_once(void);

/* Constructs within a call that comes before the constructor, which waits outside of the family
 * meanwhile. */
static HAK_COLD void construct_within(void) {
    uintptr_t stack_pointer = hak_is_debug_build ? hak_inside.stack_pointer : 0;
    if (hak_is_debug_build)
        hak_inside.stack_pointer = 0;
    construct_once();
    if (hak_is_debug_build)
        hak_inside.stack_pointer = stack_pointer;
}

void hak_entry_start_thread(void) {
    if (!atomic_load_explicit(&is_constructed, memory_order_relaxed) && hak_entry_is_overtaken())
        construct_within();
    if (!atomic_load_explicit(&is_started, memory_order_acquire))
        start_process();
    if (hak_light_serves() || hak_thread.state != HAK_THREAD_NEW)
        return;
    if (hak_is_light_build) {
        hak_thread.until_look = hak_light_first_look();
        hak_thread.until_point = hak_light_first_point();
    } else if (!hak_is_debug_build) {
        hak_thread.until_look = 1; /* of a thread that is there before calls are counted */
        if (HAK_UNLIKELY(hak_entry_begin_counting != NULL))
            hak_entry_begin_counting();
    }
    hak_front_start();
    hak_bench_fast_begin();
    (void)hak_thread_key_set(&thread_key, &hak_thread);
}

/* The thread's key is destroyed: after END_ROUND rounds, so that other destructors may still
 * allocate, its heap and its records end. */
static void end_thread(void *value) {
    if (++hak_thread.end_rounds < END_ROUND && hak_thread_key_set(&thread_key, value))
        return;
    uintptr_t ear = hak_tags_begin_own();
    hak_bench_fast_end();
    (void)hak_entry_let_leave(true);
    if (hak_background_thread_ends)
        hak_background_thread_ends();
    hak_front_end();
    hak_large_thread_end();
    if (hak_is_debug_build)
        hak_check_thread_end();
    if (hak_is_light_build)
        hak_light_thread_end();
    hak_tags_end_own(ear);
}

/* ---- fork ------------------------------------------------------------------------------------ */

/* No lock is taken here: fork goes on to take locks of libc's, whose holders may wait for ours. */
static void before_fork(void) {
    if (hak_is_debug_build)
        hak_check_fork_prepare();
}

static void after_fork_in_parent(void) {
    if (hak_is_debug_build)
        hak_check_fork_parent();
}

/* Brings all layers into order for the child's only thread, the tracer before the layers. */
static void after_fork_in_child(void) {
    uintptr_t ear = hak_tags_begin_own();
    hak_objects_after_fork();
    if (hak_is_debug_build)
        hak_check_fork_child();
    hak_registry_after_fork();
    hak_pool_after_fork();
    if (hak_background_after_fork)
        hak_background_after_fork();
    hak_front_after_fork();
    hak_large_after_fork();
    hak_allocators_after_fork();
    hak_tags_end_own(ear);
}

/* ---- constructor ----------------------------------------------------------------------------- */

/* The thread that gives memory back. The first thread is to have a heap, whose end is noted: this
 * thread ends with it. In hakmem-debug.so the checks' half notices sandboxes. */
static HAK_COLD void prepare_background(void) {
    const char *const missed[] = {
        "hakmem: HAKMEM_BACKGROUND is for hakmem-debug.so and libhakmem.so; this library does "
        "without"};
    if (!hak_background_prepare) {
        hak_options_say(missed, 1);
        return;
    }
    hak_entry_begin();
    hak_background_prepare();
    if (!hak_is_light_build)
        hak_sandbox_steps[HAK_SANDBOX_BACKGROUND] = hak_background_end;
}

/* The heap profile of libhakmem.so. */
static HAK_COLD void start_counting(void) {
    static const char *const missed[] = {
        "hakmem: HAKMEM_HEAP_PROFILE is for hakmem-debug.so and libhakmem.so; this library does "
        "without"};
    if (hak_entry_start_counting)
        hak_entry_start_counting();
    else
        hak_options_say(missed, 1);
}

/* Whether the module has an allocator's own functions: one with a malloc alone may count its calls
 * and pass them on to ours. */
static bool is_allocators(const struct hak_object *module) {
    static const char *const names[] = {"mallocx", "mi_malloc", "tc_malloc", "rpmalloc"};
    struct hak_object found;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const void *own = hak_symbol_first(names[i]);
        if (own && hak_object_find((uintptr_t)own, &found) && found.start == module->start)
            return true;
    }
    return false;
}

void hak_entry_note_other_malloc(void) {
    struct hak_object first, own;
    if (!hak_is_debug_build || hak_entry_is_sanitized())
        return;
    const void *found = hak_symbol_first("malloc");
    if (!found || !hak_object_find((uintptr_t)found, &first) ||
        !hak_object_find((uintptr_t)&is_constructed, &own) || first.start == own.start ||
        !is_allocators(&first))
        return;
    const char *slash = strrchr(first.name, '/');
    hak_check_note_malloc(!first.name[0] ? "the program" : slash ? slash + 1 : first.name);
}

/* At load: thread key, fork handlers, summary, checks and recording. Not in a sanitized program. */
static void construct_once(void) {
    if (atomic_exchange(&is_constructed, true))
        return;
    /* Its own malloc serves such a program, which is not recorded. */
    if (hak_entry_is_sanitized() || (hak_is_light_build && hak_light_is_other_half()))
        return;
    if (!atomic_load_explicit(&is_started, memory_order_acquire))
        start_process();
    hak_objects_start();
    if (!hak_light_serves())
        (void)hak_thread_key_make(&thread_key, end_thread);
    /* glibc keeps the first 48 handlers without allocating. */
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    hak_summary_start();
    if (hak_is_debug_build) {
        hak_check_kinds_start(hak_entry_operators_are_replaced());
        hak_check_start();
    }
    if (!hak_is_debug_build && !hak_is_light_build && hak_options.heap_profile_rate != 0)
        start_counting();
    if (!hak_is_debug_build && hak_options.background)
        prepare_background();
    if (!hak_light_serves())
        hak_pool_prewarm();
    if (hak_is_debug_build && !hak_light_serves())
        hak_sandbox_steps[HAK_SANDBOX_STOCK] = hak_pool_stock;
    if (hak_is_debug_build && hak_light_serves() && hak_options.background)
        hak_sandbox_steps[HAK_SANDBOX_BACKGROUND] = light_hak_background_end;
    /* A call of ld.so came before there was a key. */
    if (hak_thread.state != HAK_THREAD_NEW)
        (void)hak_thread_key_set(&thread_key, &hak_thread);
}

/* Starts hakmem before other constructors run, with the program's environment. */
__attribute__((constructor(101))) static void construct(int count, char **arguments,
                                                        char **environment) {
    (void)count;
    (void)arguments;
    constructor_environment = environment;
    construct_once();
}
