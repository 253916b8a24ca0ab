/* Tells of HAKMEM_ variables that are no option, but nearly one: once in a tree of processes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "letters.h"
#include "options_table.h"

/* The option whose name is nearest; NULL: none is near. */
static const struct hak_option *find_nearest(const char *name, size_t length) {
    enum { FEW_LETTERS = 4 };
    int fewest = length > FEW_LETTERS ? 3 : 2; /* that is too many */
    const struct hak_option *nearest = NULL;
    for (unsigned i = 0; i < HAK_OPTIONS && length <= HAK_LETTERS_MAX; i++) {
        const struct hak_option *option = &hak_option_table[i];
        int changed = option->name_bytes <= HAK_LETTERS_MAX
                          ? hak_letters_changed(name, length, option->name)
                          : HAK_LETTERS_MAX;
        if (changed < fewest) {
            fewest = changed;
            nearest = option;
        }
    }
    return nearest;
}

/* Whether the environment in `text` has the variable, and hakmem in LD_PRELOAD. */
static bool has_told(const char *text, size_t bytes, const char *variable, size_t name_bytes) {
    static const char preload[] = "LD_PRELOAD=";
    bool is_there = false, is_preloaded = false;
    for (size_t at = 0; at < bytes; at += strlen(text + at) + 1) {
        is_there |= strncmp(text + at, variable, name_bytes + 1) == 0;
        is_preloaded |= strncmp(text + at, preload, sizeof preload - 1) == 0 &&
                        strstr(text + at, "hakmem") != NULL;
    }
    return is_there && is_preloaded;
}

/* Reads the parent's environment as it began, as much of it as there is room for. Returns its
 * bytes; 0: it cannot be read. */
static size_t read_parents(char *text, size_t room) {
    static const char before[] = "/proc/", behind[] = "/environ";
    char path[40], *at = path + sizeof path - sizeof behind;
    memcpy(at, behind, sizeof behind);
    for (unsigned parent = (unsigned)getppid(); parent; parent /= 10)
        *--at = (char)('0' + parent % 10);
    at -= sizeof before - 1;
    memcpy(at, before, sizeof before - 1);
    int file = open(at, O_RDONLY | O_CLOEXEC);
    size_t bytes = 0;
    for (ssize_t got = 1; file >= 0 && got > 0; bytes += got > 0 ? (size_t)got : 0)
        got = read(file, text + bytes, room - bytes);
    if (file >= 0)
        close(file);
    return bytes;
}

/* Whether the parent began with the variable, too, and has told of it. */
static bool is_told_by_parent(const char *variable, size_t name_bytes) {
    static char text[64 << 10]; /* the last byte ends it */
    int saved_errno = errno;
    size_t bytes = read_parents(text, sizeof text - 1);
    errno = saved_errno;
    return has_told(text, bytes, variable, name_bytes);
}

void hak_options_misspelt(const char *variable, size_t prefix_bytes) {
    const char *name = variable + prefix_bytes, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : 0;
    const struct hak_option *nearest =
        hak_option_find(name, length) ? NULL : find_nearest(name, length);
    if (!nearest || is_told_by_parent(variable, prefix_bytes + length))
        return;
    char typed[HAK_LETTERS_MAX + 1] = "";
    memcpy(typed, name, length);
    const char *parts[] = {"hakmem: HAKMEM_", typed,
                           " is no variable of hakmem's; did you mean HAKMEM_", nearest->name, "?"};
    hak_options_say(parts, sizeof parts / sizeof *parts);
}
