/* Takes hakmem out of the environment of a program that it must not be loaded into. */
#include "platform/platform.h"
#include "tree/exec_fit.h"

#include <fcntl.h>
#include <string.h>
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"

enum { LIBRARY_BYTES = 1024 };

static const char variable_name[] = "LD_PRELOAD=";
static const char library_name[] = "hakmem-debug.so", recorder_name[] = "hakmem-record.so";

/* ---- the variable ---------------------------------------------------------------------------- */

bool hak_exec_is_text(const char *text) {
    struct hak_byte_reader reader = HAK_EXEC_READER;
    int byte;
    while ((byte = hak_read_byte(&reader, text)) > 0)
        text++;
    return byte == 0;
}

size_t hak_exec_copy_text(char *to, const char *text, size_t most) {
    struct hak_byte_reader reader = HAK_EXEC_READER;
    size_t bytes = 0;
    for (int byte; bytes < most && (byte = hak_read_byte(&reader, text + bytes)) > 0; bytes++)
        to[bytes] = (char)byte;
    return bytes;
}

/* Whether `text` begins with `start`; false, too, where it cannot be read that far. */
static bool begins_with(struct hak_byte_reader *reader, const char *text, const char *start) {
    for (; *start; start++, text++)
        if (hak_read_byte(reader, text) != (unsigned char)*start)
            return false;
    return true;
}

size_t hak_exec_span(struct hak_byte_reader *reader, const char *text, const char *letters,
                     bool is_in) {
    size_t length = 0;
    for (int byte; (byte = hak_read_byte(reader, text + length)) > 0; length++)
        if ((strchr(letters, byte) != NULL) != is_in)
            break;
    return length;
}

/* The next pointer of a list; false: it cannot be read. */
static bool read_pointer(struct hak_readable *known, char *const *list, const char **pointer) {
    return hak_exec_copy(known, pointer, list, sizeof *pointer);
}

/* The value of the first variable that begins with `start`, its name and a =. NULL: there is none,
 * or its value or a variable before it cannot be read. */
static const char *value_of(char *const environment[], const char *start) {
    struct hak_readable list = HAK_READABLE_STACK;
    struct hak_byte_reader reader = HAK_EXEC_READER;
    const char *variable;
    for (; read_pointer(&list, environment, &variable) && variable; environment++) {
        if (hak_read_byte(&reader, variable) < 0)
            return NULL;
        const char *value = variable + strlen(start);
        if (begins_with(&reader, variable, start))
            return hak_exec_is_text(value) ? value : NULL;
    }
    return NULL;
}

bool hak_exec_is_preloaded(char *const environment[]) {
    struct hak_byte_reader reader = HAK_EXEC_READER;
    const char *preload = value_of(environment, variable_name);
    for (; preload && hak_read_byte(&reader, preload) > 0; preload++)
        if (begins_with(&reader, preload, "hakmem"))
            return true;
    return false;
}

/* The pointers of an environment and its NULL; 0: the kernel cannot read all of them. */
static size_t count_pointers(char *const environment[]) {
    struct hak_readable known = HAK_READABLE_STACK;
    const char *variable;
    for (size_t count = 0; read_pointer(&known, environment + count, &variable);) {
        count++;
        if (!variable)
            return count;
    }
    return 0;
}

/* The next name of the list at `*at`, which goes on behind it; its length, 0 at the end. */
static size_t next_name(struct hak_byte_reader *reader, const char **name, const char **at) {
    *at += hak_exec_span(reader, *at, " :", true);
    *name = *at;
    *at += hak_exec_span(reader, *at, " :", false);
    return (size_t)(*at - *name);
}

static bool is_called(struct hak_byte_reader *reader, const char *name, size_t length,
                      const char *library, size_t bytes) {
    return length >= bytes && begins_with(reader, name + length - bytes, library) &&
           (length == bytes || hak_read_byte(reader, name + length - bytes - 1) == '/');
}

static bool is_recorder(struct hak_byte_reader *reader, const char *name, size_t length) {
    return is_called(reader, name, length, recorder_name, sizeof recorder_name - 1);
}

static bool is_ours(struct hak_byte_reader *reader, const char *name, size_t length) {
    return is_called(reader, name, length, library_name, sizeof library_name - 1) ||
           is_recorder(reader, name, length);
}

/* The length of the first name in LD_PRELOAD's list that is one of hakmem's libraries, which
 * `*name` gets; 0: there is none. */
static size_t length_of_ours(struct hak_byte_reader *reader, const char *preload,
                             const char **name) {
    size_t length;
    for (const char *at = preload; (length = next_name(reader, name, &at)) > 0;)
        if (is_ours(reader, *name, length))
            return length;
    return 0;
}

/* Copies the variable LD_PRELOAD to `text`, without hakmem's libraries; returns how long the value
 * is, or `most` where it would be longer than that or can no longer be read. */
static size_t copy_others(const char *variable, char *text, size_t most) {
    struct hak_byte_reader reader = HAK_EXEC_READER;
    const char *name, *at = variable + sizeof variable_name - 1;
    size_t length, bytes = 0;
    while ((length = next_name(&reader, &name, &at)) > 0) {
        int behind = hak_read_byte(&reader, at);
        if (behind != 0 && behind != ' ' && behind != ':')
            return most; /* the name goes on where it cannot be read */
        if (is_ours(&reader, name, length))
            continue;
        if (bytes + length + 2 > most)
            return most;
        if (bytes > 0)
            text[bytes++] = ':';
        if (hak_exec_copy_text(text + bytes, name, length) != length)
            return most;
        bytes += length;
    }
    if (hak_read_byte(&reader, at) != 0)
        return most;
    text[bytes] = 0;
    return bytes;
}

/* Copies the pointers of the environment to `list` and its first LD_PRELOAD, without hakmem's
 * libraries, to `text`; one that becomes empty is left out. */
char *const *hak_exec_without(char *const environment[], char **list, char *text,
                              const struct hak_exec_need *need) {
    const size_t name_bytes = sizeof variable_name - 1, most = need->text_bytes - name_bytes;
    struct hak_byte_reader reader = HAK_EXEC_READER;
    struct hak_readable known = HAK_READABLE_STACK;
    bool is_found = false;
    size_t count = 0;
    for (size_t i = 0; i < need->pointers; i++) {
        const char *variable;
        if (!read_pointer(&known, environment + i, &variable))
            return environment;
        list[count] = (char *)variable;
        if (!variable)
            return list;
        if (!is_found && begins_with(&reader, variable, variable_name)) {
            is_found = true;
            memcpy(text, variable_name, name_bytes);
            size_t bytes = copy_others(variable, text + name_bytes, most);
            if (bytes == most)
                return environment;
            list[count] = text;
            if (bytes == 0)
                continue; /* nothing is left of it */
        }
        count++;
    }
    return environment; /* it has become longer */
}

/* Whether the library at this absolute path is not there or may not be opened. Not by access(): it
 * goes by the real user, ld.so's open by the effective one. */
static bool is_out_of_reach(const char *name, size_t length) {
    char path[LIBRARY_BYTES];
    if (length >= sizeof path || hak_exec_copy_text(path, name, length) != length || path[0] != '/')
        return false;
    path[length] = 0;
    long file = hak_open(path);
    hak_close(file);
    return file == -2 /* ENOENT */ || file == -13 /* EACCES */ || file == -20 /* ENOTDIR */;
}

/* ---- both ------------------------------------------------------------------------------------ */

/* Puts FOLDER/NAME into `found`; false: it is too long. */
static bool join(char *found, const char *folder, size_t length, const char *name, size_t bytes) {
    if (length == 0 || length + 1 + bytes + 1 > HAK_EXEC_FOUND_BYTES ||
        hak_exec_copy_text(found, folder, length) != length)
        return false;
    found[length] = '/';
    size_t copied = hak_exec_copy_text(found + length + 1, name, bytes);
    found[length + 1 + copied] = 0;
    return copied == bytes;
}

const char *hak_exec_find(const char *name, char *found) {
    enum { SEE = 1 /* faccessat's X_OK */ };
    struct hak_byte_reader reader = HAK_EXEC_READER;
    if (!hak_exec_is_text(name))
        return NULL;
    size_t bytes = hak_exec_span(&reader, name, "/", false);
    if (hak_read_byte(&reader, name + bytes) == '/')
        return name;
    const char *folders = value_of(hak_environment(), "PATH=");
    if (!folders)
        folders = "/bin:/usr/bin";
    while (hak_read_byte(&reader, folders) > 0) {
        size_t length = hak_exec_span(&reader, folders, ":", false);
        if (join(found, folders, length, name, bytes) &&
            hak_raw_call(SYS_faccessat, AT_FDCWD, found, SEE) == 0)
            return found;
        folders += length + (hak_read_byte(&reader, folders + length) == ':');
    }
    return NULL;
}

struct hak_exec_need hak_exec_unfit(const char *path, char *const environment[],
                                    struct hak_exec_look *about) {
    static const struct hak_exec_need nothing;
    struct hak_byte_reader reader = HAK_EXEC_READER;
    const char *name, *preload = value_of(environment, variable_name);
    size_t length = preload ? length_of_ours(&reader, preload, &name) : 0;
    if (length == 0)
        return nothing;
    if (hak_collector_is_given_up())
        about->misfit = "the collector was killed";
    else if (is_out_of_reach(name, length))
        about->misfit = is_recorder(&reader, name, length) ? "hakmem-record.so is out of its reach"
                                                           : "hakmem-debug.so is out of its reach";
    else
        *about = hak_exec_look(path);
    size_t bytes = hak_exec_span(&reader, preload, "", false) + sizeof variable_name;
    size_t pointers =
        about->misfit && bytes <= HAK_EXEC_PRELOAD_BYTES ? count_pointers(environment) : 0;
    return pointers ? (struct hak_exec_need){pointers, bytes} : nothing;
}
