// SPDX-License-Identifier: BSD-3-Clause
//
// DUMP and RESTORE: the commands' verbs, by the formats of dumps.

extension Server: Serialization {
    func serialize(_ entry: Entry, _ body: (ByteView) -> Void) throws(ErrorReply) {
        do throws(PersistenceError) {
            try DumpPayload.write(
                entry, compression: configuration.settings.rdbCompression, body)
        } catch {
            frame.pointee.reply.error("ERR \(error)")
            throw .written
        }
    }

    func deserialize(
        _ payload: ByteView, _ body: (DetachedValue) -> Void
    ) throws(ErrorReply) {
        do throws(DumpPayloadError) {
            try DumpPayload.read(
                payload, keyspace.state, longestString: frame.pointee.longestString, body)
        } catch {
            throw error == .versionOrChecksum ? .payloadVersion : .badDataFormat
        }
    }
}
