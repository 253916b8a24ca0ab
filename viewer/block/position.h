/* The position of an address in its block, and of the block, in words: the head of `why` and
 * `block`. */
#ifndef HAK_VIEWER_BLOCK_POSITION_H
#define HAK_VIEWER_BLOCK_POSITION_H

#include "viewer/capture/capture.h"

struct view_position {
    uint64_t address;
    const struct hak_block_key *block;
    bool was_handed_out; /* else user and asked_bytes mean nothing */
    uint64_t user, asked_bytes;
};

/* "0x5581a8c31054 is 20 bytes into a block of 56 asked, 64 in its slot (C3)". */
void view_add_position(struct hak_text *text, struct view *view, const struct view_position *p);
/* "SuperSlab 0x.., slab 3, slot 65 (base 0x..). " */
void view_add_slot(struct hak_text *text, struct view *view, const struct hak_block_key *block);
/* "It lies in server+0x100: static data or code, no heap." and a newline, if it lies in a module.
 */
void view_add_module(struct hak_text *text, struct view *view, uint64_t address);
/* "Process 4711 (server). ", where the capture has several. */
void view_add_block_process(struct hak_text *text, struct view *view,
                            const struct hak_block_key *block);
/* Events lost while a block was in use: `lost_events` in its processes then, and how often
 * recording of these was stopped since. */
void view_add_block_completeness(struct hak_text *text, const struct view *view,
                                 uint64_t lost_events, uint64_t stops);
/* The block in JSON, with its state in words. */
json_t *view_block_json(struct view *view, const struct view_position *p, const char *state);
/* Prints the whole answer where no block is known at `address` (in the process of --process) up to
 * the event `until` (0 = all): what the program mapped there itself, or the nearest blocks. Returns
 * the exit status. */
int view_answer_nothing_known(struct view *view, uint64_t address, uint64_t until);

#endif
