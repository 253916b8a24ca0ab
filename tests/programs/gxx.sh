#!/usr/bin/env bash
# g++ on template-heavy C++ (driver, cc1plus, as, collect2, ld), and the program that it makes.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
cat >templates.cc <<'END'
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>
#ifdef LARGE
#include <future>
#include <regex>
#endif
template <int N> struct Fibonacci { static constexpr long value = Fibonacci<N - 1>::value + Fibonacci<N - 2>::value; };
template <> struct Fibonacci<1> { static constexpr long value = 1; };
template <> struct Fibonacci<0> { static constexpr long value = 0; };
template <int N> struct Deep { using type = std::tuple<int, typename Deep<N - 1>::type>; };
template <> struct Deep<0> { using type = std::tuple<int>; };
template <typename... T> auto sum(T... values) { return (values + ... + 0); }
using Value = std::variant<int, double, std::string, std::vector<int>>;
template <int N> long apply(std::map<std::string, Value> &values) {
    values["n" + std::to_string(N)] = std::vector<int>(N % 10, N);
    values["s" + std::to_string(N)] = std::string(N, 'x');
    long total = 0;
    for (auto &[name, value] : values)
        total += std::visit([&](auto &v) -> long {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_arithmetic_v<T>) return long(v);
            else return long(v.size() + name.size());
        }, value);
    if constexpr (N > 0) total += apply<N - 1>(values);
    return total;
}
struct Base { virtual ~Base() = default; virtual int number() const = 0; };
template <int N> struct alignas(N % 3 == 0 ? 64 : 16) Derived : Base { char data[N * 8 + 1]; int number() const override { return N; } };
template <int N> void make(std::vector<std::unique_ptr<Base>> &all) { all.push_back(std::make_unique<Derived<N>>()); if constexpr (N > 1) make<N - 1>(all); }
int main() {
    std::map<std::string, Value> values{{"one", 1}, {"pi", 3.14}};
    std::vector<std::unique_ptr<Base>> all;
    make<COUNT>(all);
    std::sort(all.begin(), all.end(), [](auto &a, auto &b) { return a->number() < b->number(); });
    long total = apply<COUNT>(values) + Fibonacci<60>::value % 1000 + sum(1, 2, 3, 4);
    typename Deep<COUNT>::type deep{};
    std::unordered_map<int, std::function<int(int)>> functions;
    for (int i = 0; i < 1000; i++) functions[i] = [i, text = std::string(i % 50, 'y')](int n) { return i * n + int(text.size()); };
    for (auto &[n, f] : functions) total += f(n) % 7;
    int caught = 0;
    for (int i = 0; i < 500; i++)
        try { if (i % 2) throw std::runtime_error(std::string(100, 'e')); else throw i; }
        catch (const std::exception &e) { caught += int(std::string(e.what()).size()); }
        catch (int) { caught++; }
    try { std::vector<char> huge(static_cast<size_t>(-1) / 4); } catch (const std::bad_alloc &) { caught += 7; } catch (const std::length_error &) { caught += 9; }
#ifdef LARGE
    std::regex word("([a-z]+)([0-9]*)");
    std::string text = "abc123 def4 gh5";
    total += std::distance(std::sregex_iterator(text.begin(), text.end(), word), std::sregex_iterator());
    std::vector<std::future<long>> later;
    for (int i = 0; i < 8; i++) later.push_back(std::async(std::launch::async, [i] { std::map<int, std::string> m; for (int k = 0; k < 5000; k++) m[k * 7919 % 5003] += std::to_string(i); return long(m.size()); }));
    for (auto &f : later) total += f.get();
#endif
    std::cout << total << ' ' << caught << ' ' << all.size() << ' ' << sizeof deep << '\n';
}
END
flags=(-std=c++17 -O2 -g "-DCOUNT=$(scale 10 120)" -pthread)
[ "${FULL:-0}" != 1 ] || flags+=(-DLARGE)
g++ "${flags[@]}" -o due templates.cc || exit 1
story() {
    cp ../templates.cc .
    "${under[@]}" g++ -ffile-prefix-map="$PWD"=. -frandom-seed=1 "${flags[@]}" -o made templates.cc
    echo "g++: $?"
    sha256sum <made
}
run_story() { "${under[@]}" ../due; }
check_program story "g++"
check_program run_story
