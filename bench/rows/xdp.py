"""AF_XDP on a veth pair against the kernel; a veth whose end has a program carries wire-size frames towards it."""
from rows.frames import MODES, row

ROWS = [row(f"xdp.{mode}", "xdp", mode, "kernel") for mode in MODES]
ROWS += [row("xdp.down.small", "xdp", "down", "kernel", small=True)]
