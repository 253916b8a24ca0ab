/* Messages of protobuf, written one after the other: a message is the same whether its fields come
 * at once or in pieces, so that a file of any length takes the memory of one piece. */
#ifndef HAK_VIEWER_EXPORT_MESSAGE_H
#define HAK_VIEWER_EXPORT_MESSAGE_H

#include <protobuf-c/protobuf-c.h>
#include "base/index.h"
#include "viewer/cli/cli.h"

/* Writes the bytes of a message. False without memory. */
bool message_write(struct view_sink *sink, const ProtobufCMessage *message);

/* Texts that a file has once each, numbered from 1 in the order of coming. */
struct message_texts {
    char **text;
    uint32_t texts, room;
    struct hak_index by_text;
    bool failed; /* no memory */
};

/* The number of `text`, which is freed; `is_new`: it was not there before. 0 of "", and where it
 * failed. */
uint32_t message_number_text(struct message_texts *all, struct hak_text *text, bool *is_new);
void message_free_texts(struct message_texts *all);

#endif
