/* What the files of this room ask of each other. */
#ifndef HAK_VIEWER_COREFILE_PARTS_H
#define HAK_VIEWER_COREFILE_PARTS_H

#include <jansson.h>
#include "viewer/cli/cli.h"
#include "viewer/corefile/blocks.h"

/* Reads the lists of a half. False: out of memory. (walk.c) */
bool core_walk(struct core_half *half);
/* Where in a free block of a linked list its link lies. */
uint64_t core_link_offset(const struct core_half *half);

/* The document that every answer begins with: process and allocator. (command.c) */
json_t *core_document(const struct view *view, const struct core_blocks *blocks);

/* The answers (command.c has the table): printed, and the exit status. */
int core_why(struct view *view, struct core_blocks *blocks, uint64_t address);
int core_owner(struct view *view, struct core_blocks *blocks, uint64_t address);
int core_block_lives(struct view *view, struct core_blocks *blocks, uint64_t address);
int core_block_history(struct view *view, struct core_blocks *blocks, uint64_t address);
int core_layers(struct view *view, struct core_blocks *blocks, uint64_t address);

#endif
