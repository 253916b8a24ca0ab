/* Two owners of one block each free it. */
#include "shapes.h"

struct session {
    char *name;
    struct session *next;
};

static struct session *make_session(char *name, struct session *next) {
    struct session *session = opaque(malloc(sizeof *session));
    session->name = name;
    session->next = next;
    return session;
}

static void free_session(struct session *session) {
    free(opaque(session->name));
    free(session);
}

SHAPE(shared_member) {
    char *name = strdup("shared by two sessions");
    struct session *first = make_session(name, NULL), *second = make_session(name, NULL);
    free_session(first);
    free_session(second);
}

SHAPE(copied_struct) {
    struct session first = {strdup("copied with its struct"), NULL}, second = first;
    free(opaque(first.name));
    free(opaque(second.name));
}

SHAPE(member_and_whole) {
    struct session *session = make_session(strdup("freed by its user, too"), NULL);
    free(opaque(session->name));
    free_session(session);
}

SHAPE(node_in_two_lists) {
    struct session *shared = make_session(NULL, NULL);
    struct session *list[] = {make_session(NULL, shared), make_session(NULL, shared)};
    for (int i = 0; i < 2; i++)
        for (struct session *next; list[i] != NULL; list[i] = next) {
            next = list[i]->next;
            free(opaque(list[i]));
        }
}

static int fail_and_clean_up(char *buffer) {
    free(buffer);
    return -1;
}

SHAPE(error_path) {
    char *buffer = opaque(malloc(72));
    if (fail_and_clean_up(buffer) < 0)
        goto failed;
    return;
failed:
    free(opaque(buffer));
}

static char *cache;

SHAPE(global_and_local) {
    char *entry = cache = opaque(malloc(73));
    free(entry);
    free(opaque(cache));
}

SHAPE(array_holds_it_twice) {
    char *entries[10];
    for (int i = 0; i < 10; i++)
        entries[i] = opaque(malloc(74));
    entries[7] = entries[3];
    for (int i = 0; i < 10; i++)
        free(opaque(entries[i]));
}

static void release_at_exit(void) {
    free(opaque(cache));
}

SHAPE(at_exit_again) {
    cache = opaque(malloc(75));
    atexit(release_at_exit);
    free(cache);
}

SHAPE(loop_frees_its_buffer) {
    char *buffer = opaque(malloc(76));
    for (int line = 0; line < 2; line++) {
        snprintf(buffer, 76, "line %d", line);
        if (line == 1)
            free(opaque(buffer));
    }
    free(opaque(buffer));
}

RUN_ONE()
