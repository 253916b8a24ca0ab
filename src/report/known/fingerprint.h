/* Fingerprints: one short name for a finding, the same in every run in which it is the same
 * finding.
 *
 *   code of the fault ---------------------------------+
 *   the first HAK_FINGERPRINT_FRAMES program frames,   +--> "HKM-202:5f0c1d9e22ab4471"
 *   each as function + base name of its file ----------+
 *
 * No address, no line and no folder goes in, so it holds over ASLR, other checkouts and edits that
 * move lines. Left out: hakmem's frames, libc's, the C++ library's, wrappers such as xmalloc, and
 * what runs before main. Of C++ names the last part goes in (what stands before it is not always
 * known of inlined functions), without template arguments, parameters, return type, ABI tags and
 * suffixes of clones. A frame without a function is its module's name and offset: the
 * same as long as that module is not built anew.
 *
 * Three frames: one or two would make one of all misuses of a helper (buffer_append), more would
 * change with every refactoring of what calls whom further out; crash triage in the field has
 * settled on three (ClusterFuzz's crash state). */
#ifndef HAK_REPORT_KNOWN_FINGERPRINT_H
#define HAK_REPORT_KNOWN_FINGERPRINT_H

#include "report/text/text.h"
#include "store/reader/reader.h"

#define HAK_FINGERPRINT_FRAMES 3
#define HAK_FINGERPRINT_BYTES  32

/* Writes the fingerprint of a finding: `code` (HKM number, 401 for leaks, 0 for a crash, which
 * `signal` tells apart) with the stack that stands for it, innermost first: of a leak and of
 * damaged bytes where the block was allocated, else where the fault was found. No frame at all
 * gives a fingerprint, too. For any thread. */
void hak_fingerprint(char out[HAK_FINGERPRINT_BYTES], unsigned code, unsigned signal,
                     const struct hak_frame *frames, int count);

#endif
