/* Parts of the C++ library that keep memory of their own: streams, locales, regex, paths, random.
 */
#include <cxxabi.h>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <locale>
#include <random>
#include <regex>
#include <sstream>
#include <typeinfo>
#include "../corpus/shapes.h"

SHAPE(streams) {
    std::ostringstream out;
    for (int i = 0; i < 2000; i++)
        out << std::setw(6) << i << ' ';
    std::istringstream in(out.str());
    long sum = 0;
    for (int number; in >> number;)
        sum += number;
    require(sum == 1999000, "the sum");
    std::ifstream file("/proc/self/status");
    std::string line;
    while (std::getline(file, line)) {
    }
    std::cout << "on standard output" << std::endl;
}

SHAPE(locales) {
    std::locale classic = std::locale::classic();
    std::locale with_own(classic, new std::numpunct<char>());
    std::ostringstream out;
    out.imbue(with_own);
    out << 1234567.5;
}

SHAPE(expressions) {
    std::regex expression("([a-z]+)-([0-9]+)");
    std::smatch match;
    std::string text = "some words-12 and more-345 of them";
    int count = 0;
    for (auto rest = text; std::regex_search(rest, match, expression); rest = match.suffix())
        count++;
    require(count == 2, "two matches");
}

SHAPE(paths) {
    size_t count = 0;
    for (const auto &entry : std::filesystem::directory_iterator("/"))
        count += entry.path().string().size();
    require(count > 10, "names");
    std::filesystem::path path = "/one/two/../three/four.txt";
    require(path.lexically_normal().extension() == ".txt", "its extension");
}

SHAPE(demangled) {
    int status;
    char *name =
        abi::__cxa_demangle(typeid(std::vector<std::string>).name(), nullptr, nullptr, &status);
    require(status == 0 && strstr(name, "vector") != nullptr, "a readable name");
    free(name);
    size_t size = 5;
    char *small = static_cast<char *>(malloc(size));
    name = abi::__cxa_demangle("St6vectorIiSaIiEE", small, &size, &status);
    free(name);
}

SHAPE(random_numbers) {
    std::mt19937 engine(42);
    std::discrete_distribution<int> weighted({1, 2, 3});
    long sum = 0;
    for (int i = 0; i < 1000; i++)
        sum += weighted(engine);
    require(sum > 1000, "weighted");
}

RUN_ALL()
