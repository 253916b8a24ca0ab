/* Decompresses the symbol table in section .gnu_debugdata. */
#include "symbols/minimal_symbols.h"

#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>
#include "symbols/elf_file.h"

#define BYTES_MAX  ((size_t)256 << 20)
#define MEMORY_MAX ((uint64_t)128 << 20) /* of the decoder */

/* Decompresses into memory that grows as needed. Returns it, or NULL. */
static char *decompress(const void *from, size_t from_bytes, size_t *bytes) {
    lzma_stream stream = LZMA_STREAM_INIT;
    size_t room = 0;
    char *to = NULL;
    lzma_ret result = lzma_stream_decoder(&stream, MEMORY_MAX, 0);
    stream.next_in = from;
    stream.avail_in = from_bytes;
    while (result == LZMA_OK && room < BYTES_MAX) {
        size_t wanted = room ? 2 * room : (size_t)1 << 16;
        char *more = realloc(to, wanted);
        if (!more)
            break;
        to = more;
        stream.next_out = (uint8_t *)to + room;
        stream.avail_out = wanted - room;
        room = wanted;
        result = lzma_code(&stream, LZMA_FINISH);
    }
    *bytes = stream.total_out;
    lzma_end(&stream);
    if (result == LZMA_STREAM_END)
        return to;
    free(to);
    return NULL;
}

void hak_minimal_symbols_load(struct hak_minimal_symbols *minimal, Elf *elf) {
    size_t bytes;
    GElf_Shdr header;
    Elf_Scn *section = hak_elf_find_section(elf, ".gnu_debugdata", &header);
    Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
    *minimal = (struct hak_minimal_symbols){NULL, NULL};
    if (!data || !data->d_buf)
        return;
    minimal->bytes = decompress(data->d_buf, data->d_size, &bytes);
    if (minimal->bytes)
        minimal->elf = elf_memory(minimal->bytes, bytes);
    if (!minimal->elf || elf_kind(minimal->elf) != ELF_K_ELF)
        hak_minimal_symbols_free(minimal);
}

void hak_minimal_symbols_free(struct hak_minimal_symbols *minimal) {
    elf_end(minimal->elf);
    free(minimal->bytes);
    *minimal = (struct hak_minimal_symbols){NULL, NULL};
}
