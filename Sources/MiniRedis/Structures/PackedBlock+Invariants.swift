// SPDX-License-Identifier: BSD-3-Clause
//
// What must hold in a packed block between two edits, checked item by item. Debug builds only.

extension PackedView {
    #if INVARIANTS
        /// Stops the process if the block is broken.
        func checkInvariants() {
            precondition(byteCount >= PackedBlock.headerBytes, "the header is in use")
            precondition(byteCount <= allocatedBytes, "the length is within the block")
            precondition(BlockStamp.read(base) != 0, "a block has its stamp")
            precondition(isEmpty == (count == 0), "items take bytes")
            var at = first
            var items = 0
            while at < end {
                checkItem(at)
                let next = next(at)
                precondition(!isBidirectional || previous(next) == at, "the way back")
                at = next
                items += 1
            }
            precondition(at == end, "the last item ends where the block does")
            precondition(items == count, "the count of items")
        }

        /// An item has the one encoding of its value.
        private func checkItem(_ cursor: Int) {
            let code = base.load(fromByteOffset: cursor, as: UInt8.self)
            if code == 0xf7 || code == 0xfe {
                let value = double(at: cursor)
                precondition(isEqual(at: cursor, PackedItem(double: value)), "a double's form")
            } else {
                withText(at: cursor) { text in
                    precondition(isEqual(at: cursor, PackedItem(text)), "a string's form")
                }
            }
        }
    #endif
}
