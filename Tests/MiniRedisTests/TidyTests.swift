// SPDX-License-Identifier: BSD-3-Clause
//
// The rules of the house, as tests over its sources: who may mention whom, sizes, spellings. Each
// rule is also tested with a bad snippet, so that a rule that finds nothing is known to look.

import Testing

/// Fails once for each violation, which names the file, the line and the remedy.
private func expectNone(_ violations: [TidyViolation]) {
    for violation in violations {
        Issue.record("\(violation)")
    }
}

private let tree = Result { try SourceTree.load() }

private func snippet(
    _ text: String, at path: String = "Sources/MiniRedis/Keyspace/Sample.swift"
) -> SourceTree {
    SourceTree([path: text])
}

@Suite struct `The source tree is tidy` {
    @Test func `files are found`() throws {
        let files = try tree.get().files
        #expect(files.contains { $0.path == "Tests/MiniRedisTests/TidyTests.swift" })
        #expect(files.contains { $0.folder == "Bytes" })
    }

    @Test func `a folder mentions only what is below it`() throws {
        expectNone(brokenLayers(try tree.get()))
    }

    @Test func `the table of layers has no cycle`() {
        #expect(brokenTable(layerTable) == [])
    }

    @Test func `a module is imported in its own folder only`() throws {
        expectNone(brokenImports(try tree.get()))
    }

    @Test func `lines, functions and files are short`() throws {
        expectNone(brokenSizes(try tree.get()))
    }

    @Test func `banned spellings are not used`() throws {
        expectNone(brokenBans(try tree.get()))
    }

    @Test func `raw memory is touched in few folders only`() throws {
        expectNone(brokenRawMemory(try tree.get()))
    }

    @Test func `there are no mutable globals`() throws {
        expectNone(brokenGlobals(try tree.get()))
    }

    @Test func `a file begins with its licence and what it knows`() throws {
        expectNone(brokenBeginnings(try tree.get()))
    }
}

@Suite struct `The layer rule` {
    private func found(_ low: String, _ high: String = "struct Session {}") -> [TidyViolation] {
        brokenLayers(
            SourceTree([
                "Sources/MiniRedis/Keyspace/Low.swift": low,
                "Sources/MiniRedis/Session/High.swift": high,
            ]))
    }

    @Test func `finds a type of a folder out of reach`() throws {
        let violations = found("struct Low {\n    var session: Session\n}")
        #expect(violations.map(\.line) == [2])
        #expect(try #require(violations.first).message.contains("declared in Session"))
    }

    @Test func `finds a type that an extension declares`() {
        let high = "extension Low { enum Escape { case now } }"
        #expect(found("struct Low { var escape: Low.Escape }", high).count == 1)
    }

    @Test func `allows what is below`() {
        let high = "struct Session { var low: Low }"
        #expect(found("struct Low {}", high) == [])
    }

    @Test(arguments: [
        "// Session is above", "/* a /* nested */ Session */", "let a = \"Session\"",
        "let a = #\"a \"Session\" b\"#", "let a = \"\"\"\n    Session \"quoted\"\n    \"\"\"",
        "let a = \"\\(low) Session\"", "let a = low.Session",
    ])
    func `does not count comments, literals and members`(text: String) {
        #expect(found("struct Low {}\n\(text)\n") == [])
    }

    @Test func `counts what is interpolated`() {
        #expect(found("let a = \"x \\(Session(1, (2))) y\"").count == 1)
        #expect(found("let a = \"\"\"\n  \\(f(\"b\", Session.self))\n  \"\"\"").count == 1)
    }

    @Test func `ignores private types and names that mean something within reach`() {
        #expect(found("let a: Session", "private struct Session {}") == [])
        #expect(found("struct Low { struct Session {}; let a: Session }") == [])
    }

    @Test func `knows every folder`() {
        let sources = snippet("struct A {}", at: "Sources/MiniRedis/Utilities/A.swift")
        #expect(brokenLayers(sources).count == 1)
        #expect(brokenLayers(snippet("struct A {}", at: "Sources/MiniRedis/A.swift")).count == 1)
    }

    @Test func `refuses a table with a cycle`() {
        let cycle = [
            FolderLayer(folder: "Bytes", mayMention: ["Time"]),
            FolderLayer(folder: "Time", mayMention: ["Bytes"]),
        ]
        #expect(brokenTable(cycle) == ["Bytes may mention Time, which is not below it"])
        #expect(brokenTable([FolderLayer(folder: "Bytes", mayMention: ["Nowhere"])]).count == 1)
        #expect(brokenTable([cycle[1], cycle[1]]).contains("Time is listed twice"))
    }
}

@Suite struct `The import rule` {
    @Test(arguments: [
        "import Foundation", "internal import Foundation", "import struct Foundation.Data",
        "import CUVShim", "@preconcurrency import CRespParser", "import CJemalloc", "import CLZF",
    ])
    func `finds a module in the wrong folder`(text: String) {
        #expect(brokenImports(snippet(text)).count == 1)
    }

    @Test func `allows a module in its folder`() {
        let path = "Sources/MiniRedis/Networking/Loop.swift"
        #expect(brokenImports(snippet("import CUVShim\nimport Glibc", at: path)) == [])
        #expect(brokenImports(snippet("import Foundation", at: "Tests/A/B.swift")) == [])
    }
}

@Suite struct `The size rule` {
    private func function(lines: Int, head: String = "func long()") -> String {
        "\(head) {\n" + String(repeating: "    work()\n", count: lines - 2) + "}\n"
    }

    @Test func `finds a long line`() {
        #expect(brokenSizes(snippet(String(repeating: "a", count: 100))) == [])
        #expect(brokenSizes(snippet(String(repeating: "a", count: 101))).count == 1)
        #expect(brokenSizes(snippet("// " + String(repeating: "→", count: 97))) == [])
    }

    @Test func `finds a long file`() {
        #expect(brokenSizes(snippet(String(repeating: "a\n", count: 400))) == [])
        #expect(brokenSizes(snippet(String(repeating: "a\n", count: 401))).count == 1)
    }

    @Test(arguments: [
        "func long()", "init(a: Int, b: [Int] = [])", "deinit", "subscript(index: Int) -> Int",
        "var property: Int", "func f<T>(_ g: (T) -> Void = { _ in }) throws(E) -> [T] where T: P",
        "static func == (a: A, b: A) -> Bool",
    ])
    func `finds a long function`(head: String) {
        #expect(brokenSizes(snippet(function(lines: 70, head: head))) == [])
        #expect(brokenSizes(snippet(function(lines: 71, head: head))).count == 1)
    }

    @Test func `takes a declaration without a body for none`() {
        let text = "protocol P {\n    func a()\n    init()\n}\n" + function(lines: 70)
        #expect(brokenSizes(snippet(text)) == [])
        let comments = String(repeating: "    // b\n", count: 80)
        #expect(brokenSizes(snippet("struct S {\n    var a: Int\n\(comments)}\n")) == [])
    }

    @Test func `finds a long C function`() {
        let path = "Sources/CRespParser/parser.c"
        let head = "static int parse(struct parser *p, int c)"
        #expect(brokenSizes(snippet(function(lines: 70, head: head), at: path)) == [])
        #expect(brokenSizes(snippet(function(lines: 71, head: head), at: path)).count == 1)
        let text = "struct s {\n" + String(repeating: "    char c; // '{'\n", count: 90) + "};\n"
        #expect(brokenSizes(snippet(text, at: path)) == [])
    }

    @Test func `allows an exception, and removes it when it is not needed`() {
        let path = "Sources/MiniRedis/Keyspace/Sample.swift"
        let exceptions = [TidyException(path: path, subject: "long", reason: "it is one table")]
        let long = snippet(function(lines: 71))
        #expect(brokenSizes(long, exceptions: exceptions) == [])
        #expect(brokenSizes(snippet("a"), exceptions: exceptions).count == 1)
        #expect(brokenSizes(snippet("a", at: "Sources/B.swift"), exceptions: exceptions) == [])
        let silent = [TidyException(path: path, subject: "long", reason: "")]
        #expect(brokenSizes(long, exceptions: silent).count == 1)
    }
}

@Suite struct `The ban rule` {
    @Test(arguments: [
        "fatalError(\"x\")", "let a = try! f()", "let a = b as! C", "DispatchQueue.main",
        "Task { work() }", "print(1)", "Swift.print(1)", "String(decoding: a, as: UTF8.self)",
        "// FIXME: later",
        "final class A: @unchecked Sendable {}", "nonisolated(unsafe) let a = 1",
    ])
    func `finds a banned spelling`(text: String) {
        #expect(brokenBans(snippet(text)).count == 1)
    }

    @Test(arguments: [
        "// fatalError(", "let a = \"print(1)\"", "debugPrint(1)", "a.print(1)",
        "let a = try? f()",
        "subTask {}", "try f()", "let a = b as? C",
    ])
    func `leaves the rest alone`(text: String) {
        #expect(brokenBans(snippet(text)) == [])
    }

    @Test func `bans strings in hot folders only`() {
        let text = "let a = String(decoding: b, as: UTF8.self)"
        #expect(brokenBans(snippet(text, at: "Sources/MiniRedis/Server/A.swift")) == [])
        #expect(brokenBans(snippet(text, at: "Sources/MiniRedis/Types/A.swift")).count == 1)
    }

    @Test func `names the replacement`() throws {
        let violation = try #require(brokenBans(snippet("\n\nfatalError()")).first)
        #expect(violation.line == 3)
        #expect(violation.message.contains("preconditionFailure"))
    }
}

@Suite struct `The rules of memory and state` {
    @Test(arguments: [
        "a.load(as: Int.self)", "a.load(fromByteOffset: 1, as: Int.self)", "a.storeBytes(of: 1)",
        "malloc(1)", "a.initializeMemory(as: Int.self)", "memcpy(a, b, 1)",
    ])
    func `raw memory is not touched outside of its folders`(text: String) {
        #expect(brokenRawMemory(snippet(text)).count == 1)
        #expect(brokenRawMemory(snippet(text, at: "Sources/MiniRedis/Memory/A.swift")) == [])
        #expect(brokenRawMemory(snippet(text, at: "Sources/MiniRedis/Keyspace/Entry.swift")) == [])
    }

    @Test func `atomics and handles are not raw memory`() {
        let text = "a.load(ordering: .relaxed)\nlet b: UnsafeMutablePointer<Database>\nx.malloc(1)"
        #expect(brokenRawMemory(snippet(text)) == [])
    }

    @Test(arguments: [
        "var a = 1", "private var a: Int?", "public internal(set) var a = 1",
        "struct S { static var a = 1 }", "enum E {\n    private static var a: Int = 1\n}",
        "nonisolated(unsafe) var a: Int",
    ])
    func `a mutable global is found`(text: String) {
        #expect(brokenGlobals(snippet(text)).count == 1)
    }

    @Test(arguments: [
        "let a = 1", "var a: Int { 1 }", "struct S { var a = 1 }", "struct S { static let a = 1 }",
        "enum E { static var a: Int { 1 } }", "func f() { var a = 1 }",
    ])
    func `constants, members and computed variables are none`(text: String) {
        #expect(brokenGlobals(snippet(text)) == [])
    }
}

@Suite struct `The rule of beginnings` {
    private let licence = "// SPDX-License-Identifier: BSD-3-Clause\n"

    @Test func `a file needs its licence and a comment before its code`() {
        #expect(brokenBeginnings(snippet("import Glibc\n")).count == 1)
        #expect(brokenBeginnings(snippet(licence + "struct A {}\n")).count == 1)
        #expect(brokenBeginnings(snippet(licence + "//\n\nstruct A {}\n// late\n")).count == 1)
        #expect(brokenBeginnings(snippet(licence + "//\n// What it knows.\nstruct A {}\n")) == [])
        let late = licence + "import Glibc\n\n/// Essay.\nstruct A {}"
        #expect(brokenBeginnings(snippet(late)) == [])
    }

    @Test func `a C file may begin with a block comment`() {
        let text = "/* SPDX-License-Identifier: BSD-3-Clause\n *\n * What it knows. */\nint a;"
        #expect(brokenBeginnings(snippet(text, at: "Sources/C/a.h")) == [])
    }
}
