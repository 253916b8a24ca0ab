#!/usr/bin/env bash
# make does what is needed and no more: nothing the second time, what depends on it when a header
# changes, all of it when the flags change.
# timeout: 1800
set -u
# A copy, so that other tests do not see the tree change.
mkdir copy && cp -r "$SOURCE"/{Makefile,include,src,viewer,tools} copy/ && cd copy || exit 1
quick="-w -O1 -g0" # which objects are made is the question, not what is in them
objects() { find out -name '*.o' -newer "$1" | wc -l; }

make -s -j2 BUILD=out WARN="$quick" all >log 2>&1 || { tail -n 20 log; exit 1; }
sleep 0.1 && touch mark && sleep 0.1
make -s -j2 BUILD=out WARN="$quick" all || exit 1
[ "$(objects mark)" -eq 0 ] || { echo "$(objects mark) objects were made anew though nothing changed"; exit 1; }

touch src/store/event.h
make -s -j2 BUILD=out WARN="$quick" all || exit 1
[ "$(objects mark)" -gt 0 ] || { echo "a changed header made nothing anew"; exit 1; }
newer=$(find out/plain -name '*.o' -newer mark)
[ -z "$newer" ] || { echo "store/event.h is no matter of the plain library, and yet: $newer"; exit 1; }

sleep 0.1 && touch mark && sleep 0.1
make -s -j2 BUILD=out WARN="$quick -DOTHER_FLAGS" all || exit 1
due=$(find out -name '*.o' | wc -l)
[ "$(objects mark)" -eq "$due" ] || { echo "other flags made $(objects mark) of $due objects anew"; exit 1; }
