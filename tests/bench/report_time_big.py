#!/usr/bin/env python3
"""Writes a C++ program with much debug information: `report_time_big.py FOLDER FILES`.

Each file instantiates containers of types of its own, so that nothing is shared; about 12 MB of debug
information for each file with g++ -g -O0. main.cpp has one of them take a block, another one free it and a third free it again; it must be given note_now().
"""
import os
import sys

TYPES = 60  # of each file

FILE = """#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>
namespace part{part} {{
{types}
int work(int seed) {{
    int sum = seed;
{calls}
    return sum;
}}
}} // namespace part{part}
"""
TYPE = """struct T{i} {{ int a; std::string b; std::vector<int> c; bool operator<(const T{i} &o) const {{ return a < o.a; }} }};
int use{i}(int seed) {{
    std::map<T{i}, std::vector<T{i}>> m;
    std::unordered_map<int, std::shared_ptr<T{i}>> u;
    std::function<int(const T{i} &)> f = [](const T{i} &t) {{ return t.a; }};
    T{i} t{{seed, "x", {{1, 2}}}};
    m[t].push_back(t);
    u[seed] = std::make_shared<T{i}>(t);
    return f(m.begin()->second.back()) + u[seed]->a;
}}
"""

# Each step is done in the middle of one of the files: by what all of them call in libstdc++.
MAIN = """#include <dlfcn.h>
#include <stdlib.h>
{declarations}
#define INSERT "_ZSt29_Rb_tree_insert_and_rebalancebPSt18_Rb_tree_node_baseS0_RS_"
static int step;
static char *text;
static void note_now();
static void release(char *p) {{ free(p); }}
void insert(bool left, void *node, void *parent, void *header) __asm__(INSERT);
void insert(bool left, void *node, void *parent, void *header) {{
    static auto next = (void (*)(bool, void *, void *, void *))dlsym(RTLD_NEXT, INSERT);
    next(left, node, parent, header);
    int now = step;
    step = 0;
    if (now == 1)
        text = (char *)malloc(24);
    if (now == 3)
        note_now();
    if (now > 1)
        release(text);
}}
int main(int argc, char **argv) {{
    step = 1;
    int sum = part0::work(argc);
    step = 2;
    sum += part{middle}::work(sum);
    step = 3;
    sum += part{last}::work(sum);
    return sum == 0;
}}
"""


def main():
    folder, files = sys.argv[1], int(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    for part in range(files):
        types = "".join(TYPE.format(i=i) for i in range(TYPES))
        calls = "".join(f"    sum += use{i}(sum);\n" for i in range(TYPES))
        with open(f"{folder}/part{part}.cpp", "w") as out:
            out.write(FILE.format(part=part, types=types, calls=calls))
    declarations = "".join(f"namespace part{p} {{ int work(int); }}\n" for p in range(files))
    middle, last = files // 2, files - 1
    with open(f"{folder}/main.cpp", "w") as out:
        out.write(MAIN.format(declarations=declarations, middle=middle, last=last))


main()
