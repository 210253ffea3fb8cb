"""Plumb on a TAP and on a packet socket against the kernel, in namespaces of its own; its peers are the kernel
against itself over a veth pair, and lwIP on the same TAP.

    namespace a: the kernel, 10.9.0.1, the server      namespace b (or a, for a TAP): the client, 10.9.0.2

The client, who is measured, has core 0, the other end core 1.  CUBIC on both sides: the kernel's default here is BBR, whose
pacing, not the link, then sets the rate (the rows named .bbr)."""
import atexit, os, re, signal, subprocess, sys, time
from rows import PEERS, PLUMB, Absent, Row, pinned
from rows.memory import build_lwip

SECONDS = float(os.environ.get("BENCH_SECONDS", 1.5))
LWIP_TAP = os.path.join(PEERS, "lwip", "lwip_tap")
IN_FLIGHT = 32
MODES = {"up": "Gbit/s", "down": "Gbit/s", "rr": "us", "crr": "conns/s"}


def sh(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise Absent(f"{' '.join(command)}: {done.stderr.strip()} (namespaces and links need root)")


# ethtool -K DEV tso off: SIOCETHTOOL with ETHTOOL_STSO
NO_TSO = """import array, fcntl, socket, struct, sys
off = array.array("B", struct.pack("II", 0x1f, 0))
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8946, struct.pack("16sP16x", sys.argv[1].encode(), off.buffer_info()[0]))"""


class Net:
    """Two namespaces and what joins them; removed on the way out, whatever happens."""

    def __init__(self, link, congestion, small):
        self.a, self.b = (f"plumb-{os.getpid()}-{x}" for x in "ab")
        self.link, self.congestion, self.small, self.running = link, congestion, small, []

    def __enter__(self):
        atexit.register(self.__exit__)
        try:
            self.make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def make(self):
        for n in (self.a, self.b):
            sh("ip", "netns", "add", n)
            sh("ip", "netns", "exec", n, "sh", "-c", "echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range; "
               "echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse")
        if self.link == "tap":
            sh("ip", "-n", self.a, "tuntap", "add", "dev", "e0", "mode", "tap")
        else:
            sh("ip", "-n", self.a, "link", "add", "e0", "type", "veth", "peer", "name", "e1", "netns", self.b)
            sh("ip", "-n", self.b, "link", "set", "e1", "up")
        if self.link == "veth":
            self.address(self.b, "e1", "10.9.0.2")
        if self.small == "cut":
            for netns, dev in ((self.a, "e0"), (self.b, "e1")):
                sh("ip", "netns", "exec", netns, sys.executable, "-c", NO_TSO, dev)
        elif self.small:
            sh("ip", "-n", self.a, "link", "set", "e0", "gso_max_segs", "1")
        sh("ip", "-n", self.a, "link", "set", "e0", "up")
        self.address(self.a, "e0", "10.9.0.1")

    def address(self, netns, dev, own):
        sh("ip", "-n", netns, "addr", "add", own + "/24", "dev", dev)
        sh("ip", "-n", netns, "link", "set", dev, "up")
        sh("ip", "-n", netns, "route", "replace", "10.9.0.0/24", "dev", dev, "src", own, "congctl", self.congestion)

    def __exit__(self, *_):
        atexit.unregister(self.__exit__)
        for p in self.running:
            p.kill()
            p.wait()
        for n in (self.a, self.b):
            subprocess.run(["ip", "netns", "del", n], stderr=subprocess.DEVNULL)

    def start(self, netns, core, *command, env=None):
        p = subprocess.Popen(["ip", "netns", "exec", netns, *pinned(list(command), core)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, env={**os.environ, **(env or {})})
        self.running.append(p)
        return p

    def end(self, p, signum=None):
        """Its output, when it is over."""
        if signum:
            p.send_signal(signum)
        try:
            out, err = p.communicate(timeout=SECONDS + 20)
        finally:
            p.kill()
            self.running.remove(p)
        if p.returncode != 0:
            raise RuntimeError(f"{' '.join(p.args)}: exit {p.returncode}: {err.strip()}")
        return out


def plumb_on(link, more):
    if link == "veth":
        return ["--via", "host"]
    return ["--via", f"{'tap:e0' if link == 'tap' else link + ':e1'},addr=10.9.0.2/24,gw=10.9.0.1{more}"]


def client_of(program, link, mode, more):
    n = IN_FLIGHT if mode == "crr" else 1
    if program == "lwip":
        return [LWIP_TAP, "client", "10.9.0.1", mode, str(SECONDS), str(n)]
    return [PLUMB, "bench", "client", "10.9.0.1", mode, *plumb_on(link, more), "-t", str(SECONDS), "-c", str(n)]


def await_server(net):
    for _ in range(100):
        done = subprocess.run(["ip", "netns", "exec", net.a, "ss", "-Htln", "sport = :7007"], capture_output=True, text=True)
        if done.stdout:
            return
        time.sleep(0.02)
    raise RuntimeError("the server does not listen")


def run(program, link, mode, congestion, small, more):
    """The figure of one run, and the CPU time of both ends for a KiB, a round trip or a connection, in us."""
    with Net(link, congestion, small) as net:
        server = net.start(net.a, 1, PLUMB, "bench", "server", "--via", "host")
        await_server(net)
        client = net.start(net.a if link == "tap" else net.b, 0, *client_of(program, link, mode, more), env={"PRECONFIGURED_TAPIF": "e0"})
        said = net.end(client)
        heard = net.end(server, signal.SIGTERM)
    found = re.search(r"^\w+ ([\d.]+) \S+ ([\d.]+) (?:ns|us) of CPU", said, re.M)
    if not found:
        raise RuntimeError(f"no figure in: {said}")
    rate, cpu = found.groups()
    served_s = float(re.search(r"([\d.]+) s of CPU", heard).group(1))
    rate, cpu = float(rate), float(cpu)
    if mode in ("up", "down"):
        kib = rate * 1e9 / 8 * SECONDS / 1024
        return rate, cpu * 1.024 + served_s * 1e6 / kib
    return (1e6 / rate if mode == "rr" else rate), cpu + served_s * 1e6 / (rate * SECONDS)


PEER_IS = {"kernel": "kernel to kernel over veth, plumb bench by host sockets",
           "lwip": "lwIP 2.1.3 (Debian source) on the same TAP by its own driver, the kernel its server"}


def row(name, link, mode, peer, congestion="cubic", small=False, more=""):
    cpu = {"ours": [], "peer": []}
    said = f"{PEER_IS[peer]}; {congestion}, " + (f"{IN_FLIGHT} at once" if mode == "crr" else "one connection")
    said += (", packets cut to frames by either kernel" if small == "cut" else ", wire-size frames from the kernel" if small else "") + (f"; plumb with {more[1:]}" if more else "")

    def measured(who, *what):
        def measure():
            if what[0] == "lwip":
                build_lwip()
            figure, us = run(*what)
            cpu[who].append(us)
            per = "KiB" if mode in ("up", "down") else "one"
            made.settings = said + "; CPU of both ends " + ", ".join(f"{w} {sorted(c)[len(c) // 2]:.2f}" for w, c in cpu.items() if c) + " us/" + per
            return figure
        return measure

    theirs = ("lwip", "tap", mode, congestion, small, "") if peer == "lwip" else ("plumb", "veth", mode, congestion, small, "")
    made = Row(name, MODES[mode], measured("ours", "plumb", link, mode, congestion, small, more), peer, measured("peer", *theirs), said,
               more_is_better=mode != "rr")
    return made


ROWS = [row(f"{link}.{mode}", link, mode, "kernel") for link in ("tap", "packet") for mode in MODES]
ROWS += [row(f"tap.{mode}.lwip", "tap", mode, "lwip") for mode in MODES]
ROWS += [row(f"{link}.down.bbr", link, "down", "kernel", congestion="bbr") for link in ("tap", "packet")]
ROWS += [row(f"tap.{mode}.soft", "tap", mode, "kernel", more=",offload=soft") for mode in ("up", "down")]
ROWS += [row(f"packet.{mode}.ring", "packet", mode, "kernel", more=",ring=on") for mode in MODES]
ROWS += [row("packet.down.small", "packet", "down", "kernel", small=True), row("packet.down.small.ring", "packet", "down", "kernel", small=True, more=",ring=on")]
