// SPDX-License-Identifier: BSD-3-Clause
//
// PackedBlock: a small collection in one allocation.
//
// The items lie one behind the other, each as short as its value allows. A look-up walks over all
// of them, which for some hundred is as fast as anything that needs a pointer and a hash for each,
// and costs no memory but theirs. What the items mean is the owner's: elements of a list, members
// of a set, fields and values in turn.
//
//     0         5        6       8                           11                     length
//     | stamp   | traits | count | length : 22, flags : 2    | item | item | item ... | room |
//       40 bits   8 bits   16      24 bits
//
//     item, one way         [ code | word : 0 ... 8 bytes | string ]         see `PackedItem`
//     item, both ways       [ code | word | string | its length, read from the right ]
//
//     "7"  [ 07 ]      "-1"  [ e0 7f ]      "300"  [ e1 ac ]      "name"  [ 84 'n' 'a' 'm' 'e' ]
//
// Stamp and traits come first, where every stamped block has its stamp; the traits are the owner's
// and go with every copy. The flags say whether items can be walked backwards (a list's can, which
// costs a byte for each; what is only searched does without) and whether the block is larger than
// its length asks for.
//
// The size. A block has the size class of its length, which nobody has to store. A class is a
// step of at most a fifth, so adding an item moves the block now and then and mostly does not;
// there is no other reserve. Taking items away would make a block at the edge of a class go to
// and fro, so it may stay in the class above the one it needs, and a flag says so; if it
// needs one still lower, it is moved and the memory is given back. Whoever knows that a block will
// be filled lets it grow into the class above at once (`ahead`), which halves the moves.
//
// The hard case: every edit is one `splice`, which replaces bytes by a gap. If a snapshot sees the
// block, a copy takes its place before anything is moved; if the block grows, it is resized before
// the bytes behind the gap are moved, if it shrinks, after. Then count and length are written, and
// the caller fills the gap. So whatever is given to be inserted must lie outside of the block:
// an item of the same block is copied out first.
//
// Bytes as allocated, for typical contents (the tests hold them to it):
//
//     1 pair, 5 and 8 bytes       32      10 integers below 3,968                  32
//     5 pairs, 6 and 8 bytes      96      100 integers of six digits              448
//     10 pairs, 8 and 16 bytes   320      100 strings of 10 bytes, both ways    1,280
//     10 members of 12 bytes and integral scores below 3,968                      192
//
// Limits: 65,535 items and 4 MiB - 1 bytes, header included; `canHold` answers before an edit,
// which must not go beyond. An edit in the middle moves what is behind it and a search walks
// through all: owners stay at some KiB and let only a single item make a block larger.

import Glibc

/// A packed block to be edited. Reading is `view`'s.
///
/// Ownership: whoever holds the place owns the block and gives it back with `free`. After every
/// edit the block may be elsewhere: the place says where.
struct PackedBlock {
    /// Where the fields of the header are.
    enum Offset {
        static let traits = 5
        static let count = 6
        static let word = 8
    }

    static let headerBytes = 11
    /// The most bytes of a block, the header included; as a mask, the length's bits.
    static let mostBytes = 1 << 22 - 1
    static let mostItems = 0xffff
    static let bidirectionalFlag = 1 << 22
    /// The block has the size class above the one that its length needs.
    static let spareFlag = 1 << 23
    /// Of what an item takes beside its encoding.
    static let mostTrailerBytes = 4

    let place: BlockPlace
    /// A block that must grow gets the class above the one it needs, up to so many bytes.
    let ahead: Int

    @inline(__always)
    init(_ place: BlockPlace, ahead: Int = 0) {
        self.place = place
        self.ahead = ahead
    }

    @inline(__always)
    var view: PackedView { PackedView(place.base) }
}

// MARK: - Making and freeing

extension PackedBlock {
    /// A block without items, of the smallest size. The caller owns it.
    static func create(
        _ memory: UnsafeMutablePointer<Memory>, bidirectional: Bool, traits: UInt8 = 0
    ) -> UnsafeMutableRawPointer {
        let flags = bidirectional ? bidirectionalFlag : 0
        return make(memory, flags: flags, traits: traits, bytes: headerBytes)
    }

    /// A block of exactly these items, with the traits and directions of theirs. The caller owns
    /// it.
    static func create(
        _ memory: UnsafeMutablePointer<Memory>, copying run: PackedRun
    ) -> UnsafeMutableRawPointer {
        let flags = run.view.isBidirectional ? bidirectionalFlag : 0
        let bytes = headerBytes &+ run.byteCount
        let base = make(memory, flags: flags, traits: run.view.traits, bytes: bytes)
        (base + headerBytes).copyMemory(
            from: run.view.base + run.start, byteCount: run.byteCount)
        base.storeBytes(of: UInt16(run.count), toByteOffset: Offset.count, as: UInt16.self)
        return base
    }

    /// A block of so many items, which were encoded for such a block. The caller owns it.
    static func create(
        _ memory: UnsafeMutablePointer<Memory>, flags: Int, traits: UInt8, items: Int,
        copying encoded: ByteView
    ) -> UnsafeMutableRawPointer {
        let base = make(
            memory, flags: flags, traits: traits, bytes: headerBytes &+ encoded.count)
        (base + headerBytes).copyMemory(from: encoded.base, byteCount: encoded.count)
        base.storeBytes(of: UInt16(items), toByteOffset: Offset.count, as: UInt16.self)
        return base
    }

    /// A copy of a block. The caller owns it.
    static func copy(
        _ base: UnsafeRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        create(memory, copying: PackedView(base).all)
    }

    /// Gives a block up: it is freed, or kept for the snapshots that see it.
    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>) {
        memory.pointee.discard(base, bytes: PackedView(base).allocatedBytes)
    }

    private static func make(
        _ memory: UnsafeMutablePointer<Memory>, flags: Int, traits: UInt8, bytes: Int
    ) -> UnsafeMutableRawPointer {
        let base = memory.pointee.heap.pointee.allocate(bytes)
        base.storeBytes(of: 0, as: UInt64.self)
        base.storeBytes(of: traits, toByteOffset: Offset.traits, as: UInt8.self)
        BlockStamp.write(memory.pointee.epochs.current, to: base)
        setWord(flags | bytes, of: base)
        return base
    }

    @inline(__always)
    private static func setWord(_ word: Int, of base: UnsafeMutableRawPointer) {
        base.storeBytes(
            of: UInt16(truncatingIfNeeded: word), toByteOffset: Offset.word, as: UInt16.self)
        base.storeBytes(
            of: UInt8(truncatingIfNeeded: word >> 16), toByteOffset: Offset.word + 2,
            as: UInt8.self)
    }
}

// MARK: - Editing

extension PackedBlock {
    @inline(__always)
    func append(_ item: PackedItem) {
        let trailed = view.isBidirectional
        guard let gap = extend(by: PackedBlock.bytes(of: item, trailed), items: 1) else {
            return insert(item, before: view.end)
        }
        PackedBlock.write(item, to: gap, trailed)
    }

    /// Makes room behind the last item in a block that may be written and keeps its size: what most
    /// additions are. Returns where; nil if it takes a `splice`.
    @inline(__always)
    private func extend(by bytes: Int, items: Int) -> UnsafeMutableRawPointer? {
        let base = place.base
        let (old, count) = (view.byteCount, view.count &+ items)
        let length = old &+ bytes
        guard Heap.sizeClass(length) == Heap.sizeClass(old), length <= PackedBlock.mostBytes,
            count <= PackedBlock.mostItems, place.memory.pointee.isWritable(base)
        else { return nil }
        base.storeBytes(
            of: UInt16(truncatingIfNeeded: count), toByteOffset: Offset.count, as: UInt16.self)
        PackedBlock.setWord(view.word &+ bytes, of: base)
        return base + old
    }

    /// Adds two items, as of a field and its value.
    @inline(__always)
    func append(_ first: PackedItem, _ second: PackedItem) {
        insert(first, second, before: view.end)
    }

    @inline(__always)
    func prepend(_ item: PackedItem) { insert(item, before: PackedBlock.headerBytes) }

    /// Puts the item before the one at `cursor`, or to the end. `cursor` is then the new item's.
    func insert(_ item: PackedItem, before cursor: Int) {
        let trailed = view.isBidirectional
        let bytes = PackedBlock.bytes(of: item, trailed)
        let gap = splice(at: cursor, removing: 0, inserting: bytes, items: 1)
        PackedBlock.write(item, to: gap, trailed)
    }

    /// Puts two items before the one at `cursor`, or to the end.
    func insert(_ first: PackedItem, _ second: PackedItem, before cursor: Int) {
        let trailed = view.isBidirectional
        let firstBytes = PackedBlock.bytes(of: first, trailed)
        let bytes = firstBytes &+ PackedBlock.bytes(of: second, trailed)
        let gap = splice(at: cursor, removing: 0, inserting: bytes, items: 2)
        PackedBlock.write(first, to: gap, trailed)
        PackedBlock.write(second, to: gap + firstBytes, trailed)
    }

    /// Puts the items of another block that goes the same ways before the one at `cursor`, or to
    /// the end.
    func insert(_ run: PackedRun, before cursor: Int) {
        precondition(run.view.isBidirectional == view.isBidirectional, "the same kind of items")
        precondition(run.view.base != UnsafeRawPointer(place.base), "items of another block")
        if run.count == 0 { return }
        splice(at: cursor, removing: 0, inserting: run.byteCount, items: run.count)
            .copyMemory(from: run.view.base + run.start, byteCount: run.byteCount)
    }

    /// Puts `item` in place of the one at `cursor`, and stays there.
    func replace(_ cursor: Int, with item: PackedItem) {
        let view = self.view
        let trailed = view.isBidirectional
        let bytes = PackedBlock.bytes(of: item, trailed)
        let old = view.itemBytes(at: cursor)
        let gap = splice(at: cursor, removing: old, inserting: bytes, items: 0)
        PackedBlock.write(item, to: gap, trailed)
    }

    /// Removes `count` items from `cursor` on, which is then the one that was behind them.
    func remove(at cursor: Int, count: Int = 1) { remove(view.run(at: cursor, count: count)) }

    /// Removes items of this block.
    func remove(_ run: PackedRun) {
        assert(run.view.base == UnsafeRawPointer(place.base), "items of this block")
        if run.count == 0 { return }
        splice(at: run.start, removing: run.byteCount, inserting: 0, items: -run.count)
    }

    func removeAll() { remove(view.all) }

    /// Sets the owner's byte.
    func setTraits(_ traits: UInt8) {
        let base = place.writable(bytes: view.allocatedBytes)
        base.storeBytes(of: traits, toByteOffset: Offset.traits, as: UInt8.self)
    }

    /// What the item takes in a block.
    @inline(__always)
    private static func bytes(of item: PackedItem, _ trailed: Bool) -> Int {
        let bytes = item.byteCount
        return trailed ? bytes &+ PackedTrailer.byteCount(bytes) : bytes
    }

    @inline(__always)
    private static func write(
        _ item: PackedItem, to gap: UnsafeMutableRawPointer, _ trailed: Bool
    ) {
        item.write(to: gap)
        let bytes = item.byteCount
        if trailed { PackedTrailer.write(bytes, to: gap + bytes) }
    }

    /// Replaces `removed` bytes at `offset` by a gap of `inserted`, which the caller fills, and
    /// changes the count of items. Every edit is this one.
    @discardableResult
    func splice(
        at offset: Int, removing removed: Int, inserting inserted: Int, items: Int
    ) -> UnsafeMutableRawPointer {
        let view = self.view
        let length = view.byteCount &- removed &+ inserted
        let count = view.count &+ items
        precondition(length <= PackedBlock.mostBytes && count <= PackedBlock.mostItems, "no room")
        let flags = view.isBidirectional ? PackedBlock.bidirectionalFlag : 0
        let tail = view.byteCount &- offset &- removed
        assert(offset >= PackedBlock.headerBytes && removed >= 0 && tail >= 0 && count >= 0)

        let oldSize = view.allocatedBytes
        let fit = Heap.sizeClass(length)
        let above = Heap.sizeClass(fit &+ 1)
        let isSpare = fit < oldSize ? above == oldSize : fit > oldSize && above <= ahead
        let size = isSpare ? above : fit

        var base =
            size < oldSize
            ? place.writable(bytes: oldSize) : place.resized(from: oldSize, to: size)
        if inserted != removed && tail > 0 {
            memmove(base + (offset &+ inserted), base + (offset &+ removed), tail)
        }
        if size < oldSize { base = place.resized(from: oldSize, to: size) }
        base.storeBytes(
            of: UInt16(truncatingIfNeeded: count), toByteOffset: Offset.count, as: UInt16.self)
        PackedBlock.setWord(length | flags | (isSpare ? PackedBlock.spareFlag : 0), of: base)
        return base + offset
    }
}
