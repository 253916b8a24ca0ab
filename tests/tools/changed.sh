# shellcheck shell=bash
# Helpers for lint scripts, to be sourced: changed_files prints the files that git says differ from the branch that this one follows
# (from the last commit, where it follows none), new ones included, each behind a NUL. Those that were removed are left out.
changed_files() {
    local from
    from=$(git merge-base HEAD '@{upstream}' 2>/dev/null) || from=HEAD
    {
        git diff -z --name-only --diff-filter=d "$from"
        git ls-files -z --others --exclude-standard
    } | sort -zu
}
