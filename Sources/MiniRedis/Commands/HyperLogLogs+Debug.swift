// SPDX-License-Identifier: BSD-3-Clause
//
// HyperLogLogs as their makers look at them: PFDEBUG, PFSELFTEST.

extension HyperLogLogs {
    static let checks: [Command] = [
        Command(
            "PFDEBUG", in: .hyperloglog, since: "2.8.9", complexity: "N/A",
            summary: "Shows how a HyperLogLog is stored.",
            flags: [.write, .denyOutOfMemory, .admin], documentFlags: ["syscmd"],
            syntax: [.string("subcommand"), .key("key", [.readWrite, .access])],
            run: .data(debug)),
        Command(
            "PFSELFTEST", in: .hyperloglog, since: "2.8.9", complexity: "N/A",
            summary: "Checks that HyperLogLogs work.",
            flags: [.admin], documentFlags: ["syscmd"],
            run: .data(selfTest)),
    ]

    /// PFDEBUG GETREG | DECODE | ENCODING | TODENSE key
    static func debug(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(2)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else {
            throw .keyDoesNotExist
        }
        let word = context[1]
        let isDense = try withView(Entry(slot.entry)) { $0.isDense }
        if word.equalsFolded("getreg") {
            try makeDense(context, key, isDense)
            try replyRegisters(context, key)
        } else if word.equalsFolded("decode") {
            guard !isDense else { throw .hyperLogLogNotSparse }
            context.reply.bulk(try withView(Entry(slot.entry)) { decoded($0.bytes) })
        } else if word.equalsFolded("encoding") {
            context.reply.simple(isDense ? "dense" : "sparse")
        } else if word.equalsFolded("todense") {
            try makeDense(context, key, isDense)
            context.reply.integer(isDense ? 0 : 1)
        } else {
            context.reply.error("ERR Unknown PFDEBUG subcommand '\(word.string)'")
            throw .written
        }
    }

    private static func makeDense(
        _ context: DataContext, _ key: KeyArgument, _ isDense: Bool
    ) throws(ErrorReply) {
        guard !isDense else { return }
        try edit(context, key, raises: 0) { $0.makeDense() ? 1 : nil }
    }

    private static func replyRegisters(
        _ context: DataContext, _ key: KeyArgument
    ) throws(ErrorReply) {
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else { return }
        context.reply.array(HyperLogLog.registers)
        try withView(Entry(slot.entry)) { view in
            view.forEachRun { value, _, _ in context.reply.integer(Int(value)) } ? true : nil
        }
    }

    /// The opcodes as text: `z:` and `Z:` with a number of zeros, `v:` with a value and how often.
    private static func decoded(_ bytes: ByteView) -> String {
        var words: [String] = []
        var at = HyperLogLog.headerBytes
        while at < bytes.count, let run = SparseRun(bytes, at: at) {
            if run.value > 0 {
                words.append("v:\(run.value),\(run.length)")
            } else {
                words.append("\(run.byteCount == 2 ? "Z" : "z"):\(run.length)")
            }
            at += run.byteCount
        }
        return words.joined(separator: " ")
    }

    /// PFSELFTEST
    static func selfTest(_ context: DataContext) throws(ErrorReply) {
        if let problem = HyperLogLogCheck.run() {
            context.reply.error("\(problem)")
            throw .written
        }
        context.reply.ok()
    }
}
