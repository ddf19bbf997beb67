// SPDX-License-Identifier: BSD-3-Clause
//
// A sorted set and a sorted array that the same random edits are done to, with the snapshots that
// live and what each must still read.

import Testing

@testable import MiniRedis

/// A member with its score as the array keeps it. The score's bits count: minus zero is not zero,
/// though it sorts as zero.
struct ScoredMember: Equatable {
    var member: [UInt8]
    var score: Double

    static func == (left: ScoredMember, right: ScoredMember) -> Bool {
        left.member == right.member && left.score.bitPattern == right.score.bitPattern
    }

    static func < (left: ScoredMember, right: ScoredMember) -> Bool {
        left.score < right.score
            || left.score == right.score
                && left.member.lexicographicallyPrecedes(right.member)
    }

    /// Calls with the member's bytes, which lie outside of any set.
    func withView<Result>(_ body: (ByteView) -> Result) -> Result {
        member.withUnsafeBytes { room in
            guard let base = room.baseAddress else { return body(ByteView("")) }
            return body(ByteView(base, count: room.count))
        }
    }
}

/// What the members of a run look like.
struct SortedSetKind: Sendable, CustomTestStringConvertible {
    /// Different members that there may be.
    var members: Int
    /// Different scores, apart from the infinities and zeros.
    var scores: Int
    /// About how many members stay.
    var size: Int
    /// Bytes that are added to some members.
    var tail = 0
    /// A snapshot begins or ends every so many edits; nil: never.
    var snapshotEvery: Int?

    var testDescription: String {
        "\(size) of \(members) members, \(scores) scores, snapshots every \(snapshotEvery ?? 0)"
    }
}

/// The set, the array, and the snapshots. When it goes, every byte must have come back.
final class SortedSetModel {
    private struct Captured {
        var epoch: UInt64
        var view: SortedSetView
        var items: [ScoredMember]
    }

    let memory: UnsafeMutablePointer<Memory>
    private let room: UnsafeMutableRawPointer
    private let editor: SortedSetEditor
    private let kind: SortedSetKind
    private var numbers: TreeNumbers
    private(set) var items: [ScoredMember] = []
    private var scores: [[UInt8]: Double] = [:]
    private var snapshots: [Captured] = []
    private var isListed = true
    /// What went wrong first.
    private(set) var disagreement: String?

    init(seed: UInt64, _ kind: SortedSetKind) {
        memory = .allocate(capacity: 1)
        memory.initialize(to: Memory())
        room = .allocate(byteCount: 16, alignment: 8)
        let place = BlockPlace(room + 3, memory: memory)
        place.base = SortedSetValue.create(memory)
        editor = SortedSetEditor(place, EncodingLimits())
        numbers = TreeNumbers(state: seed)
        self.kind = kind
    }

    deinit {
        endSnapshots()
        SortedSetValue.free(editor.place.base, memory)
        reclaimAll()
        precondition(memory.pointee.heap.pointee.allocatedBytes == 0, "the set leaks")
        room.deallocate()
        memory.deinitialize(count: 1)
        memory.deallocate()
    }

    var view: SortedSetView { editor.view }

    private func expect(_ isRight: Bool, _ what: String) {
        if !isRight && disagreement == nil { disagreement = what }
    }

    // MARK: - Random things

    private func anyMember() -> [UInt8] {
        let number = numbers.below(kind.members)
        switch number % 5 {
        case 0: return Array("\(number)".utf8)
        case 1: return Array("-\(number)".utf8)
        case 2 where number % 3 == 0:
            return Array("m\(number)".utf8) + [UInt8](repeating: 0x2a, count: kind.tail)
        default: return Array("m\(number)".utf8)
        }
    }

    private func anyScore() -> Double {
        switch numbers.below(40) {
        case 0: return .infinity
        case 1: return -.infinity
        case 2: return -0.0
        case 3: return 0
        case 4: return Double(numbers.below(kind.scores)) + 0.5
        case 5: return Double.leastNonzeroMagnitude * Double(numbers.below(3) - 1)
        default: return Double(numbers.below(kind.scores) - kind.scores / 3)
        }
    }

    /// The first index whose item is not less.
    private func index(of item: ScoredMember) -> Int {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle] < item { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: - Edits

    /// One operation, random; more that add if `isGrowing`.
    func step(isGrowing: Bool) {
        let chance = numbers.below(1_000)
        if items.count < kind.size / 20 || chance < (isGrowing ? 450 : 150) { return set() }
        switch chance {
        case ..<550: nudge()
        case ..<700: remove()
        case ..<720: refuse()
        case ..<(isGrowing ? 723 : 735): removeRange()
        case ..<850: lookAtOne()
        case ..<930: count()
        default: walk()
        }
    }

    private func set() {
        let item = ScoredMember(member: anyMember(), score: anyScore())
        change(item, item.withView { editor.set($0, item.score) })
    }

    /// A small change of a score, that mostly leaves the member in its place.
    private func nudge() {
        guard !items.isEmpty else { return }
        var item = items[numbers.below(items.count)]
        let step = numbers.below(3) == 0 ? 1 : 0.001
        let outcome = item.withView { member in
            editor.update(member) { old in
                guard let old else { return nil }
                item.score = old + step
                return item.score
            }
        }
        change(item, outcome)
    }

    /// What the array says of a score that was set, compared with what the set said.
    private func change(_ item: ScoredMember, _ outcome: SortedSetEditor.Outcome) {
        guard let old = scores[item.member] else {
            if items.count >= 128 || item.member.count > 64 { isListed = false }
            items.insert(item, at: index(of: item))
            scores[item.member] = item.score
            return expect(outcome == .added, "a new member is added")
        }
        // Zero and minus zero are the same score: the old one stays.
        if old == item.score { return expect(outcome == .unchanged, "the same score") }
        items.remove(at: index(of: ScoredMember(member: item.member, score: old)))
        items.insert(item, at: index(of: item))
        scores[item.member] = item.score
        expect(outcome == .changed, "another score changes")
    }

    private func remove() {
        let isThere = numbers.below(4) > 0 && !items.isEmpty
        let member = isThere ? items[numbers.below(items.count)].member : anyMember()
        let item = ScoredMember(member: member, score: scores[member] ?? 0)
        let wasThere = scores.removeValue(forKey: member) != nil
        expect(item.withView { editor.remove($0) } == wasThere, "whether a member was there")
        if wasThere { items.remove(at: index(of: item)) }
    }

    private struct Refusal: Error {}

    /// Edits that decide to leave all as it is, or throw.
    private func refuse() {
        let item = ScoredMember(member: anyMember(), score: 0)
        item.withView { member in
            var seen: Double?
            let outcome = editor.update(member) { old in
                seen = old
                return nil
            }
            expect(outcome == .unchanged, "a nil score changes nothing")
            expect(seen?.bitPattern == scores[item.member]?.bitPattern, "the present score")
            do {
                _ = try editor.update(member) { (_) throws(Refusal) -> Double? in throw Refusal() }
                expect(false, "an error is passed on")
            } catch {}
        }
    }

    private func removeRange() {
        guard !items.isEmpty else { return }
        let start = numbers.below(items.count)
        let most = numbers.below(10) == 0 ? items.count : min(items.count, 60)
        let end = min(items.count, start + numbers.below(most + 1))
        let ranks = start..<end
        expect(editor.remove(ranks: ranks) == ranks.count, "how many a range removed")
        for item in items[ranks] { scores[item.member] = nil }
        items.removeSubrange(ranks)
    }

    // MARK: - Looks

    private func lookAtOne() {
        let isThere = numbers.below(3) > 0 && !items.isEmpty
        let member = isThere ? items[numbers.below(items.count)].member : anyMember()
        let item = ScoredMember(member: member, score: scores[member] ?? 0)
        item.withView { bytes in
            let score = view.score(of: bytes)
            expect(score?.bitPattern == scores[member]?.bitPattern, "the score")
            let rank = view.rank(of: bytes)
            let expected = scores[member] == nil ? nil : index(of: item)
            expect(rank?.rank == expected, "the rank")
            expect(rank?.score.bitPattern == score?.bitPattern, "the score of the rank")
        }
    }

    private func count() {
        let bound = anyScore()
        let below = items.prefix { $0.score < bound }.count
        expect(view.count { $0 < bound } == below, "how many are less")
        let upTo = items.prefix { $0.score <= bound }.count
        expect(view.count { $0 <= bound } == upTo, "how many are not greater")
        var found: [ScoredMember] = []
        let upper = bound + Double(numbers.below(max(1, kind.scores / 50)) + 1)
        view.forEachPlace(from: bound, upTo: upper) { place, score in
            view.withMember(at: place) {
                found.append(ScoredMember(member: $0.bytes, score: score + 0))
            }
            return true
        }
        let expected = items.filter { $0.score >= bound && $0.score < upper }
            .map { ScoredMember(member: $0.member, score: $0.score + 0) }
        expect(found == expected, "the places of a range of scores")
    }

    private func walk() {
        guard !items.isEmpty else { return }
        let start = numbers.below(items.count)
        let ranks = start..<min(items.count, start + numbers.below(50))
        let isReversed = numbers.below(2) == 0
        var rest = numbers.below(60)
        var found: [ScoredMember] = []
        view.forEach(in: ranks, isReversed: isReversed) { member, score in
            found.append(ScoredMember(member: member.bytes, score: score))
            rest -= 1
            return rest > 0
        }
        let expected = isReversed ? Array(items[ranks].reversed()) : Array(items[ranks])
        expect(found == Array(expected.prefix(found.count)), "a walk over ranks")
        expect(found.count == expected.count || rest <= 0, "a walk to the end")
        view.withMember(at: start) { member, score in
            let item = ScoredMember(member: member.bytes, score: score)
            expect(item == items[start], "the member of a rank")
        }
    }

    // MARK: - Snapshots

    /// Begins a snapshot, ends one after reading it, or frees some of what has waited.
    func stepOfSnapshots() {
        switch numbers.below(3) {
        case 0 where snapshots.count < 4:
            let epoch = memory.pointee.epochs.begin().epoch
            snapshots.append(Captured(epoch: epoch, view: view, items: items))
        case 1 where !snapshots.isEmpty:
            endSnapshot(numbers.below(snapshots.count))
        default:
            _ = memory.pointee.reclaim(budget: 50) { _, _ in }
        }
    }

    private func endSnapshot(_ index: Int) {
        let snapshot = snapshots.remove(at: index)
        expect(Self.contents(snapshot.view) == snapshot.items, "what a snapshot reads")
        expect(snapshot.view.count == snapshot.items.count, "the count that a snapshot reads")
        memory.pointee.epochs.end(snapshot.epoch)
    }

    func endSnapshots() {
        while !snapshots.isEmpty { endSnapshot(snapshots.count - 1) }
    }

    private func reclaimAll() {
        while memory.pointee.reclaim(budget: 1_000, release: { _, _ in }) {}
    }

    // MARK: - Everything

    static func contents(_ view: SortedSetView) -> [ScoredMember] {
        var found: [ScoredMember] = []
        found.reserveCapacity(view.count)
        view.forEach { found.append(ScoredMember(member: $0.bytes, score: $1)) }
        return found
    }

    /// The whole contents, the structures' own invariants, and what others are told of the set.
    func check() {
        let base = editor.place.base
        expect(view.count == items.count, "the count")
        expect(Self.contents(view) == items, "the contents")
        let name = SortedSetValue.encodingName(base)
        expect("\(name)" == (isListed ? "listpack" : "skiplist"), "the encoding's name")
        guard view.isRoot else { return view.packed.checkInvariants() }
        view.root.tree.checkInvariants()
        view.root.table.pointee.checkInvariants()
        expect(view.root.table.pointee.count == items.count, "the table's count")
        for item in items {
            let score = item.withView { view.score(of: $0) }
            expect(score?.bitPattern == item.score.bitPattern, "every member is in the table")
        }
    }

    /// A copy shares nothing with the set and has the same contents.
    func checkCopy() {
        let copy = SortedSetValue.copy(editor.place.base, memory)
        let before = memory.pointee.heap.pointee.allocatedBytes
        expect(Self.contents(SortedSetView(copy)) == items, "what a copy has")
        let bytes = SortedSetValue.byteCount(copy, samples: 0)
        SortedSetValue.free(copy, memory)
        if snapshots.isEmpty {
            let freed = before - memory.pointee.heap.pointee.allocatedBytes
            expect(freed == bytes, "the bytes of a set are those that freeing it gives back")
        }
    }

    /// Gives the set up and frees it in slices, when no snapshot sees it any more; an empty one
    /// takes its place.
    func startAnew() {
        let finish = SortedSetValue.dismantle(editor.place.base, memory)
        editor.place.base = SortedSetValue.create(memory)
        endSnapshots()
        while !finish(1 + numbers.below(100)) {}
        (items, scores, isListed) = ([], [:], true)
    }
}

extension ByteView {
    fileprivate var bytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: base, count: count))
    }
}
