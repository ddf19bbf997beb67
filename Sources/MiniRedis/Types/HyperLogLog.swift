// SPDX-License-Identifier: BSD-3-Clause
//
// HyperLogLog: how many different elements there were, in at most 12 KiB, with an error of 0.81 %.
//
// An element's hash chooses one of 16384 registers and a run length, that of the zeros behind; a
// register keeps the longest run that it was told. The registers are a string, byte for byte as in
// Redis, so that dumps, replicas and GET agree:
//
//     [ "HYLL" ][ encoding : 1 ][ 0 0 0 ][ cardinality : 8 ][ registers ... ]
//
//     encoding 0   dense    16384 registers of 6 bits, the first in the lowest bits
//     encoding 1   sparse   00xxxxxx            x+1 registers of zero
//                           01xxxxxx yyyyyyyy   xy+1 registers of zero
//                           1vvvvvxx            x+1 registers of v+1
//
// The cardinality, little endian, is the last estimate, its highest bit set if registers have
// changed since.
//
// A client may SET any bytes: nothing here believes a length that it has not checked. Runs that end
// early or go too far are "corrupted", never read outside of the string (CVE-2025-32023).
//
// Source: Heule, Nunkesser, Hall, "HyperLogLog in Practice", 2013; the estimate: Otmar Ertl, "New
// cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6.

enum HyperLogLog {
    static let registers = 16384
    static let headerBytes = 16
    static let denseBytes = headerBytes + registers * 6 / 8
    /// A sparse string has no more than one opcode of two bytes for each register.
    static let longestSparse = headerBytes + registers * 2
    /// Larger values need the dense form.
    static let largestSparseValue = 32
    static let hashSeed: UInt64 = 0xadc8_3b19

    /// The register that an element belongs to, and what it tells it: 1 to 51.
    static func place(of element: ByteView) -> (index: Int, value: UInt8) {
        let hash = MurmurHash.hash(element, seed: hashSeed)
        let rest = hash >> 14 | 1 << 50
        return (Int(hash & 0x3FFF), UInt8(rest.trailingZeroBitCount + 1))
    }
}

/// An opcode of the sparse form.
struct SparseRun {
    /// 0 to 32.
    var value: UInt8
    /// Registers.
    var length: Int
    /// 1 or 2.
    var byteCount: Int

    static let longestShortZero = 64
    static let longestValue = 4

    /// The opcode at `offset`, or nil if it ends behind the string.
    @inline(__always)
    init?(_ bytes: ByteView, at offset: Int) {
        let byte = bytes[offset]
        if byte & 0x80 != 0 {
            self.init(value: byte >> 2 & 31 + 1, length: Int(byte & 3) + 1, byteCount: 1)
        } else if byte & 0x40 == 0 {
            self.init(value: 0, length: Int(byte) + 1, byteCount: 1)
        } else {
            guard offset + 1 < bytes.count else { return nil }
            let length = Int(byte & 0x3F) << 8 | Int(bytes[offset + 1])
            self.init(value: 0, length: length + 1, byteCount: 2)
        }
    }

    private init(value: UInt8, length: Int, byteCount: Int) {
        self.value = value
        self.length = length
        self.byteCount = byteCount
    }
}

/// A HyperLogLog that is read.
struct HyperLogLogView {
    let bytes: ByteView
    let isDense: Bool

    /// nil if the bytes are not one: the header is checked, and the length of a dense one.
    init?(_ bytes: ByteView) {
        guard bytes.count >= HyperLogLog.headerBytes, bytes.prefix(4).equals("HYLL"),
            bytes[4] <= 1
        else { return nil }
        isDense = bytes[4] == 0
        guard !isDense || bytes.count == HyperLogLog.denseBytes else { return nil }
        self.bytes = bytes
    }

    /// The last estimate, if nothing has changed since.
    var cachedCount: UInt64? {
        guard bytes[15] & 0x80 == 0 else { return nil }
        return (8..<16).reduce(0) { $0 | UInt64(bytes[$1]) << UInt64(8 * ($1 - 8)) }
    }

    /// Calls with every run of equal registers, in order. False if the sparse form is corrupted;
    /// what was called before that is a part of it, in bounds.
    func forEachRun(_ body: (_ value: UInt8, _ first: Int, _ length: Int) -> Void) -> Bool {
        if isDense {
            forEachRegister { body($1, $0, 1) }
            return true
        }
        var at = HyperLogLog.headerBytes
        var first = 0
        while at < bytes.count {
            guard let run = SparseRun(bytes, at: at),
                run.length <= HyperLogLog.registers - first
            else { return false }
            body(run.value, first, run.length)
            at += run.byteCount
            first += run.length
        }
        return first == HyperLogLog.registers
    }

    /// The registers of the dense form: four in three bytes.
    private func forEachRegister(_ body: (_ index: Int, _ value: UInt8) -> Void) {
        var index = 0
        for at in stride(from: HyperLogLog.headerBytes, to: HyperLogLog.denseBytes, by: 3) {
            let (a, b, c) = (bytes[at], bytes[at + 1], bytes[at + 2])
            body(index, a & 63)
            body(index + 1, (a >> 6 | b << 2) & 63)
            body(index + 2, (b >> 4 | c << 4) & 63)
            body(index + 3, c >> 2)
            index += 4
        }
    }

    /// Raises registers to the values here; there are 16384. False if this one is corrupted.
    func merge(into maxima: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        forEachRun { value, first, length in
            guard value > 0 else { return }
            for index in first..<first + length where maxima[index] < value {
                maxima[index] = value
            }
        }
    }

    /// The estimated number of elements, or nil if the registers are corrupted.
    func count() -> UInt64? {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 64) { histogram in
            histogram.initialize(repeating: 0)
            guard forEachRun({ value, _, length in histogram[Int(value)] += length }) else {
                return nil
            }
            return HyperLogLogEstimate.count(histogram)
        }
    }
}
