/* Children of every kind keep to themselves and tell where they come from. */
#include "unit/trace/fake_collector.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "trace/wait.h"

static struct fake_collector collector;

static void begin(void) {
    fake_begin(&collector, 128 << 20, 16 << 10);
    record_number(0);
}

static pid_t fork_with_handlers(void) {
    hak_trace_fork_prepare();
    pid_t child = fork();
    if (child == 0)
        hak_trace_fork_child();
    else
        hak_trace_fork_parent();
    return child;
}

/* Records of `kind` in rings of process entry `process`. */
static size_t count_of(uint32_t process, uint8_t kind) {
    size_t found = 0;
    for (size_t i = 0; i < collector.count; i++)
        found += collector.seen[i].process == process &&
                 hak_record_kind_of(&collector.seen[i].record) == kind;
    return found;
}

TEST(a_child_has_an_entry_and_rings_of_its_own) {
    struct hak_ring_entry *inherited = hak_writer.ring;
    uint64_t head = atomic_load(&inherited->head);
    pid_t child = fork_with_handlers();
    if (child == 0) {
        record_number(1);
        record_number(2);
        _exit(hak_trace_thread() == 1 ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_uint_eq(atomic_load(&inherited->head), head + 1); /* FORK */
    record_number(3);
    fake_drain(&collector);
    const struct hak_process_entry *entry = &fake_processes(&collector)[1];
    ck_assert_uint_eq(atomic_load(&entry->state), HAK_PROCESS_ENDED);
    ck_assert_int_eq(entry->pid, child);
    ck_assert_int_eq(entry->parent_pid, getpid());
    ck_assert_uint_eq(entry->parent, 0);
    ck_assert_uint_eq(entry->fork_number, 1);
    ck_assert_uint_eq(count_of(0, HAK_FREE), 2);
    ck_assert_uint_eq(count_of(1, HAK_FREE), 2);
    ck_assert_uint_eq(count_of(1, HAK_PROCESS_START), 1);
    ck_assert_uint_eq(count_of(1, HAK_THREAD_START), 1);
    for (size_t i = 0; i < collector.count; i++)
        if (hak_record_kind_of(&collector.seen[i].record) == HAK_FORK)
            ck_assert_uint_eq(fake_fields(&collector, i).size, 1);
}

static pid_t raw_fork(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

TEST(a_raw_clone_is_noticed_without_handlers) {
    uint64_t head = atomic_load(&hak_writer.ring->head);
    struct hak_ring_entry *inherited = hak_writer.ring;
    pid_t child = raw_fork();
    if (child == 0) {
        record_number(1);
        _exit(hak_writer.ring != inherited ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_uint_eq(atomic_load(&inherited->head), head);
    fake_drain(&collector);
    ck_assert_uint_eq(count_of(1, HAK_FREE), 1);
    ck_assert_uint_eq(fake_processes(&collector)[1].fork_number, 0);
    ck_assert_uint_eq(fake_processes(&collector)[1].parent, 0);
}

/* Fork handlers of the program may allocate before ours runs. */
TEST(an_early_event_of_a_child_keeps_its_fork_number) {
    uint64_t head = atomic_load(&hak_writer.ring->head);
    hak_trace_fork_prepare();
    /* FORK is published before there is a child. */
    ck_assert_uint_eq(atomic_load(&hak_writer.ring->head), head + 1);
    pid_t child = fork();
    if (child == 0) {
        record_number(1);
        hak_trace_fork_child();
        record_number(2);
        _exit(0);
    }
    hak_trace_fork_parent();
    ck_assert_int_eq(status_of(child), 0);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_processes(&collector)[1].fork_number, 1);
    ck_assert_uint_eq(atomic_load(&fake_processes(&collector)[2].state), HAK_PROCESS_FREE);
    ck_assert_uint_eq(count_of(1, HAK_FREE), 2);
}

TEST(children_of_children_name_their_parents) {
    pid_t child = fork_with_handlers();
    if (child == 0) {
        pid_t grandchild = fork_with_handlers();
        if (grandchild == 0) {
            record_number(2);
            _exit(0);
        }
        int status;
        _exit(waitpid(grandchild, &status, 0) == grandchild && status == 0 ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_processes(&collector)[1].parent, 0);
    ck_assert_uint_eq(fake_processes(&collector)[2].parent, 1);
    ck_assert_uint_eq(count_of(2, HAK_FREE), 1);
}

/* Gives back entries of processes that are gone, as the collector does. */
static void give_back_entries(void) {
    for (uint32_t i = 1; i < HAK_PROCESSES; i++) {
        struct hak_process_entry *entry = &fake_processes(&collector)[i];
        if (atomic_load(&entry->state) == HAK_PROCESS_FREE || kill(entry->pid, 0) == 0)
            continue;
        for (uint32_t r = 0; r < HAK_RINGS; r++) {
            struct hak_ring_entry *ring = &fake_rings(&collector)[r];
            if (atomic_load(&ring->state) == HAK_RING_CLAIMED && ring->process == i)
                fake_drain_ring(&collector, r, atomic_load(&ring->head), true);
        }
        atomic_store(&entry->state, HAK_PROCESS_FREE);
    }
}

TEST(thousands_of_children_reuse_entries) {
    enum { EACH = 5 };
    const int children = is_quick() ? HAK_PROCESSES + 200 : 3000;
    for (int i = 0; i < children; i++) {
        pid_t child = i % 3 ? fork_with_handlers() : raw_fork();
        if (child == 0) {
            for (uint64_t n = 0; n < EACH; n++)
                record_number(n);
            _exit(hak_current.session ? 0 : 1);
        }
        ck_assert_int_eq(status_of(child), 0);
        if (i % 50 == 0) {
            fake_drain(&collector);
            give_back_entries();
        }
    }
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 1 + (size_t)children * EACH);
    ck_assert_uint_eq(fake_count(&collector, HAK_PROCESS_START), (size_t)children);
    ck_assert_uint_eq(atomic_load(&fake_processes(&collector)[0].lost_unringed), 0);
}

TEST(no_entry_left_is_said_to_the_parent) {
    for (uint32_t i = 1; i < HAK_PROCESSES; i++)
        atomic_store(&fake_processes(&collector)[i].state, HAK_PROCESS_LIVE);
    pid_t child = fork_with_handlers();
    if (child == 0) {
        record_number(1);
        _exit(hak_current.session == NULL ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_uint_eq(atomic_load(&collector.session->unentered), 1);
    ck_assert_uint_eq(atomic_load(&collector.session->unentered_events), 1);
    /* The next one does not wait again, and counts more. */
    child = fork_with_handlers();
    if (child == 0) {
        struct rusage before, after;
        getrusage(RUSAGE_SELF, &before);
        record_number(1);
        record_number(2);
        getrusage(RUSAGE_SELF, &after);
        _exit(after.ru_nvcsw == before.ru_nvcsw ? 0 : 1); /* it slept not once */
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_uint_eq(atomic_load(&collector.session->unentered), 2);
    ck_assert_uint_eq(atomic_load(&collector.session->unentered_events), 3);
    record_number(1);
    fake_drain(&collector);
    ck_assert_uint_eq(count_of(0, HAK_FREE), 2);
}

static void *record_all_the_time(void *stop) {
    for (uint64_t i = 0; !atomic_load((_Atomic bool *)stop); i++) {
        record_number(i);
        if (i % 100 == 0)
            usleep(100); /* what is read stays small: every fork copies its page tables */
    }
    return NULL;
}

TEST(forks_in_the_middle_of_other_threads_records) {
    fake_start(&collector);
    _Atomic bool stop = false;
    pthread_t thread;
    pthread_create(&thread, NULL, record_all_the_time, &stop);
    for (int i = 0; i < 200; i++) {
        pid_t child = i % 2 ? fork_with_handlers() : raw_fork();
        if (child == 0) {
            record_number(1);
            _exit(0);
        }
        ck_assert_int_eq(status_of(child), 0);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    fake_stop(&collector);
    ck_assert_uint_eq(fake_lost(&collector), 0);
    ck_assert_uint_eq(fake_count(&collector, HAK_PROCESS_START), 200);
}

/* The child of a vfork works in its parent's heap, as shells do: it records as its parent's thread.
 */
TEST(a_vfork_child_records_as_its_parent) {
    pid_t (*volatile call)(void) = vfork; /* what programs call is ours */
    for (uint64_t i = 0; i < 100; i++) {
        pid_t child = call();
        if (child == 0) {
            record_number(1 + 2 * i);
            _exit(3);
        }
        ck_assert_int_eq(status_of(child), 3 << 8);
        record_number(2 + 2 * i);
    }
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 201);
    ck_assert_uint_eq(fake_count(&collector, HAK_PROCESS_END), 0);
    ck_assert_uint_eq(fake_lost(&collector), 0);
    uint32_t number = 0;
    for (size_t i = 0; i < collector.count; i++)
        if (hak_record_kind_of(&collector.seen[i].record) == HAK_FREE)
            ck_assert_uint_eq(fake_fields(&collector, i).record_count, number++);
}

TEST(a_vfork_child_killed_in_a_record_hides_nothing) {
    pid_t (*volatile call)(void) = vfork;
    pid_t child = call();
    if (child == 0) {
        uint64_t at, ticks;
        hak_ring_reserve(1, &at, &ticks);
        raise(SIGKILL);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status));
    record_number(1);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 2);
    ck_assert_uint_eq(fake_lost(&collector), 1);
}

TEST(vfork_keeps_errno_and_fails_as_it_should) {
    struct rlimit none = {0, 0}, before;
    pid_t (*volatile call)(void) = vfork;
    getrlimit(RLIMIT_NPROC, &before);
    if (getuid() == 0) {
        ck_assert_int_eq(setgid(65534), 0);
        ck_assert_int_eq(setuid(65534), 0);
    }
    setrlimit(RLIMIT_NPROC, &none);
    errno = 0;
    ck_assert_int_eq(call(), -1);
    ck_assert_int_eq(errno, EAGAIN);
    record_number(1);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 2);
}

RUN_TESTS(.set_up = begin)
