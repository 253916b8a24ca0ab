/* Builds and searches the segment tree of a process's modules. */
#include "store/stacks/module_map.h"

#include <stdlib.h>
#include "base/sorted.h"

/* How many cuts are at most `address`. */
static uint32_t cuts_up_to(const struct hak_module_map *m, uint64_t address, uint64_t *steps) {
    uint32_t low = 0, high = m->cuts;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        ++*steps;
        if (m->cut[middle] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool make_cuts(struct hak_module_map *m) {
    m->cut = malloc(2 * (size_t)m->modules * sizeof *m->cut);
    if (!m->cut)
        return false;
    for (uint32_t i = 0; i < m->modules; i++) {
        m->cut[2 * i] = m->module[i].start;
        m->cut[2 * i + 1] = m->module[i].end;
    }
    m->cuts = hak_sort_distinct(m->cut, 2 * m->modules);
    return true;
}

/* Goes to the nodes that cover a module: counts it there in `first`, or, with a list, puts it into
 * its next free place. Leaf i, at cuts + i, goes from cut i to the next. */
static void visit_nodes(struct hak_module_map *m, uint32_t number, uint32_t *next) {
    const struct hak_known_module *module = &m->module[number];
    uint64_t steps = 0;
    if (module->end <= module->start)
        return; /* damage: nothing lies in it */
    uint32_t from = m->cuts + cuts_up_to(m, module->start, &steps) - 1;
    uint32_t to = m->cuts + cuts_up_to(m, module->end, &steps) - 1;
    for (; from < to; from /= 2, to /= 2) {
        uint32_t node[2] = {from & 1 ? from++ : 0, to & 1 ? --to : 0};
        for (int i = 0; i < 2; i++)
            if (node[i] && next)
                m->list[next[node[i]]++] = number;
            else if (node[i])
                m->first[node[i] + 1]++;
    }
}

bool hak_module_map_make(struct hak_module_map *m) {
    if (!m->modules)
        return true;
    if (!make_cuts(m))
        return false;
    size_t nodes = 2 * (size_t)m->cuts;
    uint32_t *next = malloc(nodes * sizeof *next);
    m->first = calloc(nodes + 1, sizeof *m->first);
    for (uint32_t i = 0; i < m->modules && m->first; i++)
        visit_nodes(m, i, NULL);
    for (size_t i = 0; i < nodes && next && m->first; i++) {
        m->first[i + 1] += m->first[i];
        next[i] = m->first[i];
    }
    m->list = m->first ? malloc((m->first[nodes] + (size_t)1) * sizeof *m->list) : NULL;
    bool is_made = next && m->list;
    for (uint32_t i = 0; i < m->modules && is_made; i++)
        visit_nodes(m, i, next);
    free(next);
    return is_made;
}

const struct hak_known_module *hak_module_map_find(const struct hak_module_map *m, uint64_t address,
                                                   uint32_t generation, uint64_t *steps) {
    uint32_t leaf = cuts_up_to(m, address, steps), best = 0; /* a number + 1 */
    for (uint32_t node = leaf ? m->cuts + leaf - 1 : 0; node; node /= 2) {
        uint32_t low = m->first[node], high = m->first[node + 1];
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            ++*steps;
            if (m->module[m->list[middle]].generation <= generation)
                low = middle + 1;
            else
                high = middle;
        }
        if (low > m->first[node] && m->list[low - 1] >= best)
            best = m->list[low - 1] + 1;
    }
    return best ? &m->module[best - 1] : NULL;
}

void hak_module_map_free(struct hak_module_map *m) {
    free(m->module);
    free(m->cut);
    free(m->first);
    free(m->list);
    *m = (struct hak_module_map){0};
}
