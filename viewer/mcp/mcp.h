/* `mcp`: a server of the Model Context Protocol, for agents that ask captures.
 *
 *   client --> stdin --> serve.c: lines --> protocol.c: one message
 *                           |                  |   tools.c, schema.c: the tools, their JSON schemas
 *                           |                  v
 *                           |               call.c: arguments --> a command line
 *                           |                  |   folder.c: paths below one folder
 *                           v                  v
 *                        job.c  --> a process: `hakmem-trace COMMAND --json`,
 *                           |       or program.c: a PROGRAM under `run`
 *                           v
 *   client <-- stdout <-- answer.c: its document, cut by whole elements to a number of tokens
 *
 * Owns stdin, stdout, the working directory and its child processes. One thread: a process that
 * asks never holds the server up. Calls record, capture and cli. */
#ifndef HAK_VIEWER_MCP_MCP_H
#define HAK_VIEWER_MCP_MCP_H

#include "viewer/cli/cli.h"

int command_mcp(struct view *view);

#endif
