// SPDX-License-Identifier: BSD-3-Clause
//
// EffectLog: what happened to the keys, as requests that make it happen again somewhere else.
//
// Commands, expiry and eviction add requests to a *unit*: what happened at one instant. A command
// that changed something adds itself, or the form that its handler gave, without times that run
// and choices by chance. When the unit ends it goes to the streams of those who listen, in one
// piece, and several requests of one unit between MULTI and EXEC.
//
//     unit    [ DEL old ][ INCR k ]         both at one instant
//       |
//       +--> replication   ... SELECT 3 | MULTI | DEL old | INCR k | EXEC
//       +--> append-only   ...            MULTI | DEL old | INCR k | EXEC
//
// A stream remembers which database its reader has selected, and says SELECT before a request for
// another one. Who takes the bytes of a stream, and what becomes of them, is not known here: the
// server takes them before any reply of the turn leaves.
//
// With nobody listening a command pays one branch.
//
// Sources: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ ; the forms
// are those that a master of version 7.0 was seen to send.

/// Those who repeat what happens here.
struct EffectAudience: OptionSet, Sendable {
    var rawValue: UInt8

    static let replicas = EffectAudience(rawValue: 1 << 0)
    static let appendOnlyFile = EffectAudience(rawValue: 1 << 1)
    static let everyone: EffectAudience = [.replicas, .appendOnlyFile]
}

/// The requests for one kind of listener, in the order in which they happened.
struct EffectStream: ~Copyable {
    /// What has not been taken yet.
    private(set) var bytes = ByteBuffer()
    /// Where the stream ends: a number of bytes, counted from where its owner began.
    private(set) var position: Int64 = 0
    /// The database that the reader has selected after all of this; nil if it is not known.
    private(set) var selected: Int?

    /// More than this is given back when it was taken.
    private static let keptCapacity = 1 << 20

    /// Continues at another position, with a reader that has selected `database`, or none that is
    /// known. What was not taken is forgotten.
    mutating func restart(at position: Int64, selected database: Int? = nil) {
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
        self.position = position
        selected = database
    }

    /// The next request names its database, whatever was selected: somebody begins to read here.
    mutating func forgetSelection() {
        selected = nil
    }

    /// Hands the bytes to `body`, and forgets them.
    mutating func take(_ body: (ByteView) -> Void) {
        guard !bytes.isEmpty else { return }
        body(bytes.view)
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
    }

    /// Adds what is no effect of this server's: the very bytes of a master.
    mutating func append(_ foreign: ByteView) {
        bytes.append(foreign)
        position += Int64(foreign.count)
    }

    fileprivate mutating func select(_ database: Int) {
        guard selected != database else { return }
        let before = bytes.count
        RequestEncoder.begin(2, to: &bytes)
        RequestEncoder.argument(ByteView("SELECT"), to: &bytes)
        RequestEncoder.argument(decimal: Int64(database), to: &bytes)
        position += Int64(bytes.count - before)
        selected = database
    }

    fileprivate mutating func word(_ name: StaticString) {
        let before = bytes.count
        RequestEncoder.begin(1, to: &bytes)
        RequestEncoder.argument(ByteView(name), to: &bytes)
        position += Int64(bytes.count - before)
    }
}

/// Where the streams end: what WAIT and WAITAOF wait for.
struct EffectPositions {
    var replication: Int64 = 0
    var appendOnly: Int64 = 0
}

/// The unit under way, and the streams it will go to.
struct EffectLog: ~Copyable {
    /// A request of the unit.
    private struct Effect {
        /// Where it ends in `unit`.
        var end: Int
        /// Where it is to happen; nil if that makes no difference.
        var database: Int?
        var audience: EffectAudience
    }

    /// Who listens.
    private(set) var audience: EffectAudience = []
    var replication = EffectStream()
    var appendOnly = EffectStream()
    private var unit = EffectUnit()
    private var effects: [Effect] = []

    private static let keptCapacity = 1 << 20

    /// Whether anybody listens: what every command asks.
    @inline(__always)
    var isActive: Bool { audience.rawValue != 0 }

    /// Lets somebody listen, from the next unit on.
    mutating func add(_ listener: EffectAudience) { audience.formUnion(listener) }

    mutating func remove(_ listener: EffectAudience) { audience.subtract(listener) }

    /// Adds a request of `count` arguments, which `body` writes. `database` is where it is to
    /// happen, nil if that makes no difference.
    @inline(__always)
    mutating func add(
        _ count: Int, in database: Int?, for listeners: EffectAudience = .everyone,
        _ body: (inout EffectUnit) -> Void
    ) {
        unit.begin(count)
        body(&unit)
        unit.checkWhole()
        effects.append(Effect(end: unit.bytes.count, database: database, audience: listeners))
    }

    /// Adds a request as it came.
    mutating func add(
        _ request: Request, in database: Int?, for listeners: EffectAudience = .everyone
    ) {
        add(request.count, in: database, for: listeners) { $0.add(request, from: 0) }
    }

    /// Ends the unit. Several requests happen between MULTI and EXEC, unless what happened was no
    /// one's command (`isAtomic` is false): then each stands for itself.
    @inline(__always)
    mutating func endUnit(isAtomic: Bool = true) {
        if !effects.isEmpty { pass(isAtomic) }
    }

    @inline(never)
    private mutating func pass(_ isAtomic: Bool) {
        if audience.contains(.replicas) {
            Self.pass(unit.bytes, effects, .replicas, isAtomic, &replication)
        }
        if audience.contains(.appendOnlyFile) {
            Self.pass(unit.bytes, effects, .appendOnlyFile, isAtomic, &appendOnly)
        }
        unit.bytes.removeAll(keepingCapacity: unit.bytes.capacity <= Self.keptCapacity)
        effects.removeAll(keepingCapacity: effects.capacity <= 1024)
    }

    private static func pass(
        _ unit: borrowing ByteBuffer, _ effects: [Effect], _ listener: EffectAudience,
        _ isAtomic: Bool, _ stream: inout EffectStream
    ) {
        var count = 0
        for effect in effects where effect.audience.contains(listener) { count += 1 }
        let isWrapped = isAtomic && count > 1
        var isFirst = true
        var start = 0
        for effect in effects {
            defer { start = effect.end }
            guard effect.audience.contains(listener) else { continue }
            if let database = effect.database { stream.select(database) }
            if isFirst && isWrapped { stream.word("MULTI") }
            isFirst = false
            stream.append(ByteView(unit.base + start, count: effect.end - start))
        }
        if isWrapped { stream.word("EXEC") }
    }
}

/// The requests of a unit, one after the other; arguments are added to the last one.
struct EffectUnit: ~Copyable {
    fileprivate var bytes = ByteBuffer()
    /// Arguments that the last request still lacks.
    private var missing = 0

    fileprivate mutating func begin(_ count: Int) {
        assert(missing == 0, "a request has as many arguments as it said")
        missing = count
        RequestEncoder.begin(count, to: &bytes)
    }

    fileprivate func checkWhole() {
        assert(missing == 0, "a request has as many arguments as it said")
    }

    @inline(__always)
    mutating func add(_ argument: ByteView) {
        missing -= 1
        RequestEncoder.argument(argument, to: &bytes)
    }

    @inline(__always)
    mutating func add(_ word: StaticString) { add(ByteView(word)) }

    mutating func add(_ value: Int64) {
        missing -= 1
        RequestEncoder.argument(decimal: value, to: &bytes)
    }

    /// Two numbers with a dash between.
    mutating func add(dashed first: UInt64, _ second: UInt64) {
        missing -= 1
        RequestEncoder.argument(dashed: first, second, to: &bytes)
    }

    /// The arguments of a request, from `first` on and before `end`.
    mutating func add(_ request: Request, from first: Int, to end: Int? = nil) {
        for index in first..<max(first, end ?? request.count) { add(request[index]) }
    }
}
