// SPDX-License-Identifier: BSD-3-Clause
//
// What all databases of a keyspace share, reached through one pointer.

/// The time, the memory and the counters of a keyspace.
struct KeyspaceState: ~Copyable {
    /// First of the fields, for the reason that `Database.state` is.
    let memory: UnsafeMutablePointer<Memory>
    /// The clock of the loop turn: milliseconds since the epoch. Whoever runs commands sets it.
    var now: Int64 = 0
    /// What an entry that is made now remembers of its use, and, by recency, one that is accessed;
    /// follows `now`.
    private(set) var accessClock: UInt32 = 0
    /// Whether entries remember how often they were accessed, instead of when.
    var countsFrequency = false {
        didSet { isAccessPlain = !countsFrequency && !sparesAccess }
    }
    /// Whether accesses are not recorded: for a client that asked for it (CLIENT NO-TOUCH).
    var sparesAccess = false {
        didSet { isAccessPlain = !countsFrequency && !sparesAccess }
    }
    /// Whether an access is recorded by writing the clock: neither of the two above.
    private(set) var isAccessPlain = true
    var frequencyScale = AccessRecord.FrequencyScale()
    var statistics = KeyspaceStatistics()
    /// Changes since the last save.
    var changesSinceSave = 0
    /// Whether due keys are removed by themselves (DEBUG SET-ACTIVE-EXPIRE); reads never return
    /// them either way.
    var expiresActively = true
    /// Whether RESTORE wants the right checksum (DEBUG SET-SKIP-CHECKSUM-VALIDATION); what a
    /// payload holds is checked either way.
    var verifiesPayloads = true
    /// What choices among keys are made with.
    var random = RandomSource()

    /// Up to which sizes collections are packed.
    var encodingLimits = EncodingLimits()
    /// Collections that were given up, in the order in which they may be freed.
    var detachedCollections: [DetachedCollection] = []
    /// What they take, bytes.
    var detachedCollectionBytes = 0

    /// Streams that keys hold, and those that were given up and are not freed yet.
    var streams = 0

    /// The memory of the keyspace that will adopt this one: what its collections are to be settled
    /// in as soon as they are whole.
    var home: UnsafeMutablePointer<Memory>?

    /// Libraries of functions that came with a dump: kept as they are and saved again.
    private(set) var functionLibraries: [[UInt8]] = []

    /// Who wants to know of changes.
    var changeLog = ChangeLog()

    /// What happened to the keys, for those who repeat it.
    var effects = EffectLog()

    /// Keys with deadlines up to this are due: `now`, but none is while `repeats` is set.
    private(set) var dueTime: Int64 = 0

    /// Whether what is executed has happened somewhere else: a master's stream, an append-only
    /// file. No key is due then, for a DEL will come; a deadline in the past is one as any other.
    var repeats = false {
        didSet { dueTime = repeats ? .min : now }
    }

    /// Whether reads leave due keys where they are, unseen: nothing changes during CLIENT PAUSE.
    var keepsDueKeys = false

    /// Whether deadlines that are set while nothing is repeated are a replica's own matter.
    var separatesOwnDeadlines = false

    init(memory: UnsafeMutablePointer<Memory>) {
        self.memory = memory
    }

    /// Keeps libraries that are not there already.
    mutating func keepLibraries(_ libraries: [[UInt8]]) {
        var known = Set(functionLibraries)
        for library in libraries where known.insert(library).inserted {
            functionLibraries.append(library)
        }
    }

    mutating func takeLibraries(from other: inout KeyspaceState) {
        functionLibraries = other.functionLibraries
        other.functionLibraries = []
    }

    mutating func setTime(_ milliseconds: Int64) {
        now = milliseconds
        dueTime = repeats ? .min : milliseconds
        accessClock =
            countsFrequency
            ? AccessRecord.newFrequency(milliseconds) : AccessRecord.recency(milliseconds)
    }
}

/// Counters that INFO shows and CONFIG RESETSTAT clears.
struct KeyspaceStatistics {
    var hits = 0
    var misses = 0
    var expired = 0
    var expiredFields = 0
    var evicted = 0
}
