// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct ByteBufferTests {
    @Test func `what is appended is there in order`() {
        var buffer = ByteBuffer()
        #expect(buffer.isEmpty && buffer.capacity == 0 && buffer.view.count == 0)
        buffer.append("+OK")
        buffer.append(byte: 0x0d)
        withExactBytes("x\0y") { buffer.append($0) }
        withExactBytes("") { buffer.append($0) }
        buffer.append(decimal: .min)
        buffer.append(littleEndian: UInt32(0x0102_0304))
        buffer.append(littleEndian: UInt8(9))
        buffer.append(littleEndian: Int64(-2))
        let expected =
            Array("+OK\rx\0y-9223372036854775808".utf8) + [4, 3, 2, 1, 9, 0xfe]
            + [UInt8](repeating: 0xff, count: 7)
        #expect(buffer.view.array == expected)
    }

    @Test func `reserved room is written and committed`() {
        var buffer = ByteBuffer(capacity: 10)
        #expect(buffer.capacity >= 10)
        let room = buffer.reserve(1_000)
        room.storeBytes(of: 0x61, as: UInt8.self)
        #expect(buffer.isEmpty && buffer.capacity >= 1_000)
        buffer.commit(1)
        #expect(buffer.view.array == [0x61])
        _ = buffer.reserve(0)
        buffer.commit(0)
        #expect(buffer.count == 1)
    }

    @Test func `removing everything keeps or frees the memory`() {
        var buffer = ByteBuffer()
        buffer.append("abc")
        buffer.removeAll(keepingCapacity: true)
        #expect(buffer.isEmpty && buffer.capacity > 0)
        buffer.append("d")
        #expect(buffer.view.array == [0x64])
        buffer.removeAll()
        #expect(buffer.isEmpty && buffer.capacity == 0)
        buffer.append("e")
        #expect(buffer.view.array == [0x65])
    }

    @Test func `a queue of bytes agrees with an array and does not grow without need`() {
        var random = RandomSource(seed: 8)
        var buffer = ByteBuffer()
        var model: [UInt8] = []
        for _ in 0..<5_000 {
            let bytes = (0..<random.below(50)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            withExactBytes(bytes) { buffer.append($0) }
            model += bytes
            let taken = min(model.count, Int(random.below(55)))
            buffer.removeFirst(taken)
            model.removeFirst(taken)
            let isSame = buffer.count == model.count && buffer.view.array == model
            #expect(isSame)
        }
        #expect(buffer.capacity < 16_384)
    }

    @Test func `a million bytes one by one are moved a few times only`() {
        var buffer = ByteBuffer()
        var growths = 0
        var capacity = 0
        for index in 0..<1_000_000 {
            buffer.append(byte: UInt8(truncatingIfNeeded: index))
            if buffer.capacity != capacity { growths += 1 }
            capacity = buffer.capacity
        }
        #expect(growths < 20 && buffer.count == 1_000_000)
    }
}
