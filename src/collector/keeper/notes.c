/* Checks and keeps what processes say of programs that are not recorded. */
#include "collector/keeper/notes.h"

#include <stdio.h>
#include <unistd.h>
#include "base/array.h"

/* False where the kernel does not tell of children; where it does, one that is not seen is none. */
static bool children_are_told(pid_t parent) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    return hak_proc_is_own() && access(path, R_OK) == 0;
}

/* A note of a child is heard once, and so many of all. */
static void keep(struct hak_notes *notes, const struct hak_note *note) {
    for (uint32_t i = 0; note->hello.child && i < notes->count; i++) {
        const struct hak_note *one = &notes->list[i];
        if (one->speaker.pid == note->speaker.pid &&
            one->speaker.start_time == note->speaker.start_time &&
            one->hello.child == note->hello.child &&
            one->hello.start_time == note->hello.start_time)
            return;
    }
    if (notes->count < HAK_NOTES_MAX &&
        hak_array_make_room(&notes->list, notes->count, &notes->capacity, sizeof *notes->list)) {
        notes->list[notes->count++] = *note;
    } else {
        notes->refused++;
        notes->last_refused = note->speaker;
        notes->last_refused_ns = note->heard_ns;
    }
}

const char *hak_notes_hear(struct hak_notes *notes, struct hak_greeting *g,
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
    struct hak_note note = {.speaker = *who,
                            .pid = is_child ? child : peer,
                            .parent = is_child ? peer : about.parent,
                            .heard_ns = hak_time_kernel_ns(CLOCK_MONOTONIC),
                            .hello = g->hello};
    note.hello.start_time = note.pid > 0 && hak_peer_read(note.pid, &self) ? self.start_time : 0;
    keep(notes, &note);
    return NULL;
}

bool hak_notes_next(const struct hak_notes *notes, struct hak_link_message *m) {
    if (notes->told == notes->count)
        return false;
    const struct hak_note *note = &notes->list[notes->told];
    *m = (struct hak_link_message){.type = HAK_LINK_UNRECORDED,
                                   .number = (uint32_t)note->parent,
                                   .peer_pid = note->pid,
                                   .heard_ns = note->heard_ns,
                                   .hello = note->hello};
    return true;
}

bool hak_notes_next_refused(const struct hak_notes *notes, bool is_last,
                            struct hak_link_message *m) {
    uint32_t due = is_last ? notes->refused_told + 1 : notes->refused_told * 2 + 1;
    if (notes->refused < due)
        return false;
    *m = (struct hak_link_message){
        .type = HAK_LINK_UNRECORDED,
        .peer_pid = notes->last_refused.pid,
        .heard_ns = notes->last_refused_ns,
        .hello = {.pid = notes->last_refused.pid, .start_time = notes->last_refused.start_time}};
    snprintf(m->hello.text, sizeof m->hello.text,
             "%u programs that are not recorded are not told of: %u were already", notes->refused,
             (unsigned)HAK_NOTES_MAX);
    return true;
}
