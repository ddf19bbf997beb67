// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

private func parsed(_ text: String) throws(AppendOnlyManifestError) -> AppendOnlyManifest {
    try AppendOnlyManifest(text: Array(text.utf8))
}

@Suite struct `A manifest of an append-only file` {
    @Test func `says what it has read`() throws {
        let text = """
            file a.2.base.rdb seq 2 type b
            file a.1.base.rdb seq 1 type h
            file a.3.incr.aof seq 3 type i
            file a.7.incr.aof seq 7 type i

            """
        let manifest = try parsed(text)
        #expect(manifest.text == text)
        #expect(manifest.base?.name == "a.2.base.rdb")
        #expect(manifest.increments.map(\.sequence) == [3, 7])
        #expect(manifest.history.map(\.name) == ["a.1.base.rdb"])
        #expect(manifest.baseSequence == 2)
        #expect(manifest.incrementSequence == 7)
        #expect(manifest.loaded.map(\.name) == ["a.2.base.rdb", "a.3.incr.aof", "a.7.incr.aof"])
    }

    @Test func `knows names in quotes, comments and keys to come`() throws {
        let text = "# a comment\nfile \" a \\n\\x01\\\"b.aof\" seq 1 type i more 'it'\n"
        let manifest = try parsed(text)
        #expect(manifest.increments.first?.name == " a \n\u{1}\"b.aof")
        #expect(manifest.text == "file \" a \\n\\x01\\\"b.aof\" seq 1 type i\n")
        #expect(try parsed(manifest.text) == manifest)
    }

    @Test(
        arguments: [
            ("", .empty, 0),
            ("file a seq 1 type x\n", .type, 1),
            ("file a seq 1 type b\nfile b seq 2 type b\n", .duplicateBase, 2),
            ("file a seq 2 type i\nfile b seq 1 type i\n", .order, 2),
            ("file a seq 2 type i\nfile b seq 2 type i\n", .order, 2),
            ("file a seq 1 type i\n\n", .format, 2),
            ("filx a seq 1 type i\n", .format, 1),
            ("file a seq 1\n", .format, 1),
            ("file a seq 1 type i key\n", .format, 1),
            ("file a seq 0 type i\n", .format, 1),
            ("file a seq x type i\n", .format, 1),
            ("file \"a seq 1 type i\n", .format, 1),
            ("file \"a\"b seq 1 type i\n", .format, 1),
            ("file a/b seq 1 type i\n", .path, 1),
            ("file a seq 1 type i", .tooLong, 1),
            ("file \(String(repeating: "a", count: 1024)) seq 1 type i\n", .tooLong, 1),
        ] as [(String, AppendOnlyManifestError.Reason, Int)])
    func `refuses`(text: String, reason: AppendOnlyManifestError.Reason, line: Int) {
        let error = #expect(throws: AppendOnlyManifestError.self) { _ = try parsed(text) }
        #expect(error?.reason == reason)
        #expect(error?.line == line)
    }

    @Test func `counts its files through rewrites`() {
        var manifest = AppendOnlyManifest()
        #expect(manifest.isEmpty)
        #expect(manifest.beginBase(of: "a", isDump: true) == "a.1.base.rdb")
        #expect(manifest.beginIncrement(of: "a") == "a.1.incr.aof")
        #expect(manifest.beginIncrement(of: "a") == "a.2.incr.aof")
        #expect(manifest.beginBase(of: "a", isDump: false) == "a.2.base.aof")
        manifest.retireIncrements(keeping: 1)
        #expect(
            manifest.text == """
                file a.2.base.aof seq 2 type b
                file a.1.incr.aof seq 1 type h
                file a.1.base.rdb seq 1 type h
                file a.2.incr.aof seq 2 type i

                """)
        manifest.forgetHistory()
        #expect(manifest.loaded.count == 2)
    }
}

@Suite struct `The form of an append-only file` {
    private func first(_ text: String) -> AppendOnlyScanner.Item {
        var buffer = ByteBuffer()
        buffer.append(text: text)
        return AppendOnlyScanner.first(buffer.view)
    }

    @Test func `is requests and annotations`() {
        #expect(
            first("*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1")
                == .request(length: 20, nameStart: 8, nameLength: 3, arguments: 2))
        #expect(first("#TS:123\r\n*1") == .annotation(length: 9, timestamp: 123))
        #expect(first("#other\n") == .annotation(length: 7, timestamp: nil))
    }

    @Test func `is told from what is not complete, at every byte`() {
        let whole = Array("*2\r\n$3\r\nGET\r\n$10\r\n0123456789\r\n")
        for count in 1..<whole.count {
            guard case .incomplete = first(String(whole.prefix(count))) else {
                Issue.record("\(count) bytes are not incomplete")
                continue
            }
        }
        guard case .request = first(String(whole)) else {
            Issue.record("not whole")
            return
        }
    }

    @Test(arguments: [
        "GET a\r\n", "!!!", "*x\r\n", "*\r\n", "*0\r\n", "*-1\r\n", "*1\n", "*1\rx",
        "*1\r\nGET\r\n",
        "*1\r\n$-1\r\n", "*1\r\n$3\r\nGETx\r", "*1\r\n$12345678901234567890\r\n", "\0\0\0\0",
        "*9999999999\r\n",
    ])
    func `is told from anything else`(text: String) {
        guard case .malformed = first(text) else {
            Issue.record("\(first(text))")
            return
        }
    }
}
