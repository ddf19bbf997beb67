// SPDX-License-Identifier: BSD-3-Clause
//
// The lines of the handshake, and the dump that may follow: what each reply of the master leads to.
//
// Input here is whatever a peer sends. A line has a largest length, numbers are strict, and a reply
// that makes no sense ends the attempt; none ends the process.

/// The forty bytes that follow a dump of unknown length. The master draws them at random, so that
/// the dump does not contain them.
struct ReplicationMark: Equatable, Sendable {
    private let bytes: ReplicationID

    /// Forty hexadecimal digits: what every master draws.
    init?(_ text: ByteView) {
        guard let bytes = ReplicationID(text) else { return nil }
        self.bytes = bytes
    }

    init(drawnFrom random: inout RandomSource) {
        bytes = ReplicationID(drawnFrom: &random)
    }

    /// Where it begins in `input`; nil if it is not (wholly) there.
    func firstIndex(in input: ByteView) -> Int? {
        bytes.withView { input.firstIndex(of: $0) }
    }

    func append(to buffer: inout ByteBuffer) { bytes.append(to: &buffer) }
}

extension ReplicaLink {
    /// Takes one line, if there is one, and does what it says.
    mutating func receiveLine(_ input: ByteView, _ now: Int64) -> Step {
        guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else {
            guard input.count <= Self.longestLine else {
                return Step(consumed: input.count, action: giveUp(.lineTooLong, now))
            }
            return .more
        }
        guard end <= Self.longestLine else {
            return Step(consumed: input.count, action: giveUp(.lineTooLong, now))
        }
        var line = input.prefix(end)
        if end > 0, line[end - 1] == UInt8(ascii: "\r") { line = line.prefix(end - 1) }
        // A master that is not ready to answer sends empty lines.
        if line.isEmpty { return Step(consumed: end + 1, action: .none) }
        return Step(consumed: end + 1, action: reply(line, now))
    }

    private mutating func reply(_ line: ByteView, _ now: Int64) -> ReplicaLinkAction {
        let isError = line[0] == UInt8(ascii: "-")
        switch state {
        case .pinging:
            return pingReply(line, now)
        case .authenticating:
            if isError { return giveUp(.authenticationRefused(reply: line.string), now) }
            enter(.announcingPort)
            return .none
        case .announcingPort:
            enter(settings.announcedAddress.isEmpty ? .announcingCapabilities : .announcingAddress)
            return optionReply(.listeningPort, line)
        case .announcingAddress:
            enter(.announcingCapabilities)
            return optionReply(.address, line)
        case .announcingCapabilities:
            return capabilitiesReply(line)
        case .asking:
            return psyncReply(line, now)
        case .awaitingDump:
            return dumpHeader(line, now)
        case .idle, .waiting, .connecting:
            return .impossible("a line without a connection")
        case .receivingMarked, .receivingCounted, .loading, .streaming:
            return .impossible("a line where the master sends no lines")
        }
    }

    private mutating func pingReply(_ line: ByteView, _ now: Int64) -> ReplicaLinkAction {
        // A master that wants a password first, or does not let this user PING, is one all the
        // same.
        let isMaster =
            line[0] == UInt8(ascii: "+") || line.starts("-NOAUTH") || line.starts("-NOPERM")
            || line.starts("-ERR operation not permitted")
        guard isMaster else { return giveUp(.pingRefused(reply: line.string), now) }
        enter(settings.password.isEmpty ? .announcingPort : .authenticating)
        let settings = settings
        write { Self.writeIntroduction(settings, to: &$0) }
        return .send
    }

    /// AUTH, if there is a password, and what this replica is and can: in one segment.
    private static func writeIntroduction(
        _ settings: ReplicaLinkSettings, to output: inout ByteBuffer
    ) {
        if !settings.password.isEmpty {
            RequestEncoder.begin(settings.user.isEmpty ? 2 : 3, to: &output)
            RequestEncoder.argument("AUTH", to: &output)
            if !settings.user.isEmpty { RequestEncoder.argument(text: settings.user, to: &output) }
            RequestEncoder.argument(text: settings.password, to: &output)
        }
        RequestEncoder.begin(3, to: &output)
        RequestEncoder.argument("REPLCONF", to: &output)
        RequestEncoder.argument("listening-port", to: &output)
        RequestEncoder.argument(decimal: Int64(settings.listeningPort), to: &output)
        if !settings.announcedAddress.isEmpty {
            RequestEncoder.begin(3, to: &output)
            RequestEncoder.argument("REPLCONF", to: &output)
            RequestEncoder.argument("ip-address", to: &output)
            RequestEncoder.argument(text: settings.announcedAddress, to: &output)
        }
        RequestEncoder.begin(5, to: &output)
        RequestEncoder.argument("REPLCONF", to: &output)
        RequestEncoder.argument("capa", to: &output)
        RequestEncoder.argument("eof", to: &output)
        RequestEncoder.argument("capa", to: &output)
        RequestEncoder.argument("psync2", to: &output)
    }

    private func optionReply(
        _ option: ReplicaLinkNotice.Option, _ line: ByteView
    ) -> ReplicaLinkAction {
        guard line[0] == UInt8(ascii: "-") else { return .none }
        return .notice(.optionUnknown(option, reply: line.string))
    }

    /// The last reply of the introduction: now PSYNC. (What the master does not know of `capa` it
    /// does not use; so an error is not worth a line in the log.)
    private mutating func capabilitiesReply(_ line: ByteView) -> ReplicaLinkAction {
        let request = request
        write { output in
            RequestEncoder.begin(request.isFailover ? 4 : 3, to: &output)
            RequestEncoder.argument("PSYNC", to: &output)
            if let id = request.id {
                id.withView { RequestEncoder.argument($0, to: &output) }
                RequestEncoder.argument(decimal: request.nextByte, to: &output)
            } else {
                RequestEncoder.argument("?", to: &output)
                RequestEncoder.argument(decimal: -1, to: &output)
            }
            if request.isFailover { RequestEncoder.argument("FAILOVER", to: &output) }
        }
        enter(.asking)
        return .send
    }

    // MARK: - PSYNC

    private mutating func psyncReply(_ line: ByteView, _ now: Int64) -> ReplicaLinkAction {
        if line.starts("+FULLRESYNC") {
            guard let (id, offset) = Self.fullResync(line) else {
                return giveUp(.badReply(line: line.string), now)
            }
            enter(.awaitingDump)
            return .beginFullResync(id, offset: offset)
        }
        if line.starts("+CONTINUE") {
            // Who asked for a snapshot has nothing that could be continued.
            guard request.id != nil, let id = Self.continuation(line) else {
                return giveUp(.badReply(line: line.string), now)
            }
            beginStreaming(now)
            return .resume(id)
        }
        if request.isFailover { return giveUp(.failoverRefused(reply: line.string), now) }
        if line.starts("-NOMASTERLINK") || line.starts("-LOADING") {
            return giveUp(.tryLater(reply: line.string), now)
        }
        guard line[0] == UInt8(ascii: "-") else {
            return giveUp(.badReply(line: line.string), now)
        }
        // A master from before PSYNC. What it sends has no name, so it will always be a snapshot.
        write { $0.append("SYNC\r\n") }
        enter(.awaitingDump)
        return .fallBack(reply: line.string)
    }

    /// "+FULLRESYNC id offset", strictly.
    private static func fullResync(_ line: ByteView) -> (ReplicationID, Int64)? {
        let prefix = "+FULLRESYNC ".utf8.count
        guard line.count > prefix + ReplicationID.count + 1,
            line[prefix - 1] == UInt8(ascii: " "),
            line[prefix + ReplicationID.count] == UInt8(ascii: " "),
            let id = ReplicationID(line.slice(prefix, ReplicationID.count)),
            let offset = DecimalInteger.parse(line.suffix(from: prefix + ReplicationID.count + 1)),
            offset >= 0
        else { return nil }
        return (id, offset)
    }

    /// "+CONTINUE" or "+CONTINUE id": nil if it is neither, an inner nil without an id (a master
    /// that does not know `psync2`).
    private static func continuation(_ line: ByteView) -> ReplicationID?? {
        let word = "+CONTINUE".utf8.count
        if line.count == word { return .some(nil) }
        guard line[word] == UInt8(ascii: " "),
            let id = ReplicationID(line.suffix(from: word + 1))
        else { return nil }
        return .some(id)
    }

    // MARK: - The dump

    private mutating func dumpHeader(_ line: ByteView, _ now: Int64) -> ReplicaLinkAction {
        if line[0] == UInt8(ascii: "-") {
            return giveUp(.transferAborted(reply: line.string), now)
        }
        guard line[0] == UInt8(ascii: "$") else {
            return giveUp(.notADump(line: line.string), now)
        }
        if line.starts("$EOF:") {
            guard let mark = ReplicationMark(line.suffix(from: 5)) else {
                return giveUp(.notADump(line: line.string), now)
            }
            self.mark = mark
            enter(.receivingMarked)
            return .beginTransfer(.marked)
        }
        guard let count = DecimalInteger.parse(line.suffix(from: 1)), count >= 0 else {
            return giveUp(.notADump(line: line.string), now)
        }
        enter(.receivingCounted(remaining: count))
        return .beginTransfer(.counted(count))
    }

    mutating func receiveMarked(_ input: ByteView) -> Step {
        guard let mark else {
            return Step(consumed: 0, action: .impossible("the header came with the mark"))
        }
        if let place = mark.firstIndex(in: input) {
            guard place == 0 else { return Step(consumed: place, action: .transfer) }
            self.mark = nil
            enter(.loading)
            return Step(consumed: ReplicationID.count, action: .endTransfer)
        }
        let safe = input.count - (ReplicationID.count - 1)
        return safe > 0 ? Step(consumed: safe, action: .transfer) : .more
    }

    mutating func receiveCounted(_ input: ByteView, remaining: Int64) -> Step {
        guard remaining > 0 else {
            enter(.loading)
            return Step(consumed: 0, action: .endTransfer)
        }
        guard !input.isEmpty else { return .more }
        let part = min(Int64(input.count), remaining)
        enter(.receivingCounted(remaining: remaining - part))
        return Step(consumed: Int(part), action: .transfer)
    }
}

extension ByteView {
    /// Whether the bytes begin with the literal's.
    func starts(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && prefix(text.utf8CodeUnitCount).equals(text)
    }
}

extension ReplicaLink.State {
    /// The state as ROLE says it.
    var roleName: StaticString {
        switch self {
        case .idle: "none"
        case .waiting: "connect"
        case .connecting: "connecting"
        case .pinging, .authenticating, .announcingPort, .announcingAddress,
            .announcingCapabilities, .asking:
            "handshake"
        case .awaitingDump, .receivingMarked, .receivingCounted, .loading: "sync"
        case .streaming: "connected"
        }
    }

    /// `master_link_status:up`.
    var isUp: Bool { self == .streaming }

    /// `master_sync_in_progress:1`.
    var isReceivingDump: Bool {
        switch self {
        case .awaitingDump, .receivingMarked, .receivingCounted, .loading: true
        case .idle, .waiting, .connecting, .pinging, .authenticating, .announcingPort,
            .announcingAddress, .announcingCapabilities, .asking, .streaming:
            false
        }
    }
}
