#!/usr/bin/env bash
# Every script passes shellcheck, and every script that is called by name may be executed.
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0
scripts=()
while IFS= read -r file; do
    head -n 1 "$file" | grep -qE '^#!.*\b(ba)?sh$' && scripts+=("$file")
done < <(git ls-files -co --exclude-standard -- .ci tests tools demo packaging)
shellcheck -x -S warning "${scripts[@]}" || status=1
for file in "${scripts[@]}"; do
    [ -x "$file" ] || { echo "$file is a script that may not be executed (chmod +x)"; status=1; }
done
exit "$status"
