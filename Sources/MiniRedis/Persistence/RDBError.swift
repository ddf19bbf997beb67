// SPDX-License-Identifier: BSD-3-Clause
//
// Why a dump cannot be loaded, and the lines that say so. The first line is Redis's where Redis has
// one, word for word, because people and scripts look for it.

import Glibc

/// What is wrong with a dump. Trivial, so that the reader's inner functions throw for nothing.
enum RDBDefect: Error {
    /// The stream ended inside the dump.
    case shortRead
    case outOfMemory
    /// The device failed.
    case unreadable(PersistenceError)
    case wrongSignature
    case unsupportedVersion(Int)
    case wrongChecksum(computed: UInt64, stored: UInt64)

    /// Content that this version cannot load, and therefore refuses.
    case unsupportedType(UInt8)
    case unsupportedOpcode(UInt8)
    /// Data of a module, by its identifier in the format.
    case moduleValue(UInt64)
    case moduleAuxiliary(UInt64)

    /// Damage.
    case unknownType(UInt8)
    case unknownLengthForm(UInt8)
    case unknownStringEncoding(UInt8)
    case stringWhereLengthExpected
    case numberTooLarge(UInt64)
    case stringTooLong(UInt64)
    case implausibleCompression(compressed: UInt64, expanded: UInt64)
    case damagedCompression
    case damaged(RDBDamage)
}

/// What is wrong with a collection; the raw value stands in the log.
enum RDBDamage: String {
    case elementBeyondEnd = "An element ends beyond the value that holds it"
    case intsetLength = "Intset integrity check failed: its length is not what it claims"
    case intsetOrder = "Intset integrity check failed: its integers do not ascend"
    case zipmapCount = "Zipmap integrity check failed: it ends elsewhere than it claims"
    case ziplistLength = "Ziplist integrity check failed: its length is not what it claims"
    case ziplistCount = "Ziplist integrity check failed: it has more or fewer elements"
    case ziplistBackLength = "Ziplist integrity check failed: a way back leads elsewhere"
    case ziplistElement = "Ziplist integrity check failed: unknown encoding"
    case listpackLength = "Listpack integrity check failed: its length is not what it claims"
    case listpackCount = "Listpack integrity check failed: it has more or fewer elements"
    case listpackBackLength = "Listpack integrity check failed: a way back leads elsewhere"
    case listpackElement = "Listpack integrity check failed: unknown encoding"
    case quicklistNode = "Quicklist integrity check failed: unknown kind of node"
    case oddElements = "An element without its counterpart"
    case duplicateMember = "Duplicate members"
    case duplicateField = "Duplicate fields"
    case score = "A score that is no number"
    case fieldDeadline = "A field's deadline is out of range"
    case streamNode = "Stream listpack integrity check failed"
    case streamCount = "Stream integrity check failed: it has more or fewer entries"
    case streamOrder = "Stream integrity check failed: its identifiers do not ascend"
    case duplicateGroup = "Duplicated consumer group name"
    case duplicateConsumer = "Duplicate stream consumer detected"
    case negativeCount = "Stream integrity check failed: a count or a time is out of range"
    case pendingOrder = "Duplicated global PEL entry loading stream consumer group"
    case pendingOfConsumer = "Consumer entry not found in group global PEL"
    case pendingWithoutConsumer = "NACK entry without consumer"
    case trailingBytes = "More bytes than the value has"
}

/// A defect and where it is.
struct RDBError: Error {
    let defect: RDBDefect
    /// The byte of the stream behind what was read last.
    let offset: Int
    let database: Int
    /// The key that was being read, quoted and shortened; nil outside a key.
    let key: String?
}

extension RDBError: CustomStringConvertible {
    /// The line for the log.
    var description: String {
        switch defect {
        case .shortRead, .outOfMemory:
            "Short read or OOM loading DB. Unrecoverable error, aborting now."
        case .unreadable(let failure):
            failure.description
        case .wrongSignature:
            "Wrong signature trying to load DB from file"
        case .unsupportedVersion(let version):
            "Can't handle RDB format version \(version)"
        case .wrongChecksum(let computed, let stored):
            "Wrong RDB checksum expected: (\(hexadecimal(computed))) "
                + "but got (\(hexadecimal(stored))). Aborting now."
        case .unsupportedType(let type):
            unsupported(type)
        case .moduleValue(let id):
            "The RDB file contains module data I can't load: "
                + "no matching module type '\(Self.moduleName(id))'"
        case .moduleAuxiliary(let id):
            "The RDB file contains AUX module data I can't load: "
                + "no matching module '\(Self.moduleName(id))'"
        case .unsupportedOpcode, .unknownType, .unknownLengthForm, .unknownStringEncoding,
            .stringWhereLengthExpected, .numberTooLarge, .stringTooLong,
            .implausibleCompression, .damagedCompression, .damaged:
            "Internal error in RDB reading offset \(offset)\(whichKey) -> \(damage)"
        }
    }

    /// A second line for the log: where it happened, or what to do. Nil if there is no more to say.
    var hint: String? {
        switch defect {
        case .shortRead:
            "The DB ends after \(offset) bytes, in the middle of its data\(whichKey). "
                + "It was cut off when it was written or copied."
        case .outOfMemory:
            "No memory for the data at byte \(offset)\(whichKey)."
        case .wrongSignature:
            "An RDB file begins with REDIS or VALKEY and its version; this is another file."
        case .unsupportedVersion(let version):
            Self.versionHint(version)
        case .wrongChecksum:
            "RDB CRC error: the file was damaged after it was written. Use a backup or a "
                + "replica's file."
        case .unsupportedType:
            "Nothing was loaded, so that nothing is lost. Remove the key on the server that wrote "
                + "the file, or use a version of this server that has the type."
        case .moduleValue, .moduleAuxiliary:
            "Modules cannot be loaded\(whichKey). Remove their data on the server that wrote the "
                + "file, and save again."
        case .unreadable, .unsupportedOpcode, .unknownType, .unknownLengthForm,
            .unknownStringEncoding, .stringWhereLengthExpected, .numberTooLarge, .stringTooLong,
            .implausibleCompression, .damagedCompression, .damaged:
            nil
        }
    }

    private var whichKey: String {
        guard let key else { return "" }
        return ", key \(key) in database \(database)"
    }

    private func unsupported(_ type: UInt8) -> String {
        guard let name = RDBValueType.name(type) else { return "Unknown RDB type \(type)" }
        return "Key \(key ?? "") in database \(database) (up to byte \(offset)) holds a "
            + "\(name.type) (type \(type), \(name.encoding)), "
            + "which this version cannot load yet"
    }

    private var damage: String {
        switch defect {
        case .unsupportedOpcode(let code):
            "Opcode \(code) (\(Self.opcodeName(code))) cannot be loaded by this version"
        case .unknownType(let type): "Unknown RDB encoding type \(type)"
        case .unknownLengthForm(let byte): "Unknown length encoding \(byte)"
        case .unknownStringEncoding(let encoding): "Unknown RDB string encoding type \(encoding)"
        case .stringWhereLengthExpected: "A string where a number is expected"
        case .numberTooLarge(let value): "The number \(value) is too large for its place"
        case .stringTooLong(let count): "A string of \(count) bytes is longer than allowed"
        case .implausibleCompression(let compressed, let expanded):
            "Invalid LZF string: \(compressed) bytes cannot expand to \(expanded)"
        case .damagedCompression: "Invalid LZF compressed string"
        case .damaged(let damage): damage.rawValue
        default: ""
        }
    }

    private func hexadecimal(_ value: UInt64) -> String { String(value, radix: 16) }

    private static func opcodeName(_ code: UInt8) -> String {
        switch code {
        case RDBOpcode.keyMetadataOrSlotImport: "key metadata or slot import"
        case RDBOpcode.functionPreRelease: "functions of a pre-release of Redis 7.0"
        default: "unknown"
        }
    }

    /// Who writes such a version, and what to do about it.
    private static func versionHint(_ version: Int) -> String {
        let known =
            "This server loads versions \(RDBVersion.redis.lowerBound) to "
            + "\(RDBVersion.redis.upperBound) of Redis and \(RDBVersion.valkey.upperBound) "
            + "of Valkey 9."
        let remedy =
            " Update this server, or let the server that wrote the file send its data "
            + "as commands (redis-cli --pipe)."
        if version < 1 {
            return "The header does not name a version: the file is damaged. " + known
        }
        if version > RDBVersion.valkey.upperBound {
            return "It is written by a Valkey newer than 9. " + known + remedy
        }
        return "It is written by a Redis newer than 8.6. " + known + remedy
    }

    /// A module's name: nine characters of six bits each, from the top.
    private static func moduleName(_ id: UInt64) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var name = ""
        for index in 0..<9 {
            name.append(alphabet[Int(id >> UInt64(58 - 6 * index) & 63)])
        }
        return name
    }

    /// The bytes of a key as a quoted text: printable ASCII as it is, the rest as \xNN, and no more
    /// than the first hundred.
    static func quoted(_ bytes: ByteView) -> String {
        let shown = min(bytes.count, 100)
        var text = "\""
        for index in 0..<shown {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text += "\\" + String(UnicodeScalar(byte))
            case 0x20...0x7E:
                text += String(UnicodeScalar(byte))
            default:
                text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + (shown < bytes.count ? "...\"" : "\"")
    }
}
