// SPDX-License-Identifier: BSD-3-Clause
//
// A message as listeners get it: encoded once for each version of the protocol that they speak.
//
//     *3 | >3  message  channel  text          *4 | >4  pmessage  pattern  channel  text
//
// Source: https://redis.io/docs/latest/develop/interact/pubsub/

/// A message on its way to the listeners of one channel or pattern.
struct PublishedMessage: ~Copyable {
    /// As what it reaches them.
    enum Route {
        case channel, shard
        case pattern(ByteView)
    }

    private var array: ByteBuffer
    /// Made when it is asked for.
    private var push = ByteBuffer()

    /// The bytes of the message as it is sent.
    var byteCount: Int { array.count }

    init(_ route: Route, _ name: ByteView, _ text: ByteView) {
        array = ByteBuffer(capacity: name.count + text.count + 96)
        switch route {
        case .channel: array.append("*3\r\n$7\r\nmessage\r\n")
        case .shard: array.append("*3\r\n$8\r\nsmessage\r\n")
        case .pattern(let pattern):
            array.append("*4\r\n$8\r\npmessage\r\n")
            append(pattern)
        }
        append(name)
        append(text)
    }

    private mutating func append(_ bytes: ByteView) {
        array.append("$")
        array.append(decimal: Int64(bytes.count))
        array.append("\r\n")
        array.append(bytes)
        array.append("\r\n")
    }

    /// The message as this version of the protocol has it; they differ in the first byte. Valid as
    /// long as the message.
    mutating func encoding(version: Int) -> ByteView {
        guard version == 3 else { return array.view }
        if push.isEmpty {
            push.append(">")
            push.append(array.view.suffix(from: 1))
        }
        return push.view
    }
}
