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
        dispatcher.pointee.isMemoryLimited = settings.maxMemoryBytes != 0
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
