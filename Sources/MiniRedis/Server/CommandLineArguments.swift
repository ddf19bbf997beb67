// SPDX-License-Identifier: BSD-3-Clause
//
// From the words of the command line to a decision: run with this configuration, or print this
// and exit. As in Redis, options are lines of configuration in disguise: `--port 6380` is the line
// `port "6380"`, appended to the file. It prints nothing and ends nothing itself.

/// What the process is to do.
enum LaunchDecision {
    /// Serve. The notices are lines for the log, to be written once it is open.
    case run(Configuration, notices: [String])
    case printAndExit(text: String, status: Int32, toStandardError: Bool)
}

/// The command line of the server.
enum LaunchArguments {
    /// What reading a file gave.
    enum FileText: Equatable {
        case text(String)
        /// `reason` is the system's word for it.
        case unreadable(reason: String)
    }

    /// The path by which `readFile` is asked for the standard input.
    static let standardInput = "-"

    /// Decides what to do.
    /// - Parameters:
    ///   - argv: the program's name and its arguments.
    ///   - workingDirectory: where relative paths start.
    ///   - readFile: the text of the file with that path; `-` is the standard input.
    static func interpret(
        _ argv: [String],
        workingDirectory: String = ConfigurationPaths.workingDirectory(),
        readFile: (String) -> FileText = LaunchArguments.readFile
    ) -> LaunchDecision {
        if let answer = special(argv) { return answer }
        let words = Words(argv)
        let configuration = Configuration(workingDirectory: workingDirectory)
        return withoutActuallyEscaping(readFile) { readFile in
            let file = ConfigurationFile(
                configuration: configuration, workingDirectory: workingDirectory,
                readFile: readFile)
            do throws(ConfigurationFileError) {
                try load(words, with: file)
            } catch {
                return .printAndExit(text: error.text, status: 1, toStandardError: true)
            }
            return .run(configuration, notices: configuration.notices)
        }
    }

    /// Reads a file of this machine, or the standard input.
    static func readFile(_ path: String) -> FileText {
        path == standardInput
            ? ConfigurationPaths.contents(ofDescriptor: 0) : ConfigurationPaths.contents(of: path)
    }

    /// The file, then the standard input, then the options: the last one wins.
    private static func load(_ words: Words, with file: ConfigurationFile)
        throws(ConfigurationFileError)
    {
        var text = ""
        if let path = words.file {
            let absolute = ConfigurationPaths.absolute(path, from: file.workingDirectory)
            file.configuration.filePath = absolute
            text = try file.contents(of: absolute)
        }
        if words.readsStandardInput {
            if !text.isEmpty, text.utf8.last != UInt8(ascii: "\n") { text += "\n" }
            text += try file.contents(of: standardInput)
        }
        try file.load(text + "\n" + words.options)
    }
}

// MARK: - Words that stand alone

extension LaunchArguments {
    /// The answer to words that ask for something else than to serve.
    private static func special(_ argv: [String]) -> LaunchDecision? {
        let program = argv.first?.split(separator: "/").last ?? "redis"
        if argv.dropFirst().contains("--sentinel") || program.hasPrefix("redis-sentinel") {
            return refusal("Sentinel mode is not part of this server.")
        }
        guard argv.count > 1 else { return nil }
        switch argv[1] {
        case "-v", "--version":
            return .printAndExit(text: versionText, status: 0, toStandardError: false)
        case "-h", "--help":
            return .printAndExit(text: helpText, status: 0, toStandardError: false)
        case "--test-memory":
            return refusal("A memory test is not part of this server; use memtest86 or memtester.")
        case "--check-system":
            let (text, isGood) = SystemCheck.current.report()
            return .printAndExit(text: text, status: isGood ? 0 : 1, toStandardError: false)
        default:
            return nil
        }
    }

    private static func refusal(_ text: String) -> LaunchDecision {
        .printAndExit(text: text + "\n", status: 1, toStandardError: true)
    }

    /// One line in the shape that scripts take apart; `build` names this server.
    static var versionText: String {
        "Redis server v=\(Version.redis) sha=00000000:0 malloc=\(Version.allocator) "
            + "bits=\(Int.bitWidth) build=mini-redis-\(Version.server)\n"
    }

    static let helpText = """
        Mini-Redis \(Version.server), a server that speaks Redis \(Version.redis)

        Usage: redis [/path/to/redis.conf] [--directive value ...] [-]
               redis - (read the configuration from standard input)
               redis -v or --version
               redis -h or --help
               redis --check-rdb FILE (whether a dump is whole, and what is inside)
               redis --convert-rdb IN OUT --rdb-version N (a dump for another version)
               redis --check-aof [--fix] FILE (what redis-check-aof does)
               redis --check-system (settings of the system that cost speed or room)

        Every directive of redis.conf is an option; the last one wins. The most used:
          --port 6379              TCP port; 0 is none
          --bind 127.0.0.1 -::1    addresses to listen on; '-' before one: it may be missing
          --unixsocket PATH        Unix socket to listen on
          --maxclients 10000       connections at a time
          --dir PATH               directory of the data
          --dbfilename dump.rdb    file of the data in that directory
          --save 3600 1 300 100    save after SECONDS if CHANGES keys changed; --save '' never
          --maxmemory 1gb          limit of the memory of the data; 0 is none
          --maxmemory-policy allkeys-lru   what to do when it is reached
          --loglevel notice        debug, verbose, notice or warning
          --logfile PATH           log file; '' is standard output

        Examples:
          redis
          redis --port 7777 --save ''
          redis /etc/redis/redis.conf --loglevel verbose
          echo 'maxmemory 128mb' | redis -

        """
}

// MARK: - Options as lines

extension LaunchArguments {
    /// The command line taken apart.
    struct Words: Equatable {
        /// The configuration file, as it was written.
        private(set) var file: String?
        private(set) var readsStandardInput = false
        /// The options as lines of configuration.
        private(set) var options = ""
        /// Whether a word with `--` is an option: the word after an option's bare name is its
        /// value, whatever it looks like.
        private var mayStartOption = true

        init(_ argv: [String]) {
            var index = 1
            if argv.count > 1, argv[1].utf8.first != UInt8(ascii: "-") {
                // An empty word is no file; a script may have had nothing to put there.
                file = argv[1].isEmpty ? nil : argv[1]
                index = 2
            }
            while index < argv.count {
                let word = argv[index]
                let next = index + 1 < argv.count ? argv[index + 1] : nil
                if word == standardInput, index == 1 || next == nil {
                    readsStandardInput = true
                } else if mayStartOption, word.utf8.starts(with: "--".utf8) {
                    startLine(word, next: next)
                } else {
                    options += ConfigurationText.quoted(word) + " "
                    mayStartOption = true
                }
                index += 1
            }
        }

        private mutating func startLine(_ word: String, next: String?) {
            if !options.isEmpty { options += "\n" }
            options += word.dropFirst(2) + " "
            // `"--maxmemory 700mb"` in one word has its value already.
            guard ConfigurationText.words(word)?.count == 1 else {
                mayStartOption = true
                return
            }
            mayStartOption = false
            // `--save` without a value is `--save ''`, and does not swallow the next option.
            let isSave = ConfigurationText.lowercased(word) == "--save"
            if isSave, next?.utf8.starts(with: "--".utf8) ?? true {
                options += "\"\""
                mayStartOption = true
            }
        }
    }
}
