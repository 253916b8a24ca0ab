/* The pieces of JSON that reports and the viewer share. */
#include "report/words/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/story.h"
#include "report/words/words.h"
#include "superslab.h"
#include "trace/record.h"

#define DELETE 0x7f /* the one control character that jansson leaves in ASCII */

/* The text as a JSON string, made valid UTF-8 and cut at `most`; NULL without memory. */
static json_t *make_text(const char *text, size_t most) {
    struct hak_text valid = {0};
    hak_text_add_utf8(&valid, text, most);
    json_t *value = valid.failed ? NULL : json_string(hak_text_string(&valid));
    hak_text_free(&valid);
    return value;
}

json_t *hak_json_text(const char *text) {
    return make_text(text, HAK_TEXT_MACHINE_MAX);
}

json_t *hak_json_lines(const char *text) {
    return make_text(text, HAK_TEXT_LINES_MAX);
}

json_t *hak_json_whole(const char *text, size_t bytes) {
    struct hak_text valid = {0};
    for (size_t at = 0; at <= bytes; at++) {
        size_t run = text ? strnlen(text + at, bytes - at) : bytes;
        if (text)
            hak_text_add_utf8(&valid, text + at, run);
        at += run;
        if (at < bytes)
            hak_text_add_bytes(&valid, "", 1);
    }
    json_t *value = valid.failed ? NULL : json_stringn(hak_text_string(&valid), valid.length);
    hak_text_free(&valid);
    return value;
}

/* A member or an element could not be added: its document is not whole. */
static _Thread_local bool has_lost_part;

char *hak_json_dump(const json_t *value, size_t flags) {
    char *from = has_lost_part ? NULL : json_dumps(value, flags | JSON_ENSURE_ASCII);
    has_lost_part = false;
    if (!from || !strchr(from, DELETE))
        return from;
    struct hak_text text = {0};
    for (const char *at = from; *at;) {
        size_t run = strcspn(at, (const char[]){DELETE, '\0'});
        hak_text_add_bytes(&text, at, run);
        at += run;
        if (*at)
            hak_text_add_bytes(&text, "\\u007f", 6), at++;
    }
    free(from);
    return hak_text_take(&text);
}

json_t *hak_json_address(uint64_t address) {
    if (address == 0)
        return json_null();
    return json_sprintf("0x%llx", (unsigned long long)address);
}

const char *hak_json_string(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* The member's value; a member of JSON is handed on, not copied. */
static json_t *make_value(const struct hak_member *member) {
    switch (member->kind) {
    case HAK_MEMBER_NUMBER:
        return json_integer(member->number);
    case HAK_MEMBER_TEXT:
        return hak_json_text(member->text);
    case HAK_MEMBER_WORD:
        return json_string(member->text);
    case HAK_MEMBER_ADDRESS:
        return hak_json_address((uint64_t)member->number);
    case HAK_MEMBER_FLAG:
        return json_boolean(member->number);
    case HAK_MEMBER_JSON:
        return member->value;
    default:
        return json_null();
    }
}

void hak_json_set_member(json_t *object, const struct hak_member *member) {
    if (json_object_set_new(object, member->name, make_value(member)) != 0)
        has_lost_part = true;
}

void hak_json_append(json_t *list, json_t *element) {
    if (json_array_append_new(list, element) != 0)
        has_lost_part = true;
}

json_t *hak_json_set_members(json_t *object, const struct hak_member *member) {
    for (; member->kind; member++)
        hak_json_set_member(object, member);
    return object;
}

json_t *hak_json_frames(const struct hak_frames *frames) {
    json_t *array = json_array();
    for (int i = 0; i < frames->count; i++) {
        const struct hak_frame *frame = &frames->frame[i];
        hak_json_add(array, ADDRESS("ip", frame->ip), TEXT("function", frame->function),
                     TEXT("file", frame->file), NUMBER("line", frame->line),
                     TEXT("module", frame->module), NUMBER("module_offset", frame->module_offset),
                     FLAG("inlined", frame->inlined), FLAG("hakmem", frame->is_hakmem));
    }
    return array;
}

json_t *hak_json_stack(struct hak_store_reader *r, uint32_t stack) {
    struct hak_frames frames;
    hak_frames_load(&frames, r, stack);
    json_t *array = hak_json_frames(&frames);
    hak_frames_free(&frames);
    return array;
}

json_t *hak_json_thread(uint32_t row, uint32_t number, const char *name) {
    return hak_json_object(NUMBER("id", row), NUMBER("number", number), TEXT("name", name));
}

json_t *hak_json_class(struct hak_store_reader *r, unsigned class_index) {
    return class_index >= HAK_CLASS_NONE ? json_null()
                                         : json_string(hak_words_class(r, class_index));
}

json_t *hak_json_word(const char *word) {
    return word && word[0] ? json_string(word) : json_null();
}

json_t *hak_json_event(struct hak_store_reader *r, const struct hak_event *event,
                       bool with_frames) {
    struct hak_thread_words thread;
    if (event->id == 0)
        return json_null();
    json_t *object = json_object();
    hak_lookup_thread(r, event->thread, &thread);
    hak_json_set(object, NUMBER("id", event->id), NUMBER("ns", event->ns),
                 WORD("kind", hak_words_kind(event->kind)), NUMBER("process", event->process),
                 JSON("thread", hak_json_thread(event->thread, thread.number, thread.name)),
                 ADDRESS("address", event->address), ADDRESS("base", event->base),
                 NUMBER("size", event->size), ADDRESS("old_address", event->old_address),
                 KNOWN("class", event->class_index != HAK_CLASS_NONE, event->class_index));
    if (hak_words_change(event)[0])
        hak_json_set(object, WORD("change", hak_words_change(event)));
    hak_json_set(object, WORD("place", hak_words_place(event->place)),
                 NUMBER("generation", event->generation),
                 FLAG("illegal", event->flags & HAK_RECORD_ILLEGAL), NUMBER("stack", event->stack),
                 FLAG("stack_cut", event->flags & HAK_RECORD_PARTIAL),
                 FLAG("stack_guessed", event->flags & HAK_RECORD_GUESSED));
    if (with_frames)
        hak_json_set(object, JSON("frames", hak_json_stack(r, event->stack)));
    return object;
}

/* A life with its birth, resizes and first two ends; of a stale end also owner and evidence. */
static json_t *life_json(struct hak_store_reader *r, const struct hak_life *life,
                         bool with_frames) {
    json_t *object = json_object(), *resizes = json_array(), *ends = json_array();
    struct hak_text evidence = {0};
    for (int i = 0; i < life->resize_count; i++)
        hak_json_append(resizes, hak_json_event(r, &life->resizes[i], with_frames));
    for (int i = 0; i < life->end_count && i < 2; i++)
        hak_json_append(ends, hak_json_event(r, &life->ends[i], with_frames));
    hak_json_set(object, NUMBER("owner", life->number),
                 JSON("birth", hak_json_event(r, &life->birth, with_frames)),
                 JSON("resizes", resizes), JSON("ends", ends), FLAG("stale_end", life->stale_end),
                 KNOWN("stale_owner", life->stale_end, life->stale_owner));
    if (life->stale_end)
        hak_words_add_stale(&evidence, r, life);
    hak_json_set(object, TEXT("evidence", evidence.length ? evidence.bytes : ""));
    hak_text_free(&evidence);
    return object;
}

json_t *hak_json_lives(struct hak_store_reader *r, const struct hak_story *story,
                       bool with_frames) {
    json_t *array = json_array();
    for (int i = 0; story && i < story->life_count; i++)
        hak_json_append(array, life_json(r, &story->lives[i], with_frames));
    return array;
}

char *hak_json_print(json_t *document) {
    if (!document)
        return NULL;
    char *text = hak_json_dump(document, JSON_INDENT(2));
    json_decref(document);
    if (!text)
        return NULL;
    size_t length = strlen(text);
    char *longer = realloc(text, length + 2);
    if (!longer) {
        free(text);
        return NULL;
    }
    memcpy(longer + length, "\n", 2);
    return longer;
}
