/* The processes of a capture as a tree: which process started which, and which program it became.
 */
#ifndef HAK_VIEWER_INFO_TREE_H
#define HAK_VIEWER_INFO_TREE_H

#include "viewer/capture/capture.h"

struct tree_process {
    uint32_t id, parent; /* row ids */
    uint32_t session;
    int pid;
    int end_kind, exit_status, signal; /* as in the store; -1 and 0: not known */
    uint64_t start_time, start_ns, end_ns, threads, lost, faults, events;
    char *program, *command_line, *note; /* "" = not known, nothing to say */
    /* Links are indexes into `list`, -1 = none. */
    int first_child, next_sibling;
    int became;         /* the program that it executed */
    int was;            /* what it was before it executed this one */
    int below;          /* processes drawn below it */
    bool must_be_shown; /* it, or one below it, has a fault, lost events or a note */
};

struct tree {
    struct tree_process *list;
    int count;
    int first_root;
    bool is_short; /* events of damaged chunks are not counted: that was printed */
};

/* Loads and links all processes, counts their events. 0, or an exit status (the error is printed).
 */
int tree_load(struct tree *tree, struct view *view);
void tree_free(struct tree *tree);
/* Finds the process with this row id; -1 when there is none. */
int tree_find(const struct tree *tree, uint32_t row);
/* Appends the table. `root`: only this one and what it started, -1 = all. `all`: nothing is left
 * out. */
void tree_add_table(struct hak_text *text, struct view *view, const struct tree *tree, int root,
                    bool all);

#endif
