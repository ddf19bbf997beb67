// SPDX-License-Identifier: BSD-3-Clause
//
// CONFIG GET and CONFIG SET on a configuration without a server.

import Testing

@testable import MiniRedis

@Suite struct ConfigurationTests {
    @Test func `every directive of the recorded server exists with its default`() {
        let configuration = Configuration()
        let values = Dictionary(uniqueKeysWithValues: configuration.get(patterns: ["*"]))
        for line in recordedDirectives.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            let expected = words.count == 2 ? String(words[1]) : ""
            #expect(values[String(words[0])] == expected, "\(words[0])")
        }
    }

    @Test func `a directive has one line and no name twice`() {
        let names = Configuration.directives.flatMap(\.names)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0 == ConfigurationText.lowercased($0) })
    }

    @Test func `every default is a value that its directive accepts`() {
        for setting in Configuration.directives where setting.name != "replicaof" {
            let configuration = Configuration()
            let text = setting.read(configuration.settings)
            let words = setting.takesManyWords ? ConfigurationText.wordsAtSpaces(text) : [text]
            var settings = configuration.settings
            #expect(throws: Never.self, "\(setting.name)") {
                try setting.write(&settings, words, false)
            }
            #expect(setting.read(settings) == text, "\(setting.name)")
        }
    }

    @Test func `CONFIG SET answers as the recorded server did`() {
        let configuration = Configuration(workingDirectory: "/tmp")
        for record in recordedSets {
            let error = configuration.set([(record.name, record.text)], mayChangeProtected: true)
            let line = "\(record.name) '\(record.text)'"
            if let value = record.value {
                #expect(error == nil, "\(line)")
                #expect(configuration.value(of: record.name) == value, "\(line)")
            } else if let reason = record.reason, let blamed = record.blamed {
                let text =
                    "ERR CONFIG SET failed (possibly related to argument '\(blamed)') - \(reason)"
                #expect(error?.text == text, "\(line)")
            } else {
                #expect(error?.text == record.error, "\(line)")
            }
        }
    }

    // MARK: - CONFIG GET

    @Test func `patterns find each name once, as declared, aliases too`() {
        let configuration = Configuration()
        func names(_ patterns: String...) -> [String] {
            configuration.get(patterns: patterns).map(\.0)
        }
        #expect(
            names("maxmemory", "max*memory", "maxmemory-p*") == ["maxmemory", "maxmemory-policy"])
        #expect(names("*-priority") == ["replica-priority", "slave-priority"])
        #expect(names("slave-priority") == ["slave-priority"])
        #expect(names("MAXMEM*S") == ["maxmemory-clients", "maxmemory-samples"])
        #expect(names("[a-b]ind") == ["bind"])
        #expect(names("nope", "port", "p?rt", "port") == ["port"])
        #expect(names("nope*").isEmpty)
    }

    @Test func `a name is repeated as it was written`() {
        #expect(Configuration().get(patterns: ["MaxMemory"]).map(\.0) == ["MaxMemory"])
    }

    @Test func `a hidden directive is found by its name only`() {
        let configuration = Configuration()
        #expect(configuration.get(patterns: ["key-load-delay"]).map(\.1) == ["0"])
        #expect(configuration.get(patterns: ["key-load*"]).isEmpty)
    }

    // MARK: - CONFIG SET

    private func failure(_ name: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(
            text: "ERR CONFIG SET failed (possibly related to argument '\(name)') - \(reason)")
    }

    @Test func `F52 unknown, immutable, protected and duplicate are refused before any change`() {
        let configuration = Configuration()
        let before = configuration.settings
        func set(_ pairs: (String, String)...) -> ConfigurationError? {
            configuration.set(pairs, mayChangeProtected: false)
        }
        #expect(
            set(("maxmemory", "1"), ("x", "2"))?.text
                == "ERR Unknown option or number of arguments for CONFIG SET - 'x'")
        #expect(
            set(("hz", "abc"), ("daemonize", "yes"))
                == failure("daemonize", "can't set immutable config"))
        #expect(set(("dir", "/")) == failure("dir", "can't set protected config"))
        #expect(
            set(("maxmemory", "1"), ("MAXMEMORY", "2"))
                == failure("MAXMEMORY", "duplicate parameter"))
        #expect(
            set(("maxmemory", "7"), ("hz", "abc"))
                == failure("hz", "argument couldn't be parsed into an integer"))
        #expect(configuration.settings == before)
    }

    @Test func `the two names of a setting may be set together, and the last one wins`() {
        let configuration = Configuration()
        let pairs = [("list-max-listpack-size", "3"), ("list-max-ziplist-size", "4")]
        #expect(configuration.set(pairs, mayChangeProtected: false) == nil)
        #expect(configuration.settings.listMaxListpackSize == 4)
    }

    @Test func `a hook that refuses undoes all changes and the hooks before it`() {
        let configuration = Configuration()
        var applied: [String] = []
        configuration.onChange["maxmemory"] = { new, old in
            applied.append("maxmemory \(old.maxMemoryBytes) \(new.maxMemoryBytes)")
            return nil
        }
        configuration.onChange["port"] = { new, _ in "Unable to listen on port \(new.port)" }
        let pairs = [("maxmemory", "5"), ("timeout", "9"), ("Port", "1")]
        let before = configuration.settings
        #expect(
            configuration.set(pairs, mayChangeProtected: false)
                == failure("port", "Unable to listen on port 1"))
        #expect(configuration.settings == before)
        #expect(applied == ["maxmemory 0 5", "maxmemory 5 0"])
    }

    @Test func `a hook is told by any alias, and only of a change`() {
        let configuration = Configuration()
        var count = 0
        configuration.onChange["hash-max-listpack-entries"] = { _, _ in
            count += 1
            return nil
        }
        for value in ["7", "7", "8"] {
            let pairs = [("hash-max-ziplist-entries", value)]
            #expect(configuration.set(pairs, mayChangeProtected: false) == nil)
        }
        #expect(count == 2)
    }

    @Test func `what is not built is refused clearly`() {
        let configuration = Configuration()
        #expect(
            configuration.set([("activedefrag", "yes")], mayChangeProtected: true)
                == failure("activedefrag", "activedefrag is not supported yet: it must be 'no'"))
        #expect(configuration.set([("tls-port", "1")], mayChangeProtected: true) != nil)
    }

    @Test(arguments: ["18446744073709551616", "99999999999gb", "18446744073709551615k"])
    func `memory that does not fit 64 bits is refused, not wrapped`(text: String) {
        let error = Configuration().set([("maxmemory", text)], mayChangeProtected: true)
        #expect(error == failure("maxmemory", "argument must be a memory value"))
    }

    @Test func `a text with a NUL byte is refused`() {
        let error = Configuration().set([("dbfilename", "a\u{0}b")], mayChangeProtected: true)
        #expect(error == failure("dbfilename", "argument must not contain a NUL byte"))
    }
}
