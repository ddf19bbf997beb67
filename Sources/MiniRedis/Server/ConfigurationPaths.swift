// SPDX-License-Identifier: BSD-3-Clause
//
// The few questions that configuration asks the file system. Nothing here changes anything.

import Glibc

/// Paths, as configuration needs them.
enum ConfigurationPaths {
    /// The working directory of the process, or `/` if it is gone.
    static func workingDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    /// `path` seen from `base`, without touching the file system.
    static func absolute(_ path: String, from base: String) -> String {
        var parts: [Substring] = []
        let whole = path.utf8.first == UInt8(ascii: "/") ? path : base + "/" + path
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The real path of a directory that exists, or the system's reason why it does not.
    static func existingDirectory(_ path: String, from base: String) throws(SettingRefusal)
        -> String
    {
        if path.isEmpty { throw SettingRefusal(String(cString: strerror(ENOENT))) }
        let joined = path.utf8.first == UInt8(ascii: "/") ? path : base + "/" + path
        guard let resolved = realpath(joined, nil) else {
            throw SettingRefusal(String(cString: strerror(errno)))
        }
        defer { free(resolved) }
        var status = stat()
        guard stat(resolved, &status) == 0 else {
            throw SettingRefusal(String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw SettingRefusal(String(cString: strerror(ENOTDIR)))
        }
        return String(cString: resolved)
    }

    /// The files that a shell pattern names, sorted; none if none matches.
    static func expand(_ pattern: String) -> [String] {
        var matches = glob_t()
        defer { globfree(&matches) }
        guard glob(pattern, 0, nil, &matches) == 0, let paths = matches.gl_pathv else { return [] }
        return (0..<Int(matches.gl_pathc)).compactMap { index in
            paths[index].map { String(cString: $0) }
        }
    }

    /// The text of a file, or the system's reason why it cannot be read.
    static func contents(of path: String) -> LaunchArguments.FileText {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .unreadable(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        return contents(ofDescriptor: descriptor)
    }

    /// The text that is left in an open file.
    static func contents(ofDescriptor descriptor: Int32) -> LaunchArguments.FileText {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &block, block.count)
            if count == 0 { return .text(String(decoding: bytes, as: UTF8.self)) }
            if count > 0 {
                bytes += block[..<count]
            } else if errno != EINTR {
                return .unreadable(reason: String(cString: strerror(errno)))
            }
        }
    }
}
