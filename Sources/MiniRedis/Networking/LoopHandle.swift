// SPDX-License-Identifier: BSD-3-Clause
//
// One libuv handle and the Swift object that owns it.
//
// libuv wants the memory of a handle to stay where it is until its close callback has run, and
// knows nothing of reference counts. So the handle is allocated apart, at an address that never
// moves, and the two hold each other: the object points at the handle, the handle's `data` field
// holds one retain of the object. `close()` asks libuv to let go; the close callback gives the
// retain back. An open handle therefore keeps its object alive, and there is one place where
// either of them can end.
//
// (libuv's handles are C structs that begin alike; Swift does not convert between pointers to
// them, so the conversions are spelled out where they are needed.)

import CUVShim

/// The base of timers, signals, listeners and connections. Subclasses initialise the handle, then
/// call `opened()`.
class LoopHandle {
    final let loop: EventLoop
    /// The handle. Its memory is freed with this object, which an open handle keeps alive.
    final let handle: UnsafeMutablePointer<uv_handle_t>
    /// Whether `close()` was called: no callback but the last one comes any more.
    final private(set) var isClosing = false
    /// Whether libuv has let go of the handle.
    final private(set) var isClosed = false

    /// Allocates zeroed memory for a handle of `byteCount` bytes.
    init(loop: EventLoop, byteCount: Int) {
        self.loop = loop
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        handle = memory.assumingMemoryBound(to: uv_handle_t.self)
    }

    deinit {
        UnsafeMutableRawPointer(handle).deallocate()
    }

    /// The handle as the libuv type it was initialised as.
    @inline(__always)
    final func handle<Kind>(as kind: Kind.Type) -> UnsafeMutablePointer<Kind> {
        UnsafeMutableRawPointer(handle).assumingMemoryBound(to: kind)
    }

    /// To be called once libuv has initialised the handle: from now on the handle holds the object.
    final func opened() {
        handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    /// The object behind a handle's `data` field.
    @inline(__always)
    static func owner(_ data: UnsafeMutableRawPointer?) -> Self {
        guard let data else { preconditionFailure("a libuv handle without its owner") }
        return Unmanaged<Self>.fromOpaque(data).takeUnretainedValue()
    }

    /// Closes the handle: at once for libuv, later for memory. May be called at any time, from any
    /// callback, more than once.
    final func close() {
        guard !isClosing else { return }
        isClosing = true
        willClose()
        guard handle.pointee.data != nil else { return }
        uv_close(handle) { closed in
            guard let closed, let data = closed.pointee.data else { return }
            closed.pointee.data = nil
            let object = Unmanaged<LoopHandle>.fromOpaque(data)
            object.takeUnretainedValue().finishClosing()
            object.release()
        }
    }

    private final func finishClosing() {
        loop.turnStarted()
        isClosed = true
        didClose()
    }

    /// For subclasses: what `close()` does at once.
    func willClose() {}

    /// For subclasses: what is done when libuv has let go.
    func didClose() {}
}
