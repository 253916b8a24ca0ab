/* The variables of hakmem that a fault needs. */
#include "viewer/reduce/parts.h"

void setting_add(struct hak_text *text, const struct setting *setting) {
    if (setting->guard)
        hak_text_add(text, "HAKMEM_GUARD=%s ", setting->guard);
    if (setting->align)
        hak_text_add(text, "HAKMEM_GUARD_ALIGN=%s ", setting->align);
    if (setting->side)
        hak_text_add(text, "HAKMEM_GUARD_SIDE=%s ", setting->side);
    if (setting->checks_strings)
        hak_text_add(text, "HAKMEM_CHECK_STRING=1 ");
    if (setting->inject)
        hak_text_add(text, "HAKMEM_INJECT=%s ", setting->inject);
}

void setting_fill(struct run *run, const struct reduction *r, const struct setting *setting,
                  char texts[SETTING_WORDS][PATH_MAX + 16]) {
    enum { WORD = PATH_MAX + 16 };
    int count = 0, used = 0;
    run->is_clean = true;
    run->variable[count++] = "HAKMEM_CHECK=normal";
    run->variable[count++] = "HAKMEM_TRACE=off";
    run->variable[count++] = "HAKMEM_GUARD_WATCH=off";
    const struct {
        const char *name, *value;
    } given[] = {{"LD_PRELOAD", r->library},
                 {"HAKMEM_GUARD", setting->guard},
                 {"HAKMEM_GUARD_ALIGN", setting->align},
                 {"HAKMEM_GUARD_SIDE", setting->side},
                 {"HAKMEM_CHECK_STRING", setting->checks_strings ? "1" : NULL},
                 {"HAKMEM_INJECT", setting->inject}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i].value) {
            snprintf(texts[used], WORD, "%s=%s", given[i].name, given[i].value);
            run->variable[count++] = texts[used++];
        }
    run->variable[count] = NULL;
}
