/* Loads libcapstone, whose calls are asked for by name: it is an optional package, and a program
 * that was linked with it would not start without. */
#include "report/instruction/disassembler.h"

#include <dlfcn.h>
#include "report/instruction/instruction.h"
#include "text_of.h"

const char hak_disassembler_package[] = "libcapstone" HAK_TEXT_OF(CS_API_MAJOR);

static struct {
    bool is_asked;
    /* By processor; 0 = there is none. */
    csh handle[HAK_PROCESSORS];
    cs_insn *last[HAK_PROCESSORS];
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

/* Makes the library ready for a processor; one that it was built without has no handle. */
static void open_for(enum hak_processor processor, cs_arch architecture, cs_mode mode) {
    csh *handle = &library.handle[processor];
    if (library.open(architecture, mode, handle) != CS_ERR_OK) {
        *handle = 0;
        return;
    }
    library.last[processor] = library.malloc(*handle);
    if (!library.last[processor])
        *handle = 0;
}

/* Loads libcapstone, if it is there in the header's version: its structures are those of the header
 * only then. */
static void load(void) {
    int major = 0, minor = 0;
    void *file = dlopen("libcapstone.so." HAK_TEXT_OF(CS_API_MAJOR), RTLD_NOW | RTLD_LOCAL);
    library.is_asked = true;
    if (!file || !find_calls(file))
        return;
    (void)library.version(&major, &minor);
    if (major != CS_API_MAJOR)
        return;
    open_for(HAK_PROCESSOR_X86_64, CS_ARCH_X86, CS_MODE_64);
    open_for(HAK_PROCESSOR_AARCH64, CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN);
}

bool hak_disassembler_is_there(void) {
    if (!library.is_asked)
        load();
    return library.handle[HAK_PROCESSOR_X86_64] != 0;
}

const cs_insn *hak_disassemble(enum hak_processor processor, const uint8_t *code, size_t count,
                               uint64_t address) {
    if (!hak_disassembler_is_there() || !library.handle[processor] ||
        !library.disassemble(library.handle[processor], &code, &count, &address,
                             library.last[processor]))
        return NULL;
    return library.last[processor];
}
