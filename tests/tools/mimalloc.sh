# shellcheck shell=bash
# mimalloc: the name of its library in this release of Debian (2.0 in 12, 3 in 13), empty where there is none. Sourced.
# shellcheck disable=SC2034
mimalloc=$(/sbin/ldconfig -p | sed -nE 's/^\t(libmimalloc\.so\.[0-9]+) .*/\1/p' | sort -u | tail -n 1)
