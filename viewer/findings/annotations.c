/* New findings in the words of CI services, so that they stand at the line of a change; and as the
 * Code Quality report that GitLab reads. */
#include "viewer/findings/findings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "report/words/words.h"

static bool is_set(const char *variable) {
    const char *value = getenv(variable);
    return value && value[0] && strcmp(value, "false") != 0;
}

/* The service whose log this is, by its variables. */
static enum annotations find_service(void) {
    if (is_set("GITHUB_ACTIONS"))
        return ANNOTATIONS_GITHUB;
    if (is_set("GITLAB_CI"))
        return ANNOTATIONS_GITLAB;
    if (is_set("TF_BUILD"))
        return ANNOTATIONS_AZURE;
    if (is_set("TEAMCITY_VERSION"))
        return ANNOTATIONS_TEAMCITY;
    return ANNOTATIONS_NONE;
}

bool annotations_read_option(const struct view *view, enum annotations *out) {
    static const char *const names[] = {"none", "github", "gitlab", "azure", "teamcity"};
    const char *value = view_value(view, "annotations");
    *out = ANNOTATIONS_NONE;
    if (!value)
        return true;
    if (strcmp(value, "auto") == 0) {
        *out = find_service();
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i]) == 0) {
            *out = (enum annotations)i;
            return true;
        }
    view_error("%s --annotations %s: auto, github, gitlab, azure, teamcity or none was expected",
               view->command->name, value);
    return false;
}

/* ---- escapes -----------------------------------------------------------------------------------
 */

struct escape {
    char c;
    const char *as;
};

/* Treats the service's output as a terminal: the visible form first, then the service's marks. */
static void add_with_escapes(struct hak_text *to, const char *from, const struct escape *escapes) {
    struct hak_text visible = {0};
    hak_text_add_name(&visible, from);
    for (const char *at = hak_text_string(&visible); *at; at++) {
        const struct escape *one = escapes;
        while (one->as && one->c != *at)
            one++;
        if (one->as)
            hak_text_add(to, "%s", one->as);
        else
            hak_text_add_bytes(to, at, 1);
    }
    hak_text_free(&visible);
}

static const struct escape github_data[] = {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}, {0, NULL}};
static const struct escape github_property[] = {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"},
                                                {':', "%3A"}, {',', "%2C"},  {0, NULL}};
static const struct escape azure[] = {{'%', "%AZP25"}, {'\r', "%0D"}, {'\n', "%0A"},
                                      {';', "%3B"},    {']', "%5D"},  {0, NULL}};
static const struct escape teamcity[] = {{'|', "||"}, {'\'', "|'"}, {'\r', "|r"}, {'\n', "|n"},
                                         {'[', "|["}, {']', "|]"},  {0, NULL}};

/* ---- services ----------------------------------------------------------------------------------
 */

/* The line to mark, 0 = not known; `path` gets its file as the repository has it, and stays empty
 * where none is known. */
static uint32_t find_line(struct view *view, const struct finding *one, struct hak_text *path) {
    int at = sources_find_frame(view, one);
    if (at < 0)
        return 0;
    sources_add_path(path, view, one->stacks[0].frames.frame[at].file);
    return one->stacks[0].frames.frame[at].line;
}

/* Adds file and line to mark as NAME=VALUE, each followed by `after`, as far as they are known. */
static void add_line(struct hak_text *text, struct view *view, const struct finding *one,
                     const char *file, const char *number, char after,
                     const struct escape *escapes) {
    struct hak_text path = {0};
    uint32_t line = find_line(view, one, &path);
    if (path.bytes) {
        hak_text_add(text, "%s=", file);
        add_with_escapes(text, path.bytes, escapes);
        hak_text_add(text, "%c", after);
        if (line > 0)
            hak_text_add(text, "%s=%u%c", number, line, after);
    }
    hak_text_free(&path);
}

/* The finding's message, escaped. */
static void add_message(struct hak_text *text, const struct finding *one,
                        const struct escape *escapes) {
    struct hak_text message = {0};
    finding_add_message(&message, one);
    add_with_escapes(text, hak_text_string(&message), escapes);
    hak_text_free(&message);
}

/* GitHub's line. */
static void add_github(struct hak_text *text, struct view *view, const struct finding *one) {
    hak_text_add(text, "::error ");
    add_line(text, view, one, "file", "line", ',', github_property);
    hak_text_add(text, "title=hakmem %s::", one->name);
    add_message(text, one, github_data);
    hak_text_add(text, "\n");
}

/* Azure's line. */
static void add_azure(struct hak_text *text, struct view *view, const struct finding *one) {
    hak_text_add(text, "##vso[task.logissue type=error;");
    add_line(text, view, one, "sourcepath", "linenumber", ';', azure);
    if (one->code)
        hak_text_add(text, "code=HKM-%u;", one->code);
    hak_text_add(text, "]");
    add_message(text, one, azure);
    hak_text_add(text, "\n");
}

/* TeamCity's line. */
static void add_teamcity(struct hak_text *text, struct view *view, const struct finding *one) {
    struct hak_text path = {0}, words = {0};
    uint32_t line = find_line(view, one, &path);
    finding_add_message(&words, one);
    if (path.bytes && line > 0)
        hak_text_add(&words, " (%s:%u)", path.bytes, line);
    hak_text_add(text, "##teamcity[buildProblem description='");
    add_with_escapes(text, words.bytes ? words.bytes : one->headline, teamcity);
    hak_text_add(text, "' identity='");
    add_with_escapes(text, one->fingerprint, teamcity);
    hak_text_add(text, "']\n");
    hak_text_free(&path);
    hak_text_free(&words);
}

/* Whether a finding before this one has the same fingerprint: services show a few dozen lines at
 * most, and each finding is told once. */
static bool has_earlier_fingerprint(const struct findings *findings, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (strcmp(findings->list[k].fingerprint, findings->list[i].fingerprint) == 0)
            return true;
    return false;
}

void annotations_add(struct hak_text *text, struct view *view, const struct findings *findings,
                     enum annotations service) {
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->list[i];
        if (!finding_is_new(one) || has_earlier_fingerprint(findings, i))
            continue;
        if (service == ANNOTATIONS_GITHUB)
            add_github(text, view, one);
        else if (service == ANNOTATIONS_AZURE)
            add_azure(text, view, one);
        else if (service == ANNOTATIONS_TEAMCITY)
            add_teamcity(text, view, one);
    }
}

char *findings_code_quality(struct view *view, const struct findings *findings) {
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->list[i];
        if (!finding_is_new(one) || has_earlier_fingerprint(findings, i))
            continue;
        struct hak_text path = {0}, message = {0};
        uint32_t line = find_line(view, one, &path);
        finding_add_message(&message, one);
        json_array_append_new(
            list, json_pack("{s:o, s:s, s:o, s:s, s:{s:o, s:{s:i}}}", "description",
                            hak_json_text(hak_text_string(&message)), "check_name", one->name,
                            "fingerprint", hak_json_text(one->fingerprint), "severity",
                            one->kind == FINDING_LEAK ? "major" : "critical", "location", "path",
                            hak_json_text(path.bytes ? path.bytes : one->program), "lines", "begin",
                            line > 0 ? line : 1));
        hak_text_free(&message);
        hak_text_free(&path);
    }
    return hak_json_print(list);
}

bool findings_write_file(const char *path, char *document) {
    bool good = document && view_sink_write_file(path, document);
    if (!document)
        view_error("out of memory");
    free(document);
    return good;
}
