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
        var sum = ValueDigest()
        for index in 0..<keyspace.databaseCount {
            let database = keyspace.databases + index
            var cursor: UInt64 = 0
            repeat {
                cursor = database.pointee.table.scan(cursor) { address in
                    let entry = Entry(address)
                    guard database.pointee.isLive(entry) else { return }
                    sum.add(digest(entry, with: entry.key), salt: UInt64(index))
                }
            } while cursor != 0
        }
        return sum.text
    }

    /// The digest of one value, without its key.
    static func ofValue(_ entry: Entry) -> String {
        digest(entry, with: ByteView("")).text
    }

    private static func digest(_ entry: Entry, with key: ByteView) -> ValueDigest {
        var digest = ValueDigest()
        withUnsafeBytes(of: (entry.deadline ?? -1).littleEndian) { deadline in
            guard let base = deadline.baseAddress else { return }
            if !key.isEmpty { digest.add(ordered: ByteView(base, count: deadline.count)) }
        }
        digest.add(ordered: key)
        if entry.type == .string {
            entry.string.withText { digest.add(ordered: $0) }
        } else {
            digest.add(ordered: ByteView(entry.type.name))
            entry.type.collection.digest(entry.collection, into: &digest)
        }
        return digest
    }
}
