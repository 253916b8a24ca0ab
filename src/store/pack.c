/* Packs bytes by zstd, with one working memory for each thread. */
#include "store/pack.h"

#include <pthread.h>
#include <string.h>
#include <zstd.h>
#include "base/checksum.h"
#include "store/error.h"

/* By measurement (tests/bench/codec.c): 3 saves 1 to 2 % of a chunk and costs 2 to 4 ns an
 * event, negative levels save 0.5 to 2 ns and cost up to 5 %. */
#define ZSTD_LEVEL          1
#define WORTH_A_FRAME_BYTES 1024
#define WORTH_PACKING_BYTES 32 /* below it zstd's own frame costs more than it saves */

/* zstd's working memory, one for each thread that needs it, given back at its end. */
static _Thread_local ZSTD_CCtx *packer;
static _Thread_local ZSTD_DCtx *unpacker;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;

static void end_thread(void *unused) {
    (void)unused;
    hak_pack_release();
}
static void make_key(void) {
    pthread_key_create(&at_thread_end, end_thread);
}

/* Makes the thread's packer if there is none. False without memory. */
static bool have_packer(void) {
    if (!packer && (packer = ZSTD_createCCtx())) {
        pthread_once(&once, make_key);
        pthread_setspecific(at_thread_end, &once);
    }
    return packer != NULL;
}

/* Makes the thread's unpacker if there is none. False without memory. */
static bool have_unpacker(void) {
    if (!unpacker && (unpacker = ZSTD_createDCtx())) {
        pthread_once(&once, make_key);
        pthread_setspecific(at_thread_end, &once);
    }
    return unpacker != NULL;
}

/* Packs `data` as one zstd frame; false when memory is out. */
static bool pack_frame(struct hak_buffer *out, const uint8_t *data, size_t bytes) {
    size_t bound = ZSTD_compressBound(bytes);
    if (!hak_buffer_reserve(out, bound))
        return false;
    size_t got = ZSTD_compressCCtx(packer, out->data + out->size, bound, data, bytes, ZSTD_LEVEL);
    if (ZSTD_isError(got))
        return false;
    out->size += got;
    return true;
}

bool hak_buffer_pack(struct hak_buffer *out, const uint8_t *data, size_t bytes,
                     const uint32_t *part_end, uint32_t parts, uint8_t *packing,
                     uint32_t *packed_bytes) {
    size_t start = out->size, from = 0;
    if (bytes >= WORTH_PACKING_BYTES) {
        if (!have_packer())
            return false;
        for (uint32_t i = 0; i <= parts; i++) {
            size_t end = i < parts ? part_end[i] : bytes;
            bool is_last = i == parts;
            if (!is_last && (end - from < WORTH_A_FRAME_BYTES || bytes - end < WORTH_A_FRAME_BYTES))
                continue;
            if (end > from && !pack_frame(out, data + from, end - from))
                return false;
            from = end;
        }
        *packing = HAK_PACKING_ZSTD;
        *packed_bytes = (uint32_t)(out->size - start);
        if (*packed_bytes < bytes)
            return true;
        out->size = start;
    }
    *packing = HAK_PACKING_NONE;
    *packed_bytes = (uint32_t)bytes;
    if (!hak_buffer_reserve(out, bytes))
        return false;
    if (bytes)
        memcpy(out->data + out->size, data, bytes);
    out->size += bytes;
    return true;
}

const char *hak_unpack(const uint8_t *in, size_t packed_bytes, uint8_t packing, uint8_t *out,
                       size_t raw_bytes) {
    if (packing == HAK_PACKING_NONE) {
        if (packed_bytes != raw_bytes)
            return "its length is not what the header says";
        if (raw_bytes)
            memcpy(out, in, raw_bytes);
        return NULL;
    }
    if (packing != HAK_PACKING_ZSTD)
        return "it is packed in a way this version does not know";
    if (!have_unpacker())
        return hak_store_memory_ended;
    size_t got = ZSTD_decompressDCtx(unpacker, out, raw_bytes, in, packed_bytes);
    if (ZSTD_isError(got))
        return "zstd cannot unpack it";
    return got == raw_bytes ? NULL : "its length is not what the header says";
}

bool hak_blob_begin(struct hak_buffer *out, const struct hak_blob_form *form, size_t *start) {
    *start = out->size;
    if (!hak_buffer_reserve(out, form->header_bytes))
        return false;
    memset(out->data + *start, 0, form->header_bytes);
    memcpy(out->data + *start, form->magic, 4);
    hak_write_little(out->data + *start + 4, form->format, 2);
    out->size += form->header_bytes;
    return true;
}

bool hak_blob_end(struct hak_buffer *out, size_t start) {
    if (!hak_buffer_reserve(out, HAK_BLOB_CHECKSUM_BYTES))
        return false;
    hak_write_little(out->data + out->size, hak_crc32c(out->data + start, out->size - start),
                     HAK_BLOB_CHECKSUM_BYTES);
    out->size += HAK_BLOB_CHECKSUM_BYTES;
    return true;
}

const char *hak_blob_check(const struct hak_blob_form *form, const uint8_t *blob, size_t bytes) {
    if (!blob || bytes < (size_t)form->header_bytes + HAK_BLOB_CHECKSUM_BYTES)
        return "it is cut short";
    if (memcmp(blob, form->magic, 4) != 0)
        return form->no_magic;
    size_t summed = bytes - HAK_BLOB_CHECKSUM_BYTES;
    if (hak_crc32c(blob, summed) != hak_read_little(blob + summed, HAK_BLOB_CHECKSUM_BYTES))
        return "its checksum does not hold";
    if (hak_read_little(blob + 4, 2) != form->format)
        return "it is of a format that this version does not know";
    return NULL;
}

void hak_pack_release(void) {
    ZSTD_freeCCtx(packer);
    ZSTD_freeDCtx(unpacker);
    packer = NULL;
    unpacker = NULL;
}
