#!/usr/bin/env bash
# peer: the kernel's TCP (nginx, curl), tshark
# needs: nginx-light curl tshark iproute2
# timeout: 240
#
#   nginx and curl on kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2
#
#   SACK, time stamps and window scaling on and off at either end (8 x 8), each end sending: on a path that neither loses nor
#   reorders, on one that does both and repeats, and on one of 296 bytes: 384 transfers.  The bytes are the same; on
#   the good path tshark's expert finds nothing sent twice.
. "$(dirname "$0")/lib.sh"
need nginx curl tshark mergecap
tap
mkdir "$tmp/www"
head -c 1000000 /dev/urandom > "$tmp/www/good"; head -c 200000 "$tmp/www/good" > "$tmp/www/bad"; head -c 100000 "$tmp/www/good" > "$tmp/www/small"
NGINX_CONF; start nginx -c "$tmp/nginx.conf"; await_port 80
ip -n "$N" route replace 10.9.0.0/24 dev tap0 src 10.9.0.1 congctl cubic

bit() { [ $(($1 >> $2 & 1)) = 1 ] && echo "$3" || echo "$4"; }
kernel_is() { in_ns sysctl -q net.ipv4.tcp_sack="$(bit "$1" 0 0 1)" net.ipv4.tcp_timestamps="$(bit "$1" 1 0 1)" net.ipv4.tcp_window_scaling="$(bit "$1" 2 0 1)" || skip "the kernel's TCP cannot be set"; }
plumb_is() { echo "sack=$(bit "$1" 0 off on) timestamps=$(bit "$1" 1 off on) scaling=$(bit "$1" 2 off on)"; }

# What tshark's expert says was sent twice or out of turn on the good path, in either direction.  A tail-loss
# probe may be, where a busy machine keeps an acknowledgment for long: four in a capture of eight transfers.
nothing_twice() {
    local n
    n=$(tshark -r "$1" -Y 'tcp.analysis.retransmission || tcp.analysis.out_of_order || tcp.analysis.lost_segment' 2>/dev/null | tee "$tmp/expert" | wc -l)
    [ "$n" -le "$2" ] || fail "$3: tshark's expert names $n segments: $(head -3 "$tmp/expert")"
    twice=$((twice + n))
}

pairs=0 twice=0
run_path() {
    local path=$1 link=$2 via=$3 p k
    for p in 0 1 2 3 4 5 6 7; do
        rm -f "$tmp"/cap.*
        : > "$tmp/serve.err"
        ip netns exec "$N" "$plumb" serve "$tmp/www" -q --via "$via" --port 80 --tcp "$(plumb_is $p)" --link "$link" --seed $p \
            $([ "$path" = good ] && echo "--capture $tmp/cap.serve") 2>"$tmp/serve.err" & local server=$!
        pids+=("$server")
        await_http http://10.9.0.2/small
        for k in 0 1 2 3 4 5 6 7; do
            kernel_is $k
            in_ns curl -sS --max-time 60 -o "$tmp/got" "http://10.9.0.2/$path" || fail "$path path, plumb $(plumb_is $p), kernel $k: curl exit $?"
            same "$tmp/www/$path" "$tmp/got" "$path path, plumb $p sends, kernel $k"
            pairs=$((pairs + 1))
        done
        kill "$server"; wait "$server" 2>/dev/null
        for k in 0 1 2 3 4 5 6 7; do
            kernel_is $k
            in_ns "$plumb" fetch -sS -m 60 --via "$via" --tcp "$(plumb_is $p)" --link "$link" --seed $((p * 8 + k)) -o "$tmp/got" \
                $([ "$path" = good ] && echo "-w $tmp/cap.$k") "http://10.9.0.1/$path" || fail "$path path, plumb $(plumb_is $p), kernel $k: fetch exit $?"
            same "$tmp/www/$path" "$tmp/got" "$path path, kernel $k sends, plumb $p"
            pairs=$((pairs + 1))
        done
        [ "$path" = good ] || continue
        mergecap -w "$tmp/cap.all" "$tmp"/cap.[0-7] || fail mergecap
        nothing_twice "$tmp/cap.serve" 4 "plumb sends, $(plumb_is $p)"
        nothing_twice "$tmp/cap.all" 4 "the kernel sends, plumb is $(plumb_is $p)"
    done
    echo "$path path ($link): $pairs transfers so far, bytes the same"
}
run_path good '' $VIA
run_path bad 'loss=2% reorder=2% duplicate=2% rtt=4ms jitter=1ms' $VIA
ip -n "$N" link set tap0 mtu 296
run_path small '' $VIA,mtu=296
echo "$pairs transfers; on the good path tshark's expert named $twice segments"
