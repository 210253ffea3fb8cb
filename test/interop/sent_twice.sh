#!/usr/bin/env bash
# peer: the kernel's TCP (nginx, curl), tshark
# needs: nginx-light curl tshark iproute2 python3
# timeout: 240
#
#   nginx and curl on kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        plumb's impairment between them
#
#   On paths that lose, reorder, repeat and shape: what tshark's expert names sent again must have been lost before, by a
#   drop event of the capture; what was sent again without need is no more than what the kernel's sender sends without
#   need on the same seeded paths, a tail loss probe of each transfer left out on both sides.
. "$(dirname "$0")/lib.sh"
need nginx curl tshark python3
tap
mkdir "$tmp/www"
head -c 1500000 /dev/urandom > "$tmp/www/f"
NGINX_CONF; start nginx -c "$tmp/nginx.conf"; await_port 80
ip -n "$N" route replace 10.9.0.0/24 dev tap0 src 10.9.0.1 congctl cubic

# plumb's captures, each packet of the emulated link.  Of plumb's own segments they tell the fate: `again`, how many went
# once more; `needless`, how many of those though no copy before was lost; `named`, what tshark's expert calls sent again;
# `unexplained`, those of the named that no drop event explains.  Of the kernel's they hold what arrived: needless is what
# had arrived before.  (What the link itself repeats has the same IP identification.)
cat > "$tmp/judge.py" <<'PY'
import collections, subprocess, sys
file, sender, ours = sys.argv[1], sys.argv[2], sys.argv[3] == "ours"
fields = ["ip.id", "tcp.stream", "tcp.seq", "tcp.len", "frame.comment", "tcp.analysis.retransmission"]
text = subprocess.run(["tshark", "-r", file, "-Y", f"ip.src=={sender} && tcp.len>0", "-T", "fields"] + [a for f in fields for a in ("-e", f)],
                      capture_output=True, text=True).stdout
MSS = 100                                       # the grain: bytes of a stream in slices of so many
copies, lost, seen = collections.Counter(), collections.Counter(), set()
again = needless = named = unexplained = 0
for line in text.splitlines():
    ident, stream, seq, length, comment, expert = line.split("\t")
    if (ident, stream, seq) in seen and ident != "0x0000":
        continue
    seen.add((ident, stream, seq))
    slices = [(stream, n) for n in range(int(seq) // MSS, (int(seq) + int(length) - 1) // MSS + 1)]
    inner = slices[1:-1] or slices[:1]          # the slices at the ends are shared with the neighbours
    twice = [k for k in inner if copies[k]]
    if twice:
        again += 1
        explained = any(lost[k] for k in twice)
        needless += not explained
        named += bool(expert)
        unexplained += bool(expert) and not explained
        for k in twice:
            lost[k] = 0
    for k in slices:
        copies[k] += 1
        lost[k] += ours and "LINK_" in comment
print(again, needless, named, unexplained)
PY

total_plumb=0 total_kernel=0 total_again=0
try() {
    local name=$1 link=$2 seed=$3 a n e u kn
    start "$plumb" serve "$tmp/www" -q --via $VIA --port 80 --link "$link" --seed "$seed" --capture "$tmp/cap.plumb"; local server=$started
    for _ in $(seq 50); do in_ns curl -s -o /dev/null --max-time 2 http://10.9.0.2/none && break; sleep 0.1; done
    in_ns curl -sS --max-time 60 -o "$tmp/got" http://10.9.0.2/f || fail "$name: curl exit $?"
    same "$tmp/www/f" "$tmp/got" "$name, plumb sends"
    kill "$server"; wait "$server" 2>/dev/null
    in_ns "$plumb" fetch -sS -m 60 --via $VIA --link "$link" --seed "$seed" -w "$tmp/cap.kernel" -o "$tmp/got" http://10.9.0.1/f || fail "$name: fetch exit $?"
    same "$tmp/www/f" "$tmp/got" "$name, the kernel sends"
    read -r a n e u < <(python3 "$tmp/judge.py" "$tmp/cap.plumb" 10.9.0.2 ours)
    read -r _ kn _ _ < <(python3 "$tmp/judge.py" "$tmp/cap.kernel" 10.9.0.1 theirs)
    echo "$name, seed $seed: plumb sent $a again, $n without need (tshark names $e, $u of them not lost before); the kernel $kn without need"
    # one may be a tail loss probe: the last segment's acknowledgment is delayed
    total_plumb=$((total_plumb + (n > 1 ? n - 1 : 0))) total_kernel=$((total_kernel + (kn > 1 ? kn - 1 : 0))) total_again=$((total_again + a))
}
for seed in ${SEEDS:-1 2 3}; do
    try "loss" 'loss=1% rtt=20ms' "$seed"
    try "reordering" 'reorder=2% rtt=20ms' "$seed"
    try "duplicates" 'duplicate=2% loss=0.5% rtt=10ms' "$seed"
    try "shaping" 'rate=40mbit queue=100kB rtt=20ms' "$seed"
    try "jitter" 'jitter=3ms rtt=20ms loss=0.5%' "$seed"
done
echo "without need: plumb $total_plumb of $total_again, the kernel $total_kernel"
[ "$total_again" -gt 0 ] || fail "nothing was sent again: the paths are too good"
# a busy machine delays either end's timers: a twentieth of what was sent again is noise
[ "$total_plumb" -le $((total_kernel + 5 + total_again / 20)) ] || fail "plumb sends more without need than the kernel"
