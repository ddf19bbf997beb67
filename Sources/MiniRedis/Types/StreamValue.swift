// SPDX-License-Identifier: BSD-3-Clause
//
// StreamValue: not built yet. No command makes one.

enum StreamValue: CollectionValue {
    private static var absent: Never { preconditionFailure("there are no streams yet") }

    static func create(_ memory: UnsafeMutablePointer<Memory>) -> UnsafeMutableRawPointer {
        absent
    }

    static func copy(
        _ base: UnsafeRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        absent
    }

    static func encodingName(_ base: UnsafeRawPointer) -> StaticString { absent }

    static func byteCount(_ base: UnsafeRawPointer, samples: Int) -> Int { absent }

    static func blockCount(_ base: UnsafeRawPointer) -> Int { absent }

    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>) {
        absent
    }

    static func dismantle(
        _ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> (_ budget: Int) -> Bool {
        absent
    }

    static func digest(_ base: UnsafeRawPointer, into digest: inout ValueDigest) { absent }
}
