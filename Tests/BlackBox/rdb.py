# SPDX-License-Identifier: BSD-3-Clause
"""A small writer of dump files with string keys, so that tests can make good and damaged ones.

The layout: a magic of nine bytes with the version, opcodes and pairs, the end opcode, and a CRC64
(Jones, reflected, no final inversion) of everything before it, little endian.
"""

import struct

AUX, RESIZE, EXPIRE_MILLISECONDS, SELECT, END = 0xFA, 0xFB, 0xFC, 0xFE, 0xFF
STRING = 0


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x95AC9329AC4BC9B5 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc64(data):
    crc = 0
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def length(n):
    """A length in one, two, five or nine bytes."""
    if n < 1 << 6:
        return bytes([n])
    if n < 1 << 14:
        return struct.pack(">H", 0x4000 | n)
    if n < 1 << 32:
        return b"\x80" + struct.pack(">I", n)
    return b"\x81" + struct.pack(">Q", n)


def string(data):
    return length(len(data)) + data


def dump(databases, version=9, aux=(), checksum=True):
    """A dump: {database: {key: value or (value, expire-at in milliseconds)}}.

    A value is bytes, or an integer, which is written in the encoding for integers of 32 bits.
    """
    out = bytearray(b"REDIS%04d" % version)
    for name, value in aux:
        out += bytes([AUX]) + string(name) + string(value)
    for number, keys in databases.items():
        out += bytes([SELECT]) + length(number)
        expiring = sum(isinstance(v, tuple) for v in keys.values())
        out += bytes([RESIZE]) + length(len(keys)) + length(expiring)
        for key, value in keys.items():
            if isinstance(value, tuple):
                value, due = value
                out += bytes([EXPIRE_MILLISECONDS]) + struct.pack("<Q", due)
            encoded = (
                b"\xc2" + struct.pack("<i", value) if isinstance(value, int) else string(value)
            )
            out += bytes([STRING]) + string(key) + encoded
    out.append(END)
    return seal(bytes(out)) if checksum else bytes(out) + bytes(8)


def seal(body):
    """The body with its checksum behind it."""
    return body + struct.pack("<Q", crc64(body))
