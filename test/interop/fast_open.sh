#!/usr/bin/env bash
# peer: the kernel's TCP Fast Open (RFC 7413)
# needs: iproute2 python3 tshark
# when: check
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        each asks for a cookie, and then says its request on the SYN
. "$(dirname "$0")/lib.sh"
need python3 tshark curl
tap
in_ns sysctl -qw net.ipv4.tcp_fastopen=3 || skip "the kernel's fast open cannot be switched on"
mkdir "$tmp/www"; head -c 20000 /dev/urandom > "$tmp/www/file"
seen() { tshark -r "$tmp/c.pcapng" -Y "$1" 2>/dev/null | wc -l; }
on_syn='tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.len>0 && tcp.option_kind==34'
# every byte of the text on a SYN is acknowledged by the SYN-ACK
taken() { tshark -r "$tmp/c.pcapng" -Y 'tcp.flags.syn==1 && tcp.flags.ack==1 && tcp.ack>1' 2>/dev/null | wc -l; }

# the kernel opens
start "$plumb" serve "$tmp/www" --via $VIA --port 80 --tcp fastopen=on --capture "$tmp/c.pcapng" > /dev/null 2>&1; serving=$started
await_http http://10.9.0.2/
in_ns python3 - "$tmp/www/file" <<'PY' || fail "the kernel's MSG_FASTOPEN"
import socket, sys
want = open(sys.argv[1], "rb").read()
for i in range(3):
    s = socket.socket()
    s.sendto(b"GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", socket.MSG_FASTOPEN, ("10.9.0.2", 80))
    got = b""
    while piece := s.recv(65536):
        got += piece
    assert got.endswith(want), len(got)
    s.close()
PY
kill -INT "$serving"; wait "$serving" 2>/dev/null
clean_capture "$tmp/c.pcapng"
[ "$(seen "$on_syn && ip.src==10.9.0.1")" = 2 ] || fail "of three requests $(seen "$on_syn && ip.src==10.9.0.1") went on the kernel's SYN"
[ "$(taken)" = 2 ] || fail "plumb took $(taken) of two"
echo "the kernel opened: $(seen 'tcp.option_kind==34') segments with the option, $(taken) requests taken from the SYN"

# plumb opens: two redirects and a file, each on a connection of its own
cat > "$tmp/server.py" <<'PY'
import socket, sys
body = open(sys.argv[1], "rb").read()
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
l.bind(("10.9.0.1", 8000))
l.listen(5)
while True:
    c, _ = l.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        request += c.recv(65536)
    to = {b"/a": b"http://10.9.0.1:8000/b", b"/b": b"http://10.9.0.1:8000/file", b"/c": b"http://10.9.0.1:8001/file"}.get(request.split()[1])
    if to:
        c.sendall(b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + to + b"\r\n\r\n")
        c.close()
        continue
    c.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    c.close()
PY
start python3 "$tmp/server.py" "$tmp/www/file"
await_port 8000
in_ns "$plumb" fetch -s -L --via $VIA --tcp fastopen=on -w "$tmp/c.pcapng" -o "$tmp/got" http://10.9.0.1:8000/a || fail "plumb fetch: exit $?"
same "$tmp/www/file" "$tmp/got" "behind two redirects"
clean_capture "$tmp/c.pcapng"
[ "$(seen "$on_syn && ip.src==10.9.0.2")" = 2 ] || fail "of three requests $(seen "$on_syn && ip.src==10.9.0.2") went on plumb's SYN"
[ "$(taken)" = 2 ] || fail "the kernel took $(taken) of two"

# a listener that has no fast open (any more): the text comes again behind the handshake
sed -i '/socket.TCP_FASTOPEN/d; s/"10.9.0.1", 8000/"10.9.0.1", 8001/' "$tmp/server.py"
start python3 "$tmp/server.py" "$tmp/www/file"
await_port 8001
in_ns "$plumb" fetch -s -L --via $VIA --tcp fastopen=on -w "$tmp/c.pcapng" -o "$tmp/got" http://10.9.0.1:8000/c || fail "plumb fetch: exit $?"
same "$tmp/www/file" "$tmp/got" "a listener without"
[ "$(seen "$on_syn && ip.src==10.9.0.2")" = 1 ] || fail "no request went on plumb's SYN"
[ "$(taken)" = 0 ] || fail "a listener without fast open took text from a SYN"
echo "plumb opened: taken, and not taken, as the kernel's listener is set"
