#!/usr/bin/env python3
"""The kernel's side of the multicast tests: `listen GROUP ADDRESS` prints the first datagram; `send GROUP ADDRESS TEXT` sends one.
ADDRESS names the interface, and is what is sent from."""
import ipaddress, socket, struct, sys

verb, group, address = sys.argv[1:4]
v6 = ipaddress.ip_address(group).version == 6
index = socket.if_nametoindex("tap0")
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if verb == "listen":
    s.bind((group, 5000))
    if v6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", index))
    else:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(address))
    print("listening", flush=True)
    s.settimeout(15)
    text, peer = s.recvfrom(2000)
    print(text.decode(), "from", peer[0], flush=True)
else:
    s.bind((address, 0))
    if v6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    else:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    s.sendto(sys.argv[4].encode(), (group, 5000))
