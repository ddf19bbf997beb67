// SPDX-License-Identifier: BSD-3-Clause
//
// A digest of contents, the same for the same keys, values and deadlines in any order: two servers
// of this kind hold the same data if their digests agree (DEBUG DIGEST). 160 bits from CRC64s with
// different starts, summed over keys.
//
// Not for: proof against somebody who makes data with the digest of other data.

/// Digests as 40 hexadecimal digits.
enum KeyspaceDigest {
    static let nothing = String(repeating: "0", count: 40)

    /// The digest of all live keys of all databases.
    static func ofAll(_ keyspace: Keyspace) -> String {
        var sum = Sum()
        for index in 0..<keyspace.databaseCount {
            let database = keyspace.databases + index
            var cursor: UInt64 = 0
            repeat {
                cursor = database.pointee.table.scan(cursor) { address in
                    let entry = Entry(address)
                    if database.pointee.isLive(entry) { sum.add(entry, database: index) }
                }
            } while cursor != 0
        }
        return sum.text
    }

    /// The digest of one value, without its key.
    static func ofValue(_ entry: Entry) -> String {
        var sum = Sum()
        entry.string.withText { sum.add($0, salt: 0) }
        return sum.text
    }

    private struct Sum {
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)

        mutating func add(_ entry: Entry, database: Int) {
            entry.string.withText { value in
                var whole = ByteBuffer(capacity: entry.key.count + value.count + 32)
                whole.append(littleEndian: UInt64(entry.key.count))
                whole.append(entry.key)
                whole.append(value)
                whole.append(littleEndian: entry.deadline ?? -1)
                add(whole.view, salt: UInt64(database))
            }
        }

        /// Sums, so that the order of keys does not matter and equal keys do not cancel out.
        mutating func add(_ bytes: ByteView, salt: UInt64) {
            words.0 &+= Self.hash(bytes, salt &* 3 &+ 1)
            words.1 &+= Self.hash(bytes, salt &* 3 &+ 2)
            words.2 &+= Self.hash(bytes, salt &* 3 &+ 3)
        }

        private static func hash(_ bytes: ByteView, _ salt: UInt64) -> UInt64 {
            KeyHash(seed: salt).hash(bytes)
        }

        var text: String {
            func hexadecimal(_ word: UInt64, _ digits: Int) -> String {
                let text = String(word, radix: 16)
                return String((String(repeating: "0", count: 16) + text).suffix(digits))
            }
            return hexadecimal(words.0, 16) + hexadecimal(words.1, 16) + hexadecimal(words.2, 8)
        }
    }
}
