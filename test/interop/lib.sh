# Shared by the wire tests: a network namespace with a TAP in it, removed whatever happens.
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2
#
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
plumb=${PLUMB:-$root/build/release/plumb}
N=plumb-$$-x
tmp=$(mktemp -d)
pids=()

cleanup() {
    for p in "${pids[@]:-}"; do [ -n "$p" ] && kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    ip netns del "$N" 2>/dev/null
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

skip() { echo "$*"; exit 77; }
fail() { echo "FAIL: $*"; exit 1; }
need() { for c in "$@"; do command -v "$c" >/dev/null 2>&1 || PATH=$PATH:/usr/sbin:/sbin command -v "$c" >/dev/null 2>&1 || skip "$c is not installed"; done; }
PATH=$PATH:/usr/sbin:/sbin

[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
[ -x "$plumb" ] || skip "$plumb is not built"

netns() {
    ip netns add "$N" || skip "cannot make a network namespace"
    ip -n "$N" link set lo up
}
# A TAP on the kernel's 10.9.0.1/24.
tap() {
    netns
    ip -n "$N" tuntap add dev tap0 mode tap || skip "cannot make a TAP"
    ip -n "$N" addr add 10.9.0.1/24 dev tap0
    ip -n "$N" link set tap0 up
}
# Runs in the namespace.
in_ns() { ip netns exec "$N" "$@"; }
# Starts in the background of the namespace; its id is in $started.
start() { ip netns exec "$N" "$@" & started=$!; pids+=("$started"); }
# Waits until something listens on the kernel's port.
await_port() { for _ in $(seq 100); do in_ns sh -c "ss -Htln 'sport = :$1'" | grep -q . && return 0; sleep 0.1; done; fail "nothing listens on port $1"; }
# Waits until plumb's server at an address answers.
await_http() { for _ in $(seq 100); do in_ns curl -s -o /dev/null --max-time 1 "$1" && return 0; sleep 0.1; done; fail "$1 does not answer"; }
VIA=tap:tap0,addr=10.9.0.2/24,gw=10.9.0.1${OFFLOAD:+,offload=$OFFLOAD}      # OFFLOAD=soft or off: the tests without the device's help
same() { [ "$(sha256sum < "$1")" = "$(sha256sum < "$2")" ] || fail "$3: the bytes differ ($(stat -c%s "$1") and $(stat -c%s "$2"))"; }
# A capture of plumb's own holds packets, none malformed, every checksum right.  A kernel that has to complete a checksum
# itself writes 0xffff for 0, which is the same number and which tshark holds to be wrong.
clean_capture() {
    [ "$(tshark -r "$1" 2>/dev/null | wc -l)" -gt 0 ] || fail "$1 is empty"
    bad=$(tshark -r "$1" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
        -Y '_ws.malformed || ip.checksum.status==0 || (tcp.checksum.status==0 && !(tcp.checksum == 0xffff && ip.src == 10.9.0.1)) || udp.checksum.status==0' 2>/dev/null | head -3)
    [ -z "$bad" ] || fail "$1: $bad"
}
NGINX_CONF() {
    cat > "$tmp/nginx.conf" <<CONF
daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.log; worker_processes 1; user root;
events { worker_connections 256; }
http { access_log off; client_body_temp_path $tmp; proxy_temp_path $tmp; fastcgi_temp_path $tmp; uwsgi_temp_path $tmp; scgi_temp_path $tmp;
  sendfile on; server { listen 80; root $tmp/www; } }
CONF
}
