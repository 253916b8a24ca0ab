#!/usr/bin/env bash
# Stacks of C++ while an exception is on its way, in destructors that it calls, and in coroutines.
. "${SOURCE:?}/tests/tools/chains.sh"
from=$SOURCE/tests/unwind

for flags in '-O2 -fomit-frame-pointer' '-O0' '-O2 -static-libgcc -static-libstdc++'; do
    # shellcheck disable=SC2086
    g++ -std=c++20 -fcoroutines -g $flags "$from/cxx_kinds.cc" -o cxx_kinds || fail "the program cannot be compiled"
    record ./cxx_kinds
    # gcc 10 has resume in the base class
    read_chains 1301 1399 | sed 's/ std::__n4861::coroutine_handle<void>::resume / std::__n4861::coroutine_handle<task::promise_type>::resume /' >chains
    diff -u "$from/cxx_kinds.expected" chains || fail "with $flags these stacks are not what was expected"
done
