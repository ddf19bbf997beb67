// SPDX-License-Identifier: BSD-3-Clause
//
// Fuzzes the reader of dumps under three rules: however a dump is cut, it gives the same keys or
// the same error; what was loaded is written and read again as it was; and nothing is left behind.
//
// The first byte of an input says how the dump arrives the second time, the rest is the dump, whose
// checksum is not looked at. It lies in a block of exactly its size, so that the address sanitizer
// sees a byte read too far. Compiled together with the module that it tests.

import Glibc

private let now: Int64 = 1_700_000_000_000

/// A keyspace after a load, and how that went.
private final class Loaded {
    let keyspace = Keyspace(databaseCount: 16, hasher: KeyHash(seed: 7))
    private(set) var outcome = ""

    init(_ bytes: ByteView, step: Int) {
        keyspace.state.pointee.setTime(now)
        var options = RDBLoadOptions()
        options.reader.verifyChecksum = false
        options.keepsExpiredKeys = true
        var loader = RDBLoader(into: keyspace, options: options)
        do throws(RDBLoadError) {
            try loader.load(MemorySource(bytes, step: step))
            outcome = "\(loader.result.keysLoaded) \(KeyspaceDigest.ofAll(keyspace))"
        } catch {
            outcome = "\(error)"
        }
    }

    var isWhole: Bool { outcome.utf8.first.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }

    /// The keyspace as a dump.
    func dump(_ body: (ByteView) -> Void) {
        let snapshot = keyspace.beginSnapshot()
        defer { keyspace.endSnapshot(snapshot) }
        do throws(PersistenceError) {
            var writer = try RDBWriter(
                sink: MemorySink(),
                options: RDBWriterOptions(version: RDBVersion.lowest(for: snapshot)))
            try writer.begin(auxiliary: [])
            for captured in snapshot.databases {
                try writer.selectDatabase(
                    captured.index, keys: captured.table.count, expires: captured.volatileCount)
                var failure: PersistenceError?
                snapshot.walk(captured) { entry in
                    do throws(PersistenceError) {
                        try writer.entry(entry)
                        return true
                    } catch {
                        failure = error
                        return false
                    }
                }
                if let failure { throw failure }
            }
            try writer.finish()
            body(writer.output.sink.buffer.view)
        } catch {
            preconditionFailure("what was loaded can be written: \(error)")
        }
    }

    /// Whether all memory comes back.
    func leaveNothing() {
        let empty = Keyspace(databaseCount: 16, hasher: KeyHash(seed: 7)).allocatedBytes
        for index in 0..<keyspace.databaseCount { keyspace.flush(index) }
        while keyspace.doPendingWork(budget: 10_000)
            || !keyspace.state.pointee.detachedCollections.isEmpty
        {}
        precondition(keyspace.allocatedBytes == empty, "memory is left behind")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDump(_ data: UnsafePointer<UInt8>, _ size: Int) -> Int32 {
    guard size > 1 else { return 0 }
    let block = UnsafeMutableRawPointer.allocate(byteCount: size - 1, alignment: 1)
    defer { block.deallocate() }
    block.copyMemory(from: data + 1, byteCount: size - 1)
    let view = ByteView(block, count: size - 1)
    let whole = Loaded(view, step: .max)
    let cut = Loaded(view, step: 1 + Int(data[0]) % 61)
    precondition(whole.outcome == cut.outcome, "\(whole.outcome), \(cut.outcome)")
    if whole.isWhole {
        whole.dump { bytes in
            let again = Loaded(bytes, step: .max)
            precondition(again.outcome == whole.outcome, "\(whole.outcome), \(again.outcome)")
        }
    }
    whole.leaveNothing()
    cut.leaveNothing()
    return 0
}
