#!/usr/bin/env bash
# security/hostile_text.sh with LENGTH_MB MB in each text column: no command is ended by time.
# timeout: 3600
set -u
. "$SOURCE/tests/long/sizes"
exec bash "$SOURCE/tests/security/hostile_text.sh" long
