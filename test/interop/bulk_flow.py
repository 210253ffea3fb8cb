#!/usr/bin/env python3
"""One bulk flow over the kernel's sockets.

    bulk_flow.py receive PORT SECONDS          accepts one connection; prints the bits per second of SECONDS from its first byte on
    bulk_flow.py send HOST PORT SECONDS"""
import socket, sys, time

what, args = sys.argv[1], sys.argv[2:]
if what == "receive":
    port, seconds = int(args[0]), float(args[1])
    listener = socket.create_server(("", port))
    listener.settimeout(30)
    s, _ = listener.accept()
    s.settimeout(20)
    s.recv(1)
    begin, total = time.monotonic(), 0
    while time.monotonic() < begin + seconds:
        got = s.recv(1 << 20)
        if not got:
            break
        total += len(got)
    print(f"{total * 8 / seconds:.0f}", flush=True)
else:
    host, port, seconds = args[0], int(args[1]), float(args[2])
    s = socket.create_connection((host, port), timeout=30)
    s.settimeout(5)
    end, piece = time.monotonic() + seconds, b"B" * 65536
    try:
        while time.monotonic() < end:
            s.send(piece)
    except OSError:
        pass                                # the receiver has seen enough
