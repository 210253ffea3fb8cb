"""Two cores against one: in memory, and on a TAP with two queues."""
import os, re, shutil, subprocess, time
from rows import PLUMB, Absent, Row, figure

TWO = "two cores against one, alternated rounds; 2 is all there can be"
CONNS, SECONDS = 16, 2                 # connections for each queue: a core has as much to do in either case


def in_memory(name):
    return lambda: figure([PLUMB, "bench", name], name)


class Tap:
    """A namespace with a TAP of several queues, the kernel on 10.9.0.1, plumb on 10.9.0.2."""
    def __enter__(self):
        self.ns = f"plumb-{os.getpid()}-q"
        if os.geteuid() != 0 or not shutil.which("ip"):
            raise Absent("needs root and iproute2 for a network namespace")
        for words in (["netns", "add", self.ns], ["-n", self.ns, "link", "set", "lo", "up"],
                      ["-n", self.ns, "tuntap", "add", "dev", "tap0", "mode", "tap", "multi_queue"],
                      ["-n", self.ns, "addr", "add", "10.9.0.1/24", "dev", "tap0"], ["-n", self.ns, "link", "set", "tap0", "up"]):
            subprocess.run(["ip", *words], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.ns])

    def inside(self, *words):
        return ["ip", "netns", "exec", self.ns, *words]


def cpu_per_unit(cores, mode):
    """Of plumb's server, its share of the kernel's work included: nanoseconds per byte, or per exchange."""
    with Tap() as tap:
        server = subprocess.Popen(tap.inside(PLUMB, "bench", "server", "--via", "tap:tap0,addr=10.9.0.2/24", "--cores", str(cores)),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        server.stderr.readline()
        client = subprocess.run(tap.inside(PLUMB, "bench", "client", "--via", "host", "10.9.0.2", mode, "-c", str(CONNS * cores), "-t", str(SECONDS)),
                                capture_output=True, text=True, timeout=60)
        server.send_signal(2)
        told, trouble = server.communicate(timeout=20)
    units = re.search(r"\((\d+) (?:bytes )?in ", client.stdout)
    cpu = re.search(r"([\d.]+) s of CPU", told)
    if not units or not cpu:
        raise RuntimeError(f"{mode} on {cores} queues: {client.stdout}{client.stderr}{told}{trouble}")
    return float(cpu.group(1)) * 1e9 / int(units.group(1))


def queues(name, mode, unit):
    return Row(name, unit, lambda: cpu_per_unit(2, mode), "one queue", lambda: cpu_per_unit(1, mode),
               f"plumb on one queue of the same kind of TAP; {CONNS} connections a queue; CPU of plumb's process; 0.83 is 20% more CPU")


ROWS = [
    Row("mem.cores", "times", in_memory("mem.cores"), settings=TWO + ", by the clock", more_is_better=True),
    Row("mem.cores.cpu", "times", in_memory("mem.cores.cpu"), settings=TWO + ", by CPU time of each thread", more_is_better=True),
    queues("tap.queues", "up", "ns of CPU/byte"),
    queues("tap.queues.down", "down", "ns of CPU/byte"),
    queues("tap.queues.rr", "rr", "ns of CPU/trip"),
]
