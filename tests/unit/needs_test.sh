#!/usr/bin/env bash
# Libraries that run inside a program need nothing but libc, keep their thread-local memory small,
# and leave no name outside the malloc family behind.
. "${SOURCE:?}/tests/tools/test.sh"

for library in libhakmem.so hakmem-debug.so hakmem-record.so hakmem-attach.so; do
    file=$BUILD/$library
    needed=$(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' | tr '\n' ' ')
    [ "$needed" = 'libc.so.6 ' ] || complain "$library needs ${needed:-nothing}; due: libc.so.6 alone"

    # PT_TLS above 4 KiB makes threads with small stacks fail, and dlopen of others.
    tls=$(readelf -lW "$file" | awk '$1 == "TLS" { print $6 }')
    [ $((${tls:-0})) -le 4096 ] || complain "$library has $((tls)) bytes of thread-local memory; due: 4096 at most"

    readelf -dW "$file" | grep -q TEXTREL && complain "$library has text relocations"
    readelf -lW "$file" | grep -E 'GNU_STACK.*RWE' && complain "$library asks for an executable stack"

    while read -r name; do
        case "$name" in
        malloc | calloc | realloc | reallocarray | free | cfree | memalign | posix_memalign | aligned_alloc | \
            valloc | pvalloc | malloc_usable_size | malloc_trim | mallinfo | mallinfo2 | malloc_stats | mallopt | \
            malloc_info | _Zn* | _Zd* | free_sized | free_aligned_sized | hak_*) ;;
        strdup | strndup) [ "$library" = hakmem-record.so ] || complain "$library exports $name" ;; # an allocator's own are copied
        dlopen | dlsym) ;; # so that libraries find this malloc (src/entry/loader.c)
        prctl | syscall) [ "$library" != hakmem-attach.so ] || complain "$library exports $name" ;; # which enter a sandbox
        setrlimit | setrlimit64 | getrlimit | getrlimit64 | prlimit | prlimit64) # whose RLIMIT_AS counts reserved ranges
            case $library in hakmem-debug.so | hakmem-record.so) ;; *) complain "$library exports $name" ;; esac ;;
        mlockall) [ "$library" != hakmem-attach.so ] || complain "$library exports $name" ;; # which fills the registry
        __libc_malloc | __libc_free | __libc_calloc | __libc_realloc | __libc_memalign | __libc_valloc | \
            __libc_pvalloc | __libc_mallopt | __libc_mallinfo) ;;
        # The debug build watches threads, crash signals, start and end by standing in front of these.
        sigaction | signal | bsd_signal | ssignal | sysv_signal | __sysv_signal | sigset | sigignore | siginterrupt | \
            sigprocmask | pthread_sigmask | sighold | sigrelse | sigblock | sigsetmask | siggetmask | sigaltstack | mmap | mmap64 | munmap | mremap | mprotect | brk | sbrk | pthread_create | thrd_create | vfork | _exit | _Exit | __libc_start_main | \
            clone | unshare | setns | execve | execveat | fexecve | execv | execvp | execvpe | execl | execlp | execle | posix_spawn | posix_spawnp)
            [ "$library" != libhakmem.so ] || complain "$library exports $name" ;;
        *) complain "$library exports $name" ;;
        esac
    done < <(nm -D --defined-only "$file" | awk '{ sub(/@.*/, "", $3); print $3 }')
done
# Programs that read captures need no libpq, which hakmem_postgres.so brings along where a URL is given.
for file in hakmem-trace hakmem-collect hakmem_sqlite.so; do
    readelf -d "$BUILD/$file" | grep -q 'NEEDED.*libpq' && complain "$file needs libpq; due: hakmem_postgres.so alone"
done
if [ -e "$BUILD/hakmem_postgres.so" ]; then
    readelf -d "$BUILD/hakmem_postgres.so" | grep -q 'NEEDED.*libpq' || complain "hakmem_postgres.so does not need libpq"
else
    echo "skipped: what hakmem_postgres.so needs: it is not built here"
fi
