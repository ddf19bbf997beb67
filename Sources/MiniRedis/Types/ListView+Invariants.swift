// SPDX-License-Identifier: BSD-3-Clause
//
// What must hold in a list between two edits, checked element by element. Debug builds only.

extension ListView {
    #if INVARIANTS
        /// Stops the process if the list is broken.
        func checkInvariants() {
            guard isRoot else {
                packed.checkInvariants()
                precondition(packed.isBidirectional, "a list is walked both ways")
                precondition(packed.byteCount <= ListValue.packedBytes, "a packed list is small")
                return
            }
            var (cursor, elements, listpackBytes) = (tree.first(), 0, 0)
            for _ in 0..<tree.count {
                let record = ListRecord(cursor.record)
                checkChunk(record)
                elements += record.elements
                listpackBytes += record.listpackBytes
                _ = cursor.next()
            }
            precondition(cursor.isAtEnd, "as many chunks as are counted")
            precondition(elements == count && elements == tree.weight, "the count of elements")
            precondition(listpackBytes == ListRoot.listpackBytes(base), "the sum of the records")
        }

        private func checkChunk(_ record: ListRecord) {
            let chunk = record.chunk
            if chunk.isReference {
                precondition(record.elements == 1, "a huge element is alone")
                let size = ListpackSize.of(string: chunk.block.count)
                precondition(record.listpackBytes == size, "what it would take in a listpack")
                precondition(chunk.block.count >= ReferencedBlock.threshold, "it is huge")
                return
            }
            chunk.packed.checkInvariants()
            precondition(chunk.packed.isBidirectional, "a list is walked both ways")
            precondition(record.elements == chunk.packed.count, "the elements of the chunk")
            precondition(record.elements > 0, "a chunk has elements")
            precondition(
                record.elements == 1 || chunk.packed.byteCount <= ListChunk.mostBytes,
                "only a single element makes a chunk large")
            let size = ListChunk.listpackBytes(chunk.packed.all)
            precondition(record.listpackBytes == size, "what they would take in a listpack")
        }
    #endif
}
