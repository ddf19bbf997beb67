// SPDX-License-Identifier: BSD-3-Clause
//
// The sets that a command of set algebra reads, and the three operations on them. Each chooses the
// plan that looks at the fewest members; results are handed out one by one, and only where no plan
// does without is a set built on the way.
//
//     intersection   every member of the smallest set is looked for in the others, smallest first
//     union          the members of each set that no earlier one has; or, where that means more
//                    looking up than it saves, all of them put into a set
//     difference     every member of the first set is looked for in the others, largest first; or
//                    those of the others are taken out of a copy of the first
//
// The sets are read where they are: nothing may change them meanwhile.

/// Sets that a command names.
///
/// Ownership: owns the list, not the sets; valid until a key is changed.
struct SetSources: ~Copyable {
    let views: UnsafeMutableBufferPointer<SetView>
    private(set) var count = 0
    /// A key was missing: an intersection is empty.
    private(set) var hasMissing = false
    /// The first key was: a difference is empty.
    private(set) var isFirstMissing = false
    let hasher: KeyHash

    /// The sets under the keys at these arguments; those that are missing are left out.
    init(_ context: DataContext, _ keys: Range<Int>) throws(ErrorReply) {
        views = .allocate(capacity: keys.count)
        hasher = context.database.pointee.table.hasher
        for index in keys {
            guard let base = try context.collection(context.key(index), .set) else {
                hasMissing = true
                if index == keys.lowerBound { isFirstMissing = true }
                continue
            }
            views.initializeElement(at: count, to: SetView(base))
            count += 1
        }
    }

    deinit {
        views.deallocate()
    }

    /// Members of all sets together.
    private var total: Int { (0..<count).reduce(0) { $0 + views[$1].count } }

    private func sort(from first: Int, _ precedes: (SetView, SetView) -> Bool) {
        guard first < count else { return }
        var rest = UnsafeMutableBufferPointer(rebasing: views[first..<count])
        rest.sort(by: precedes)
    }

    /// Whether one of the sets `first` to `end` has the member.
    @inline(__always)
    private func contains(_ member: ByteView, _ hash: UInt64, _ first: Int, _ end: Int) -> Bool {
        var at = first
        while at < end {
            if views[at].contains(member, hash: hash) { return true }
            at &+= 1
        }
        return false
    }

    /// Calls `body` with up to `limit` members that all sets have; returns how many there were.
    @discardableResult
    func intersect(limit: Int = .max, _ body: (ByteView) -> Void) -> Int {
        if hasMissing || count == 0 { return 0 }
        sort(from: 0) { $0.count < $1.count }
        var found = 0
        views[0].forEachWhile { member in
            let hash = hasher.hash(member)
            var at = 1
            while at < count {
                guard views[at].contains(member, hash: hash) else { return true }
                at &+= 1
            }
            body(member)
            found += 1
            return found < limit
        }
        return found
    }

    /// Calls `body` once with each member of any set.
    func unite(_ context: DataContext, _ body: (ByteView) -> Void) {
        sort(from: 0) { $0.count > $1.count }
        var lookups = 0
        for at in 0..<count { lookups += at * views[at].count }
        guard lookups > 4 * total else {
            for at in 0..<count {
                views[at].forEach { member in
                    if at > 0 && contains(member, hasher.hash(member), 0, at) { return }
                    body(member)
                }
            }
            return
        }
        withScratch(context) { editor in
            for at in 0..<count {
                views[at].forEach { if editor.insert($0) { body($0) } }
            }
        }
    }

    /// Calls `body` with each member of the first set that no other has.
    func subtract(_ context: DataContext, _ body: (ByteView) -> Void) {
        if isFirstMissing || count == 0 { return }
        let first = views[0]
        if first.count * (count - 1) / 2 <= 2 * total {
            sort(from: 1) { $0.count > $1.count }
            first.forEach { member in
                if !contains(member, hasher.hash(member), 1, count) { body(member) }
            }
            return
        }
        withScratch(context) { editor in
            first.forEach { _ = editor.insert($0) }
            for at in 1..<count where editor.view.count > 0 {
                views[at].forEach { _ = editor.remove($0) }
            }
            editor.view.forEach(body)
        }
    }

    /// Calls `body` with an empty set, and gives it up afterwards.
    private func withScratch(_ context: DataContext, _ body: (SetEditor) -> Void) {
        let memory = context.database.pointee.state.pointee.memory
        let limits = context.limits
        let scratch = BlockPlace.withBlock(SetValue.create(memory), memory) {
            body(SetEditor($0, limits))
        }
        context.database.pointee.giveUp(CollectionSource(type: .set, base: scratch))
    }
}
