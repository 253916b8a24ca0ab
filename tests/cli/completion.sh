#!/usr/bin/env bash
# Completion: bash takes what is printed and completes by it; zsh and fish are told every command and option.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PATH=$BUILD:$PATH
for shell in bash zsh fish; do
    hakmem-trace completion "$shell" >"$shell" || fail "completion $shell: status $?"
done

# shellcheck disable=SC1091
source ./bash || fail 'bash does not take it'
# completes WORDS... DUE: what bash offers for the last word.
completes() {
    local due=${*: -1}
    COMP_WORDS=("${@:1:$#-1}")
    COMP_CWORD=$(($# - 2))
    COMPREPLY=()
    _hakmem_trace
    [ "${COMPREPLY[*]}" = "$due" ] || complain "'${COMP_WORDS[*]}' completes to '${COMPREPLY[*]}', due '$due'"
}
touch a.db b.txt
completes hakmem-trace blo block
completes hakmem-trace --v --version
completes hakmem-trace block --st '--stacks --store'
completes hakmem-trace threads --sort re 'reallocs remote'
completes hakmem-trace top --by '' 'bytes blocks calls short-lived growth'
completes hakmem-trace top -b sh short-lived
completes hakmem-trace top --per li 'line lifetime'
completes hakmem-trace diff --by s short-lived
completes hakmem-trace export pprof --per '' 'function line file module'
completes hakmem-trace top --at '' 'peak start end'
completes hakmem-trace leaks --held --at e end
completes hakmem-trace fleet trend --by '' 'day week month'
completes hakmem-trace view --chart M ''
completes hakmem-trace top --between '' ''
completes hakmem-trace top --limit '' ''
completes hakmem-trace explain heap- 'heap-buffer-overflow heap-buffer-underflow'
completes hakmem-trace run --check '' 'trace normal light'
completes hakmem-trace run --pools '' malloc
completes hakmem-trace why --color a 'auto always'
completes hakmem-trace explain HKM-30 'HKM-301 HKM-302 HKM-303 HKM-304'
completes hakmem-trace export s 'sarif speedscope sqlite'
completes hakmem-trace export coll 'collapsed collapsed-diff'
completes hakmem-trace run --leaks --fo --force
completes hakmem-trace faults --baseline b. b.txt
completes hakmem-trace info -s a a.db
completes hakmem-trace info --store b. b.txt
completes hakmem-trace completion f fish
completes hakmem-trace nonsense -- ''
completes hakmem-trace events --kind SLL_PU SLL_PUSH
completes hakmem-trace events -k MALLOC,FREE,SLL_PO MALLOC,FREE,SLL_POP
completes hakmem-trace -s a.db wh why
completes hakmem-trace --color never --json why --mo --moves
completes hakmem-trace -s b. b.txt
completes hakmem-trace --color a 'auto always'
completes hakmem-trace --no --no-pager
completes hakmem-trace help wh why
completes hakmem-trace help exp 'export explain'

commands=$(hakmem-trace --help | sed -n '/^RECORD$/,/^OPTIONS FOR ALL$/s/^  \([a-z]*\) .*/\1/p')
bash_text=$(<bash) fish_text=$(<fish)
for command in $commands; do
    zsh_part=$(sed -n "/^    $command)\$/,/^        ;;\$/p" zsh)
    grep -q "^        '$command:" zsh || complain "zsh is not told of $command"
    grep -q -- "-a $command -d" fish || complain "fish is not told of $command"
    for option in $(hakmem-trace "$command" --help | sed -n 's/^  ...  *--\([a-z-]*\).*/\1/p; s/^  -., --\([a-z-]*\).*/\1/p'); do
        [[ $zsh_part =~ --$option(=-?)?[[\}] ]] ||
            complain "zsh is not told of $command --$option"
        [[ $fish_text == *"from $command' -l $option "* ]] || complain "fish is not told of $command --$option"
        [[ $bash_text =~ $'\n'"        options='"[^$'\n']*" --$option"[^a-z-] ]] || complain "bash is not told of --$option"
    done
done
# Where the other shells are installed they complete as well.
if ! command -v fish >/dev/null; then
    echo 'skipped: completion in fish: no fish'
else
    offered() { HOME=$PWD fish -c "source ./fish; complete -C 'hakmem-trace $1'" 2>&1 | cut -f 1 | paste -sd ' '; }
    [ "$(offered 'events --kind FREE,SLL_PU')" = FREE,SLL_PUSH ] || complain "fish: kinds: $(offered 'events --kind FREE,SLL_PU')"
    [ "$(offered '-s a.db wh')" = why ] || complain "fish: a command behind an option: $(offered '-s a.db wh')"
fi
if ! command -v zsh >/dev/null; then
    echo 'skipped: completion in zsh: no zsh'
elif ! zsh -n ./zsh; then
    complain 'zsh does not take it'
fi
for kind in MALLOC SLL_PUSH SUPERSLAB_MAP; do
    grep -q -- "--kind=.*compadd - .*\b$kind\b" zsh || complain "zsh is not told of the kind $kind"
    grep -q "from events' -l kind .*\b$kind\b" fish || complain "fish is not told of the kind $kind"
done
