/* Says what is not known of the program's own pools. */
#include "report/words/json.h"
#include "report/words/words.h"

bool hak_words_add_missed(struct hak_text *text, const struct hak_missed_pools *missed) {
    bool has_room = missed->pools == 0 && missed->pieces == 0;
    if (!hak_missed_any(missed))
        return false;
    hak_text_add(text, "the program's own pools: ");
    if (missed->pools)
        hak_text_add(text, "%s", hak_words_count(missed->pools, "pool", "pools"));
    if (missed->pieces)
        hak_text_add(text, "%s%s", missed->pools ? " and " : "",
                     hak_words_count(missed->pieces, "piece", "pieces"));
    if (!has_room)
        hak_text_add(text, " had no room");
    if (missed->calls)
        hak_text_add(text, "%s%s", has_room ? "" : "; ",
                     hak_words_count(missed->calls, "call was missed", "calls were missed"));
    return true;
}

void hak_json_set_missed(json_t *object, const struct hak_missed_pools *missed) {
    if (missed->pools)
        hak_json_set(object, NUMBER("missed_pools", missed->pools));
    if (missed->pieces)
        hak_json_set(object, NUMBER("missed_pieces", missed->pieces));
    if (missed->calls)
        hak_json_set(object, NUMBER("missed_pool_calls", missed->calls));
}
