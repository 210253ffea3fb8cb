"""Counts and compares, or records.

A count is the difference of two runs of N and 2N units, so that what happens once drops out.  It is made repeatable:
time in the rows is virtual, plumb uses no instructions but those all machines have (--portable), and what the C
library executes, which it chooses by the machine, is left out.  Another compiler makes other code: then the tolerance
is wider, and the recorded one is named."""
import concurrent.futures, os, pathlib, re, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PLUMB = os.environ.get("PLUMB", str(ROOT / "build/release/plumb"))
TABLE = ROOT / "bench/guard/instructions.tsv"
UNITS = {"mem.bulk.1500": 8000, "mem.bulk.64k": 32000, "mem.rr.1": 8000, "mem.rr.1000": 6400, "mem.crr": 6400}
TOLERANCE, OTHER_COMPILER = 0.03, 0.20


def compiler():
    m = re.search(rb"GCC: \([^)]*\) [0-9.]+|clang version [0-9.]+", pathlib.Path(PLUMB).read_bytes())
    return m.group().decode() if m else "unknown"


def own_instructions(profile):
    """The cost that callgrind's file counts for plumb's own object, without what it called."""
    total, called, here, names = 0, False, False, {}
    for line in profile.read_text().splitlines():
        if line.startswith("ob="):
            m = re.match(r"ob=\((\d+)\)(?: (.*))?", line)
            names.setdefault(m.group(1), m.group(2))
            here = os.path.basename(names[m.group(1)] or "") == os.path.basename(PLUMB)
        elif line.startswith("cob="):
            m = re.match(r"cob=\((\d+)\)(?: (.*))?", line)
            names.setdefault(m.group(1), m.group(2))
        elif line.startswith("calls="):
            called = True
        elif re.match(r"[0-9+*-]", line):
            fields = line.split()
            if here and not called and len(fields) > 1:
                total += int(fields[-1])
            called = False
    return total


def run(name, units):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "profile"
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", PLUMB, "bench", "--units", str(units), "--portable", name],
                              capture_output=True, text=True)
        if done.returncode or not out.exists():
            sys.exit(f"{name}: {done.stderr[-400:]}")
        return own_instructions(out)


def count(name):
    units = UNITS[name]
    return (run(name, 2 * units) - run(name, units)) / units


def counts():
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(zip(UNITS, pool.map(count, UNITS)))


def record():
    lines = [f"# instructions of plumb's own code for each unit (bench/guard/instructions.sh --record)\n# compiler\t{compiler()}\n"]
    lines += [f"{name}\t{value:.0f}\n" for name, value in counts().items()]
    TABLE.write_text("".join(lines))
    print("".join(lines), end="")


def compare():
    rows = [line.split("\t") for line in TABLE.read_text().splitlines()]
    recorded = {r[0]: float(r[1]) for r in rows if len(r) == 2 and not r[0].startswith("#")}
    by = next(r[1] for r in rows if r[0] == "# compiler")
    tolerance = TOLERANCE if by == compiler() else OTHER_COMPILER
    if by != compiler():
        print(f"recorded with {by}, built with {compiler()}: tolerance {tolerance:.0%}")
    failed = False
    for name, now in counts().items():
        change = now / recorded[name] - 1
        bad = change > tolerance
        failed |= bad
        print(f"{'FAIL' if bad else 'ok'} {name} {now:.0f} instructions, recorded {recorded[name]:.0f} ({change:+.1%})")
        if change < -tolerance:
            print(f"  fewer than recorded: bench/guard/instructions.sh --record keeps it so")
    return 1 if failed else 0


if sys.argv[1:] == ["--record"]:
    record()
else:
    sys.exit(compare())
