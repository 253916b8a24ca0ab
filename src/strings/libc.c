/* Finds libc's functions for this folder. */
#include "strings/libc.h"
#include "platform/symbols.h"

struct hak_string_libc hak_libc;

/* As they stand behind hakmem in the program's scope: a program at fixed addresses may have its own
 * PLT as the address of one. */
bool hak_string_find_libc(void) {
    bool has_all = true;
#define FUNCTION(name)                                                                             \
    *(void **)&hak_libc.name = hak_symbol_next(#name);                                             \
    has_all = has_all && hak_libc.name;
    HAK_STRING_LIBC(FUNCTION)
#undef FUNCTION
    *(void **)&hak_libc.dladdr1 = hak_symbol_first("dladdr1");
    *(void **)&hak_libc.dlerror = hak_symbol_first("dlerror");
    hak_libc.standard_input = hak_symbol_default("stdin");
    return has_all && hak_libc.standard_input;
}
