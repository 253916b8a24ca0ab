# shellcheck shell=bash
# What lint scripts look at, to be sourced; works at the top of the tree.
#
#   is_for_changes       true where only what changed is looked at: with CHANGED=1, and in the quick tier. There everything is looked at where git knows no
#                        commit to compare with, where a tenth commit came behind that, and where a table (.def) or what lint goes by changed
#   changed_files        the files that changed, new ones included, each behind a NUL; those that were removed are left out
#   changed_or COMMAND   the files that changed, where only they are looked at, else what COMMAND prints
#   find_sources         `units`, each a room of src, viewer or tools as BUILD compiles it, and `apart`, the other sources; where only what changed is
#                        looked at, the rooms in which something did

# Prints the commit that is compared with: the last one of the branch that this one follows; in a clone without commits of its own, which is at a landing,
# the last one of the day before. Without such a branch it is the last tenth one but this. CHANGED=1 takes the last commit for one that is missing.
changed_from() {
    local from
    if from=$(git merge-base HEAD '@{upstream}' 2>/dev/null || git merge-base HEAD origin/HEAD 2>/dev/null); then
        [ "$from" != "$(git rev-parse HEAD)" ] || from=$(git rev-list -1 --before="$(($(git log -1 --format=%ct) - 86400))" HEAD)
    elif [ $(($(commits HEAD) % 10)) -ne 0 ]; then
        from=$(git rev-parse --quiet --verify "HEAD~$(($(commits HEAD) % 10))")
    fi
    [ -n "$from" ] || [ -z "${CHANGED-}" ] || from=HEAD
    [ -n "$from" ] && echo "$from"
}
commits() { git rev-list --count "$1" 2>/dev/null || echo 0; }

is_for_changes() {
    [ -z "${CHANGED-}" ] || return 0
    local from
    [ "${QUICK:-0}" = 1 ] && from=$(changed_from) && [ $(($(commits "$from") / 10)) -eq $(($(commits HEAD) / 10)) ] &&
        ! changed_files | grep -zE '\.def$|^tests/lint/|^tests/tools/changed\.sh$|^\.clang-' >/dev/null
}

changed_files() {
    {
        git diff -z --name-only --diff-filter=d "$(changed_from)"
        git ls-files -z --others --exclude-standard
    } | sort -zu
}

changed_or() { if is_for_changes; then changed_files; else "$@"; fi; }

# shellcheck disable=SC2034 # for the script
find_sources() {
    local changed
    # A room that is compiled for both halves is looked at once.
    mapfile -t units < <(find "$BUILD/host" "$BUILD/debug" -name unit.c | LC_ALL=C sort -r |
        xargs awk 'FNR == 1 { is_new = !seen[$0]++ } FNR == 1 && is_new { print FILENAME }')
    mapfile -t apart < <(find src viewer tools -name '*.c' | grep -vxFf <(sed -n 's/^#include "\(.*\)"$/\1/p' "${units[@]}" /dev/null) | LC_ALL=C sort)
    is_for_changes || return 0
    changed=$(changed_files | tr '\0' '\n' | sed -n 's/\.[ch]$//p')
    mapfile -t units < <(printf '%s\n' "${units[@]}" | grep -E "/($(sed 's|/[^/]*$||' <<<"$changed" | sort -u | paste -sd '|'))/unit\.c$")
    mapfile -t apart < <(printf '%s\n' "${apart[@]}" | grep -xFf <(sed 's/$/.c/' <<<"$changed"))
}
