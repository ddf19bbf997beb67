// SPDX-License-Identifier: BSD-3-Clause
//
// Channels: who listens to what.
//
//     channels   hash of the name -> Channel(name, subscribers)    a message goes to one of them
//     patterns   hash of the name -> Channel(name, pattern, ...)   and to all of these that match
//     shards     as channels: SSUBSCRIBE's, which know nothing of the other two
//     listeners  client -> the names of its channels, patterns, shards
//
// Publishing looks a name up by its hash, which is keyed, and compares bytes: it allocates nothing.
// The structure says whom to tell and tells nobody. Clients are numbers.

/// What a client can listen to.
enum SubscriptionKind: Int {
    case channel, pattern, shard
}

/// How many channels of each kind a client listens to.
struct SubscriptionCounts {
    var channels = 0
    var patterns = 0
    var shards = 0

    var isEmpty: Bool { channels + patterns + shards == 0 }
}

/// A channel or pattern that somebody listens to. Identity: messages find it by name.
final class Channel {
    let name: [UInt8]
    let kind: SubscriptionKind
    fileprivate(set) var subscribers: Set<Int64> = []
    fileprivate let pattern: GlobPattern?
    /// Another one whose name has the same hash.
    fileprivate var next: Channel?

    fileprivate init(_ name: ByteView, _ kind: SubscriptionKind) {
        self.name = [UInt8](UnsafeRawBufferPointer(start: name.base, count: name.count))
        self.kind = kind
        pattern = kind == .pattern ? GlobPattern(name) : nil
    }

    /// Calls `body` with the name, which lives until it returns.
    func withName<Result>(_ body: (ByteView) -> Result) -> Result {
        Channels.withView(name, body)
    }
}

/// All subscriptions.
struct Channels {
    private struct Listener {
        var names: [Set<[UInt8]>] = [[], [], []]
        var byteCount = 0
        var isEmpty: Bool { names.allSatisfy(\.isEmpty) }
    }

    private let hasher: KeyHash
    private var tables: [[UInt64: Channel]] = [[:], [:], [:]]
    private var counts = [0, 0, 0]
    private var listeners: [Int64: Listener] = [:]

    init(hasher: KeyHash) {
        self.hasher = hasher
    }

    /// How many channels, patterns or shard channels have listeners.
    func count(_ kind: SubscriptionKind) -> Int { counts[kind.rawValue] }

    /// How many clients listen to anything.
    var listenerCount: Int { listeners.count }

    func counts(of client: Int64) -> SubscriptionCounts {
        guard let names = listeners[client]?.names else { return SubscriptionCounts() }
        return SubscriptionCounts(
            channels: names[0].count, patterns: names[1].count, shards: names[2].count)
    }

    /// What a subscription takes beside its name, estimated, bytes.
    private static let subscriptionBytes = 160

    /// What the subscriptions of a client take, estimated, bytes.
    func byteCount(of client: Int64) -> Int { listeners[client]?.byteCount ?? 0 }

    /// What a client listens to.
    func names(of client: Int64, _ kind: SubscriptionKind) -> [[UInt8]] {
        listeners[client].map { Array($0.names[kind.rawValue]) } ?? []
    }

    // MARK: - Subscribing

    /// A client listens to a channel from now on.
    mutating func subscribe(_ client: Int64, to name: ByteView, _ kind: SubscriptionKind) {
        let channel = find(name, kind) ?? add(name, kind)
        guard channel.subscribers.insert(client).inserted else { return }
        listeners[client, default: Listener()].names[kind.rawValue].insert(channel.name)
        listeners[client]?.byteCount += Self.subscriptionBytes + 2 * name.count
    }

    /// A client listens to a channel no more.
    mutating func unsubscribe(_ client: Int64, from name: ByteView, _ kind: SubscriptionKind) {
        guard let channel = find(name, kind), channel.subscribers.remove(client) != nil else {
            return
        }
        listeners[client]?.names[kind.rawValue].remove(channel.name)
        listeners[client]?.byteCount -= Self.subscriptionBytes + 2 * name.count
        if listeners[client]?.isEmpty ?? false { listeners[client] = nil }
        if channel.subscribers.isEmpty { remove(channel) }
    }

    /// A client listens to nothing any more.
    mutating func unsubscribeAll(_ client: Int64) {
        guard listeners[client] != nil else { return }
        for kind in [SubscriptionKind.channel, .pattern, .shard] {
            for name in names(of: client, kind) {
                Self.withView(name) { unsubscribe(client, from: $0, kind) }
            }
        }
    }

    // MARK: - Publishing

    /// The channel of that name, if anybody listens to it.
    func find(_ name: ByteView, _ kind: SubscriptionKind) -> Channel? {
        guard counts[kind.rawValue] > 0 else { return nil }
        var candidate = tables[kind.rawValue][hasher.hash(name)]
        while let channel = candidate {
            if channel.withName({ $0 == name }) { return channel }
            candidate = channel.next
        }
        return nil
    }

    /// Calls `body` with every pattern that describes the name.
    func forEachPattern(matching name: ByteView, _ body: (Channel) -> Void) {
        guard counts[SubscriptionKind.pattern.rawValue] > 0 else { return }
        forEach(.pattern) { channel in
            if channel.pattern?.matches(name) ?? false { body(channel) }
        }
    }

    /// Calls `body` with all that somebody listens to.
    func forEach(_ kind: SubscriptionKind, _ body: (Channel) -> Void) {
        for first in tables[kind.rawValue].values {
            var candidate: Channel? = first
            while let channel = candidate {
                body(channel)
                candidate = channel.next
            }
        }
    }

    // MARK: - The tables

    private mutating func add(_ name: ByteView, _ kind: SubscriptionKind) -> Channel {
        let channel = Channel(name, kind)
        let hash = hasher.hash(name)
        channel.next = tables[kind.rawValue][hash]
        tables[kind.rawValue][hash] = channel
        counts[kind.rawValue] += 1
        return channel
    }

    private mutating func remove(_ channel: Channel) {
        let hash = channel.withName(hasher.hash)
        let table = channel.kind.rawValue
        counts[table] -= 1
        if tables[table][hash] === channel {
            tables[table][hash] = channel.next
            return
        }
        var previous = tables[table][hash]
        while let other = previous, other.next !== channel { previous = other.next }
        previous?.next = channel.next
    }

    static func withView<Result>(_ name: [UInt8], _ body: (ByteView) -> Result) -> Result {
        name.withUnsafeBytes { bytes in
            body(bytes.baseAddress.map { ByteView($0, count: bytes.count) } ?? ByteView(""))
        }
    }
}
