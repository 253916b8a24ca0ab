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

static void shared_member(void) {
    char *name = strdup("shared by two sessions");
    struct session *first = make_session(name, NULL), *second = make_session(name, NULL);
    free_session(first);
    free_session(second);
}

static void copied_struct(void) {
    struct session first = {strdup("copied with its struct"), NULL}, second = first;
    free(opaque(first.name));
    free(opaque(second.name));
}

static void member_and_whole(void) {
    struct session *session = make_session(strdup("freed by its user, too"), NULL);
    free(opaque(session->name));
    free_session(session);
}

static void node_in_two_lists(void) {
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

static void error_path(void) {
    char *buffer = opaque(malloc(72));
    if (fail_and_clean_up(buffer) < 0)
        goto failed;
    return;
failed:
    free(opaque(buffer));
}

static char *cache;

static void global_and_local(void) {
    char *entry = cache = opaque(malloc(73));
    free(entry);
    free(opaque(cache));
}

static void array_holds_it_twice(void) {
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

static void at_exit_again(void) {
    cache = opaque(malloc(75));
    atexit(release_at_exit);
    free(cache);
}

static void loop_frees_its_buffer(void) {
    char *buffer = opaque(malloc(76));
    for (int line = 0; line < 2; line++) {
        snprintf(buffer, 76, "line %d", line);
        if (line == 1)
            free(opaque(buffer));
    }
    free(opaque(buffer));
}

static const struct shape shapes[] = {
    {"shared_member", shared_member},
    {"copied_struct", copied_struct},
    {"member_and_whole", member_and_whole},
    {"node_in_two_lists", node_in_two_lists},
    {"error_path", error_path},
    {"global_and_local", global_and_local},
    {"array_holds_it_twice", array_holds_it_twice},
    {"at_exit_again", at_exit_again},
    {"loop_frees_its_buffer", loop_frees_its_buffer},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
