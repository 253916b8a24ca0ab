#!/usr/bin/env bash
# Transfers under every schedule: the scenarios of three threads that take minutes.
# timeout: 3600
exec "$(dirname "$0")/../model/check.sh" --long
