/* Numbers in few bytes, as text. */
#include "viewer/html/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include "base/growing.h"

/* Appends a byte, if nothing has failed. */
static void put_byte(struct html_pack *pack, uint8_t byte) {
    pack->failed =
        pack->failed || !hak_growing_make_room(&pack->bytes, pack->count, &pack->room, 1);
    if (!pack->failed)
        pack->bytes[pack->count++] = byte;
}

void html_pack_number(struct html_pack *pack, uint64_t value) {
    for (; value >= 128; value >>= 7)
        put_byte(pack, (uint8_t)(value | 128));
    put_byte(pack, (uint8_t)value);
}

void html_pack_signed(struct html_pack *pack, int64_t value) {
    uint64_t twice = (uint64_t)value << 1;
    html_pack_number(pack, value < 0 ? ~twice : twice);
}

/* Writes the bytes as Base64, padded with =; no NUL behind it. */
static void encode(const uint8_t *from, uint32_t count, char *to) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (uint32_t i = 0; i < count; i += 3) {
        uint32_t left = count - i;
        uint32_t bits = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
                        (left > 2 ? from[i + 2] : 0);
        *to++ = letters[bits >> 18];
        *to++ = letters[bits >> 12 & 63];
        *to++ = left > 1 ? letters[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? letters[bits & 63] : '=';
    }
}

json_t *html_pack_json(struct html_pack *pack) {
    size_t length = ((size_t)pack->count + 2) / 3 * 4;
    char *text = pack->failed ? NULL : malloc(length + 1);
    json_t *json = NULL;
    if (text) {
        encode(pack->bytes, pack->count, text);
        json = json_stringn(text, length);
    }
    free(text);
    free(pack->bytes);
    *pack = (struct html_pack){0};
    return json;
}
