/* A frame of a stack as the store names it: module, function, source line. */
#ifndef HAK_STORE_FRAME_H
#define HAK_STORE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* Stands behind the name of a function that nobody wrote: the compiler made it, and its line is the
 * class's. */
#define HAK_IMPLICIT_MARK " [implicit]"
struct hak_frame {
    uint64_t ip;
    const char *module; /* path, "" = in none */
    uint64_t module_offset;
    const char *function; /* "" = not known */
    const char *file;
    uint32_t line;
    bool inlined;        /* part of the frame that follows */
    bool is_hakmem;      /* the allocator's own code */
    bool is_interrupted; /* execution stopped here, in no call of the allocator; set by reports */
    bool is_called_from_many; /* a wrapper of the allocator by its place; set by reports */
    bool is_accused; /* its own call is what does not fit: no wrapper, whatever its name; set by
                        hak_words_accuse_caller */
};

/* True for a library of hakmem's, by its file's name. */
bool hak_is_own_module(const char *path);

#endif
