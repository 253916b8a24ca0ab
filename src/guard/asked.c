/* Serves a signal's request before the next call of the malloc family: the signal's handler can
 * only set a bit, since it may have interrupted anything.
 *
 *   HAKMEM_SWEEP_SIGNAL, HAKMEM_LEAKS_SIGNAL --> bit --> hak_answer, of whoever calls next
 *   HAKMEM_HEAP_PROFILE_DUMP                 --> at once, in the handler (profile_file.h)
 *   HAKMEM_SWEEP_EVERY                       --> bit for good; each thread counts its calls
 *   hakmem-trace ctl                         --> a byte of its own, then hak_trace_serve_asked
 *
 * The leak scan is a folder above this one and leaves its function here. */
#include "guard/guard.h"
#include "guard/profile_file.h"
#include "guard/sweep.h"
#include "light.h"
#include "platform/line.h"
#include "trace/signals/signals.h"
#include "trace/trace.h"

_Atomic uint32_t hak_asked_for;
void (*hak_answer_leaks)(void);

static __thread uint64_t calls __attribute__((tls_model("initial-exec")));
static __thread bool is_answering __attribute__((tls_model("initial-exec")));
static int sweep_signal, leaks_signal, profile_signal;

static bool take_asked(uint32_t bit) {
    return (atomic_fetch_and(&hak_asked_for, ~bit) & bit) != 0;
}

void hak_answer(void) {
    uint32_t asked = atomic_load_explicit(&hak_asked_for, memory_order_relaxed);
    if (is_answering)
        return;
    is_answering = true;
    if ((asked & HAK_ASKED_EVERY) && ++calls % hak_options.sweep_every == 0)
        (void)hak_sweep(HAK_FOUND_BY_COUNT);
    if ((asked & HAK_ASKED_SWEEP) && take_asked(HAK_ASKED_SWEEP))
        (void)hak_sweep(HAK_FOUND_BY_SIGNAL);
    if ((asked & HAK_ASKED_LEAKS) && take_asked(HAK_ASKED_LEAKS) && hak_answer_leaks)
        hak_answer_leaks();
    if ((asked & HAK_ASKED_CONTROL) && take_asked(HAK_ASKED_CONTROL))
        hak_trace_serve_asked();
    is_answering = false;
}

/* Notes in a signal handler what the signal asks for; a heap profile is copied here, as a program
 * that waits calls nothing. */
static void note_signal(int number) {
    if (number == profile_signal)
        hak_write_profile_now();
    uint32_t bits = (number == sweep_signal ? HAK_ASKED_SWEEP : 0u) |
                    (number == leaks_signal ? HAK_ASKED_LEAKS : 0u);
    atomic_fetch_or(&hak_asked_for, bits);
}

/* Says on stderr that the variable names no signal that can be caught. */
static HAK_COLD void print_bad_signal(const char *variable, const char *value) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: ");
    hak_line_add(&line, variable);
    hak_line_add(&line, "=");
    hak_line_add_name(&line, value);
    hak_line_add(&line, ": expected a signal that can be caught, as in USR2 or 12; none is heard");
    hak_line_end(&line);
}

/* Has the signal of a variable noted when it comes. Returns its number; 0: none, or a wrong one,
 * which is said on stderr. */
static int hear(enum hak_option_index option, const char *variable, const char *value) {
    if (!hak_options.has_text[option])
        return 0;
    int number = hak_user_signal_parse(value);
    if (number != 0 && hak_user_signal_watch(number, note_signal))
        return number;
    print_bad_signal(variable, value);
    return 0;
}

/* ---- hakmem-trace ctl ------------------------------------------------------------------------ */

static bool sweep_for_control(uint64_t *found) {
    *found = hak_sweep(HAK_FOUND_BY_CONTROL);
    return true;
}

/* Lets ctl ask for sweeps and ring the byte of HAK_ASKED_CONTROL, little-endian: a store to it from
 * outside changes no other bit. */
static void hear_control(void) {
    if (hak_stops_at_illegal_hop())
        hak_control_errands.sweep = sweep_for_control;
    if (!hak_light_serves())
        hak_control.bell = (_Atomic uint8_t *)(void *)&hak_asked_for + 3;
}

bool hak_asked_is_started;

void hak_asked_start(void) {
    hak_asked_is_started = true;
    hear_control();
    if (hak_stops_at_illegal_hop()) {
        sweep_signal =
            hear(HAK_INDEX_SWEEP_SIGNAL, "HAKMEM_SWEEP_SIGNAL", hak_options.sweep_signal);
        if (hak_options.sweep_every)
            hak_asked_for = HAK_ASKED_EVERY;
    }
    if (hak_profile_file_signal())
        profile_signal = hear(HAK_INDEX_HEAP_PROFILE_DUMP, "HAKMEM_HEAP_PROFILE_DUMP=...,signal",
                              hak_profile_file_signal());
    leaks_signal = hear(HAK_INDEX_LEAKS_SIGNAL, "HAKMEM_LEAKS_SIGNAL", hak_options.leaks_signal);
}
