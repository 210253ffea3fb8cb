"""The rows of bench/run: each module here has ROWS, a list of Row.  A row that needs a
namespace, a server or a peer built makes it when it is measured and takes it away after."""
from dataclasses import dataclass
from typing import Callable, Optional
import os, shutil, subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLUMB = os.path.join(ROOT, "build", "release", "plumb")
PEERS = os.path.join(ROOT, "build", "peers")


class Absent(Exception):
    """What is to be measured is not here: its text says what, and how to get it."""


@dataclass
class Row:
    name: str
    unit: str
    ours: Callable[[], float]
    peer_name: Optional[str] = None
    peer: Optional[Callable[[], float]] = None      # None, or it raises Absent: the row has no peer here
    settings: str = ""                              # the peer's, and what else a reader must know
    more_is_better: bool = False                    # a rate; else a time or a size

    def ratio(self, ours, peer):
        """How many times better plumb is."""
        return ours / peer if self.more_is_better else peer / ours


def pinned(command, core=0):
    return (["taskset", "-c", str(core)] if shutil.which("taskset") else []) + command


def figure(command, name):
    """The number of the line `NAME NUMBER UNIT` that the command prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    for line in done.stdout.splitlines():
        word = line.split()
        if len(word) == 3 and word[0] == name:
            return float(word[1])
    raise RuntimeError(f"{' '.join(command)} printed no figure for {name}: {done.stderr.strip()}")
