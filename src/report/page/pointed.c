/* Registers of a crash or a fault: their names, and the block that the store knows where one of
 * them points. */
#include "report/page/parts.h"

const char *report_register_name(const struct report_page *page, uint32_t number) {
    return hak_register_name(page->context.processor, number);
}

int report_instruction_pointer(const struct report_page *page) {
    return (int)hak_processor_registers(page->context.processor) - 1;
}

/* Appends an event's call, thread and place, as "free by thread 2 at file.c:12"; without a place,
 * where no frame tells it. */
static void add_event_place(struct hak_text *text, const struct report_page *page,
                            const struct hak_event *event) {
    struct hak_thread_words thread;
    report_look_up_thread(page, event->thread, &thread);
    hak_text_add(text, "%s by thread %s", hak_words_call(event), hak_words_thread(&thread));
    struct hak_frames frames;
    hak_frames_load_top(&frames, page->r, event->stack);
    int first = hak_words_telling_frame(frames.frame, frames.count);
    if (first >= 0) {
        hak_text_add(text, " at ");
        hak_words_add_location(text, &frames.frame[first], 1);
    }
    hak_frames_free(&frames);
}

static const struct hak_event *last_end(const struct hak_life *life) {
    return life->end_count > 0 ? &life->ends[life->end_count > 1 ? 1 : 0] : NULL;
}

/* The story of the block that the store knows at `address`, and its last life; NULL = none. */
static struct hak_story *load_block(const struct report_page *page, uint64_t address,
                                    const struct hak_life **life) {
    struct hak_story *story = NULL;
    if (!page->r || address < 4096 ||
        hak_story_load(page->r, address, page->context.process, page->context.fault_event,
                       &story) <= 0 ||
        !story)
        return NULL;
    *life = story->life_count > 0 ? &story->lives[story->life_count - 1] : NULL;
    if (*life && (*life)->birth.id != 0)
        return story;
    hak_story_free(story);
    return NULL;
}

bool report_point(const struct report_page *page, uint64_t address,
                  struct hak_report_pointed *pointed) {
    const struct hak_life *life;
    struct hak_story *story = load_block(page, address, &life);
    if (!story)
        return false;
    *pointed = (struct hak_report_pointed){.user = life->birth.address,
                                           .asked_bytes = hak_life_bytes(life),
                                           .is_live = !last_end(life)};
    hak_story_free(story);
    return true;
}

bool report_describe(struct hak_text *text, const struct report_page *page, uint64_t address) {
    const struct hak_life *life;
    struct hak_story *story = load_block(page, address, &life);
    if (!story)
        return false;
    uint64_t user = life->birth.address;
    uint64_t asked = hak_life_bytes(life);
    const struct hak_event *end = last_end(life);
    if (address == user)
        hak_text_add(text, "is the start of a ");
    else if (address > user && address - user >= asked)
        hak_text_add(text, "is %s past the end of a ", hak_words_bytes(address - user - asked));
    else if (address > user)
        hak_text_add(text, "is %s into a ", hak_words_bytes(address - user));
    else
        hak_text_add(text, "is %s before a ", hak_words_bytes(user - address));
    hak_text_add(text, "%s block of %s: ", end ? "freed" : "live", hak_words_bytes(asked));
    add_event_place(text, page, end ? end : &life->birth);
    hak_story_free(story);
    return true;
}
