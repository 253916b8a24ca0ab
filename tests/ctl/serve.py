"""A client of `ctl PID profile --serve`: serve.py URL PART [...], for tests/ctl/serve.sh."""
import base64
import os
import random
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["SOURCE"], "tests/export"))
from readers import SOURCE, decode, gunzip

PATH = "/debug/pprof/heap"
PROTO = os.path.join(SOURCE, "viewer/export/pprof.proto")
TOKEN = "0123456789abcdef"
url = sys.argv[1]
wrong = 0


def complain(*words):
    global wrong
    print(*words)
    wrong = 1


def connect():
    if url.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(url[len("unix:"):])
        return client
    host, port = re.match(r"http://\[?([^/]+?)\]?:(\d+)/debug/pprof/heap$", url).groups()
    return socket.create_connection((host, int(port)))


def read_all(client):
    """Status, fields of the head, body."""
    data = b""
    try:
        while part := client.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Z][A-Za-z ]+", lines[0])
    fields = dict(line.split(": ", 1) for line in lines[1:])
    if not match or int(fields.get("Content-Length", -1)) != len(body) or fields.get("Connection") != "close":
        complain("no answer of HTTP:", data[:500])
        return 0, {}, b""
    return int(match[1]), fields, body


def ask_bytes(request):
    client = connect()
    try:
        client.sendall(request)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return read_all(client)


def ask(target=PATH, method="GET", host="localhost", **fields):
    lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host is not None else []), *(f"{name}: {value}" for name, value in fields.items())]
    return ask_bytes("\r\n".join([*lines, "", ""]).encode())


def sums(answer):
    """By innermost function, the values of each type of a profile."""
    status, fields, body = answer
    if status != 200 or fields.get("Content-Type") != "application/octet-stream" or fields.get("Content-Disposition") != 'attachment; filename="heap"' or body[:2] != b"\x1f\x8b":
        complain("no profile:", answer)
        return {}
    profile = decode(PROTO, "hakmem.pprof.Profile", gunzip(body))
    text = profile["string_table"]
    types = [text[entry["type_text"][0]] for entry in profile["sample_type"]]
    functions = {row["id"][0]: text[row["name_text"][0]] for row in profile["function"]}
    inner = {row["id"][0]: functions[row["line"][0]["function_id"][0]] for row in profile["location"]}
    listed = lambda value: value if isinstance(value, list) else [value]
    return {inner[listed(sample["location_id"])[0]]: dict(zip(types, listed(sample["value"]))) for sample in profile["sample"]}


def same(what, found, due):
    if found != due:
        complain(f"{what}: {found}, {due} was due")


def refuse(due, answer, words):
    status, fields, body = answer
    if status != due or words not in body.decode() or not body.startswith(b"hakmem-trace: ") or fields.get("X-Go-Pprof") != "1" or not fields["Content-Type"].startswith("text/plain"):
        complain(f"{due} with '{words}' was due:", answer)


def live(blocks, size, freed=(0, 0)):
    return {"alloc_objects": blocks, "alloc_space": size, "inuse_objects": blocks - freed[0], "inuse_space": size - freed[1]}


DUE = {"parse_row": live(100, 1048576), "cache_put": live(7, 70000, (2, 20000)), "no stack": live(1, 524288)}


def no_sample():
    refuse(503, ask(), "has no sample so far")


def answers():
    for target in (PATH, PATH + "?", PATH + "?gc=1", PATH + "?debug=0"):
        same(target, sums(ask(target)), DUE)
    for host in ("localhost:7070", "LOCALHOST", "127.0.0.1", "127.4.5.6:1", "[::1]:6060", "[::1]"):
        same(host, sums(ask(host=host)), DUE)
    same("HTTP/1.0", sums(ask_bytes(f"GET {PATH} HTTP/1.0\n\n".encode())), DUE)
    slow = connect()
    for byte in f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode():
        slow.sendall(bytes([byte]))
    same("byte by byte", sums(read_all(slow)), DUE)


def refusals():
    idle = connect()
    for target in ("/", "/debug/pprof", "/debug/pprof/", PATH + "/", "/debug/pprof/profile", "/debug//pprof/heap", "/debug/pprof/../pprof/heap", "http://localhost" + PATH, "*"):
        refuse(404, ask(target), "there is /debug/pprof/heap alone")
    for method in ("POST", "HEAD", "PUT", "get", "OPTIONS"):
        refuse(405, ask(method=method), "only GET is answered")
    same("Allow", ask(method="POST")[1].get("Allow"), "GET")
    for host in ("example.org", "localhost.example.org", "127.0.0.1.example.org", "128.0.0.1", "[::2]", "[::1", "0.0.0.0", "", "[::1]x", "127.1", "x" * 300):
        refuse(403, ask(host=host), "Host is no name of this machine's loopback address")
    refuse(400, ask(host=None), "one Host")
    refuse(400, ask_bytes(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n".encode()), "one Host")
    for value in ("0", "-1", "3601", "", "1s", "99999999999999999999999", "1.5", "+1"):
        refuse(400, ask(f"{PATH}?seconds={value}"), "seconds= needs a number from 1 to 3600")
    for parameter in ("debug=1", "rate=1", "seconds=1&x", "=", "debug"):
        refuse(400, ask(f"{PATH}?{parameter}") if parameter != "seconds=1&x" else ask(f"{PATH}?x&seconds=1"), "of parameters only seconds=N is known")
    for line in ("GET", "GET /", f"GET {PATH}", f"GET {PATH} HTTP/2.0", f"GET {PATH} HTTP/1.1 x", "\0", "\x16\x03\x01", f"GET  {PATH} HTTP/1.1"):
        refuse(400, ask_bytes(f"{line}\r\nHost: localhost\r\n\r\n".encode()), "this is no request of HTTP/1.1")
    refuse(400, ask_bytes(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n".encode()), "a field is not NAME: VALUE")
    refuse(431, ask(Field="x" * 9000), "the request is too long")
    chance = random.Random(4711)
    good = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic aGFsbG86\r\n\r\n".encode()
    for _ in range(30):
        bad = bytearray(good)
        for _ in range(chance.randrange(1, 5)):
            bad[chance.randrange(len(good) - 4)] = chance.randrange(256)
        if ask_bytes(bytes(bad))[0] not in (200, 400, 403, 404, 405):
            complain("odd answer to", bytes(bad))
    gone = connect() # a client that goes away
    gone.sendall(b"GET")
    gone.close()
    refuse(408, read_all(idle), "the request did not come in time")


def difference():
    found = sums(ask(PATH + "?seconds=3600"))
    grown = {name: {type: values.get(type) for type in ("alloc_objects", "alloc_space", "grown_objects", "grown_space")} for name, values in found.items()}
    same("seconds=", {name: grown[name] for name in ("parse_row", "cache_put") if name in grown},
         {"parse_row": {"alloc_objects": 10, "alloc_space": 100000, "grown_objects": 10, "grown_space": 100000},
          "cache_put": {"alloc_objects": 1, "alloc_space": 70000, "grown_objects": -2, "grown_space": 50000}})


def half_closed():
    """A client that sends no more looks like one that went away: it does not get the profile of a shorter time as an answer."""
    client = connect()
    client.sendall(f"GET {PATH}?seconds=3600 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    client.shutdown(socket.SHUT_WR)
    refuse(503, read_all(client), "the client closed its side of the connection")


def full():
    """A socket at which more clients wait than it has room for is in use: nothing waits for it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("full.sock")
    listener.listen(0)
    clients = []
    try:
        while True:
            clients.append(socket.socket(socket.AF_UNIX))
            clients[-1].setblocking(False)
            clients[-1].connect("full.sock")
    except BlockingIOError:
        pass
    try:
        done = subprocess.run([sys.argv[3], "ctl", sys.argv[4], "profile", "--serve", "unix:full.sock"], stdin=subprocess.DEVNULL, capture_output=True, timeout=100)
        same("in use", b"ctl: --serve unix:full.sock: Address already in use" in done.stderr, True)
    except subprocess.TimeoutExpired:
        complain("it waits for a socket that is in use")


def hangs_up():
    ask(PATH + "?seconds=3600")


def crowd():
    """More clients than are answered at a time: those that come later wait, and are answered."""
    idle = [connect() for _ in range(8)]
    late = connect()
    late.sendall(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    children = 0
    for _ in range(600):
        children = len(subprocess.run(["pgrep", "-P", sys.argv[3]], stdout=subprocess.PIPE).stdout.split())
        if children >= 8:
            break
        time.sleep(0.1)
    same("processes for a crowd of nine", children, 8)
    for client in idle:
        client.close()
    same("who waited", len(sums(read_all(late))), 3)


def token():
    def basic(pair):
        return "Basic " + base64.b64encode(pair.encode()).decode()
    for value in ("Bearer " + TOKEN, "bearer   " + TOKEN, basic("me:" + TOKEN), basic(":" + TOKEN)):
        same(value, len(sums(ask(host="example.org", Authorization=value))), 3)
    for value in ("Bearer " + TOKEN[:-1], "Bearer " + TOKEN + "0", "Bearer", "Bearer ", TOKEN, basic(TOKEN), basic("me:"), basic("me:" + TOKEN * 2), "Basic !!!!", "Basic", "Basic " + "QUFB" * 1000, "Digest " + TOKEN):
        refuse(401, ask(host="example.org", Authorization=value), "the token is missing or another one")
    refuse(401, ask(), "the token is missing or another one")
    refuse(401, ask("/"), "the token is missing or another one")
    same("WWW-Authenticate", ask()[1].get("WWW-Authenticate"), 'Basic realm="hakmem"')
    refuse(400, ask_bytes(f"GET {PATH} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()), "at most one Authorization")


def unix():
    same("a Unix socket", len(sums(ask(host="whatever.example.org"))), 3)
    refuse(404, ask("/"), "there is /debug/pprof/heap alone")


def ended():
    refuse(503, ask(PATH + "?seconds=3600", host="[::1]:1"), "ended after")


{name: part for name, part in globals().items() if callable(part)}[sys.argv[2]]()
sys.exit(wrong)
