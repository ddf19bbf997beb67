// SPDX-License-Identifier: BSD-3-Clause
//
// ReferencedBlock: the bytes of a huge string, shared by whoever still needs them.
//
// A value of 32 KiB or more does not live in its entry. It is received from the socket straight
// into such a block, entries point to it, and a reply that is on its way to a socket points to it
// too: nobody copies it. The block counts its references and is freed with the last one. Its bytes
// up to `count` do not change while it has more than one.
//
//     [ references : 8 ][ count : 8 ][ capacity : 8 ][ holders : 4 ][ graves : 4 ][ bytes ... ]
//
// Among the references are those of entries in a table, its holders, which are counted for
// themselves: a block without them is no part of what the keys take. So are those of entries that
// wait in the graveyard: a block that only they have is kept for snapshots.
//
// Limits: references are counted by the loop's thread alone; a background walk needs no reference
// of its own, since the old entry that it sees keeps one until the snapshot has ended.

import Glibc

/// A counted reference to bytes; copying the struct does not count.
struct ReferencedBlock {
    /// Strings of this many bytes and more are kept in a block of their own.
    static let threshold = 32 * 1024
    static let headerBytes = 32

    let address: UnsafeMutableRawPointer

    init(_ address: UnsafeMutableRawPointer) {
        self.address = address
    }

    /// A block of one reference and no bytes yet.
    init(capacity: Int, heap: UnsafeMutablePointer<Heap>) {
        let usable = Heap.sizeClass(capacity + Self.headerBytes) - Self.headerBytes
        address = heap.pointee.allocate(usable + Self.headerBytes)
        references = 1
        count = 0
        (holders, graves) = (0, 0)
        self.capacity = usable
        heap.pointee.idleBlockBytes += byteCount
    }

    /// A block of one reference that holds `first` and then `second`, with room to spare behind
    /// them.
    init(joining first: ByteView, _ second: ByteView, heap: UnsafeMutablePointer<Heap>) {
        let total = first.count + second.count
        self.init(capacity: total + total / 4, heap: heap)
        append(first)
        append(second)
    }

    /// A block of one reference that holds a copy of `text`.
    init(copying text: ByteView, heap: UnsafeMutablePointer<Heap>) {
        self.init(capacity: text.count, heap: heap)
        append(text)
    }

    /// A block of one reference that holds `text` with `patch` written over it from `offset` on,
    /// and zeros between the two.
    init(
        copying text: ByteView, _ patch: ByteView, at offset: Int, heap: UnsafeMutablePointer<Heap>
    ) {
        let total = max(text.count, offset + patch.count)
        let usable = Heap.sizeClass(total + Self.headerBytes) - Self.headerBytes
        address = heap.pointee.allocateZeroed(usable + Self.headerBytes)
        references = 1
        count = total
        capacity = usable
        heap.pointee.idleBlockBytes += byteCount
        bytes.copyMemory(from: text.base, byteCount: text.count)
        (bytes + offset).copyMemory(from: patch.base, byteCount: patch.count)
    }

    /// Adds bytes for which there is room.
    func append(_ suffix: ByteView) {
        assert(count + suffix.count <= capacity)
        (bytes + count).copyMemory(from: suffix.base, byteCount: suffix.count)
        count += suffix.count
    }

    private(set) var references: Int {
        get { address.load(as: Int.self) }
        nonmutating set { address.storeBytes(of: newValue, as: Int.self) }
    }

    /// The bytes in use.
    var count: Int {
        get { address.load(fromByteOffset: 8, as: Int.self) }
        nonmutating set { address.storeBytes(of: newValue, toByteOffset: 8, as: Int.self) }
    }

    private(set) var capacity: Int {
        get { address.load(fromByteOffset: 16, as: Int.self) }
        nonmutating set { address.storeBytes(of: newValue, toByteOffset: 16, as: Int.self) }
    }

    private var holders: Int32 {
        get { address.load(fromByteOffset: 24, as: Int32.self) }
        nonmutating set { address.storeBytes(of: newValue, toByteOffset: 24, as: Int32.self) }
    }

    private var graves: Int32 {
        get { address.load(fromByteOffset: 28, as: Int32.self) }
        nonmutating set { address.storeBytes(of: newValue, toByteOffset: 28, as: Int32.self) }
    }

    /// Bytes that the block takes, its header included.
    private var byteCount: Int { Heap.sizeClass(capacity + Self.headerBytes) }

    /// An entry of a table refers to the block from now on. The reference is counted apart.
    func hold(_ heap: UnsafeMutablePointer<Heap>) {
        if holders == 0 {
            heap.pointee.idleBlockBytes -= byteCount
            if graves > 0 { heap.pointee.retainedBlockBytes -= byteCount }
        }
        holders += 1
    }

    /// An entry that refers to the block has left its table; its reference may live on.
    func letGo(_ heap: UnsafeMutablePointer<Heap>) {
        assert(holders > 0)
        holders -= 1
        guard holders == 0 else { return }
        heap.pointee.idleBlockBytes += byteCount
        if graves > 0 { heap.pointee.retainedBlockBytes += byteCount }
    }

    /// An entry with a reference, which was let go of, waits in the graveyard from now on.
    func bury(_ heap: UnsafeMutablePointer<Heap>) {
        if holders == 0 && graves == 0 { heap.pointee.retainedBlockBytes += byteCount }
        graves += 1
    }

    /// Such an entry is freed now, and its reference given up.
    func unearth(_ heap: UnsafeMutablePointer<Heap>) {
        assert(graves > 0)
        graves -= 1
        if holders == 0 && graves == 0 { heap.pointee.retainedBlockBytes -= byteCount }
        release(heap)
    }

    var bytes: UnsafeMutableRawPointer { address + Self.headerBytes }
    var view: ByteView { ByteView(bytes, count: count) }

    /// Whether the caller's reference is the only one, so that the bytes may change.
    var isUnique: Bool { references == 1 }

    func retain() {
        references += 1
    }

    /// Gives up one reference; the block is freed with the last.
    func release(_ heap: UnsafeMutablePointer<Heap>) {
        references -= 1
        guard references == 0 else { return }
        assert(holders == 0)
        heap.pointee.idleBlockBytes -= byteCount
        heap.pointee.free(address, capacity + Self.headerBytes)
    }

    /// The same bytes with room for at least `capacity`; consumes the one reference there is. The
    /// block may move.
    func grown(to capacity: Int, heap: UnsafeMutablePointer<Heap>) -> ReferencedBlock {
        assert(isUnique)
        guard capacity > self.capacity else { return self }
        let usable = Heap.sizeClass(capacity + Self.headerBytes) - Self.headerBytes
        let moved = heap.pointee.reallocate(
            address, from: self.capacity + Self.headerBytes, to: usable + Self.headerBytes)
        let block = ReferencedBlock(moved)
        let oldBytes = block.byteCount
        block.capacity = usable
        if block.holders == 0 { heap.pointee.idleBlockBytes += block.byteCount - oldBytes }
        return block
    }
    /// The same bytes with `patch` written over them from `offset` on, and zeros between the old
    /// end and it; consumes the one reference there is. The block may move.
    ///
    /// A gap that is larger than the bytes themselves is not written: they move to fresh memory.
    func patched(
        at offset: Int, with patch: ByteView, heap: UnsafeMutablePointer<Heap>
    ) -> ReferencedBlock {
        assert(isUnique)
        let end = offset + patch.count
        if end > capacity && offset - count > count {
            let fresh = ReferencedBlock(copying: view, patch, at: offset, heap: heap)
            letGo(heap)
            release(heap)
            fresh.hold(heap)
            return fresh
        }
        let block = end > capacity ? grown(to: end + end / 4, heap: heap) : self
        if offset > block.count { memset(block.bytes + block.count, 0, offset - block.count) }
        (block.bytes + offset).copyMemory(from: patch.base, byteCount: patch.count)
        block.count = max(block.count, end)
        return block
    }
}
