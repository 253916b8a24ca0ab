/* Stack nodes that are no return addresses: frames of an interpreter (docs/specs/frames.md). Their
 * ip is one where no processor's program has code: behind x86-64's user addresses, and in front of
 * where aarch64's kernel puts a program (from 2/3 of 2^48 on).
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
    HAK_FRAME_NODE_NONE = 0,     /* a return address */
    HAK_FRAME_NODE_FILE = 0x80,  /* up to five bytes of a file's name */
    HAK_FRAME_NODE_NAME = 0x90,  /* of a function's */
    HAK_FRAME_NODE_LINE = 0x98,  /* the line, 0 = not known */
    HAK_FRAME_NODE_FRAME = 0x99, /* the id of a line node */
};
enum {
    HAK_FRAME_NODE_SHIFT = 40,
    HAK_FRAME_TEXT_BYTES = 5, /* of one node; bits 40..42 have how many */
    HAK_FRAME_TEXT_SHIFT = 40,
    HAK_FRAME_FILE_MAX = 255, /* bytes of a name; a longer file has its end, a function its begin */
    HAK_FRAME_NAME_MAX = 255,
    HAK_FRAME_NODES_MAX = 2 * 256 / HAK_FRAME_TEXT_BYTES + 2 /* that spell one frame */
};

/* The kind of a node that is no return address, by its top bits. */
static inline enum hak_frame_node hak_frame_node_kind(uint64_t ip) {
    uint64_t top = ip >> HAK_FRAME_NODE_SHIFT, text = top & ~(uint64_t)7;
    if (text == HAK_FRAME_NODE_FILE || text == HAK_FRAME_NODE_NAME)
        return (enum hak_frame_node)text;
    return top == HAK_FRAME_NODE_LINE || top == HAK_FRAME_NODE_FRAME ? (enum hak_frame_node)top
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
