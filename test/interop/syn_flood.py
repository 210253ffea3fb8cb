"""A SYN flood from invented senders, onto a TAP from the kernel's side: `syn_flood.py INTERFACE MAC ADDRESS PORT COUNT SECONDS`.
Prints how many SYNs left and how many SYN-ACKs came for them.  Nothing else ever answers."""
import socket, struct, sys, threading, time

interface, mac, address, port, count, seconds = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), *sys.argv[3:]
port, count, seconds = int(port), int(count), float(seconds)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.bind((interface, 0))
own, target = s.getsockname()[4], socket.inet_aton(address)


def checksum(b):
    total = sum(struct.unpack(f"!{len(b) // 2}H", b))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(i):
    source = bytes([172, 16 + (i >> 16 & 15), i >> 8 & 255, i & 255])
    tcp = struct.pack("!HHIIBBHHH", 1024 + i % 60000, port, i * 2654435761 & 0xFFFFFFFF, 0, 0x60, 2, 64240, 0, 0) + b"\x02\x04\x05\xb4"
    tcp = tcp[:16] + struct.pack("!H", checksum(source + target + struct.pack("!HH", 6, len(tcp)) + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), i & 0xFFFF, 0, 64, 6, 0, source, target)
    return mac + own + b"\x08\x00" + ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


answers, over = set(), threading.Event()


def listen():
    s.settimeout(0.2)
    while not over.is_set():
        try:
            f = s.recv(2048)
        except TimeoutError:
            continue
        if len(f) >= 54 and f[23] == 6 and f[30] == 172 and f[47] == 0x12:
            answers.add(f[30:34] + f[36:38])


listener = threading.Thread(target=listen)
listener.start()
frames, begin = [syn(i) for i in range(count)], time.monotonic()
for i, frame in enumerate(frames):
    late = begin + seconds * i / count - time.monotonic()
    if late > 0.002:
        time.sleep(late)
    try:
        s.send(frame)
    except OSError:
        pass
time.sleep(0.5)
over.set()
listener.join()
print(f"{count} SYNs in {time.monotonic() - begin:.1f} s, {len(answers)} answered")
sys.exit(0 if len(answers) > count // 2 else 1)
