"""The kernel's side of conversation.sh: `clients FILE` talk to plumb's server at 10.9.0.2,
`servers FILE LOG` answer plumb's client on ports of 10.9.0.1, each in its own odd way."""
import errno, hashlib, socket, struct, sys, threading, time

DATA = open(sys.argv[2], "rb").read()
SERVER = ("10.9.0.2", 80)


def get(path, *more):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *more, "", ""]).encode()


def connect(buffer=0):
    s = socket.socket()
    s.settimeout(20)
    if buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    s.connect(SERVER)
    return s


def read_all(s):
    parts = []
    while part := s.recv(65536):
        parts.append(part)
    return b"".join(parts)


def read_answer(s):
    """One answer with a Content-Length."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = s.recv(65536)
        assert part, "the server closed early"
        got += part
    head, body = got.split(b"\r\n\r\n", 1)
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        part = s.recv(65536)
        assert part, "the server closed early"
        body += part
    return head, body


def body_of(answer):
    return answer.split(b"\r\n\r\n", 1)[1]


def same(body, what):
    assert hashlib.sha256(body).digest() == hashlib.sha256(DATA).digest(), f"{what}: {len(body)} bytes"


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


# ------------------------------------------------------------------ clients

def half_close():
    s = connect()
    s.sendall(get("/four", "Connection: close"))
    s.shutdown(socket.SHUT_WR)
    same(body_of(read_all(s)), "half-close")


def half_close_pipelined():
    s = connect()
    s.sendall(get("/hello") * 20 + get("/four"))
    s.shutdown(socket.SHUT_WR)
    got = read_all(s)
    assert got.count(b"HTTP/1.1 200") == 21
    same(got[-len(DATA):], "21 requests, then a half-close")


def resets():
    for i in range(100):
        s = connect()
        if i % 3:
            s.sendall(get("/four")[:20 if i % 3 == 1 else 1000])
        if i % 5 == 0:
            s.settimeout(0.02)
            try:
                s.recv(1000)
            except TimeoutError:
                pass
        reset(s)


def closed_unread():
    for _ in range(50):
        s = connect()
        s.sendall(get("/four"))
        s.recv(10)
        s.close()                       # unread data: the kernel resets


def zero_window(pause=3):
    s = connect(4096)
    s.sendall(get("/four", "Connection: close"))
    time.sleep(pause)
    same(body_of(read_all(s)), "a client that read nothing for 3 s")


def zero_window_briefly():
    zero_window(1)


def sips():
    s = connect(4096)
    s.sendall(get("/four", "Connection: close"))
    got = b""
    for _ in range(30):
        got += s.recv(100)
        time.sleep(0.01)
    same(body_of(got + read_all(s)), "a client that sips")


def keep_alive():
    s = connect()
    for i in range(200):
        s.sendall(get("/hello"))
        assert read_answer(s)[1] == b"hello\n"
    s.sendall(get("/four"))
    same(read_answer(s)[1], "the last of 201 requests")
    s.shutdown(socket.SHUT_WR)
    assert s.recv(10) == b"", "the server answers a FIN with its own"


def byte_by_byte():
    s = connect()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for b in get("/hello", "Connection: close"):
        s.send(bytes([b]))
        time.sleep(0.001)
    assert body_of(read_all(s)) == b"hello\n"


def urgent():
    s = connect()
    s.send(get("/hello", "Connection: close")[:-2])
    s.send(b"\r\n", socket.MSG_OOB)     # plumb leaves urgent data in the stream
    assert b"200 OK" in read_all(s)


def many():
    all_ = [connect() for _ in range(300)]
    for s in all_:
        s.sendall(get("/hello", "Connection: close"))
    for s in all_:
        assert body_of(read_all(s)) == b"hello\n"


def port_again():
    """A client's port that was just used, while the server may remember it in TIME-WAIT (RFC 6191)."""
    for _ in range(5):
        s = socket.socket()
        s.settimeout(10)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("10.9.0.1", 20000))
        s.connect(SERVER)
        s.sendall(get("/hello", "Connection: close"))
        assert body_of(read_all(s)) == b"hello\n"
        s.close()
        time.sleep(0.05)                # until the server's ACK of our FIN


def refused():
    s = socket.socket()
    s.settimeout(5)
    assert s.connect_ex((SERVER[0], 81)) == errno.ECONNREFUSED
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.settimeout(5)
    u.connect((SERVER[0], 81))
    u.send(b"anybody?")
    try:
        u.recv(10)
        raise AssertionError("an answer from a UDP port that nobody has")
    except ConnectionRefusedError:
        pass


def clients():
    slow = [threading.Thread(target=guarded, args=(f,)) for f in (zero_window, zero_window_briefly, sips)]
    for t in slow:
        t.start()
    for f in (half_close, half_close_pipelined, resets, closed_unread, keep_alive, byte_by_byte, urgent, many, port_again, refused, half_close):
        guarded(f)
    for t in slow:
        t.join()


failures = []


def guarded(f):
    begin = time.monotonic()
    try:
        f()
        print(f"{f.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
    except Exception as e:
        failures.append(f)
        print(f"{f.__name__}: {e!r}", flush=True)


# ------------------------------------------------------------------ servers

def take_request(s):
    got = b""
    while b"\r\n\r\n" not in got:
        part = s.recv(65536)
        if not part:
            return None
        got += part
    head, body = got.split(b"\r\n\r\n", 1)
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < lengths[0]:
        part = s.recv(65536)
        if not part:
            return None
        body += part
    return head, body


OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
WHOLE = OK % len(DATA) + DATA


def pauses(s, log):
    take_request(s)
    s.sendall(WHOLE[:1500000])
    time.sleep(3)
    s.sendall(WHOLE[1500000:])
    assert s.recv(10) == b""


def small(s, log):
    take_request(s)
    s.sendall(OK % 2 + b"ok")


def reads_late(s, log):
    time.sleep(3)
    _, body = take_request(s)
    log(f"{len(body)} after a pause")
    s.sendall(OK % 2 + b"ok")


def says_nothing(s, log):
    take_request(s)


def resets_at_once(s, log):
    take_request(s)
    reset(s)


def ends_early(s, log):
    take_request(s)
    s.sendall(WHOLE[:2000000])


def resets_midway(s, log):
    take_request(s)
    s.sendall(WHOLE[:2000000])
    time.sleep(0.5)
    reset(s)


def hangs(s, log):
    take_request(s)
    time.sleep(5)


def redirects(s, log):
    n = 0
    while take_request(s):
        n += 1
        s.sendall(WHOLE if n == 5 else b"HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 4\r\n\r\nmore" % n)
    log(f"{n} requests, orderly")


def until_close(s, log):
    take_request(s)
    s.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + DATA)


def chunks(s, log, whole=True):
    take_request(s)
    s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    at, size = 0, 1
    while at < len(DATA):
        part = DATA[at:at + size]
        s.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        at, size = at + len(part), size * 3 % 70001 + 1
    if whole:
        s.sendall(b"0\r\n\r\n")


def chunks_cut(s, log):
    chunks(s, log, False)


def bytewise(s, log):
    take_request(s)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for b in OK % 6 + b"hello\n":
        s.send(bytes([b]))
        time.sleep(0.002)


def serve(port, behave, file):
    l = socket.socket()
    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if behave is reads_late:
        l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    l.bind(("10.9.0.1", port))
    l.listen()

    def log(text):
        with open(file, "a") as f:
            f.write(f"{port} {text}\n")
    while True:
        s, _ = l.accept()
        try:
            behave(s, log)
        except Exception as e:
            log(repr(e))
        s.close()


def servers():
    odd = [pauses, small, reads_late, says_nothing, resets_at_once, ends_early, resets_midway, hangs, redirects, until_close, chunks,
           chunks_cut, bytewise]
    for i, behave in enumerate(odd):
        threading.Thread(target=serve, args=(8001 + i, behave, sys.argv[3]), daemon=True).start()
    time.sleep(3600)


{"clients": clients, "servers": servers}[sys.argv[1]]()
sys.exit(1 if failures else 0)
