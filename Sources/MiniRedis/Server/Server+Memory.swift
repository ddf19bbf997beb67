// SPDX-License-Identifier: BSD-3-Clause
//
// The settings of memory, as the keyspace and the dispatcher take them over.

extension Server {
    /// Takes over the limit of memory and what to do at it.
    func applyMemorySettings() {
        let settings = configuration.settings
        let (order, onlyVolatile) = settings.maxMemoryPolicy.eviction
        keyspace.changeEviction(
            EvictionSettings(
                limitBytes: Int(clamping: settings.maxMemoryBytes), order: order,
                onlyVolatile: onlyVolatile, samples: Int(min(settings.maxMemorySamples, 64))),
            AccessRecord.FrequencyScale(
                logarithmFactor: Int(settings.frequencyLogarithmFactor),
                decayMinutes: Int(settings.frequencyDecayMinutes)))
        keyspace.state.pointee.encodingLimits = settings.encodingLimits
        let leavesItToMaster =
            replication.role == .replica && settings.replicaIgnoresMaxMemory
        dispatcher.pointee.isMemoryLimited = settings.maxMemoryBytes != 0 && !leavesItToMaster
    }
}

extension Settings {
    fileprivate var encodingLimits: EncodingLimits {
        EncodingLimits(
            hashEntries: Int(hashMaxListpackEntries),
            hashValueBytes: Int(clamping: hashMaxListpackValueBytes),
            listSize: Int(listMaxListpackSize),
            setIntegerEntries: Int(setMaxIntsetEntries), setEntries: Int(setMaxListpackEntries),
            setValueBytes: Int(clamping: setMaxListpackValueBytes),
            sortedSetEntries: Int(zsetMaxListpackEntries),
            sortedSetValueBytes: Int(clamping: zsetMaxListpackValueBytes),
            streamNodeBytes: Int(clamping: streamNodeMaxBytes),
            streamNodeEntries: Int(streamNodeMaxEntries),
            hyperLogLogSparseBytes: Int(clamping: hyperLogLogSparseMaxBytes))
    }
}

extension MaxMemoryPolicy {
    fileprivate var eviction: (order: EvictionSettings.Order, onlyVolatile: Bool) {
        switch self {
        case .noEviction: (.nothing, false)
        case .volatileLRU: (.leastRecent, true)
        case .volatileLFU: (.leastFrequent, true)
        case .volatileRandom: (.random, true)
        case .volatileTTL: (.soonestDeadline, true)
        case .allKeysLRU: (.leastRecent, false)
        case .allKeysLFU: (.leastFrequent, false)
        case .allKeysRandom: (.random, false)
        }
    }
}
