// SPDX-License-Identifier: BSD-3-Clause
//
// CommandTable: names to commands.
//
// The declarations are turned, once, into a dense array of small records: what the hot path needs
// of a command and nothing else. A name is looked up by its folded bytes, eight at a time, and its
// length, in an open-addressed array of 16-bit numbers. Subcommands are records too, after their
// container's.
//
// A record is reached through a pointer and passed as a borrow: then running its handler is one
// load and one indirect call. Statistics lie in an array beside the records, by the same number,
// since they change and records do not.

/// A name of up to 24 bytes, case folded.
struct FoldedName: Equatable {
    static let longest = 24

    var words: (UInt64, UInt64, UInt64)
    var count: Int

    /// Nil if the name is empty or longer than any command's.
    @inline(__always)
    init?(_ name: ByteView) {
        guard name.count > 0 && name.count <= Self.longest else { return nil }
        count = name.count
        words = (ASCIICase.foldedWord(at: name.base, count: min(8, name.count)), 0, 0)
        if name.count > 8 {
            words.1 = ASCIICase.foldedWord(at: name.base + 8, count: min(8, name.count - 8))
        }
        if name.count > 16 {
            words.2 = ASCIICase.foldedWord(at: name.base + 16, count: name.count - 16)
        }
    }

    @inline(__always)
    static func == (left: FoldedName, right: FoldedName) -> Bool {
        left.count == right.count && left.words == right.words
    }

    @inline(__always)
    var hash: UInt64 {
        let mixed = words.0 ^ (words.1 &* 31) ^ (words.2 &* 131) ^ UInt64(truncatingIfNeeded: count)
        return mixed &* 0x9E37_79B9_7F4A_7C15
    }
}

/// What running a command needs of its declaration.
struct CommandRecord: ~Copyable {
    let name: FoldedName
    let flags: CommandFlags
    /// The fewest and the most arguments, the name included.
    let fewestArguments: Int
    let mostArguments: Int
    /// The first key's argument, or 0.
    let firstKey: Int
    /// Whether the argument behind the first key is an element that is looked for in the collection
    /// at that key.
    let findsElement: Bool
    /// The handler of any kind, called with the frame that its context consists of.
    private let runner: Runner
    /// The records of subcommands; empty for most.
    var subcommands: Range<Int> = 0..<0

    /// Runs the handler.
    @inline(__always)
    borrowing func run(_ frame: UnsafeMutablePointer<ExecutionFrame>) throws(ErrorReply) {
        try runner(frame)
    }

    private typealias Runner =
        @Sendable (UnsafeMutablePointer<ExecutionFrame>) throws(ErrorReply) -> Void

    init(
        name: FoldedName, flags: CommandFlags, arguments: ClosedRange<Int>, firstKey: Int,
        findsElement: Bool, handler: Handler
    ) {
        self.name = name
        self.flags = flags
        fewestArguments = arguments.lowerBound
        mostArguments = arguments.upperBound
        self.firstKey = firstKey
        self.findsElement = findsElement
        // A context is the frame's pointer and nothing else, so the three kinds of handler are
        // called alike. Telling them apart at each call would cost two reference counts.
        runner =
            switch handler {
            case .data(let run): unsafeBitCast(run, to: Runner.self)
            case .session(let run): unsafeBitCast(run, to: Runner.self)
            case .administration(let run): unsafeBitCast(run, to: Runner.self)
            case .container: { _ throws(ErrorReply) in throw .wrongArity }
            }
    }
}

/// What commandstats shows.
struct CommandStatistics {
    var calls = 0
    /// Cycles spent in the handler.
    var cycles: UInt64 = 0
    /// Refused before they ran.
    var rejected = 0
    /// Ran, and answered an error.
    var failed = 0
    /// Made at the first call, if latencies are tracked; the table frees it.
    var histogram: LatencyHistogram?
}

/// Where names lead to: the part of the table that lookups read. A copy of it stays valid as long
/// as the table.
struct CommandIndex {
    fileprivate static let slotBits = 11

    let records: UnsafeMutablePointer<CommandRecord>
    fileprivate let slots: UnsafeMutablePointer<UInt16>
    /// The names that `rename-command` made longer than any command's, which is a way to hide one.
    fileprivate let longNames: UnsafeMutablePointer<[(name: String, record: Int)]>

    /// The record of a command's name, or nil.
    @inline(__always)
    func find(_ name: ByteView) -> Int? {
        guard let folded = FoldedName(name) else { return findLong(name) }
        var slot = Int(truncatingIfNeeded: folded.hash >> UInt64(64 - Self.slotBits))
        while true {
            let number = Int(slots[slot])
            if number == 0 { return nil }
            if records[number - 1].name == folded { return number - 1 }
            slot = (slot + 1) & (1 << Self.slotBits - 1)
        }
    }

    @inline(never)
    private func findLong(_ name: ByteView) -> Int? {
        guard !longNames.pointee.isEmpty else { return nil }
        let wanted = name.string.lowercased()
        return longNames.pointee.first { $0.name == wanted }?.record
    }

    /// The record of a subcommand, or nil.
    func find(_ name: ByteView, in container: Int) -> Int? {
        guard let folded = FoldedName(name) else { return nil }
        return records[container].subcommands.first { records[$0].name == folded }
    }

    /// What the arguments of a request name.
    enum Resolution {
        case record(Int)
        case unknownCommand
        case unknownSubcommand
    }

    /// The record that arguments name: a subcommand's if the command has any and there is a second
    /// argument.
    @inline(__always)
    func resolve(_ request: Request) -> Resolution {
        guard let index = find(request[0]) else { return .unknownCommand }
        if records[index].subcommands.isEmpty || request.count == 1 { return .record(index) }
        guard let subcommand = find(request[1], in: index) else { return .unknownSubcommand }
        return .record(subcommand)
    }
}

/// All commands of a server. Built once; never changes.
final class CommandTable {
    /// The declarations, in the order of the records; a subcommand after its container.
    let commands: [Command]
    /// The full names in lower case, `config|get` for a subcommand.
    let names: [String]
    let index: CommandIndex
    let statistics: UnsafeMutablePointer<CommandStatistics>
    /// How many of `commands` are no subcommands.
    let topLevelCount: Int

    /// `renamed` are the new names of commands, by the old ones in lower case; an empty one removes
    /// the command.
    init(_ declarations: [Command], renamed: [String: String] = [:]) {
        let declarations = declarations.filter { renamed[$0.name.lowercased()] != "" }
        var (all, names): ([Command], [String]) = ([], [])
        var containers: [(record: Int, range: Range<Int>)] = []
        for command in declarations {
            all.append(command)
            names.append(command.name.lowercased())
        }
        topLevelCount = all.count
        for (index, command) in declarations.enumerated() where !command.subcommands.isEmpty {
            containers.append((index, all.count..<all.count + command.subcommands.count))
            all += command.subcommands
            names += command.subcommands.map { "\(names[index])|\($0.name.lowercased())" }
        }
        commands = all
        self.names = names
        statistics = .allocate(capacity: all.count)
        statistics.initialize(repeating: CommandStatistics(), count: all.count)
        index = CommandIndex(
            records: .allocate(capacity: all.count),
            slots: .allocate(capacity: 1 << CommandIndex.slotBits),
            longNames: .allocate(capacity: 1))
        index.longNames.initialize(to: [])
        index.slots.initialize(repeating: 0, count: 1 << CommandIndex.slotBits)
        for (number, command) in all.enumerated() {
            let nameWords = number < topLevelCount ? 1 : 2
            let arity = command.arity(nameWords: nameWords)
            let called = number < topLevelCount ? renamed[self.names[number]] : nil
            if let called, called.utf8.count > FoldedName.longest {
                index.longNames.pointee.append((called.lowercased(), number))
            }
            (index.records + number).initialize(
                to: CommandRecord(
                    name: Self.foldedIfShort(called) ?? Self.folded(command.name),
                    flags: command.flags,
                    arguments: arity < 0 ? -arity ... .max : arity...arity,
                    firstKey: Self.firstKey(command, nameWords: nameWords),
                    findsElement: command.findsElement, handler: command.handler))
        }
        for container in containers {
            index.records[container.record].subcommands = container.range
        }
        let hidden = Set(index.longNames.pointee.map(\.record))
        for number in 0..<topLevelCount where !hidden.contains(number) { enter(number) }
    }

    deinit {
        index.records.deinitialize(count: commands.count)
        index.records.deallocate()
        index.longNames.deinitialize(count: 1)
        index.longNames.deallocate()
        index.slots.deallocate()
        forgetLatencies()
        statistics.deallocate()
    }

    /// Forgets the statistics of all commands.
    func resetStatistics() {
        forgetLatencies()
        statistics.update(repeating: CommandStatistics(), count: commands.count)
    }

    /// Forgets the histograms of all commands.
    func forgetLatencies() {
        for number in 0..<commands.count {
            statistics[number].histogram?.deallocate()
            statistics[number].histogram = nil
        }
    }

    private func enter(_ number: Int) {
        let hash = index.records[number].name.hash
        var slot = Int(hash >> UInt64(64 - CommandIndex.slotBits))
        while index.slots[slot] != 0 { slot = (slot + 1) & (1 << CommandIndex.slotBits - 1) }
        index.slots[slot] = UInt16(number + 1)
    }

    /// The argument of the first key, 0 if it is not always the same one.
    private static func firstKey(_ command: Command, nameWords: Int) -> Int {
        guard let specification = command.keySpecifications(nameWords: nameWords).first else {
            return 0
        }
        return specification.isCounted || specification.keyword != nil ? 0 : specification.first
    }

    /// Nil for no name, or one that is too long.
    private static func foldedIfShort(_ name: String?) -> FoldedName? {
        guard var name else { return nil }
        return name.withUTF8 { bytes in
            bytes.baseAddress.flatMap { FoldedName(ByteView($0, count: bytes.count)) }
        }
    }

    private static func folded(_ name: String) -> FoldedName {
        var name = name
        let folded = name.withUTF8 { bytes in
            bytes.baseAddress.flatMap { FoldedName(ByteView($0, count: bytes.count)) }
        }
        guard let folded else { preconditionFailure("a command's name is too long") }
        return folded
    }
}
