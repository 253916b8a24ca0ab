/* Finds the C++ runtime of a caller, throws its std::bad_alloc, and catches what its code throws.
 */
#include "entry/cxx.h"

#include "platform/platform.h"

/* The function `name` for `caller`, or NULL. `bound` is what the loader or linker made of it. */
static void *find_cxx_function(void *bound, const char *name, const void *caller, bool is_beside) {
    return hak_cxx.find ? hak_cxx.find(name, bound, caller, is_beside) : bound;
}

hak_new_handler *hak_cxx_new_handler(const void *caller) {
    hak_get_new_handler *get = (hak_get_new_handler *)find_cxx_function(
        (void *)hak_cxx.get_new_handler, "_ZSt15get_new_handlerv", caller, false);
    return get ? get() : NULL;
}

_Noreturn void hak_cxx_throw_bad_alloc(const void *caller) {
    hak_throw_bad_alloc *throw_it = (hak_throw_bad_alloc *)find_cxx_function(
        (void *)hak_cxx.throw_bad_alloc, "_ZSt17__throw_bad_allocv", caller, false);
    if (throw_it)
        throw_it();
    hak_die("operator new", caller,
            "asked for memory that is not there, and no C++ runtime is loaded that could throw "
            "std::bad_alloc");
}

static hak_set_register *find_set_register(const void *caller, bool is_beside) {
    return (hak_set_register *)find_cxx_function((void *)hak_cxx.set_register, "_Unwind_SetGR",
                                                 caller, is_beside);
}

static hak_set_ip *find_set_ip(const void *caller, bool is_beside) {
    return (hak_set_ip *)find_cxx_function((void *)hak_cxx.set_ip, "_Unwind_SetIP", caller,
                                           is_beside);
}

bool hak_cxx_can_catch(const void *caller) {
    return find_set_register(caller, false) && find_set_ip(caller, false);
}

/* ---- try and catch ----------------------------------------------------------------------------
 */

/* The unwinder's words (Itanium C++ ABI: Exception Handling, 1.2). */
enum { SEARCH_PHASE = 1, HANDLER_FRAME = 4, FORCED = 8 };
enum { HANDLER_FOUND = 6, INSTALL_CONTEXT = 7, CONTINUE_UNWIND = 8 };

/* bool hak_cxx_try(void (*call)(void *), void *argument). C cannot name a personality: hence by
 * hand. 0x1b: relative to the place, 32 bits. */
#include HAK_ARCH_FILE(cxx.h)

HAK_HIDDEN extern const char hak_cxx_caught[];

/* Called by the unwinder for the frame of hak_cxx_try: every exception ends there. */
HAK_HIDDEN int hak_cxx_personality(int version, int actions, uint64_t class, void *exception,
                                   void *context);

/* The personality of a frame that catches every C++ exception: lands in hak_cxx_caught with it.
 * Foreign unwinding passes. */
int hak_cxx_personality(int version, int actions, uint64_t class, void *exception, void *context) {
    (void)class;
    /* A process may hold several unwinders: the context is that of the one that calls. */
    const void *unwinder = __builtin_return_address(0);
    hak_set_register *set_register = find_set_register(unwinder, true);
    hak_set_ip *set_ip = find_set_ip(unwinder, true);
    if (version != 1 || (actions & FORCED) || !set_register || !set_ip)
        return CONTINUE_UNWIND;
    if (actions & SEARCH_PHASE)
        return HANDLER_FOUND;
    if (!(actions & HANDLER_FRAME))
        return CONTINUE_UNWIND;
    set_register(context, HAK_EXCEPTION_REGISTER, (unsigned long)exception);
    set_ip(context, (unsigned long)hak_cxx_caught);
    return INSTALL_CONTEXT;
}

/* The body of catch (...). */
HAK_HIDDEN void hak_cxx_swallow(void *exception);

/* Ends the exception as an empty catch block does; without the C++ runtime it stays. */
void hak_cxx_swallow(void *exception) {
    hak_begin_catch *begin = (hak_begin_catch *)find_cxx_function((void *)hak_cxx.begin_catch,
                                                                  "__cxa_begin_catch", NULL, false);
    hak_end_catch *end = (hak_end_catch *)find_cxx_function((void *)hak_cxx.end_catch,
                                                            "__cxa_end_catch", NULL, false);
    if (begin && end) {
        begin(exception);
        end();
    }
}
