# shellcheck shell=bash disable=SC2154
# Small pieces of real work of many programs, each with the same output every time; tests/long/correct.sh runs them in every level.
#
# Sourced. Each function work_NAME does the work of one program, with "${under[@]}" in front of it, in an empty directory; $inputs has what
# lay_inputs wrote. `works` lists them: NAME COMMAND KIND, where KIND is `threads` (several at a time), `single`, or `slow`.

works() {
    cat <<'END'
perl perl single
perl_threads perl threads
python /usr/bin/python3 single
python_threads /usr/bin/python3 threads
node node single
node_threads node threads
java java threads
ruby ruby single
ruby_threads ruby threads
git git threads
git_log git single
gdb gdb threads
gcc gcc single
g++ g++ single
clang clang single
clang++ clang++ single
lld ld.lld threads
php php single
vim vim single
mruby mruby single
mujs mujs single
quickjs qjs single
lua lua5.4 single
guile guile threads
tcl tclsh single
sqlite sqlite3 single
sqlite_threads sqlite3 threads
redis redis-check-rdb threads
memcached memcached threads
xz xz threads
zstd zstd threads
sort sort threads
bash bash single
busybox busybox single
awk mawk single
groff groff single
xmllint xmllint single
jq jq single
openssl openssl single
nasm nasm single
tidy tidy single
bc bc single
make make single
cmake cmake single
libreoffice soffice slow
END
}

# Writes the inputs into the current directory.
lay_inputs() {
    local tools=$SOURCE/tests/tools
    cp "$SOURCE"/tests/long/correct/* .
    /usr/bin/python3 "$tools/make_c.py" 1500 >made.c
    /usr/bin/python3 "$tools/make_c.py" 200 >short.c
    gcc -g -O1 -o made made.c || return
    gcc -O1 -c -ffunction-sections made.c -o made.o || return
    ! command -v javac >/dev/null || javac Work.java || return
    awk 'BEGIN { for (n = 0; n < 60000; n++) printf "%d %x row %d of %s\n", n * 7919 % 65521, n * 31337, n % 97, n % 13 }' >rows.txt
    awk '{ print $2; print $1; print $1 }' rows.txt >lines.txt
    awk '{ printf "{\"n\": %d, \"name\": \"%s\", \"list\": [%d, \"%s\"]}\n", $1, $2, $4, $6 }' rows.txt >rows.json
    { echo '<rows>' && awk '{ printf "<row n=\"%d\"><name>%s</name><text>a &amp; b &#233; %d</text></row>\n", $1, $2, $4 }' rows.txt && echo '</rows>'; } >rows.xml
    { echo '<title>Rows</title><table>' && head -n 4000 rows.txt | awk '{ printf "<tr><td>%s<td><b>%s<i>%s</b></i>\n", $1, $2, $4 }'; } >rows.html
    awk 'BEGIN { print "section .text"; for (n = 0; n < 6000; n++) printf "at%d: mov rax, [rbx+%d]\nadd eax, %d\n%%if %d > 3\njmp near at%d\n%%endif\n", n, n % 900, n, n % 7, n / 2 }' >made.asm
    { echo '.TH ROWS 1' && head -n 2500 rows.txt | awk '{ printf ".TP\n\\fB%s\\fR\nThe row %s of \\fI%s\\fR, which a paragraph of some words explains.\n", $2, $1, $4 }'; } >rows.1
    echo 'define p(n) { auto i, s; s = 0; for (i = 1; i <= n; i++) s += 1 / i ^ 2; return s; }
scale = 60; p(4000); 2 ^ 9000 % 10 ^ 30; sqrt(2); for (i = 0; i < 4000; i++) { a[i] = a[i - 1] * 7 % 1009 + i / 3; }; a[3999]' >work.bc
    printf 'all: $(addprefix made/,$(shell seq 300))\nmade/%%: | made\n\t@echo $(words $(foreach n,$(wordlist 1,20,$(shell seq 40)),$(n)x$*)) >$@\nmade:\n\t@mkdir made\n' >work.mk
    printf 'cmake_minimum_required(VERSION 3.10)\nproject(work NONE)\nset(sum 0)\nforeach(n RANGE 6000)\n  math(EXPR sum "(${sum} * 33 + ${n}) %% 1000003")\n  string(REGEX REPLACE "([0-9])([0-9])" "\\\\2\\\\1" text "row ${n}")\n  list(APPEND rows "${text}")\nendforeach()\nlist(SORT rows)\nlist(LENGTH rows length)\nmessage("${sum} ${length}")\n' >CMakeLists.txt
    cat >made.cc <<'END'
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>
template <int n> struct chain { static int sum(std::map<std::string, std::vector<int>> &m) { m[std::to_string(n)].push_back(n); return n + chain<n - 1>::sum(m); } };
template <> struct chain<0> { static int sum(std::map<std::string, std::vector<int>> &) { return 0; } };
int main() {
    std::map<std::string, std::vector<int>> m;
    std::vector<std::function<int(int)>> functions;
    for (int i = 0; i < 9; i++) functions.push_back([i](int n) { return n * i; });
    std::printf("%d %d\n", chain<60>::sum(m), functions[3](4));
    for (auto &[name, numbers] : m) if (name.find("1") != name.npos) std::printf("%s %zu\n", name.c_str(), numbers.size());
}
END
    { echo '<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text>' &&
        head -n 300 rows.txt | awk '{ printf "<text:h text:outline-level=\"%d\">Row %s</text:h><text:p>The row %s of %s.</text:p>\n", 1 + NR % 3, $2, $1, $4 }' &&
        echo '</office:text></office:body></office:document>'; } >rows.fodt
    /usr/bin/python3 "$tools/make_history.py" 120 >history
    git init -q -b main repository && git -C repository fast-import --quiet <history && git -C repository reset -q --hard main
}

work_perl() { "${under[@]}" perl "$inputs/work.pl"; }
work_perl_threads() { "${under[@]}" perl "$inputs/threads.pl"; }
work_python() {
    "${under[@]}" /usr/bin/python3 "$inputs/work.py" 2>&1
    PYTHONMALLOC=malloc "${under[@]}" /usr/bin/python3 "$inputs/work.py"
}
work_python_threads() { PYTHONMALLOC=malloc "${under[@]}" /usr/bin/python3 "$inputs/threads.py"; }
work_node() { "${under[@]}" node "$inputs/work.js"; }
work_node_threads() { "${under[@]}" node "$inputs/threads.js"; }
work_java() { "${under[@]}" java -XX:-UsePerfData -XX:+UseG1GC -XX:ParallelGCThreads=2 -cp "$inputs" Work; }
work_ruby() { "${under[@]}" ruby "$inputs/work.rb"; }
work_ruby_threads() { "${under[@]}" ruby "$inputs/threads.rb"; }

# Two threads divide the deltas in another way each time: the pack's bytes vary, not its objects.
work_git() {
    cp -r "$inputs/repository" . && cd repository || return
    "${under[@]}" git -c pack.threads=2 repack -q -a -d -f --depth=20 --window=20 || echo "repack: $?"
    "${under[@]}" git -c core.checkStat=minimal grep --threads 4 -c e HEAD -- | sha256sum
    "${under[@]}" git -c core.preloadIndex=true -c index.threads=2 status --short
    "${under[@]}" git fsck --full --strict 2>&1
    git cat-file --batch-check --batch-all-objects | sha256sum
}
work_git_log() {
    "${under[@]}" git -C "$inputs/repository" log -p --stat --format=fuller -M -C | sha256sum
    "${under[@]}" git -C "$inputs/repository" blame HEAD -- "$(git -C "$inputs/repository" ls-files | head -n 1)" | sha256sum
}
work_gdb() {
    DEBUGINFOD_URLS='' "${under[@]}" gdb -nx -q -batch -ex 'set print address off' -ex 'set print frame-arguments none' -ex 'set style enabled off' \
        -ex 'set exec-wrapper env -u LD_PRELOAD' -ex 'break work7' -ex run -ex bt -ex 'info locals' -ex 'ptype struct row' -ex finish -ex 'info functions ^work1.$' -ex 'info types ^row$' -ex 'info scope work9' \
        -ex 'print sizeof(struct row) * 3' -ex 'disassemble /s work3' -ex 'python print(sum(len(str(n)) for n in range(9000)), gdb.lookup_type("struct row").sizeof)' \
        -ex continue "$inputs/made" </dev/null 2>&1 | sed 's/process [0-9]*/process N/'
}
work_gcc() {
    "${under[@]}" gcc -O2 -S -o - "$inputs/short.c" | sha256sum
    "${under[@]}" gcc -g -O1 -o built "$inputs/short.c" && sha256sum built && ./built
    printf 'int main(void) { return wrong; }\n' | "${under[@]}" gcc -Wall -fdiagnostics-color=never -c -x c -o none -
}
work_g++() { "${under[@]}" g++ -O1 -S -o - "$inputs/made.cc" | sha256sum; }
work_clang() {
    "${under[@]}" clang -O2 -S -o - "$inputs/short.c" | sha256sum
    "${under[@]}" clang -g -O1 -o built "$inputs/short.c" && sha256sum built && ./built
    printf 'int main(void) { return wrong; }\n' | "${under[@]}" clang -Wall -c -x c -o none -
}
work_clang++() { "${under[@]}" clang++ -O1 -S -o - "$inputs/made.cc" | sha256sum; }
work_lld() {
    local of_libc=/usr/lib/x86_64-linux-gnu of_gcc
    of_gcc=$(dirname "$(gcc -print-libgcc-file-name)")
    for flags in -O0 '-O2 --gc-sections --icf=all' '--compress-debug-sections=zlib --build-id=sha1'; do
        # shellcheck disable=SC2086
        "${under[@]}" ld.lld --threads=2 -static $flags -o all "$of_libc"/crt1.o "$of_libc"/crti.o "$inputs/made.o" --start-group "$of_libc"/libc.a "$of_gcc"/libgcc.a \
            "$of_gcc"/libgcc_eh.a --end-group "$of_libc"/crtn.o && sha256sum all && ./all
    done
    "${under[@]}" ld.lld --threads=2 -o none "$inputs/made.o"
}
work_php() {
    "${under[@]}" php -n "$inputs/work.php" 2>&1
    USE_ZEND_ALLOC=0 "${under[@]}" php -n "$inputs/work.php"
}
work_vim() {
    "${under[@]}" vim -es -u NONE -i NONE -n -S "$inputs/work.vim" "$inputs/made.c"
    echo "status $?" && cat vim.out
}
work_mruby() { "${under[@]}" mruby "$inputs/work.rb"; }
work_mujs() { "${under[@]}" mujs "$inputs/work.js"; }
work_quickjs() { "${under[@]}" qjs "$inputs/work.js"; }
work_lua() { "${under[@]}" lua5.4 "$inputs/work.lua"; }
work_guile() { "${under[@]}" guile --no-auto-compile "$inputs/work.scm"; }
work_tcl() { "${under[@]}" tclsh "$inputs/work.tcl"; }
work_sqlite() { "${under[@]}" sqlite3 -batch :memory: ".read $inputs/work.sql"; }
work_sqlite_threads() { "${under[@]}" sqlite3 -batch :memory: ".read $inputs/threads.sql"; }
work_redis() {
    # redis is one program under the name of another in Debian's redis-tools.
    ln -s "$(command -v redis-check-rdb)" redis-server
    "${under[@]}" "$PWD/redis-server" --port 0 --unixsocket "$PWD/redis.sock" --save '' --logfile redis.log --io-threads 2 --io-threads-do-reads yes >served 2>&1 &
    local server=$!
    await redis-cli -s redis.sock ping
    # Several clients at a time: only then redis uses the threads.
    for client in 1 2 3 4; do
        awk -v c="$client" 'NR % 4 == c % 4 && NR < 6000 { print "set key" c "." $1, $2; print "rpush list" c "." $4, $1; print "zadd z" c, $1, $2; print "hset h" c "." $6, $1, $2; if (NR % 12 == 0) print "del key" c "." $1 }' \
            "$inputs/rows.txt" | sed 's/$/\r/' | redis-cli -s redis.sock --pipe >"said.$client" &
        clients[client]=$!
    done
    wait "${clients[@]}"
    tail -n 1 said.*
    redis-cli -s redis.sock sort list1.7 limit 0 5
    redis-cli -s redis.sock eval 'local t = {} for i = 1, 5000 do t[i] = cjson.encode({i, tostring(i)}) end return #table.concat(t)' 0
    redis-cli -s redis.sock save
    redis-cli -s redis.sock flushall async
    redis-cli -s redis.sock dbsize
    redis-cli -s redis.sock shutdown nosave
    wait "$server"
    echo "status $?" && cat served
}
work_memcached() {
    "${under[@]}" memcached -u "$(id -un)" -s memcached.sock -t 2 -m 64 &
    local server=$!
    await test -S memcached.sock
    /usr/bin/python3 "$SOURCE/tests/tools/memcached_load.py" memcached.sock 12
    kill -INT "$server"
    wait "$server"
    echo "status $?"
}
work_xz() {
    "${under[@]}" xz -1 -T2 --block-size=256KiB -c "$inputs/rows.txt" >rows.xz && sha256sum rows.xz && "${under[@]}" xz -d -T2 -c rows.xz | sha256sum
}
work_zstd() {
    cat "$inputs/rows.txt" "$inputs/rows.json" | "${under[@]}" zstd -q -T2 -B512K -5 -c >rows.zst && sha256sum rows.zst && "${under[@]}" zstd -q -d -c rows.zst | sha256sum
}
work_sort() {
    # sort has threads from 131,072 lines in memory on. The second one has files instead, which are merged.
    "${under[@]}" sort --parallel=4 -S 64M -n "$inputs/lines.txt" | sha256sum
    "${under[@]}" sort -S 2M -rn -k4 "$inputs/rows.txt" "$inputs/rows.json" | sha256sum
}
work_bash() {
    # shellcheck disable=SC2016
    "${under[@]}" bash -c 'declare -A words; while read -r a b _ c rest; do words[$((a % 97))]+="$b,"; rows+=("${rest^^}$c"); done < <(head -n 12000 "$1")
        for key in "${!words[@]}"; do echo "$key ${#words[$key]} ${words[$key]//[0-4]/}" ; done | sort | sha256sum
        text="${rows[*]}"; [[ $text =~ (OF\ [0-9])([0-9]) ]] && echo "${#text} ${BASH_REMATCH[2]}"; f() { (($1 < 2)) && echo 1 || echo $(($(f $(($1 - 1))) + 1)); }; f 30; exit 3' bash "$inputs/rows.txt"
}
work_busybox() {
    # shellcheck disable=SC2016
    "${under[@]}" busybox sh -c 'busybox head -n 6000 "$1/rows.txt" | busybox sort -k2 | busybox awk "{ s[\$4] = s[\$4] \$2 } END { for (n = 0; n < 97; n++) print n, length(s[n]) }" | busybox md5sum
        busybox sed -E "s/([0-9]+) (.)/\2 \1/; s/row/ROW/g" "$1/rows.txt" | busybox head -n 9000 | busybox gzip -c | busybox gunzip -c | busybox sha256sum
        busybox tar cf - -C "$1" work.py work.pl made.c | busybox tar tf -; busybox diff "$1/work.py" "$1/threads.py" | busybox wc; busybox xxd "$1/made.o" | busybox head -n 2000 | busybox bzip2 -c | busybox bunzip2 -c | busybox tail -n 2
        echo "scale=30; 2 ^ 200 / 7" | busybox bc; exit 3' sh "$inputs"
}
work_awk() { "${under[@]}" mawk '{ s[$4] = s[$4] $2; n[$2 % 1000] += $1; t = $0; c += gsub(/[0-9]+/, "<&>", t); l += length(t) } END { for (k = 0; k < 97; k++) { d = d sprintf("%d:%d ", k, length(s[k])); split(s[k], x, /7/); d = d x[3] } print d, n[7], c, l; exit 3 }' "$inputs/rows.txt"; }
work_groff() {
    "${under[@]}" groff -man -Tutf8 "$inputs/rows.1" | sha256sum
    "${under[@]}" groff -man -Tps -P-y "$inputs/rows.1" 2>&1 | grep -v '^%%\(CreationDate\|Creator\)' | sha256sum
}
work_xmllint() {
    "${under[@]}" xmllint --format "$inputs/rows.xml" | sha256sum
    "${under[@]}" xmllint --xpath 'sum(/rows/row[@n mod 7 = 3]/@n)' "$inputs/rows.xml"
    head -c 3000 "$inputs/rows.xml" | "${under[@]}" xmllint --stream -
    head -c 3000 "$inputs/rows.xml" | "${under[@]}" xmllint --recover - 2>&1 | tail -n 3
}
work_jq() { head -n 6000 "$inputs/rows.json" | "${under[@]}" jq -s -c 'group_by(.list[0]) | map({k: .[0].list[0], n: (map(.n) | add), t: (map(.name) | join(",") | ascii_upcase | gsub("[A-F]"; "-") | length)}) | .[:5], length'; }
work_openssl() {
    "${under[@]}" openssl crl2pkcs7 -nocrl -certfile /etc/ssl/certs/ca-certificates.crt | "${under[@]}" openssl pkcs7 -print_certs -text -noout | sha256sum
    "${under[@]}" openssl enc -aes-256-cbc -pbkdf2 -S 0102030405060708 -pass pass:word -in "$inputs/rows.txt" | "${under[@]}" openssl dgst -sha3-256
    sed '/END/q' /etc/ssl/certs/ca-certificates.crt >first.pem
    "${under[@]}" openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt first.pem
    sed 5d first.pem | "${under[@]}" openssl x509 -noout -subject >broken 2>&1 || echo "broken: $?"
}
work_nasm() { "${under[@]}" nasm -O2 -f elf64 -g -F dwarf -o made.o "$inputs/made.asm" && sha256sum made.o; }
work_tidy() { "${under[@]}" tidy -q -asxhtml --tidy-mark no --show-warnings no "$inputs/rows.html" 2>&1 | sha256sum; }
work_bc() { "${under[@]}" bc -q "$inputs/work.bc"; }
work_make() { "${under[@]}" make -s -j2 -f "$inputs/work.mk" && cat made/* | sha256sum; }
work_cmake() { "${under[@]}" cmake -S "$inputs" -B built 2>&1 | grep -v '([0-9.]*s)$\|^-- Build files'; }
work_libreoffice() {
    for format in txt:Text html:HTML rtf; do
        "${under[@]}" soffice "-env:UserInstallation=file://$PWD/profile" --headless --convert-to "$format" --outdir . "$inputs/rows.fodt" >said 2>&1 || echo "$format: $?"
    done
    sha256sum rows.txt
    sed 's/<meta[^>]*>//g' rows.html | sha256sum
    sed 's/{\\\(creatim\|revtim\)[^}]*}//g' rows.rtf | sha256sum
}
