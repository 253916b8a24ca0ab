/* hakmem-trace's commands: the top of the viewer, above all rooms.
 *
 *   main.c -- commands.c: name, options, help, and the room's command_NAME
 *     |
 *     +--> record/                          run, import                     RECORD
 *     +--> block/ events/ findings/         why, block, events, faults,     ASK, CHECK, OUT
 *     |    leaks/ layers/ info/ sql/        leaks, layers, threads, ...
 *     |      |
 *     +------+--> capture/                  the store that is asked
 *                    |
 *                    +--> cli/              command line and terminal
 *
 * Beside that, layers calls events (--class), leaks and record call findings (what is known). */
#ifndef HAK_VIEWER_COMMANDS_H
#define HAK_VIEWER_COMMANDS_H

#include "viewer/cli/cli.h"

/* In the order of the help page; the last name is NULL. */
extern const struct view_command view_commands[];

#endif
