/* tools/list: each tool with the JSON schema of what it takes, made from its table. */
#include "viewer/mcp/parts.h"

#include <jansson.h>
#include <string.h>

/* The list of the words, between which | stands, as JSON. */
static json_t *choices(const char *words) {
    json_t *list = json_array();
    for (const char *at = words; *at;) {
        size_t length = strcspn(at, "|");
        json_array_append_new(list, json_stringn(at, length));
        at += length + (at[length] == '|');
    }
    return list;
}

/* Makes the schema that of a list of strings, of `least` to `most` ones; most 0 is no bound. */
static void set_list(json_t *schema, int least, int most) {
    json_object_set_new(schema, "items", json_pack("{s:s}", "type", "string"));
    json_object_set_new(schema, "minItems", json_integer(least));
    if (most > 0)
        json_object_set_new(schema, "maxItems", json_integer(most));
}

/* The JSON schema of one argument. */
static json_t *argument_json(const struct mcp_argument *argument) {
    static const char *const types[] = {
        [MCP_TEXT] = "string",    [MCP_NUMBER] = "integer",     [MCP_SWITCH] = "boolean",
        [MCP_CHOICE] = "string",  [MCP_ADDRESS] = "string",     [MCP_BETWEEN] = "array",
        [MCP_CAPTURE] = "string", [MCP_NEW_CAPTURE] = "string", [MCP_COMMAND] = "array",
    };
    json_t *schema = json_pack("{s:s}", "type", types[argument->kind]);
    if (argument->kind == MCP_NUMBER) {
        json_object_set_new(schema, "minimum", json_integer(argument->least));
        json_object_set_new(schema, "maximum", json_integer(argument->most));
    }
    if (argument->kind == MCP_CHOICE)
        json_object_set_new(schema, "enum", choices(argument->words));
    if (argument->kind == MCP_BETWEEN)
        set_list(schema, 2, 2);
    if (argument->kind == MCP_COMMAND)
        set_list(schema, 1, 0);
    json_object_set_new(schema, "description", json_string(argument->sentence));
    return schema;
}

/* A tool as tools/list shows it: name, sentence, schema of its arguments, hints. */
static json_t *tool_json(const struct mcp_tool *tool) {
    json_t *properties = json_object(), *needed = json_array();
    for (const struct mcp_argument *a = tool->arguments; a->name; a++) {
        json_object_set_new(properties, a->name, argument_json(a));
        if (a->is_needed)
            json_array_append_new(needed, json_string(a->name));
    }
    json_t *schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
    if (json_array_size(needed) > 0)
        json_object_set(schema, "required", needed);
    json_decref(needed);
    json_object_set_new(schema, "additionalProperties", json_false());
    json_t *notes = json_pack("{s:b}", "readOnlyHint", !tool->is_program);
    if (tool->is_program)
        json_object_set_new(notes, "destructiveHint", json_true());
    json_object_set_new(notes, "openWorldHint", json_boolean(tool->is_program));
    return json_pack("{s:s, s:s, s:o, s:o}", "name", tool->name, "description", tool->sentence,
                     "inputSchema", schema, "annotations", notes);
}

json_t *mcp_tools_json(bool allows_run) {
    json_t *list = json_array();
    const struct mcp_tool *tool;
    for (int i = 0; (tool = mcp_tool_at(i)) != NULL; i++)
        if (allows_run || !tool->is_program)
            json_array_append_new(list, tool_json(tool));
    return list;
}
