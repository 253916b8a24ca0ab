/* Makes the data that `hakmem-trace ctl` looks for. */
#include "trace/control.h"

/* In initialized data, where the first bytes stand in the file already. */
struct hak_control hak_control = {.magic = HAK_CONTROL_MAGIC, .version = HAK_CONTROL_VERSION};
struct hak_control_errands hak_control_errands;
struct hak_kept_text hak_kept_text;
bool (*hak_begin_unmap)(uintptr_t from, uint64_t bytes);
void (*hak_end_unmap)(uintptr_t from, uint64_t bytes);
