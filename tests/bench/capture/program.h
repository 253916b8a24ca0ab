/* A simulated program: threads that run small functions over and over, each a fixed list of steps.
 *
 *   function = steps: allocate, free, resize, keep, hand over; each with its own stack, size, time
 *   a thread runs some functions at a time (a phase), most often the first ones, and changes them
 *
 * So addresses come back last in first out, the same stacks and sizes follow each other, and some
 * blocks stay: for a while, for long, for ever. Stacks are nodes of one trie. For one thread of
 * execution; the same seed gives the same events. */
#ifndef CAPTURE_PROGRAM_H
#define CAPTURE_PROGRAM_H

#include "heap.h"

#define LANES 2 /* processors of the recorded machine */

struct program_settings {
    uint64_t seed, events; /* how many there will be: the start takes some of them */
    uint32_t threads, nodes, functions, forks;
};

/* A node of the trie, numbered from 1; a parent has a smaller number. ip lies in module 1..MODULES.
 */
#define MODULES 6
struct trie_node {
    uint32_t parent, module;
    uint64_t ip;
};
#define MODULE_START(module) (0x7f0000000000u + 0x10000000u * (uint64_t)(module))
#define MODULE_BYTES         0x1000000u

void program_start(const struct program_settings *settings);
/* The next event, in order of time over all threads; valid until the next call. */
const struct hak_event *program_next(void);

const struct trie_node *program_node(uint32_t number);

/* Processes 1.. and threads 1.., as far as they have begun; process 1 is the parent of all others.
 */
uint32_t program_processes(void);
uint32_t program_threads(void);
const struct thread *program_thread(uint32_t row);

#endif
