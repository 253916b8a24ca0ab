/* Checks and keeps reports on programs that are not recorded. */
#include "collector/keeper/unrecorded.h"

#include <stdio.h>
#include <unistd.h>
#include "base/growing.h"

/* False where the kernel does not tell of children; where it does, one that is not seen is none. */
static bool children_are_told(pid_t parent) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    return hak_proc_is_own() && access(path, R_OK) == 0;
}

/* Keeps a note on a program that is not recorded: that of a child once, and HAK_UNRECORDED_MAX of
 * all; others are counted. */
static void keep(struct hak_unrecorded *unrecorded, const struct hak_unrecorded_process *note) {
    for (uint32_t i = 0; note->hello.child && i < unrecorded->count; i++) {
        const struct hak_unrecorded_process *one = &unrecorded->list[i];
        if (one->speaker.pid == note->speaker.pid &&
            one->speaker.start_time == note->speaker.start_time &&
            one->hello.child == note->hello.child &&
            one->hello.start_time == note->hello.start_time)
            return;
    }
    if (unrecorded->count < HAK_UNRECORDED_MAX &&
        hak_growing_make_room(&unrecorded->list, unrecorded->count, &unrecorded->capacity,
                              sizeof *unrecorded->list)) {
        unrecorded->list[unrecorded->count++] = *note;
    } else {
        unrecorded->refused++;
        unrecorded->last_refused = note->speaker;
        unrecorded->last_refused_ns = note->heard_ns;
    }
}

const char *hak_unrecorded_hear(struct hak_unrecorded *unrecorded, struct hak_greeting *g,
                                const struct hak_known_process *who) {
    struct hak_peer about = {0}, self = {0};
    pid_t peer = who->pid, child = 0;
    if (peer > 0 && !hak_peer_is_same(who))
        return "the process that says so is gone";
    (void)hak_peer_read(peer, &about); /* now, while it waits for the answer */
    hak_greeting_correct(g, who);      /* `child` is of the same namespace as its pid */
    bool is_child = g->hello.child != 0;
    struct hak_inner_pid inner = {.pid = g->hello.child, .space = g->hello.pid_space};
    bool is_here = inner.space ? inner.space == hak_pid_namespace_own() : g->hello.pid == peer;
    if (is_child && !is_here) {
        child = hak_pid_of_child(peer, &inner);
        if (child == 0 && hak_pid_namespace_of(peer) && children_are_told(peer))
            return "the process has no such child";
    } else if (is_child && hak_peer_read(inner.pid, &self)) {
        if (self.parent != peer)
            return "the process is no child of the one that says so";
        child = hak_pid_can_be(inner.pid, &inner) ? inner.pid : 0;
    }
    struct hak_unrecorded_process note = {.speaker = *who,
                                          .pid = is_child ? child : peer,
                                          .parent = is_child ? peer : about.parent,
                                          .heard_ns = hak_time_kernel_ns(CLOCK_MONOTONIC),
                                          .hello = g->hello};
    note.hello.start_time = note.pid > 0 && hak_peer_read(note.pid, &self) ? self.start_time : 0;
    keep(unrecorded, &note);
    return NULL;
}

bool hak_unrecorded_next(const struct hak_unrecorded *unrecorded, struct hak_link_message *m) {
    if (unrecorded->told == unrecorded->count)
        return false;
    const struct hak_unrecorded_process *note = &unrecorded->list[unrecorded->told];
    *m = (struct hak_link_message){.type = HAK_LINK_UNRECORDED,
                                   .number = (uint32_t)note->parent,
                                   .peer_pid = note->pid,
                                   .heard_ns = note->heard_ns,
                                   .hello = note->hello};
    return true;
}

bool hak_unrecorded_next_refused(const struct hak_unrecorded *unrecorded, bool is_last,
                                 struct hak_link_message *m) {
    uint32_t due = is_last ? unrecorded->refused_told + 1 : unrecorded->refused_told * 2 + 1;
    if (unrecorded->refused < due)
        return false;
    *m = (struct hak_link_message){.type = HAK_LINK_UNRECORDED,
                                   .peer_pid = unrecorded->last_refused.pid,
                                   .heard_ns = unrecorded->last_refused_ns,
                                   .hello = {.pid = unrecorded->last_refused.pid,
                                             .start_time = unrecorded->last_refused.start_time}};
    snprintf(m->hello.text, sizeof m->hello.text,
             "%u programs that are not recorded are not told of: %u were already",
             unrecorded->refused, (unsigned)HAK_UNRECORDED_MAX);
    return true;
}
