// SPDX-License-Identifier: BSD-3-Clause
//
// From how often each register value occurs to the number of elements: Ertl's improved estimator,
// which needs no table of corrections and is as good for few elements as for many. See HyperLogLog.

enum HyperLogLogEstimate {
    /// Bits of the hash that make a run; a register has at most one more.
    private static let runBits = 50
    /// 1 / (2 ln 2).
    private static let alpha = 0.721347520444481703680

    /// The number of elements. `histogram` has 64 counts whose sum is the number of registers.
    static func count(_ histogram: UnsafeMutableBufferPointer<Int>) -> UInt64 {
        let registers = Double(HyperLogLog.registers)
        let full = Double(histogram[runBits + 1])
        var sum = registers * tau((registers - full) / registers)
        for value in stride(from: runBits, through: 1, by: -1) {
            sum = (sum + Double(histogram[value])) * 0.5
        }
        sum += registers * sigma(Double(histogram[0]) / registers)
        let estimate = (alpha * registers * registers / sum).rounded()
        return UInt64(exactly: estimate) ?? UInt64(Int64.max)
    }

    /// The same for 16384 registers that lie in a byte each: many that were merged.
    static func count(registers: UnsafeMutableBufferPointer<UInt8>) -> UInt64 {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 64) { histogram in
            histogram.initialize(repeating: 0)
            for value in registers { histogram[Int(value & 63)] += 1 }
            return count(histogram)
        }
    }

    /// x + sum of x^(2^k) * 2^(k-1), until nothing is added any more.
    private static func sigma(_ share: Double) -> Double {
        if share == 1 { return .infinity }
        var (power, weight, sum) = (share, 1.0, share)
        while true {
            let before = sum
            power *= power
            sum += power * weight
            weight += weight
            if sum == before { return sum }
        }
    }

    /// (1 - x - sum of (1 - x^(2^-k))^2 * 2^-k) / 3.
    private static func tau(_ share: Double) -> Double {
        if share == 0 || share == 1 { return 0 }
        var (root, weight, sum) = (share, 1.0, 1 - share)
        while true {
            let before = sum
            root = root.squareRoot()
            weight *= 0.5
            sum -= (1 - root) * (1 - root) * weight
            if sum == before { return sum / 3 }
        }
    }
}
