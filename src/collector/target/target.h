/* Tells whether a program can be recorded. It looks from outside, at its file: before `run` starts
 * it, and when a recorded process executed one that then did not come.
 *
 *   file --> script: its interpreter, what `env` would find, or /bin/sh without #! --> file
 *        --> ELF: 64-bit x86-64, dynamically linked against glibc, no rights of its own, neither a
 *                 malloc nor a sanitizer inside */
#ifndef HAK_COLLECTOR_TARGET_TARGET_H
#define HAK_COLLECTOR_TARGET_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include "symbols/elf_file.h"

/* The obstacle: "FILE REASON, CONSEQUENCE". */
struct hak_target_trouble {
    char file[PATH_MAX];     /* the program, or the interpreter that it needs */
    char reason[PATH_MAX];   /* "is statically linked" */
    const char *consequence; /* the consequence, and what to do */
    bool has_malloc;         /* the reason is a malloc inside it, a sanitizer's or its own */
    bool gives_rights;       /* the reason is that it gets rights that its user has not */
    bool unreadable;         /* nothing is in the way, but the file could not be looked at */
};

/* Finds `name` as execvp would, into `path` of PATH_MAX bytes. False: `trouble` says why not. */
bool hak_target_find(const char *name, char *path, struct hak_target_trouble *trouble);

/* True when nothing is in the way of recording the program file at `path`. */
bool hak_target_check(const char *path, struct hak_target_trouble *trouble);

/* True when the program file at `path` has a malloc that its own calls alone see
 * (-fvisibility=hidden), and asks for no other. False also where it has no symbols. */
bool hak_target_hides_malloc(const char *path);

/* The build id of the ELF file at `path` in hexadecimal; "" = it has none, or cannot be read. */
void hak_target_build_id(const char *path, char id[HAK_BUILD_ID_TEXT]);

#endif
