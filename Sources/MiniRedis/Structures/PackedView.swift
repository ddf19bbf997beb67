// SPDX-License-Identifier: BSD-3-Clause
//
// A packed block as its readers see it: any thread, as long as the block is not written.
//
// A cursor is the offset of an item in its block, from `first` to `end` (behind the last one). It
// is valid until the block is edited at or before it; editing behind it leaves it valid, though the
// block may have moved.

/// The items of a packed block.
///
/// Ownership: owns nothing, valid until the block is edited or freed, and so are the strings that
/// it gives out.
struct PackedView {
    let base: UnsafeRawPointer

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    /// The length with its two flags, in the lowest 24 bits. What is above them is an item's.
    @inline(__always)
    var word: Int {
        Int(base.load(fromByteOffset: PackedBlock.Offset.word, as: UInt32.self))
    }

    /// The bytes in use, the header included.
    @inline(__always)
    var byteCount: Int { word & PackedBlock.mostBytes }

    /// The bytes of the block.
    @inline(__always)
    var allocatedBytes: Int {
        let word = word
        let fit = Heap.sizeClass(word & PackedBlock.mostBytes)
        return word & PackedBlock.spareFlag == 0 ? fit : Heap.sizeClass(fit &+ 1)
    }

    /// Whether the items can be walked backwards.
    @inline(__always)
    var isBidirectional: Bool { word & PackedBlock.bidirectionalFlag != 0 }

    /// The owner's byte.
    @inline(__always)
    var traits: UInt8 { base.load(fromByteOffset: PackedBlock.Offset.traits, as: UInt8.self) }

    /// The number of items.
    @inline(__always)
    var count: Int {
        Int(base.load(fromByteOffset: PackedBlock.Offset.count, as: UInt16.self))
    }

    @inline(__always)
    var isEmpty: Bool { byteCount == PackedBlock.headerBytes }

    /// Whether so many more items, whose encodings have so many bytes together, fit a block.
    @inline(__always)
    func canHold(items: Int, bytes: Int) -> Bool {
        count &+ items <= PackedBlock.mostItems
            && bytes <= PackedBlock.mostBytes &- byteCount &- items &* PackedBlock.mostTrailerBytes
    }

    /// Whether one more item fits a block.
    @inline(__always)
    func canHold(_ item: PackedItem) -> Bool { canHold(items: 1, bytes: item.byteCount) }
}

// MARK: - Walking

extension PackedView {
    /// The first item; `end` if there is none.
    @inline(__always)
    var first: Int { PackedBlock.headerBytes }

    /// Behind the last item.
    @inline(__always)
    var end: Int { byteCount }

    /// The last item of those that there must be; walks through all of a block that goes one way.
    @inline(__always)
    var last: Int { isBidirectional ? previous(end) : cursor(at: count &- 1) }

    /// The bytes that the item takes.
    @inline(__always)
    func itemBytes(at cursor: Int) -> Int {
        assert(cursor >= first && cursor < end)
        let bytes = PackedItem.byteCount(at: base + cursor)
        return isBidirectional ? bytes &+ PackedTrailer.byteCount(bytes) : bytes
    }

    /// The item behind this one, or `end`.
    @inline(__always)
    func next(_ cursor: Int) -> Int { cursor &+ itemBytes(at: cursor) }

    /// The item before this one or `end`; not for `first`, and only in a block that is
    /// bidirectional.
    @inline(__always)
    func previous(_ cursor: Int) -> Int {
        assert(isBidirectional && cursor > first && cursor <= end)
        let trailer = PackedTrailer.read(before: base + cursor)
        return cursor &- trailer.item &- trailer.bytes
    }

    /// The item `n` items behind this one, or `end`; there must be as many.
    @inline(__always)
    func advance(_ cursor: Int, by n: Int) -> Int {
        var at = cursor
        for _ in 0..<n { at = next(at) }
        return at
    }

    /// The item of an index from 0 to `count`, which is `end`; walked to from the nearer end, or
    /// from the first in a block that goes one way.
    func cursor(at index: Int) -> Int {
        let count = self.count
        assert(index >= 0 && index <= count)
        if index == count { return end }
        guard isBidirectional && index > count >> 1 else { return advance(first, by: index) }
        var at = end
        for _ in index..<count { at = previous(at) }
        return at
    }

    /// The first item from `start` on that equals `item`, or nil. Of a `step` of 2, only every
    /// other item is looked at, from `start` on.
    ///
    /// Where the next item is depends on what this one is, so a walk would wait for one load after
    /// the other. Items of one collection mostly have equal lengths: after one that begins like
    /// its predecessor, or like what is looked for, the length is known before it is read, and the
    /// processor runs ahead.
    @inline(__always)
    func find(_ item: PackedItem, from start: Int, step: Int = 1) -> Int? {
        guard item.code < PackedProbe.noCode else { return findLong(item, from: start, step) }
        let probe = PackedProbe(item, trailed: isBidirectional)
        let at =
            step == 1
            ? search(probe, from: start, code: item.code)
            : search(probe, from: start, code: item.code, step: step)
        return at < 0 ? nil : at
    }

    /// Where the item is that `probe` looks for, or -1.
    @inline(never)
    private func search(_ probe: PackedProbe, from start: Int, code: UInt8) -> Int {
        let end = self.end
        var at = start
        while at < end {
            if base.load(fromByteOffset: at, as: UInt8.self) == code {
                if probe.mayMatch(base + at) && probe.matches(base + at) { return at }
                at = at &+ probe.bytes
            } else {
                at = next(at)
            }
        }
        return -1
    }

    /// The same among every `step`-th item.
    @inline(never)
    private func search(_ probe: PackedProbe, from start: Int, code: UInt8, step: Int) -> Int {
        let end = self.end
        var at = start
        var (skippedCode, skippedBytes) = (PackedProbe.noCode, 0)
        while at < end {
            if base.load(fromByteOffset: at, as: UInt8.self) == code {
                if probe.mayMatch(base + at) && probe.matches(base + at) { return at }
                at = at &+ probe.bytes
            } else {
                at = next(at)
            }
            var left = step &- 1
            while left > 0 && at < end {
                let code = base.load(fromByteOffset: at, as: UInt8.self)
                if code != skippedCode || code >= PackedProbe.noCode {
                    (skippedCode, skippedBytes) = (code, itemBytes(at: at))
                }
                at = at &+ skippedBytes
                left &-= 1
            }
        }
        return -1
    }

    /// The same for an item whose code does not tell its length.
    @inline(never)
    private func findLong(_ item: PackedItem, from start: Int, _ step: Int) -> Int? {
        let end = self.end
        var at = start
        while at < end {
            if item.isEqual(to: base + at) { return at }
            var left = step
            repeat {
                at = next(at)
                left &-= 1
            } while left > 0 && at < end
        }
        return nil
    }

    /// The first of all items that equals `item`, or nil.
    @inline(__always)
    func find(_ item: PackedItem, step: Int = 1) -> Int? { find(item, from: first, step: step) }
}

// MARK: - Reading

extension PackedView {
    /// The item, which is no double.
    @inline(__always)
    func payload(at cursor: Int) -> PackedPayload {
        assert(cursor >= first && cursor < end)
        return PackedItem.payload(at: base + cursor)
    }

    /// The item, which was written as a double or is an integer.
    @inline(__always)
    func double(at cursor: Int) -> Double {
        assert(cursor >= first && cursor < end)
        return PackedItem.double(at: base + cursor)
    }

    /// The integer, or nil if the item is no integer's text.
    @inline(__always)
    func integer(at cursor: Int) -> Int64? {
        guard case .integer(let value) = payload(at: cursor) else { return nil }
        return value
    }

    /// The length of the item's text.
    @inline(__always)
    func textLength(at cursor: Int) -> Int { payload(at: cursor).textLength }

    /// Calls with the item's text, which lives while `body` runs.
    @inline(__always)
    func withText<Result>(
        at cursor: Int, _ body: (ByteView) throws -> Result
    ) rethrows -> Result {
        try payload(at: cursor).withText(body)
    }

    /// Writes the item's text, of `textLength(at:)` bytes, and returns its length. There must be
    /// room for at least `DecimalInteger.maximumLength`.
    @inline(__always)
    func copyText(at cursor: Int, to destination: UnsafeMutableRawPointer) -> Int {
        switch payload(at: cursor) {
        case .bytes(let text):
            destination.copyMemory(from: text.base, byteCount: text.count)
            return text.count
        case .integer(let value):
            return DecimalInteger.write(value, to: destination)
        }
    }

    /// Whether the item is this one.
    @inline(__always)
    func isEqual(at cursor: Int, _ item: PackedItem) -> Bool {
        assert(cursor >= first && cursor < end)
        return item.isEqual(to: base + cursor)
    }
}

// MARK: - Runs

/// Neighbouring items of a block.
struct PackedRun {
    let view: PackedView
    let start: Int
    /// Behind the last one.
    let end: Int
    /// The number of items.
    let count: Int

    @inline(__always)
    var byteCount: Int { end &- start }
}

extension PackedView {
    /// All items.
    var all: PackedRun { PackedRun(view: self, start: first, end: end, count: count) }

    /// The `count` items from `cursor` on, all of which must exist.
    @inline(__always)
    func run(at cursor: Int, count: Int) -> PackedRun {
        PackedRun(view: self, start: cursor, end: advance(cursor, by: count), count: count)
    }
}

// MARK: - Trailers

/// What follows an item in a block that is walked both ways: its length in groups of seven bits,
/// read from the right. The lowest group is the last byte, and a byte with the highest bit has
/// another one to its left.
enum PackedTrailer {
    @inline(__always)
    static func byteCount(_ item: Int) -> Int {
        if item < 1 << 7 { return 1 }
        return item < 1 << 14 ? 2 : (item < 1 << 21 ? 3 : 4)
    }

    /// The length of the item and of its trailer, which ends before `place`.
    @inline(__always)
    static func read(before place: UnsafeRawPointer) -> (item: Int, bytes: Int) {
        let last = Int((place - 1).load(as: UInt8.self))
        if last < 0x80 { return (last, 1) }
        var item = last & 0x7f
        var bytes = 1
        var more = true
        while more {
            bytes &+= 1
            let byte = Int((place - bytes).load(as: UInt8.self))
            item |= (byte & 0x7f) << ((bytes &- 1) &* 7)
            more = byte >= 0x80
        }
        return (item, bytes)
    }

    @inline(__always)
    static func write(_ item: Int, to place: UnsafeMutableRawPointer) {
        var at = byteCount(item) &- 1
        var rest = item
        while at >= 0 {
            let more: UInt8 = at > 0 ? 0x80 : 0
            let group = UInt8(truncatingIfNeeded: rest & 0x7f) | more
            place.storeBytes(of: group, toByteOffset: at, as: UInt8.self)
            rest >>= 7
            at &-= 1
        }
    }
}
