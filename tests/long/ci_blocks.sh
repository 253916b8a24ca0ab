#!/usr/bin/env bash
# Each shell block of docs/ci.md and the sample workflow, typed twice by a stranger in bare Debian roots: the workflow and GitLab's job build hakmem
# in an empty root and find it in their cache in the next one, which has their own packages alone. Services' and build files' lines fail for a fault that
# is new, make the baseline, and pass in the second run. The packages that the page names are enough for what `make install` lays. With the part
# `readme` also the README's commands. RELEASES and PARTS choose (tests/long/sizes); hakmem is built in the first release.
# timeout: 10800
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/bare_roots.sh"
# shellcheck disable=SC2086
set -- $RELEASES
commit=$(git -C "$SOURCE" rev-parse HEAD) || fail "the tree is no clone"
cleanup() { rm -rf --one-file-system root-*; }

# The blocks, and how the first and the second run of each ends. `faulty`: the project's program has a fault.
mkdir blocks && python3 "$SOURCE/tests/tools/ci_blocks.py" "$SOURCE" "$PWD/blocks" >names || fail "no blocks"
due='hakmem_in_ci.1             correct 0 0
known_faults_the_baseline.1     faulty  0 0
suppressions.1                  correct 0 0
github_actions.1                faulty  1 0
gitlab_ci.1                     faulty  1 0
jenkins.1                       faulty  1 0
azure_pipelines.1               faulty  1 0
make_ctest_meson.1              faulty  2 0
make_ctest_meson.2              faulty  1 0
make_ctest_meson.3              correct 0 0
from_a_finished_store.1         known   0 0
workflow.miss                   tally   0 -
workflow.hit                    tally   0 -'
awk '{ print $1 }' <<<"$due" | diff - names >new || fail "blocks of the page that have no row here, or rows that have no block: $(cat new)"

# Runs a command in a root with mounts and processes of its own, which end with it.
within() { # ROOT COMMAND...
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child --propagation private env -i http_proxy="${http_proxy-}" CI=true HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HAKMEM_REPOSITORY=file:///srv/hakmem.git REPOSITORY=file:///srv/hakmem.git REVISION=main CI_PROJECT_DIR=/builds/project WORKSPACE=/builds/project \
        sh -ec 'archives=$1 root=$2 && shift 2
            mount --bind "$root" "$root" && cd "$root" && mount --bind "$archives" var/cache/apt/archives
            mount --rbind /dev dev && mount -t proc proc proc && mkdir -p old
            pivot_root . old
            exec chroot . sh -c "umount -l /old; cd /builds/project; exec \"\$@\"" sh "$@"' sh "$PWD/archives" "$@" </dev/null
}
# A root of its own for a job, with what a checkout lays there: `job NAME PROJECT`.
job() {
    rm -rf --one-file-system "$PWD/root-$1" && cp -a "$base" "$PWD/root-$1" && lay_project "$PWD/root-$1/builds/project" "$2"
}
lay_project() { # FOLDER PROJECT
    mkdir -p "$1/.git" || exit 1
    if [ "$2" = tally ]; then cp -r "$SOURCE"/examples/tally/. "$1/"; return; fi
    # shellcheck disable=SC2016
    printf 'CFLAGS =\ntests: tests.c\n\t$(CC) $(CFLAGS) -o $@ tests.c\n' >"$1/Makefile"
    printf '#include <stdlib.h>\nint main(void) {\n    volatile char *word = malloc(40);\n    word[%s] = 1;\n    free((void *)word);\n    return 0;\n}\n' \
        "$([ "$2" = correct ] && echo 39 || echo 40)" >"$1/tests.c"
    printf 'project('\''parser'\'', '\''c'\'')\ntest('\''parser'\'', executable('\''parser'\'', '\''tests.c'\''))\n' >"$1/meson.build"
}
# Types the script of a block, as a service's shell does: `block ROOT NAME TIMES`. Its status; what it said is in `said`. A container begins with the same
# process ids each time, a shell does not.
block() {
    local others=0
    case $2 in hakmem_* | known_* | suppressions* | from_*) others=$((100 * $3)) ;; esac
    # shellcheck disable=SC2016
    cp "blocks/$2.sh" "$1/builds/block.sh" &&
        within "$1" sh -ec 'for i in $(seq "$1"); do /bin/true; done; exec sh -e /builds/block.sh' sh $others >said 2>&1
    local status=$?
    ! grep "is no variable of hakmem's" said || complain "$release: $2 sets a variable that run warns of"
    return $status
}

# Looks at the words and files of a run of a block: `look NAME TIMES ROOT`.
look() {
    local project=$3/builds/project
    case $1:$2 in
    known_* | hakmem_* | suppressions* | from_* | *.3:*) ! grep -q 'did not exist' said || complain "$release: $1 makes a baseline" ;;
    make_ctest_meson.2:1) grep -q '"name": "heap-buffer-overflow"' "$project/ci/heap.json" || complain "$release: $1: no baseline was made" ;;
    *:1) grep -q 'hakmem: ci/heap.json did not exist; it was made with 1 finding: the next run knows it' said || { cat said; complain "$release: $1: no word of a new baseline"; } ;;
    *:2) ! grep -q 'did not exist' said && grep -q 'failures="0" errors="0" [a-z]*="1"' "$project"/heap/*.junit.xml || { cat said; complain "$release: $1: the second run does not know the fault"; } ;;
    esac
    case $1 in
    github* | gitlab* | jenkins* | azure* | make_ctest_meson.[12]) [ "$(cat "$project"/heap/*.junit.xml | grep -c '<testsuites')" -ge 1 ] || complain "$release: $1: no results" ;;
    make_ctest_meson.3) [ -n "$(ls "$project"/out/heap/*.junit.xml)" ] || complain "$release: $1: no results" ;;
    esac
}
has_part() { [[ " $PARTS " == *" $1 "* ]]; }
archive='' installed=''
mkdir archives
for release; do
    base=$PWD/root-$release
    make_root "$release" "$base"
    echo 'Acquire::Check-Valid-Until "false";' >"$base/etc/apt/apt.conf.d/90blocks"
    cp /etc/resolv.conf "$base/etc/" && mkdir -p "$base/builds/project" && git init -q --bare -b main "$base/srv/hakmem.git" &&
        git -C "$SOURCE" push -q "$base/srv/hakmem.git" "$commit:refs/heads/main" || fail "no clone in the root of $release"

    # ---- the workflow: without a cache, and in a root that has nothing but the cache
    if [ -z "$archive" ]; then
        job workflow tally
        block "$PWD/root-workflow" workflow.miss 1 || { tail -n 40 said; fail "$release: the workflow's first run: status $?"; }
        cp -a root-workflow/opt/hakmem archive && archive=$PWD/archive
        # shellcheck disable=SC2016
        within "$PWD/root-workflow" make -s -C /tmp/hakmem install PREFIX=/opt/installed >said 2>&1 || { tail said; fail "make install"; }
        cp -a root-workflow/opt/installed installed && installed=$PWD/installed
    fi
    job workflow tally && cp -a "$archive" root-workflow/opt/hakmem
    block "$PWD/root-workflow" workflow.hit 2 || { tail -n 40 said; complain "$release: the workflow's second run"; }
    results=(root-workflow/builds/project/heap-results/*.junit.xml)
    [ ${#results[@]} -eq 3 ] || complain "$release: the workflow's second run left ${results[*]}"
    rm -rf --one-file-system root-workflow

    # ---- GitLab's job, which builds where its own image is; the second run has what its cache keeps
    mkdir -p cache
    for times in 1 2; do
        job gitlab faulty
        [ ! -d cache/hakmem ] || cp -a cache/hakmem root-gitlab/builds/project/.hakmem
        [ "$times" = 1 ] || cp -a cache/ci root-gitlab/builds/project/ || complain "$release: no baseline to commit"
        block "$PWD/root-gitlab" gitlab_ci.1 $times
        status=$?
        [ $((status + times)) -eq 2 ] || { tail -n 40 said; complain "$release: gitlab_ci.1, run $times: status $status"; }
        look gitlab_ci.1 $times "$PWD/root-gitlab"
        [ -s root-gitlab/builds/project/heap/tests.codequality.json ] || complain "$release: gitlab_ci.1, run $times: no code quality"
        rm -rf cache/hakmem cache/ci && mv root-gitlab/builds/project/.hakmem cache/hakmem && mv root-gitlab/builds/project/ci cache/
    done
    rm -rf --one-file-system root-gitlab

    # ---- the other blocks, in one root, each twice in a fresh checkout
    job blocks correct && cp -a "$archive" root-blocks/opt/hakmem && ln -s /opt/hakmem/bin/hakmem-trace root-blocks/usr/local/bin/ || exit 1
    within "$PWD/root-blocks" sh -c 'apt-get -q update && apt-get -q install -y --no-install-recommends cmake gcc libc6-dev make meson ninja-build' >made 2>&1 ||
        { tail made; fail "$release: apt-get install cmake meson"; }
    while read -r name program first second; do
        case $name in gitlab* | workflow*) continue ;; esac
        rm -rf root-blocks/builds/project && lay_project root-blocks/builds/project "$program"
        within "$PWD/root-blocks" sh -c 'make tests CFLAGS="-g -O1" && { [ ! -e meson.build ] || meson setup build; }' >made 2>&1 || { cat made; fail "$release: the project"; }
        # shellcheck disable=SC2016
        [ "$program" != known ] || within "$PWD/root-blocks" sh -c 'mkdir ci; hakmem-trace run --ci -s app.db -- ./tests; hakmem-trace faults -s app.db --write-baseline ci/heap.json' >made 2>&1 ||
            { cat made; fail "$release: no finished store"; }
        for times in 1 2; do
            block "$PWD/root-blocks" "$name" $times
            status=$?
            wanted=$first && [ "$times" = 1 ] || wanted=$second
            [ "$status" = "$wanted" ] || { cat said; complain "$release: $name, run $times: status $status, and $wanted was due"; }
            look "$name" $times "$PWD/root-blocks"
        done
    done <<<"$due"
    rm -rf --one-file-system root-blocks

    # ---- what the row "another image" names is enough for what `make install` laid
    packages=$(sed -n "s/^| another image .*need the libraries of Debian's packages \([^.]*\)\..*/\1/p" "$SOURCE/docs/ci.md" | sed 's/,\| and / /g')
    [ "$(wc -w <<<"$packages")" -gt 4 ] || fail "the row of other images names: $packages"
    job image correct && cp -a "$installed" root-image/opt/installed || exit 1
    # shellcheck disable=SC2016,SC2086
    within "$PWD/root-image" sh -ec 'apt-get -q update && apt-get -q install -y --no-install-recommends "$@"
        cd /tmp && /opt/installed/bin/hakmem-trace run -s ls.db -- /bin/ls / && /opt/installed/bin/hakmem-trace info -s ls.db
        for file in /opt/installed/bin/* /opt/installed/lib/hakmem/hakmem-* /opt/installed/lib/hakmem/*_sqlite.so /opt/installed/lib/libhakmem.so.1; do ldd $file; done >needs 2>&1 || true
        ! grep "not found" needs' sh $packages >said 2>&1 || { tail -n 20 said; complain "$release: the packages of the row are not enough"; }
    rm -rf --one-file-system root-image

    # ---- the README's own commands
    if has_part readme; then
        job readme correct
        # shellcheck disable=SC2016
        within "$PWD/root-readme" sh -ec 'apt-get -q update && apt-get -q install -y --no-install-recommends ca-certificates git make python3 sudo && git clone -q /srv/hakmem.git /root/hakmem' >made 2>&1 ||
            { tail made; fail "$release: a clone"; }
        grep -E '^(sudo make|make|export) ' "$SOURCE/README.md" | grep -v '^make check' >blocks/readme.commands
        [ "$(wc -l <blocks/readme.commands)" -ge 5 ] || fail "the README's commands: $(cat blocks/readme.commands)"
        { echo 'cd /root/hakmem' && cat blocks/readme.commands && printf 'make build/tests/docs/app && mkdir /tmp/typed && cd /tmp/typed && SOURCE=/root/hakmem BUILD=/root/hakmem/build bash /root/hakmem/tests/docs/pages.sh README.md && rm -rf /tmp/typed\n'; } >blocks/readme.sh
        for times in 1 2; do block "$PWD/root-readme" readme "$times" || { tail -n 40 said; complain "$release: the README's commands, run $times"; }; done
        rm -rf --one-file-system root-readme
    fi
    rm -rf --one-file-system "$base"
done
echo "each of $(wc -l <names) blocks ran twice in: $*"
