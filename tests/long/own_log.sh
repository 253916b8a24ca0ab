#!/usr/bin/env bash
# 2.3 M calls of 248 threads against the program's own log.
# timeout: 3600
FULL=1 exec bash "$SOURCE/tests/programs/own_log.sh"
