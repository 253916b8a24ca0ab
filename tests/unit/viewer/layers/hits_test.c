/* Hit rates and stages of `layers`, from counters that are written here. */
#include <stdlib.h>
#include <string.h>
#include "viewer/layers/counts.h"
#include "unit/suite.h"

static struct layers_cells cells;
static struct layers layers;

static void begin(void) {
    memset(&cells, 0, sizeof cells);
    layers = (struct layers){.all = &cells};
    layers.filter.band = -1;
    layers.filter.store.class_index = -1;
}

static void expect(unsigned layer, uint64_t hits, uint64_t asked) {
    struct layers_hits found = layers_hits(&layers, layer);
    ck_assert_uint_eq(found.hits, hits);
    ck_assert_uint_eq(found.asked, asked);
}

TEST(a_front_alone_is_asked_for_everything) {
    cells.cells[3][HAK_METRIC_SERVED_FRONT] = 90;
    cells.cells[3][HAK_METRIC_SERVED_SLAB] = 9;
    cells.cells[3][HAK_METRIC_SERVED_MAP] = 1;
    cells.cells[HAK_METRIC_NO_CLASS][HAK_METRIC_SERVED_LARGE] = 50;
    expect(HAK_LAYER_FRONT, 90, 100);
    expect(HAK_LAYER_ULTRAHOT, 0, 0);
    expect(HAK_LAYER_SLAB, 0, 0);
    expect(HAK_LAYER_LARGE, 0, 0);
}

TEST(each_front_is_asked_for_what_the_one_before_it_had_not) {
    cells.cells[3][HAK_METRIC_SERVED_ULTRAHOT] = 50;
    cells.cells[3][HAK_METRIC_SERVED_SFC] = 10;
    cells.cells[3][HAK_METRIC_SERVED_BELOW] = 30;
    cells.cells[3][HAK_METRIC_SERVED_SLAB] = 10;
    cells.cells[3][HAK_METRIC_FRONT_REFILL_BLOCKS] = 40;
    expect(HAK_LAYER_ULTRAHOT, 50, 100);
    expect(HAK_LAYER_SFC, 10, 50);
    expect(HAK_LAYER_BELOW, 30, 40);
    expect(HAK_LAYER_FRONT, 0, 0); /* it is the second front */
    /* Classes without the front are not asked. */
    cells.cells[9][HAK_METRIC_SERVED_FRONT] = 1000;
    expect(HAK_LAYER_ULTRAHOT, 50, 100);
    expect(HAK_LAYER_FRONT, 1000, 1000);
}

TEST(a_layer_that_is_on_and_has_nothing_shows_no_hits) {
    cells.cells[3][HAK_METRIC_SERVED_BELOW] = 20;
    cells.cells[3][HAK_METRIC_FC_FILL_BLOCKS] = 5;
    expect(HAK_LAYER_FC, 0, 20);
    cells.unknown[3] = 7; /* of a layer that stands behind all that are known */
    expect(HAK_LAYER_FC, 0, 27);
}

/* Processes of one capture may have different fronts, so a class may have been served by two bases:
 * neither was asked for what the other had. */
TEST(bases_stand_beside_each_other) {
    cells.cells[3][HAK_METRIC_SERVED_FRONT] = 10;
    cells.cells[3][HAK_METRIC_SERVED_MAGAZINE] = 20;
    cells.cells[3][HAK_METRIC_SERVED_SLL] = 5;
    expect(HAK_LAYER_FRONT, 10, 15);
    expect(HAK_LAYER_MAGAZINE, 20, 25);
    expect(HAK_LAYER_SLL, 5, 5);
}

TEST(large_blocks_go_through_their_own_layers) {
    uint64_t *large = cells.cells[HAK_METRIC_NO_CLASS];
    large[HAK_METRIC_SERVED_BIGCACHE] = 6;
    large[HAK_METRIC_SERVED_L25] = 3;
    large[HAK_METRIC_SERVED_LARGE] = 1;
    expect(HAK_LAYER_BIGCACHE, 6, 10);
    expect(HAK_LAYER_L25, 3, 4);
}

TEST(every_slab_taken_has_its_stage) {
    cells.cells[3][HAK_METRIC_SLAB_ACQUIRE_TIMES] = 10;
    cells.cells[3][HAK_METRIC_SLAB_REUSE_TIMES] = 7;
    cells.cells[3][HAK_METRIC_SLAB_CLAIM_TIMES] = 2;
    struct layers_stages stages = layers_stages(&layers);
    ck_assert(stages.is_known);
    ck_assert_uint_eq(stages.empty + stages.unused + stages.mapped, stages.taken);
    ck_assert_uint_eq(stages.mapped, 1);
    layers.is_from_log = true;
    ck_assert(!layers_stages(&layers).is_known);
}

TEST(a_name_is_of_one_metric) {
    for (unsigned metric = 0; metric < HAK_METRICS; metric++)
        ck_assert_uint_eq(hak_metric_named(hak_metric_name(metric)), metric);
    ck_assert_uint_eq(hak_metric_named("served.OF_TOMORROW"), HAK_METRICS);
}

RUN_TESTS(.set_up = begin)
