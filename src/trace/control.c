/* Makes the data that `hakmem-trace ctl` looks for. */
#include "trace/control.h"

/* In initialized data, where the first bytes stand in the file already. */
struct hak_control hak_control = {.magic = HAK_CONTROL_MAGIC, .version = HAK_CONTROL_VERSION};
struct hak_control_errands hak_control_errands;
struct hak_kept_text hak_kept_text;
void (*hak_before_unmap)(uintptr_t from, uint64_t bytes);
