#!/usr/bin/env bash
# The steps of the allocator take no more instructions than tests/lint/instructions.txt allows.
set -u
BUILD=${BUILD:-build}
cd "$(dirname "$0")/../.." || exit 2
exec /usr/bin/python3 tests/lint/instructions.py "$BUILD" "${CC:-gcc}"
