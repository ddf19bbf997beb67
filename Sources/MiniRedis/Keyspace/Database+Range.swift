// SPDX-License-Identifier: BSD-3-Clause
//
// Database: a string that is changed in part.
//
// The change is made in place where nobody else sees the bytes: the entry is private to the loop
// (the snapshot rule), and its block, if it has one, is not shared with another key or a reply that
// is on its way. Otherwise the string is written anew. What lies between the old end and the change
// is zeros.

extension Database {
    /// Writes `patch` over the string in `slot` from `offset` on; the key keeps its deadline.
    /// Returns the new length in bytes, which the caller has checked against the limit.
    mutating func setRange(
        _ slot: TableSlot, _ hash: UInt64, _ offset: Int, _ patch: ByteView
    ) -> Int {
        let entry = Entry(slot.entry)
        let total = max(entry.string.count, offset + patch.count)
        guard table.isPrivate(slot, hash: hash), entry.encoding != .integer else {
            rewrite(slot, hash, offset, patch)
            return total
        }
        table.checkWritable(entry: entry.base, hash: hash)
        if entry.encoding == .block && entry.block.isUnique {
            entry.setBlock(entry.block.patched(at: offset, with: patch, heap: heap))
        } else if entry.encoding == .inline && entry.string.count == total {
            entry.patchInline(at: offset, with: patch)
        } else {
            rewrite(slot, hash, offset, patch)
            return total
        }
        touch(entry)
        commit(.setRange, entry.key, hash)
        return total
    }

    /// Stores `patch` after `offset` zeros under a key that is not there.
    mutating func addRange(_ key: ByteView, _ hash: UInt64, _ offset: Int, _ patch: ByteView) {
        Self.withPatched(ByteView(""), offset, patch, heap) {
            add(key, hash, $0, nil, .setRange)
        }
    }

    private mutating func rewrite(
        _ slot: TableSlot, _ hash: UInt64, _ offset: Int, _ patch: ByteView
    ) {
        let entry = Entry(slot.entry)
        entry.string.withText { text in
            Self.withPatched(text, offset, patch, heap) {
                overwrite(slot, entry.key, hash, $0, .keep, .setRange)
            }
        }
    }

    /// Calls with `text` changed by `patch`, in the form in which it is stored.
    private static func withPatched(
        _ text: ByteView, _ offset: Int, _ patch: ByteView, _ heap: UnsafeMutablePointer<Heap>,
        _ body: (StringSource) -> Void
    ) {
        if max(text.count, offset + patch.count) >= ReferencedBlock.threshold {
            body(.block(ReferencedBlock(copying: text, patch, at: offset, heap: heap)))
        } else {
            text.withPatched(at: offset, with: patch) { body(.edited($0)) }
        }
    }
}
