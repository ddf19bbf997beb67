#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares what two masters tell their replicas, command by command.

    propagation.py --ours 127.0.0.1:7777 --oracle 127.0.0.1:7778 --groups string,key --count 5000 --seed 1

The same random commands (those of `differential.py`, without what is left to chance) go to both servers. A connection that
says it is a replica reads the stream of each. Behind every command a PUBLISH of its number is sent, which is in the stream
too: so each piece of the stream belongs to a command, and the pieces are compared as requests, argument by argument and byte
for byte. Milliseconds since 1970 are equal if they are within five seconds of each other.

Exit status: 0 if the streams agree, 1 if not, 2 if a server cannot be reached.
"""
import argparse
import socket
import sys
import time

import differential
from differential import GROUPS, Near, R, b, chance, draw, show

MARK = b"__mark__"
# What these do is chance, or another program's; their forms have tests of their own.
CHANCE = {b"SPOP", b"FLUSHALL", b"WAIT", b"DEBUG", b"MONITOR", b"SUBSCRIBE", b"QUIT", b"RESET", b"HELLO", b"CLIENT"}


class Stream:
    """A connection that says it is a replica: the stream of a master, request by request."""

    def __init__(self, address, capabilities=(b"eof", b"psync2")):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.file = self.socket.makefile("rb")
        self.offset = 0
        words = [word for name in capabilities for word in (b"capa", name)]
        self.send(b"REPLCONF", *words)
        self.expect(b"+OK")
        self.send(b"PSYNC", b"?", b"-1")
        line = self.line()
        assert line.startswith(b"+FULLRESYNC "), line
        self.id, self.offset = line.split()[1], int(line.split()[2])
        self.dump = self.read_dump()
        # Redis overlooks an acknowledgement that comes before it has noticed its child's end.
        self.acknowledge()
        time.sleep(0.5)
        self.acknowledge()

    def send(self, *words):
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))

    def line(self):
        """The next line that is not a newline alone."""
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("the master closed the connection")
            if line.strip():
                return line.rstrip(b"\r\n")

    def expect(self, wanted):
        line = self.line()
        assert line == wanted, line

    def read_dump(self):
        head = self.line()
        assert head[:1] == b"$", head
        if not head.startswith(b"$EOF:"):
            return self.file.read(int(head[1:]))
        mark, data = head[5:], bytearray()
        while not data.endswith(mark):
            piece = self.file.read1(1 << 16)
            if not piece:
                raise ConnectionError("the dump has no end")
            data += piece
        return bytes(data[: -len(mark)])

    def acknowledge(self):
        self.send(b"REPLCONF", b"ACK", b"%d" % self.offset)

    def request(self):
        """The next request of the stream."""
        head = self.file.readline()
        if not head:
            raise ConnectionError("the master closed the connection")
        assert head[:1] == b"*", head
        words, size = [], len(head)
        for _ in range(int(head[1:])):
            count = self.file.readline()
            word = self.file.read(int(count[1:]) + 2)
            size += len(count) + len(word)
            words.append(word[:-2])
        self.offset += size
        return words

    def until_mark(self, number):
        """The requests before the mark of that number, keepalives and questions left out."""
        found = []
        while True:
            words = self.request()
            if words[0].upper() == b"PING" or words[:2] == [b"REPLCONF", b"GETACK"]:
                continue
            if words[:2] == [b"PUBLISH", MARK] and words[2] == b"%d" % number:
                return found
            found.append(words)

    def close(self):
        self.socket.close()


def near(requests):
    """The requests with times that equal others nearby."""
    return [[Near(int(w)) if len(w) == 13 and w.isdigit() else w for w in words] for words in requests]


def settled(argv, number):
    """The command with what it leaves to the clock decided; None for one that chance decides."""
    name = argv[0].upper()
    if name in CHANCE:
        return None
    if name == b"XADD":
        argv = [b"%d-1" % (number + 1) if word == b"*" else word for word in argv]
    # A key that dies on the way would be told at another place by each.
    for place, word in enumerate(argv[:-1]):
        if word.upper() in (b"PX", b"EX") or name in (b"EXPIRE", b"PEXPIRE", b"SETEX", b"PSETEX"):
            if argv[place + 1].isdigit() and 0 < int(argv[place + 1]) < 100000:
                argv = argv[: place + 1] + [b"100000"] + argv[place + 2 :]
    return argv


def compare(ours, oracle, names, count, seed, most=20, batch=50, left_out=frozenset()):
    """Runs the commands on both; returns the differences as lines of text."""
    makers = [maker for name in names for maker in GROUPS[name]]
    R.seed(seed)
    differential.SEQ[0] = 0
    clients = [differential.Connection(a) for a in (ours, oracle)]
    for client in clients:
        client.call("FLUSHALL")
    missing = differential.command_names(clients[1]) - differential.command_names(clients[0])
    streams = [Stream(a) for a in (ours, oracle)]
    differences, number, history = [], 0, {}
    try:
        while number < count:
            commands = []
            while len(commands) < batch:
                argv = settled(draw(makers, missing | left_out), number + len(commands))
                if argv is not None:
                    commands.append(argv)
            packet = []
            for place, argv in enumerate(commands):
                packet += [argv, [b"PUBLISH", MARK, b"%d" % (number + place)]]
            replies = [client.batch(packet) for client in clients]
            for client in clients:
                client.batch([[b"DISCARD"], [b"PUBLISH", MARK, b"%d" % (number + batch)]])
            for place, argv in enumerate([*commands, [b"DISCARD"]]):
                for word in argv[1:3]:
                    history.setdefault(word, []).append(argv)
                    del history[word][:-5]
                if place < batch and replies[0][2 * place + 1] == ("status", b"QUEUED"):
                    # The mark is queued, too: it comes with EXEC, or never.
                    continue
                mine, theirs = (s.until_mark(number + place) for s in streams)
                if near(mine) == near(theirs):
                    continue
                lines = [f"DIFFERS {show(argv)}", *(f"  ours   {show(w)}" for w in mine)]
                lines += [f"  oracle {show(w)}" for w in theirs]
                lines += [f"    before: {show(old)}" for old in history.get(argv[1] if len(argv) > 1 else b"", [])[:-1]]
                differences.append("\n".join(lines))
            number += batch + 1
            for stream in streams:
                stream.acknowledge()
            if len(differences) >= most:
                break
    finally:
        for one in (*clients, *streams):
            one.close() if hasattr(one, "close") else one.socket.close()
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, metavar="HOST:PORT")
    parser.add_argument("--oracle", required=True, metavar="HOST:PORT")
    parser.add_argument("--groups", default="all", help="of " + ",".join(GROUPS) + ", or all")
    parser.add_argument("--count", type=int, default=5000, help="commands to send")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=20, help="differences to print")
    parser.add_argument("--leave-out", default="", metavar="NAMES", help="commands, joined by commas, that are not drawn")
    options = parser.parse_args()
    names = list(GROUPS) if options.groups == "all" else options.groups.split(",")
    asked = {b(name.upper()) for name in options.leave_out.split(",") if name}
    try:
        differences = compare(options.ours, options.oracle, names, options.count, options.seed, options.most, left_out=asked)
    except OSError as e:
        print(f"a server cannot be reached: {e}", file=sys.stderr)
        return 2
    for text in differences:
        print(text)
    print(f"seed {options.seed}: {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
