/* Operators new and delete that a module has for itself: a library linked with -static-libstdc++
 * whose symbols nobody else sees. Its new calls our malloc and its delete our free, while objects
 * that it hands to other modules are deleted, or were made, by ours.
 *
 *   call site -> module -> its file: .symtab (names), or .dynsym where that is stripped
 *
 * Asked when C and C++ do not match, so seldom; answers are remembered. Only for the thread that
 * reports (hak_crash_enter). Allocates nothing, takes no lock, keeps errno. */
#ifndef HAK_TRACE_PRIVATE_OPERATORS_H
#define HAK_TRACE_PRIVATE_OPERATORS_H

#include <stdbool.h>
#include <stdint.h>
#include "hop.h"

/* True when `ip`, where a call of the malloc family goes on, lies in an operator new. In a module
 * without names of its functions: when it holds a C++ runtime and asks no other for operators. */
HAK_HIDDEN bool hak_is_in_private_new(uintptr_t ip);

/* True when the module that holds `ip` has an operator delete of its own. (The call itself cannot
 * be seen: delete ends with a jump to free.) */
HAK_HIDDEN bool hak_has_private_delete(uintptr_t ip);

#endif
