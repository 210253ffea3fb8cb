"""Forwarding and NAT in memory against the kernel's own over veth pairs, in namespaces of its own, in the same run.

    a 10.7.1.2 --- 10.7.1.1 r 10.7.2.1 --- 10.7.2.2 b

A process in a sends small datagrams of a thousand flows on one core, on which the kernel carries them to b, where they are
dropped before anything looks at them.  What forwarding costs the kernel is what that takes by way of r, less what it takes
over one veth pair: the second veth pair and, for nat.pps, nftables' masquerade are in it."""
import os, subprocess
from rows import PEERS, PLUMB, ROOT, Absent, Row, figure, pinned
from rows.frames import sh

SECONDS = os.environ.get("BENCH_SECONDS", "1.5")
FLOOD = os.path.join(PEERS, "flood")


def build_flood():
    source = os.path.join(ROOT, "bench", "peers", "flood.c")
    os.makedirs(PEERS, exist_ok=True)
    if not os.path.exists(FLOOD) or os.path.getmtime(FLOOD) < os.path.getmtime(source):
        sh("cc", "-O2", "-o", FLOOD, source)


class Yard:
    def __init__(self, masquerade):
        self.a, self.r, self.b = (f"plumb-{os.getpid()}-{x}" for x in "arb")
        self.masquerade = masquerade

    def join(self, left, right, dev, first, second):
        sh("ip", "-n", left, "link", "add", dev, "type", "veth", "peer", "name", dev, "netns", right)
        for netns, own in ((left, first), (right, second)):
            sh("ip", "-n", netns, "addr", "add", own + "/24", "dev", dev)
            sh("ip", "-n", netns, "link", "set", dev, "up")

    def __enter__(self):
        try:
            for n in (self.a, self.r, self.b):
                sh("ip", "netns", "add", n)
            self.join(self.a, self.r, "e1", "10.7.1.2", "10.7.1.1")
            self.join(self.r, self.b, "e2", "10.7.2.1", "10.7.2.2")
            self.join(self.a, self.b, "e3", "10.7.3.1", "10.7.3.2")
            sh("ip", "netns", "exec", self.r, "sysctl", "-qw", "net.ipv4.ip_forward=1")
            sh("ip", "-n", self.a, "route", "add", "default", "via", "10.7.1.1")
            sh("ip", "-n", self.b, "route", "add", "default", "via", "10.7.2.1")
            sh("ip", "netns", "exec", self.b, "nft", "table inet f {\nchain c {\ntype filter hook prerouting priority raw;\nudp dport 9 drop\n}\n}")
            if self.masquerade:
                sh("ip", "netns", "exec", self.r, "nft", "table ip n {\nchain c {\ntype nat hook postrouting priority srcnat;\noifname e2 masquerade\n}\n}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for n in (self.a, self.r, self.b):
            subprocess.run(["ip", "netns", "del", n], stderr=subprocess.DEVNULL)

    def cost(self, to):
        """Nanoseconds a packet."""
        done = subprocess.run(["ip", "netns", "exec", self.a, *pinned([FLOOD, to, SECONDS])], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Absent(f"flood: {done.stderr.strip()}")
        return float(done.stdout.split()[1])


def kernel(masquerade):
    def measure():
        build_flood()
        with Yard(masquerade) as yard:
            direct, through = yard.cost("10.7.3.2"), yard.cost("10.7.2.2")
        return 1e9 / max(through - direct, 1.0)
    return measure


def ours(name):
    return lambda: figure(pinned([PLUMB, "bench", name]), name)


def route():
    """The kernel's forwarding in ns, beside which a look among a million prefixes is set."""
    return 1e9 / kernel(False)()


ROWS = [
    Row("forward.pps", "packets/s", ours("forward.pps"), "kernel", kernel(False), "60-byte frames of 1024 flows, one core; the kernel from veth to veth by CPU time", True),
    Row("nat.pps", "packets/s", ours("nat.pps"), "kernel", kernel(True), "the same with NAT, the kernel's by nftables masquerade", True),
    Row("route.1m.kernel", "ns/look", lambda: figure(pinned([PLUMB, "bench", "route.1m"]), "route.1m"), "kernel", route,
        "a look among a million prefixes beside all that the kernel does to forward a packet, with three routes"),
]
