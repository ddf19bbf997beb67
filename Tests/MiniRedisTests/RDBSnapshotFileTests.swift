// SPDX-License-Identifier: BSD-3-Clause

import Foundation
import Testing

@testable import MiniRedis

/// How a dump gets onto the disk, and what is left when it does not.
struct RDBSnapshotFileTests {
    private let strings = [DumpString("key", "value"), DumpString("other", "7")]

    private func save(_ strings: [DumpString], in directory: String) throws -> SnapshotResult {
        try SnapshotFile.save(
            directory: directory, name: "dump.rdb", options: RDBWriterOptions()
        ) { writer throws(PersistenceError) in
            try write(strings, to: &writer)
        }
    }

    /// The error of a body that must fail.
    private func failure(_ body: () throws -> Void) -> PersistenceError? {
        do { try body() } catch { return error as? PersistenceError }
        return nil
    }

    private func files(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    }

    @Test func `a save replaces the dump and leaves nothing else`() throws {
        try withTemporaryDirectory { directory in
            _ = try save([DumpString("old", "1")], in: directory)
            let result = try save(strings, in: directory)
            let path = directory + "/dump.rdb"
            #expect(try files(directory) == ["dump.rdb"])
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            #expect(result.bytes == size)
            #expect(result.durationMicroseconds >= 0)
            let source = try FileSource(path: path)
            #expect(source.size == size)
            let contents = DumpContents(source)
            #expect(contents.error == nil)
            #expect(contents.strings.map(\.key) == strings.map(\.key))
        }
    }

    @Test func `F64 a missing directory is told`() throws {
        let error = failure { _ = try save(strings, in: "/nonexistent/directory") }
        #expect(error == .system(.openDirectory, code: ENOENT))
        #expect(
            error?.description == "Write error while saving DB to the disk(open directory): "
                + "No such file or directory")
        try withTemporaryDirectory { directory in
            var file = try SnapshotFile(directory: directory, name: "dump.rdb")
            try FileManager.default.removeItem(atPath: directory)
            #expect(failure { try file.commit() } == .system(.rename, code: ENOENT))
        }
    }

    @Test func `F64 a directory in the place of the dump stays`() throws {
        try withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(
                atPath: directory + "/dump.rdb", withIntermediateDirectories: false)
            let error = failure { _ = try save(strings, in: directory) }
            #expect(
                error?.description
                    == "Write error while saving DB to the disk(rename): Is a directory")
            #expect(try files(directory) == ["dump.rdb"])
            let reading = failure { _ = try FileSource(path: directory + "/dump.rdb") }
            #expect(
                reading?.description
                    == "Error reading the DB from the disk(open): Is a directory")
        }
    }

    @Test func `F63 a save that fails or is given up leaves the old dump`() throws {
        try withTemporaryDirectory { directory in
            _ = try save([DumpString("old", "1")], in: directory)
            let before = try Data(contentsOf: URL(filePath: directory + "/dump.rdb"))
            let error = failure {
                _ = try SnapshotFile.save(
                    directory: directory, name: "dump.rdb", options: RDBWriterOptions()
                ) { writer throws(PersistenceError) in
                    try writer.begin(auxiliary: [])
                    throw .abandoned(.cancelled)
                }
            }
            #expect(error == .abandoned(.cancelled))
            #expect(error?.description == "The save of the DB was given up: it was cancelled")
            #expect(try files(directory) == ["dump.rdb"])
            #expect(try Data(contentsOf: URL(filePath: directory + "/dump.rdb")) == before)
        }
    }

    @Test func `F61 a full disk is told`() throws {
        let full = open("/dev/full", O_WRONLY)
        try #require(full >= 0)
        defer { close(full) }
        let error = failure {
            var writer = try RDBWriter(sink: FileSink(full), options: RDBWriterOptions())
            try write(strings, to: &writer)
        }
        #expect(
            error?.description == "Write error while saving DB to the disk(write): "
                + "No space left on device")
    }

    @Test func `F72 a missing dump is told from a dump that cannot be read`() {
        let missing = failure { _ = try FileSource(path: "/nonexistent/dump.rdb") }
        #expect(missing == .system(.open, code: ENOENT))
    }

    @Test func `F60 files of dead saves are removed, files of living ones stay`() throws {
        try withTemporaryDirectory { directory in
            let living = try SnapshotFile(directory: directory, name: "dump.rdb")
            let running = try files(directory)
            #expect(running.count == 1 && SnapshotFile.isTemporary(running[0]))
            let others = [
                "dump.rdb", "temp-12.rdb", "temp-a-1.rdb", "temp-1-2-3.rdb", "temp--.rdb",
            ]
            for name in others + ["temp-1-2.rdb", "temp-99999999-123456789.rdb"] {
                try Data().write(to: URL(filePath: directory + "/" + name))
            }
            #expect(try SnapshotFile.removeStale(directory: directory) == 2)
            #expect(try files(directory) == (others + running).sorted())
            _ = consume living
            #expect(try files(directory) == others.sorted())
        }
    }

    @Test func `many saves at once end with one of their dumps`() throws {
        try withTemporaryDirectory { directory in
            DispatchQueue.concurrentPerform(iterations: 8) { index in
                let keys = (0..<200).map { DumpString("\(index)", String($0)) }
                _ = try? save(keys, in: directory)
            }
            #expect(try files(directory) == ["dump.rdb"])
            let contents = DumpContents(try FileSource(path: directory + "/dump.rdb"))
            #expect(contents.error == nil)
            #expect(contents.strings.count == 200)
            #expect(Set(contents.strings.map(\.key)).count == 1)
        }
    }
}
