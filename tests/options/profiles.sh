#!/usr/bin/env bash
# docs/profiles/NAME.env does what HAKMEM_PROFILE=NAME does, and what is given beside a profile wins.
. "${SOURCE:?}/tests/tools/test.sh"
library=$BUILD/libhakmem.so

# settings VARIABLE=VALUE...: what libhakmem says that holds, one VARIABLE=VALUE a line.
settings() {
    env -i ${QEMU_LD_PREFIX:+"QEMU_LD_PREFIX=$QEMU_LD_PREFIX"} "$@" HAKMEM_DEBUG_LEVEL=1 LD_PRELOAD="$library" "$(type -P true)" 2>&1 |
        sed -n 's/^hakmem: \(HAKMEM_[A-Z0-9_]*=[^ ]*\).*/\1/p' |
        grep -vE '^HAKMEM_(PROFILE|DEBUG_LEVEL)=' | LC_ALL=C sort
}

variables_of() { grep -v '^#' "$1" | grep .; }

default=$SOURCE/docs/profiles/default.env
profiles=$(sed -n 's/^OPTION(PROFILE, [^"]*"[a-z]*", "\([a-z|]*\)".*/\1/p' "$SOURCE/src/options.def" | tr '|' ' ')
[ "$(echo "$profiles" | wc -w)" -ge 4 ] || complain "no profiles found in options.def: '$profiles'"
for profile in $profiles; do
    file=$SOURCE/docs/profiles/$profile.env
    [ -f "$file" ] || { complain "$file is missing"; continue; }
    # Both formats take comments and NAME=value without quotes; nothing else stands here.
    grep -vE '^(#.*|HAKMEM_[A-Z0-9_]+=[A-Za-z0-9.-]+|)$' "$file" && complain "$file has lines that are neither"
    mapfile -t variables < <(variables_of "$file")
    settings "${variables[@]}" >by_file
    variables_of "$file" | LC_ALL=C sort | cmp -s - by_file || complain "$profile.env is not taken as it stands"
    settings "HAKMEM_PROFILE=$profile" >by_profile
    # Lines of the file beyond the profile are what holds anyway.
    comm -23 by_profile by_file | sed "s/^/$profile.env lacks /" | grep . && failed=1
    comm -13 by_profile by_file | comm -23 - <(variables_of "$default" | LC_ALL=C sort) |
        sed "s/^/$profile.env has more than the profile: /" | grep . && failed=1
done

[ "$(settings HAKMEM_PROFILE=default)" = "" ] || complain "profile default sets something"
settings HAKMEM_PROFILE=tight HAKMEM_TINY_UNIFIED_C2=48 HAKMEM_MEM_LEARN=0 >beside
for setting in HAKMEM_TINY_UNIFIED_C2=48 HAKMEM_MEM_LEARN=0 HAKMEM_TINY_UNIFIED_C3=32; do
    grep -qx "$setting" beside || complain "beside profile tight, $setting does not hold: $(tr '\n' ' ' <beside)"
done
