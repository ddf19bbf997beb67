// SPDX-License-Identifier: BSD-3-Clause
//
// ReplicaOptions: what a replica says about itself with REPLCONF before it asks for the data, and
// how the command's arguments are read. Its texts are Redis's.
//
// Options come in pairs and are taken one after the other: those in front of a wrong one hold.
// `ack` and `getack` are no options but messages; they end the command, and have no reply, ever.

/// What became of a REPLCONF.
enum ReplicaOptionsOutcome: Equatable, Sendable {
    /// +OK.
    case accepted
    /// An acknowledgement: bytes up to number `offset` are applied, those up to `synced` on disk.
    /// No reply.
    case acknowledged(offset: Int64, synced: Int64?)
    /// Our master asks how far we are. No reply.
    case asked
    /// A message that means nothing here. No reply.
    case ignored
    /// The error's text, without its dash.
    case refused(String)
}

/// What a replica has said of itself.
struct ReplicaOptions: Equatable, Sendable {
    /// The longest `ip-address`: bytes.
    static let longestAddress = 255

    /// The port it listens on; zero if it did not say.
    var listeningPort = 0
    /// The address to show; empty: where the connection comes from.
    var address = ""
    /// `capa eof`: it can read a dump whose length is not known.
    var readsMarkedDumps = false
    /// `capa psync2`: +CONTINUE may name another history.
    var understandsPsync2 = false
    /// It wants the dump and nothing after it.
    var wantsDumpOnly = false
    /// `rdb-filter-only` was sent: the dump has nothing but what is named, ...
    var isFiltered = false
    /// ... which may be the functions.
    var includesFunctions = false

    /// Reads a REPLCONF.
    ///
    /// - Parameters:
    ///   - isReplica: whether the client has sent PSYNC or SYNC; others' acknowledgements are
    ///     ignored.
    mutating func configure(_ request: Request, isReplica: Bool) -> ReplicaOptionsOutcome {
        guard request.count % 2 == 1 else { return .refused("ERR syntax error") }
        var index = 1
        while index < request.count {
            let (name, value) = (request[index], request[index + 1])
            index += 2
            if name.equalsFolded("ack") {
                guard isReplica else { return .ignored }
                return Self.acknowledgement(request, from: index - 2)
            }
            if name.equalsFolded("getack") { return .asked }
            if let refusal = set(name, value) { return .refused(refusal) }
        }
        return .accepted
    }

    private static func acknowledgement(
        _ request: Request, from index: Int
    ) -> ReplicaOptionsOutcome {
        guard let offset = DecimalInteger.parse(request[index + 1]) else { return .ignored }
        guard request.count > index + 3, request[index + 2].equalsFolded("fack"),
            let synced = DecimalInteger.parse(request[index + 3])
        else { return .acknowledged(offset: offset, synced: nil) }
        return .acknowledged(offset: offset, synced: synced)
    }

    /// - Returns: the error's text, if there is an error.
    private mutating func set(_ name: ByteView, _ value: ByteView) -> String? {
        if name.equalsFolded("listening-port") {
            guard let port = DecimalInteger.parse(value) else { return Self.notInteger }
            listeningPort = Int(port)
        } else if name.equalsFolded("ip-address") {
            guard value.count <= Self.longestAddress else {
                return "ERR REPLCONF ip-address provided by replica instance is too long: "
                    + "\(value.count) bytes"
            }
            address = value.string
        } else if name.equalsFolded("capa") {
            // Capabilities that we do not know are those of later versions.
            if value.equalsFolded("eof") { readsMarkedDumps = true }
            if value.equalsFolded("psync2") { understandsPsync2 = true }
        } else if name.equalsFolded("rdb-only") {
            guard let flag = DecimalInteger.parse(value) else { return Self.notInteger }
            guard flag == 0 || flag == 1 else {
                return "ERR value is out of range, value must between 0 and 1"
            }
            wantsDumpOnly = flag == 1
        } else if name.equalsFolded("rdb-filter-only") {
            return setFilter(value)
        } else if name.equalsFolded("version") {
            // Valkey's replicas say theirs. Nothing depends on it.
        } else {
            return "ERR Unrecognized REPLCONF option: \(name.string)"
        }
        return nil
    }

    private static var notInteger: String { "ERR value is not an integer or out of range" }

    private mutating func setFilter(_ value: ByteView) -> String? {
        guard let words = Self.words(value) else { return "ERR Missing rdb-filter-only values" }
        for word in words where word.lowercased() != "functions" {
            return "ERR Unsupported rdb-filter-only option: \(word)"
        }
        isFiltered = true
        includesFunctions = !words.isEmpty
        return nil
    }

    /// Splits at spaces; nil for a quote that does not end. (Redis takes its configuration file's
    /// notation here; of quotes nothing but their pairing can matter, with one word to choose
    /// from.)
    private static func words(_ value: ByteView) -> [String]? {
        var words: [String] = []
        var quote: Character?
        var word = ""
        for character in value.string {
            if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character.isWhitespace {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        guard quote == nil else { return nil }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
