/* Symbols of programs compiled here by gcc and clang: every address of a known line must come back
 * as that line, with what was inlined there, whatever kind of file holds the debug information. */
#include <fcntl.h>
#include <libelf.h>
#include <stdarg.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../suite.h"
#include "symbols/strings.h"
#include "symbols/symbols.h"

/* Lines are numbered by hand: at_line(N) below. */
static const char c_source[] =
    "static inline __attribute__((always_inline)) int innermost(int x) {\n" /* 1 */
    "    __asm__ volatile(\".globl mark_inner\\nmark_inner:\\n nop\");\n"   /* 2 */
    "    return x + 1;\n"                                                   /* 3 */
    "}\n"
    "static inline __attribute__((always_inline)) int middle(int x) {\n" /* 5 */
    "    return innermost(x) * 2;\n"                                     /* 6 */
    "}\n"
    "__attribute__((noinline)) int outer(int x) {\n" /* 8 */
    "    return middle(x) - 3;\n"                    /* 9 */
    "}\n"
    "__attribute__((noinline)) int plain(int x) {\n"                      /* 11 */
    "    __asm__ volatile(\".globl mark_plain\\nmark_plain:\\n nop\");\n" /* 12 */
    "    return x;\n"
    "}\n"
    "int main(int c, char **v) { (void)v; return outer(c) + plain(c); }\n";

static const char cpp_source[] =
    "namespace app {\n"
    "template <typename T> struct Box {\n"
    "    T value;\n"
    "    __attribute__((noinline)) T take(T x) const {\n"                   /* 4 */
    "        __asm__ volatile(\".globl mark_take\\nmark_take:\\n nop\");\n" /* 5 */
    "        return value + x;\n"
    "    }\n"
    "};\n"
    "}\n"
    "int main(int c, char **) {\n"
    "    app::Box<long> box{c};\n"
    "    auto inside = [&](long x) __attribute__((noinline)) {\n"
    "        __asm__ volatile(\".globl mark_lambda\\nmark_lambda:\\n nop\");\n" /* 13 */
    "        return box.take(x);\n"
    "    };\n"
    "    return (int)inside(c);\n"
    "}\n";

static char directory[128];

static void set_up(void) {
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%.90s/hak_symbols.XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void run(const char *format, ...) {
    char command[2000];
    va_list arguments;
    va_start(arguments, format);
    int at = snprintf(command, sizeof command, "cd '%s' && ", directory);
    vsnprintf(command + at, sizeof command - (size_t)at, format, arguments);
    va_end(arguments);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void tear_down(void) {
    run("rm -rf '%s'", directory);
}

static void write_file(const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* Writes a byte into a file at an offset; returns the one that was there. */
static char change_byte(const char *name, long at, char byte) {
    char path[256], before;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pread(fd, &before, 1, at), 1);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    return before;
}

/* Address of an ELF symbol; read before the file is stripped. */
static uint64_t address_of(const char *name, const char *symbol) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDONLY);
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    ck_assert_ptr_nonnull(elf);
    uint64_t found = 0;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        GElf_Shdr header;
        gelf_getshdr(section, &header);
        if (header.sh_type != SHT_SYMTAB)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        GElf_Sym entry;
        for (int i = 0; gelf_getsym(data, i, &entry); i++)
            if (strcmp(elf_strptr(elf, header.sh_link, entry.st_name), symbol) == 0)
                found = entry.st_value;
    }
    elf_end(elf);
    close(fd);
    ck_assert_msg(found != 0, "%s has no symbol %s", name, symbol);
    return found;
}

struct answer {
    struct hak_symbols *symbols;
    struct hak_symbol level[16];
    int count;
};

static void await_load(struct hak_symbol_file *file) {
    while (!hak_symbols_wait(file, NULL))
        usleep(1000);
}

static struct answer ask_id(const char *name, const char *build_id, uint64_t address) {
    char path[256];
    struct answer a = {.symbols = hak_symbols_make()};
    snprintf(path, sizeof path, "%s/%s", directory, name);
    struct hak_symbol_file *file = hak_symbols_open(a.symbols, path, build_id, 0, 0);
    ck_assert_ptr_nonnull(file);
    await_load(file);
    a.count = hak_symbols_find(file, address, a.level, 16);
    return a;
}
static struct answer ask(const char *name, uint64_t address) {
    return ask_id(name, "", address);
}

static void is_level(const struct answer *a, int level, const char *function, const char *file,
                     uint32_t line) {
    ck_assert_int_gt(a->count, level);
    const struct hak_symbol *s = &a->level[level];
    ck_assert_str_eq(s->function, function);
    const char *base = strrchr(s->file, '/');
    ck_assert_str_eq(base ? base + 1 : s->file, file);
    ck_assert_uint_eq(s->line, line);
}

/* The chain of inlined calls and the plain function, as c_source has them. */
static void is_c_program(const char *name, uint64_t inner, uint64_t plain) {
    struct answer a = ask(name, inner);
    is_level(&a, 0, "innermost", "t.c", 2);
    is_level(&a, 1, "middle", "t.c", 6);
    is_level(&a, 2, "outer", "t.c", 9);
    ck_assert_int_eq(a.count, 3);
    hak_symbols_free(a.symbols);
    a = ask(name, plain);
    is_level(&a, 0, "plain", "t.c", 12);
    ck_assert_int_eq(a.count, 1);
    hak_symbols_free(a.symbols);
}

static const char *const compilers[] = {"gcc", "clang"};
static const char *const ways[] = {
    "-gdwarf-4 -O0",
    "-gdwarf-5 -O0",
    "-gdwarf-4 -O2",
    "-gdwarf-5 -O2",
    "-gdwarf-5 -O2 -no-pie",
    "-gdwarf-4 -O2 -static",
    "-gdwarf-5 -O2 -gz",
    "-gdwarf-5 -O2 -shared -fPIC",
    "-gdwarf-5 -O1 -gsplit-dwarf",
    "-gdwarf-5 -O2 -ffunction-sections -fdebug-prefix-map=/=/there/",
};
#define WAYS ((int)(sizeof ways / sizeof *ways))

TEST(names_lines_and_inlined_calls, .until = 2 * WAYS) {
    write_file("t.c", c_source);
    run("%s %s -o t t.c", compilers[_i / WAYS], ways[_i % WAYS]);
    is_c_program("t", address_of("t", "mark_inner"), address_of("t", "mark_plain"));
}

TEST(writes_cpp_names_as_people_do, .until = 8) {
    write_file("t.cpp", cpp_source);
    run("%s++ -gdwarf-%d -O%d -o t t.cpp", _i & 1 ? "clang" : "g", _i & 2 ? 4 : 5, _i & 4 ? 1 : 0);
    struct answer a = ask("t", address_of("t", "mark_take"));
    is_level(&a, 0, "app::Box<long>::take(long) const", "t.cpp", 5);
    hak_symbols_free(a.symbols);
    a = ask("t", address_of("t", "mark_lambda"));
    ck_assert_int_gt(a.count, 0);
    ck_assert_ptr_nonnull(strstr(a.level[0].function, "main::"));
    ck_assert_uint_eq(a.level[0].line, 13);
    hak_symbols_free(a.symbols);
}

/* Only the units of compressed debug information up to the one asked for are inflated: each of many
 * is found alone, and all of them in several orders. Unit N's function has line N + 1, and calls an
 * inlined one of a header; with -flto that one lies in another unit. Code that the linker leaves
 * out lies at 0 then, over the code that is there. */
static const char *const compressions[] = {
    "gcc -gdwarf-5 -O2 -gz",
    "gcc -gdwarf-4 -O2 -gz -fdebug-types-section",
    "gcc -gdwarf-5 -O2 -gz -flto",
    "clang -gdwarf-5 -O2 -gz -Wl,--gc-sections -ffunction-sections",
};
enum { UNITS_MOST = 80 };

static void is_unit(struct hak_symbol_file *file, int unit, uint64_t address) {
    struct hak_symbol level[4];
    char name[32], source[192];
    await_load(file);
    int count = hak_symbols_find(file, address, level, 4);
    snprintf(name, sizeof name, "f%d", unit);
    snprintf(source, sizeof source, "%s/u%d.c", directory, unit);
    ck_assert_int_eq(count, 2);
    ck_assert_str_eq(level[0].function, "shared");
    ck_assert_uint_eq(level[0].line, 2);
    ck_assert_str_eq(level[1].function, name);
    ck_assert_str_eq(level[1].file, source);
    ck_assert_uint_eq(level[1].line, (uint32_t)unit + 1);
}

TEST(inflates_up_to_the_unit_asked_for, .until = 4) {
    int units = is_quick() ? 8 : rounds_of(UNITS_MOST / 4); /* in two orders, and in three */
    uint64_t address[UNITS_MOST];
    char path[256], mark[32];
    write_file("shared.h",
               "static inline __attribute__((always_inline)) int shared(int x) {\n"
               "__asm__ volatile(\".globl \" MARK \"\\n\" MARK \":\\n nop\"); return x; }\n");
    write_file("write.py",
               "import sys\n"
               "for i in range(int(sys.argv[1])):\n"
               "    print('#define MARK \"mark%d\"\\n#include \"shared.h\"\\n#line 1' % i,\n"
               "          '\\n' * i + '__attribute__((noinline, used, noclone, '\n"
               "          'externally_visible)) int f%d(int x) { return shared(x) * %d; }\\n'\n"
               "          'int out%d(void) { __asm__ volatile(\".skip 20000\"); return 0; }'\n"
               "          % (i, i, i), sep='\\n', file=open('u%d.c' % i, 'w'))\n");
    run("python3 write.py %d && %s -w -c u*.c && echo 'int main(void) { return 0; }' >m.c && "
        "%s -w -o t m.c u*.o $(seq -f -Wl,-u,f%%g 0 %d)", /* kept by --gc-sections */
        units, compressions[_i], compressions[_i], units - 1);
    for (int i = 0; i < units; i++) {
        snprintf(mark, sizeof mark, "mark%d", i);
        address[i] = address_of("t", mark);
    }
    snprintf(path, sizeof path, "%s/t", directory);
    for (int first = units - 1; first >= 0; first -= 7) {
        struct hak_symbols *symbols = hak_symbols_make();
        struct hak_symbol_file *file = hak_symbols_open(symbols, path, "", 0, 0);
        for (int i = 0; i < units; i++)
            is_unit(file, (first + i * 7) % units, address[(first + i * 7) % units]);
        hak_symbols_free(symbols);
    }
}

/* A package of split debug information, and one that is broken at every 211th byte. binutils 2.44
 * has no dwp any more. */
#define DWP "$(command -v dwp || echo llvm-dwp)"
static const char *const packers[] = {
    "clang -gdwarf-5 -O2 -gsplit-dwarf -c t.c && clang -gdwarf-5 -O2 -gsplit-dwarf -c u.c && "
    "clang -o t t.o u.o && llvm-dwp -e t -o t.dwp",
    "clang -gdwarf-4 -O0 -gsplit-dwarf -c t.c && clang -gdwarf-4 -O0 -gsplit-dwarf -c u.c && "
    "clang -o t t.o u.o && " DWP " -e t -o t.dwp",
    "gcc -gdwarf-4 -O2 -gsplit-dwarf -c t.c && gcc -gdwarf-4 -O2 -gsplit-dwarf -c u.c && "
    "gcc -o t t.o u.o && " DWP " -e t -o t.dwp",
};

/* llvm-dwp of LLVM 12 and older knows DWARF 4 alone. */
static bool has_packer(const char *packer) {
    return !strstr(packer, "clang -gdwarf-5") ||
           system("llvm-dwp --version | grep -Eq 'version ([0-9]|1[0-2])\\.'") != 0;
}

TEST(reads_packages_of_split_debug_information, .until = 3) {
    if (!has_packer(packers[_i]))
        return;
    write_file("t.c", c_source);
    write_file("u.c", "int u_function(int x) { return x * 3; }\nint u_data = 4;\n");
    run("%s && rm -f *.dwo", packers[_i]);
    uint64_t inner = address_of("t", "mark_inner"), plain = address_of("t", "mark_plain");
    uint64_t other = address_of("t", "u_function");
    is_c_program("t", inner, plain);
    struct answer a = ask("t", other);
    is_level(&a, 0, "u_function", "u.c", 1);
    hak_symbols_free(a.symbols);
    /* the package beside a program whose debug information is separate too */
    run("objcopy --only-keep-debug t t.debug && objcopy --strip-all --add-gnu-debuglink=t.debug t");
    is_c_program("t", inner, plain);
    for (int at = 0; at < 1500; at += 211) {
        char whole = change_byte("t.dwp", at, '\377');
        a = ask("t", inner);
        ck_assert_int_gt(a.count, 0);
        hak_symbols_free(a.symbols);
        change_byte("t.dwp", at, whole);
    }
    run("head -c 300 t.dwp >cut && mv cut t.dwp");
    a = ask("t", plain);
    ck_assert_int_eq(a.count, 1);
    hak_symbols_free(a.symbols);
}

/* Prints an .xz of t.small and 256 MiB behind it, more than anyone should unpack: one mebibyte is
 * compressed, and stands there 256 times. */
static const char write_too_much[] =
    "import lzma, sys, zlib\n"
    "def parts(data):\n" /* the head of a file, its block, and the block's record in the index */
    "    file = lzma.compress(data, preset=0)\n"
    "    index = len(file) - 12 - 4 * (int.from_bytes(file[-8:-4], 'little') + 1)\n"
    "    return file[:12], file[12:index], file[index + 2:-16].rstrip(b'\\0')\n"
    "head, small, small_record = parts(open('t.small', 'rb').read())\n"
    "_, zeros, zeros_record = parts(bytes(1 << 20))\n"
    "index = b'\\0\\x81\\x02' + small_record + 256 * zeros_record\n" /* 257 records */
    "index += bytes(-len(index) % 4)\n"
    "index += zlib.crc32(index).to_bytes(4, 'little')\n"
    "end = (len(index) // 4 - 1).to_bytes(4, 'little') + head[6:8]\n"
    "sys.stdout.buffer.write(head + small + 256 * zeros + index +\n"
    "                        zlib.crc32(end).to_bytes(4, 'little') + end + b'YZ')\n";

/* Makes `t` a stripped program with its symbol table compressed inside, as Fedora's are. */
static void leave_minimal_symbols(const char *compress) {
    run("objcopy --only-keep-debug t t.full && strip t && "
        "objcopy --strip-debug t.full t.small && "
        "%s >t.xz && "
        "objcopy --add-section .gnu_debugdata=t.xz t",
        compress);
}

TEST(names_functions_by_compressed_symbols, .until = 6) {
    static const char *const content[] = {
        "xz -c t.small", "xz -c t.small | head -c -40",
        "seq 1000 | xz", "echo not compressed",
        "true",          "python3 write.py",
    };
    write_file("t.c", c_source);
    write_file("write.py", write_too_much);
    run("gcc -O0 -o t t.c");
    uint64_t address = address_of("t", "plain") + 5;
    leave_minimal_symbols(content[_i]);
    struct answer a = ask("t", address);
    ck_assert_int_eq(a.count, _i == 0 ? 1 : 0);
    if (_i == 0)
        ck_assert_str_eq(a.level[0].function, "plain");
    hak_symbols_free(a.symbols);
}

TEST(names_functions_of_programs_without_debug_information, .until = 2) {
    write_file("t.c", c_source);
    run("%s -O0 -o t t.c", compilers[_i]);
    struct answer a = ask("t", address_of("t", "plain") + 5);
    ck_assert_int_eq(a.count, 1);
    ck_assert_str_eq(a.level[0].function, "plain");
    ck_assert_str_eq(a.level[0].file, "");
    ck_assert_uint_eq(a.level[0].line, 0);
    hak_symbols_free(a.symbols);
    uint64_t address = address_of("t", "plain") + 5;
    run("strip t");
    a = ask("t", address);
    ck_assert_int_eq(a.count, 0);
    hak_symbols_free(a.symbols);
}

TEST(follows_a_debuglink, .until = 4) {
    write_file("t.c", c_source);
    run("%s -g -O2 -Wl,--build-id=%s -o t t.c", compilers[_i & 1], _i & 2 ? "none" : "sha1");
    uint64_t inner = address_of("t", "mark_inner"), plain = address_of("t", "mark_plain");
    run("objcopy --only-keep-debug t t.debug && strip t && objcopy --add-gnu-debuglink=t.debug t");
    is_c_program("t", inner, plain);
    run("mkdir .debug && mv t.debug .debug/");
    is_c_program("t", inner, plain);
    /* One of another build is not taken. */
    run("sed s/plain/other/ t.c > u.c && %s -g -O1 -o u u.c && objcopy --only-keep-debug u "
        ".debug/t.debug",
        compilers[_i & 1]);
    struct answer a = ask("t", plain);
    ck_assert_int_eq(a.count, 0);
    hak_symbols_free(a.symbols);
}

TEST(does_not_use_a_file_that_is_another_build) {
    write_file("t.c", c_source);
    run("gcc -g -O2 -Wl,--build-id=0x0123456789abcdef -o t t.c");
    uint64_t plain = address_of("t", "mark_plain");
    struct answer a = ask_id("t", "0123456789abcdef", plain);
    is_level(&a, 0, "plain", "t.c", 12);
    hak_symbols_free(a.symbols);
    a = ask_id("t", "0123456789abcdee", plain);
    ck_assert_int_eq(a.count, 0);
    hak_symbols_free(a.symbols);
    /* Without a build-id its time of change tells. */
    char path[256];
    snprintf(path, sizeof path, "%s/t", directory);
    struct hak_symbols *symbols = hak_symbols_make();
    struct hak_symbol level[4];
    struct hak_symbol_file *file = hak_symbols_open(symbols, path, "", 0, 1000);
    await_load(file);
    ck_assert_int_eq(hak_symbols_find(file, plain, level, 4), 0);
    hak_symbols_free(symbols);
}

TEST(survives_files_that_are_none) {
    write_file("t.c", c_source);
    run("gcc -g -O1 -o good t.c");
    struct answer a = ask("missing", 0x1000);
    ck_assert_int_eq(a.count, 0);
    hak_symbols_free(a.symbols);
    a = ask("t.c", 0x1000);
    ck_assert_int_eq(a.count, 0);
    hak_symbols_free(a.symbols);
    run("mkfifo pipe && mkdir folder");
    a = ask("pipe", 0x1000);
    ck_assert_int_eq(a.count, 0);
    hak_symbols_free(a.symbols);
    a = ask("folder", 0x1000);
    ck_assert_int_eq(a.count, 0);
    hak_symbols_free(a.symbols);
    uint64_t plain = address_of("good", "mark_plain");
    char bad[256];
    snprintf(bad, sizeof bad, "%s/bad", directory);
    run("head -c 19100 good >bad");
    for (int cut = 19043; cut >= 100; cut -= 997) {
        ck_assert_int_eq(truncate(bad, cut), 0);
        a = ask("bad", plain);
        hak_symbols_free(a.symbols);
    }
}

#define FORTY_TUPLES                                                                               \
    "_RINvC1a1bTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTyBL_EBK_EBJ_EBI_EBH_EBG_EBF_EB"             \
    "E_EBD_EBC_EBB_EBA_EBz_EBy_EBx_EBw_EBv_EBu_EBt_EBs_EBr_EBq_EBp_EBo_EBn_EBm_EBl_EB"             \
    "k_EBj_EBi_EBh_EBg_EBf_EBe_EBd_EBc_EBb_EBa_EB9_EB8_EE"

TEST(shortens_long_names) {
    struct hak_strings strings = {0};
    char name[3000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    const char *kept = hak_strings_demangle(&strings, name);
    ck_assert_uint_eq(strlen(kept), HAK_NAME_BYTES - 1);
    ck_assert_ptr_nonnull(strstr(kept, "..."));
    ck_assert_ptr_eq(hak_strings_demangle(&strings, name), kept);
    ck_assert_str_eq(hak_strings_demangle(&strings, "_Z3fooi"), "foo(int)");
    ck_assert_str_eq(hak_strings_demangle(&strings, "_Zwhat"), "_Zwhat");
    ck_assert_str_eq(hak_strings_demangle(&strings, "_start"), "_start");
    ck_assert_str_eq(hak_strings_demangle(&strings, "_Rest"), "_Rest");
    ck_assert_str_eq(hak_strings_demangle(&strings, "_RNvC6_123foo3bar"), "123foo::bar");
    ck_assert_str_eq(hak_strings_demangle(&strings, "_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf"
                                                    "3newCs15kBYyAo9fc_7mycrate"),
                     "<std::path::PathBuf>::new");
    /* a tuple of two equal tuples, forty deep: 2^40 names */
    kept = hak_strings_demangle(&strings, FORTY_TUPLES);
    ck_assert_uint_eq(strlen(kept), HAK_NAME_BYTES - 1);
    ck_assert_int_eq(memcmp(kept, "a::b::<((((", 11), 0);
    ck_assert_str_eq(hak_strings_join(&strings, "/a", "./b.c"), "/a/b.c");
    ck_assert_str_eq(hak_strings_join(&strings, "/a", "/b.c"), "/b.c");
    ck_assert_str_eq(hak_strings_join(&strings, "", "b.c"), "b.c");
    hak_strings_free(&strings);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
