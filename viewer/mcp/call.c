/* A call: its arguments, each looked at, become the command line that answers it. */
#include "viewer/mcp/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"

enum {
    WORDS = 1000,           /* of a command */
    QUESTION_SECONDS = 300, /* that a question may take */
    RUN_SECONDS = 30,
    HUNT_SECONDS = 50,
};

void mcp_call_free(struct mcp_call *call) {
    for (uint32_t i = 0; i < call->count; i++)
        free(call->word[i]);
    free(call->word);
    *call = (struct mcp_call){0};
}

static json_t *value_of(const json_t *arguments, const char *name) {
    json_t *value = json_object_get(arguments, name);
    return json_is_null(value) ? NULL : value;
}

static bool is_given(const json_t *arguments, const char *name) {
    return value_of(arguments, name) != NULL;
}

/* ---- what stands behind the options ------------------------------------------------------------
 */

/* Adds the program that is to run and its arguments, or refuses them. */
static bool add_command(struct mcp_call *call, const struct mcp_argument *argument,
                        const json_t *value, struct hak_text *error) {
    size_t count = json_array_size(value);
    bool is_good = count > 0 && count <= WORDS && json_string_length(json_array_get(value, 0)) > 0;
    for (size_t i = 0; is_good && i < count; i++)
        is_good = json_is_string(json_array_get(value, i));
    if (!is_good)
        return mcp_call_refuse(error, call->tool, argument,
                               "a list of the program and its arguments, each a string");
    for (size_t i = 0; i < count; i++)
        mcp_call_add(call, "%s", json_string_value(json_array_get(value, i)));
    return true;
}

/* Adds, behind --, the arguments of the command, in the order of the table. False: one is refused.
 */
static bool add_behind(struct mcp_call *call, const json_t *arguments, struct hak_text *error) {
    mcp_call_add(call, "--");
    for (const struct mcp_argument *a = call->tool->arguments; a->name; a++) {
        const json_t *value = value_of(arguments, a->name);
        if (!value)
            continue;
        if (a->kind == MCP_COMMAND && !add_command(call, a, value, error))
            return false;
        if (a->kind == MCP_BETWEEN)
            mcp_call_add(call, "%s", mcp_line_of(json_array_get(value, 1)));
        else if (a->kind == MCP_CAPTURE && !a->option &&
                 !mcp_call_add_argument(call, a, value, error))
            return false;
        else if (!a->option && (a->kind == MCP_NUMBER || a->kind == MCP_ADDRESS))
            mcp_call_add(call, "%s", mcp_line_of(value));
    }
    return true;
}

/* ---- the whole call ----------------------------------------------------------------------------
 */

static void add_names(struct hak_text *text, const struct mcp_tool *tool) {
    for (const struct mcp_argument *a = tool->arguments; a->name; a++)
        hak_text_add(text, "%s%s", a == tool->arguments ? "" : ", ", a->name);
}

/* Whether each given argument is one of the tool's and each needed one is given; else `error` says
 * which. */
static bool knows_all(const struct mcp_tool *tool, const json_t *arguments,
                      struct hak_text *error) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)arguments, name, value) {
        const struct mcp_argument *a = tool->arguments;
        while (a->name && strcmp(a->name, name) != 0)
            a++;
        if (a->name)
            continue;
        hak_text_add(error, "%s: there is no argument '%s'; it takes ", tool->name, name);
        add_names(error, tool);
        return false;
    }
    for (const struct mcp_argument *a = tool->arguments; a->name; a++)
        if (a->is_needed && !is_given(arguments, a->name)) {
            hak_text_add(error, "%s: %s is missing: %s", tool->name, a->name, a->sentence);
            return false;
        }
    return true;
}

/* Checks that `diff` is given both captures, or two moments of one. */
static bool check_sides(const struct mcp_call *call, const json_t *arguments,
                        struct hak_text *error) {
    bool is_of_one = is_given(arguments, "between");
    int sides = is_given(arguments, "old") + is_given(arguments, "new");
    if (strcmp(call->tool->name, "diff") != 0 || (is_of_one ? sides == 0 : sides == 2))
        return true;
    hak_text_add(error, "diff: old and new were expected, or between for two moments of one "
                        "capture");
    return false;
}

/* Adds the folder's newest capture where the tool needs one and the call names none. */
static bool add_newest(struct mcp_call *call, const json_t *arguments, struct hak_text *error) {
    const struct mcp_tool *tool = call->tool;
    bool needs =
        tool->asks_capture || is_given(arguments, "between") || is_given(arguments, "fault");
    if (!needs || is_given(arguments, "store"))
        return true;
    hak_text_add(error, "%s: ", tool->name);
    char *path = mcp_folder_newest(error);
    if (!path)
        return false;
    hak_text_free(error);
    mcp_call_add(call, "--store=%s", path);
    free(path);
    return true;
}

/* Adds the words that the server adds by itself: the tool's fixed options and the limit. */
static void add_own(struct mcp_call *call, const json_t *arguments) {
    const struct mcp_tool *tool = call->tool;
    for (const char *at = tool->fixed; *at;) {
        int length = (int)strcspn(at, " ");
        mcp_call_add(call, "--%.*s", length, at);
        at += length + (at[length] == ' ');
    }
    if (tool->has_limit && !is_given(arguments, "tree") && !is_given(arguments, "bottom_up"))
        mcp_call_add(call, "--limit=%zu", call->window.offset + call->window.limit);
    call->window.is_part = is_given(arguments, "first") || is_given(arguments, "last");
    if (strcmp(tool->name, "block") == 0 && !call->window.is_part)
        mcp_call_add(call, "--last=%zu", call->window.offset + call->window.limit);
    if (strcmp(tool->name, "hunt") == 0)
        mcp_call_add(call, "--timeout=%llu", (unsigned long long)call->seconds);
    if (strcmp(tool->name, "run") == 0)
        mcp_call_add(call, "--log=/dev/null"); /* reports are in the store */
}

bool mcp_call_read(struct mcp_call *call, const struct mcp_tool *tool, const json_t *arguments,
                   struct hak_text *error) {
    bool runs = strcmp(tool->name, "run") == 0;
    *call = (struct mcp_call){.tool = tool,
                              .window = {.limit = MCP_ROWS, .bytes = MCP_TOKENS * MCP_TOKEN_BYTES},
                              .seconds = runs               ? RUN_SECONDS
                                         : tool->is_program ? HUNT_SECONDS
                                                            : QUESTION_SECONDS};
    if (!knows_all(tool, arguments, error) || !check_sides(call, arguments, error))
        return false;
    mcp_call_add(call, "hakmem-trace");
    mcp_call_add(call, "%s", tool->command);
    mcp_call_add(call, "--json");
    for (const struct mcp_argument *a = tool->arguments; a->name; a++) {
        const json_t *value = value_of(arguments, a->name);
        bool is_behind = a->kind == MCP_CAPTURE && !a->option;
        if (value && !is_behind && !mcp_call_add_argument(call, a, value, error))
            return false;
    }
    if (!add_newest(call, arguments, error))
        return false;
    add_own(call, arguments);
    if (!add_behind(call, arguments, error))
        return false;
    if (call->failed)
        hak_text_add(error, "%s: out of memory", tool->name);
    return !call->failed;
}
