"""AF_XDP on a veth pair against the kernel: as it is, and with the veth's own segmentation off (.cut), which is what a
program on a veth does to its other end."""
from rows.frames import MODES, row

ROWS = [row(f"xdp.{mode}", "xdp", mode, "kernel") for mode in MODES]
ROWS += [row(f"{link}.{mode}.cut", link, mode, "kernel", small="cut") for link in ("xdp", "packet") for mode in ("up", "down")]
