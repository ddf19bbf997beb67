// SPDX-License-Identifier: BSD-3-Clause
//
// A bounds-checked cursor over a stream of unknown length: the only code that touches the bytes of
// a dump before they are known to exist.
//
//     window                                                       capacity
//     |  done with  |  the item so far  |  read, not yet used  |  room  |
//                   itemStart           position               end
//
// The window slides over the stream. The bytes of the current item stay in it, so that a string of
// the item is a place in the window, however many reads it took to arrive; when the window has to
// move, the item moves to its front, and its strings are told by their distance from the item's
// beginning until the item is complete.
//
// Memory: a dump can claim any length, and none is believed. The window grows only when it is full
// and at least half of that is the current item, and then at most to twice its size; so it never
// exceeds the standard size or four times the bytes of the item that have arrived, whichever is
// larger. It shrinks again after the item.
//
// The checksum covers the bytes before `position`. It is computed when the window moves and at the
// end, over long runs, not per item.

import Glibc

struct RDBCursor<Source: ByteSource & ~Copyable>: ~Copyable {
    /// The standard size of the window, bytes.
    static var windowBytes: Int { 256 << 10 }
    /// A window up to this size is kept for the next item, bytes.
    private static var keptWindowBytes: Int { 1 << 20 }

    private var source: Source
    private var window: StreamBlock
    private var itemStart = 0
    private var position = 0
    private var end = 0
    /// Where in the stream the window begins.
    private var windowOffset = 0
    /// The bytes of the window before this are in the checksum.
    private var summed = 0
    private var sum = CRC64()
    private let checksums: Bool

    /// With `checksum: false` none is computed.
    init(_ source: consuming Source, checksum checksums: Bool) throws(RDBDefect) {
        guard let window = StreamBlock(Self.windowBytes) else { throw .outOfMemory }
        self.source = source
        self.window = window
        self.checksums = checksums
    }

    /// Where in the stream the next byte stands.
    var offset: Int { windowOffset + position }

    /// What was read from the source and not used yet, until the next call: what follows a dump in
    /// its stream begins with these bytes.
    var unread: ByteView { ByteView(window.base + position, count: end - position) }

    /// The checksum of all bytes used so far; 0 if none is computed.
    mutating func checksum() -> UInt64 {
        addToChecksum()
        return sum.value
    }

    /// Gives up the bytes before the position: places found before are no longer valid.
    @inline(__always)
    mutating func beginItem() {
        itemStart = position
        if window.capacity > Self.keptWindowBytes { shrink() }
    }

    // MARK: Reading

    @inline(__always)
    mutating func byte() throws(RDBDefect) -> UInt8 {
        try require(1)
        defer { position &+= 1 }
        return window.base.load(fromByteOffset: position, as: UInt8.self)
    }

    /// An integer with its lowest byte first.
    @inline(__always)
    mutating func littleEndian<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type
    ) throws(RDBDefect) -> T {
        let size = MemoryLayout<T>.size
        try require(size)
        defer { position &+= size }
        return T(littleEndian: window.base.loadUnaligned(fromByteOffset: position, as: type))
    }

    /// An integer with its highest byte first.
    @inline(__always)
    mutating func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type
    ) throws(RDBDefect) -> T {
        try littleEndian(type).byteSwapped
    }

    /// Passes over `count` bytes, which must not be negative, and returns their place.
    @inline(__always)
    mutating func place(_ count: Int) throws(RDBDefect) -> RDBPlace {
        try require(count)
        defer { position &+= count }
        return RDBPlace(distance: position &- itemStart, count: count)
    }

    /// The bytes at a place of this item, until the cursor moves.
    @inline(__always)
    func view(_ place: RDBPlace) -> ByteView {
        ByteView(window.base + itemStart + place.distance, count: place.count)
    }

    /// Passes over `count` bytes without keeping them. It ends the item, and begins another.
    mutating func skip(_ count: UInt64) throws(RDBDefect) {
        var left = count
        while left > 0 {
            beginItem()
            try require(1)
            let step = min(left, UInt64(end - position))
            position += Int(step)
            left -= step
        }
        beginItem()
    }

    // MARK: The window

    /// Makes sure that the next `count` bytes are in the window.
    @inline(__always)
    private mutating func require(_ count: Int) throws(RDBDefect) {
        if count > end &- position { try fill(count) }
    }

    private mutating func fill(_ count: Int) throws(RDBDefect) {
        while count > end - position {
            if end == window.capacity { try makeRoom(for: count) }
            let taken: Int
            do throws(PersistenceError) {
                taken = try source.read(into: window.base + end, count: window.capacity - end)
            } catch {
                throw .unreadable(error)
            }
            guard taken > 0 else { throw .shortRead }
            end += taken
        }
    }

    /// Makes room at the end of a full window: by sliding the item to the front if that suffices
    /// for `count` more bytes or gains half a window, else by a larger window.
    private mutating func makeRoom(for count: Int) throws(RDBDefect) {
        addToChecksum()
        let (needed, overflow) = (position - itemStart).addingReportingOverflow(count)
        if itemStart > 0,
            itemStart >= window.capacity / 2 || (!overflow && needed <= window.capacity)
        {
            memmove(window.base, window.base + itemStart, end - itemStart)
            return moved(by: itemStart)
        }
        // A standard window more than needed: what follows the item is read along with it.
        let (enough, tooLarge) = needed.addingReportingOverflow(Self.windowBytes)
        try resize(
            to: overflow || tooLarge ? window.capacity * 2 : min(enough, window.capacity * 2))
    }

    /// Back to the standard window, if what it holds fits.
    private mutating func shrink() {
        guard end - itemStart <= Self.windowBytes / 2 else { return }
        addToChecksum()
        // No memory for a smaller window is no reason to fail: the larger one serves.
        try? resize(to: Self.windowBytes)
    }

    /// Another window that begins with the item. Everything to the left is in the checksum.
    private mutating func resize(to newCapacity: Int) throws(RDBDefect) {
        guard let other = StreamBlock(newCapacity) else { throw .outOfMemory }
        memcpy(other.base, window.base + itemStart, end - itemStart)
        window = other
        moved(by: itemStart)
    }

    private mutating func moved(by distance: Int) {
        windowOffset += distance
        position -= distance
        end -= distance
        summed -= distance
        itemStart = 0
    }

    private mutating func addToChecksum() {
        if checksums, position > summed {
            sum.update(window.base + summed, count: position - summed)
        }
        summed = position
    }
}

/// Bytes of the current item: how far from its beginning, and how many.
struct RDBPlace {
    var distance: Int
    var count: Int
}
