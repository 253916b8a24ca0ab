/* Baselines: read, asked, added to, pruned, written; what others wrote into them stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/known/known.h"
#include "unit/suite.h"

static char error[512];

static void put(const char *text) {
    FILE *file = fopen("baseline.json", "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static struct hak_baseline *load(void) {
    struct hak_baseline *made = hak_baseline_load("baseline.json", false, error, sizeof error);
    ck_assert_msg(made != NULL, "%s", error);
    return made;
}

static void expect_error(const char *text, const char *due) {
    put(text);
    ck_assert_ptr_null(hak_baseline_load("baseline.json", false, error, sizeof error));
    ck_assert_msg(strncmp(error, due, strlen(due)) == 0, "%s", error);
}

TEST(what_is_written_is_read) {
    unlink("baseline.json");
    struct hak_baseline *made = hak_baseline_load("baseline.json", true, error, sizeof error);
    ck_assert_ptr_nonnull(made);
    ck_assert(hak_baseline_add(made, "HKM-301:b", "heap-buffer-overflow", "f a.c", "app", "today"));
    ck_assert(hak_baseline_add(made, "HKM-202:a", "double-free", "g \xff", "app", "today"));
    ck_assert_msg(hak_baseline_write(made, error, sizeof error), "%s", error);
    hak_baseline_free(made);
    made = load();
    ck_assert_uint_eq(made->count, 2);
    ck_assert_str_eq(made->list[0].fingerprint, "HKM-202:a");
    ck_assert_str_eq(hak_baseline_find(made, "HKM-301:b")->place, "f a.c");
    ck_assert_ptr_null(hak_baseline_find(made, "HKM-301:c"));
    ck_assert_ptr_null(hak_baseline_find(NULL, "HKM-301:b"));
    ck_assert(!made->list[0].seen);
    hak_baseline_free(made);
}

TEST(what_people_wrote_stays) {
    put("{\"hakmem_baseline\": 1, \"findings\": [{\"fingerprint\": \"x\", \"note\": \"ticket 17\","
        " \"owner\": {\"team\": \"core\"}}]}");
    struct hak_baseline *made = load();
    ck_assert_str_eq(made->list[0].note, "ticket 17");
    ck_assert(hak_baseline_write(made, error, sizeof error));
    hak_baseline_free(made);
    char text[512] = "";
    FILE *file = fopen("baseline.json", "r");
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    fclose(file);
    ck_assert_ptr_nonnull(strstr(text, "\"team\": \"core\""));
    ck_assert_ptr_nonnull(strstr(text, "ticket 17"));
}

static bool ran(void *context, const char *program) {
    (void)context;
    return strcmp(program, "app") == 0;
}

TEST(only_what_could_be_seen_is_pruned) {
    put("{\"hakmem_baseline\": 1, \"findings\": ["
        "{\"fingerprint\": \"a\", \"program\": \"app\"}, {\"fingerprint\": \"b\", \"program\": "
        "\"app\"},"
        "{\"fingerprint\": \"c\", \"program\": \"other\"}]}");
    struct hak_baseline *made = load();
    hak_baseline_find(made, "b")->seen = true;
    ck_assert_uint_eq(hak_baseline_prune(made, ran, NULL), 1);
    ck_assert_ptr_null(hak_baseline_find(made, "a"));
    ck_assert_ptr_nonnull(hak_baseline_find(made, "b"));
    ck_assert_ptr_nonnull(hak_baseline_find(made, "c"));
    hak_baseline_free(made);
}

TEST(a_finding_counts_once) {
    put("{\"hakmem_baseline\": 1, \"findings\": [{\"fingerprint\": \"a\"}, {\"fingerprint\": "
        "\"a\"}]}");
    struct hak_baseline *made = load();
    ck_assert_uint_eq(made->count, 1);
    hak_baseline_free(made);
}

TEST(all_of_a_big_file_in_any_order_are_found) {
    enum { ENTRIES = 200000 }; /* comparing each with each would take minutes */
    char name[32];
    FILE *file = fopen("baseline.json", "w");
    fprintf(file, "{\"hakmem_baseline\": 1, \"findings\": [{\"fingerprint\": \"17\", \"note\": "
                  "\"first\"}");
    for (int i = ENTRIES; i-- > 0;)
        fprintf(file, ",\n{\"fingerprint\": \"%d\", \"program\": \"%s\"}", i,
                i % 2 ? "app" : "other");
    fprintf(file, "]}");
    fclose(file);
    struct hak_baseline *made = load();
    ck_assert_uint_eq(made->count, ENTRIES);
    ck_assert_str_eq(hak_baseline_find(made, "17")->note, "first");
    ck_assert(hak_baseline_add(made, "0x", "", "", "app", "today"));
    ck_assert_uint_eq(hak_baseline_prune(made, ran, NULL), ENTRIES / 2 - 1);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "%d", i);
        ck_assert_msg((hak_baseline_find(made, name) != NULL) == (i % 2 == 0 || i == 17), "%d", i);
    }
    ck_assert_ptr_nonnull(hak_baseline_find(made, "0x"));
    hak_baseline_free(made);
}

TEST(a_leak_grows_by_blocks_or_bytes) {
    put("{\"hakmem_baseline\": 1, \"findings\": [{\"fingerprint\": \"a\", \"blocks\": -1, "
        "\"bytes\": \"x\"},"
        " {\"fingerprint\": \"b\", \"blocks\": 100, \"bytes\": 1000}]}");
    struct hak_baseline *made = load();
    struct hak_baseline_entry *old = hak_baseline_find(made, "a"),
                              *leak = hak_baseline_find(made, "b");
    ck_assert_uint_eq(old->blocks, 0);
    ck_assert(!hak_baseline_has_grown(old, 1000000, 1000000, 20));
    ck_assert(!hak_baseline_has_grown(leak, 120, 1200, 20));
    ck_assert(hak_baseline_has_grown(leak, 121, 1000, 20));
    ck_assert(hak_baseline_has_grown(leak, 100, 1201, 20));
    ck_assert(hak_baseline_has_grown(leak, 101, 1000, 0));
    ck_assert(!hak_baseline_has_grown(leak, 5, 50, 0));
    hak_baseline_set_leak(old, UINT32_MAX, UINT64_C(1) << 40);
    ck_assert_msg(hak_baseline_write(made, error, sizeof error), "%s", error);
    hak_baseline_free(made);
    made = load();
    ck_assert_uint_eq(hak_baseline_find(made, "a")->bytes, UINT64_C(1) << 40);
    ck_assert(!hak_baseline_has_grown(hak_baseline_find(made, "a"), UINT32_MAX, 5, 1000000));
    hak_baseline_free(made);
}

TEST(errors_say_what_was_due) {
    expect_error("{\n\"hakmem_baseline\": 1,\n", "baseline.json:3: the baseline is not JSON: ");
    expect_error("[]", "baseline.json: not a baseline: {\"hakmem_baseline\": 1, ");
    expect_error("{\"findings\": []}", "baseline.json: not a baseline");
    expect_error("{\"hakmem_baseline\": 2, \"findings\": []}",
                 "baseline.json: the baseline has version 2, and this hakmem reads 1");
    expect_error("{\"hakmem_baseline\": 1, \"findings\": [{}, 5]}",
                 "baseline.json: finding 1 of the baseline has no \"fingerprint\"");
    ck_assert_ptr_null(hak_baseline_load("/no/such", false, error, sizeof error));
    ck_assert_str_eq(error, "/no/such: the baseline cannot be read: No such file or directory; "
                            "`hakmem-trace faults --write-baseline FILE` writes one");
}

TEST(a_folder_that_is_not_there_is_told) {
    struct hak_baseline *made =
        hak_baseline_load("no/such/baseline.json", true, error, sizeof error);
    ck_assert_ptr_nonnull(made);
    ck_assert(!hak_baseline_write(made, error, sizeof error));
    ck_assert_str_eq(error, "no/such/baseline.json: the baseline cannot be written: No such file "
                            "or directory");
    hak_baseline_free(made);
}

RUN_TESTS()
