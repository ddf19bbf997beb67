// SPDX-License-Identifier: BSD-3-Clause
//
// A field and its value in a block of their own, as the table of a large hash points to them.
//
//     narrow   [ field length | value length | field | value ]             up to 253 and 255 bytes
//     wide     [ fe | field length : 32 | value length : 32 | field | value ]
//     timed    [ ff | field length : 32 | value length : 32 | deadline : 64 | field | value ]
//
// Most hashes have short fields and values, and no deadlines: two bytes are all that they pay.

/// The layout of elements of hashes.
enum HashElement: ElementLayout {
    private static let wideMark: UInt8 = 0xFE
    private static let timedMark: UInt8 = 0xFF

    /// Where the parts of an element are.
    struct Shape {
        /// Where the field begins.
        var start: Int
        var fieldCount: Int
        var valueCount: Int

        @inline(__always)
        init(start: Int, fieldCount: Int, valueCount: Int) {
            self.start = start
            self.fieldCount = fieldCount
            self.valueCount = valueCount
        }

        /// The shape of an element that is to be made.
        @inline(__always)
        init(fieldCount: Int, valueCount: Int, isTimed: Bool) {
            let isNarrow = fieldCount < 254 && valueCount < 256
            self.init(
                start: isTimed ? 17 : (isNarrow ? 2 : 9), fieldCount: fieldCount,
                valueCount: valueCount)
        }

        @inline(__always)
        var byteCount: Int { start &+ fieldCount &+ valueCount }
    }

    @inline(__always)
    static func shape(of element: UnsafeMutableRawPointer) -> Shape {
        let mark = element.load(as: UInt8.self)
        if mark < wideMark {
            return Shape(
                start: 2, fieldCount: Int(mark),
                valueCount: Int(element.load(fromByteOffset: 1, as: UInt8.self)))
        }
        return Shape(
            start: mark == wideMark ? 9 : 17,
            fieldCount: Int(element.loadUnaligned(fromByteOffset: 1, as: UInt32.self)),
            valueCount: Int(element.loadUnaligned(fromByteOffset: 5, as: UInt32.self)))
    }

    /// The field.
    @inline(__always)
    static func key(of element: UnsafeMutableRawPointer) -> ByteView {
        let shape = shape(of: element)
        return ByteView(element + shape.start, count: shape.fieldCount)
    }

    @inline(__always)
    static func value(of element: UnsafeMutableRawPointer) -> ByteView {
        let shape = shape(of: element)
        return ByteView(element + (shape.start &+ shape.fieldCount), count: shape.valueCount)
    }

    /// When the field dies, in milliseconds since the epoch, or nil.
    @inline(__always)
    static func deadline(of element: UnsafeMutableRawPointer) -> Int64? {
        guard element.load(as: UInt8.self) == timedMark else { return nil }
        return element.loadUnaligned(fromByteOffset: 9, as: Int64.self)
    }

    @inline(__always)
    static func byteCount(of element: UnsafeMutableRawPointer) -> Int {
        shape(of: element).byteCount
    }

    /// A new element; the caller owns it.
    static func make(
        _ field: ByteView, _ value: ByteView, deadline: Int64?, _ heap: UnsafeMutablePointer<Heap>
    ) -> UnsafeMutableRawPointer {
        let shape = Shape(
            fieldCount: field.count, valueCount: value.count, isTimed: deadline != nil)
        let element = heap.pointee.allocate(shape.byteCount)
        writeHead(shape, to: element)
        if let deadline {
            element.storeBytes(of: deadline, toByteOffset: 9, as: Int64.self)
        }
        (element + shape.start).copyMemory(from: field.base, byteCount: field.count)
        (element + (shape.start &+ field.count)).copyMemory(
            from: value.base, byteCount: value.count)
        return element
    }

    /// Writes another value over the present one if the block is as large as the new one would be
    /// and nothing else of it changes; false if not. The element must be writable.
    @inline(__always)
    static func overwrite(_ element: UnsafeMutableRawPointer, with value: ByteView) -> Bool {
        let old = shape(of: element)
        let new = Shape(
            fieldCount: old.fieldCount, valueCount: value.count,
            isTimed: element.load(as: UInt8.self) == timedMark)
        guard old.start == new.start,
            Heap.sizeClass(old.byteCount) == Heap.sizeClass(new.byteCount)
        else { return false }
        writeHead(new, to: element)
        (element + (new.start &+ new.fieldCount)).copyMemory(
            from: value.base, byteCount: value.count)
        return true
    }

    /// Writes all that is before the deadline, or the field.
    @inline(__always)
    private static func writeHead(_ shape: Shape, to element: UnsafeMutableRawPointer) {
        guard shape.start != 2 else {
            element.storeBytes(of: UInt8(truncatingIfNeeded: shape.fieldCount), as: UInt8.self)
            element.storeBytes(
                of: UInt8(truncatingIfNeeded: shape.valueCount), toByteOffset: 1, as: UInt8.self)
            return
        }
        element.storeBytes(of: shape.start == 9 ? wideMark : timedMark, as: UInt8.self)
        element.storeBytes(
            of: UInt32(truncatingIfNeeded: shape.fieldCount), toByteOffset: 1, as: UInt32.self)
        element.storeBytes(
            of: UInt32(truncatingIfNeeded: shape.valueCount), toByteOffset: 5, as: UInt32.self)
    }
}

/// A deadline and the address of the element that has it, as the tree of a large hash keeps them.
struct FieldDeadline {
    var deadline: Int64
    var address: UInt64

    init(_ deadline: Int64, _ element: UnsafeMutableRawPointer) {
        self.deadline = deadline
        address = UInt64(UInt(bitPattern: element))
    }

    @inline(__always)
    init(_ record: UnsafeRawPointer) {
        deadline = record.load(as: Int64.self)
        address = record.load(fromByteOffset: 8, as: UInt64.self)
    }

    /// The element; valid for the loop as long as the record is in the tree.
    var element: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped
    }

    @inline(__always)
    static func precedes(_ left: FieldDeadline, _ right: FieldDeadline) -> Bool {
        left.deadline == right.deadline
            ? left.address < right.address : left.deadline < right.deadline
    }
}

/// Fields in the order in which they die.
enum FieldDeadlineLayout: TreeLayout {
    static var recordBytes: Int { @inline(__always) get { 16 } }

    @inline(__always)
    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
        FieldDeadline.precedes(FieldDeadline(left), FieldDeadline(right))
    }
}
