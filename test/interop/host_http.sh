#!/usr/bin/env bash
# peer: nginx, python3 -m http.server, curl, wget, wrk, dig
# needs: nginx-light python3 curl wget wrk bind9-dnsutils
# when: check
#
#   plumb's HTTP and DNS on the host's sockets, 127.0.0.1: its client against nginx and python, curl, wget, wrk and
#   raw sockets against its server, dig against its name server.  No privilege, no namespace.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
peer=$root/build/dev/test/interop/interop-host-http       # with AddressSanitizer
tmp=$(mktemp -d)
pids=()
cleanup() {
    for p in "${pids[@]:-}"; do [ -n "$p" ] && kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
PATH=$PATH:/usr/sbin:/sbin
unset http_proxy HTTP_PROXY no_proxy
fail() { echo "FAIL: $*"; cat "$tmp/err" 2>/dev/null; exit 1; }
for c in nginx python3 curl wget wrk dig; do command -v $c >/dev/null || { echo "$c is not installed"; exit 77; }; done
[ -x "$peer" ] || { echo "$peer is not built"; exit 77; }
port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
await() { for _ in $(seq 100); do curl -s -o /dev/null --max-time 1 "$1" && return 0; sleep 0.1; done; fail "$1 does not answer"; }
same() { cmp -s "$1" "$2" || fail "$3: the bytes differ"; }
has() { grep -Eq "$2" "$1" || fail "$3: no $2 in: $(head -c 600 "$1")"; }
bare() { "$peer" fetch "$@" 2>"$tmp/err"; }

mkdir "$tmp/www" "$tmp/www/sub"
head -c 10000000 /dev/urandom > "$tmp/www/big"
printf '<p>home</p>\n' > "$tmp/www/index.html"
echo deep > "$tmp/www/sub/deep.txt"
ln -s /etc/passwd "$tmp/www/leak"

# ---- plumb's client against nginx and python
A=$(port); B=$(port); C=$(port)
cat > "$tmp/nginx.conf" <<CONF
daemon off; user root; pid $tmp/nginx.pid; error_log $tmp/nginx.log; worker_processes 1; events { worker_connections 256; }
http { access_log off; client_body_temp_path $tmp/body; proxy_temp_path $tmp; fastcgi_temp_path $tmp; uwsgi_temp_path $tmp; scgi_temp_path $tmp;
  client_max_body_size 50m; keepalive_requests 3;
  server { listen 127.0.0.1:$A; root $tmp/www;
    location /moved { return 301 /; }  location /see { return 303 /index.html; }  location /twice { return 302 /moved; }
    location /loop { return 302 /loop; }  location /far { return 302 http://localhost:$A/sub/deep.txt; }
    location /put { dav_methods PUT; }  location /gone { return 204; }  location /cut { return 444; }
    location /chunked { ssi on; ssi_types *; alias $tmp/www; } } }
CONF
grep -q http_dav <(nginx -V 2>&1) || sed -i '/dav_methods/s/location .put { dav_methods PUT; }//' "$tmp/nginx.conf"
nginx -c "$tmp/nginx.conf" 2>"$tmp/nginx.err" & pids+=($!)
(cd "$tmp/www" && exec python3 -m http.server "$B" --bind 127.0.0.1 >/dev/null 2>&1) & pids+=($!)
await "http://127.0.0.1:$A/"; await "http://127.0.0.1:$B/"
for p in $A $B; do
    bare -o "$tmp/got" "http://127.0.0.1:$p/big" || fail "10 MB from port $p"
    same "$tmp/www/big" "$tmp/got" "10 MB from port $p"
    bare -I -o "$tmp/got" "http://127.0.0.1:$p/big" && [ ! -s "$tmp/got" ] || fail "HEAD at port $p"
    bare "http://127.0.0.1:$p/none" >/dev/null || fail "404"; has "$tmp/err" "status=404 .*exit=0" "404 at port $p"
done
url=http://127.0.0.1:$A
bare -r 100-199 -o "$tmp/got" "$url/big"; has "$tmp/err" status=206 "a range"
same <(tail -c +101 "$tmp/www/big" | head -c 100) "$tmp/got" "a range"
bare "$url/" "$url/sub/deep.txt" "$url/index.html" "$url/" >/dev/null || fail "four in a row"
[ "$(grep -c reused=1 "$tmp/err")" = 2 ] || fail "nginx keeps a connection for three requests"
bare -L "$url/twice" > "$tmp/got" && same "$tmp/www/index.html" "$tmp/got" "redirects"; has "$tmp/err" "redirects=2" "redirects"
bare -L -d x=1 "$url/see" > "$tmp/got" && same "$tmp/www/index.html" "$tmp/got" "303 after POST"
bare -L "$url/far" > "$tmp/got" && same "$tmp/www/sub/deep.txt" "$tmp/got" "a redirect to another host"
bare -L "$url/loop" >/dev/null; [ $? = 47 ] || fail "a loop of redirects is exit 47"
bare "$url/gone" > "$tmp/got"; has "$tmp/err" "status=204 .*exit=0" "204"
bare "$url/cut" >/dev/null; [ $? = 52 ] || fail "an empty answer is exit 52"
bare "$url/chunked/index.html" > "$tmp/got" && same "$tmp/www/index.html" "$tmp/got" "a chunked answer"
bare "http://127.0.0.1:$C/" >/dev/null; [ $? = 7 ] || fail "a refused port is exit 7"
if grep -q dav_methods "$tmp/nginx.conf"; then
    mkdir "$tmp/www/put"
    bare -T "$tmp/www/big" "$url/put/one" >/dev/null && same "$tmp/www/big" "$tmp/www/put/one" "PUT of 10 MB with 100-continue"
    bare -c "$tmp/www/big" "$url/put/two" >/dev/null && same "$tmp/www/big" "$tmp/www/put/two" "PUT of 10 MB in chunks"
fi

# ---- curl, wget, wrk against plumb's server
"$peer" serve "$tmp/www" "$C" 2>"$tmp/serve.err" & server=$!; pids+=($server)
url=http://127.0.0.1:$C
await "$url/"
curl -sf "$url/big" -o "$tmp/got" && same "$tmp/www/big" "$tmp/got" "curl"
curl -sf -0 "$url/big" -o "$tmp/got" && same "$tmp/www/big" "$tmp/got" "curl, HTTP/1.0"
curl -sf "http://[::1]:$C/sub/deep.txt" -o "$tmp/got" && same "$tmp/www/sub/deep.txt" "$tmp/got" "curl over IPv6"
wget -q -O "$tmp/got" "$url/big" && same "$tmp/www/big" "$tmp/got" "wget"
head -c 3000000 "$tmp/www/big" > "$tmp/part"; wget -q -c -O "$tmp/part" "$url/big" && same "$tmp/www/big" "$tmp/part" "wget -c"
(cd "$tmp" && wget -q -r -np -nH "$url/sub/" && same "$tmp/www/sub/deep.txt" "$tmp/sub/deep.txt" "wget -r over a listing") || exit 1
curl -s -r 5-9 "$url/big" -o "$tmp/got"; same <(tail -c +6 "$tmp/www/big" | head -c 5) "$tmp/got" "a range"
curl -s -r 0-0,-1 -D "$tmp/head" "$url/big" -o "$tmp/got"; has "$tmp/head" "multipart/byteranges; boundary=" "two ranges"
curl -s -r 20000000- -D "$tmp/head" "$url/big" -o /dev/null; has "$tmp/head" "416 .*" "416"; has "$tmp/head" "bytes \*/10000000" "416"
curl -sI "$url/big" > "$tmp/head"; has "$tmp/head" "Content-Length: 10000000" HEAD; has "$tmp/head" "Date: ...,.*GMT" HEAD
etag=$(sed -n 's/^ETag: \(.*\)\r$/\1/p' "$tmp/head")
[ "$(curl -s -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$url/big")" = 304 ] || fail "If-None-Match"
[ "$(curl -s -o /dev/null -w '%{http_code}' -z "$tmp/www/big" "$url/big")" = 304 ] || fail "If-Modified-Since"
[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/leak")" = 403 ] || fail "a link that leaves the directory"
[ "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is "$url/../../../etc/passwd")" = 400 ] || fail "path traversal"
[ "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE "$url/big")" = 405 ] || fail "405"
[ "$(curl -s -L -o /dev/null -w '%{http_code} %{num_redirects}' "$url/sub")" = "200 1" ] || fail "a directory without its slash"
[ "$(curl -s -T "$tmp/www/big" "$url/x")" = 10000000 ] || fail "PUT of 10 MB"
[ "$(curl -s -T - "$url/x" < "$tmp/www/big")" = 10000000 ] || fail "PUT of 10 MB in chunks"
[ "$(curl -s -o /dev/null -o /dev/null -w '%{num_connects}' "$url/" "$url/")" = 10 ] || fail "curl keeps its connection"
bare -T "$tmp/www/big" "$url/x" > "$tmp/got" && has "$tmp/got" '^10000000$' "plumb to plumb, PUT"
wrk -c 64 -t 1 -d 2 "$url/index.html" > "$tmp/wrk"; grep -q "Socket errors\|Non-2xx" "$tmp/wrk" && fail "wrk: $(cat "$tmp/wrk")"

# ---- raw bytes: pipelining, nonsense, slow peers
python3 - "$C" <<'P' || fail "raw sockets"
import socket, sys, time
port = int(sys.argv[1])
def talk(data, wait=True, pieces=1):
    s = socket.create_connection(("127.0.0.1", port)); s.settimeout(10)
    for i in range(0, len(data), max(1, len(data) // pieces)):
        s.sendall(data[i:i + max(1, len(data) // pieces)])
        if pieces > 1: time.sleep(0.002)
    got = b""
    while wait:
        part = s.recv(65536)
        if not part: break
        got += part
    s.close()
    return got
get = b"GET /sub/deep.txt HTTP/1.1\r\nHost: x\r\n\r\n"
last = b"GET /index.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
got = talk(get * 50 + last)
assert got.count(b"HTTP/1.1 200 OK") == 51 and got.count(b"deep\n") == 50 and got.endswith(b"<p>home</p>\n"), got[:300]
got = talk(get * 3 + last, pieces=200)
assert got.count(b"HTTP/1.1 200 OK") == 4
for request, status in [(b"GET / HTTP/1.1\nHost: x\n\n", b"400"), (b"GET /\r\n", b"400"), (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", b"505"), (b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n", b"501"), (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", b"400"), (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000 + b"\r\n\r\n", b"431"), (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", b"413"), (b"GET / HTTP/1.1\r\nHost: x\r\nContent", b"408")]:
    got = talk(request)
    assert got.startswith(b"HTTP/1.1 " + status), (request[:60], got[:200])
begun = time.time()
assert talk(b"") == b"" and 1.5 < time.time() - begun < 5      # idle for two seconds, as it was told
P
kill -TERM $server; wait $server; [ $? = 0 ] || fail "the server did not end well: $(cat "$tmp/serve.err")"
[ -s "$tmp/serve.err" ] && fail "the server complains: $(cat "$tmp/serve.err")"

# ---- names
D=$(port)
printf '$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\nwww A 127.0.0.1\nalias CNAME www\n*.any A 127.0.0.9\n' > "$tmp/zone"
for i in $(seq 60); do echo "many A 127.0.1.$i"; done >> "$tmp/zone"
"$peer" dns "$tmp/zone" shop.test "$D" & pids+=($!)
ask() { dig +time=2 +tries=3 -p "$D" @127.0.0.1 "$@"; }
for _ in $(seq 50); do ask +short www.shop.test | grep -q 127.0.0.1 && break; sleep 0.1; done
ask www.shop.test > "$tmp/dig"; has "$tmp/dig" "flags: qr aa rd" "dig"; grep -Eiq "malformed|extra bytes" "$tmp/dig" && fail "dig: $(cat "$tmp/dig")"
[ "$(ask +short many.shop.test | wc -l)" = 60 ] || fail "60 addresses, over TCP where they must"
[ "$(ask +tcp +short x.any.shop.test)" = 127.0.0.9 ] || fail "a wildcard over TCP"
ask none.shop.test | grep -q NXDOMAIN || fail NXDOMAIN
ask example.org | grep -q REFUSED || fail REFUSED
bare -s "127.0.0.1:$D" "http://alias.shop.test:$A/sub/deep.txt" > "$tmp/got" && same "$tmp/www/sub/deep.txt" "$tmp/got" "a name of plumb's own server"
bare -s "127.0.0.1:$D" "http://many.shop.test:$A/" >/dev/null; has "$tmp/err" "exit=7" "addresses that all refuse"
bare -s "127.0.0.1:$D" "http://none.shop.test:$A/" >/dev/null; [ $? = 6 ] || fail "a name that is not is exit 6"
echo "nginx, python, curl, wget, wrk and dig are content"
