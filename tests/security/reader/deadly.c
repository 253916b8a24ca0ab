/* Breaks the collector's reading of debug information where a module asks for it, by a section's
 * name: .deadly_LOAD_HOW when it is loaded, .deadly_FIND_HOW when a name is looked up. HOW "hold"
 * waits as long as the file is there whose path the section holds. Linked into a hakmem-collect of
 * its own (-Wl,--wrap), so that a test has a file that surely kills the reader, or is late. There a
 * second of processor time counts as three, so that a reader that loops is ended by the same look
 * at it after 2.3 s, not after 7. */
#include <gelf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "symbols/units.h"

void __real_hak_units_load(struct hak_units *units, Dwarf *dwarf, struct hak_dwp *dwp,
                           struct hak_inflated *inflated);
void __wrap_hak_units_load(struct hak_units *units, Dwarf *dwarf, struct hak_dwp *dwp,
                           struct hak_inflated *inflated);
int __real_hak_units_find(struct hak_units *units, struct hak_strings *strings, uint64_t address,
                          struct hak_symbol *out, int max);
int __wrap_hak_units_find(struct hak_units *units, struct hak_strings *strings, uint64_t address,
                          struct hak_symbol *out, int max);

long __real_sysconf(int name);
long __wrap_sysconf(int name);

long __wrap_sysconf(int name) {
    long value = __real_sysconf(name);
    return name == _SC_CLK_TCK ? value / 3 : value;
}

static volatile int zero;

static int go_deep(volatile char *above) {
    volatile char here[4096];
    here[0] = above ? above[0] : 1;
    return zero ? 0 : go_deep(here) + here[0];
}

static void hold(Elf_Scn *section) {
    const Elf_Data *path = elf_getdata(section, NULL);
    while (path && path->d_size > 0 && access(path->d_buf, F_OK) == 0)
        usleep(10000);
}

static void break_down(const char *how, Elf_Scn *section) {
    if (strcmp(how, "segv") == 0)
        *(volatile int *)(uintptr_t)zero = 1;
    else if (strcmp(how, "abort") == 0)
        abort();
    else if (strcmp(how, "deep") == 0)
        zero = go_deep(NULL);
    else if (strcmp(how, "loop") == 0)
        while (!zero)
            continue;
    else if (strcmp(how, "hold") == 0)
        hold(section);
}

static void look(Dwarf *dwarf, const char *when) {
    Elf *elf = dwarf_getelf(dwarf);
    size_t names, length = strlen(when);
    if (elf_getshdrstrndx(elf, &names) != 0)
        return;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        GElf_Shdr header;
        const char *name =
            gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name && strncmp(name, when, length) == 0)
            break_down(name + length, section);
    }
}

void __wrap_hak_units_load(struct hak_units *units, Dwarf *dwarf, struct hak_dwp *dwp,
                           struct hak_inflated *inflated) {
    look(dwarf, ".deadly_load_");
    __real_hak_units_load(units, dwarf, dwp, inflated);
}

int __wrap_hak_units_find(struct hak_units *units, struct hak_strings *strings, uint64_t address,
                          struct hak_symbol *out, int max) {
    look(units->dwarf, ".deadly_find_");
    return __real_hak_units_find(units, strings, address, out, max);
}
