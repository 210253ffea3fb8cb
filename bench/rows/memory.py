"""Two stacks joined by a wire in one process, on one core."""
import os, subprocess
from rows import PEERS, PLUMB, ROOT, Absent, Row, figure, pinned

LWIP, LWIP_MANY, LWIP_TAP = (os.path.join(PEERS, "lwip", "lwip_" + program) for program in ("bench", "many", "tap"))
LWIP_IS = "lwIP 2.1.3 (Debian source), NO_SYS, no SACK, no time stamps"


def build_lwip():
    if all(os.path.exists(program) for program in (LWIP, LWIP_MANY, LWIP_TAP)):
        return
    log = os.path.join(PEERS, "lwip.log")
    os.makedirs(PEERS, exist_ok=True)
    with open(log, "w") as to:
        done = subprocess.run([os.path.join(ROOT, "bench/peers/lwip/build"), os.path.dirname(LWIP)], stdout=to, stderr=to)
    if done.returncode != 0:
        raise Absent(f"lwIP could not be built, see {log}")


def plumb(name):
    return lambda: figure(pinned([PLUMB, "bench", name]), name)


def lwip(name, program):
    def measure():
        build_lwip()
        return figure(pinned([program, name]), name)
    return measure


def against_lwip(name, unit, settings="", program=LWIP, **more):
    return Row(name, unit, plumb(name), "lwip", lwip(name, program), LWIP_IS + settings, **more)


ROWS = [
    against_lwip("mem.bulk.1500", "ns/segment", ", wnd 512 KiB, plumb's checksum"),
    Row("mem.bulk.64k", "ns/segment", plumb("mem.bulk.64k")),
    Row("mem.lent.1500", "ns/segment", plumb("mem.lent.1500")),
    Row("mem.lent.64k", "ns/segment", plumb("mem.lent.64k")),
    against_lwip("mem.rr.1", "ns/round-trip"),
    against_lwip("mem.rr.1000", "ns/round-trip", ", 4,096 connections at most", LWIP_MANY),
    Row("mem.rr.100000", "ns/round-trip", plumb("mem.rr.100000")),
    against_lwip("mem.crr", "conns/s", ", 64 connections at most, TIME-WAIT included, one after the other", more_is_better=True),
    against_lwip("mem.crr.timewait64k", "conns/s", ", 4,096 connections at most, so fewer in TIME-WAIT", LWIP_MANY, more_is_better=True),
    Row("mem.idle.bytes", "bytes", plumb("mem.idle.bytes")),
    Row("route.1m", "ns/look", plumb("route.1m")),
]
