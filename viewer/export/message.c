/* Writes messages of protobuf, and numbers their texts. */
#include "viewer/export/message.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"

bool message_write(struct view_sink *sink, const ProtobufCMessage *message) {
    size_t bytes = protobuf_c_message_get_packed_size(message);
    uint8_t few[512], *room = bytes <= sizeof few ? few : malloc(bytes);
    if (!room)
        return false;
    view_sink_add_bytes(sink, room, protobuf_c_message_pack(message, room));
    if (room != few)
        free(room);
    return true;
}

uint32_t message_number_text(struct message_texts *all, struct hak_text *text, bool *is_new) {
    const char *words = hak_text_string(text);
    uint64_t key = hak_index_hash(words, strlen(words)), at = 0;
    *is_new = false;
    if (!text->length && !text->failed) {
        hak_text_free(text);
        return 0;
    }
    for (uint32_t row; (row = hak_index_find(&all->by_text, key, &at)) != 0;)
        if (strcmp(all->text[row - 1], words) == 0) {
            hak_text_free(text);
            return row;
        }
    char *copy = text->failed ? NULL : strdup(words);
    hak_text_free(text);
    if (!copy || !hak_growing_make_room(&all->text, all->texts, &all->room, sizeof *all->text) ||
        !hak_index_add(&all->by_text, key, all->texts + 1)) {
        free(copy);
        all->failed = true;
        return 0;
    }
    all->text[all->texts++] = copy;
    *is_new = true;
    return all->texts;
}

void message_free_texts(struct message_texts *all) {
    for (uint32_t i = 0; i < all->texts; i++)
        free(all->text[i]);
    free((void *)all->text);
    hak_index_free(&all->by_text);
    *all = (struct message_texts){0};
}
