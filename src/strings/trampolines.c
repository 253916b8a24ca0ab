/* Makes the gates through which calls of libc go that are looked at: the way of one lies with the
 * architecture's other instructions. */
#include "strings/strings.h"

#define HAK_STRING_CALLS "strings/calls.def"
#include HAK_ARCH_FILE(string_gates.h)
