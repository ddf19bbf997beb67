// SPDX-License-Identifier: BSD-3-Clause
//
// A hash as it is changed: fields set and removed, and the way from a packed block to a root. What
// has to do with deadlines is in `HashEditor+Deadlines`.
//
// A field that is due counts as absent: setting it makes it anew, without its deadline, and
// removing it is left to the loop.

/// The hash at a place, to be edited. Reading is `HashView`'s.
///
/// Ownership: whoever holds the place owns the hash; after every edit its block may be elsewhere.
/// Fields and values that are given must lie outside of the hash.
struct HashEditor {
    /// A packed hash has no more bytes than this.
    static let packedBytes = 4096
    /// Or no more than so many fields, if they or their values are long.
    static let fewFields = 8
    static let packedBytesOfFew = 64 << 10

    let place: BlockPlace
    let limits: EncodingLimits
    /// Fields that die at this time or earlier are gone.
    let now: Int64

    @inline(__always)
    init(_ place: BlockPlace, _ limits: EncodingLimits, now: Int64 = .min) {
        self.place = place
        self.limits = limits
        self.now = now
    }

    @inline(__always)
    var view: HashView { HashView(place.base, now: now) }

    @inline(__always)
    var hasher: KeyHash { place.memory.pointee.hasher }

    /// The root, writable.
    @inline(__always)
    var writableRoot: HashTable { HashTable(place.writable(bytes: HashValue.rootBytes)) }

    // MARK: - Edits

    /// Sets a field, which loses its deadline unless it is to keep it; whether the field is new.
    @inline(__always)
    @discardableResult
    func set(_ field: ByteView, _ value: ByteView, keepsDeadline: Bool = false) -> Bool {
        noteLengths(field, value)
        if CollectionHeader(place.base).isRoot {
            return setInTable(field, value, keepsDeadline: keepsDeadline)
        }
        let (item, text) = (PackedItem(field), PackedItem(value))
        let view = view
        // Asked now: after an edit the view's block may be gone.
        let isTimed = view.isTimed
        let found = view.packed.find(item, step: view.stride)
        guard hasRoom(view.packed, found == nil ? item.byteCount : 0, text.byteCount) else {
            spread()
            return setInTable(field, value, keepsDeadline: keepsDeadline)
        }
        guard let at = found else {
            PackedBlock(place).append(item, text)
            if isTimed { PackedBlock(place).append(PackedItem(0)) }
            noteCount()
            return true
        }
        let valueAt = view.packed.next(at)
        guard isTimed else {
            PackedBlock(place).replace(valueAt, with: text)
            return false
        }
        let isDue = view.isDue(packed: at)
        let hasDeadline = view.deadline(ofPacked: at) != nil
        PackedBlock(place).replace(valueAt, with: text)
        if hasDeadline && (isDue || !keepsDeadline) {
            PackedBlock(place).replace(PackedView(place.base).next(valueAt), with: PackedItem(0))
        }
        return isDue
    }

    /// Removes a field; whether it was there and not due.
    @inline(__always)
    func remove(_ field: ByteView) -> Bool {
        guard CollectionHeader(place.base).isRoot else {
            let view = view
            guard let at = view.packed.find(PackedItem(field), step: view.stride),
                !(view.isTimed && view.isDue(packed: at))
            else { return false }
            PackedBlock(place).remove(at: at, count: view.stride)
            return true
        }
        let hash = hasher.hash(field)
        guard let slot = HashTable(place.base).table.pointee.find(hash, field),
            !(view.isTimed && view.isDue(slot.entry))
        else { return false }
        remove(slot, hash)
        return true
    }

    /// Tells how many fields are about to be set: too many for a listpack make a hashtable at once,
    /// as in Redis.
    func expect(_ fields: Int) {
        if fields > limits.hashEntries {
            setTraits(CollectionHeader(place.base).traits | HashTraits.hashed)
        }
    }

    // MARK: - In a root

    @inline(never)
    private func setInTable(_ field: ByteView, _ value: ByteView, keepsDeadline: Bool) -> Bool {
        let hash = hasher.hash(field)
        let table = HashTable(place.base).table
        guard let slot = table.pointee.find(hash, field) else {
            writableRoot.add(field, value, hash, deadline: nil)
            noteCount()
            return true
        }
        let deadline = HashElement.deadline(of: slot.entry)
        let isDue = (deadline ?? .max) <= now
        let kept = keepsDeadline && !isDue ? deadline : nil
        if kept == deadline && table.pointee.isPrivate(slot, hash: hash) {
            table.pointee.checkWritable(entry: slot.entry, hash: hash)
            if HashElement.overwrite(slot.entry, with: value) { return false }
        }
        replace(slot, hash, value, deadline: kept)
        return isDue
    }

    /// Makes a new element for a field that is there.
    func replace(_ slot: TableSlot, _ hash: UInt64, _ value: ByteView, deadline: Int64?) {
        let root = writableRoot
        let old = slot.entry
        let element = HashElement.make(
            HashElement.key(of: old), value, deadline: deadline, place.heap)
        if let before = HashElement.deadline(of: old) { root.removeDeadline(before, old) }
        root.replace(slot, hash: hash, with: element)
        if let deadline { root.addDeadline(deadline, element) }
    }

    /// Removes the element of a slot.
    func remove(_ slot: TableSlot, _ hash: UInt64) {
        let root = writableRoot
        if let deadline = HashElement.deadline(of: slot.entry) {
            root.removeDeadline(deadline, slot.entry)
        }
        root.remove(slot, hash: hash)
    }

    // MARK: - Representation

    /// Whether a packed block may take so many bytes more.
    @inline(__always)
    func hasRoom(_ view: PackedView, _ field: Int, _ value: Int) -> Bool {
        // One for the deadline that there is none of.
        let bytes = view.byteCount &+ field &+ value &+ 1
        return bytes <= Self.packedBytes
            || view.count < Self.fewFields * 2 && bytes <= Self.packedBytesOfFew
    }

    @inline(__always)
    private func noteLengths(_ field: ByteView, _ value: ByteView) {
        if max(field.count, value.count) > limits.hashValueBytes {
            setTraits(CollectionHeader(place.base).traits | HashTraits.hashed)
        }
    }

    /// A field has come.
    @inline(__always)
    private func noteCount() {
        let traits = CollectionHeader(place.base).traits
        if traits & HashTraits.hashed == 0
            && HashView(place.base).totalCount > limits.hashEntries
        {
            setTraits(traits | HashTraits.hashed)
        }
    }

    @inline(never)
    func setTraits(_ traits: UInt8) {
        if CollectionHeader(place.base).traits == traits { return }
        if CollectionHeader(place.base).isRoot {
            writableRoot.setTraits(traits)
        } else {
            PackedBlock(place).setTraits(traits)
        }
    }

    /// Makes a root of a packed hash.
    @inline(never)
    func spread() {
        let old = place.base
        let root = HashValue.createRoot(place.memory, traits: CollectionHeader(old).traits)
        HashView(old).forEach { field, value, deadline in
            root.add(field, value, hasher.hash(field), deadline: deadline)
        }
        PackedBlock.free(old, place.memory)
        place.base = root.base
    }
}
