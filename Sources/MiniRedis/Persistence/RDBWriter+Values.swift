// SPDX-License-Identifier: BSD-3-Clause
//
// How a value of any type is written: small collections packed (`RDBWriter+Packed`), else in the
// plain encoding of its type, which the oldest Redis loads.
//
//     type           needs version
//     list       1       1
//     set        2       1
//     hash       4       2        as 24, from version 12 on, if a field has a deadline
//     zset       5       8
//     stream    19      10        without the times of consumers' activity, which 7.0 does not know
//     stream    15       9        on request only: also without what 7.0 counts
//
// The collection is walked in place, element by element, through the views that commands use, in a
// block that a snapshot has captured.

import Glibc

/// Which encoding a collection gets, decided before its type byte is written.
struct RDBValueForm {
    let type: UInt8
    /// The earliest deadline of a hash's fields, milliseconds since 1970; nil if none has one.
    let minimalDeadline: Int64?

    /// The form for a dump of `version`; its own version is higher if there is none.
    init(_ type: ValueType, _ base: UnsafeRawPointer, for version: Int) {
        let deadline = type == .hash ? Self.minimalDeadline(HashView(base)) : nil
        minimalDeadline = deadline
        self.type =
            switch type {
            case .string: RDBValueType.string
            case .list: RDBValueType.list
            case .set: RDBValueType.set
            case .sortedSet: RDBValueType.sortedSet2
            case .hash: deadline == nil ? RDBValueType.hash : RDBValueType.hashTimed
            case .stream:
                version < RDBVersion.firstWithStreamCounts
                    ? RDBValueType.stream : RDBValueType.stream2
            }
    }

    /// The version that a reader must know to read this.
    var version: Int {
        switch type {
        case RDBValueType.hashTimed: RDBVersion.firstWithFieldDeadlines
        case RDBValueType.stream2: RDBVersion.firstWithStreamCounts
        default: RDBVersion.written
        }
    }

    /// Looks at each field: what a hash keeps besides is not for the thread of a save.
    private static func minimalDeadline(_ view: HashView) -> Int64? {
        guard view.isTimed else { return nil }
        var minimum: Int64?
        view.forEach { _, _, deadline in
            if let deadline { minimum = min(minimum ?? .max, deadline) }
        }
        return minimum
    }
}

extension RDBVersion {
    /// The lowest version that has all that a snapshot holds.
    static func lowest(for snapshot: KeyspaceSnapshot) -> Int {
        if snapshot.hasFieldDeadlines { return firstWithFieldDeadlines }
        // Functions are as old as the numbers of streams.
        if !snapshot.functionLibraries.isEmpty { return firstWithStreamCounts }
        return snapshot.hasStreams ? firstWithStreamCounts : written
    }
}

extension RDBWriter where Sink: ~Copyable {
    /// A key with what its entry holds.
    mutating func entry(_ entry: Entry) throws(PersistenceError) {
        guard entry.encoding == .collection else {
            return try string(key: entry.key, value: entry.string, deadline: entry.deadline)
        }
        try collection(
            key: entry.key, entry.type, entry.collection, deadline: entry.deadline)
    }

    /// A key with a collection of that type; `deadline` in milliseconds since 1970.
    mutating func collection(
        key: ByteView, _ type: ValueType, _ base: UnsafeRawPointer, deadline: Int64?
    ) throws(PersistenceError) {
        if options.packs, try packedCollection(key: key, type, base, deadline: deadline) { return }
        let form = RDBValueForm(type, base, for: options.version)
        if form.version > options.version { try refuse(key, form) }
        try beginValue(form.type, deadline: deadline)
        try string(key)
        try elements(type, base, form)
    }

    /// The payload of a value alone, for DUMP: type, value, version, checksum.
    mutating func payload(_ entry: Entry) throws(PersistenceError) {
        var version = RDBVersion.written
        if entry.encoding == .collection {
            let form = RDBValueForm(entry.type, entry.collection, for: .max)
            version = form.version
            try beginValue(form.type, deadline: nil)
            try elements(entry.type, entry.collection, form)
        } else {
            try beginValue(RDBValueType.string, deadline: nil)
            try string(entry.string)
        }
        try littleEndian(UInt16(version))
        try writeChecksum()
    }

    /// What follows the key.
    private mutating func elements(
        _ type: ValueType, _ base: UnsafeRawPointer, _ form: RDBValueForm
    ) throws(PersistenceError) {
        switch type {
        case .string: preconditionFailure("a string is no collection")
        case .list: try list(ListView(base))
        case .set: try set(SetView(base))
        case .sortedSet: try sortedSet(SortedSetView(base))
        case .hash: try hash(HashView(base), minimalDeadline: form.minimalDeadline)
        case .stream:
            try stream(StreamView(base), hasCounts: form.type == RDBValueType.stream2)
        }
    }

    /// The dump cannot have this key: says why.
    private func refuse(_ key: ByteView, _ form: RDBValueForm) throws(PersistenceError) {
        let (type, encoding) = RDBValueType.name(form.type) ?? ("value", "unknown")
        let name = key.prefix(min(key.count, Self.shownKeyBytes)).string
        throw .version(
            options.version,
            cannotHold: "the \(type) '\(name)' (\(encoding)), which needs version \(form.version)")
    }

    /// What a message shows of a key.
    private static var shownKeyBytes: Int { 100 }

    private mutating func list(_ view: ListView) throws(PersistenceError) {
        try length(view.count)
        var failure: PersistenceError?
        view.forEachWhile { element in
            failure = attempt { writer throws(PersistenceError) in try writer.string(element) }
            return failure == nil
        }
        if let failure { throw failure }
    }

    private mutating func set(_ view: SetView) throws(PersistenceError) {
        try length(view.count)
        var failure: PersistenceError?
        view.forEachWhile { member in
            failure = attempt { writer throws(PersistenceError) in try writer.string(member) }
            return failure == nil
        }
        if let failure { throw failure }
    }

    private mutating func sortedSet(_ view: SortedSetView) throws(PersistenceError) {
        try length(view.count)
        var failure: PersistenceError?
        view.forEachWhile { member, score in
            failure = attempt { writer throws(PersistenceError) in
                try writer.string(member)
                try writer.littleEndian(score.bitPattern)
            }
            return failure == nil
        }
        if let failure { throw failure }
    }

    private mutating func hash(
        _ view: HashView, minimalDeadline: Int64?
    ) throws(PersistenceError) {
        if let minimalDeadline { try littleEndian(UInt64(bitPattern: minimalDeadline)) }
        try length(view.totalCount)
        var failure: PersistenceError?
        view.forEachWhile { field, value, deadline in
            failure = attempt { writer throws(PersistenceError) in
                if let minimalDeadline {
                    try writer.length(deadline.map { Int($0 - minimalDeadline) + 1 } ?? 0)
                }
                try writer.string(field)
                try writer.string(value)
            }
            return failure == nil
        }
        if let failure { throw failure }
    }

    /// Runs a part of a walk whose steps cannot throw; returns the error.
    @inline(__always)
    mutating func attempt(
        _ body: (inout Self) throws(PersistenceError) -> Void
    ) -> PersistenceError? {
        do throws(PersistenceError) {
            try body(&self)
            return nil
        } catch {
            return error
        }
    }

    /// An integer with its lowest byte first.
    @inline(__always)
    mutating func littleEndian<T: FixedWidthInteger & BitwiseCopyable>(
        _ value: T
    ) throws(PersistenceError) {
        try output.reserve(MemoryLayout<T>.size).storeBytes(of: value.littleEndian, as: T.self)
        output.commit(MemoryLayout<T>.size)
    }
}
