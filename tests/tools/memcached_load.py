# Sets, gets, appends and deletes over several connections of memcached's text protocol, in batches:
# `memcached_load.py SOCKET ROUNDS`. Prints what depends on nothing but ROUNDS.
import hashlib
import socket
import sys

path, rounds = sys.argv[1], int(sys.argv[2])
CONNECTIONS, KEYS = 8, 100
connections = []
for number in range(CONNECTIONS):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    connections.append((connection, connection.makefile("rb")))

digest = hashlib.sha256()
for turn in range(rounds):
    for number, (connection, _) in enumerate(connections):
        batch = []
        for key in range(KEYS):
            value = b"%d " % (turn * 7919 + key) * (key * 17 % 400 + 1)
            batch.append(b"set k%d.%d 0 0 %d\r\n%s\r\n" % (number, key, len(value), value))
        batch.append(b"get %s\r\n" % b" ".join(b"k%d.%d" % (number, key) for key in range(KEYS)))
        batch.append(b"append k%d.1 0 0 3\r\nabc\r\n" % number)
        batch.append(b"delete k%d.2\r\nincr k%d.0 5\r\nget k%d.2\r\n" % (number, number, number))
        connection.sendall(b"".join(batch))
    for number, (_, answers) in enumerate(connections):
        # STORED for each set, VALUE + data for each get, END twice, the rest one line each.
        ends = 0
        while ends < 2:
            line = answers.readline()
            digest.update(line)
            if line.startswith(b"VALUE"):
                digest.update(answers.read(int(line.split()[3]) + 2))
            ends += line == b"END\r\n"
            if not line:
                sys.exit("memcached closed a connection")
for connection, answers in connections:
    connection.sendall(b"quit\r\n")
    answers.close()
    connection.close()
print(digest.hexdigest())
