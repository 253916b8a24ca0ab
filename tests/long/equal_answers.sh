#!/usr/bin/env bash
# CPython, sqlite3, cc1plus, redis, threads and a forked tree: the answers about a thousand addresses of each
# against the reference decoder. ONLY: these recordings.
# timeout: 3600
. "$SOURCE/tests/long/sizes"
FULL=1 exec "$SOURCE/tests/programs/equal_answers.sh"
