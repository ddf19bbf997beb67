// SPDX-License-Identifier: BSD-3-Clause
//
// Fields that get and lose deadlines, and fields that are due. Whoever keeps the database's index
// asks for `HashValue.nextDeadline` before and after.

extension HashEditor {
    /// Gives a field, which must be there and not due, another deadline or none.
    func setDeadline(_ field: ByteView, _ deadline: Int64?) {
        if !view.isTimed {
            if deadline == nil { return }
            makeTimed()
        }
        guard !CollectionHeader(place.base).isRoot else {
            return setInTable(field, deadline)
        }
        let packed = PackedView(place.base)
        guard let at = packed.find(PackedItem(field), step: 3) else { return }
        let item = PackedItem(deadline ?? 0)
        guard hasRoom(packed, 0, item.byteCount) else {
            spread()
            return setInTable(field, deadline)
        }
        PackedBlock(place).replace(packed.advance(at, by: 2), with: item)
    }

    private func setInTable(_ field: ByteView, _ deadline: Int64?) {
        let hash = hasher.hash(field)
        guard let slot = HashTable(place.base).table.pointee.find(hash, field),
            HashElement.deadline(of: slot.entry) != deadline
        else { return }
        replace(slot, hash, HashElement.value(of: slot.entry), deadline: deadline)
    }

    /// Makes room for deadlines: a third item for every packed field.
    private func makeTimed() {
        let traits = CollectionHeader(place.base).traits | HashTraits.timed
        let old = place.base
        if !CollectionHeader(old).isRoot {
            let view = HashView(old)
            place.base = PackedBlock.create(place.memory, bidirectional: false)
            let block = PackedBlock(place)
            view.forEach { field, value, _ in
                block.append(PackedItem(field), PackedItem(value))
                block.append(PackedItem(0))
            }
            PackedBlock.free(old, place.memory)
        }
        setTraits(traits)
    }

    /// Removes up to `budget` fields that are due; returns how many.
    func removeDue(budget: Int, _ removing: (ByteView) -> Void) -> Int {
        guard view.isTimed else { return 0 }
        var removed = 0
        guard CollectionHeader(place.base).isRoot else {
            var at = PackedView(place.base).first
            while at < PackedView(place.base).end {
                if view.isDue(packed: at) {
                    PackedView(place.base).withText(at: at, removing)
                    PackedBlock(place).remove(at: at, count: 3)
                    removed += 1
                } else {
                    at = PackedView(place.base).advance(at, by: 3)
                }
            }
            return removed
        }
        while removed < budget {
            let first = HashTable(place.base).deadlines.view.first()
            guard !first.isAtEnd else { break }
            let record = FieldDeadline(first.record)
            guard record.deadline <= now else { break }
            let field = HashElement.key(of: record.element)
            removing(field)
            let hash = hasher.hash(field)
            guard let slot = HashTable(place.base).table.pointee.find(hash, field) else {
                preconditionFailure("the tree names elements that are there")
            }
            remove(slot, hash)
            removed += 1
        }
        return removed
    }
}
