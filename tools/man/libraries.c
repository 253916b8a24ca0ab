/* The page of the libraries: their variables, faults and functions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/man/pages.h"
#include "tools/man/roff.h"

static void put_variables(FILE *page) {
    fputs(".Sh ENVIRONMENT\n", page);
    roff_text(page, "All are read once, when the program starts. A value that cannot be read gives "
                    "one line on stderr that names the variable, the value and what was expected; "
                    "the default holds then. A variable that is already set holds where "
                    "`hakmem-trace run` was not given its option.");
    fputs(".Bl -tag -width Ds\n", page);
#define OPTION(name, field, type, standard, range, run, sentence)                                  \
    fputs(".It Ev HAKMEM_" #name " No = Ar ", page);                                               \
    roff_words(page, range);                                                                       \
    fputs("\n", page);                                                                             \
    roff_text(page, sentence ".");                                                                 \
    roff_text(page, standard[0] ? "Default: `" standard "`." : "");                                \
    roff_text(page, run[0] ? "Option of run: `--" run "`." : "");
#include "options.def"
    fputs(".El\n", page);
}

static void put_faults(FILE *page) {
    fputs(".Sh FAULTS\n", page);
    roff_text(page, "`hakmem-trace explain CODE` says more of each.");
    fputs(".Bl -tag -width Ds\n", page);
#define FAULT(name, number, text, tag, injection, meaning, what_to_do)                             \
    fprintf(page, ".It HKM\\-%d ", number);                                                        \
    roff_words(page, text);                                                                        \
    fputs("\n", page);                                                                             \
    roff_text(page, meaning " " what_to_do);
#include "faults.def"
    fputs(".El\n", page);
}

/* Comment blocks and what is declared below them, from the file on. */
static void put_functions(FILE *page, const char *source) {
    char path[4096], line[512], *comment = NULL;
    size_t length = 0;
    bool is_comment = false;
    snprintf(path, sizeof path, "%s/include/hakmem.h", source);
    FILE *header = fopen(path, "r");
    if (!header) {
        fprintf(stderr, "write_man: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    FILE *kept = open_memstream(&comment, &length);
    fputs(".Sh FUNCTIONS\n", page);
    roff_text(page, "A program that asks for them includes <hakmem.h>. All are weak: it runs "
                    "without hakmem, too, and looks before each call whether the function is "
                    "there. None may be called in a signal handler.");
    fputs(".Bl -tag -width Ds\n", page);
    while (kept && fgets(line, sizeof line, header)) {
        char *text = line;
        if (strncmp(line, "/* ", 3) == 0) {
            fclose(kept);
            free(comment);
            kept = open_memstream(&comment, &length);
            is_comment = true;
        }
        if (is_comment && kept) {
            text += strspn(text, "/* ");
            char *end = strstr(text, "*/");
            is_comment = !end;
            fprintf(kept, "%.*s\n", end ? (int)(end - text) : (int)strcspn(text, "\n"), text);
        } else if (strncmp(line, "HAK_API ", 8) == 0 && kept) {
            fflush(kept);
            line[strcspn(line, "\n")] = '\0';
            fputs(".It Xo\n\\fB", page);
            roff_words(page, line + 8);
            fputs("\\fR\n.Xc\n", page);
            roff_text_of(page, comment, length);
        }
    }
    fputs(".El\n", page);
    if (kept)
        fclose(kept);
    free(comment);
    fclose(header);
}

static void put_example(FILE *page, const char *words, const char *lines) {
    roff_text(page, words);
    roff_literal(page, lines, strlen(lines));
}

void man_write_libraries(const char *folder, const char *source) {
    FILE *page =
        roff_open(folder, "hakmem", 7, "a malloc that can say whose every block is, and was");
    fputs(".Sh SYNOPSIS\n.Ev LD_PRELOAD Ns = Ns Pa libhakmem.so.1\n.Ar program\n.Pp\n"
          "hakmem\\-trace run\n.Op Ar options\n\\-\\-\n.Ar program\n.Pp\n"
          ".In hakmem.h\n.Pp\ncc\n.Ar program.c\n.Fl lhakmem\n.Sh DESCRIPTION\n",
          page);
    roff_text(page, "Libraries that serve malloc and its family, and operator new, for a program "
                    "that is linked with one of them or has it in `LD_PRELOAD`:");
    fputs(".Bl -tag -width Ds\n.It Pa libhakmem.so.1\n", page);
    roff_text(page, "The allocator alone, for every day. It is linked with `-lhakmem`, preloaded, "
                    "or linked statically from `libhakmem.a`.");
    fputs(".It Pa hakmem/hakmem-debug.so\n", page);
    roff_text(page, "The same with checks, which stop at the first wrong step, and a recorder: "
                    "what `hakmem-trace run` preloads.");
    fputs(".It Pa hakmem/hakmem-record.so\n", page);
    roff_text(page, "The recorder alone, above the allocator that the program has: `hakmem-trace "
                    "run --allocator keep`.");
    fputs(".It Pa hakmem/hakmem-attach.so\n", page);
    roff_text(page, "The same for a program that runs already: `hakmem-trace record`.");
    fputs(".It Pa hakmem/hakmem_sqlite.so\n", page);
    roff_text(page, "No allocator, and nothing to preload: an extension of SQLite, which reads "
                    "captures where `sqlite3` or another program loads it.");
    fputs(".It Pa hakmem/hakmem_postgres.so\n", page);
    roff_text(page,
              "Nothing to preload, either: what `hakmem-trace` loads where a capture is a URL. It "
              "needs libpq.");
    fputs(".El\n.Pp\n", page);
    roff_text(page, "The debug library finds the program that stores what it records, "
                    "`hakmem-collect`, beside itself.");
    put_functions(page, source);
    put_variables(page);
    fputs(".Sh EXAMPLES\n", page);
    put_example(page, "A program with the plain library, which says at its end what it served:",
                "  LD_PRELOAD=libhakmem.so.1 HAKMEM_STATS=1 ./app\n");
    fputs(".Pp\n", page);
    put_example(page, "Stop at the first wrong step, and look at its story:",
                "  hakmem-trace run --check normal -s wrong.db -- ./app\n"
                "  hakmem-trace faults 1 -s wrong.db\n");
    fputs(".Pp\n", page);
    put_example(page, "The same without the command, as in a service's file:",
                "  LD_PRELOAD=hakmem-debug.so HAKMEM_TRACE_FILE=service.%p.db ./app\n");
    put_faults(page);
    fputs(".Sh SEE ALSO\n.Xr hakmem-trace 1 ,\n.Xr malloc 3 ,\n.Xr hakmem-store 5 ,\n"
          ".Xr ld.so 8\n",
          page);
    roff_close(page);
}
