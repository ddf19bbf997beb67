// SPDX-License-Identifier: BSD-3-Clause
//
// What is put together in a stage is what the editors make of the same elements: contents, order,
// name of the encoding, bytes.

import Testing

@testable import MiniRedis

@Suite struct `A stage` {
    /// What a collection is, as far as anybody can see.
    private struct Shape: Equatable {
        var digest: String
        var encoding: String
        var bytes: Int
        var isRefused: Bool
    }

    /// Builds a collection of the texts, on the stage or not.
    private func build(
        _ type: ValueType, _ texts: [[UInt8]], _ scores: [Double], isStaged: Bool
    ) -> Shape {
        let keyspace = Keyspace(databaseCount: 1, hasher: KeyHash(seed: 3))
        let stage = UnsafeMutablePointer<PackedStage>.allocate(capacity: 1)
        stage.initialize(to: PackedStage())
        defer {
            stage.deinitialize(count: 1)
            stage.deallocate()
        }
        var isRefused = false
        let source = take(
            RDBValueBuilder(type, keyspace.state, stage: isStaged ? stage : nil), texts, scores,
            &isRefused)
        let database = keyspace.databases
        let entry = withView(of: Array("key".utf8)) {
            database.pointee.makeEntry($0, .collection(source), deadline: nil, nil)
        }
        defer { database.pointee.discard(uninserted: entry) }
        return Shape(
            digest: KeyspaceDigest.ofValue(entry), encoding: "\(entry.encodingName)",
            bytes: type.collection.byteCount(source.base, samples: 0), isRefused: isRefused)
    }

    private func take(
        _ builder: consuming RDBValueBuilder, _ texts: [[UInt8]], _ scores: [Double],
        _ isRefused: inout Bool
    ) -> CollectionSource {
        for (index, text) in texts.enumerated() {
            let isNew = withView(of: text) { view in
                switch builder.type {
                case .list:
                    builder.append(view)
                    return true
                case .set: return builder.insert(view)
                case .sortedSet: return builder.insert(view, score: scores[index])
                default: return builder.insert(field: view, value: view, deadline: nil)
                }
            }
            if !isNew { isRefused = true }
        }
        return builder.take()
    }

    @Test(arguments: 0..<400)
    func `leaves what the editors leave`(seed: Int) {
        var random = RandomSource(seed: UInt64(seed))
        let types: [ValueType] = [.list, .set, .sortedSet, .hash]
        let counts = [1, 2, 7, 20, 100, 129, 257, 513, 600]
        let lengths = [1, 3, 9, 20, 40, 64, 65, 100, 500, 4000, 5000]
        let count = counts[Int(random.below(UInt64(counts.count)))]
        let longest = lengths[Int(random.below(UInt64(lengths.count)))]
        let isNumeric = random.below(3) == 0
        var texts: [[UInt8]] = []
        var scores: [Double] = []
        var score = -5.0
        for number in 0..<count {
            score += random.below(20) == 0 ? -1.5 : Double(random.below(3))
            scores.append(score)
            if isNumeric && random.below(50) > 0 {
                texts.append(Array(String(number * 37 - 400).utf8))
                continue
            }
            let length = Int(random.below(UInt64(longest))) + 1
            // Alike at both ends, and sometimes all of it.
            var text = Array("same beginning \(random.below(UInt64(count) * 40)) same end".utf8)
            while text.count < length { text.insert(0x78, at: text.count / 2) }
            texts.append(text)
        }
        let type = types[seed % 4]
        let staged = build(type, texts, scores, isStaged: true)
        let edited = build(type, texts, scores, isStaged: false)
        // A block that grew may have a spare class; one that was made at once never has.
        #expect(staged.bytes <= edited.bytes)
        #expect(staged.digest == edited.digest)
        #expect(staged.encoding == edited.encoding)
        #expect(staged.isRefused == edited.isRefused)
    }
}
