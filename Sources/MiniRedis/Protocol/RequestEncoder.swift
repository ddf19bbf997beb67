// SPDX-License-Identifier: BSD-3-Clause
//
// RequestEncoder: a request as a client would send it, for those who repeat what happened here: the
// append-only file and the replicas.
//
// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/

enum RequestEncoder {
    /// Begins a request of so many arguments, the command's name included.
    @inline(__always)
    static func begin(_ count: Int, to buffer: inout ByteBuffer) {
        writeLength(count, UInt8(ascii: "*"), to: &buffer)
    }

    @inline(__always)
    static func argument(_ bytes: ByteView, to buffer: inout ByteBuffer) {
        writeLength(bytes.count, UInt8(ascii: "$"), to: &buffer)
        buffer.append(bytes)
        writeLineEnd(to: &buffer)
    }

    static func argument(decimal value: Int64, to buffer: inout ByteBuffer) {
        withUnsafeTemporaryAllocation(
            byteCount: DecimalInteger.maximumLength, alignment: 1
        ) { room in
            guard let base = room.baseAddress else { return }
            let count = DecimalInteger.write(value, to: base)
            argument(ByteView(base, count: count), to: &buffer)
        }
    }

    /// Two numbers with a dash between: an identifier of a stream.
    static func argument(dashed first: UInt64, _ second: UInt64, to buffer: inout ByteBuffer) {
        withUnsafeTemporaryAllocation(
            byteCount: 2 * DecimalInteger.maximumLength + 1, alignment: 1
        ) { room in
            guard let base = room.baseAddress else { return }
            var count = DecimalInteger.write(first, to: base)
            base.storeBytes(of: UInt8(ascii: "-"), toByteOffset: count, as: UInt8.self)
            count += 1
            count += DecimalInteger.write(second, to: base + count)
            argument(ByteView(base, count: count), to: &buffer)
        }
    }

    @inline(__always)
    private static func writeLength(_ value: Int, _ kind: UInt8, to buffer: inout ByteBuffer) {
        let room = buffer.reserve(DecimalInteger.maximumLength + 3)
        room.storeBytes(of: kind, as: UInt8.self)
        let digits = DecimalInteger.write(Int64(value), to: room + 1)
        (room + 1 + digits).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
        buffer.commit(digits + 3)
    }

    @inline(__always)
    private static func writeLineEnd(to buffer: inout ByteBuffer) {
        buffer.reserve(2).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
        buffer.commit(2)
    }
}
