/* Reads a loaded module: segments, symbols and relocations, as ld.so sees them. */
#include <dlfcn.h>
#include <string.h>
#include "platform/module.h"
#include "../suite.h"

static __thread volatile char own_tls[40]; /* so that the program has some */

struct search {
    const void *address;
    struct hak_module found;
    unsigned count;
};

static int visit(struct dl_phdr_info *info, size_t size, void *context) {
    struct search *search = context;
    struct hak_module module;
    (void)size;
    hak_read_module(info, &module);
    ck_assert_uint_le(module.start, module.text_start);
    ck_assert_uint_le(module.text_end, module.end);
    if (hak_module_holds(&module, search->address)) {
        search->found = module;
        search->count++;
    }
    return 0;
}

static struct hak_module find(const void *address) {
    struct search search = {.address = address};
    dl_iterate_phdr(visit, &search);
    ck_assert_uint_eq(search.count, 1);
    return search.found;
}

/* Does a relocation with the symbol `name` lead to one of `count`? */
static bool has_slot(const struct hak_module *module, const ElfW(Rela) * relocations, size_t count,
                     const char *name) {
    for (size_t i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = &module->symbols[ELF64_R_SYM(relocations[i].r_info)];
        ck_assert_uint_ne(ELF64_R_TYPE(relocations[i].r_info), R_X86_64_RELATIVE);
        if (strcmp(module->strings + symbol->st_name, name) == 0)
            return true;
    }
    return false;
}

TEST(finds_the_program_and_its_calls) {
    struct hak_module own = find((const void *)(uintptr_t)&find);
    ck_assert_uint_ge((uintptr_t)&find, own.text_start);
    ck_assert_uint_lt((uintptr_t)&find, own.text_end);
    ck_assert_uint_ge(own.tls_bytes, sizeof own_tls);
    own_tls[0] = 1;
    ck_assert(has_slot(&own, own.relocations, own.relocation_count, "dl_iterate_phdr") ||
              has_slot(&own, own.calls, own.call_count, "dl_iterate_phdr"));
    ck_assert_uint_eq(own.read_only_start % HAK_PAGE_BYTES, 0);
    ck_assert_uint_eq(own.read_only_end % HAK_PAGE_BYTES, 0);
    ck_assert_uint_lt(own.read_only_start, own.read_only_end);
}

TEST(finds_libc_by_its_name) {
    struct hak_module libc = find(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
    ck_assert_str_eq(libc.soname, "libc.so.6");
    ck_assert_ptr_nonnull(libc.hash);
    ck_assert_ptr_nonnull(libc.symbols);
}

TEST(a_module_without_segments_holds_nothing) {
    struct dl_phdr_info info = {.dlpi_addr = 0x1000};
    struct hak_module module;
    hak_read_module(&info, &module);
    ck_assert_uint_eq(module.end, 0);
    ck_assert_uint_eq(module.text_end, 0);
    ck_assert(!hak_module_holds(&module, &info));
    ck_assert_ptr_null(module.symbols);
}

RUN_TESTS()
