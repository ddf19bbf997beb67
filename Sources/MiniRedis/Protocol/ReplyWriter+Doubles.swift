// SPDX-License-Identifier: BSD-3-Clause
//
// Replies that are floating-point numbers: of their own type in RESP3, bulk strings in RESP2.

extension ReplyWriter {
    /// A score and its like: the shortest digits that read back the same.
    func double(_ value: Double) {
        let at = buffer.pointee.reserve(DoubleText.roomBytes + 8)
        if version == 3 {
            at.storeBytes(of: UInt8(ascii: ","), as: UInt8.self)
            let count = 1 + DoubleText.write(value, to: at + 1)
            (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
            return buffer.pointee.commit(count + 2)
        }
        // Its length has one digit or two: the text is written behind two, and moved for one.
        var count = DoubleText.write(value, to: at + 5)
        at.storeBytes(of: UInt8(ascii: "$"), as: UInt8.self)
        let head = 1 + DecimalInteger.write(Int64(count), to: at + 1)
        (at + head).storeBytes(of: 0x0A0D, as: UInt16.self)
        if head == 2 { (at + 4).copyMemory(from: at + 5, byteCount: count) }
        count += head + 2
        (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
        buffer.pointee.commit(count + 2)
    }

    /// A number as counters are written, with up to 17 decimals and never an exponent: coordinates.
    func plainDouble(_ value: LongDouble) {
        FloatingPointText.withText(value) { text in
            guard version == 3 else { return bulk(text) }
            literal(",")
            raw(text)
            literal("\r\n")
        }
    }

    private func raw(_ text: ByteView) {
        buffer.pointee.append(text.base, count: text.count)
    }
}
