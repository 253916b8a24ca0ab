#!/usr/bin/env bash
# Over TCP with TLS and passwords: libpq's own means work (verify-full with a CA of one's own, ~/.pgpass, a service file); a certificate of
# another CA, of another host, no TLS and a wrong password are refused with one line, and what was found waits. No password comes into
# an output, a queue or a store.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
export XDG_STATE_HOME=$PWD/state HOME=$PWD
command -v openssl >/dev/null || fail "no openssl: tools/deps installs it"

# A CA, the server's certificate for db.test, and a CA that has nothing to do with them.
authority() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" >openssl.out 2>&1 ||
        fail "openssl: $(cat openssl.out)"
}
authority own
authority other
openssl req -newkey rsa:2048 -nodes -subj /CN=db.test -keyout server.key -out server.csr >openssl.out 2>&1 &&
    printf 'subjectAltName=DNS:db.test\n' >server.ext &&
    openssl x509 -req -in server.csr -CA own.crt -CAkey own.key -CAcreateserial -days 2 -extfile server.ext -out server.crt >>openssl.out 2>&1 ||
    fail "openssl: $(cat openssl.out)"

# A port that is free now; another where somebody takes it before the server does.
for ((try = 0; try < 20; try++)); do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
done
start_postgres
psql -qX hakmem -c "CREATE ROLE keeper LOGIN SUPERUSER PASSWORD 'geheim-7x'" || exit 1
stop_postgres
install -m 600 server.key server.crt "$postgres_folder/data"
printf '%s\n' 'local all all trust' 'hostssl all keeper 127.0.0.1/32 scram-sha-256' >"$postgres_folder/data/pg_hba.conf"
[ "$(id -u)" != 0 ] || chown postgres "$postgres_folder/data/"{server.key,server.crt,pg_hba.conf}
postgres_words=(-c listen_addresses=127.0.0.1 -c "port=$port" -c ssl=on)
export PGPORT=$port
restart_postgres
unset PGPORT PGUSER PGHOST

at="hostaddr=127.0.0.1&port=$port"
url="postgresql://keeper@db.test/hakmem?$at&sslmode=verify-full&sslrootcert=$PWD/own.crt"
echo "*:$port:hakmem:keeper:geheim-7x" >pass && chmod 600 pass
echo "*:$port:hakmem:keeper:wrong-8y" >wrong && chmod 600 wrong
export PGPASSFILE=$PWD/pass

# does STATUS WORDS...: in one line of stderr at most
does() {
    local due=$1 got
    shift
    "$trace" "$@" >out 2>err
    got=$?
    cat out err >>said
    [ "$got" -eq "$due" ] || complain "$*: status $got, and $due was due: $(cat out err)"
    [ "$due" = 0 ] || [ "$(wc -l <err)" = 1 ] || complain "$*: due is one line: $(cat err)"
}
says() { grep -qi -- "$1" err || complain "due: $1; there is: $(cat err)"; }

does 0 fleet setup --to "$url"
"$trace" run -f --on-fault continue --check trace -s double.db -- "$BUILD/tests/faults/double_free" >out 2>&1 || [ $? = 1 ] || complain "run: $(cat out)"
does 0 push -s double.db --to "$url"
does 0 fleet --to "$url"
grep -q double-free out || complain "fleet over TLS: $(cat out)"
does 0 push --whole -s double.db --to "$url"
number=$(sed -n 's/^capture \([0-9]*\):.*/\1/p' out)
"$trace" why @fault -s "$url&capture=$number" >out 2>err || [ $? = 1 ] || complain "why over TLS: $(cat err)"
cat out err >>said
grep -q 'double-free' out || complain "why over TLS: $(head -n 5 out)"

# A service file, and .pgpass in the home.
printf '[heap]\nhost=db.test\nhostaddr=127.0.0.1\nport=%s\ndbname=hakmem\nuser=keeper\nsslmode=verify-full\nsslrootcert=%s\n' "$port" "$PWD/own.crt" >service
PGSERVICEFILE=$PWD/service does 0 fleet --to 'postgresql:///?service=heap'
cp pass .pgpass && chmod 600 .pgpass
env -u PGPASSFILE "$trace" fleet --to "$url" >out 2>err || complain "the home's .pgpass: $(cat err)"

# Pushes that are refused, and why.
does 3 push -s double.db --to "${url/own.crt/other.crt}"
says 'certificate verify failed'
does 3 push -s double.db --to "${url/db.test/elsewhere.test}"
says 'db.test.*does not match\|does not match.*elsewhere'
does 3 push -s double.db --to "postgresql://keeper@db.test/hakmem?$at&sslmode=disable"
says 'no encryption\|no pg_hba.conf entry'
PGPASSFILE=$PWD/wrong does 3 push -s double.db --to "$url"
says 'password authentication failed'
env -u PGPASSFILE HOME="$PWD/state" "$trace" push -s double.db --to "$url" >out 2>err
[ $? = 3 ] || complain "without a password: $(cat out err)"
says 'no password supplied'
[ "$(find state/hakmem_push -name '*.json' | wc -l)" -ge 4 ] || complain "what was refused does not wait: $(ls state/hakmem_push)"

! grep -ra 'geheim-7x\|wrong-8y' said state double.db || complain "a password came out"
