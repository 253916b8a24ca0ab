/* Finds the module and offset of a stack's frames, which are the same in each run of a program. */
#include "trace/stacks/stacks.h"
#include "trace/trace.h"
#include "unwind/modules.h"

size_t hak_stack_places(uint32_t stack, struct hak_code_place *places, size_t max) {
    size_t count = 0;
    uintptr_t ips[HAK_CODE_PLACES_MAX];
    if (max > HAK_CODE_PLACES_MAX)
        max = HAK_CODE_PLACES_MAX;
    for (size_t found = hak_stacks_frames(stack, ips, max); count < found; count++) {
        struct hak_module module;
        places[count] = (struct hak_code_place){.offset = ips[count]};
        if (hak_module_at(ips[count] - 1, &module)) /* a return address may lie behind its module */
            places[count] = (struct hak_code_place){.offset = ips[count] - module.load_bias,
                                                    .path = module.path,
                                                    .build_id = module.build_id,
                                                    .build_id_bytes = module.build_id_bytes};
    }
    return count;
}
