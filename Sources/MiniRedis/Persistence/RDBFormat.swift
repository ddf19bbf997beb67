// SPDX-License-Identifier: BSD-3-Clause
//
// The RDB format: every number of it once, and its picture.
//
//     "REDIS" version(4 digits)   or, from version 80 on,   "VALKEY" version(3 digits)
//     { AUX key value }                          who wrote it, when, replication position
//     { FUNCTION2 library | MODULE_AUX ... }
//     { SELECTDB number  [RESIZEDB keys expires]
//         { [EXPIRETIME_MS deadline | EXPIRETIME seconds]  [IDLE seconds | FREQ counter]
//           type key value } }
//     EOF
//     checksum                                   8 bytes, from version 5 on
//
// A byte below 243 in the place of an opcode is the type of a value. Deadlines are milliseconds (8
// bytes) or seconds (4 bytes) since 1970, little endian and signed. FREQ is one byte. Numbers, and
// the lengths of strings, are big endian and as short as they can be:
//
//     00nnnnnn                      0...63
//     01nnnnnn nnnnnnnn             0...16,383
//     10000000 and 4 bytes          32 bits
//     10000001 and 8 bytes          64 bits
//     11eeeeee                      not a length: a string in encoding e
//
// A string is its length and its bytes, or one of the encodings: 0, 1, 2 an integer of 8, 16, 32
// bits, little endian, which stands for its decimal text; 3 compressed by LZF: the length of the
// compressed bytes, the length of the text, the compressed bytes.
//
// The checksum is the CRC64 of everything before it, little endian; 0 says that the writer had
// checksums switched off.

/// Bytes where a value type or one of these is expected.
enum RDBOpcode {
    /// Metadata of modules for the next key (Redis 8.6), or a slot being imported (Valkey 9).
    static let keyMetadataOrSlotImport: UInt8 = 243
    /// Number, keys and expires of a cluster slot: three numbers, a hint.
    static let slotInfo: UInt8 = 244
    /// A library of functions, as one string.
    static let function2: UInt8 = 245
    /// Functions as the release candidates of Redis 7.0 wrote them.
    static let functionPreRelease: UInt8 = 246
    static let moduleAuxiliary: UInt8 = 247
    static let idle: UInt8 = 248
    static let frequency: UInt8 = 249
    static let auxiliary: UInt8 = 250
    static let resizeDatabase: UInt8 = 251
    static let expireTimeMilliseconds: UInt8 = 252
    static let expireTimeSeconds: UInt8 = 253
    static let selectDatabase: UInt8 = 254
    static let endOfFile: UInt8 = 255
}

/// The first two bits of a length, and the encodings of strings.
enum RDBLengthForm {
    static let bits14: UInt8 = 0x40
    static let bits32: UInt8 = 0x80
    static let bits64: UInt8 = 0x81
    static let encoded: UInt8 = 0xC0
}

enum RDBStringEncoding {
    static let integer8: UInt8 = 0
    static let integer16: UInt8 = 1
    static let integer32: UInt8 = 2
    static let lzf: UInt8 = 3
}

/// Versions of the format.
enum RDBVersion {
    /// Redis's, from 1.2 to 8.6.
    static let redis = 1...13
    /// Valkey's own, from 9.0. The numbers between the two are left to Redis.
    static let valkey = 80...80
    /// The first with a checksum at the end.
    static let firstWithChecksum = 5
    /// What is written if it can hold the data: Redis 5.0 and all later ones load it.
    static let written = 9
    /// The first with all that a stream knows (Redis 7.0), and with deadlines of fields (7.4).
    static let firstWithStreamCounts = 10
    static let firstWithFieldDeadlines = 12
    /// The header's length, bytes.
    static let headerBytes = 9
}

/// The types of values: which it is, and how it is encoded.
enum RDBValueType {
    static let string: UInt8 = 0
    static let list: UInt8 = 1
    static let set: UInt8 = 2
    /// Scores as text.
    static let sortedSet: UInt8 = 3
    static let hash: UInt8 = 4
    /// Scores as doubles.
    static let sortedSet2: UInt8 = 5
    static let moduleFirst: UInt8 = 6
    static let module: UInt8 = 7
    static let hashZipmap: UInt8 = 9
    static let listZiplist: UInt8 = 10
    static let setIntset: UInt8 = 11
    static let sortedSetZiplist: UInt8 = 12
    static let hashZiplist: UInt8 = 13
    static let quicklist: UInt8 = 14
    static let stream: UInt8 = 15
    static let hashListpack: UInt8 = 16
    static let sortedSetListpack: UInt8 = 17
    static let quicklist2: UInt8 = 18
    /// With numbers of entries: from version 10 on.
    static let stream2: UInt8 = 19
    static let setListpack: UInt8 = 20
    /// With times of consumers: from version 11 on.
    static let stream3: UInt8 = 21
    /// Of pre-releases of Redis 7.4; Valkey 9 has another layout of the same number.
    static let hashEarlyTimed: UInt8 = 22
    static let hashEarlyTimedListpack: UInt8 = 23
    /// With deadlines of fields: from version 12 on.
    static let hashTimed: UInt8 = 24
    static let hashTimedListpack: UInt8 = 25
    /// With the entries of producers: from version 13 on.
    static let stream4: UInt8 = 26

    /// What a type byte stands for, for messages: the type as TYPE says it, and how it is encoded.
    /// Nil for a byte that no version uses.
    static func name(_ type: UInt8) -> (type: String, encoding: String)? {
        switch type {
        case 0: ("string", "string")
        case 1: ("list", "linked list")
        case 2: ("set", "hash table")
        case 3: ("sorted set", "scores as text")
        case 4: ("hash", "hash table")
        case 5: ("sorted set", "scores as doubles")
        case 6, 7: ("module value", "module")
        case 9: ("hash", "zipmap")
        case 10: ("list", "ziplist")
        case 11: ("set", "intset")
        case 12: ("sorted set", "ziplist")
        case 13: ("hash", "ziplist")
        case 14: ("list", "quicklist")
        case 15: ("stream", "listpacks")
        case 16: ("hash", "listpack")
        case 17: ("sorted set", "listpack")
        case 18: ("list", "quicklist of listpacks")
        case 19: ("stream", "listpacks, second form")
        case 20: ("set", "listpack")
        case 21: ("stream", "listpacks, third form")
        // Valkey 9, and pre-releases of Redis 7.4, gave 22 to different layouts of the same.
        case 22, 24: ("hash", "hash table with field expiry")
        case 23, 25: ("hash", "listpack with field expiry")
        case 26: ("stream", "listpacks, fourth form")
        default: nil
        }
    }
}

/// The two kinds of nodes of a quicklist.
enum RDBQuicklistNode {
    /// One element as it is.
    static let plain: UInt64 = 1
    /// A listpack.
    static let packed: UInt64 = 2
}

enum RDBFieldDeadline {
    /// The greatest deadline of a field, milliseconds since 1970: Redis has 48 bits for it, and two
    /// values with a meaning of their own.
    static let maximum: Int64 = (1 << 48) - 2
}
