// SPDX-License-Identifier: BSD-3-Clause
//
// Spellings that the product does without, each with what to write instead; where raw memory may be
// touched; no mutable globals; how a file begins.

/// A spelling that is not used, and what is used in its place.
struct SpellingBan {
    let spelling: String
    let instead: String
    /// The folders of MiniRedis in which it is banned; nil: everywhere in the product.
    var folders: Set<String>?
    /// Whether comments count too.
    var inComments = false
    /// Whether it means something else behind a dot.
    var exceptMembers = false
}

private let hotFolders: Set<String> = ["Structures", "Memory", "Keyspace", "Types", "Execution"]

let bannedSpellings: [SpellingBan] = [
    SpellingBan(spelling: "fatalError(", instead: "preconditionFailure(\"why\")"),
    SpellingBan(spelling: "try!", instead: "a typed throw that the caller handles"),
    SpellingBan(spelling: "as!", instead: "a type that needs no cast"),
    SpellingBan(spelling: "DispatchQueue", instead: "the event loop, or a thread of Networking's"),
    SpellingBan(spelling: "Task {", instead: "the event loop: there is no Swift concurrency here"),
    SpellingBan(
        spelling: "Task.detached", instead: "the event loop: there is no Swift concurrency here"),
    SpellingBan(spelling: "print(", instead: "the log", exceptMembers: true),
    SpellingBan(spelling: "Swift.print(", instead: "the log"),
    SpellingBan(spelling: "String(decoding:", instead: "bytes, to the end", folders: hotFolders),
    SpellingBan(spelling: "FIXME", instead: "the fix, or an issue", inComments: true),
    SpellingBan(spelling: "@unchecked Sendable", instead: "a type that the compiler can check"),
    SpellingBan(spelling: "nonisolated(unsafe)", instead: "state that is handed in"),
]

/// Subjects: the banned spelling.
let banExceptions: [TidyException] = [
    TidyException(
        path: "Sources/MiniRedis/Bytes/CRC64.swift", subject: "nonisolated(unsafe)",
        reason: "the address of constant tables, which are written once and never freed"),
    TidyException(
        path: "Sources/MiniRedis/Keyspace/KeyspaceSnapshot.swift", subject: "@unchecked Sendable",
        reason: "what it points to is constant while it lives: the snapshot rule"),
    TidyException(
        path: "Sources/MiniRedis/Server/Server+Loading.swift", subject: "@unchecked Sendable",
        reason: "a job belongs to one thread at a time; starting and joining it hand it over"),
    TidyException(
        path: "Sources/MiniRedis/Memory/LoadingHeap.swift", subject: "@unchecked Sendable",
        reason: "what it points to changes atomically, and is never freed"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/ByteChannel.swift", subject: "@unchecked Sendable",
        reason: "everything that changes does so under its lock"),
    TidyException(
        path: "Sources/MiniRedis/Server/Server+Jobs.swift", subject: "@unchecked Sendable",
        reason: "a job belongs to one thread at a time; the thread pool hands it over"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/SnapshotJob.swift", subject: "@unchecked Sendable",
        reason: "a job belongs to one thread at a time; what both read is atomic"),
    TidyException(
        path: "Sources/MiniRedis/Networking/ChunkChannel.swift", subject: "@unchecked Sendable",
        reason: "everything that changes does so under its lock"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/DumpSpool.swift", subject: "@unchecked Sendable",
        reason: "the thread that writes it has ended when another reads it"),
    TidyException(
        path: "Sources/MiniRedis/Server/Server+ReplicaTransfers.swift",
        subject: "@unchecked Sendable",
        reason: "the loop looks when the thread that writes has ended"),
]

func brokenBans(
    _ tree: SourceTree, exceptions: [TidyException] = banExceptions
) -> [TidyViolation] {
    var found: [(subject: String, violation: TidyViolation)] = []
    for file in tree.files where file.isProduct && file.isSwift {
        for ban in bannedSpellings where ban.folders?.contains(file.folder ?? "") ?? true {
            let message = "'\(ban.spelling)' is not used here: write \(ban.instead)"
            for line in lines(with: ban, in: file) {
                let violation = TidyViolation(path: file.path, line: line, message: message)
                found.append((ban.spelling, violation))
            }
        }
    }
    return applyExceptions(exceptions, to: found, in: tree)
}

private func lines(with ban: SpellingBan, in file: SourceFile) -> [Int] {
    if ban.inComments {
        return file.lines.indices.filter { file.lines[$0].contains(ban.spelling) }.map { $0 + 1 }
    }
    let offsets = file.offsets(of: ban.spelling, exceptMembers: ban.exceptMembers)
    return offsets.map { file.line(at: $0) }
}

// MARK: - Raw memory

private let rawMemoryFolders: Set<String> = [
    "Memory", "Structures", "Bytes", "Protocol", "Networking", "Types",
]

/// Reads and writes of memory by address. Handles such as a pointer to a database are not meant.
private let rawMemoryAccesses = [
    ".load(as:", ".load(fromByteOffset:", ".loadUnaligned(", ".storeBytes(", ".initializeMemory(",
    ".copyMemory(", ".bindMemory(", ".assumingMemoryBound(", ".allocate(byteCount:", "malloc(",
    "calloc(", "realloc(", "memcpy(", "memmove(", "unsafeBitCast(",
]

/// Subjects: the access.
let rawMemoryExceptions: [TidyException] = [
    TidyException(
        path: "Sources/MiniRedis/Keyspace/Entry*", subject: "*",
        reason: "an entry's layout is the keyspace's own"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/RDBCursor.swift", subject: "*",
        reason: "the one place that reads a dump's bytes, within checked bounds"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/ByteChannel.swift", subject: "memcpy(",
        reason: "fills the reader's buffer, as every source does"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/StreamMemory.swift", subject: "*",
        reason: "owns the blocks of the streams and the room where strings are decompressed"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/RDBWriter*", subject: "*",
        reason: "lays the format's numbers out in the stream's block"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/RDBZiplistBuilder.swift", subject: ".storeBytes(",
        reason: "fills the header of a ziplist when its size is known"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/AppendOnlyWriter*", subject: "*",
        reason: "lays the lengths of arguments out in the stream's block"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/ByteStream.swift", subject: "*",
        reason: "owns the block between the format and the file"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/MemoryStream.swift", subject: "*",
        reason: "is the block that stands in for the file"),
    TidyException(
        path: "Sources/MiniRedis/Persistence/SnapshotFile.swift", subject: ".assumingMemoryBound(",
        reason: "a name in a directory entry of C"),
    TidyException(
        path: "Sources/MiniRedis/CommandTable/CommandTable.swift", subject: "unsafeBitCast(",
        reason: "three kinds of handler that are called alike: see CommandRecord"),
]

func brokenRawMemory(
    _ tree: SourceTree, exceptions: [TidyException] = rawMemoryExceptions
) -> [TidyViolation] {
    var found: [(subject: String, violation: TidyViolation)] = []
    for file in tree.files where file.isSwift && file.isProduct {
        if let folder = file.folder, rawMemoryFolders.contains(folder) { continue }
        for access in rawMemoryAccesses {
            for offset in file.offsets(of: access, exceptMembers: true) {
                let message =
                    "'\(access)' touches raw memory outside of Memory, Structures, Bytes, Protocol,"
                    + " Networking and Types: use a view of theirs"
                found.append((access, file.violation(at: offset, message)))
            }
        }
    }
    return applyExceptions(exceptions, to: found, in: tree)
}

// MARK: - Globals

/// Variables at the top of a file, and static ones, that store something.
func brokenGlobals(_ tree: SourceTree) -> [TidyViolation] {
    var found: [TidyViolation] = []
    for file in tree.files where file.isSwift && file.isProduct {
        var depth = 0
        for (index, token) in file.tokens.enumerated() {
            if token.text == "{" { depth += 1 }
            if token.text == "}" { depth -= 1 }
            guard token.text == "var", isStored(file, index) else { continue }
            let isStatic = file.tokens[max(0, index - 3)..<index].contains { $0.text == "static" }
            if depth == 0 || isStatic {
                let message = "a mutable global: keep the state in what owns it and hand it in"
                found.append(file.violation(at: token.offset, message))
            }
        }
    }
    return found
}

/// Whether the variable has a value of its own: no body, or an initial value before it.
private func isStored(_ file: SourceFile, _ index: Int) -> Bool {
    let tokens = file.tokens
    let line = file.line(at: tokens[index].offset)
    for next in (index + 1)..<tokens.count {
        if tokens[next].text == "=" { return true }
        if tokens[next].text == "{" { return false }
        if file.line(at: tokens[next].offset) > line { return true }
    }
    return true
}

// MARK: - How a file begins

/// Files without the licence in the first line and a comment on what they know before any code.
func brokenBeginnings(_ tree: SourceTree) -> [TidyViolation] {
    tree.files.compactMap { file in
        let licence = "SPDX-License-Identifier: BSD-3-Clause"
        let first = file.lines.first ?? ""
        guard first == "// \(licence)" || !file.isSwift && first.contains(licence) else {
            return TidyViolation(path: file.path, line: 1, message: "begin with '// \(licence)'")
        }
        // A test file's name and the names of its tests say what it knows.
        guard !file.isProduct || hasOpeningComment(file.lines.dropFirst(), isSwift: file.isSwift)
        else {
            let message = "say in a comment, before any code, what this file knows"
            return TidyViolation(path: file.path, line: 2, message: message)
        }
        return nil
    }
}

/// Whether a comment with text comes before the first line of code; imports may come before it.
private func hasOpeningComment(_ lines: ArraySlice<Substring>, isSwift: Bool) -> Bool {
    for line in lines {
        let text = line.drop { $0 == " " }
        let marks = isSwift ? ["//", "/*"] : ["//", "/*", "*"]
        if marks.contains(where: { text.hasPrefix($0) }) {
            if text.contains(where: \.isLetter) { return true }
        } else if !text.isEmpty, !text.contains("import "), !text.hasPrefix("#") {
            return false
        }
    }
    return false
}
