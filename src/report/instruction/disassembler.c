/* Loads libcapstone, whose calls are asked for by name: it is an optional package, and a program
 * that was linked with it would not start without. */
#include "report/instruction/disassembler.h"

#include <dlfcn.h>
#include "report/instruction/instruction.h"

#define TEXT_OF(number)     #number
#define NAME_OF(version)    "libcapstone.so." TEXT_OF(version)
#define PACKAGE_OF(version) "libcapstone" TEXT_OF(version)

const char hak_disassembler_package[] = PACKAGE_OF(CS_API_MAJOR);

static struct {
    bool is_asked;
    csh handle; /* 0 = there is none */
    cs_insn *last;
    typeof(cs_version) *version;
    typeof(cs_open) *open;
    typeof(cs_malloc) *malloc;
    typeof(cs_disasm_iter) *disassemble;
} library;

/* Finds the functions of capstone in the opened library. False: one is missing. */
static bool find_calls(void *file) {
    library.version = (typeof(library.version))dlsym(file, "cs_version");
    library.open = (typeof(library.open))dlsym(file, "cs_open");
    library.malloc = (typeof(library.malloc))dlsym(file, "cs_malloc");
    library.disassemble = (typeof(library.disassemble))dlsym(file, "cs_disasm_iter");
    return library.version && library.open && library.malloc && library.disassemble;
}

/* Loads libcapstone, if it is there in the header's version: its structures are those of the header
 * only then. */
static void load(void) {
    int major = 0, minor = 0;
    void *file = dlopen(NAME_OF(CS_API_MAJOR), RTLD_NOW | RTLD_LOCAL);
    library.is_asked = true;
    if (!file || !find_calls(file))
        return;
    (void)library.version(&major, &minor);
    if (major != CS_API_MAJOR ||
        library.open(CS_ARCH_X86, CS_MODE_64, &library.handle) != CS_ERR_OK)
        return;
    library.last = library.malloc(library.handle);
    if (!library.last)
        library.handle = 0;
}

bool hak_disassembler_is_there(void) {
    if (!library.is_asked)
        load();
    return library.handle != 0;
}

const cs_insn *hak_disassemble(const uint8_t *code, size_t count, uint64_t address) {
    if (!hak_disassembler_is_there() ||
        !library.disassemble(library.handle, &code, &count, &address, library.last))
        return NULL;
    return library.last;
}
