/* The process that runs a program for `run`: what it writes goes into a pipe of its own, so that
 * stdout has the document alone. */
#include "viewer/mcp/parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void mcp_program_run(const struct mcp_call *call, struct mcp_program *program, int said) {
    struct view view = {0};
    program->part.stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    program->part.stdio[1] = program->part.stdio[2] = said;
    program->part.left = &program->left;
    int status = view_parse(&view, view_used_commands(), (int)call->count, call->word);
    if (status < 0)
        status = record_run(&view, &program->part);
    fflush(NULL);
    _exit(status);
}
