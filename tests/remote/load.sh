#!/usr/bin/env bash
# Some hosts push at once, and a round of each kind of cut: tests/long/fleet_findings.sh in short.
HOSTS=${HOSTS:-8} ROUNDS=${ROUNDS:-5} exec "$SOURCE/tests/long/fleet_findings.sh"
