#!/usr/bin/env bash
# security/hostile_text.sh with 20 MB (LENGTH_MB) in each text column: no command is ended by time.
# timeout: 3600
set -u
LENGTH_MB=${LENGTH_MB:-20} exec bash "$SOURCE/tests/security/hostile_text.sh" long
