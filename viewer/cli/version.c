/* Prints `hakmem-trace --version`: the version, and what this command was built of, the same for
 * two builds of the same sources. */
#include "viewer/cli/cli.h"

#include <curses.h>
#include <elf.h>
#include <elfutils/libdwfl.h>
#include <jansson.h>
#include <link.h>
#include <protobuf-c/protobuf-c.h>
#include <sqlite3.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include "store/file.h"
#include "text_of.h"
#include "version.h"

#ifdef __clang__
#define COMPILER                                                                                   \
    "clang " HAK_TEXT_OF(__clang_major__) "." HAK_TEXT_OF(__clang_minor__) "." HAK_TEXT_OF(        \
        __clang_patchlevel__)
#else
#define COMPILER                                                                                   \
    "gcc " HAK_TEXT_OF(__GNUC__) "." HAK_TEXT_OF(__GNUC_MINOR__) "." HAK_TEXT_OF(                  \
        __GNUC_PATCHLEVEL__)
#endif

/* Prints the build id of a note segment, or nothing; the linker made it, so its sizes are right. */
static void print_id(const char *at, const char *end) {
    while (at + sizeof(ElfW(Nhdr)) <= end) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof note);
        const char *name = at + sizeof note, *id = name + ((note.n_namesz + 3) & ~3u);
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
            view_write(stdout, "build-id   ");
            for (unsigned i = 0; i < note.n_descsz; i++)
                view_write(stdout, "%02x", (unsigned char)id[i]);
            view_write(stdout, "\n");
            return;
        }
        at = id + ((note.n_descsz + 3) & ~3u);
    }
}

/* Prints the build id of the program itself, the first module that this is called for, and ends the
 * walk. */
static int print_id_of(struct dl_phdr_info *module, size_t size, void *unused) {
    (void)size;
    (void)unused;
    for (int i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &module->dlpi_phdr[i];
        const char *start = (const char *)(module->dlpi_addr + segment->p_vaddr);
        if (segment->p_type == PT_NOTE && segment->p_align <= 4)
            print_id(start, start + segment->p_memsz);
    }
    return 1;
}

void view_print_version(void) {
    view_write(stdout, "hakmem-trace %s\n", HAK_VERSION);
    view_write(stdout, "store      format %d\ncompiler   %s\n", HAK_STORE_FORMAT, COMPILER);
    view_write(stdout,
               "libraries  sqlite %s, zstd %s, jansson %s, elfutils %s, zlib %s, protobuf-c %s, "
               "%s\n",
               sqlite3_libversion(), ZSTD_versionString(), jansson_version_str(),
               dwfl_version(NULL), zlibVersion(), protobuf_c_version(), curses_version());
    dl_iterate_phdr(print_id_of, NULL);
}
