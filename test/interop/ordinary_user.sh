#!/usr/bin/env bash
# peer: the shell
# needs: util-linux
# when: check
#
#   A user with no privilege, who cannot write to the clone: `./plumb fetch http://www.shop.test/` all the same.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
plumb=${PLUMB:-$root/build/release/plumb}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
fail() { echo "FAIL: $*"; cat "$tmp/err" 2>/dev/null; exit 1; }

# A copy where that user can read: the clone may lie under a home that is closed to others.
chmod 755 "$tmp"; mkdir -p "$tmp/clone/build/release"
cp -r "$root/src" "$root/include" "$root"/meson* "$root/plumb" "$tmp/clone/"
cp "$plumb" "$tmp/clone/build/release/plumb"
touch "$tmp/clone/build/release/.built"
as=()
[ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ TMPDIR=/nonexistent)
cd "$tmp/clone" || exit 1
"${as[@]}" ./plumb fetch -sS http://www.shop.test/ > "$tmp/page" 2> "$tmp/err" || fail "fetch: exit $?"
grep -q "Plumb Shop" "$tmp/page" || fail "not the shop's page"
"${as[@]}" ./plumb fetch --seed 7 http://www.shop.test/ 2> "$tmp/err" | cmp -s - "$tmp/page" || fail "another page"
for step in url address name route connect secure request page; do grep -qw "$step" "$tmp/err" || fail "the journey lacks $step"; done
if "${as[@]}" unshare -rn true 2> /dev/null; then        # root of a namespace of their own, with no network at all
    "${as[@]}" unshare -rn ./plumb fetch -sS http://www.shop.test/ 2> "$tmp/err" | cmp -s - "$tmp/page" || fail "in a user namespace"
    "${as[@]}" unshare -rn ./plumb fetch -sS -m 5 http://127.0.0.1/ 2> "$tmp/err"; [ $? = 7 ] || fail "a host without a network"
    "${as[@]}" unshare -rn ./plumb fetch -sS -m 5 --via packet:lo,addr=10.9.0.2/24 http://10.9.0.1/ 2> "$tmp/err"; [ $? = 7 ] || fail "packet:lo"
    [ "$(grep -c ^plumb: "$tmp/err") $(wc -l < "$tmp/err")" = "1 1" ] || fail "not one line"
else
    echo "no user namespaces for this user: that part was left out"
fi
"${as[@]}" ./plumb ping -c 2 www.shop.test > "$tmp/ping" 2> "$tmp/err" && grep -q "2 received" "$tmp/ping" || fail "ping"
[ -z "$(find "$tmp/clone" -newer "$tmp/page")" ] || fail "the clone was written to"
touch -d '1 hour ago' build/release/.built               # older than the sources, and nobody can build
"${as[@]}" ./plumb fetch -s http://www.shop.test/ 2> "$tmp/err" | cmp -s - "$tmp/page" || fail "with sources newer than the program"
rm build/release/plumb
"${as[@]}" ./plumb fetch http://www.shop.test/ > /dev/null 2> "$tmp/err" && fail "without a program there must be an error"
[ "$(grep -c ^plumb: "$tmp/err") $(wc -l < "$tmp/err")" = "1 1" ] || [ "$(id -u)" != 0 ] || fail "not one line"
echo "an ordinary user fetches the page"
