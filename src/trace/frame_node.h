/* Stack nodes that are no return addresses: frames of an interpreter (docs/specs/frames.md). Their
 * ip has bit 47 set, which no address of a program has.
 *
 *   text (file) <- text (file) <- text (name) <- line      what a frame is called: parents spell it
 *                                                  ^
 *   node of the caller <------------------------ frame     on stacks, between return addresses
 *
 * A frame's ip has the id of its line node, which the collector replaces by that one's row. Read by
 * both halves. */
#ifndef HAK_TRACE_FRAME_NODE_H
#define HAK_TRACE_FRAME_NODE_H

#include <stdbool.h>
#include <stdint.h>

enum hak_frame_node {
    HAK_FRAME_NODE_NONE = 0,  /* a return address */
    HAK_FRAME_NODE_FILE = 8,  /* up to five bytes of a file's name */
    HAK_FRAME_NODE_NAME = 9,  /* of a function's */
    HAK_FRAME_NODE_LINE = 10, /* the line, 0 = not known */
    HAK_FRAME_NODE_FRAME = 11 /* the id of a line node */
};
enum {
    HAK_FRAME_NODE_SHIFT = 44,
    HAK_FRAME_TEXT_BYTES = 5, /* of one node; bits 40..42 have how many */
    HAK_FRAME_TEXT_SHIFT = 40,
    HAK_FRAME_FILE_MAX = 255, /* bytes of a name; a longer file has its end, a function its begin */
    HAK_FRAME_NAME_MAX = 255,
    HAK_FRAME_NODES_MAX = 2 * 256 / HAK_FRAME_TEXT_BYTES + 2 /* that spell one frame */
};

/* The kind of a node that is no return address, by its top bits. */
static inline enum hak_frame_node hak_frame_node_kind(uint64_t ip) {
    uint64_t kind = ip >> HAK_FRAME_NODE_SHIFT;
    return kind >= HAK_FRAME_NODE_FILE && kind <= HAK_FRAME_NODE_FRAME ? (enum hak_frame_node)kind
                                                                       : HAK_FRAME_NODE_NONE;
}

static inline uint64_t hak_frame_node_ip(enum hak_frame_node kind, uint64_t value) {
    return (uint64_t)kind << HAK_FRAME_NODE_SHIFT | value;
}

/* The number in a line's or a frame's ip. */
static inline uint32_t hak_frame_node_number(uint64_t ip) {
    return (uint32_t)ip;
}

#endif
