// SPDX-License-Identifier: BSD-3-Clause
//
// PFSELFTEST: whether registers keep what they are told, whether the sparse and the dense form say
// the same, and whether estimates are as good as they should be. See HyperLogLog.

enum HyperLogLogCheck {
    /// Elements of the last estimate; some 20 ms.
    private static let elements = 100_000

    /// What is wrong, or nil.
    static func run() -> StaticString? {
        withUnsafeTemporaryAllocation(byteCount: 4 * HyperLogLog.denseBytes, alignment: 16) {
            room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            let half = 2 * HyperLogLog.denseBytes
            return check(
                BitString(base: start, count: half), BitString(base: start + half, count: half))
        }
    }

    private static func check(_ one: BitString, _ other: BitString) -> StaticString? {
        var sparse = HyperLogLogEditor(emptyIn: one, sparseLimit: 3000)
        var dense = HyperLogLogEditor(emptyIn: other, sparseLimit: 3000)
        guard dense.makeDense() else { return "TESTFAILED an empty HyperLogLog is corrupted" }
        var next = 10
        for number in 1...elements {
            let place = DecimalIntegerText.with(number) { HyperLogLog.place(of: $0) }
            let outcomes = (
                sparse.raise(place.index, to: place.value),
                dense.raise(place.index, to: place.value)
            )
            guard outcomes.0 == outcomes.1 else { return "TESTFAILED sparse and dense differ" }
            guard number == next else { continue }
            next *= 10
            let estimates = (
                HyperLogLogView(sparse.view)?.count(), HyperLogLogView(dense.view)?.count()
            )
            guard let estimate = estimates.0, estimate == estimates.1 else {
                return "TESTFAILED sparse and dense are counted differently"
            }
            // Six times the standard error.
            let error = (Double(estimate) - Double(number)).magnitude
            guard error <= 1 + Double(number) * 0.0081 * 6 else {
                return "TESTFAILED the estimate is too far off"
            }
        }
        return nil
    }

    private enum DecimalIntegerText {
        static func with<Result>(_ number: Int, _ body: (ByteView) -> Result) -> Result {
            StringPayload.integer(Int64(number)).withText(body)
        }
    }
}
