/* Chooses how accesses are compared with memory tags, and switches that on for the process. */
#include "platform/tags.h"

#include <string.h>
#include "platform/line.h"

enum { PROCESSORS_MAX = 4096 };

/* True where the kernel, allowed both ways, checks reads at once and writes late on each processor:
 * that is theirs to prefer, and else it would choose to find all late. */
static bool is_asymmetric_preferred(void) {
    static const char wanted[] = "asymm";
    for (unsigned i = 0; i < PROCESSORS_MAX; i++) {
        struct hak_line path = {.length = 0};
        char found[sizeof wanted] = {0};
        hak_line_say(&path, "/sys/devices/system/cpu/cpu", i, "/mte_tcf_preferred");
        long file = hak_open(hak_line_text(&path));
        if (file < 0)
            return i > 0;
        (void)hak_read(file, found, sizeof found - 1);
        hak_close(file);
        if (strcmp(found, wanted) != 0)
            return false;
    }
    return true;
}

enum hak_tags_way hak_tags_start(enum hak_tags_way way) {
    if (!HAK_HAS_TAGS || way == HAK_TAGS_WAY_OFF || !hak_tags_offered() ||
        (way == HAK_TAGS_WAY_AUTO && hak_tags_are_emulated()))
        return HAK_TAGS_WAY_OFF;
    if (way != HAK_TAGS_WAY_ASYNC && !(way == HAK_TAGS_WAY_ASYMM && is_asymmetric_preferred() &&
                                       hak_tags_compare(HAK_TAGS_SYNC | HAK_TAGS_ASYNC)))
        way = HAK_TAGS_WAY_SYNC;
    if ((way == HAK_TAGS_WAY_SYNC && !hak_tags_compare(HAK_TAGS_SYNC)) ||
        (way == HAK_TAGS_WAY_ASYNC && !hak_tags_compare(HAK_TAGS_ASYNC)))
        return HAK_TAGS_WAY_OFF;
    hak_tags.are_known = hak_tags.are_given = true;
    return way;
}

/* How the thread's accesses were compared before hak_tags_pause, and the frame of that. */
static _Thread_local struct {
    uintptr_t frame; /* 0: it is not paused */
    int control;
} paused __attribute__((tls_model("initial-exec")));

/* The kernel's own accesses are compared in no other way than SYNC. */
void hak_tags_pause(uintptr_t frame) {
    long control = hak_raw_call(SYS_prctl, HAK_TAGS_GET_CONTROL, 0, 0, 0, 0);
    bool stops = control > 0 && (control & (HAK_TAGS_SYNC | HAK_TAGS_ASYNC)) == HAK_TAGS_SYNC;
    if (paused.frame == 0 && stops && hak_tags_compare(0)) {
        paused.control = (int)control;
        paused.frame = frame;
    }
}

/* A jump out of a signal's handler leaves frames behind it without a word. */
void hak_tags_resume(uintptr_t frame) {
    if (HAK_LIKELY(paused.frame == 0) || frame < paused.frame)
        return;
    paused.frame = 0;
    /* Meanwhile another thread may have seen that the program uses the bits itself. */
    if (hak_tags_are_given())
        (void)hak_tags_compare(paused.control);
}
