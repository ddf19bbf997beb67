#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Differential tester of what needs more than one connection, the clock, or both servers.

    differential_sessions.py --ours 127.0.0.1:7777 --oracle 127.0.0.1:7778 --scenes all --count 200 --seed 1

The same scene is played on this server and on a real Redis, by several connections of each; what every
connection is sent, replies and messages, must be the same, in the same order. A scene starts with an
empty server and ends with RESET on every connection. Scenes:

    blocking   some wait (lists, sorted sets, streams), another pushes, renames, deletes, exchanges ...
    watch      transactions with WATCH, and others who write
    pubsub     channels, patterns, shard channels
    events     keyspace notifications of random commands
    due        keys that fall due while the scene runs; what follows finds them gone
    encoding   OBJECT, with thresholds changed by CONFIG SET in between
    restore    DUMP on one server and RESTORE on the other, both ways
    hostile    calls of every command by its grammar, with arguments at the edges

A wait is never ended by its time (0, or a thousand seconds): CLIENT UNBLOCK ends it when the scene does.
Both servers are to be started with --proto-max-bulk-len 1mb (for `hostile`), and are emptied. Where Redis
7.2 differs from the 7.0 of the oracle, `same` says how. Exit status as of differential.py.
"""
import argparse
import re
import sys
import time
from pathlib import Path

import differential as d
from differential import R, b, chance, key, pick

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Fuzz"))
import fuzz_commands  # noqa: E402  (the path is set above)

SCENES = {}
CONNECTIONS = 9


def scene(f):
    SCENES[f.__name__] = f
    return f


# ------------------------------------------------------------------------------------------ a stage


class Stage:
    """The connections of one scene to one server, and what each of them was sent."""

    def __init__(self, address):
        self.control = d.Connection(address)
        self.clients = [d.Connection(address) for _ in range(CONNECTIONS)]
        self.identifiers = [c.call("CLIENT", "ID")[1] for c in self.clients]
        self.resets = [0] * CONNECTIONS

    def say(self, who, argv):
        """Sends a command and lets the server come to it; its replies are read at the end."""
        self.clients[who].send([argv])
        self.resets[who] += argv == [b"RESET"]
        self.control.call("PING")

    def end(self):
        """Frees those who wait, and returns what each connection was sent."""
        frames = []
        freed = [self.free(i) for i in self.identifiers]
        for client, resets in zip(self.clients, self.resets):
            client.send([[b"RESET"]])
            seen = []
            while (frame := client.read()) != ("status", b"RESET") or resets:
                resets -= frame == ("status", b"RESET")
                seen.append(frame)
            frames.append(seen)
        self.resets = [0] * CONNECTIONS
        return freed, frames

    def free(self, identifier):
        """Ends all that the connection waits for, one after the other: how many waits there were."""
        for count in range(100):
            if self.control.call("CLIENT", "UNBLOCK", identifier) == ("int", 0):
                return count
            self.control.call("PING")
        raise ConnectionError(f"{self.control.name}: a client that does not cease to wait")

    def close(self):
        for c in [self.control, *self.clients]:
            c.file.close()
            c.socket.close()


def everybody(*argv):
    """A step of the control connections, by itself: (None, argv)."""
    return None, [b(a) for a in argv]


def play(steps, stages):
    """Plays the steps on both stages. -> what ours and the oracle's connections were sent"""
    results = []
    for stage in stages:
        stage.answers = []
    for who, argv in steps:
        if argv[0] == b"(sleep)":
            time.sleep(float(argv[1]))
            continue
        for stage in stages:
            if who is None:
                stage.answers.append(stage.control.call(*argv))
            else:
                stage.say(who, argv)
    for stage in stages:
        freed, frames = stage.end()
        results.append((stage.answers, freed, frames))
    return results


# ------------------------------------------------------------------------------------------- scenes


def drawn(*groups):
    """A random command of the groups of differential.py."""
    return R.choice(d.GROUPS[pick(*groups)])()


def waits(several):
    """A command that waits for ever, or is refused; for one key, unless for `several`.

    Since 7.2 a command that waited is run anew when one of its keys is ready, and takes its keys in their
    order; before, it was given the key that was ready. To be the same in both, those who wait for several
    keys meet no transaction that fills several, and nobody moves elements to where they wait.
    """
    forever = pick(b"0", b"0", b"1000", b"0.0") if chance(0.95) else pick(b"-1", b"x", b"1e400", b"inf", b"nan", b"")
    side = lambda: pick(b"LEFT", b"RIGHT", b"left")
    lists, sets = lambda: b(f"l{R.randrange(3)}"), lambda: b(f"z{R.randrange(3)}")
    count = [b"COUNT", b(pick(1, 2, 5, 0, "x") if chance(0.2) else R.randrange(1, 4))] if chance(0.4) else []
    keys = [lists() for _ in range(R.randrange(1, 4) if several else 1)]
    zkeys = [sets() for _ in range(R.randrange(1, 4) if several else 1)]
    target = lambda: b"l7" if several else lists()
    return pick(
        lambda: [pick(b"BLPOP", b"BRPOP"), *keys, forever],
        lambda: [pick(b"BLPOP", b"BRPOP"), *keys, forever],
        lambda: [b"BLMOVE", lists(), target(), side(), side(), forever],
        lambda: [b"BRPOPLPUSH", lists(), target(), forever],
        lambda: [b"BLMPOP", forever, b(len(keys)), *keys, side(), *count],
        lambda: [pick(b"BZPOPMIN", b"BZPOPMAX"), *zkeys, forever],
        lambda: [b"BZMPOP", forever, b(len(zkeys)), *zkeys, pick(b"MIN", b"MAX"), *count],
        lambda: [b"XREAD", *count[:0], b"BLOCK", b"0", b"STREAMS", b(f"x{R.randrange(2)}"), pick(b"$", b"0", b"5")],
        lambda: [b"XREADGROUP", b"GROUP", b"g1", pick(b"alice", b"bob"), b"BLOCK", b"0", b"STREAMS", b"x0", b">"],
    )()


SEQUENCE = [0]


def serves():
    """A command that may serve those who wait."""
    SEQUENCE[0] += 1
    lists, sets = b(f"l{R.randrange(3)}"), b(f"z{R.randrange(3)}")
    return pick(
        lambda: [pick(b"LPUSH", b"RPUSH"), lists, *d.members(1, 4)],
        lambda: [pick(b"LPUSH", b"RPUSH"), lists, *d.members(1, 4)],
        lambda: [b"ZADD", sets, *[x for _ in range(R.randrange(1, 4)) for x in (b(R.randrange(9)), d.member())]],
        lambda: [b"XADD", b(f"x{R.randrange(2)}"), b(f"{SEQUENCE[0]}-1"), b"f", d.member()],
        lambda: [b"RENAME", pick(b"l9", b"z9", b"s9"), pick(lists, sets)],
        lambda: [pick(b"LPUSH", b"RPUSH"), b"l9", *d.members(1, 3)], lambda: [b"ZADD", b"z9", b"1", d.member()],
        lambda: [b"COPY", pick(b"l9", b"z9"), pick(lists, sets), b"REPLACE"],
        lambda: [b"DEL", pick(lists, sets)], 
        # (No SORT STORE or ZRANGESTORE over it: Redis wakes nobody when one value takes another's place.)
        lambda: [b"SET", b"l1", b"text"],
        lambda: [b"LMOVE", lists, b(f"l{R.randrange(3)}"), pick(b"LEFT", b"RIGHT"), pick(b"LEFT", b"RIGHT")],
        lambda: [b"SORT", b"l9", b"ALPHA", b"STORE", pick(b"l0", b"l2")], lambda: [b"ZRANGESTORE", sets, b"z9", b"0", b"-1"],
        lambda: [b"ZUNIONSTORE", sets, b"2", b"z9", b"z8"], lambda: [b"SWAPDB", b"0", b"1"],
        lambda: [b"LINSERT", lists, b"BEFORE", b"m1", b"new"], lambda: [b"LPUSHX", lists, d.member()],
        lambda: [b"PEXPIRE", pick(lists, sets), b"-1"], lambda: [b"LRANGE", lists, b"0", b"-1"],
        lambda: [b"XGROUP", b"CREATE", b"x0", b"g1", b"0", b"MKSTREAM"], lambda: [b"ZRANGE", sets, b"0", b"-1"],
    )()


def greetings():
    """Some of the connections speak RESP3."""
    return [(i, [b"HELLO", b"3"]) for i in range(CONNECTIONS) if chance(0.3)]


@scene
def blocking():
    steps = greetings() + [(0, [b"XGROUP", b"CREATE", b"x0", b"g1", b"$", b"MKSTREAM"])]
    SEQUENCE[0] = 0
    several = chance(0.5)
    # (Everyone waits once: whose turn it is with what he has queued behind a wait is not defined.)
    idle = list(range(1, CONNECTIONS))
    R.shuffle(idle)
    for _ in range(R.randrange(2, 5)):
        steps += [(idle.pop(), waits(several)) for _ in range(R.randrange(1, 4)) if idle]
        some = [(0, serves()) for _ in range(R.randrange(1, 5))]
        if not several and chance(0.5):
            some = [(0, [b"MULTI"]), *some, (0, [b"EXEC"])]
        if chance(0.05):
            some.append((0, [pick(b"FLUSHALL", b"FLUSHDB")]))
        steps += some
    return steps


@scene
def watch():
    steps = greetings()
    few = 4
    for _ in range(R.randrange(3, 8)):
        who = R.randrange(few)
        part = [(who, [b"WATCH"] + [key(pick("s", "l", "h", "n")) for _ in range(R.randrange(1, 3))])]
        part += [(R.randrange(few), drawn("string", "string", "list", "hash", "key")) for _ in range(R.randrange(4))]
        if chance(0.15):
            part.append((R.randrange(few), pick([b"FLUSHALL"], [b"SWAPDB", b"0", b"1"], [b"UNWATCH"], [b"SELECT", b"1"])))
        part.append((who, [b"MULTI"]))
        part += [(who, drawn("string", "list", "set", "zset", "hash")) for _ in range(R.randrange(4))]
        part += [(R.randrange(few), drawn("string", "list"))] * chance(0.4)
        part.append((who, [pick(b"EXEC", b"EXEC", b"EXEC", b"DISCARD", b"RESET")]))
        steps += part
    return [s for s in steps if s[1][0].upper() not in (b"RANDOMKEY",)]


@scene
def pubsub():
    channel = lambda: pick(b"news", b"news.art", b"n", b"", b"x" * 70)
    made = lambda: pick(
        lambda: [pick(b"SUBSCRIBE", b"UNSUBSCRIBE")] + [channel() for _ in range(R.randrange(1, 4))],
        lambda: [pick(b"PSUBSCRIBE", b"PUNSUBSCRIBE")] + [d.pattern() if chance(0.4) else pick(b"n*", b"news.*", b"*") for _ in range(R.randrange(1, 3))],
        lambda: [pick(b"SSUBSCRIBE", b"SUNSUBSCRIBE"), channel()], lambda: [b"UNSUBSCRIBE", channel()],
        lambda: [b"PUBSUB", b"NUMSUB", channel(), channel()],
        lambda: [b"PUBSUB", pick(b"NUMPAT", b"numpat")], lambda: [b"PUBSUB", b"SHARDNUMSUB", channel()],
        lambda: [b"PING"] + [b"hi"] * chance(0.4), lambda: [b"GET", b"s1"], lambda: [b"MULTI"], lambda: [b"EXEC"],
        lambda: [b"HELLO", pick(b"2", b"3")],
    )()
    steps = greetings()
    few = 4
    for _ in range(R.randrange(20, 50)):
        # (Since 7.2 a message to oneself comes after the reply: the one who publishes does not listen.)
        steps.append((R.randrange(few - 1), made()) if chance(0.6) else
                     (few - 1, [pick(b"PUBLISH", b"PUBLISH", b"SPUBLISH"), channel(), d.value()]))
    return steps


@scene
def events():
    flags = pick(b"KEA", b"KEA", b"Kg$lshzxet", b"E$", b"Kx", b"AKEn", b"Em", b"")
    steps = [everybody("CONFIG", "SET", "notify-keyspace-events", flags), (1, [b"HELLO", b"3"]), (1, [b"PSUBSCRIBE", b"*"])]
    names = [g for g in ("string", "key", "list", "set", "hash", "zset", "stream", "hll", "geo", "sort", "bit", "multi") if g in d.GROUPS]
    steps += [(0, drawn(*names)) for _ in range(60)]
    steps = [s for s in steps if s[1][0].upper() not in (b"RANDOMKEY", b"SELECT", b"SPOP", b"SRANDMEMBER")]
    return steps + [everybody("CONFIG", "SET", "notify-keyspace-events", "")]


@scene
def due():
    names = ["string", "key", "list", "set", "hash", "zset"]
    steps = [(0, drawn(*names)) for _ in range(20)]
    for _ in range(R.randrange(3, 9)):
        k = key(pick(*"slShz"))
        steps.append((0, pick([b"PEXPIRE", k, b(R.randrange(80, 140))], [b"SET", key("s"), d.value(), b"PX", b(R.randrange(80, 140))],
                              [b"GETEX", key("s"), b"PX", b"99"], [b"PSETEX", key("s"), b"90", d.value()],
                              [b"PEXPIREAT", k, b(int(time.time() * 1000) + 120)])))
    steps += [(2, [b"WATCH", key("s"), key("l")]), (2, [b"MULTI"]), (2, [b"PING"])]
    steps.append((0, [b"(sleep)", b"0.2"]))
    steps.append((2, [b"EXEC"]))
    steps += [(0, drawn(*names)) for _ in range(40)]
    steps = [s for s in steps if s[1][0].upper() not in (b"RANDOMKEY", b"DBSIZE", b"SELECT", b"TTL", b"PTTL", b"PEXPIRETIME", b"EXPIRETIME")]
    return steps


THRESHOLDS = ["hash-max-listpack-entries", "hash-max-listpack-value", "zset-max-listpack-entries", "zset-max-listpack-value",
              "set-max-intset-entries", "list-max-listpack-size", "hash-max-ziplist-entries"]


@scene
def encoding():
    steps = []
    for _ in range(R.randrange(3, 7)):
        for name in THRESHOLDS:
            if chance(0.5):
                steps.append(everybody("CONFIG", "SET", name, pick(0, 1, 2, 3, 5, 8, 64, 128, 512) if name != "list-max-listpack-size" else pick(-2, -1, 3, 128)))
        steps += [(0, drawn("hash", "zset", "set", "list", "string")) for _ in range(20)]
        for k in (key(pick(*"shzSl")) for _ in range(12)):
            # (Redis shares the objects of small integers, and with them their idle time.)
            words = [b"ENCODING", b"ENCODING", b"REFCOUNT", b"FREQ"] + [b"IDLETIME"] * (not k.startswith(b"s"))
            steps.append((0, [b"OBJECT", pick(*words), k]))
    defaults = [128, 64, 128, 64, 512, -2]
    return steps + [everybody("CONFIG", "SET", n, v) for n, v in zip(THRESHOLDS, defaults)]


@scene
def restore():
    steps = [(0, drawn("string", "list", "set", "hash", "zset", "stream", "hll", "geo")) for _ in range(80)]
    return steps + [(None, [b"(exchange)"])]


@scene
def hostile():
    steps = [(0, argv) for argv in fuzz_commands.population(R)]
    while len(steps) < 230:
        argv = GRAMMAR.call(R, [])
        if argv and argv[0].upper() not in NOT_COMPARED and b"|".join(argv[:2]).upper() not in NOT_COMPARED and not unfit(argv):
            steps.append((0, fuzz_commands.bounded(argv)))
    return [s for s in steps if b"due" not in s[1]]


# Answers of a server about itself, of chance, or of the order of a table; what changes the connection.
NOT_COMPARED = {n.encode() for n in """
    AUTH ACL BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DEBUG DUMP ECHO|X EVAL EVALSHA EVALSHA_RO EVAL_RO FCALL
    FCALL_RO FUNCTION HELLO INFO KEYS LASTSAVE LATENCY LOLWUT MEMORY MODULE MONITOR MULTI OBJECT|FREQ PFDEBUG PFSELFTEST
    PSUBSCRIBE PSYNC QUIT RANDOMKEY REPLCONF RESET RESTORE RESTORE-ASKING ROLE SAVE SCAN SCRIPT SELECT SHUTDOWN SLOWLOG
    SPOP SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SWAPDB SYNC TIME UNSUBSCRIBE PUNSUBSCRIBE WAIT WATCH XINFO|STREAM BLMOVE BLPOP
    BRPOP BLMPOP BZMPOP BZPOPMAX BZPOPMIN BRPOPLPUSH FLUSHALL FLUSHDB HSCAN SSCAN ZSCAN READONLY READWRITE ASKING DISCARD DBSIZE
    EXEC PUBSUB|HELP OBJECT|HELP XINFO|HELP XGROUP|HELP XAUTOCLAIM XCLAIM XINFO|CONSUMERS XPENDING PUBSUB
    """.split()}


def unfit(argv):
    """Calls whose reply has no defined value: the clock in an identifier, a wait, a search beyond the grid."""
    name, words = argv[0].upper(), {a.upper() for a in argv}
    if b"EX" in name or words & {b"EX", b"PX", b"EXAT", b"PXAT"}:  # that would fall due during the scene
        now = int(time.time())
        times = [int(a) for a in argv[2:] if re.fullmatch(rb"[+-]?\d{1,18}", a)]
        if any(0 < t < 10**6 or abs(t - now) < 10**4 or abs(t // 1000 - now) < 10**4 for t in times):
            return True
    if b"BLOCK" in words or name in (b"XADD",) and not any(re.fullmatch(rb"\d+-\d+", a) for a in argv[2:5]):
        return True
    if name in (b"SORT", b"SORT_RO", b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER", b"LCS"):
        return name == b"LCS" or b"BY" in words or b"STORE" in words or b"ALPHA" not in words
    return name.startswith(b"GEO") and name not in (b"GEOADD", b"GEOPOS", b"GEOHASH", b"GEODIST")


GRAMMAR = None

# --------------------------------------------------------------------------------------- comparison


def same(argv, mine, theirs):
    """Whether two answers to a command are the same, or differ where 7.2 differs from 7.0."""
    name = argv[0].upper() if argv else b""
    if mine == theirs or is_greeting(mine) and is_greeting(theirs):
        return True
    if name in (b"ZRANK", b"ZREVRANK") and len(argv) == 4:  # 7.2 knows WITHSCORE
        return theirs == ("error", b"ERR wrong number of arguments for '%s' command" % name.lower())
    if name == b"LPOS" and mine[0] == "error":  # 7.2 refuses the rank that has no opposite
        return mine[1].startswith(b"ERR value is out of range, value must between -9223372036854775807")
    if name in (b"BITCOUNT", b"BITPOS") and mine[0] == "error":  # 7.2 looks at the arguments first
        return mine[1].startswith((b"ERR value is not", b"ERR syntax", b"ERR The bit"))
    if argv and d.normalise(argv, mine, "text") == d.normalise(argv, theirs, "text"):
        return True
    if mine[0] in ("array", "push", "map", "set", "pair") and mine[0] == theirs[0] and len(mine[1]) == len(theirs[1]):
        inner = [x for x in argv[1:2]]
        return all(same([b"?"] + inner, m, t) for m, t in zip(mine[1], theirs[1]))
    if mine[0] == theirs[0] == "error":
        return any(re.fullmatch(ours, mine[1]) and re.fullmatch(old, theirs[1]) for ours, old in ERRORS_7_2)
    if mine[0] == theirs[0] == "int" and name in (b"OBJECT",):
        return True  # an idle time: the servers' clocks tick by themselves
    if mine[0] in ("bulk", "double") and theirs[0] in ("bulk", "double"):
        return d.by_value(mine) == d.by_value(theirs) and d.by_value(mine)[0] == "score"
    return mine == theirs


def is_greeting(frame):
    """Whether this answers HELLO: it names the version and the connection."""
    words = d.short(frame)
    return frame[0] in ("map", "array") and "b'server'" in words and "b'proto'" in words


# The text of 7.2 (left) where 7.0 says something else (right).
ERRORS_7_2 = [
    (rb"NOGROUP .*", rb"UNBLOCKED the stream key no longer exists"),
    (rb"NOGROUP .*", rb"NOGROUP .*"),
    (rb"ERR Unbalanced 'xread(group)?' list of streams: .*", rb"ERR Unbalanced XREAD list of streams: .*"),
    (rb"ERR timeout is out of range", rb"ERR timeout is negative"),  # of an infinite one
]


def compare(steps, mine, theirs):
    """-> the first differences of a played scene, as text"""
    out = []
    for what, a, z in zip(("control", "unblock"), mine[:2], theirs[:2]):
        for i, (x, y) in enumerate(zip(a, z)):
            if x != y and not (what == "control" and x[0] == y[0]):
                out.append(f"{what} {i}\n  ours   {d.short(x)}\n  oracle {d.short(y)}")
    for who, (a, z) in enumerate(zip(mine[2], theirs[2])):
        a, z = sorted_messages(a), sorted_messages(z)
        said = [argv for w, argv in steps if w == who and argv[0] != b"(sleep)"]
        queued, at = [], 0
        for i in range(max(len(a), len(z))):
            x, y = (a[i] if i < len(a) else ("nothing",)), (z[i] if i < len(z) else ("nothing",))
            # A message is nobody's reply; in RESP2 it looks like one, and the pairing ends.
            argv = said[at] if at < len(said) and y[0] != "push" else []
            at += y[0] != "push"
            if y == ("status", b"QUEUED"):
                queued.append(argv)
            if argv and argv[0].upper() == b"EXEC":
                ok = same(argv, x, y) or x[0] == y[0] and (x[0] not in ("array",) or len(x[1]) == len(y[1]) and all(
                    same(q, m, t) for q, m, t in zip(queued + [[b"?"]] * 99, x[1], y[1])))
                queued = []
            else:
                ok = same(argv, x, y)
            if argv and argv[0].upper() in (b"DISCARD", b"RESET"):
                queued = []
            if not ok:
                out.append(f"connection {who}, frame {i}, {d.show(argv)}\n  ours   {d.short(x)}\n  oracle {d.short(y)}")
                if len(a) != len(z):
                    out[-1] += f"\n  frames: {len(a)} and {len(z)}"
                break
    return out


def sorted_messages(frames):
    """The frames with messages of one PUBLISH through several patterns in one order: Redis's is a hash's."""
    def is_message(f):
        return f[0] in ("array", "push") and f[1] and f[1][0] == ("bulk", b"pmessage")

    out = []
    for f in frames:
        at = len(out)
        while is_message(f) and at and is_message(out[at - 1]) and out[at - 1][1][2:] == f[1][2:] and out[at - 1][1][1] > f[1][1]:
            at -= 1
        out.insert(at, f)
    return out


def exchange(stages, out):
    """RESTORE of each server's payloads on the other: the values must be what they were."""
    ours, oracle = stages
    keys = sorted(x[1] for x in oracle.control.call("KEYS", "*")[1])
    for source, target, name in ((oracle, ours, "ours"), (ours, oracle, "the oracle")):
        for k in keys:
            payload = source.control.call("DUMP", k)
            if payload[0] != "bulk":
                continue
            reply = target.control.call("RESTORE", b"copy:" + k, b"0", payload[1], b"REPLACE")
            if reply != ("status", b"OK"):
                out.append(f"RESTORE of {k!r} on {name}: {reply}")
    for stage in stages:
        for k in keys:
            stage.control.call("PERSIST", k)
    mine, theirs = d.contents(ours.control), d.contents(oracle.control)
    for k in sorted(set(mine) | set(theirs)):
        if mine.get(k) != theirs.get(k):
            out.append(f"after the exchange {k!r}\n  ours   {d.short(mine.get(k))}\n  oracle {d.short(theirs.get(k))}")
        if not k.startswith(b"copy:") and theirs.get(b"copy:" + k, (0, 0))[:2] != theirs[k][:2] if k in theirs else False:
            out.append(f"the copy of {k!r} is another")
        for words in ([b"XINFO", b"GROUPS", k], [b"OBJECT", b"ENCODING", k]):
            answers = [s.control.call(*words) for s in stages]
            if not same(words, *answers):
                out.append(f"{d.show(words)}\n  ours   {d.short(answers[0])}\n  oracle {d.short(answers[1])}")


def main():
    global GRAMMAR
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, metavar="HOST:PORT")
    parser.add_argument("--oracle", required=True, metavar="HOST:PORT")
    parser.add_argument("--scenes", default="all", help="of " + ",".join(SCENES) + ", or all")
    parser.add_argument("--count", type=int, default=100, help="scenes to play")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first scene")
    parser.add_argument("--most", type=int, default=20, help="differences to print")
    options = parser.parse_args()
    names = list(SCENES) if options.scenes == "all" else options.scenes.split(",")
    differences, steps_played, by_scene = 0, 0, {}
    try:
        stages = [Stage(options.ours), Stage(options.oracle)]
        docs = fuzz_commands.tree(plain(stages[1].control.call("COMMAND", "DOCS")))
        known = d.command_names(stages[0].control)
        GRAMMAR = fuzz_commands.Grammar({n: v for n, v in docs.items() if n.upper().encode() in known})
        for number in range(options.first, options.first + options.count):
            name = names[number % len(names)]
            R.seed(f"{options.seed}:{name}:{number}")
            d.SEQ[0] = 0
            for stage in stages:
                stage.control.call("FLUSHALL")
            steps = SCENES[name]()
            exchanged = steps[-1][1][0] == b"(exchange)"
            played = steps[:-1] if exchanged else steps
            out = compare(played, *play(played, stages))
            if exchanged:
                exchange(stages, out)
            steps_played += len(steps)
            for text in out:
                differences += 1
                by_scene[name] = by_scene.get(name, 0) + 1
                if differences <= options.most:
                    print(f"scene {number} ({name}): {text}")
                    who = re.match(r"connection (\d+)", text)
                    if name in ("blocking", "watch", "pubsub") and who:
                        print("".join(f"    {w} {d.show(a)}\n" for w, a in steps), end="")
    except (OSError, ConnectionError, ValueError) as e:
        print(f"connection lost in scene {number} ({name}): {e}", file=sys.stderr)
        return 2
    table = ", ".join(f"{n} {c}" for n, c in by_scene.items())
    print(f"seed {options.seed}: {options.count} scenes, {steps_played} steps, {differences} differences" + (f" ({table})" if table else ""))
    return 1 if differences else 0


def plain(reply):
    """A reply of differential.py without its tags."""
    return [plain(r) for r in reply[1]] if reply[0] == "array" else reply[1] if len(reply) > 1 else None


if __name__ == "__main__":
    sys.exit(main())
