#!/usr/bin/env bash
# nginx with two workers under ab: files, compression, a reload under way; stopped by `quit`, and by SIGTERM to its group.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
requests=$(scale 1500 40000 8000)
chmod a+rx "$top"
mkdir -p files && chmod a+rx files
for size in 10 1000 20000 300000; do seq "$size" | head -c "$size" >files/$size.txt; done
user=
[ "$(id -u)" -ne 0 ] || user='user nobody nogroup;'

serve() {
    port=$(free_port)
    mkdir -p logs body && chmod 777 body
    cat >nginx.conf <<END
daemon off;
$user
worker_processes 2;
error_log logs/error.log notice;
pid nginx.pid;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path body; fastcgi_temp_path body; uwsgi_temp_path body; scgi_temp_path body;
    gzip on; gzip_types text/plain; gzip_min_length 100;
    types { text/plain txt; }
    server {
        listen 127.0.0.1:$port;
        root $top/files;
        location /again/ { rewrite ^/again/(.*)\$ /\$1 last; }
        location /through/ { proxy_pass http://127.0.0.1:$port/; proxy_http_version 1.1; }
    }
}
END
    setsid "${under[@]}" /usr/sbin/nginx -p "$PWD" -c nginx.conf &
    server=$!
    await test -s nginx.pid
    await curl_file 10.txt
}
curl_file() { /usr/bin/python3 -c 'import sys, urllib.request as r
sys.stdout.buffer.write(r.urlopen(r.Request(sys.argv[1], headers={"Accept-Encoding": sys.argv[2]})).read())' \
    "http://127.0.0.1:$port/$1" "${2-identity}"; }
load() {
    local size
    for size in 10 1000 20000 through/1000 again/20000; do
        ab -q -k -c 8 -n "$requests" -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/$size.txt" |
            grep -E '^(Complete|Failed|Non-2xx|Document Length)'
    done
    for size in 300000 again/1000 through/300000; do curl_file "$size.txt" | sha256sum; done
    curl_file 300000.txt gzip | gzip -d | sha256sum
}
story() {
    serve
    load
    kill -HUP "$(cat nginx.pid)"
    await grep -q 'reconfiguring' logs/error.log
    ab -q -c 4 -n 500 "http://127.0.0.1:$port/1000.txt" | grep -E '^(Complete|Failed|Non-2xx)'
    kill -QUIT "$(cat nginx.pid)"
    wait "$server"
    echo "stopped by QUIT: $?"
}
signal_story() {
    serve
    ab -q -k -c 8 -n 1000 "http://127.0.0.1:$port/1000.txt" | grep -E '^(Complete|Failed|Non-2xx)'
    kill -TERM -- "-$server"
    wait "$server"
    echo "stopped by SIGTERM to its group: $?"
}
check_program story "nginx"
addresses=20 check_program signal_story
