#!/usr/bin/env bash
# `top` on a terminal: its lines fit, and no word of them is broken, also where names of C++ functions are longer than a line.
set -u
unset "${!HAKMEM_@}" COLUMNS
cat >long.cpp <<'END'
#include <map>
#include <string>
#include <vector>
namespace a_rather_long_name_of_a_namespace {
template <typename First, typename Second> struct table_of_things {
    std::map<First, std::vector<Second>> things;
    __attribute__((noinline)) void add_one_of_them(const First &first, const Second &second) { things[first].push_back(second); }
};
}
int main() {
    auto &table = *new a_rather_long_name_of_a_namespace::table_of_things<std::string, std::pair<const std::string, unsigned long>>;
    for (int i = 0; i < 2000; i++)
        table.add_one_of_them("key number " + std::to_string(i % 97), {"a value that is no short string", 1ul});
    return 0;
}
END
g++ -O1 -g -o long long.cpp || exit 1
"$BUILD/hakmem-trace" run --check trace -s long.db -- ./long || exit 1
TRACE=$BUILD/hakmem-trace python3 "$SOURCE/tests/cli/columns.py" long.db
