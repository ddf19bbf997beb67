// SPDX-License-Identifier: BSD-3-Clause
//
// The layers of the module MiniRedis: which folder may mention the types of which, and which module
// belongs to which folder. Folders are no boundaries for the compiler; this table makes them so.

/// A folder and the folders whose types it may mention, beside its own.
struct FolderLayer {
    let folder: String
    let mayMention: [String]
}

private let belowSession = [
    "Keyspace", "Types", "Protocol", "PubSub", "AccessControl", "Bytes", "Time", "Memory",
    "Structures",
]
private let belowCommands = belowSession + ["Session"]

/// Bottom first. A folder may only mention folders above its own line: the table has no cycle.
let layerTable: [FolderLayer] = [
    FolderLayer(folder: "Bytes", mayMention: []),
    FolderLayer(folder: "Time", mayMention: []),
    FolderLayer(folder: "Memory", mayMention: ["Bytes"]),
    FolderLayer(folder: "Structures", mayMention: ["Bytes", "Memory"]),
    FolderLayer(folder: "Protocol", mayMention: ["Bytes"]),
    FolderLayer(folder: "Networking", mayMention: ["Bytes", "Time"]),
    FolderLayer(folder: "Types", mayMention: ["Structures", "Bytes", "Memory", "Time"]),
    FolderLayer(
        folder: "Keyspace",
        mayMention: ["Types", "Structures", "Protocol", "Bytes", "Memory", "Time"]),
    FolderLayer(folder: "PubSub", mayMention: ["Bytes", "Structures"]),
    FolderLayer(folder: "AccessControl", mayMention: ["Bytes", "Structures"]),
    FolderLayer(
        folder: "Session",
        mayMention: ["Keyspace", "PubSub", "AccessControl", "Protocol", "Bytes", "Time"]),
    FolderLayer(folder: "CommandTable", mayMention: belowCommands),
    FolderLayer(folder: "Commands", mayMention: belowCommands + ["CommandTable"]),
    FolderLayer(
        folder: "Execution",
        mayMention: [
            "CommandTable", "Session", "Keyspace", "Types", "Protocol", "Bytes", "Time", "Memory",
            "Structures",
        ]),
    FolderLayer(
        folder: "Persistence",
        mayMention: ["Keyspace", "Types", "Protocol", "Bytes", "Time", "Memory", "Structures"]),
    FolderLayer(
        folder: "Replication",
        mayMention: ["Protocol", "Bytes", "Structures", "Memory", "Time"]),
    FolderLayer(
        folder: "Server",
        mayMention: belowCommands + [
            "CommandTable", "Commands", "Execution", "Persistence", "Replication", "Networking",
        ]),
]

/// Modules that one folder alone may import; what is not listed may be imported everywhere.
let moduleOwners = [
    "CUVShim": "Networking", "CRespParser": "Protocol", "CJemalloc": "Memory", "CLZF": "Bytes",
    "CProcess": "Server",
]

/// Modules that the product does without.
let bannedModules = ["Foundation", "FoundationEssentials", "Dispatch", "XCTest"]

/// The name of a type and where it is declared.
struct TidyTypeDeclaration {
    let name: String
    let folder: String
    /// Declared at the top of a file, or directly in an extension.
    let isReachable: Bool
    /// Directly in an extension: mentioned behind a dot.
    let isNested: Bool
}

private let declarators: Set<String> = [
    "struct", "class", "enum", "protocol", "typealias", "actor",
]

/// The types that a file declares, at any depth.
func typeDeclarations(in file: SourceFile, folder: String) -> [TidyTypeDeclaration] {
    var declarations: [TidyTypeDeclaration] = []
    var scopes: [String] = []  // the word that opened each brace: "extension", or anything else
    var pending = ""
    let tokens = file.tokens
    for (index, token) in tokens.enumerated() {
        switch token.text {
        case "extension": pending = "extension"
        case "{":
            scopes.append(pending)
            pending = ""
        case "}": _ = scopes.popLast()
        default: break
        }
        guard declarators.contains(token.text), index + 1 < tokens.count,
            tokens[index + 1].isWord, tokens[index + 1].text.first?.isUppercase == true,
            index == 0 || tokens[index - 1].text != "."
        else { continue }
        pending = token.text
        let modifiers = tokens[max(0, index - 3)..<index].map(\.text)
        let isPrivate = modifiers.contains("private") || modifiers.contains("fileprivate")
        declarations.append(
            TidyTypeDeclaration(
                name: tokens[index + 1].text, folder: folder,
                isReachable: !isPrivate && (scopes.isEmpty || scopes == ["extension"]),
                isNested: !scopes.isEmpty))
    }
    return declarations
}

/// Files outside of the table, and mentions of types that are declared in a folder out of reach.
func brokenLayers(_ tree: SourceTree, layers: [FolderLayer] = layerTable) -> [TidyViolation] {
    let allowed = Dictionary(uniqueKeysWithValues: layers.map { ($0.folder, Set($0.mayMention)) })
    let files = tree.files.compactMap { file in
        file.isSwift ? file.folder.map { (file: file, folder: $0) } : nil
    }
    var found: [TidyViolation] = []
    var declarations: [String: [TidyTypeDeclaration]] = [:]
    for (file, folder) in files {
        if allowed[folder] == nil {
            let message = "the folder '\(folder)' is not in the table of layers: add it"
            found.append(TidyViolation(path: file.path, line: 1, message: message))
        }
        for declaration in typeDeclarations(in: file, folder: folder) {
            declarations[declaration.name, default: []].append(declaration)
        }
    }
    for (file, folder) in files {
        guard let mayMention = allowed[folder] else { continue }
        let reach = mayMention.union([folder])
        found += mentions(in: file, folder, of: declarations, outside: reach)
    }
    return found
}

private func mentions(
    in file: SourceFile, _ folder: String, of declarations: [String: [TidyTypeDeclaration]],
    outside reach: Set<String>
) -> [TidyViolation] {
    var found: [TidyViolation] = []
    for (index, token) in file.tokens.enumerated() where token.isWord {
        // A name that also means something within reach is not evidence.
        guard let known = declarations[token.text], known.allSatisfy({ !reach.contains($0.folder) })
        else { continue }
        let isMember = index > 0 && file.tokens[index - 1].text == "."
        guard let declared = known.first(where: { $0.isReachable && (!isMember || $0.isNested) }),
            !declared.isNested || known.count == 1
        else { continue }
        let message =
            "\(folder) may not mention \(token.text), which is declared in"
            + " \(declared.folder): move it down, or hand in what is needed of it"
        found.append(file.violation(at: token.offset, message))
    }
    return found
}

/// Folders that the table lists twice, mentions of folders that it does not list, and cycles.
func brokenTable(_ layers: [FolderLayer]) -> [String] {
    var found: [String] = []
    var seen: Set<String> = []
    let all = Set(layers.map(\.folder))
    for layer in layers {
        for mention in layer.mayMention where !all.contains(mention) {
            found.append("\(layer.folder) may mention \(mention), which is no folder")
        }
        for mention in layer.mayMention where all.contains(mention) && !seen.contains(mention) {
            found.append("\(layer.folder) may mention \(mention), which is not below it")
        }
        if !seen.insert(layer.folder).inserted { found.append("\(layer.folder) is listed twice") }
    }
    return found
}

/// Imports of what belongs to another folder or to no product.
func brokenImports(_ tree: SourceTree) -> [TidyViolation] {
    var found: [TidyViolation] = []
    for file in tree.files where file.isSwift && file.isProduct {
        for (index, token) in file.tokens.enumerated() where token.text == "import" {
            guard let module = importedModule(file.tokens, after: index) else { continue }
            if bannedModules.contains(module) {
                let message = "the product does without \(module): use Glibc, or what Bytes offers"
                found.append(file.violation(at: token.offset, message))
            }
            if let folder = moduleOwners[module], folder != file.folder {
                let message = "only \(folder) imports \(module): use what \(folder) offers"
                found.append(file.violation(at: token.offset, message))
            }
        }
    }
    return found
}

private func importedModule(_ tokens: [SourceToken], after index: Int) -> String? {
    let kinds = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
    var next = index + 1
    if next < tokens.count, kinds.contains(tokens[next].text) { next += 1 }
    return next < tokens.count ? tokens[next].text : nil
}
