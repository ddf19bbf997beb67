// SPDX-License-Identifier: BSD-3-Clause
//
// Commands that wait for keys, as their handlers see it.
//
// A handler that finds nothing asks to wait and returns without a reply. When one of the keys was
// changed the same handler runs again with the same arguments, as a retry: it answers, or asks to
// wait again and so keeps its place among those who wait for the key.
//
//     run --> something there? reply
//         --> mayWait? wait(forKeys:) --> a key was committed --> run, isRetry
//                                     --> the time is over    --> the answer of WaitAnswer
//         --> else: reply as if the time were over

/// How a wait ends that nobody has served.
enum WaitAnswer {
    case null
    case nullArray
}

/// What a handler has asked to wait for.
struct WaitRequest {
    /// The arguments that are keys of the selected database.
    var keys: Range<Int>
    /// Milliseconds; 0 for ever.
    var timeout: Int64
    var answer: WaitAnswer
    /// What the command is to run again with in the place of some arguments.
    var replacements: [(argument: Int, bytes: [UInt8])]
}

/// On whose behalf a handler runs.
enum ExecutionMode {
    /// For a request that has just come.
    case direct
    /// Within EXEC: nothing waits.
    case transaction
    /// For a client that waits for a key, because the key was changed.
    case retry
}

extension SessionContext {
    /// Whether the command may wait. If not, nothing to answer means what the end of its time would
    /// have.
    var mayWait: Bool { frame.pointee.mode != .transaction }

    /// Whether the command runs again after a wait: a wrong type means "still nothing" then.
    var isRetry: Bool { frame.pointee.mode == .retry }

    /// Lets this client wait until one of the keys is changed, then runs the command again; to be
    /// called once, instead of a reply. `timeout` is in milliseconds, 0 for ever; when it is over
    /// the client gets `answer`. `replacements` take the place of arguments that must not be read
    /// anew, such as `$`.
    func wait(
        forKeys keys: Range<Int>, timeout: Int64, answer: WaitAnswer,
        replacing replacements: [(argument: Int, bytes: [UInt8])] = []
    ) {
        precondition(mayWait, "ask `mayWait` first")
        frame.pointee.stillWaits = true
        guard !isRetry else { return }
        session.pointee.hold.insert(.blocked)
        frame.pointee.wait = WaitRequest(
            keys: keys, timeout: timeout, answer: answer, replacements: replacements)
    }

    /// The slot of a key of one type; nil if there is none, or, in a run after a wait, if the key
    /// holds something else.
    func readySlot(_ key: KeyArgument, _ type: ValueType) throws(ErrorReply) -> TableSlot? {
        guard let slot = data.database.pointee.lookup(key.bytes, key.hash) else { return nil }
        if Entry(slot.entry).type == type { return slot }
        if isRetry { return nil }
        throw .wrongType
    }

    /// A timeout in seconds, with or without a fraction, as milliseconds, rounded up; 0 for ever.
    func waitTimeout(_ index: Int) throws(ErrorReply) -> Int64 {
        guard let seconds = FloatingPointText.parseLong(data[index]), !seconds.isNaN else {
            throw .timeoutNotFloat
        }
        let milliseconds = (seconds * 1000).rounded(.up)
        // Redis fails on what is too large only; what is far below zero is negative for it.
        guard milliseconds < 0x1p63 else { throw .timeoutOutOfRange }
        guard milliseconds >= 0 else { throw .timeoutNegative }
        return try checked(Int64(milliseconds))
    }

    /// A timeout in whole milliseconds (XREAD BLOCK); 0 for ever.
    func waitMilliseconds(_ index: Int) throws(ErrorReply) -> Int64 {
        guard let milliseconds = DecimalInteger.parse(data[index]) else {
            throw .timeoutNotInteger
        }
        guard milliseconds >= 0 else { throw .timeoutNegative }
        return try checked(milliseconds)
    }

    private func checked(_ milliseconds: Int64) throws(ErrorReply) -> Int64 {
        guard !data.now.addingReportingOverflow(milliseconds).overflow else {
            throw .timeoutOutOfRange
        }
        return milliseconds
    }
}
