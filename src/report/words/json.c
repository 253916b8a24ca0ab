/* The pieces of JSON that reports and the viewer share. */
#include "report/words/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "superslab.h"
#include "trace/record.h"

#define DELETE 0x7f /* the one control character that jansson leaves in ASCII */

static json_t *make_text(const char *text, size_t most) {
    struct hak_text valid = {0};
    hak_text_add_utf8(&valid, text, most);
    json_t *value = json_string(valid.bytes ? valid.bytes : "");
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
    json_t *value = json_stringn(valid.bytes ? valid.bytes : "", valid.length);
    hak_text_free(&valid);
    return value;
}

char *hak_json_dump(const json_t *value, size_t flags) {
    char *from = json_dumps(value, flags | JSON_ENSURE_ASCII);
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

json_t *hak_json_frames(const struct hak_frames *frames) {
    json_t *array = json_array();
    for (int i = 0; i < frames->count; i++) {
        const struct hak_frame *frame = &frames->frame[i];
        json_t *object = json_object();
        json_object_set_new(object, "ip", hak_json_address(frame->ip));
        json_object_set_new(object, "function", hak_json_text(frame->function));
        json_object_set_new(object, "file", hak_json_text(frame->file));
        json_object_set_new(object, "line", json_integer(frame->line));
        json_object_set_new(object, "module", hak_json_text(frame->module));
        json_object_set_new(object, "module_offset",
                            json_integer((json_int_t)frame->module_offset));
        json_object_set_new(object, "inlined", json_boolean(frame->inlined));
        json_object_set_new(object, "hakmem", json_boolean(frame->is_hakmem));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *thread_json(struct hak_store_reader *r, uint32_t row) {
    struct hak_thread_words thread;
    json_t *object = json_object();
    hak_lookup_thread(r, row, &thread);
    json_object_set_new(object, "id", json_integer(row));
    json_object_set_new(object, "number", json_integer(thread.number));
    json_object_set_new(object, "name", hak_json_text(thread.name));
    return object;
}

json_t *hak_json_event(struct hak_store_reader *r, const struct hak_event *event,
                       bool with_frames) {
    json_t *object = json_object();
    json_object_set_new(object, "id", json_integer((json_int_t)event->id));
    json_object_set_new(object, "ns", json_integer((json_int_t)event->ns));
    json_object_set_new(object, "kind", json_string(hak_words_kind(event->kind)));
    json_object_set_new(object, "process", json_integer(event->process));
    json_object_set_new(object, "thread", thread_json(r, event->thread));
    json_object_set_new(object, "address", hak_json_address(event->address));
    json_object_set_new(object, "base", hak_json_address(event->base));
    json_object_set_new(object, "size", json_integer((json_int_t)event->size));
    json_object_set_new(object, "old_address", hak_json_address(event->old_address));
    json_object_set_new(object, "class",
                        event->class_index == HAK_CLASS_NONE ? json_null()
                                                             : json_integer(event->class_index));
    if (hak_words_change(event)[0])
        json_object_set_new(object, "change", json_string(hak_words_change(event)));
    json_object_set_new(object, "place", json_string(hak_words_place(event->place)));
    json_object_set_new(object, "generation", json_integer((json_int_t)event->generation));
    json_object_set_new(object, "illegal", json_boolean(event->flags & HAK_RECORD_ILLEGAL));
    json_object_set_new(object, "stack", json_integer(event->stack));
    json_object_set_new(object, "stack_cut", json_boolean(event->flags & HAK_RECORD_PARTIAL));
    json_object_set_new(object, "stack_guessed", json_boolean(event->flags & HAK_RECORD_GUESSED));
    if (with_frames) {
        struct hak_frames frames;
        hak_frames_load(&frames, r, event->stack);
        json_object_set_new(object, "frames", hak_json_frames(&frames));
        hak_frames_free(&frames);
    }
    return object;
}

static json_t *life_json(struct hak_store_reader *r, const struct hak_life *life,
                         bool with_frames) {
    json_t *object = json_object(), *resizes = json_array(), *ends = json_array();
    for (int i = 0; i < life->resize_count; i++)
        json_array_append_new(resizes, hak_json_event(r, &life->resizes[i], with_frames));
    for (int i = 0; i < life->end_count && i < 2; i++)
        json_array_append_new(ends, hak_json_event(r, &life->ends[i], with_frames));
    json_object_set_new(object, "owner", json_integer(life->number));
    json_object_set_new(object, "birth",
                        life->birth.id == 0 ? json_null()
                                            : hak_json_event(r, &life->birth, with_frames));
    json_object_set_new(object, "resizes", resizes);
    json_object_set_new(object, "ends", ends);
    json_object_set_new(object, "stale_end", json_boolean(life->stale_end));
    json_object_set_new(object, "stale_owner",
                        life->stale_end ? json_integer(life->stale_owner) : json_null());
    json_object_set_new(object, "evidence", hak_json_text(life->evidence));
    return object;
}

json_t *hak_json_lives(struct hak_store_reader *r, const struct hak_story *story,
                       bool with_frames) {
    json_t *array = json_array();
    for (int i = 0; story && i < story->life_count; i++)
        json_array_append_new(array, life_json(r, &story->lives[i], with_frames));
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
