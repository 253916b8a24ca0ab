/* Reads the program headers and the dynamic section of a loaded module. */
#include "platform/module.h"

static void read_segment(const ElfW(Phdr) * segment, struct hak_module *module) {
    uintptr_t from = module->bias + segment->p_vaddr, to = from + segment->p_memsz;
    module->start = from < module->start ? from : module->start;
    module->end = to > module->end ? to : module->end;
    if (!(segment->p_flags & PF_X))
        return;
    module->text_start = from < module->text_start ? from : module->text_start;
    module->text_end = to > module->text_end ? to : module->text_end;
}

/* ld.so has made addresses of what it relocates in the dynamic section; in the vdso it has not. */
static const void *pointer_of(const struct hak_module *module, const ElfW(Dyn) * entry) {
    uintptr_t at = entry->d_un.d_ptr;
    return (const void *)(at < module->bias ? at + module->bias : at);
}

static void read_dynamic(const ElfW(Dyn) * entry, struct hak_module *module) {
    size_t without_symbol = 0, soname = 0;
    for (; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB:
            module->symbols = pointer_of(module, entry);
            break;
        case DT_STRTAB:
            module->strings = pointer_of(module, entry);
            break;
        case DT_SONAME:
            soname = entry->d_un.d_val;
            break;
        case DT_GNU_HASH:
            module->hash = pointer_of(module, entry);
            break;
        case DT_RELA:
            module->relocations = pointer_of(module, entry);
            break;
        case DT_RELASZ:
            module->relocation_count = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_RELACOUNT: /* the first ones */
            without_symbol = entry->d_un.d_val;
            break;
        case DT_JMPREL:
            module->calls = pointer_of(module, entry);
            break;
        case DT_PLTRELSZ:
            module->call_count = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
    if (module->strings && soname)
        module->soname = module->strings + soname;
    if (module->relocations && without_symbol <= module->relocation_count) {
        module->relocations += without_symbol;
        module->relocation_count -= without_symbol;
    }
}

void hak_read_module(const struct dl_phdr_info *info, struct hak_module *module) {
    const ElfW(Dyn) *dynamic = NULL;
    *module = (struct hak_module){
        .bias = info->dlpi_addr, .start = UINTPTR_MAX, .text_start = UINTPTR_MAX};
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD)
            read_segment(segment, module);
        else if (segment->p_type == PT_DYNAMIC)
            dynamic = (const void *)from;
        else if (segment->p_type == PT_TLS)
            module->tls_bytes = segment->p_memsz;
        else if (segment->p_type == PT_GNU_RELRO) {
            module->read_only_start = from & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
            module->read_only_end = (from + segment->p_memsz) & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
        }
    }
    if (dynamic)
        read_dynamic(dynamic, module);
}
