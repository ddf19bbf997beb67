// SPDX-License-Identifier: BSD-3-Clause
//
// ChangeLog: what has happened to the keys that somebody cares for.
//
// The keyspace tells nobody anything. Every commit asks one word whether anybody is interested in
// changes at all; if so, and if this key's hash falls into a cell of the filter that somebody
// counted up, or notifications are on, the change is noted here, and whoever runs commands takes
// the notes after each of them: to make transactions dirty, to run commands again that wait for a
// key, to publish.
//
//     commit --> interest == 0? done --> notifying, or filter[hash] > 0? --> changes.append
//
// Limits: a filter of 1,024 cells, so that with many watched keys other keys are noted too; whoever
// takes the notes looks the key up and finds nobody.

/// A change that was noted.
struct KeyspaceChange {
    enum Kind {
        /// Something happened to one key.
        case key(KeyspaceEvent, [UInt8], hash: UInt64)
        /// All keys of the database are gone.
        case flushed
        /// The database was exchanged with another one.
        case swapped(with: Int)
    }

    var database: Int
    var kind: Kind
}

/// Who wants to know of changes, and what there is to tell.
struct ChangeLog: ~Copyable {
    private static let cells = 1024

    /// Changes since they were taken last, in their order.
    private(set) var changes: [KeyspaceChange] = []
    /// Clients interested in keys of each cell: those that watch one or wait for one.
    private let filter: UnsafeMutablePointer<UInt32>
    private var interests = 0
    /// The kinds of event that are published; empty if none is.
    var published: KeyspaceEventClass = [] {
        didSet { updateActivity() }
    }
    /// Whether any change is of interest to anybody: what every commit asks.
    private(set) var isActive = false

    init() {
        filter = .allocate(capacity: Self.cells)
        filter.initialize(repeating: 0, count: Self.cells)
    }

    deinit {
        filter.deallocate()
    }

    /// Somebody wants to know what happens to the key of this hash; balanced by `forget`.
    mutating func follow(_ hash: UInt64) {
        filter[Self.cell(hash)] += 1
        interests += 1
        updateActivity()
    }

    mutating func forget(_ hash: UInt64) {
        precondition(filter[Self.cell(hash)] > 0, "who forgets a key has followed it")
        filter[Self.cell(hash)] -= 1
        interests -= 1
        updateActivity()
    }

    /// Takes what was noted.
    mutating func take() -> [KeyspaceChange] {
        let taken = changes
        changes = []
        return taken
    }

    /// Notes a change of a key if anybody is interested in it.
    @inline(never)
    mutating func note(_ event: KeyspaceEvent, _ key: ByteView, _ hash: UInt64, database: Int) {
        guard event != .unheard else { return }
        let isPublished =
            !published.isDisjoint(with: [.keyspace, .keyevent])
            && published.contains(event.eventClass)
        guard isPublished || filter[Self.cell(hash)] > 0 else { return }
        let bytes = [UInt8](UnsafeRawBufferPointer(start: key.base, count: key.count))
        changes.append(
            KeyspaceChange(database: database, kind: .key(event, bytes, hash: hash)))
    }

    /// Notes that a whole database was emptied or exchanged.
    mutating func note(_ kind: KeyspaceChange.Kind, database: Int) {
        if isActive { changes.append(KeyspaceChange(database: database, kind: kind)) }
    }

    private mutating func updateActivity() {
        isActive = interests > 0 || !published.isEmpty
    }

    private static func cell(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 20) & 1023 }
}
