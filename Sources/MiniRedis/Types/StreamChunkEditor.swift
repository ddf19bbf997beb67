// SPDX-License-Identifier: BSD-3-Clause
//
// A chunk of a stream, to be written: entries come at its end and are deleted anywhere; and when a
// chunk is full, which is where Redis ends a node of a stream.

/// The fields and values of an entry that is to be added.
protocol StreamFields {
    /// The number of fields, each of which has a value.
    var count: Int { get }
    func field(_ index: Int) -> ByteView
    func value(_ index: Int) -> ByteView
}

/// What an entry will take, found in one pass over it.
struct StreamAddition {
    /// The bytes of all fields and values.
    private(set) var rawBytes = 0
    private(set) var fieldBytes = 0
    private(set) var valueBytes = 0
    private(set) var nominalFields = 0
    private(set) var nominalValues = 0
    private(set) var sharesFields: Bool

    /// `shared` are the fields of the chunk's first entry, if there is a chunk.
    @inline(__always)
    init(_ fields: some StreamFields, shared: PackedStrings?) {
        var shared = shared
        sharesFields = shared?.count == fields.count
        for index in 0..<fields.count {
            let (field, value) = (fields.field(index), fields.value(index))
            rawBytes &+= field.count &+ value.count
            fieldBytes &+= Varint.length(UInt64(field.count)) &+ field.count
            valueBytes &+= Varint.length(UInt64(value.count)) &+ value.count
            nominalValues &+= ListpackSize.of(text: value)
            if sharesFields, let known = shared?.next(), known == field { continue }
            sharesFields = false
        }
        if !sharesFields {
            for index in 0..<fields.count {
                nominalFields &+= ListpackSize.of(text: fields.field(index))
            }
        }
    }

    /// The entry will be the first of a chunk.
    mutating func begin() { sharesFields = true }
}

extension StreamChunk {
    /// No chunk is larger, whatever the settings say; nor is an entry.
    static let mostBytes = 1 << 30

    /// Whether an entry must go into another chunk, of which `live` are not deleted.
    @inline(__always)
    func isFull(for addition: StreamAddition, live: Int, _ limits: EncodingLimits) -> Bool {
        let configured = limits.streamNodeBytes
        let most = configured <= 0 || configured > Self.mostBytes ? Self.mostBytes : configured
        let nominal =
            nominalBytes &+ ListpackSize.of(integer: Int64(live))
            &+ ListpackSize.of(integer: Int64(entries &- live))
        if nominal &+ addition.rawBytes >= most { return true }
        return limits.streamNodeEntries > 0 && entries >= limits.streamNodeEntries
    }
}

/// A chunk behind a place that may be written.
struct StreamChunkEditor {
    let place: BlockPlace
    let origin: StreamID

    /// What a chunk that follows another one begins with.
    private static let roomOfNext = 1024
    private static let doublesUpTo = 4096

    var chunk: StreamChunk {
        @inline(__always) get { StreamChunk(place.base, origin: origin) }
    }

    /// A chunk without entries, for entries like `fields`, of which `addition` is the first.
    static func make(
        _ fields: some StreamFields, _ addition: StreamAddition, isFirst: Bool, room: Int,
        _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        let start =
            StreamChunk.headerBytes + Varint.length(UInt64(fields.count)) + addition.fieldBytes
        let needed = start + addition.valueBytes + 16
        let capacity = Heap.sizeClass(max(needed, room, isFirst ? 0 : roomOfNext))
        let base = memory.pointee.heap.pointee.allocate(capacity)
        (base + 0).initializeMemory(as: UInt8.self, repeating: 0, count: StreamChunk.headerBytes)
        BlockStamp.write(memory.pointee.epochs.current, to: base)
        var at = base + StreamChunk.headerBytes
        Varint.write(UInt64(fields.count), to: &at)
        var nominal = ListpackSize.header + ListpackSize.of(integer: Int64(fields.count)) + 2
        for index in 0..<fields.count {
            Varint.write(fields.field(index), to: &at)
            nominal += ListpackSize.of(text: fields.field(index))
        }
        set(base, 8, at - base)
        set(base, 12, capacity)
        set(base, 20, nominal)
        set(base, 24, at - base)
        return base
    }

    /// Adds an entry behind all others.
    @inline(__always)
    func append(_ id: StreamID, _ fields: some StreamFields, _ addition: StreamAddition) {
        let milliseconds = id.milliseconds &- origin.milliseconds
        let sequence = milliseconds == 0 ? id.sequence &- origin.sequence : id.sequence
        let count = fields.count
        var length = Varint.length(milliseconds) &+ Varint.length(sequence) &+ addition.valueBytes
        var nominal =
            2 &+ ListpackSize.of(integer: Int64(bitPattern: milliseconds))
            &+ ListpackSize.of(integer: Int64(bitPattern: id.sequence &- origin.sequence))
            &+ addition.nominalValues
        if addition.sharesFields {
            nominal &+= ListpackSize.of(integer: Int64(count &+ 3))
        } else {
            length &+= Varint.length(UInt64(count)) &+ addition.fieldBytes
            nominal &+= ListpackSize.of(integer: Int64(count)) &+ addition.nominalFields
            nominal &+= ListpackSize.of(integer: Int64(count &* 2 &+ 4))
        }
        let base = room(for: 1 &+ Varint.length(UInt64(length)) &+ length)
        let old = StreamChunk(base, origin: origin)
        var at = base + old.used
        let flags = addition.sharesFields ? StreamEntry.Flag.sharesFields : 0
        at.storeBytes(of: flags, as: UInt8.self)
        at += 1
        Varint.write(UInt64(length), to: &at)
        Varint.write(milliseconds, to: &at)
        Varint.write(sequence, to: &at)
        if !addition.sharesFields { Varint.write(UInt64(count), to: &at) }
        for index in 0..<count {
            if !addition.sharesFields { Varint.write(fields.field(index), to: &at) }
            Varint.write(fields.value(index), to: &at)
        }
        Self.set(base, 16, old.entries &+ 1)
        Self.set(base, 20, old.nominalBytes &+ nominal)
        Self.set(base, 8, at - base)
        id.write(to: base + 32)
    }

    /// Deletes an entry that is not deleted. Places in the chunk stay as they are.
    func delete(_ entry: StreamEntry) {
        let old = chunk
        let base = place.writable(bytes: old.capacity)
        (base + entry.offset).storeBytes(
            of: entry.flags | StreamEntry.Flag.deleted, as: UInt8.self)
        Self.set(base, 28, old.waste + entry.next - entry.offset)
        if entry.offset == old.first {
            let next = StreamChunk(base, origin: origin).liveEntry(from: entry.next)
            Self.set(base, 24, next?.offset ?? old.used)
        }
    }

    /// Deletes the first `number` entries, of which there must be more.
    func deleteFirst(_ number: Int) {
        let old = chunk
        let base = place.writable(bytes: old.capacity)
        let source = StreamChunk(base, origin: origin)
        var waste = old.waste
        var next = source.entry(at: old.first)
        for _ in 0..<number {
            guard let entry = next else { break }
            waste += entry.next - entry.offset
            next = source.liveEntry(from: entry.next)
        }
        Self.set(base, 28, waste)
        Self.set(base, 24, next?.offset ?? old.used)
    }

    /// Takes deleted entries out if they are half of the chunk.
    func compactIfWasteful() {
        let old = chunk
        guard old.waste * 2 > old.used - StreamChunk.headerBytes else { return }
        let base = place.writable(bytes: old.capacity)
        let source = StreamChunk(base, origin: origin)
        var next = source.liveEntry(from: source.first)
        var fields = source.sharedFields
        while fields.next() != nil {}
        var at = base + (fields.at - UnsafeRawPointer(base))
        Self.set(base, 24, at - base)
        while let entry = next {
            // Nothing behind the entry has moved yet: what is written ends before it does.
            let bytes = entry.next - entry.offset
            at.copyMemory(from: base + entry.offset, byteCount: bytes)
            at += bytes
            next = source.liveEntry(from: entry.next)
        }
        Self.set(base, 8, at - base)
        Self.set(base, 28, 0)
        fit()
    }

    /// Gives back what the chunk has too much, which grows no more.
    func fit() {
        let old = chunk
        let capacity = Heap.sizeClass(old.used)
        guard capacity < old.capacity else { return }
        Self.set(place.resized(from: old.capacity, to: capacity), 12, capacity)
    }

    /// The block, writable, with room for `bytes` more.
    @inline(__always)
    private func room(for bytes: Int) -> UnsafeMutableRawPointer {
        let old = chunk
        let needed = old.used &+ bytes
        if needed <= old.capacity { return place.writable(bytes: old.capacity) }
        return grown(from: old.capacity, toFit: needed)
    }

    @inline(never)
    private func grown(from capacity: Int, toFit needed: Int) -> UnsafeMutableRawPointer {
        let wanted = capacity + (capacity < Self.doublesUpTo ? capacity : capacity / 4)
        let larger = Heap.sizeClass(max(needed, wanted))
        let base = place.resized(from: capacity, to: larger)
        Self.set(base, 12, larger)
        return base
    }

    @inline(__always)
    private static func set(_ base: UnsafeMutableRawPointer, _ offset: Int, _ value: Int) {
        base.storeBytes(
            of: UInt32(truncatingIfNeeded: value), toByteOffset: offset, as: UInt32.self)
    }
}
