/* Follows the processes of one session. */
#include "collector/session/process.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "collector/session/ends.h"

#define SAME_NS 1000000u

/* Whether a process's inner pid is this process's pid, too, as far as is known: they share the pid
 * namespace. */
static bool shares_namespace(const struct hak_client *c, uint32_t index) {
    const volatile struct hak_process_entry *e = hak_mapping_process(&c->map, index);
    uint64_t space = e->pid_space, own = hak_pid_namespace_own();
    uint32_t parent = e->parent;
    if (space && own)
        return space == own;
    if (parent >= HAK_PROCESSES || parent == index)
        return c->peer_pid <= 0 || c->hello.pid == c->peer_pid;
    /* Its namespace is its parent's, unless it cannot see that parent. */
    const struct hak_process_watch *from = &c->processes[parent];
    return e->parent_pid != 0 && (from->row == 0 || from->pid == from->inner_pid);
}

/* The child of the first process of its namespace, to which orphans go. */
static pid_t find_orphan(const struct hak_client *c, const struct hak_inner_pid *inner) {
    pid_t found = 0;
    for (uint32_t i = 0; i < c->processes_high && !found && inner->space; i++) {
        const volatile struct hak_process_entry *e = hak_mapping_process(&c->map, i);
        const struct hak_process_watch *w = &c->processes[i];
        if (w->phase == HAK_PHASE_LIVE && w->pid > 0 && w->inner_pid == 1 &&
            e->pid_space == inner->space)
            found = hak_pid_of_child(w->pid, inner);
    }
    return found;
}

/* The pid by which this process sees one of the session; 0: it is hidden, and its end is not
 * watched but that of the session's memory. A process of another pid namespace calls itself
 * otherwise than we see it. The kernel translates the pid of the one that said hello. A forked
 * process is the one of the same number only where the namespace that it hands over is this
 * process's, or, where that is not known, while its parent's two pids are one (which a namespace
 * entered for its children shows by a parent that they cannot see) and when what /proc says agrees;
 * else it is looked for among the children of its parent. */
static pid_t outer_pid(const struct hak_client *c, uint32_t index, int32_t pid) {
    const volatile struct hak_process_entry *e = hak_mapping_process(&c->map, index);
    uint32_t parent = e->parent;
    bool has_parent = parent < HAK_PROCESSES && parent != index;
    if (pid == c->hello.pid && parent >= HAK_PROCESSES && c->peer_pid > 0)
        return c->peer_pid;
    struct hak_inner_pid inner = {.pid = pid, .space = e->pid_space};
    bool is_shared = shares_namespace(c, index);
    if (!has_parent)
        return is_shared ? pid : find_orphan(c, &inner);
    const struct hak_process_watch *from = &c->processes[parent];
    /* The parent's entry may be another process's by now, which started later than the child. */
    bool is_parent = e->parent_pid == 0 || e->parent_pid == from->inner_pid;
    inner.not_before = is_parent                 ? from->start_time
                       : c->map.head.previous_id ? 0
                                                 : c->hello.start_time;
    if (is_shared && hak_pid_can_be(pid, &inner))
        return pid;
    pid_t found = from->pid > 0 ? hak_pid_of_child(from->pid, &inner) : 0;
    return found ? found : find_orphan(c, &inner);
}

/* Has its id gone to a process that started at another time? */
static bool is_another(const struct hak_process_watch *w, const struct hak_peer *peer) {
    return w->start_time != 0 && peer->start_time != w->start_time;
}

/* Begins to watch a process, by a pidfd in the epoll `watch` if there can be one; one that is gone
 * already, or of a file, is marked so. */
static void watch_process(struct hak_client *c, uint32_t index, int watch) {
    struct hak_process_watch *w = &c->processes[index];
    struct hak_peer peer;
    if (c->is_file) {
        w->phase = HAK_PHASE_GONE;
        return;
    }
    w->pid = outer_pid(c, index, w->pid);
    if (w->pid <= 0)
        return;
    w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
    bool is_none = w->pidfd < 0 && errno == ESRCH;
    enum hak_peer_answer answer = hak_peer_ask(w->pid, &peer);
    if (is_none || answer == HAK_PEER_GONE || (answer == HAK_PEER_THERE && is_another(w, &peer))) {
        w->phase = HAK_PHASE_GONE;
    } else if (answer == HAK_PEER_THERE) {
        w->start_time = peer.start_time;
    }
    if (w->phase == HAK_PHASE_LIVE && w->pidfd >= 0 && watch >= 0) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = w->pidfd};
        epoll_ctl(watch, EPOLL_CTL_ADD, w->pidfd, &event);
    }
}

/* True when an attached process has executed a program: it does not say so, but no longer holds the
 * session's memory, and has memory of its own. */
static bool has_executed(struct hak_client *c, uint32_t index) {
    enum { AGAIN_MS = 100 };
    struct hak_process_watch *w = &c->processes[index];
    struct hak_process_entry *e = hak_mapping_process(&c->map, index);
    struct hak_peer peer;
    uint64_t now = hak_time_ms();
    if (!(atomic_load(&e->flags) & HAK_PROCESS_ATTACHED) || !c->map.is_own || w->pid <= 0 ||
        atomic_load(&e->state) != HAK_PROCESS_LIVE || now < w->held_ask_ms)
        return w->has_executed;
    w->held_ask_ms = now + AGAIN_MS;
    w->has_executed =
        hak_mapping_is_abandoned(&c->map) && hak_peer_read(w->pid, &peer) && peer.memory_bytes > 0;
    return w->has_executed;
}

/* Whether the process has ended: by its pidfd, else by /proc. */
static bool has_ended(const struct hak_process_watch *w) {
    if (w->replaced_ns)
        return true;
    if (w->pidfd >= 0) {
        struct pollfd p = {.fd = w->pidfd, .events = POLLIN};
        return poll(&p, 1, 0) > 0;
    }
    struct hak_peer peer;
    enum hak_peer_answer answer = w->pid > 0 ? hak_peer_ask(w->pid, &peer) : HAK_PEER_UNKNOWN;
    return answer == HAK_PEER_GONE ||
           (answer == HAK_PEER_THERE && (is_another(w, &peer) || peer.has_ended));
}

/* Whether `row` is the process that came at `ns`. In a session that another worker had before, or
 * in a copy of it, the entry still holds the moment, the same but for the difference of two
 * anchors. */
static bool is_row_of(const struct hak_client *c, const struct hak_process_info *p,
                      const struct hak_process_watch *w, int32_t pid, uint64_t ns) {
    const struct hak_process_row *row = &p->row;
    uint64_t apart = row->start_ns > ns ? row->start_ns - ns : ns - row->start_ns;
    bool can_be_same = !w->start_time || !row->start_time || w->start_time == row->start_time;
    if (row->pid != pid || !can_be_same || (p->outer_pid && w->pid && p->outer_pid != w->pid))
        return false;
    return row->session == c->image && (row->end_kind == 0 || apart < SAME_NS);
}

/* The row that a worker before made of the process that came at `ns`; 0 = none did. Of a process
 * that is gone a row that says how it ended is left as it is. */
static uint32_t find_process_row(const struct hak_client *c, struct hak_rows *rows,
                                 struct hak_process_watch *w, int32_t pid, uint64_t ns) {
    for (uint32_t id = rows->process_count; id > 0; id--) {
        struct hak_process_row *row = &rows->processes[id - 1].row;
        if (!is_row_of(c, &rows->processes[id - 1], w, pid, ns))
            continue;
        if (w->phase == HAK_PHASE_GONE && row->end_kind != 0) {
            w->phase = HAK_PHASE_CLOSED;
            return id;
        }
        row->end_kind = 0;
        row->end_ns = 0;
        hak_rows_touch_process(rows, id);
        return id;
    }
    return 0;
}

/* The fork of that number (all of a session are counted together); NULL = it is not stored yet. */
static const struct hak_fork_note *find_fork(const struct hak_client *c, uint64_t number) {
    for (size_t i = 0; i < HAK_PROCESSES && number; i++)
        if (c->forks[i].number == number)
            return &c->forks[i];
    return NULL;
}

/* Row of the process that has, or had last, the entry that the child calls its parent's, until its
 * FORK tells. The parent may be gone, and its entry another one's, which lives and is not the
 * parent that the kernel names. */
static uint32_t guess_parent(struct hak_client *c, uint32_t index, uint32_t parent_index,
                             int32_t parent_pid) {
    if (parent_index >= HAK_PROCESSES || parent_index == index)
        return 0;
    const struct hak_process_watch *parent = &c->processes[parent_index];
    const volatile struct hak_process_entry *e = hak_mapping_process(&c->map, parent_index);
    bool is_other = parent->phase == HAK_PHASE_LIVE && parent_pid && e->pid != parent_pid;
    return is_other && !has_ended(parent) ? 0 : parent->row;
}

/* The newest row of the parent of the process that said hello: the one that the kernel names, or,
 * where that cannot be asked any more, the one that the process names. */
static uint32_t find_parent(const struct hak_rows *rows, const struct hak_who *child,
                            int32_t parent_pid) {
    struct hak_peer peer = {0}, about = {0};
    struct hak_who parent = {.inner = parent_pid, .space = child->space};
    if (child->outer > 0 && hak_peer_read(child->outer, &peer) && peer.parent > 0) {
        parent = (struct hak_who){.outer = peer.parent};
        if (hak_peer_read(peer.parent, &about))
            parent.start_time = about.start_time;
    }
    return parent.outer || parent.inner ? hak_rows_find_process(rows, &parent, UINT32_MAX) : 0;
}

/* Makes or finds the process's row, with its parent by the fork's event or a guess, and the program
 * that it was before an exec. */
static uint32_t make_process_row(struct hak_client *c, struct hak_rows *rows, uint32_t index,
                                 uint64_t ns) {
    const volatile struct hak_process_entry *e = hak_mapping_process(&c->map, index);
    struct hak_process_watch *w = &c->processes[index];
    int32_t pid = e->pid, parent_pid = e->parent_pid;
    uint64_t fork_number = e->fork_number;
    const struct hak_fork_note *fork = find_fork(c, fork_number);
    uint32_t parent = fork ? fork->process : guess_parent(c, index, e->parent, parent_pid);
    /* An executed program has the same parent as the process had. */
    /* The numbers in a file may be of any namespace. */
    struct hak_who self = {c->is_file ? 0 : w->pid, pid, e->pid_space, w->start_time};
    uint32_t before = index == 0 && !parent ? hak_rows_find_process(rows, &self, UINT32_MAX) : 0;
    if (before)
        parent = rows->processes[before - 1].row.parent;
    if (index == 0 && !parent)
        parent = find_parent(rows, &self, parent_pid);
    w->row = find_process_row(c, rows, w, pid, ns);
    if (w->row) {
        uint64_t known = rows->processes[w->row - 1].row.no_stack, own = e->no_stack;
        w->unknown_stacks = known > own ? known - own : 0;
    } else {
        struct hak_process_row row = {.parent = parent,
                                      .fork_event = fork ? fork->event : 0,
                                      .pid = pid,
                                      .parent_pid = parent_pid,
                                      .session = c->image,
                                      .start_time = w->start_time,
                                      .start_ns = ns,
                                      .program = c->map.head.program,
                                      .command_line = c->map.head.command_line};
        w->row = hak_rows_add_process(rows, &row);
    }
    struct hak_process_info *info = hak_rows_process_info(rows, w->row);
    if (!info)
        return 0;
    info->fork_number = fork_number;
    info->outer_pid = self.outer;
    info->pid_space = self.space;
    if (!info->made_files && !w->replaced_ns)
        info->made_files = hak_made_files_open(self.outer);
    /* The hello's text on the way of its process to the keeper. */
    if (c->hello.text[0] && w->pid == c->peer_pid && !info->row.note[0])
        hak_rows_note(rows, w->row, c->hello.text);
    return w->row;
}

uint32_t hak_client_process_row(struct hak_client *client, struct hak_rows *rows, uint32_t index,
                                uint64_t ns) {
    struct hak_process_watch *w = &client->processes[index];
    return w->row ? w->row : make_process_row(client, rows, index, ns);
}

/* Looks at an entry of the process table: one that has become live, or ended, gets a watch and a
 * row. */
static void see_process(struct hak_client *c, struct hak_rows *rows, uint32_t index, int watch) {
    struct hak_process_entry *e = hak_mapping_process(&c->map, index);
    struct hak_process_watch *w = &c->processes[index];
    uint32_t state = atomic_load_explicit(&e->state, memory_order_acquire);
    if (state != HAK_PROCESS_LIVE && state != HAK_PROCESS_ENDED)
        return;
    const volatile struct hak_process_entry *fields = e;
    uint32_t parent = fields->parent;
    *w = (struct hak_process_watch){
        .phase = HAK_PHASE_LIVE,
        .pid = fields->pid,
        .inner_pid = fields->pid,
        .start_time = fields->start_time,
        .pidfd = -1,
        .wait_status = -1,
    };
    if (w->inner_pid == c->hello.pid && parent >= HAK_PROCESSES && w->start_time == 0)
        w->start_time = c->hello.start_time;
    uint64_t ticks = fields->tsc_start;
    /* Its parent's row comes first. Named parents may form a loop: this process is seen now. */
    if (parent < HAK_PROCESSES && c->processes[parent].phase == HAK_PHASE_UNSEEN)
        see_process(c, rows, parent, watch);
    watch_process(c, index, watch);
    make_process_row(c, rows, index, hak_clock_ns(&c->clock, ticks));
}

void hak_client_look_at_processes(struct hak_client *client, struct hak_rows *rows, int watch) {
    uint32_t processes = hak_mapping_process_count(&client->map);
    if (processes > client->processes_high)
        client->processes_high = processes;
    for (uint32_t i = 0; i < client->processes_high; i++)
        if (client->processes[i].phase == HAK_PHASE_UNSEEN)
            see_process(client, rows, i, watch);
}

bool hak_client_look_for_ends(struct hak_client *client) {
    bool any = false;
    for (uint32_t i = 0; i < client->processes_high; i++) {
        struct hak_process_watch *w = &client->processes[i];
        if (w->phase != HAK_PHASE_LIVE || !(has_ended(w) || has_executed(client, i)))
            continue;
        w->phase = HAK_PHASE_GONE;
        any = true;
        hak_ends_ask(w);
    }
    return any;
}

void hak_client_end_all(struct hak_client *client) {
    for (uint32_t i = 0; i < client->processes_high; i++) {
        struct hak_process_watch *w = &client->processes[i];
        if (w->phase == HAK_PHASE_LIVE) {
            w->phase = HAK_PHASE_GONE;
        }
    }
}

/* Whether it is a process of another pid namespace, gone before its outer pid could be found, that
 * has executed something and calls itself as the new session's does. */
static bool is_hidden_exec(const struct hak_client *c, uint32_t index,
                           const struct hak_hello *hello) {
    struct hak_process_entry *e = hak_mapping_process(&c->map, index);
    uint64_t own = hak_pid_namespace_own(), space = e->pid_space;
    bool is_hidden = c->processes[index].pid <= 0 && space && space != own;
    return is_hidden && e->pid == hello->pid && space == hello->pid_space &&
           atomic_load(&e->exec_state) != HAK_EXEC_NONE &&
           atomic_load(&e->state) == HAK_PROCESS_LIVE;
}

void hak_client_note_exec(struct hak_client *client, const struct hak_hello *hello, pid_t peer_pid,
                          uint64_t ns) {
    for (uint32_t i = 0; i < client->processes_high; i++) {
        struct hak_process_watch *w = &client->processes[i];
        const volatile struct hak_process_entry *e = hak_mapping_process(&client->map, i);
        bool is_other_space = client->is_file && e->pid_space != hello->pid_space;
        bool is_same =
            w->pid > 0 && w->pid == peer_pid && !is_other_space &&
            (w->start_time == hello->start_time || w->start_time == 0 || hello->start_time == 0);
        if ((w->phase == HAK_PHASE_LIVE || w->phase == HAK_PHASE_GONE) && w->replaced_ns == 0 &&
            (is_same || is_hidden_exec(client, i, hello)))
            w->replaced_ns = ns ? ns : 1;
    }
}

uint32_t hak_client_live(const struct hak_client *client) {
    uint32_t live = 0;
    for (uint32_t i = 0; i < client->processes_high; i++)
        live += client->processes[i].phase == HAK_PHASE_LIVE;
    return live;
}

void hak_process_copy_counters(struct hak_client *client, struct hak_rows *rows, uint32_t index) {
    struct hak_process_info *p = hak_rows_process_info(rows, client->processes[index].row);
    const struct hak_process_entry *e = hak_mapping_process(&client->map, index);
    if (!p || client->processes[index].phase == HAK_PHASE_CLOSED ||
        client->processes[index].phase == HAK_PHASE_UNSEEN)
        return;
    struct hak_process_row now = p->row;
    now.free_of_null = e->free_of_null;
    now.failed_calls = e->failed_calls;
    now.foreign_frees = e->foreign_frees;
    now.no_stack = e->no_stack + client->processes[index].unknown_stacks;
    if (now.free_of_null == p->row.free_of_null && now.failed_calls == p->row.failed_calls &&
        now.foreign_frees == p->row.foreign_frees && now.no_stack == p->row.no_stack)
        return;
    p->row = now;
    hak_rows_touch_process(rows, p->row.id);
}

void hak_client_copy_counters(struct hak_client *client, struct hak_rows *rows) {
    for (uint32_t i = 0; i < client->processes_high; i++)
        hak_process_copy_counters(client, rows, i);
}

bool hak_client_has_unseen(const struct hak_client *c) {
    uint32_t processes = c->map.memory ? hak_mapping_process_count(&c->map) : 0;
    for (uint32_t i = 0; i < processes; i++)
        if (c->processes[i].phase == HAK_PHASE_UNSEEN &&
            atomic_load(&hak_mapping_process(&c->map, i)->state) == HAK_PROCESS_LIVE)
            return true;
    return false;
}
