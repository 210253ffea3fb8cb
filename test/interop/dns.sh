#!/usr/bin/env bash
# peer: dig
# needs: bind9-dnsutils iproute2
# when: check
#
#   dig on kernel 10.9.0.1 --- tap0 --- plumb dnsd 10.9.0.2
. "$(dirname "$0")/lib.sh"
need dig
tap
cat > "$tmp/zone" <<'Z'
$ORIGIN shop.test.
$TTL 300
@     IN SOA ns admin 1 3600 600 86400 60
@     IN NS ns
ns    IN A 10.9.0.2
www   IN A 203.0.113.80
www   IN AAAA 2001:db8::80
alias IN CNAME www
mail  IN MX 10 ns
txt   IN TXT "hello world"
*.any IN A 203.0.113.99
Z
start "$plumb" dnsd "$tmp/zone" --via $VIA
for _ in $(seq 50); do in_ns dig +short +time=1 +tries=1 @10.9.0.2 ns.shop.test | grep -q 10.9.0.2 && break; sleep 0.1; done
ask() { in_ns dig +time=2 +tries=2 @10.9.0.2 "$@"; }
[ "$(ask +short www.shop.test)" = 203.0.113.80 ] || fail "A"
[ "$(ask +short www.shop.test AAAA)" = 2001:db8::80 ] || fail "AAAA"
ask +short alias.shop.test | grep -q 203.0.113.80 || fail "CNAME followed"
ask +short x.any.shop.test | grep -q 203.0.113.99 || fail "wildcard"
ask +short txt.shop.test TXT | grep -q "hello world" || fail "TXT"
ask nope.shop.test | grep -q "status: NXDOMAIN" || fail "NXDOMAIN"
ask www.shop.test MX | grep -q "status: NOERROR" || fail "NODATA"
ask example.org | grep -q "status: REFUSED" || fail "REFUSED"
[ "$(ask +tcp +short www.shop.test)" = 203.0.113.80 ] || fail "over TCP"
ask www.shop.test | grep -q "flags: qr aa" || fail "authoritative answer"
ask +norecurse www.shop.test | grep -Eiq "warn|malformed" && fail "dig complains"
echo "dig is content"
