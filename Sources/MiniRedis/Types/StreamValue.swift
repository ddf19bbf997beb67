// SPDX-License-Identifier: BSD-3-Clause
//
// A stream: entries in the order of their identifiers, and consumer groups.
//
//     root   0  header, entries | 16 last id | 32 maximal deleted id | 48 entries added
//           56  tree of chunks | 88 tree of groups                                   120 bytes
//
//     chunks (see StreamChunk)      about a hundred entries each, by their first id
//     groups (see StreamGroup)      by name
//
// There is no packed form: a stream of one entry is a root, a tree of one small leaf, and a chunk
// of its own size. Adding at the end and trimming at the start touch the root, the tree's edge and
// one chunk. Chunks end where Redis's nodes do, because MAXLEN and MINID with `~` show where.

enum StreamValue: CollectionValue {
    static func create(_ memory: UnsafeMutablePointer<Memory>) -> UnsafeMutableRawPointer {
        let base = memory.pointee.heap.pointee.allocate(StreamEditor.rootBytes)
        base.initializeMemory(as: UInt8.self, repeating: 0, count: StreamEditor.rootBytes)
        CollectionHeader.writeRoot(at: base, stamp: memory.pointee.epochs.current)
        return base
    }

    static func encodingName(_ base: UnsafeRawPointer) -> StaticString { "stream" }

    // MARK: - Size

    static func byteCount(_ base: UnsafeRawPointer, samples: Int) -> Int {
        let view = StreamView(base)
        var bytes = Heap.sizeClass(StreamEditor.rootBytes) + view.chunks.byteCount
        var (seen, seenBytes) = (0, 0)
        view.chunks.forEachRecord(from: view.chunks.first()) { record in
            guard samples == 0 || seen < samples else { return false }
            seen += 1
            seenBytes += StreamChunkRecord(record).chunk.capacity
            return true
        }
        if seen > 0 { bytes += seenBytes * view.chunks.count / seen }
        bytes += view.groups.byteCount
        view.groups.forEachRecord { bytes += byteCount(of: StreamGroupView($0), samples) }
        return bytes
    }

    private static func byteCount(of group: StreamGroupView, _ samples: Int) -> Int {
        let consumers = group.consumers
        var bytes =
            Heap.sizeClass(StreamName(of: group.base).bytes) + group.pending.byteCount
            + consumers.byteCount
        var (seen, seenBytes) = (0, 0)
        consumers.forEachRecord(from: consumers.first()) { record in
            guard samples == 0 || seen < samples else { return false }
            seen += 1
            let consumer = StreamConsumerView(record)
            seenBytes += Heap.sizeClass(StreamName(of: record).bytes) + consumer.own.byteCount
            return true
        }
        if seen > 0 { bytes += seenBytes * consumers.count / seen }
        return bytes
    }

    static func blockCount(_ base: UnsafeRawPointer) -> Int {
        let view = StreamView(base)
        var blocks = 1 + view.chunks.count + Int(view.chunks.head.nodeCount)
        view.groups.forEachRecord { record in
            let group = StreamGroupView(record)
            blocks += 2 + Int(group.pending.head.nodeCount) + group.consumers.count
            // Ids lie densely in nodes of their own.
            blocks += group.pending.count / 32
        }
        return blocks
    }

    // MARK: - Copying

    static func copy(
        _ base: UnsafeRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        let source = StreamView(base)
        let copy = create(memory)
        copy.copyMemory(from: base, byteCount: StreamEditor.rootBytes - 2 * TreeHead.bytes)
        CollectionHeader.writeRoot(at: copy, stamp: memory.pointee.epochs.current)
        CollectionHeader.setRootCount(source.count, at: copy)
        var address = UInt(bitPattern: copy)
        withUnsafeMutableBytes(of: &address) { word in
            guard let word = word.baseAddress else { return }
            let editor = StreamEditor(BlockPlace(word, memory: memory), EncodingLimits())
            let chunks = editor.chunks(copy)
            source.chunks.forEachRecord { record in
                StreamRecord.with(StreamChunkRecord.recordBytes) { fresh in
                    fresh.copyMemory(from: record, byteCount: StreamChunkRecord.recordBytes)
                    let chunk = copyChunk(StreamChunkRecord(record).chunk, memory)
                    fresh.storeBytes(
                        of: UInt(bitPattern: chunk),
                        toByteOffset: StreamChunkRecord.addressOffset, as: UInt.self)
                    chunks.append(fresh)
                }
            }
            source.groups.forEachRecord { copyGroup(StreamGroupView($0), editor) }
        }
        return copy
    }

    private static func copyChunk(
        _ chunk: StreamChunk, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        let base = memory.pointee.heap.pointee.allocate(chunk.capacity)
        base.copyMemory(from: chunk.base, byteCount: chunk.used)
        BlockStamp.write(memory.pointee.epochs.current, to: base)
        return base
    }

    private static func copyGroup(_ group: StreamGroupView, _ editor: StreamEditor) {
        _ = editor.createGroup(
            group.name, lastID: group.lastID, entriesRead: group.entriesRead)
        editor.withGroup(group.name) { copy in
            group.consumers.forEachRecord { record in
                let consumer = StreamConsumerView(record)
                _ = copy.createConsumer(
                    consumer.name, seen: consumer.seenTime, active: consumer.activeTime)
                copy.withConsumer(consumer.name) { owner in
                    consumer.own.forEachRecord { record in
                        guard let old = group.pending(StreamID(at: record)) else { return }
                        copy.assign(old.id, to: owner, time: old.deliveryTime) { _ in
                            old.deliveryCount
                        }
                    }
                }
            }
        }
    }

    // MARK: - Freeing

    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>) {
        var remains = StreamRemains(root: base, memory: memory)
        _ = remains.free(atMost: .max)
    }

    static func dismantle(
        _ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> (_ budget: Int) -> Bool {
        var remains = StreamRemains(root: base, memory: memory)
        return { budget in remains.free(atMost: budget) }
    }

    // MARK: - Digest

    static func digest(_ base: UnsafeRawPointer, into digest: inout ValueDigest) {
        StreamView(base).forEach { entry in
            withUnsafeBytes(of: (entry.id.milliseconds, entry.id.sequence)) { bytes in
                guard let base = bytes.baseAddress else { return }
                digest.add(ordered: ByteView(base, count: bytes.count))
            }
            entry.forEach { field, value in
                digest.add(ordered: field)
                digest.add(ordered: value)
            }
        }
    }
}
