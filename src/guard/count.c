/* Counts events of layers that make no record. Separate from the checks, which ask the layers in
 * turn. */
#include "hop.h"
#include "trace/trace.h"

void hak_hop_count(enum hak_counted which, unsigned class_index, uint64_t amount) {
    hak_trace_count_amount(which, class_index, amount);
}
