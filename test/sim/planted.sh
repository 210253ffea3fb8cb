#!/usr/bin/env bash
# peer: the invariants
# when: check
# timeout: 1200
#
# Bugs planted one at a time (planted/NAME.bug: a file, the lines to take out, the
# lines to put there), each in a build of its own; the seeded worlds must find every
# one: an invariant breaks, the program dies, or it does not end.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
cp -r "$root/src" "$root/include" "$root/test" "$root/docs" "$root/meson.build" "$root/meson_options.txt" "$work/tree" || exit 1
cd "$work" || exit 1

# plant FILE.bug: in the copied tree; the lines must be there exactly once
plant() {
    python3 - "$1" <<'END'
import sys
lines = open(sys.argv[1]).read().split("\n")
path = next(l[6:] for l in lines if l.startswith("file: "))
old, new = ("\n".join(l[1:] for l in lines if l[:1] == sign) for sign in "-+")
text = open("tree/" + path).read()
if text.count(old) != 1:
    sys.exit(f"{path} holds these lines {text.count(old)} times, not once:\n{old}")
open("tree/" + path, "w").write(text.replace(old, new))
END
}

build() { ninja -C build -j2 plumb >build.log 2>&1 || { tail -20 build.log; return 1; }; }
# A bug may say which worlds are to find it (`sim: --routed`).
sim() { timeout "$1" build/plumb sim --first --worlds "${3:-4000}" $2 >sim.log 2>&1; }

meson setup -Dbuildtype=release -Dtests=false -Dwerror=false build tree >setup.log 2>&1 || { cat setup.log; exit 1; }
build || exit 1
sim 250 "" && sim 100 --routed 200 || { echo "FAIL: a bug is found before any is planted"; head -3 sim.log; exit 1; }

missed=0 caught=0
for bug in "$root"/test/sim/planted/*.bug; do
    name=$(basename "$bug" .bug)
    file=$(sed -n 's/^file: //p' "$bug")
    if ! plant "$bug" || ! build; then
        echo "FAIL $name: cannot be planted"
        missed=$((missed + 1))
    elif sim 120 "$(sed -n 's/^sim: //p' "$bug")"; then
        echo "FAIL $name: $(sed -n 's/^# //p' "$bug") No world noticed"
        missed=$((missed + 1))
    else
        status=$?
        line=$(grep -m1 -E 'FAIL world|Assertion' sim.log)
        [ $status = 124 ] && line="no end"
        echo "caught $name: ${line:-ended with $status}"
        caught=$((caught + 1))
    fi
    cp "$root/$file" "tree/$file"
done
echo "$caught caught, $missed missed"
[ "$missed" = 0 ] && [ "$caught" -ge 10 ]
