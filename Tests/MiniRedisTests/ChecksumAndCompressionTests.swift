// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct CRC64Tests {
    private func checksum(_ bytes: some Collection<UInt8>) -> UInt64 {
        var crc = CRC64()
        withExactBytes(bytes) { crc.update($0) }
        return crc.value
    }

    /// A bit at a time, straight from the definition.
    private func slowChecksum(_ bytes: [UInt8]) -> UInt64 {
        var crc: UInt64 = 0
        for byte in bytes {
            crc ^= UInt64(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x95ac_9329_ac4b_c9b5 : 0) }
        }
        return crc
    }

    @Test func `the check value is the published one`() {
        #expect(checksum("123456789".utf8) == 0xe9c6_d914_c4b8_d9ca)
        #expect(checksum([]) == 0)
    }

    @Test func `every length and every division into parts agree with the definition`() {
        var random = RandomSource(seed: 4)
        let bytes = (0..<100).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        for length in 0...100 {
            let part = Array(bytes.prefix(length))
            #expect(checksum(part) == slowChecksum(part))
            var crc = CRC64()
            withExactBytes(part) { view in
                let cut = Int(random.below(UInt64(length + 1)))
                crc.update(view.base, count: cut)
                crc.update(view.suffix(from: cut))
            }
            #expect(crc.value == slowChecksum(part))
        }
    }
}

@Suite struct LZFTests {
    private func compress(_ bytes: [UInt8], capacity: Int) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: max(capacity, 1), alignment: 1) { output in
            guard let base = output.baseAddress else { return nil }
            return withExactBytes(bytes) { LZF.compress($0, into: base, capacity: capacity) }
                .map { Array(output.prefix($0)) }
        }
    }

    private func expand(_ bytes: [UInt8], to expected: Int) -> [UInt8]? {
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: expected, alignment: 1)
        defer { output.deallocate() }
        guard let base = output.baseAddress else { return nil }
        let isWhole = withExactBytes(bytes) { LZF.decompress($0, into: base, expected: expected) }
        return isWhole ? Array(output) : nil
    }

    @Test(arguments: [5, 20, 21, 100, 1_000, 65_536, 300_000])
    func `repetitive bytes become fewer and come back`(length: Int) {
        let bytes = (0..<length).map { UInt8($0 % 3 + ($0 / 1_000) % 7) }
        guard let packed = compress(bytes, capacity: length) else {
            #expect(length < 20)
            return
        }
        #expect(length < 20 || packed.count < length)
        #expect(expand(packed, to: length) == bytes)
    }

    @Test func `random bytes do not fit in fewer`() {
        var random = RandomSource(seed: 5)
        let bytes = (0..<1_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        #expect(compress(bytes, capacity: bytes.count - 4) == nil)
    }

    @Test func `short input and no room are refused`() {
        for length in 0..<5 {
            #expect(compress([UInt8](repeating: 0, count: length), capacity: 100) == nil)
        }
        #expect(compress([UInt8](repeating: 0, count: 100), capacity: 0) == nil)
        #expect(compress([UInt8](repeating: 0, count: 100), capacity: 1) == nil)
    }

    @Test func `a block by the definition of the format expands`() {
        // Three literals, then a copy of seven bytes from three back.
        #expect(expand([2, 0x61, 0x62, 0x63, 5 << 5, 2], to: 10) == Array("abcabcabca".utf8))
    }

    @Test func `a wrong size is refused either way`() {
        let block: [UInt8] = [2, 0x61, 0x62, 0x63, 5 << 5, 2]
        for size in [1, 2, 3, 9, 11, 100] { #expect(expand(block, to: size) == nil) }
        #expect(expand([], to: 10) == nil)
        withExactBytes(block) { block in
            var byte: UInt8 = 0
            #expect(!LZF.decompress(block, into: &byte, expected: 0))
            #expect(!LZF.decompress(block, into: &byte, expected: -1))
        }
    }

    @Test func `damaged blocks never write or read outside`() {
        var random = RandomSource(seed: 6)
        let bytes = (0..<400).map { UInt8($0 % 5) }
        guard let packed = compress(bytes, capacity: 400) else {
            Issue.record("did not compress")
            return
        }
        for length in packed.indices {
            #expect(expand(Array(packed.prefix(length)), to: 400) == nil)
        }
        for _ in 0..<5_000 {
            var bad = packed
            bad[Int(random.below(UInt64(bad.count)))] = UInt8(truncatingIfNeeded: random.next())
            _ = expand(bad, to: Int(random.below(500)) + 1)
        }
        for _ in 0..<5_000 {
            let noise = (0..<random.below(60)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            _ = expand(noise, to: Int(random.below(500)) + 1)
        }
    }
}
