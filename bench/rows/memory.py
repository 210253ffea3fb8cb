"""Two stacks joined by a wire in one process, on one core."""
import os, subprocess
from rows import PEERS, PLUMB, ROOT, Absent, Row, figure, pinned

LWIP = os.path.join(PEERS, "lwip", "lwip_bench")
LWIP_IS = "lwIP 2.1.3 (Debian source), NO_SYS, no SACK, no time stamps"


def build_lwip():
    if os.path.exists(LWIP) and os.path.exists(os.path.join(PEERS, "lwip", "lwip_tap")):
        return
    log = os.path.join(PEERS, "lwip.log")
    os.makedirs(PEERS, exist_ok=True)
    with open(log, "w") as to:
        done = subprocess.run([os.path.join(ROOT, "bench/peers/lwip/build"), os.path.dirname(LWIP)], stdout=to, stderr=to)
    if done.returncode != 0:
        raise Absent(f"lwIP could not be built, see {log}")


def plumb(name):
    return lambda: figure(pinned([PLUMB, "bench", name]), name)


def lwip(name):
    def measure():
        build_lwip()
        return figure(pinned([LWIP, name]), name)
    return measure


def against_lwip(name, unit, settings=""):
    return Row(name, unit, plumb(name), "lwip", lwip(name), LWIP_IS + settings)


ROWS = [
    against_lwip("mem.bulk.1500", "ns/segment", ", wnd 512 KiB, plumb's checksum"),
    Row("mem.bulk.64k", "ns/segment", plumb("mem.bulk.64k")),
    Row("mem.lent.1500", "ns/segment", plumb("mem.lent.1500")),
    Row("mem.lent.64k", "ns/segment", plumb("mem.lent.64k")),
    against_lwip("mem.rr.1", "ns/round-trip"),
    Row("mem.rr.1000", "ns/round-trip", plumb("mem.rr.1000")),
    Row("mem.rr.100000", "ns/round-trip", plumb("mem.rr.100000")),
    Row("mem.crr", "conns/s", plumb("mem.crr"), more_is_better=True),
    Row("mem.crr.timewait64k", "conns/s", plumb("mem.crr.timewait64k"), more_is_better=True),
    Row("mem.idle.bytes", "bytes", plumb("mem.idle.bytes")),
    Row("route.1m", "ns/look", plumb("route.1m")),
]
