# SPDX-License-Identifier: BSD-3-Clause
"""The cases whose load redis-benchmark cannot make: memory per key, a whole SCAN, how late a key
goes that falls due, and the longest turn of the loop with ten million keys."""

import multiprocessing
import statistics
import time

import load
from cases import Result
from servers import BenchError, Server

VALUE = b"v" * 64
SCAN_COUNT = 1_000
DUE_KEYS = 1_000
DUE_SPACING_MS = 5
DUE_PATIENCE_SECONDS = 20
POLL_SECONDS = 0.0005  # between two looks, so that the looking does not drive the server's loop
BIG_KEYS = 10_000_000
BIG_DUE_KEYS = 1_000_000
BIG_PATIENCE_SECONDS = 180
BIG_MEMORY_BYTES = 6 << 30
REPLY_BYTES_A_KEY = len(b"$16\r\n") + 16 + len(b"\r\n")


def _bytes_per_key(name, path, keys, options):
    with Server(name, path) as server:
        empty = load.settle(server)
        load.fill(server, load.set_commands(range(keys), VALUE, options=options), keys)
        full = load.settle(server)
        with server.connect() as connection:
            if connection.command("DBSIZE") != keys or connection.command(
                "GET", load.key(keys - 1)
            ) != VALUE:
                raise BenchError(f"{name} did not store the keys")
        return (full - empty) / keys


def memory(plan, expiring):
    """Resident bytes a key: fresh servers, a million keys of 16 bytes with 64-byte values."""
    name = "memory-expiry" if expiring else "memory"
    title = "resident memory, " + ("every key with an expiry" if expiring else "no expiry")
    result = Result(name, title, "bytes/key", 0.70 if expiring else 0.75)
    # Far enough not to fall due, and spread over a day.
    options = (lambda index: (b"EX", 86_400 + index % 86_400)) if expiring else None
    for number in range(min(plan.rounds, 3)):
        plan.say(f"{name}: round {number + 1}")
        for (label, path), values in zip(plan.binaries, (result.ours, result.theirs)):
            values.append(_bytes_per_key(label, path, plan.keys, options))
    return result


def _scan_once(server, keys):
    """CPU milliseconds of one whole SCAN, which must return every key."""
    seen, cursor, before = set(), b"0", server.cpu_nanoseconds()
    with server.connect() as connection:
        while True:
            cursor, page = connection.command("SCAN", cursor, "COUNT", SCAN_COUNT)
            seen.update(page)
            if cursor == b"0":
                break
    spent = server.cpu_nanoseconds() - before
    if len(seen) != keys:
        raise BenchError(f"{server.name}: SCAN returned {len(seen)} of {keys} keys")
    return spent / 1e6


def scan(plan):
    result = Result("scan", f"SCAN over {plan.keys:,} keys, COUNT {SCAN_COUNT}",
                    "ms CPU/scan", 0.50)
    (our_name, our_path), (their_name, their_path) = plan.binaries
    with Server(our_name, our_path) as ours, Server(their_name, their_path) as theirs:
        for server in (ours, theirs):
            plan.say(f"scan: filling {server.name}")
            load.fill(server, load.set_commands(range(plan.keys), VALUE), plan.keys)
            load.settle(server)
        for number in range(plan.rounds):
            plan.say(f"scan: round {number + 1}")
            result.ours.append(_scan_once(ours, plan.keys))
            result.theirs.append(_scan_once(theirs, plan.keys))
    return result


def _lags(name, path, keys):
    """How late each of the due keys was seen gone, in ms, and how many never were.

    Deadlines lie apart, so the n-th key that is missing is the n-th that was due. A key that is
    still there when patience ends counts with the time until then.
    """
    with Server(name, path) as server, server.connect() as connection:
        live = lambda index: (b"EX", 86_400 + index % 86_400)
        load.fill(server, load.set_commands(range(keys), VALUE, options=live), keys)
        load.settle(server)
        first = int(time.time() * 1_000) + 1_500
        due = lambda index: (b"PXAT", first + (index - keys) * DUE_SPACING_MS)
        load.fill(
            server, load.set_commands(range(keys, keys + DUE_KEYS), VALUE, options=due), DUE_KEYS
        )
        if connection.command("DBSIZE") != keys + DUE_KEYS:
            raise BenchError(f"{name} did not hold the due keys until they fell due")
        deadlines = [first + number * DUE_SPACING_MS for number in range(DUE_KEYS)]
        patience = deadlines[-1] + DUE_PATIENCE_SECONDS * 1_000
        lags = []
        while len(lags) < DUE_KEYS and time.time() * 1_000 < patience:
            time.sleep(POLL_SECONDS)
            gone = keys + DUE_KEYS - connection.command("DBSIZE")
            now = time.time() * 1_000
            if gone > DUE_KEYS or (gone and now < deadlines[gone - 1]):
                raise BenchError(f"{name}: {gone} keys gone, some before their time")
            lags += [now - deadline for deadline in deadlines[len(lags):gone]]
        left = DUE_KEYS - len(lags)
        counted = int(server.info("stats").get("expired_keys", 0))
        if counted < len(lags):
            raise BenchError(f"{name}: expired_keys says {counted}, {len(lags)} are gone")
        return sorted(lags + [patience - deadline for deadline in deadlines[len(lags):]]), left


def expiry_lag(plan):
    result = Result("expiry-lag", f"a due key is gone, {plan.keys:,} others live (worst of "
                    f"{DUE_KEYS:,})", "ms", 10, absolute=True)
    notes = []
    for (label, path), values in zip(plan.binaries, (result.ours, result.theirs)):
        plan.say(f"expiry-lag: {label}")
        lags, left = _lags(label, path, plan.keys)
        values.append(lags[-1])
        p50, p99 = statistics.median(lags), lags[int(len(lags) * 0.99)]
        notes.append(
            f"{label}: p50 {p50:.1f}, p99 {p99:.1f}, max {lags[-1]:.1f} ms"
            + (f"; {left} still there after {DUE_PATIENCE_SECONDS} s" if left else "")
        )
    result.note = "; ".join(notes)
    return result


def _probe(port, stop, answer):
    """Runs beside a measurement, in a process of its own: the longest wait of a PING, in us."""
    from servers import Connection

    longest = 0.0
    with Connection(port, timeout=BIG_PATIENCE_SECONDS) as connection:
        answer.send(None)
        while not stop.is_set():
            started = time.perf_counter()
            connection.command("PING")
            longest = max(longest, time.perf_counter() - started)
            time.sleep(0.001)
    answer.send(longest * 1e6)


def _turn(server, act):
    """The longest turn during `act`: (what INFO reports or None, the longest wait of a PING)."""
    stop, (receiver, sender) = multiprocessing.Event(), multiprocessing.Pipe(duplex=False)
    probe = multiprocessing.Process(target=_probe, args=(server.port, stop, sender), daemon=True)
    probe.start()
    try:
        receiver.recv()
        with server.connect(timeout=BIG_PATIENCE_SECONDS) as connection:
            connection.command("CONFIG", "RESETSTAT")
            act(connection)
        reported = server.info("stats").get("eventloop_duration_max_usec")
        stop.set()
        return (float(reported) if reported is not None else None), receiver.recv()
    finally:
        stop.set()
        probe.join(5)
        probe.terminate()


def _read_keys(connection):
    connection.socket.sendall(b"*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n")
    count = int(connection.file.readline()[1:])
    left, block = count * REPLY_BYTES_A_KEY, bytearray(1 << 20)
    while left > 0:
        got = connection.file.readinto(memoryview(block)[:min(left, len(block))])
        if not got:
            raise BenchError("KEYS: the connection was closed within the reply")
        left -= got
    if count != BIG_KEYS:
        raise BenchError(f"KEYS returned {count} keys")


def _wait_for_size(connection, size):
    deadline = time.monotonic() + BIG_PATIENCE_SECONDS
    while connection.command("DBSIZE") != size:
        if time.monotonic() > deadline:
            raise BenchError(f"DBSIZE did not become {size} in {BIG_PATIENCE_SECONDS} s")
        time.sleep(0.01)


def _big_turns(plan, label, path):
    """The three longest turns on one server, which is alone on the machine: KEYS, expiry, FLUSHALL."""
    with Server(label, path) as server:
        plan.say(f"turns: filling {label} with {BIG_KEYS:,} keys")
        load.fill(server, load.set_commands(range(BIG_KEYS), VALUE), BIG_KEYS)
        load.settle(server)
        plan.say(f"turns: KEYS * on {label}")
        keys = _turn(server, _read_keys)
        plan.say(f"turns: expiry of {BIG_DUE_KEYS:,} keys at one instant on {label}")
        due = int(time.time() * 1_000) + 30_000
        load.fill(server, load.set_commands(range(BIG_KEYS, BIG_KEYS + BIG_DUE_KEYS), VALUE,
                                            options=lambda index: (b"PXAT", due)), BIG_DUE_KEYS)
        if time.time() * 1_000 > due - 1_000:
            raise BenchError(f"{label}: the keys fell due while they were loaded")
        expiry = _turn(server, lambda connection: _wait_for_size(connection, BIG_KEYS))
        plan.say(f"turns: FLUSHALL on {label}")

        def flush(connection):
            connection.command("FLUSHALL")
            _wait_for_size(connection, 0)
            load.settle(server)

        return keys, expiry, _turn(server, flush)


def longest_turns(plan):
    """A server that does not report its turns (Redis 7.0) is judged by the PING beside them."""
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        available = next(int(line.split()[1]) << 10 for line in meminfo if "MemAvailable" in line)
    if available < BIG_MEMORY_BYTES:
        raise BenchError(f"--big needs {BIG_MEMORY_BYTES >> 30} GiB of memory")
    results = [
        Result(f"turn-{name}", f"longest turn: {title}, {BIG_KEYS:,} keys", "us", 2_000,
               absolute=True)
        for name, title in (
            ("keys", "KEYS *"), ("expiry", "a million keys fall due"), ("flushall", "FLUSHALL"),
        )
    ]
    for side, (label, path) in enumerate(plan.binaries):
        for result, (reported, waited) in zip(results, _big_turns(plan, label, path)):
            (result.ours, result.theirs)[side].append(waited if reported is None else reported)
            source = "the longest PING" if reported is None else f"INFO; longest PING {waited:.0f}"
            result.note += f"{'; ' if result.note else ''}{label}: {source}"
    return results
