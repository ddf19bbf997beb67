// SPDX-License-Identifier: BSD-3-Clause
//
// Loading a dump while the loop serves.
//
//     beginLoad --> a thread reads into a keyspace of its own --> adopted --> completion
//                   the loop: -LOADING, INFO's progress            all at once
//
// One load runs at a time. Whoever loads more than one dump makes (an append-only file has commands
// behind its base), or has to do something in between, opens the loading state around all of it.

import Glibc

/// Where the bytes of a dump come from.
enum LoadSource {
    case file(path: String)
    /// Pushed into by the loop; of so many bytes, or nil if that is not known.
    case channel(ByteChannel, totalBytes: Int?)
}

/// What a dump is loaded for.
enum LoadKind {
    /// At the start of the server.
    case start
    /// DEBUG RELOAD.
    case reload
    /// The base of an append-only file: commands follow, and keys that are due wait for theirs.
    case appendOnlyBase
    /// From a master; what is here is not served meanwhile.
    case resync
    /// From a master, while what is here is served.
    case resyncBeside

    /// Whether commands are answered from the data that are to be replaced.
    var isBeside: Bool { self == .resyncBeside }
}

/// What is being loaded, for INFO.
struct LoadingState {
    var kind: LoadKind
    /// Seconds since the epoch.
    var startedAt: Int64
    /// Bytes of all that is to be loaded, 0 if unknown.
    var totalBytes: Int
    /// Bytes of it that were loaded before the present dump.
    var bytesBefore = 0
    /// Of the dump that a thread is reading, if one is.
    var progress: LoadProgress?

    var loadedBytes: Int { bytesBefore + (progress?.loadedBytes ?? 0) }
}

/// A load on its thread.
///
/// Sendable although it changes: the thread alone works on it between the start of the job and its
/// completion, and the loop alone before and after.
private final class LoadJob: @unchecked Sendable {
    let source: LoadSource
    let options: RDBLoadOptions
    let progress: LoadProgress
    let heap: LoadingHeap
    let inHugePages: Bool
    /// What is loaded; nil after a failure, for to free it may take long.
    private(set) var keyspace: Keyspace?
    private(set) var result: Result<RDBLoadResult, RDBLoadError>?

    init(
        source: LoadSource, options: RDBLoadOptions, progress: LoadProgress, keyspace: Keyspace,
        heap: LoadingHeap, inHugePages: Bool
    ) {
        self.heap = heap
        self.inHugePages = inHugePages
        self.source = source
        self.options = options
        self.progress = progress
        self.keyspace = keyspace
    }

    /// Frees what was loaded.
    func giveUp() { keyspace = nil }

    func run() { heap.load(inHugePages: inHugePages, load) }

    private func load() {
        guard let keyspace else { return }
        var loader = RDBLoader(into: keyspace, options: options, progress: progress)
        do throws(RDBLoadError) {
            switch source {
            case .file(let path): try loader.load(file: path)
            case .channel(let channel, _): try loader.load(ChannelSource(channel: channel))
            }
            while keyspace.doPendingWork(budget: 10_000) {}
            result = .success(loader.result)
        } catch {
            result = .failure(error)
            self.keyspace = nil
        }
    }
}

extension Server {
    // MARK: - The state

    /// From now on commands are answered with -LOADING, unless their flags say otherwise.
    /// `totalBytes` is for INFO, 0 if unknown.
    func beginLoading(_ kind: LoadKind, totalBytes: Int) {
        precondition(loading == nil, "one load at a time")
        loading = LoadingState(
            kind: kind, startedAt: loop.clock.pointee.unixMilliseconds / 1000,
            totalBytes: totalBytes)
        frame.pointee.attention.insert(kind.isBeside ? .loadingBeside : .loading)
        if kind == .reload { frame.pointee.attention.insert(.reloading) }
    }

    /// The data are there, or there will be none.
    func endLoading() {
        loading = nil
        frame.pointee.attention.subtract([.loading, .loadingBeside])
        guard frame.pointee.attention.remove(.reloading) != nil else { return }
        releaseHeldClients()
    }

    // MARK: - Loads

    /// Reads a dump on a thread and, when it is whole, exchanges all data for what it holds; then
    /// `completion` is called on the loop. After an error everything is as it was before. Unless
    /// `beginLoading` was called, the loading state lasts from here to just before the completion.
    ///
    /// `mayAdopt` has the last word, just before the exchange.
    /// With `.resync` and `.resyncBeside` the caller chooses `keepsExpired`: a replica waits for
    /// its master's word.
    func beginLoad(
        from source: LoadSource, kind: LoadKind, keepsExpired: Bool = false,
        mayAdopt: @escaping (_ keys: Int) -> Bool = { _ in true },
        completion: @escaping (Result<RDBLoadResult, RDBLoadError>) -> Void
    ) {
        let isOwnState = loading == nil
        if isOwnState { beginLoading(kind, totalBytes: Self.size(of: source)) }
        let job = LoadJob(
            source: source, options: loadOptions(kind, keepsExpired: keepsExpired),
            progress: LoadProgress(), keyspace: Keyspace(toBeAdoptedBy: keyspace),
            heap: .shared, inHugePages: configuration.settings.loadHugePages)
        job.progress.delayMicroseconds = Int(configuration.settings.keyLoadDelayMicroseconds)
        loading?.progress = job.progress
        performLoad(job.run) { [unowned self] in
            loading?.bytesBefore += job.progress.loadedBytes
            loading?.progress = nil
            let isWanted = job.keyspace.map { mayAdopt($0.count) } ?? false
            if isWanted, let loaded = job.keyspace { adopt(loaded) }
            if isOwnState { endLoading() }
            guard var result = job.result else {
                preconditionFailure("a job that has run has a result")
            }
            if !isWanted, case .success = result {
                result = .failure(.refused)
                // To free it may take long.
                loop.perform(work: job.giveUp) {}
            }
            if case .success(let result) = result { note(result) }
            completion(result)
        }
    }

    /// Asks the load that is running, if one is, to give up: its completion gets an error.
    func cancelLoad() {
        loading?.progress?.cancel()
    }

    /// Within EXEC nothing waits.
    private func performLoad(
        _ work: @escaping @Sendable () -> Void, completion: @escaping () -> Void
    ) {
        guard frame.pointee.mode == .direct else {
            work()
            return completion()
        }
        loop.performOnOwnThread(work: work, completion: completion)
    }

    func loadOptions(_ kind: LoadKind, keepsExpired: Bool) -> RDBLoadOptions {
        var options = RDBLoadOptions()
        options.reader.verifyChecksum = configuration.settings.rdbChecksum
        options.reader.maximumStringBytes = max(
            options.reader.maximumStringBytes,
            Int(clamping: configuration.settings.maxBulkLengthBytes))
        options.keepsExpiredKeys =
            keepsExpired || kind == .appendOnlyBase || replication.role == .replica
        options.tellsExpired = kind == .start
        return options
    }

    private static func size(of source: LoadSource) -> Int {
        switch source {
        case .file(let path):
            var status = stat()
            return stat(path, &status) == 0 ? Int(status.st_size) : 0
        case .channel(_, let totalBytes): return totalBytes ?? 0
        }
    }

    private func adopt(_ loaded: Keyspace) {
        keyspace.adopt(loaded)
        // Whoever watches or waits for a key is told at the end of the turn.
        loop.requestTurn()
    }

    private func note(_ result: RDBLoadResult) {
        persistence.keysLoaded = result.keysLoaded
        persistence.keysExpiredAtLoad = result.keysExpired
        report(result)
    }

    /// Writes the reason of a failed load to the log.
    func logFailure(_ error: RDBLoadError) {
        log.write(.warning, "\(error)")
        if let hint = error.hint { log.write(.warning, hint) }
    }

    private func report(_ result: RDBLoadResult) {
        describe(result.facts)
        if result.checksumWasDisabled {
            log.write(.notice, RDBReader<FileSource>.checksumDisabledNotice)
        }
        for key in result.emptyKeyNames {
            log.write(.notice, "rdbLoadObject skipping empty key: \(key)")
        }
        let skipped =
            result.emptyKeys > 0 ? ", empty keys skipped: \(result.emptyKeys)" : ""
        log.write(
            .notice,
            "Done loading RDB, keys loaded: \(result.keysLoaded), "
                + "keys expired: \(result.keysExpired)\(skipped).")
    }

    private func describe(_ facts: RDBFacts) {
        if let producer = facts.producer {
            log.write(
                .notice, "Loading RDB produced by version \(ConfigurationText.quoted(producer))")
        }
        if let created = facts.createdAt {
            let age = max(0, loop.clock.pointee.unixMilliseconds / 1000 - created)
            log.write(.notice, "RDB age \(age) seconds")
        }
        if let used = facts.usedMemory {
            let megabytes = InfoReport.fixed(Double(used) / 0x1p20, digits: 2)
            log.write(.notice, "RDB memory usage when created \(megabytes) Mb")
        }
        if facts.isAppendOnlyBase { log.write(.notice, "RDB is base AOF") }
    }
}
