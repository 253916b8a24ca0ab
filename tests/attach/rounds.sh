#!/usr/bin/env bash
# `record -p` again and again, while the program notices nothing: threads that end, fork, load libraries and count on errno,
# registers, signals and interrupted calls; redis over jemalloc under load. ROUNDS: how often each (3).
# timeout: 1800
. "${SOURCE:?}/tests/tools/attach_rounds.sh"
rounds=${ROUNDS-3}
rounds_of_busy
rounds_of_redis
