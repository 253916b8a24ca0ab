#!/usr/bin/env python3
"""Asks shelf: REQUESTS (1,200,000) at RATE a second (1,000; 0: as fast as it answers), in the environment; load.py [SOCKET]."""
import os
import random
import socket
import sys
import time

CLIENTS, BATCH = 4, 20


def connect(path):
    """A client's connection. The server may only just have been started."""
    for _ in range(600):
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(path)
            return client
        except OSError:
            client.close()
            time.sleep(0.1)
    sys.exit(f"{path}: nobody listens")


def requests(chance):
    """Endless requests: pages, most of them of nobody in particular; notes; now and then somebody logs in and out."""
    while True:
        if chance.random() < 0.5:
            visitor = f"?visitor{chance.randrange(10**9)}" if chance.random() < 0.06 else ""
            yield f"PAGE page{chance.randrange(600)}{visitor}"
        elif chance.random() < 0.05:
            yield f"LOGIN user{chance.randrange(1000)}"
            yield "LOGOUT"
        else:
            word = chance.choice(("PUT", "GET", "GET", "DROP"))
            yield f"{word} note{chance.randrange(5000)} {'text ' * chance.randrange(1, 30)}"


def main():
    count, rate = int(os.environ.get("REQUESTS", 1200000)), int(os.environ.get("RATE", 1000))
    clients = [connect(sys.argv[1] if len(sys.argv) > 1 else "shelf.sock") for _ in range(CLIENTS)]
    replies, lines = [client.makefile() for client in clients], [requests(random.Random()) for client in clients]
    began = time.monotonic()
    for asked in range(0, count, BATCH):
        if rate:
            time.sleep(max(0.0, began + asked / rate - time.monotonic()))
        at = asked // BATCH % CLIENTS
        clients[at].sendall("".join(next(lines[at]) + "\n" for _ in range(BATCH)).encode())
        if not all(replies[at].readline() for _ in range(BATCH)):
            sys.exit("the server has closed the connection")
    print(f"{count:,} requests, all answered")


main()
