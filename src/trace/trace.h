/* What guard/ and entry/ may ask of the tracer: record an event, take a stack, hand over a fault.
 *
 * Everything here is safe on any thread, in a signal handler and in a forked child; it allocates
 * nothing, takes no lock that fork or dlopen may hold, and keeps errno. Before the session stands
 * (very early calls) and with HAKMEM_TRACE=off events are dropped without a count. */
#ifndef HAK_TRACE_TRACE_H
#define HAK_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hop.h"
#include "trace/record.h"

struct hak_fault_facts;

/* Start: called once by entry's start-up after the options are read, before the first record. */
HAK_HIDDEN void hak_trace_start(void);

/* Writes one record into the calling thread's ring; time is filled in here. May wait (bounded) when
 * the ring is full. */
HAK_HIDDEN void hak_trace_record(struct hak_event_fields *fields);

/* Puts a function into the section by which tracer frames are told from those of the layers: when
 * hak_stack_here keeps hakmem's own frames, those up to the outermost of these are left out. Mark
 * the functions through which layers enter the tracer. */
#define HAK_TRACER_TEXT __attribute__((noinline, section("hak_tracer_text")))

/* The stack of the calling thread as a node id; 0 when it cannot be had. `keep_own_frames`: with
 * the allocator's frames (moves between layers), else from the program's call on. `flags` gets 0,
 * HAK_RECORD_PARTIAL when the walk ended early and HAK_RECORD_GUESSED when it went over frames
 * without call frame information. (trace/stacks.c) */
HAK_HIDDEN uint32_t hak_stack_here(bool keep_own_frames, uint8_t *flags);

/* The calling thread's number in its process, from 1. */
HAK_HIDDEN uint32_t hak_trace_thread(void);

/* The next generation epoch of the session (drawn when memory is mapped or a slab changes class).
 */
HAK_HIDDEN uint32_t hak_trace_epoch(void);

/* Calls that give no record. */
enum hak_trace_count { HAK_COUNT_FREE_OF_NULL, HAK_COUNT_FAILED_CALL, HAK_COUNT_FOREIGN_FREE };
HAK_HIDDEN void hak_trace_count(enum hak_trace_count which);

/* Counts what gives no record (hop_count). */
HAK_HIDDEN void hak_trace_count_amount(enum hak_counted which, unsigned class_index,
                                       uint64_t amount);

/* Hands a fault to the collector and waits (bounded) for its report; writes a raw report itself
 * when there is no collector. Frames, registers, stack and the FAULT record are added here. Does
 * not return under HAKMEM_ON_FAULT=stop (SIGABRT); under continue it returns, and reports the same
 * place once. */
HAK_HIDDEN void hak_trace_fault(const struct hak_fault_facts *facts);

/* A module was seen (trace/modules.c finds them). build_id may be NULL. Addresses are absolute;
 * `generation` is the number of unloads before it. */
HAK_HIDDEN void hak_trace_module_load(const char *path, const uint8_t *build_id,
                                      size_t build_id_bytes, uint64_t load_bias, uint64_t map_start,
                                      uint64_t map_end, uint32_t generation);
HAK_HIDDEN void hak_trace_module_unload(uint64_t map_start, uint32_t generation);

/* A mark of the program, by its first 200 bytes. */
HAK_HIDDEN void hak_trace_mark(const char *name);

/* Fork, called by entry's fork handlers around fork(2). */
HAK_HIDDEN void hak_trace_fork_prepare(void);
HAK_HIDDEN void hak_trace_fork_parent(void);
HAK_HIDDEN void hak_trace_fork_child(void);

/* The calling thread ends (from its TLS destructor). */
HAK_HIDDEN void hak_trace_thread_end(void);

#endif
