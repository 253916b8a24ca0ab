/* Checks one argument of a call against the table, and makes its option. */
#include "viewer/mcp/parts.h"

#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"

enum { TEXT_BYTES = 4096 };

void mcp_call_add(struct mcp_call *call, const char *format, ...) {
    char *word = NULL;
    va_list list;
    va_start(list, format);
    if (!hak_growing_make_room(&call->word, call->count + 1ull, &call->capacity, sizeof(char *)) ||
        vasprintf(&word, format, list) < 0)
        call->failed = true;
    else {
        call->word[call->count++] = word;
        call->word[call->count] = NULL;
    }
    va_end(list);
}

bool mcp_call_refuse(struct hak_text *error, const struct mcp_tool *tool,
                     const struct mcp_argument *argument, const char *due) {
    hak_text_add(error, "%s: %s: %s was expected", tool->name, argument->name, due);
    return false;
}

/* The value as a word of a command line: digits of a number, or a text of one line. NULL: it is
 * neither, empty, longer than TEXT_BYTES or with control characters. Digits stand in one of four
 * buffers. */
const char *mcp_line_of(const json_t *value) {
    static char digits[4][32];
    static unsigned turn;
    const char *text = json_string_value(value);
    if (json_is_number(value)) {
        char *to = digits[turn++ % 4];
        snprintf(to, sizeof digits[0], json_is_integer(value) ? "%.0f" : "%.9f",
                 json_number_value(value));
        return to;
    }
    if (!text || !text[0] || strlen(text) > TEXT_BYTES)
        return NULL;
    for (const char *at = text; *at; at++)
        if (iscntrl((unsigned char)*at))
            return NULL;
    return text;
}

/* A word that a command could take for a file is none. */
static bool is_moment(const char *text) {
    return text && (strncmp(text, "mark:", 5) == 0 ? !strstr(text, "../") : !strchr(text, '/'));
}

/* Whether the text is one of the words, between which | stands. */
static bool is_choice(const char *text, const char *words) {
    for (const char *at = words; text && *at;) {
        size_t length = strcspn(at, "|");
        if (strlen(text) == length && strncmp(text, at, length) == 0)
            return true;
        at += length + (at[length] == '|');
    }
    return false;
}

/* Adds a text, an address or one of the choices as an option, or refuses it. */
static bool add_text(struct mcp_call *call, const struct mcp_argument *argument,
                     const json_t *value, struct hak_text *error) {
    const char *text = mcp_line_of(value);
    char due[256];
    if (argument->kind == MCP_CHOICE && !is_choice(text, argument->words)) {
        snprintf(due, sizeof due, "one of %s", argument->words);
        return mcp_call_refuse(error, call->tool, argument, due);
    }
    if (argument->kind == MCP_ADDRESS && (!text || strchr(text, '/')))
        return mcp_call_refuse(error, call->tool, argument, argument->sentence);
    if (!text)
        return mcp_call_refuse(error, call->tool, argument, "a line of text");
    if (argument->option)
        mcp_call_add(call, "--%s=%s", argument->option, text);
    return true;
}

/* Adds a number in the argument's range to the command line as --option=; if the argument has no
 * option, sets the answer's window or the call's time limit. False: refused, said in `error`. */
static bool take_number(struct mcp_call *call, const struct mcp_argument *argument,
                        const json_t *value, struct hak_text *error) {
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < argument->least || number > argument->most) {
        char due[96];
        snprintf(due, sizeof due, "an integer of %lld to %lld", (long long)argument->least,
                 (long long)argument->most);
        return mcp_call_refuse(error, call->tool, argument, due);
    }
    if (argument->option && argument->option[0])
        mcp_call_add(call, "--%s=%lld", argument->option, (long long)number);
    else if (strcmp(argument->name, "offset") == 0)
        call->window.offset = (size_t)number;
    else if (strcmp(argument->name, "limit") == 0)
        call->window.limit = (size_t)number;
    else if (strcmp(argument->name, "max_tokens") == 0)
        call->window.bytes = (size_t)number * MCP_TOKEN_BYTES;
    else if (strcmp(argument->name, "timeout_seconds") == 0)
        call->seconds = (uint64_t)number;
    return true;
}

/* Adds an option without value where the argument is true. */
static bool add_switch(struct mcp_call *call, const struct mcp_argument *argument,
                       const json_t *value, struct hak_text *error) {
    if (!json_is_boolean(value))
        return mcp_call_refuse(error, call->tool, argument, "true or false");
    if (json_is_true(value))
        mcp_call_add(call, "--%s", argument->option);
    return true;
}

/* Adds the first of two moments as an option; the second is an argument of the command. */
static bool add_between(struct mcp_call *call, const struct mcp_argument *argument,
                        const json_t *value, struct hak_text *error) {
    const char *from = mcp_line_of(json_array_get(value, 0)),
               *to = mcp_line_of(json_array_get(value, 1));
    if (json_array_size(value) != 2 || !is_moment(from) || !is_moment(to))
        return mcp_call_refuse(error, call->tool, argument,
                               "two moments, [\"mark:loaded\", \"end\"]");
    mcp_call_add(call, "--%s=%s", argument->option, from);
    return true;
}

/* Adds a capture's path below the server's folder as an option or a word, or refuses it. */
static bool add_path(struct mcp_call *call, const struct mcp_argument *argument,
                     const json_t *value, struct hak_text *error) {
    const char *typed = json_is_string(value) ? mcp_line_of(value) : NULL;
    if (!typed)
        return mcp_call_refuse(error, call->tool, argument, "a path below the server's folder");
    hak_text_add(error, "%s: %s: ", call->tool->name, argument->name);
    char *path = argument->kind == MCP_CAPTURE ? mcp_folder_capture(typed, error)
                                               : mcp_folder_new_capture(typed, error);
    if (!path)
        return false;
    hak_text_free(error);
    if (argument->option)
        mcp_call_add(call, "--%s=%s", argument->option, path);
    else
        mcp_call_add(call, "%s", path);
    free(path);
    return true;
}

bool mcp_call_add_argument(struct mcp_call *call, const struct mcp_argument *argument,
                           const json_t *value, struct hak_text *error) {
    switch (argument->kind) {
    case MCP_NUMBER:
        return take_number(call, argument, value, error);
    case MCP_SWITCH:
        return add_switch(call, argument, value, error);
    case MCP_BETWEEN:
        return add_between(call, argument, value, error);
    case MCP_CAPTURE:
    case MCP_NEW_CAPTURE:
        return add_path(call, argument, value, error);
    case MCP_COMMAND:
        return true;
    case MCP_TEXT:
    case MCP_CHOICE:
    case MCP_ADDRESS:
        break;
    }
    return add_text(call, argument, value, error);
}
