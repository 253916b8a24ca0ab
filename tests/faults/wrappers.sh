#!/usr/bin/env bash
# Wrappers of the allocator with names that tell nothing: the stack is shown to two frames that are none, in C and
# C++. None is hidden, and what is called from few places is none.
. "${SOURCE:?}/tests/tools/test.sh"

# Each of the four is called from four places and more, all at the end of stacks of malloc.
cat >chain.c <<'EOF'
#include <stdlib.h>
static void *kept[64];
static int count;
static char *grab(unsigned bytes) { char *p = malloc(bytes); return p; }
static char *piece(unsigned bytes) { char *p = grab(bytes); return p; }
static char *cell(unsigned bytes) { char *p = piece(bytes); return p; }
static char *node_make(unsigned bytes) { char *p = cell(bytes); return p; }
static char *tree_add(unsigned bytes) { char *p = node_make(bytes); return p; }
static char *read_tree(unsigned bytes) { char *p = tree_add(bytes); return p; }
static char *load(unsigned bytes) { char *p = read_tree(bytes); return p; }
static void fill(void) {
    kept[count++] = grab(1), kept[count++] = grab(2), kept[count++] = grab(3);
    kept[count++] = piece(1), kept[count++] = piece(2), kept[count++] = piece(3);
    kept[count++] = cell(1), kept[count++] = cell(2), kept[count++] = cell(3);
    kept[count++] = node_make(1), kept[count++] = node_make(2), kept[count++] = node_make(3);
}
static void few(void) { kept[count++] = tree_add(1), kept[count++] = tree_add(2); }
int main(void) {
    fill();
    few();
    char *volatile right = load(40);
    right[40] = 1;
    free(right);
}
EOF
cat >chain.cpp <<'EOF'
#include <cstdlib>
#include <vector>
static std::vector<char *> kept;
struct Store {
    static char *raw(unsigned bytes) { char *p = new char[bytes]; return p; }
    template <class T> static T *one(unsigned count) { T *p = (T *)raw(count); return p; }
    static char *row(unsigned bytes) { char *p = one<char>(bytes); return p; }
    static char *line(unsigned bytes) { char *p = row(bytes); return p; }
};
struct Page {
    static char *add(unsigned bytes) { char *p = Store::line(bytes); return p; }
    static char *open(unsigned bytes) { char *p = add(bytes); return p; }
    static char *find(unsigned bytes) { char *p = open(bytes); return p; }
};
static void fill() {
    kept.push_back(Store::raw(1)), kept.push_back(Store::raw(2)), kept.push_back(Store::raw(3));
    kept.push_back(Store::one<char>(1)), kept.push_back(Store::one<char>(2)), kept.push_back(Store::one<char>(3));
    kept.push_back(Store::row(1)), kept.push_back(Store::row(2)), kept.push_back(Store::row(3));
    kept.push_back(Store::line(1)), kept.push_back(Store::line(2)), kept.push_back(Store::line(3));
}
int main() {
    fill();
    char *volatile right = Page::find(40);
    right[40] = 1;
    delete[] right;
}
EOF

# allocated LANGUAGE SOURCE DUE [OPTION HEADING]: the frames under ALLOCATED, or another heading, one in a line.
allocated() {
    local found
    "${CC:-cc}" -g -O0 -w -x "$1" -o app "$2" -lstdc++ || exit 1
    "$BUILD/hakmem-trace" run ${4:+"$4"} -s app.db --force -- ./app >report 2>&1
    found=$(awk -v heading="^  ${5:-ALLOCATED}" '/^  [A-Z]/ { inside = $0 ~ heading; next } inside && /^      (#|\.\.\.)/ { if ($1 != "...") NF--; else NF = 3; print }' report | paste -sd';')
    [ "$found" = "$3" ] && return
    cat report
    echo "$2: shows '$found', '$3' was due"
    failed=1
}
allocated c chain.c '#0 grab;#1 piece;#2 cell;#3 node_make;#4 tree_add;#5 read_tree;... and 2'
sed -i 's/^    fill();/    if (count) fill();/' chain.c # so each is called from one place: none is a wrapper
allocated c chain.c '#0 grab;#1 piece;#2 cell;#3 node_make;... and 4'
sed -i 's/^    if (count) fill();/    fill();/; s/free(right);/right = NULL;/; s/right\[40\] = 1;//' chain.c
allocated c chain.c '#0 grab;#1 piece;#2 cell;#3 node_make;#4 tree_add;#5 read_tree;... and 2' --leaks 'Direct leak of 40 '
allocated c++ chain.cpp '#0 Store::raw(unsigned int);#1 char* Store::one<char>(unsigned int);#2 Store::row(unsigned int);#3 Store::line(unsigned int);#4 Page::add(unsigned int);#5 Page::open(unsigned int);... and 2'
