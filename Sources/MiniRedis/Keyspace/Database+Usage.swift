// SPDX-License-Identifier: BSD-3-Clause
//
// Database: what a key costs, to the byte.

extension Database {
    /// The bytes that the key in `slot` takes: its entry, the block of a huge value, and its share
    /// of the table and of the expiry index. The sum over all keys is what the database takes.
    func byteCount(of slot: TableSlot, samples: Int = 0) -> Int {
        let entry = Entry(slot.entry)
        var bytes = Heap.sizeClass(entry.shape.byteCount) + table.byteCount / max(1, table.count)
        if entry.hasDeadline { bytes += deadlines.byteCount / max(1, deadlines.count) }
        if entry.encoding == .block {
            bytes += Heap.sizeClass(entry.block.capacity + ReferencedBlock.headerBytes)
        } else if entry.encoding == .collection {
            bytes += entry.type.collection.byteCount(entry.collection, samples: samples)
        }
        return bytes
    }
}
