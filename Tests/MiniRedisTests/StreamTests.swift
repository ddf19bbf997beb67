// SPDX-License-Identifier: BSD-3-Clause
//
// Streams against a model, under live snapshots; no byte is lost.

import Testing

@testable import MiniRedis

private struct Fields: StreamFields {
    let views: [ByteView]
    var count: Int { views.count / 2 }
    func field(_ index: Int) -> ByteView { views[2 * index] }
    func value(_ index: Int) -> ByteView { views[2 * index + 1] }
}

private struct ModelEntry: Equatable {
    var id: StreamID
    var words: [[UInt8]]
}

/// Everything there is to read of a stream.
private struct Contents: Equatable {
    var entries: [ModelEntry] = []
    var lastID = StreamID.zero
    var groups: [String] = []

    init() {}

    init(_ base: UnsafeRawPointer) {
        let view = StreamView(base)
        view.forEach { entry in
            var words: [[UInt8]] = []
            entry.forEach { field, value in words += [field.array, value.array] }
            entries.append(ModelEntry(id: entry.id, words: words))
        }
        #expect(view.count == entries.count)
        lastID = view.lastID
        view.groups.forEachRecord { record in
            let group = StreamGroupView(record)
            var owned = 0
            group.consumers.forEachRecord { owned += StreamConsumerView($0).own.count }
            #expect(owned == group.pending.count)
            var text = "\(group.name.string) \(group.lastID)"
            group.pending.forEachRecord { record in
                let pending = StreamPendingView(record)
                text += " \(pending.id) \(pending.consumer.view.string) \(pending.deliveryCount)"
            }
            groups.append(text)
        }
    }
}

/// A stream with a memory of its own, and what should be in it.
private final class Subject {
    let memory: UnsafeMutablePointer<Memory>
    let word: UnsafeMutablePointer<UInt>
    var model: [ModelEntry] = []
    var random: SystemTestRandom
    var limits = EncodingLimits()
    var time: UInt64 = 1
    private var captured: [(epoch: UInt64, base: UnsafeRawPointer, contents: Contents)] = []

    init(seed: UInt64) {
        memory = .allocate(capacity: 1)
        memory.initialize(to: Memory())
        word = .allocate(capacity: 1)
        word.initialize(to: UInt(bitPattern: StreamValue.create(memory)))
        random = SystemTestRandom(seed: seed)
        limits.streamNodeEntries = 10
        limits.streamNodeBytes = 400
    }

    var editor: StreamEditor {
        StreamEditor(BlockPlace(UnsafeMutableRawPointer(word), memory: memory), limits)
    }
    var base: UnsafeMutableRawPointer { BlockPlace(word, memory: memory).base }

    func append() {
        let names = random.below(3) == 0 ? ["a", "b", "c"] : ["a", "b"]
        var words: [[UInt8]] = []
        for name in names {
            words.append(Array(name.utf8))
            words.append([UInt8](repeating: 7, count: random.below(60)))
        }
        time += UInt64(random.below(3))
        let id = StreamID(
            milliseconds: time, sequence: (model.last?.id ?? .zero).sequence + 1000)
        let last = StreamView(base).lastID
        guard id > last else { return }
        with(words) { editor.append(id, Fields(views: $0)) }
        model.append(ModelEntry(id: id, words: words))
    }

    private func with(_ words: [[UInt8]], _ views: [ByteView] = [], _ body: ([ByteView]) -> Void) {
        guard let first = words.first else { return body(views) }
        withBytes(first) { with(Array(words.dropFirst()), views + [$0], body) }
    }

    func change() {
        switch random.below(20) {
        case 0: delete()
        case 1: trim()
        case 2, 3, 4: read()
        case 5: acknowledge()
        case 6 where captured.count < 3: capture()
        case 7 where !captured.isEmpty: release(random.below(captured.count))
        case 8 where random.below(10) == 0: dropConsumer()
        default: append()
        }
    }

    private func delete() {
        guard !model.isEmpty else { return }
        let index = random.below(model.count)
        #expect(editor.delete(model[index].id))
        #expect(!editor.delete(model[index].id))
        model.remove(at: index)
    }

    private func trim() {
        let kept = random.below(60)
        let isApproximate = random.below(2) == 0
        let removed = editor.trim(
            StreamTrim(bound: .count(kept), isApproximate: isApproximate))
        #expect(isApproximate ? model.count - removed >= min(kept, model.count) : true)
        if !isApproximate { #expect(removed == max(0, model.count - kept)) }
        model.removeFirst(removed)
    }

    private func read() {
        let name = random.below(2) == 0 ? "g" : "h"
        let consumer = ["x", "y", "z"][random.below(3)]
        withBytes(Array(name.utf8)) { name in
            _ = editor.createGroup(name, lastID: .zero, entriesRead: 0)
            withBytes(Array(consumer.utf8)) { consumer in
                editor.withGroup(name) { group in
                    _ = group.createConsumer(consumer, seen: 1)
                    group.withConsumer(consumer) { owner in
                        for entry in self.model.prefix(self.random.below(30)) {
                            group.assign(entry.id, to: owner, time: 5) { $0 + 1 }
                        }
                    }
                }
            }
        }
    }

    private func acknowledge() {
        withBytes(Array("g".utf8)) { name in
            editor.withGroup(name) { group in
                guard group.view.pending.count > 0 else { return }
                let rank = self.random.below(group.view.pending.count)
                let cursor = group.view.pending.locate(rank).cursor
                let id = StreamID(at: cursor.record)
                #expect(group.acknowledge(id))
                #expect(!group.acknowledge(id))
            }
        }
    }

    private func dropConsumer() {
        withBytes(Array("h".utf8)) { name in
            withBytes(Array("y".utf8)) { consumer in
                _ = editor.withGroup(name) { $0.deleteConsumer(consumer) }
            }
            guard self.random.below(3) == 0, var remains = editor.removeGroup(name) else { return }
            while !remains.free(atMost: 3) {}
        }
    }

    private func capture() {
        let contents = Contents(base)
        let (epoch, _) = memory.pointee.epochs.begin()
        captured.append((epoch, UnsafeRawPointer(base), contents))
    }

    private func release(_ index: Int) {
        let snapshot = captured.remove(at: index)
        #expect(Contents(snapshot.base) == snapshot.contents)
        memory.pointee.epochs.end(snapshot.epoch)
        _ = memory.pointee.reclaim(budget: 1 << 20) { _, _ in }
    }

    func check() {
        let contents = Contents(base)
        #expect(contents.entries == model)
        var backwards: [StreamID] = []
        StreamView(base).forEachBackwards(from: .maximum, downTo: .zero) { entry in
            backwards.append(entry.id)
            return true
        }
        #expect(backwards.reversed() == model.map(\.id))
        #expect(StreamView(base).firstID == model.first?.id ?? .zero)
    }

    /// Everything comes back, by way of a copy too.
    func end(inSlices: Bool) {
        while !captured.isEmpty { release(0) }
        let copy = StreamValue.copy(base, memory)
        #expect(Contents(copy) == Contents(base))
        StreamValue.free(copy, memory)
        if inSlices {
            let free = StreamValue.dismantle(base, memory)
            while !free(7) {}
        } else {
            StreamValue.free(base, memory)
        }
        while memory.pointee.reclaim(budget: 1 << 20, release: { _, _ in }) {}
        #expect(memory.pointee.heap.pointee.allocatedBytes == 0)
        memory.deinitialize(count: 1)
        memory.deallocate()
        word.deallocate()
    }
}

/// Numbers that a seed decides.
private struct SystemTestRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}

@Suite struct `A stream` {
    @Test(arguments: 1...6) func `equals its model, and snapshots stay`(seed: UInt64) {
        let subject = Subject(seed: seed)
        for round in 0..<1500 {
            subject.change()
            if round % 100 == 0 { subject.check() }
        }
        subject.check()
        subject.end(inSlices: seed % 2 == 0)
    }

    @Test func `reads identifiers as strtoull does`() {
        func read(_ text: String) -> StreamID? {
            withBytes(Array(text.utf8)) { StreamID.parse($0) }
        }
        #expect(read("5") == StreamID(milliseconds: 5, sequence: 0))
        #expect(read("007-1") == StreamID(milliseconds: 7, sequence: 1))
        #expect(read("18446744073709551615-18446744073709551615") == .maximum)
        for text in ["", "-", "-1", "1-", "18446744073709551616", "1-2-3", "x", "1-*"] {
            #expect(read(text) == nil)
        }
    }
}
