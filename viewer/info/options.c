/* `info --options`: every HAKMEM_ variable, from options.def. */
#include "viewer/info/parts.h"

#include <jansson.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

static const struct {
    const char *name, *type, *standard, *range, *run, *sentence;
} option_table[] = {
#define OPTION(NAME, field, TYPE, standard, range, run, sentence)                                  \
    {#NAME, #TYPE, standard, range, run, sentence},
#include "options.def"
};
#define OPTION_COUNT (sizeof option_table / sizeof option_table[0])

/* The values that profiles and presets set for other variables. */
static const struct {
    const char *choice, *other, *value;
} sets[] = {
#define SETS(name, choice, other, value) {choice, #other, value},
#include "options.def"
};
#define SET_LINES (sizeof sets / sizeof sets[0])

/* The option's value in each choice that sets it. */
static json_t *profiles_of(const char *name) {
    json_t *values = json_object();
    for (size_t i = 0; i < SET_LINES; i++)
        if (strcmp(sets[i].other, name) == 0)
            hak_json_set(values, WORD(sets[i].choice, sets[i].value));
    return values;
}

static bool print_options_json(struct view *view) {
    json_t *document = view_json_document(view), *list = json_array();
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        hak_json_add(list, JSON("variable", json_sprintf("HAKMEM_%s", option_table[i].name)),
                     WORD("type", option_table[i].type), WORD("default", option_table[i].standard),
                     WORD("range", option_table[i].range),
                     JSON("run_option", hak_json_word(option_table[i].run)),
                     JSON("profiles", profiles_of(option_table[i].name)),
                     WORD("sentence", option_table[i].sentence));
    }
    return view_print_json(hak_json_print(hak_json_set(document, JSON("options", list))));
}

/* Appends "  (balanced: 1, tight: 0)" where a profile or preset sets the option. */
static void add_profiles(struct hak_text *text, const char *name) {
    const char *before = "  (";
    for (size_t i = 0; i < SET_LINES; i++)
        if (strcmp(sets[i].other, name) == 0) {
            hak_text_add(text, "%s%s: %s", before, sets[i].choice, sets[i].value);
            before = ", ";
        }
    if (before[0] == ',')
        hak_text_add(text, ")");
}

/* Appends `sentence` in lines of at most 100 columns, each from `indent` on. */
static void add_wrapped(struct hak_text *text, const char *sentence, int indent) {
    hak_text_tab(text, indent);
    while (*sentence) {
        int length = (int)strcspn(sentence, " ");
        if (hak_text_column(text) > indent && hak_text_column(text) + 1 + length > 100) {
            hak_text_add(text, "\n");
            hak_text_tab(text, indent);
        } else if (hak_text_column(text) > indent) {
            hak_text_add(text, " ");
        }
        hak_text_add(text, "%.*s", length, sentence);
        sentence += length;
        sentence += strspn(sentence, " ");
    }
    hak_text_add(text, "\n");
}

int info_options(struct view *view) {
    view_start_pager(view);
    if (view->json)
        return print_options_json(view) ? VIEW_OK : VIEW_USAGE;
    struct hak_text text = {0};
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        hak_text_add(&text, "%sHAKMEM_%s%s=%s", view_style(view, VIEW_BOLD), option_table[i].name,
                     view_style(view, VIEW_PLAIN), option_table[i].range);
        hak_text_add(&text, "  (default: %s)",
                     option_table[i].standard[0] ? option_table[i].standard : "none");
        add_profiles(&text, option_table[i].name);
        if (option_table[i].run[0])
            hak_text_add(&text, "  run --%s", option_table[i].run);
        hak_text_add(&text, "\n");
        add_wrapped(&text, option_table[i].sentence, 4);
    }
    return view_print(&text) ? VIEW_OK : VIEW_USAGE;
}
