/* Puts gates into the slots where loaded modules keep addresses of functions: each slot that leads
 * to one of calls.def gets the address of its gate.
 *
 *   relocation           slot                            is written while it
 *   JUMP_SLOT            a call through the PLT          holds the function, or the PLT itself
 *   GLOB_DAT             a call without PLT, an address  holds the function
 *   64                   a table of functions in data    holds the function
 *
 * A slot with any other value is left alone: the program has a function of its own there. libc
 * and ld.so are left out. Slots that the loader made read-only are made writable for the moment.
 *
 * hakmem's own slots get the function itself, before any other: a program at fixed addresses that
 * takes the address of strcmp makes its own PLT the address of strcmp in all modules, and from
 * there hakmem's calls would come to the gate.
 *
 * New modules: the program's own calls of dlopen go through a gate as well. It notes the thread and
 * jumps on, since ld.so looks at the caller; the next call of that thread that is looked at, dlsym
 * at the latest, looks for modules. Constructors of a module run before; loads of modules without
 * dlopen (NSS, gconv) are not noticed. The modules stand in ld.so's list in the order in which they
 * came, so those that were done stay the first ones until one is unloaded. */
#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include "guard/asked.h"
#include "options.h"
#include "platform/module.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "strings/call.h"
#include "platform/objects.h"
#include "platform/symbols.h"

enum { INDEX_BITS = 11, INDEX_PLACES = 1 << INDEX_BITS, HASHED_BYTES = 24 };

static void *libc_text;                    /* an address in it */
static bool is_replaced[HAK_STRING_CALLS]; /* the program's scope has another of that name */
_Atomic uintptr_t hak_strings_loader;

/* From a name to its row + 1; 0 = free. Made at start. */
static uint16_t index_of_names[INDEX_PLACES];
_Static_assert(HAK_STRING_CALLS < INDEX_PLACES / 2, "a name is found in a few steps");

static unsigned hash_of(const char *name) {
    unsigned hash = 5381;
    for (unsigned i = 0; i < HASHED_BYTES && name[i]; i++)
        hash = hash * 33 + (unsigned char)name[i];
    return hash * 0x9e3779b1u >> (32 - INDEX_BITS);
}

static void index_names(void) {
    for (unsigned i = 0; i < HAK_STRING_CALLS; i++) {
        unsigned place = hash_of(hak_string_name(i));
        while (index_of_names[place % INDEX_PLACES])
            place++;
        index_of_names[place % INDEX_PLACES] = (uint16_t)(i + 1);
    }
}

/* The row of a function that is looked at; -1: none. */
static int row_of(const char *name) {
    for (unsigned place = hash_of(name);; place++) {
        unsigned found = index_of_names[place % INDEX_PLACES];
        if (!found)
            return -1;
        if (strcmp(hak_string_name(found - 1), name) == 0)
            return hak_string_functions[found - 1] ? (int)found - 1 : -1;
    }
}

/* ---- one module ------------------------------------------------------------------------------ */

struct module {
    struct hak_module in;
    bool is_own;   /* hakmem */
    bool is_open;  /* the part that ld.so closes can be written */
    bool closes;   /* it could not before */
    bool is_ready; /* ld.so is through with it */
};

static bool protect(const struct module *module, int protection) {
    return hak_raw_call(SYS_mprotect, module->in.read_only_start,
                        module->in.read_only_end - module->in.read_only_start, protection) == 0;
}

/* A page that can be written is left so: another thread's dlopen may relocate the module. */
static void write_slot(struct module *module, uintptr_t *slot, void *gate) {
    uintptr_t at = (uintptr_t)slot;
    if (at >= module->in.read_only_start && at < module->in.read_only_end && !module->is_open) {
        module->closes = !hak_raw_writable(at);
        module->is_open = protect(module, PROT_READ | PROT_WRITE);
        if (!module->is_open)
            return;
    }
    __atomic_store_n(slot, (uintptr_t)gate, __ATOMIC_RELEASE);
}

/* A call that ld.so binds when it is first made holds the address of its own PLT until then. */
static bool is_unbound(const struct module *module, const Elf64_Rela *relocation, uintptr_t value) {
    return ELF64_R_TYPE(relocation->r_info) == HAK_ELF_JUMP_SLOT &&
           value >= module->in.text_start && value < module->in.text_end &&
           module->in.symbols[ELF64_R_SYM(relocation->r_info)].st_shndx == SHN_UNDEF;
}

static void look_at(struct module *module, const Elf64_Rela *relocation) {
    unsigned type = (unsigned)ELF64_R_TYPE(relocation->r_info);
    if ((type != HAK_ELF_JUMP_SLOT && type != HAK_ELF_GLOB_DAT && type != HAK_ELF_ABSOLUTE) ||
        (type == HAK_ELF_ABSOLUTE && relocation->r_addend != 0))
        return;
    const Elf64_Sym *symbol = &module->in.symbols[ELF64_R_SYM(relocation->r_info)];
    int row = row_of(module->in.strings + symbol->st_name);
    if (row < 0)
        return;
    uintptr_t *slot = (uintptr_t *)(module->in.bias + relocation->r_offset);
    uintptr_t value = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (module->is_own) {
        if (value != (uintptr_t)hak_string_functions[row] && !is_replaced[row])
            write_slot(module, slot, hak_string_functions[row]);
    } else if (value == (uintptr_t)hak_string_functions[row] ||
               (!is_replaced[row] && is_unbound(module, relocation, value)))
        write_slot(module, slot, hak_string_gate((unsigned)row));
    else if (value < module->in.end - module->in.start)
        module->is_ready = false; /* as it is in the file */
}

static void look_at_module(struct module *module) {
    if (!module->in.symbols || !module->in.strings)
        return;
    for (size_t i = 0; module->in.calls && i < module->in.call_count; i++)
        look_at(module, &module->in.calls[i]);
    for (size_t i = 0; module->in.relocations && i < module->in.relocation_count; i++)
        look_at(module, &module->in.relocations[i]);
    if (module->is_open && module->closes)
        (void)protect(module, PROT_READ);
}

/* ---- libc -------------------------------------------------------------------------------------
 */

/* libc, and what is a part of it since glibc 2.34: a program that has libpthread calls its read. */
static struct hak_module parts[3];
static unsigned part_count;

static int note_part(struct dl_phdr_info *info, size_t size, void *unused) {
    static const char *const names[] = {"/libpthread.so.0", "/libdl.so.2"};
    struct hak_module module;
    (void)size;
    (void)unused;
    hak_read_module(info, &module);
    bool is_part = hak_module_holds(&module, libc_text);
    for (unsigned i = 0; info->dlpi_name && i < sizeof names / sizeof *names; i++)
        is_part = is_part || strstr(info->dlpi_name, names[i]);
    if (is_part)
        parts[part_count++] = module;
    return part_count == sizeof parts / sizeof *parts;
}

static bool is_of_libc(const void *function) {
    for (unsigned i = 0; i < part_count; i++)
        if (hak_module_holds(&parts[i], function))
            return true;
    return false;
}

/* ---- all modules ----------------------------------------------------------------------------- */

enum { TRIES = 16 };

/* Under the loader's lock. */
static struct {
    unsigned long long unloads; /* of modules, when `done` was counted */
    size_t done;                /* of the list, the first ones */
    size_t at;
    unsigned tries; /* in which a module was not ready, one after the other */
    bool is_whole;
} scan;

extern void *__tls_get_addr(void *); /* ld.so's */

/* ld.so and libc in all its parts; hakmem itself, which was looked at before all. */
static bool is_left_alone(const struct module *module) {
    return module->is_own ||
           hak_module_holds(&module->in, (const void *)(uintptr_t)&__tls_get_addr) ||
           is_of_libc((const void *)module->in.text_start);
}

static struct module read_module(const struct dl_phdr_info *info) {
    struct module module = {.is_ready = true};
    hak_read_module(info, &module.in);
    module.is_own = hak_module_holds(&module.in, &scan);
    return module;
}

static int visit_own(struct dl_phdr_info *info, size_t size, void *unused) {
    struct module module = read_module(info);
    (void)size;
    (void)unused;
    if (module.is_own)
        look_at_module(&module);
    return module.is_own;
}

static int visit(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    if (scan.at == 0 && scan.unloads != info->dlpi_subs) {
        scan.unloads = info->dlpi_subs;
        scan.done = 0;
    }
    if (scan.at++ < scan.done)
        return 0;
    struct module module = read_module(info);
    if (module.in.end != 0 && !is_left_alone(&module))
        look_at_module(&module);
    scan.is_whole = scan.is_whole && module.is_ready;
    if (scan.is_whole)
        scan.done = scan.at;
    return 0;
}

/* The callback runs under the loader's lock, one thread after the other. */
static int visit_first(struct dl_phdr_info *info, size_t size, void *is_begun) {
    bool *begun = is_begun;
    if (!*begun) {
        *begun = true;
        scan.at = 0;
        scan.is_whole = true;
    }
    return visit(info, size, NULL);
}

void hak_strings_expect_modules(void) {
    atomic_store_explicit(&hak_strings_loader, hak_thread_pointer(), memory_order_relaxed);
}

void hak_strings_look_for_modules(void) {
    bool is_begun = false;
    uintptr_t self = hak_thread_pointer();
    if (atomic_load_explicit(&hak_strings_loader, memory_order_relaxed) != self)
        return;
    dl_iterate_phdr(visit_first, &is_begun);
    scan.tries = scan.is_whole ? 0 : scan.tries + 1;
    if (scan.is_whole || scan.tries % TRIES == 0)
        (void)atomic_compare_exchange_strong(&hak_strings_loader, &self, 0);
}

/* The thread that was loading modules is not there in a child, or held a lock. */
static void enter_child(void) {
    atomic_store(&hak_strings_loader, 0);
}

/* ---- start ----------------------------------------------------------------------------------- */

/* A name that libc does not have makes dlsym allocate its message, in the midst of the program's
 * blocks. */
static bool is_in_parts(const char *name) {
    for (unsigned i = 0; i < part_count; i++)
        if (hak_symbol_in(&parts[i], name))
            return true;
    return false;
}

/* Does the program, or a module in front of us, have a function of its own for `function`? The
 * address that a program at fixed addresses has for one of libc's is of its PLT, and its symbol
 * undefined. */
static bool find_replaced(const char *name, const void *function) {
    const void *found = hak_symbol_default(name);
    const Elf64_Sym *symbol = NULL;
    Dl_info info;
    return found != function &&
           (!hak_libc.dladdr1 ||
            hak_libc.dladdr1(found, &info, (void **)(void *)&symbol, RTLD_DL_SYMENT) == 0 ||
            !symbol || symbol->st_shndx != SHN_UNDEF);
}

/* hakmem's dlopen and dlsym (entry/loader.c), which not all that is linked with this has. */
extern char hak_entry_dlopen[] __attribute__((weak, visibility("hidden")));
extern char hak_entry_dlsym[] __attribute__((weak, visibility("hidden")));

/* hakmem's own of that name, which the program calls: dlopen, dlsym, exec. NULL: there is none, or
 * the program has its own PLT as its address. */
static void *own_function(unsigned number) {
    struct hak_object own, of;
    unsigned shape = hak_string_rows[number].shape;
    if (number == HAK_CALL_dlopen)
        return hak_entry_dlopen;
    if (number == HAK_CALL_dlsym)
        return hak_entry_dlsym;
    if (shape != EXECUTE && shape != EXECUTE_LIST && shape != EXECUTE_LIST_IN)
        return NULL;
    void *found = hak_symbol_default(hak_string_name(number));
    bool is_own = found && hak_object_find((uintptr_t)&scan, &own) &&
                  hak_object_find((uintptr_t)found, &of) && own.module == of.module;
    return is_own ? found : NULL;
}

static bool is_of_loader(unsigned call) {
    return call == HAK_CALL_dlopen || call == HAK_CALL_dlmopen || call == HAK_CALL_dlsym;
}

static bool is_wanted(unsigned call) {
    return hak_options.check_string == HAK_STRING_ON || hak_string_is_of_kernel(call) ||
           is_of_loader(call);
}

/* libc's functions, as they stand behind hakmem in the program's scope. */
static void find_functions(void) {
    if (!hak_string_find_libc())
        return;
    libc_text = (void *)hak_libc.gnu_get_libc_version;
    part_count = 0;
    (void)dl_iterate_phdr(note_part, NULL);
    for (unsigned i = 0; i < HAK_STRING_CALLS; i++) {
        if (!is_wanted(i))
            continue;
        const char *name = hak_string_name(i);
        void *function = is_in_parts(name) ? hak_symbol_next(name) : NULL;
        if (!function || !is_of_libc(function))
            continue;
        void *ours = own_function(i);
        hak_string_functions[i] = ours ? ours : function;
        is_replaced[i] = find_replaced(name, hak_string_functions[i]);
    }
    if (hak_libc.dlerror)
        (void)hak_libc.dlerror(); /* a function that libc lacks is not the program's concern */
}

void hak_strings_start(void) {
    index_names();
    find_functions();
    dl_iterate_phdr(visit_own, NULL);
    hak_strings_expect_modules();
    hak_strings_look_for_modules();
    (void)pthread_atfork(NULL, NULL, enter_child); /* glibc keeps 48 of them without allocating */
}

/* The kernel is stopped by closed pages and by memory tags without a word: its calls are looked at
 * where there are some. */
static bool stops_kernel(void) {
    bool closes_pages = !hak_light_serves() && hak_option_guard().index != HAK_GUARD_OFF &&
                        hak_options.inject[0] == '\0';
    return hak_tags_are_given() || closes_pages;
}

/* After the checks, before any constructor of the program. A sanitizer's program is not checked. */
__attribute__((constructor(103))) static void start(void) {
    if (hak_asked_is_started && (hak_options.check_string == HAK_STRING_ON ||
                                 (hak_options.check_string == HAK_STRING_AUTO && stops_kernel())))
        hak_strings_start();
}
