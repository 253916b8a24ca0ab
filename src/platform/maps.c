/* Reads the lines of /proc/self/maps, in one place for all callers that ask for the kernel's
 * mappings. */
#include "platform/maps.h"
#include <string.h>
#include <sys/mman.h>
#include "platform/raw_call.h"

void hak_maps_begin_at(struct hak_maps *maps, long file) {
    maps->at = maps->length = 0;
    maps->file = file;
}

static const char of_process[] = "/proc/self/maps", of_thread[] = "/proc/thread-self/maps";

long hak_maps_open(void) {
    char first;
    long file = hak_open(of_process);
    if (file >= 0 && hak_raw_call(SYS_pread64, file, &first, sizeof first, 0) == sizeof first)
        return file;
    if (file >= 0)
        hak_close(file);
    return hak_open(of_thread);
}

bool hak_maps_begin(struct hak_maps *maps) {
    hak_maps_begin_at(maps, hak_maps_open());
    return maps->file >= 0;
}

void hak_maps_end(struct hak_maps *maps) {
    hak_close(maps->file);
}

/* The next byte of the file, read by buffers; -1 at its end or on an error. */
static int next_byte(struct hak_maps *maps) {
    if (maps->at == maps->length) {
        long got = hak_read(maps->file, maps->buffer, sizeof maps->buffer);
        if (got <= 0)
            return -1;
        maps->at = 0;
        maps->length = (size_t)got;
    }
    return (unsigned char)maps->buffer[maps->at++];
}

/* Reads hexadecimal digits and the byte behind them, which is lost. */
static uintptr_t next_number(struct hak_maps *maps) {
    uintptr_t number = 0;
    for (;;) {
        int byte = next_byte(maps);
        if (byte >= '0' && byte <= '9')
            number = number << 4 | (uintptr_t)(byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            number = number << 4 | (uintptr_t)(byte - 'a' + 10);
        else
            return number;
    }
}

/* Reads the next line of /proc/self/maps, "7f00-7f01 r-xp 00001000 08:01 1234    /path". False:
 * there is none. */
bool hak_maps_next(struct hak_maps *maps, struct hak_mapping *mapping) {
    static const struct {
        char letter;
        uint32_t bit;
    } letters[] = {
        {'r', PROT_READ}, {'w', PROT_WRITE}, {'x', PROT_EXEC}, {'s', HAK_MAPPING_SHARED}};
    int byte = 0, fields = 0;
    size_t length = 0;
    mapping->start = next_number(maps);
    mapping->end = next_number(maps);
    mapping->protection = 0;
    mapping->path[0] = 0;
    if (mapping->end == 0)
        return false;
    while ((byte = next_byte(maps)) > ' ')
        for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++)
            if (byte == letters[i].letter)
                mapping->protection |= letters[i].bit;
    for (; byte >= 0 && byte != '\n' && fields < 3; fields += byte == ' ')
        byte = next_byte(maps);
    while (byte >= 0 && byte != '\n') {
        byte = next_byte(maps);
        if (byte >= 0 && byte != '\n' && (byte != ' ' || length > 0) &&
            length < sizeof mapping->path - 1)
            mapping->path[length++] = (char)byte;
    }
    mapping->path[length] = 0;
    return true;
}

bool hak_mapping_is(const struct hak_mapping *mapping, const char *name) {
    size_t length = strlen(name);
    return mapping->path[0] == '[' && strncmp(mapping->path + 1, name, length) == 0 &&
           mapping->path[length + 1] == ']';
}
