// SPDX-License-Identifier: BSD-3-Clause
//
// Where a small collection is put together that comes as a whole, from a dump: its items are
// written one behind the other as a packed block has them, and the block is made at the end, of the
// right size, in one copy. The editors would move the block as it grows and search all of it for
// each new member.
//
//     bytes    [ item | item | item ...                 ]     up to what a packed block may have
//     marks   [ hash | hash ...]                             of each key: is it there already?
//
// What is out of the ordinary (a member twice, scores out of order, a deadline, more than fits) is
// left to the editors: the stage says no, what is there so far is made into a block, and they go
// on. So it must leave a collection exactly as they would, its traits included.
//
// Limits: 256 keys; the search for an equal one compares hashes in a row, which for so many is as
// fast as a table. An equal hash is for the editors to judge.

/// One collection in the making at a time. Used through a pointer; owned by whoever loads.
struct PackedStage: ~Copyable {
    private static let mostKeys = 256
    /// What a block may have at most for every type, without its header: 4 KiB for sets and hashes.
    private static let mostBytes = 4096 - PackedBlock.headerBytes
    /// Room for writing an item whole before it is known to fit.
    private static let slack = 64

    private let block: UnsafeMutableRawPointer
    private let bytes: UnsafeMutableRawPointer
    private let marks: UnsafeMutablePointer<UInt64>
    private var used = 0
    private var items = 0
    private var keys = 0
    private var traits: UInt8 = 0
    /// Of the last member of a sorted set: where it is, and its score.
    private var last = 0
    private var lastScore = -Double.infinity

    init() {
        // Marks look at eight bytes before the end of an item, and behind its beginning.
        block = .allocate(byteCount: Self.slack + Self.mostBytes + Self.slack, alignment: 16)
        block.initializeMemory(as: UInt8.self, repeating: 0, count: Self.slack)
        bytes = block + Self.slack
        marks = .allocate(capacity: Self.mostKeys)
    }

    deinit {
        block.deallocate()
        marks.deallocate()
    }

    /// Whether anything was staged since the last block was made.
    var isEmpty: Bool { items == 0 }

    // MARK: - Members

    /// As `SetEditor.insert` of a new member; false, and nothing changed, if it must do it.
    @inline(__always)
    mutating func insert(_ member: ByteView, _ limits: EncodingLimits) -> Bool {
        let item = PackedItem(member)
        guard used &+ item.byteCount <= Self.mostBytes, addKey(item) else { return false }
        let isInteger = item.isInteger
        if items == 0 { traits = SetTraits.integers }
        if traits == SetTraits.integers && isInteger {
            if items >= limits.setIntegerEntries { traits = SetTraits.hashed }
        } else if traits != SetTraits.hashed {
            let isLarge = items >= limits.setEntries || member.count > limits.setValueBytes
            traits = isLarge ? SetTraits.hashed : SetTraits.listed
        }
        advance(item.byteCount)
        return true
    }

    /// As `HashEditor.set` of a new field without a deadline; false likewise.
    @inline(__always)
    mutating func insert(
        _ field: ByteView, _ value: ByteView, _ limits: EncodingLimits
    ) -> Bool {
        let (item, text) = (PackedItem(field), PackedItem(value))
        // The editor's rule, with a byte for a deadline.
        guard used &+ item.byteCount &+ text.byteCount &+ 1 <= Self.mostBytes,
            addKey(item)
        else { return false }
        if items == 0 { traits = 0 }
        advance(item.byteCount)
        text.write(to: bytes + used)
        advance(text.byteCount)
        if max(field.count, value.count) > limits.hashValueBytes || keys > limits.hashEntries {
            traits |= HashTraits.hashed
        }
        return true
    }

    /// As `SortedSetEditor.set` of a new member that comes behind all others; false likewise.
    @inline(__always)
    mutating func insert(
        _ member: ByteView, score: Double, _ limits: EncodingLimits
    ) -> Bool {
        let (item, value) = (PackedItem(member), PackedItem(double: score))
        let bytes = PackedBlock.headerBytes &+ used &+ item.byteCount &+ value.byteCount
        guard used &+ item.byteCount &+ value.byteCount <= Self.mostBytes,
            PackedSize.holds(bytes: bytes, items: items &+ 2), isBehind(member, score),
            addKey(item)
        else { return false }
        if items == 0 { traits = SortedSetTraits.listed }
        if items / 2 >= limits.sortedSetEntries || member.count > limits.sortedSetValueBytes {
            traits = SortedSetTraits.skipping
        }
        (last, lastScore) = (used, score)
        advance(item.byteCount)
        value.write(to: self.bytes + used)
        advance(value.byteCount)
        return true
    }

    /// As `ListEditor.append`; false likewise. It stays where no encoding's limit is near.
    @inline(__always)
    mutating func append(_ element: ByteView, _ limits: EncodingLimits) -> Bool {
        let item = PackedItem(element)
        let own = item.byteCount
        let total = own &+ PackedTrailer.byteCount(own)
        guard limits.listSize == -2, items < PackedBlock.mostItems,
            used &+ element.count &+ total &+ PackedBlock.mostTrailerBytes
                <= min(Self.mostBytes, ListValue.packedBytes - PackedBlock.headerBytes)
        else { return false }
        if items == 0 { traits = 0 }
        item.write(to: bytes + used)
        PackedTrailer.write(own, to: bytes + (used &+ own))
        advance(total)
        return true
    }

    @inline(__always)
    private mutating func advance(_ count: Int) {
        used &+= count
        items &+= 1
    }

    /// Writes the item of a key behind all others, if no other has its hash.
    @inline(__always)
    private mutating func addKey(_ item: PackedItem) -> Bool {
        guard keys < Self.mostKeys else { return false }
        item.write(to: bytes + used)
        let mark = Self.mark(of: bytes + used, count: item.byteCount)
        var equal: UInt64 = 0
        // Without a way out, so that it is done several at a time.
        for index in 0..<keys { equal |= marks[index] == mark ? 1 : 0 }
        guard equal == 0 else { return false }
        marks[keys] = mark
        keys &+= 1
        return true
    }

    /// A mark of an encoded item: its first, middle and last eight bytes and its length. Who sends
    /// different items of equal marks gets the editors' speed.
    @inline(__always)
    private static func mark(of item: UnsafeMutableRawPointer, count: Int) -> UInt64 {
        let first = item.loadUnaligned(as: UInt64.self)
        let last = (item + (count &- 8)).loadUnaligned(as: UInt64.self)
        let unused = UInt64(max(0, 8 &- count)) &* 8
        let head = first &<< unused
        let tail = last &>> unused
        // Up to 24 bytes, every one counts.
        let middle = count > 16 ? (item + (count / 2 &- 4)).loadUnaligned(as: UInt64.self) : 0
        return (middle &* 0x1656_67B1_9E37_79F9) ^ (head &* 0x9E37_79B9_7F4A_7C15)
            ^ (tail &* 0xC2B2_AE3D_27D4_EB4F)
            ^ UInt64(truncatingIfNeeded: count) << 56
    }

    private func isBehind(_ member: ByteView, _ score: Double) -> Bool {
        if items == 0 || score > lastScore { return true }
        guard score == lastScore else { return false }
        return PackedItem.payload(at: bytes + last).withText { $0.compare(member) < 0 }
    }

    // MARK: - The block

    /// Makes a block of what was staged, which is the caller's; the stage is empty then.
    mutating func finish(
        _ memory: UnsafeMutablePointer<Memory>, bidirectional: Bool
    ) -> UnsafeMutableRawPointer {
        let flags = bidirectional ? PackedBlock.bidirectionalFlag : 0
        let block = PackedBlock.create(
            memory, flags: flags, traits: traits, items: items,
            copying: ByteView(bytes, count: used))
        reset()
        return block
    }

    /// Forgets what was staged.
    mutating func reset() {
        (used, items, keys, traits) = (0, 0, 0, 0)
        lastScore = -.infinity
    }
}
