// SPDX-License-Identifier: BSD-3-Clause
//
// Estimates of how many different elements there were: PFADD, PFCOUNT, PFMERGE.

enum HyperLogLogs {
    static let declarations: [Command] = [
        Command(
            "PFADD", in: .hyperloglog, since: "2.8.9", complexity: "O(1) for each element.",
            summary: "Adds elements to the HyperLogLog that a key holds; creates the key.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .insert]), .optional(.many(.string("element")))],
            run: .data(add)),
        Command(
            "PFCOUNT", in: .hyperloglog, since: "2.8.9",
            complexity: "O(1) for one key, whose estimate is remembered; O(N) for N keys.",
            summary: "Estimates the number of different elements added to one or more keys.",
            flags: [.readOnly],
            syntax: [.many(.key("key", [.readWrite, .access]))],
            run: .data(count)),
        Command(
            "PFMERGE", in: .hyperloglog, since: "2.8.9",
            complexity: "O(N) where N is the number of keys.",
            summary: "Adds the elements of HyperLogLogs to another one.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("destkey", [.readWrite, .access, .insert]),
                .optional(.many(.key("sourcekey", [.readOnly, .access]))),
            ],
            run: .data(merge)),
    ]

    // MARK: - Reading

    /// Calls with the HyperLogLog in an entry, and throws if it is none or returns nil: then its
    /// registers are corrupted.
    @discardableResult
    static func withView<Result>(
        _ entry: Entry, _ body: (HyperLogLogView) -> Result?
    ) throws(ErrorReply) -> Result {
        guard entry.type == .string else { throw .wrongType }
        guard case .bytes(let text) = entry.string, let view = HyperLogLogView(text)
        else { throw .notHyperLogLog }
        guard let result = body(view) else { throw .corruptedHyperLogLog }
        return result
    }

    /// https://redis.io/docs/latest/commands/pfcount/
    ///
    /// The estimate is written into the value, which is no change of what it says. Where that
    /// cannot be done in place, because a snapshot sees the value, it is reckoned again the next
    /// time.
    static func count(_ context: DataContext) throws(ErrorReply) {
        guard context.count == 2 else { return try countUnion(context) }
        let key = context.key(1)
        guard let entry = context.database.pointee.read(key.bytes, key.hash) else {
            return context.reply.integer(0)
        }
        if let cached = try withView(entry, { Optional.some($0.cachedCount) }) {
            return context.reply.integer(Int64(clamping: cached))
        }
        let estimate = try withView(entry) { $0.count() }
        if let slot = context.database.pointee.lookup(key.bytes, key.hash) {
            context.database.pointee.annotateString(slot, key.hash) {
                HyperLogLogEditor.remember(estimate, in: $0)
            }
            // The remembered estimate is part of the string that GET returns.
            context.propagateRequest()
        }
        context.reply.integer(Int64(clamping: estimate))
    }

    private static func countUnion(_ context: DataContext) throws(ErrorReply) {
        try withRegisters { registers throws(ErrorReply) in
            for index in 1..<context.count {
                let key = context.key(index)
                guard let entry = context.database.pointee.read(key.bytes, key.hash) else {
                    continue
                }
                try withView(entry) { $0.merge(into: registers) ? true : nil }
            }
            let estimate = HyperLogLogEstimate.count(registers: registers)
            context.reply.integer(Int64(clamping: estimate))
        }
    }

    /// Calls with 16384 zeros.
    private static func withRegisters(
        _ body: (UnsafeMutableBufferPointer<UInt8>) throws(ErrorReply) -> Void
    ) throws(ErrorReply) {
        let failure = withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: HyperLogLog.registers
        ) { registers -> ErrorReply? in
            registers.initialize(repeating: 0)
            do throws(ErrorReply) {
                try body(registers)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    // MARK: - Changing

    /// Lets `body` change the HyperLogLog at `key`, an empty one if there is none, with room for
    /// `raises` registers that are set. `body` returns how many changes it made, or nil if the
    /// value is corrupted: then nothing has happened.
    static func edit(
        _ context: DataContext, _ key: KeyArgument, raises: Int,
        _ body: (inout HyperLogLogEditor) -> Int?
    ) throws(ErrorReply) {
        let database = context.database
        let limit = context.limits.hyperLogLogSparseBytes
        guard let slot = database.pointee.lookup(key.bytes, key.hash) else {
            return try editCopy(of: nil, raises) { room in
                var editor = HyperLogLogEditor(emptyIn: room, sparseLimit: limit)
                guard let changes = body(&editor) else { return false }
                database.pointee.storeEdited(
                    nil, key, editor.view, .pfAdd, changes: changes + 1)
                return true
            }
        }
        let entry = Entry(slot.entry)
        if try withView(entry, { $0.isDense }) {
            return database.pointee.editString(
                slot, key, atLeast: HyperLogLog.denseBytes, .pfAdd
            ) { bits in
                var editor = HyperLogLogEditor(bits, count: bits.count, sparseLimit: limit)
                return body(&editor) ?? 0
            }
        }
        guard case .bytes(let text) = entry.string, text.count <= HyperLogLog.longestSparse else {
            throw .corruptedHyperLogLog
        }
        try editCopy(of: text, raises) { room in
            var editor = HyperLogLogEditor(room, count: text.count, sparseLimit: limit)
            guard let changes = body(&editor) else { return false }
            if changes > 0 {
                database.pointee.storeEdited(slot, key, editor.view, .pfAdd, changes: changes)
            }
            return true
        }
    }

    /// Calls with a copy of the text that has room to grow; false is for corrupted.
    private static func editCopy(
        of text: ByteView?, _ raises: Int, _ body: (BitString) -> Bool
    ) throws(ErrorReply) {
        let growth = min(raises, HyperLogLog.registers) * 3
        let size = max(HyperLogLog.denseBytes, (text?.count ?? 0) + growth) + 8
        let isWhole = BitString.withRoom(size, startingWith: text ?? ByteView(""), body)
        guard isWhole else { throw .corruptedHyperLogLog }
    }

    /// https://redis.io/docs/latest/commands/pfadd/
    static func add(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        var isChanged = context.database.pointee.lookup(key.bytes, key.hash) == nil
        try edit(context, key, raises: context.count - 2) { editor in
            var changes = 0
            for index in 2..<max(2, context.count) {
                let place = HyperLogLog.place(of: context[index])
                switch editor.raise(place.index, to: place.value) {
                case .unchanged: break
                case .changed: changes += 1
                case .corrupted: return nil
                }
            }
            if changes > 0 || isChanged { editor.forgetCount() }
            isChanged = isChanged || changes > 0
            return changes
        }
        context.reply.integer(isChanged ? 1 : 0)
    }

    /// https://redis.io/docs/latest/commands/pfmerge/
    static func merge(_ context: DataContext) throws(ErrorReply) {
        try withRegisters { registers throws(ErrorReply) in
            var isDense = false
            for index in 1..<context.count {
                let key = context.key(index)
                guard let entry = context.database.pointee.read(key.bytes, key.hash) else {
                    continue
                }
                isDense = try withView(entry, { $0.isDense }) || isDense
                try withView(entry) { $0.merge(into: registers) ? true : nil }
            }
            try edit(context, context.key(1), raises: HyperLogLog.registers) { editor in
                guard !isDense || editor.makeDense() else { return nil }
                for index in 0..<HyperLogLog.registers where registers[index] > 0 {
                    let outcome = editor.raise(index, to: registers[index])
                    if outcome == .corrupted { return nil }
                }
                editor.forgetCount()
                return 1
            }
        }
        context.reply.ok()
    }
}
