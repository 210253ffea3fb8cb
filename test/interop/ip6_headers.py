"""What a host answers to packets with extension headers, by RFC 8200, 4443, 5722, 6946 and 7112.  ip6_headers.py IFACE MAC OWN TARGET"""
import sys
from scapy.all import *

conf.verb = 0
iface, mac, own, target = sys.argv[1:5]
failed = []


def ask(name, wanted, *packets):
    """wanted: 'reply', None, or (type, code[, pointer]) of an error."""
    frames = [Ether(dst=mac) / p for p in packets]
    sniffer = AsyncSniffer(iface=iface, lfilter=lambda p: IPv6 in p and p[IPv6].src == target and p[IPv6].dst == own, timeout=0.7)
    sniffer.start()
    time.sleep(0.2)
    for f in frames:
        sendp(f, iface=iface)
    sniffer.join()
    got = None
    for p in sniffer.results or []:
        body = bytes(p[IPv6].payload)
        if p[IPv6].nh == 58 and body[0] == 129:
            got = "reply"
        elif p[IPv6].nh == 58 and body[0] < 128:
            got = (body[0], body[1], int.from_bytes(body[4:8], "big")) if body[0] == 4 else (body[0], body[1])
    if got != wanted:
        failed.append(f"{name}: {got}, not {wanted}")


def ip(**more):
    return IPv6(src=own, dst=target, **more)


def echo():
    return ICMPv6EchoRequest(id=7, data=b"x" * 32)


def cut(packet, sizes, ident):
    """The payload of `packet` in fragments [from, to)."""
    whole = bytes(packet)[40:]
    last = max(b for a, b in sizes)
    return [ip() / IPv6ExtHdrFragment(nh=packet.nh, offset=a // 8, m=0 if b == last else 1, id=ident) / Raw(whole[a:b]) for a, b in sizes]


opt = lambda t: HBHOptUnknown(otype=t, optlen=4, optdata=b"\0\0\0\0")
whole = IPv6(bytes(ip() / ICMPv6EchoRequest(id=7, data=b"y" * 120)))
ask("echo", "reply", ip() / echo())
ask("hop-by-hop, to be skipped", "reply", ip() / IPv6ExtHdrHopByHop(options=[opt(0x1e)]) / echo())
ask("hop-by-hop, to be discarded", None, ip() / IPv6ExtHdrHopByHop(options=[opt(0x5e)]) / echo())
ask("hop-by-hop, to be told", (4, 2, 42), ip() / IPv6ExtHdrHopByHop(options=[opt(0x9e)]) / echo())
ask("destination option, to be told", (4, 2, 42), ip() / IPv6ExtHdrDestOpt(options=[opt(0xde)]) / echo())
ask("hop-by-hop, not first", (4, 1, 40), ip() / IPv6ExtHdrDestOpt(options=[opt(0x1e)]) / IPv6ExtHdrHopByHop(options=[opt(0x1e)]) / echo())
ask("routing header used up", "reply", ip() / IPv6ExtHdrRouting(addresses=[], segleft=0) / echo())
ask("routing header 0", (4, 0, 42), ip() / IPv6ExtHdrRouting(addresses=["fd00::9"], segleft=1) / echo())
ask("a next header nobody knows", (4, 1, 6), ip(nh=200) / Raw(b"12345678"))
ask("no next header", None, ip(nh=59) / Raw(b"12345678"))
ask("atomic fragment", "reply", ip() / IPv6ExtHdrFragment(nh=58, id=1) / echo())
ask("two fragments", "reply", *cut(whole, [(0, 64), (64, 128)], 2))
ask("two fragments, the last first", "reply", *cut(whole, [(64, 128), (0, 64)], 3))
ask("one fragment twice", "reply", *cut(whole, [(0, 64), (0, 64), (64, 128)], 4))
ask("overlapping fragments", None, *cut(whole, [(0, 72), (64, 128)], 5))
ask("a length that is not whole", (4, 0, 4), ip() / IPv6ExtHdrFragment(nh=58, m=1, id=6) / Raw(bytes(whole)[40:70]))
ask("a datagram too long", (4, 0, 42), ip() / IPv6ExtHdrFragment(nh=58, offset=8191, id=7) / Raw(b"z" * 80))
ask("a first fragment without the upper layer", (4, 3, 0), ip() / IPv6ExtHdrFragment(nh=60, m=1, id=8) / IPv6ExtHdrDestOpt(nh=6, options=[opt(0x1e)]))
ask("a wrong checksum", None, ip() / ICMPv6EchoRequest(id=7, cksum=1))
ask("a mapped source", None, IPv6(src="::ffff:10.0.0.1", dst=target) / echo())
print("\n".join(failed) or "all as they should be")
sys.exit(bool(failed))
