/* The growing buffer. */
#include "base/bytes.h"

#include <stdlib.h>

bool hak_buffer_reserve(struct hak_buffer *buffer, size_t bytes) {
    if (buffer->room - buffer->size >= bytes)
        return true;
    size_t room = buffer->room ? buffer->room : 4096;
    while (room - buffer->size < bytes)
        room *= 2;
    uint8_t *data = realloc(buffer->data, room);
    if (!data)
        return false;
    buffer->data = data;
    buffer->room = room;
    return true;
}

void hak_buffer_free(struct hak_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct hak_buffer){0};
}
