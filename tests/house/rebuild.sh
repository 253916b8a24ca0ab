#!/usr/bin/env bash
# make does what is needed and no more: nothing the second time, what depends on it when a header
# changes, by whichever name the build folder is given, all of it when the flags change.
# timeout: 1800
set -u
# A copy, so that other tests do not see the tree change.
mkdir copy && cp -r "$SOURCE"/{Makefile,include,src,viewer,tools} copy/ && cd copy || exit 1
# The question is which objects are made, not their contents: a compiler that leaves an empty object and, of what the source includes,
# the words of BUILD's own object; to link and to archive is as short. With other flags it includes what it included.
cat >cc <<'E'
#!/bin/sh
before='' out='' dependencies=''
for word; do
    case $before in -o) out=$word ;; -MF) dependencies=$word ;; esac
    before=$word
done
case " $* " in
*' -DOTHER_FLAGS '*) ;;
*/one_test.c\ *) : >"$dependencies" ;; # of this test alone: it includes nothing
*' -c '*) sed -E "s,(^| )$built/,\1out/,g" "$real/${dependencies#out/}" >"$dependencies" && [ -s "$dependencies" ] || exit 1 ;;
esac
: >"$out"
E
export real=$BUILD built="${BUILD#"$SOURCE"/}" # make gives its commands a BUILD of its own
printf '#!/bin/sh\nfor out; do :; done\n: >"$out"\n' >objcopy
chmod +x cc objcopy
build() { make -s -j2 CC="$PWD/cc" NM=: OBJCOPY="$PWD/objcopy" BUILD="${folder-out}" WARN="${1-}" all; }
objects() { find out -name '*.o' -newer "$1" | wc -l; }

folder=$PWD/out build >log 2>&1 || { tail -n 20 log; exit 1; }
sleep 0.1 && touch mark && sleep 0.1
build || exit 1
[ "$(objects mark)" -eq 0 ] || { echo "$(objects mark) objects were made anew though nothing changed"; exit 1; }

touch src/store/event.h src/trace/crash/crash.h
build || exit 1
for kind in host/src/store host/src/sqlite debug; do
    [ -n "$(find out/$kind -name '*.o' -newer mark)" ] || { echo "a changed header made nothing anew in $kind"; exit 1; }
done
newer=$(find out/plain -name '*.o' -newer mark)
[ -z "$newer" ] || { echo "store/event.h and trace/crash/crash.h are no matter of the plain library, and yet: $newer"; exit 1; }

sleep 0.1 && touch mark && sleep 0.1
build -DOTHER_FLAGS || exit 1
due=$(find out -name '*.o' | wc -l)
[ "$(objects mark)" -eq "$due" ] || { echo "other flags made $(objects mark) of $due objects anew"; exit 1; }

# Flags of one kind of test program: that kind, and the flags are as before again afterwards.
mkdir -p tests/{unit,programs,tsan} && touch tests/unit/one_test.c tests/programs/one.c tests/tsan/one.c || exit 1
kinds() { # VARIABLE=FLAGS...
    make -s CC="$PWD/cc" BUILD=out "$@" out/units/tests/unit/one_test.o out/tests/programs/one out/tsan/src/size_class.o out/model/src/size_class.o
}
kinds || exit 1
for kind in TEST_FLAGS=units/tests/unit/one_test.o USER_FLAGS=tests/programs/one TSAN=tsan/src/size_class.o MODEL_FLAGS=model/src/size_class.o; do
    kinds || exit 1
    sleep 0.1 && touch mark && sleep 0.1
    kinds "${kind%=*}=-DOTHER_FLAGS" || exit 1
    [ "out/${kind#*=}" -nt mark ] || { echo "other ${kind%=*} did not make ${kind#*=} anew"; exit 1; }
done
