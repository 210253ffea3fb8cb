#!/usr/bin/env bash
# peer: python3's ipaddress module
# needs: python3
# when: check
#
#   plumb addr against another's arithmetic: networks, ranges, hosts, splitting, aggregating, excluding, reverse names
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
plumb=${PLUMB:-$root/build/release/plumb}
[ -x "$plumb" ] || { echo "$plumb is not built"; exit 77; }
timeout 100 python3 - "$plumb" <<'PY'
import ipaddress, json, random, subprocess, sys

plumb, rng = sys.argv[1], random.Random(7)


def run(*args, want=0):
    p = subprocess.run([plumb, "addr", *map(str, args)], capture_output=True, text=True, timeout=20)
    assert p.returncode == want, (args, p.returncode, p.stderr)
    return p.stdout


def same(what, got, want):
    assert got == want, f"{what}: plumb says {got}, python {want}"


def some_network():
    if rng.random() < 0.5:
        return ipaddress.ip_interface((rng.getrandbits(32), rng.randint(0, 32)))
    base = rng.choice([0x20010db8 << 96, 0xfe80 << 112, 0xfd << 120, 0x2a00 << 112])
    return ipaddress.ip_interface((base | rng.getrandbits(100), rng.randint(12, 128)))


for _ in range(150):
    i = some_network()
    told = json.loads(run("--json", i))["addresses"][0]
    same(f"{i} address", told["address"], str(i.ip))
    same(f"{i} reverse", told["reverse_name"], i.ip.reverse_pointer)
    if i.version == 6:
        same(f"{i} full", told["full"], i.ip.exploded)
    if i.ip.is_multicast:
        continue
    same(f"{i} network", told["network"], str(i.network))
    same(f"{i} mask", told["mask"], str(i.netmask))
    same(f"{i} addresses", told["addresses"], f"{i.network[0]} - {i.network[-1]}")
    if i.version == 4:
        n = i.network.num_addresses
        same(f"{i} hosts", told["hosts"], str(n - 2 if i.network.prefixlen < 31 else n))
        if i.network.prefixlen < 31:
            same(f"{i} broadcast", told["broadcast"], str(i.network.broadcast_address))
            same(f"{i} range", told["range"], f"{i.network[1]} - {i.network[-2]}")

for _ in range(30):
    net = some_network().network
    more = min(net.prefixlen + rng.randint(0, 6), net.max_prefixlen)
    same(f"split {net}", run("--split", more, net).split(), [str(s) for s in net.subnets(new_prefix=more)])
    inner = ipaddress.ip_network((int(net[0]) + rng.randrange(net.num_addresses), net.max_prefixlen))
    run("--contains", inner, net)
    if net.prefixlen < net.max_prefixlen:
        run("--contains", net, inner, want=1)
        same(f"exclude {inner} from {net}", run("--exclude", inner, net).split(), [str(s) for s in sorted(net.address_exclude(inner))])

for _ in range(30):
    first = rng.getrandbits(32)
    last = min(first + rng.getrandbits(rng.randint(1, 24)), 2 ** 32 - 1)
    a, b = ipaddress.ip_address(first), ipaddress.ip_address(last)
    same(f"range {a}-{b}", run("--range", a, b).split(), [str(s) for s in ipaddress.summarize_address_range(a, b)])
    nets = [ipaddress.ip_network((first & -256 | rng.getrandbits(8) << 3, rng.randint(24, 32)), strict=False) for _ in range(20)]
    same("aggregate", run("--aggregate", *nets).split(), [str(s) for s in ipaddress.collapse_addresses(nets)])

for bad in ["10.0.0", "10.0.0.0/33", "fe80::1/129", "x", "10.0.0.9-10.0.0.1", "1::2::3"]:
    p = subprocess.run([plumb, "addr", bad], capture_output=True, text=True)
    assert p.returncode == 2 and p.stderr.count("\n") == 1 and not p.stdout, (bad, p)
print("the same arithmetic")
PY
