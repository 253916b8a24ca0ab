/* The man pages, each from a table of its own; write_man.c writes all of them. */
#ifndef HAK_TOOLS_MAN_PAGES_H
#define HAK_TOOLS_MAN_PAGES_H

/* hakmem-trace.1 and a page for each command, from viewer/commands.c. */
void man_write_commands(const char *folder);
/* hakmem.7: the libraries, their variables (options.def), faults (faults.def), and functions
 * (include/hakmem.h, read from `source`, the top of the tree). */
void man_write_libraries(const char *folder, const char *source);
/* hakmem-store.5: the capture, by docs/specs/store.md, its own statements and hops.def. */
void man_write_store(const char *folder, const char *source);

#endif
