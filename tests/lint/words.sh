#!/usr/bin/env bash
# Every text that a user reads is plain English by the rules of words.py: pages, help, man pages, options, faults, and the texts that
# collector, reports and commands print. For CHANGED=1 and the quick tier see tests/tools/changed.sh. docs/benchmarks and CHANGELOG are records of their day. No sentence of a comment begins with what, which or whose.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
files=$(changed_or git ls-files -z -co --exclude-standard | tr '\0' '\n')
mapfile -t texts < <(grep -E '\.md$|^src/.*\.(def|c)$|^(viewer|tools/man)/.*\.c$' <<<"$files" | grep -vE '^(docs/benchmarks/|CHANGELOG\.md$)')
python3 tests/lint/words.py "${texts[@]}" || status=1
mapfile -t sources < <(grep -E '^(src|viewer|tools|tests|include|demo)/.*\.(c|h|def|S|cpp|js|sh|py)$' <<<"$files")
python3 tests/lint/words.py --comments "${sources[@]}" || status=1
# The rules find what they are for.
python3 - <<'END' || status=1
import sys
sys.path.insert(0, "tests/lint")
import words
bad = ["What is live at its begin stays.", "The read of 0x1 was stopped (SIGSEGV).", "Blocks that no pointer leads to.", "It is to be had " + "very " * 25 + "soon.",
       "Thread 3 met SIGSEGV.", "This is the one that was chosen.", "Resident, as the kernel last said.", "A process ended in good order.",
       "It takes the right to trace the process.", "Who owns the database types it once.", "It can be borne.", "They came and went.",
       "What is not found is never watched: its row ends."]
good = ["Does it change what the program does?", "`hakmem-trace run` prints a report; `why` tells a block's story.", "Leaks are unreachable blocks."]
missed = [text for text in bad for kind in ("text", "cell", "string") if not list(words.faults_of(kind, text))] + [text for text in good if list(words.faults_of("text", text))]
missed += [text for text in ("The facts. What a row knows.", "With which pointer it read.") if not list(words.faults_of("comment", text))]
print(*(f"words.py judges wrongly: {text}" for text in missed), sep="\n", end="\n" if missed else "")
sys.exit(bool(missed))
END
exit "${status-0}"
