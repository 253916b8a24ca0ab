/* Maps a session's memory, checks its header and reads its tables. */
#include "collector/session/mapping.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"
#include "metrics/block.h"
#include "trace/node.h"

#define NOBODY UINT32_MAX

enum { LEAST_PAGE_BYTES = 4096, MOST_PAGE_BYTES = 65536 }; /* of any machine's kernel */

/* Maps the session's memory for reading and writing. False: it cannot be mapped. */
static bool map_memory(struct hak_mapping *m) {
    void *memory =
        mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->memfd, 0);
    m->memory = memory == MAP_FAILED ? NULL : memory;
    return m->memory != NULL;
}

static void unmap_memory(struct hak_mapping *m) {
    if (m->memory)
        munmap(m->memory, m->bytes);
    m->memory = NULL;
}

/* True when `count` things of `each` bytes at `offset` lie behind the header and inside the memory.
 */
static bool fits(const struct hak_mapping *m, uint64_t offset, uint64_t count, uint64_t each) {
    return offset % 64 == 0 && offset >= sizeof(struct hak_session) && offset <= m->bytes &&
           count <= (m->bytes - offset) / each;
}

uint64_t hak_mapping_metrics_blocks(const struct hak_mapping *m) {
    uint64_t owners_bytes = m->head.metrics_blocks * sizeof(hak_counters_owner_t);
    return m->head.metrics_offset + HAK_COUNTERS_UP_TO(owners_bytes);
}

/* Whether the counters that the header tells of lie within the memory, at pages; true without
 * any. */
static bool counters_fit(const struct hak_mapping *m) {
    return m->head.metrics_blocks == 0 ||
           (m->head.metrics_blocks <= HAK_METRICS_MAX &&
            m->head.metrics_offset % HAK_COUNTERS_ALIGN == 0 &&
            fits(m, m->head.metrics_offset, m->head.metrics_blocks, sizeof(hak_counters_owner_t)) &&
            fits(m, hak_mapping_metrics_blocks(m), m->head.metrics_blocks, HAK_COUNTERS_BYTES));
}

static void end_text(char text[HAK_PATH_BYTES]) {
    text[HAK_PATH_BYTES - 1] = 0;
}

/* Makes the command line of the header one text: blanks between its arguments, no zeros. */
static void end_command(struct hak_session *s) {
    uint32_t bytes = s->command_line_bytes;
    if (bytes > HAK_PATH_BYTES - 1)
        bytes = HAK_PATH_BYTES - 1;
    while (bytes > 0 && s->command_line[bytes - 1] == 0)
        bytes--;
    s->command_line[bytes] = 0;
    for (uint32_t i = 0; i < bytes; i++)
        if (s->command_line[i] == 0)
            s->command_line[i] = ' ';
}

/* Checks the session's header, of which it makes a copy. NULL, or why it cannot be used. */
static const char *check_header(struct hak_mapping *m) {
    const struct hak_session *s = hak_mapping_header(m);
    if (__atomic_load_n(&s->magic, __ATOMIC_ACQUIRE) != HAK_SESSION_MAGIC)
        return "its header is not complete";
    if (s->version != HAK_SESSION_VERSION || s->header_bytes != sizeof *s)
        return "it is of another version";
    /* Copied once; the copy is checked. */
    struct hak_session *head = &m->head;
    memcpy((void *)head, (const void *)s, sizeof *head);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    end_text(head->store_path);
    end_text(head->log_path);
    end_text(head->suppressions_path);
    end_text(head->baseline_path);
    end_text(head->program);
    end_command(head);
    if (!hak_processor_of(head->machine, &m->processor))
        return "it is of a machine that is not known";
    if (head->page_bytes < LEAST_PAGE_BYTES || head->page_bytes > MOST_PAGE_BYTES ||
        (head->page_bytes & (head->page_bytes - 1)) != 0)
        return "its machine has no pages of that size";
    if (!fits(m, m->head.process_offset, HAK_PROCESSES, sizeof(struct hak_process_entry)) ||
        !fits(m, m->head.ring_offset, HAK_RINGS, sizeof(struct hak_ring_entry)) ||
        !fits(m, m->head.node_offset, m->head.node_capacity, sizeof(struct hak_node)) ||
        m->head.node_capacity < HAK_NODE_PLACES_MIN ||
        m->head.node_capacity > HAK_NODE_PLACES_MAX ||
        (m->head.node_capacity & (m->head.node_capacity - 1)) != 0 ||
        !fits(m, m->head.report_offset, 1, sizeof(struct hak_report_request)) || !counters_fit(m) ||
        m->head.extent_count > HAK_EXTENTS_MAX ||
        !fits(m, m->head.extent_offset, m->head.extent_count, HAK_EXTENT_BYTES))
        return "its tables lie outside of it";
    return NULL;
}

const char *hak_mapping_open(struct hak_mapping *m, int memfd) {
    struct stat about;
    /* Where /proc can be asked the keeper has made it its own already; here no descriptor may be
     * left for that. */
    bool is_own = hak_session_file_make_own(&memfd) || hak_proc_is_own();
    *m = (struct hak_mapping){.memfd = memfd, .is_own = is_own};
    const char *why = NULL;
    if (fstat(memfd, &about) != 0 || about.st_size < (off_t)sizeof(struct hak_session))
        why = "it is too small";
    m->bytes = why ? 0 : (uint64_t)about.st_size;
    if (!why && !map_memory(m))
        why = "it cannot be mapped";
    if (!why)
        why = check_header(m);
    m->is_own_user = !why && about.st_uid == geteuid();
    if (why)
        hak_mapping_close(m);
    return why;
}

void hak_mapping_close(struct hak_mapping *m) {
    unmap_memory(m);
    if (m->memfd >= 0)
        close(m->memfd);
    m->memfd = -1;
}

bool hak_mapping_is_abandoned(struct hak_mapping *m) {
    if (m->is_own)
        return !hak_session_file_is_held(m->memfd, true);
    unmap_memory(m);
    bool abandoned = !hak_session_file_is_held(m->memfd, false);
    /* A hostile program may have sealed it against new writers: then it can be read, and the
     * program waits in vain for a worker's writes. */
    if (abandoned || !map_memory(m)) {
        void *memory =
            mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, m->memfd, 0);
        m->memory = memory == MAP_FAILED ? NULL : memory;
        return true;
    }
    return false;
}

static uint32_t clip(uint32_t count, uint32_t max) {
    return count < max ? count : max;
}

uint32_t hak_mapping_ring_count(const struct hak_mapping *m) {
    return clip(atomic_load(&hak_mapping_header(m)->rings_high), HAK_RINGS);
}

uint32_t hak_mapping_process_count(const struct hak_mapping *m) {
    return clip(atomic_load(&hak_mapping_header(m)->processes_high), HAK_PROCESSES);
}

void hak_mapping_view(const struct hak_mapping *m, uint32_t index, struct hak_ring_view *out) {
    struct hak_ring_entry *r = hak_mapping_ring(m, index);
    *out = (struct hak_ring_view){.head = atomic_load_explicit(&r->head, memory_order_acquire)};
    out->state = atomic_load_explicit(&r->state, memory_order_acquire);
    const volatile struct hak_ring_entry *fields = r;
    out->process = fields->process;
    out->thread = fields->thread;
    out->next = fields->next;
    out->tid = fields->tid;
    out->first_extent = fields->first_extent;
    out->extents = fields->extents;
    out->start = fields->start;
    out->lost = atomic_load_explicit(&r->lost, memory_order_relaxed);
    uint64_t offset = fields->offset, capacity = fields->capacity;
    if (capacity == 0 || capacity > HAK_RING_FILE_BYTES / HAK_RECORD_BYTES ||
        (capacity & (capacity - 1)) != 0 || offset % HAK_RECORD_BYTES != 0 ||
        offset < m->head.extent_offset || offset > m->bytes ||
        capacity > (m->bytes - offset) / HAK_RECORD_BYTES)
        return;
    out->capacity = capacity;
    out->records = (const struct hak_record *)(void *)(m->memory + offset);
}

static struct hak_node *nodes_of(const struct hak_mapping *m) {
    return (struct hak_node *)(void *)(m->memory + m->head.node_offset);
}
static uint32_t node_bits(const struct hak_mapping *m) {
    return (uint32_t)__builtin_ctzll(m->head.node_capacity);
}

uint32_t hak_mapping_node_ids_max(const struct hak_mapping *m) {
    return hak_node_ids_max(node_bits(m));
}

bool hak_mapping_node(const struct hak_mapping *m, uint32_t id, struct hak_node *out) {
    uint32_t count = atomic_load_explicit(&hak_mapping_header(m)->node_count, memory_order_relaxed);
    return id != 0 && id < hak_mapping_node_ids_max(m) && id < count &&
           hak_node_read(nodes_of(m), node_bits(m), id, out) && out->parent < id;
}

bool hak_mapping_give_node_up(const struct hak_mapping *m, uint32_t id) {
    struct hak_node node;
    return hak_node_give_up(nodes_of(m), node_bits(m), id) ||
           !hak_node_read(nodes_of(m), node_bits(m), id, &node);
}

/* Moves tail and head of a drained ring to the start of the next extent, and returns it; a head
 * there already stays. The tail moves first: a worker that dies in between leaves a head that its
 * successor can tell from records that nobody read. */
static uint64_t begin_at_an_extent(struct hak_ring_entry *r, uint64_t head) {
    uint64_t rest = head % HAK_RING_RECORDS_MAX;
    if (rest == 0 || head > UINT64_MAX / 2)
        return head;
    uint64_t next = head - rest + HAK_RING_RECORDS_MAX;
    atomic_store_explicit(&r->tail, next, memory_order_release);
    atomic_store_explicit(&r->head, next, memory_order_release);
    return next;
}

uint64_t hak_mapping_free_ring(const struct hak_mapping *m, uint32_t index,
                               const struct hak_ring_view *view) {
    struct hak_ring_entry *r = hak_mapping_ring(m, index);
    uint64_t next = begin_at_an_extent(r, view->head);
    struct hak_session *s = hak_mapping_header(m);
    if (view->extents <= m->head.extent_count &&
        view->first_extent <= m->head.extent_count - view->extents)
        for (uint32_t i = 0; i < view->extents; i++)
            atomic_store_explicit(&s->extent_taken[view->first_extent + i], 0,
                                  memory_order_release);
    /* Until the next owner has filled its fields in, the ring is no dead process's. */
    __atomic_store_n(&r->process, NOBODY, __ATOMIC_RELAXED);
    atomic_store_explicit(&r->state, HAK_RING_FREE, memory_order_release);
    return next;
}
