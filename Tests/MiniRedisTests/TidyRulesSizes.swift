// SPDX-License-Identifier: BSD-3-Clause
//
// How long a line, a function and a file may be. What is longer is listed with a reason, and the
// list may only shrink.

let maximumColumns = 100
let maximumFunctionLines = 70
let maximumFileLines = 400

/// Subjects: `line`, `file`, or a function's name.
let sizeExceptions: [TidyException] = []

/// A function's name and the lines that it takes, from its first word to its closing brace.
struct FunctionExtent {
    let name: String
    let offset: Int
    let lines: Int
}

func brokenSizes(
    _ tree: SourceTree, exceptions: [TidyException] = sizeExceptions
) -> [TidyViolation] {
    var found: [(subject: String, violation: TidyViolation)] = []
    for file in tree.files {
        for (index, line) in file.lines.enumerated() where columns(line) > maximumColumns {
            let message = "\(columns(line)) columns; \(maximumColumns) are allowed: break the line"
            found.append(
                ("line", TidyViolation(path: file.path, line: index + 1, message: message)))
        }
        guard file.isProduct else { continue }
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        if count > maximumFileLines {
            let message = "\(count) lines; \(maximumFileLines) are allowed: split it by aspect"
            found.append(("file", TidyViolation(path: file.path, line: 1, message: message)))
        }
        let functions = file.isSwift ? swiftFunctions(in: file) : cFunctions(in: file)
        for function in functions where function.lines > maximumFunctionLines {
            let message =
                "\(function.name) takes \(function.lines) lines;"
                + " \(maximumFunctionLines) are allowed: split it"
            found.append((function.name, file.violation(at: function.offset, message)))
        }
    }
    return applyExceptions(exceptions, to: found, in: tree)
}

private func columns(_ line: Substring) -> Int {
    line.utf8.count <= maximumColumns ? line.utf8.count : line.unicodeScalars.count
}

/// Words that begin another declaration or statement, so that what came before had no body.
private let beginnings: Set<String> = [
    "func", "init", "deinit", "subscript", "var", "let", "case", "struct", "class", "enum",
    "extension", "protocol", "typealias", "import", "static", "public", "private", "fileprivate",
    "internal", "mutating", "if", "for", "while", "switch", "guard", "return", "do", "repeat",
    "defer", "associatedtype",
]

/// Functions, initialisers, subscripts and computed properties that have a body.
func swiftFunctions(in file: SourceFile) -> [FunctionExtent] {
    let tokens = file.tokens
    var functions: [FunctionExtent] = []
    for (index, token) in tokens.enumerated() {
        guard ["func", "init", "deinit", "subscript", "var"].contains(token.text),
            index == 0 || tokens[index - 1].text != ".", index + 1 < tokens.count,
            let open = bodyStart(tokens, of: index), let close = matchingBrace(tokens, open)
        else { continue }
        let isNamed = token.text == "func" || token.text == "var"
        let lines = file.line(at: tokens[close].offset) - file.line(at: token.offset) + 1
        functions.append(
            FunctionExtent(
                name: isNamed ? tokens[index + 1].text : token.text, offset: token.offset,
                lines: lines))
    }
    return functions
}

private func bodyStart(_ tokens: [SourceToken], of index: Int) -> Int? {
    var depth = 0
    for next in (index + 1)..<tokens.count {
        let text = tokens[next].text
        if text == "(" || text == "[" { depth += 1 }
        if text == ")" || text == "]" { depth -= 1 }
        guard depth == 0 else { continue }
        if text == "{" { return next }
        let isStored = tokens[index].text == "var" && text == "="
        if depth < 0 || text == "}" || isStored { return nil }
        if next > index + 1, tokens[next - 1].text != "@", beginnings.contains(text) { return nil }
    }
    return nil
}

private func matchingBrace(_ tokens: [SourceToken], _ open: Int) -> Int? {
    var depth = 0
    for index in open..<tokens.count {
        if tokens[index].text == "{" { depth += 1 }
        if tokens[index].text == "}" { depth -= 1 }
        if depth == 0 { return index }
    }
    return nil
}

/// C functions as clang-format lays them out: the closing brace alone in the first column.
func cFunctions(in file: SourceFile) -> [FunctionExtent] {
    var functions: [FunctionExtent] = []
    let tokens = file.tokens
    var index = 0
    while index < tokens.count {
        guard tokens[index].text == "{", let close = matchingBrace(tokens, index) else {
            index += 1
            continue
        }
        if let name = cFunctionName(tokens, before: index) {
            let first = file.line(at: tokens[name].offset)
            let lines = file.line(at: tokens[close].offset) - first + 1
            functions.append(
                FunctionExtent(name: tokens[name].text, offset: tokens[name].offset, lines: lines))
        }
        // `extern "C" {` and the like hold functions; a function's body and a type do not.
        index = index > 0 && tokens[index - 1].text == "extern" ? index + 1 : close + 1
    }
    return functions
}

private func cFunctionName(_ tokens: [SourceToken], before open: Int) -> Int? {
    guard open > 0, tokens[open - 1].text == ")" else { return nil }
    var depth = 0
    for index in stride(from: open - 1, through: 0, by: -1) {
        if tokens[index].text == ")" { depth += 1 }
        if tokens[index].text == "(" { depth -= 1 }
        if depth == 0 { return index > 0 && tokens[index - 1].isWord ? index - 1 : nil }
    }
    return nil
}
