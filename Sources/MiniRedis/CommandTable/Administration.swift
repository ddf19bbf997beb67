// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs that the server implements and commands may call. A command asks for an effect and
// knows nothing of how it comes about.

/// How a client wants the server to end.
enum ShutdownMode {
    /// Save if there are save points.
    case byConfiguration
    case save
    case noSave
}

/// What DEBUG RELOAD leaves out, or does otherwise.
struct ReloadOptions: OptionSet {
    var rawValue: UInt8

    /// Keys that are there are replaced, where else the load fails.
    static let merge = ReloadOptions(rawValue: 1)
    static let noFlush = ReloadOptions(rawValue: 2)
    static let noSave = ReloadOptions(rawValue: 4)
}

/// What is answered to BGSAVE.
enum BackgroundSaveAnswer {
    case started, scheduled
}

/// The server, as administration commands see it.
protocol Administration:
    Observation, SessionEffects, Publishing, Serialization, Durability, ReplicationVerbs, Following
{
    /// The commands that there are.
    var commandTable: CommandTable { get }
    var keyspace: Keyspace { get }

    /// INFO's text; `sections` in lower case, none for the default ones.
    func information(sections: [String]) -> String
    /// Name and value of the settings whose names match any of the patterns.
    func settings(matching patterns: [String]) -> [(String, String)]
    /// Changes settings, all or none; returns the error's text, without its dash, if none.
    func changeSettings(_ pairs: [(String, String)], from session: borrowing Session) -> String?
    func resetStatistics()
    /// The password that clients need, empty for none.
    var requiredPassword: String { get }
    /// The server's run id and role, as HELLO shows them.
    var runID: String { get }
    /// The version of Redis whose behaviour this is.
    var version: String { get }
    /// One line for each client that the filter lets through, by number, as CLIENT LIST shows it.
    func describeClients(_ filter: ClientFilter) -> String
    /// Closes the clients that the filter lets through, the asking one after its reply; returns how
    /// many.
    func closeClients(_ filter: ClientFilter, for session: UnsafeMutablePointer<Session>) -> Int
    /// Holds requests back until `end`, milliseconds since the epoch. A running pause gets neither
    /// shorter nor narrower.
    func pauseClients(_ scope: PauseScope, until end: Int64)
    func unpauseClients()
    /// The client is as if it were new: it waits for no key, watches none, listens to nothing and
    /// has queued nothing.
    func forgetEngagements(of session: UnsafeMutablePointer<Session>)
    /// From now on this client is told every command, or no more.
    func setMonitoring(_ isOn: Bool, for session: UnsafeMutablePointer<Session>)
    /// Tells the monitoring clients of a request that was executed.
    func feedMonitors(_ request: Request, from session: UnsafeMutablePointer<Session>)
    /// A client spoke HTTP: somebody may be using a browser against this server.
    func reportForeignProtocol(of session: UnsafeMutablePointer<Session>)
    /// The wall clock of the loop turn, microseconds since the epoch.
    var unixMicroseconds: Int64 { get }
    /// When the data was last saved, or the server started: seconds since the epoch.
    var lastSaveAt: Int64 { get }
    /// Whether DEBUG may be used by this client.
    func allowsDebug(_ session: borrowing Session) -> Bool

    /// Answers KEYS for this client from a background walk of a snapshot; the client's next request
    /// waits for it.
    func replyKeys(_ pattern: ByteView, database: Int, to session: UnsafeMutablePointer<Session>)
    /// Saves in the background; this client alone waits for it. Throws if another save is running.
    func save(for session: UnsafeMutablePointer<Session>) throws(ErrorReply)
    /// Starts a save that nobody waits for; with `maySchedule`, or within a transaction, it may be
    /// left for later. Throws if another save is running.
    func saveInBackground(maySchedule: Bool) throws(ErrorReply) -> BackgroundSaveAnswer
    /// Gives up the save that is running or scheduled; throws if there is none.
    func cancelSave() throws(ErrorReply) -> BackgroundSaveAnswer
    /// All databases were emptied by FLUSHALL: answers it, when that is saved.
    func flushedAll(for session: UnsafeMutablePointer<Session>)
    /// MISCONF and the reason why nothing may be written.
    var diskErrorText: String { get }
    /// Ends the server after the save that `mode` asks for; the client gets an error if that fails,
    /// and none if not.
    func shutDown(_ mode: ShutdownMode, for session: UnsafeMutablePointer<Session>, force: Bool)
    /// Replaces the data by that of a dump, after saving it there (DEBUG RELOAD).
    func reload(
        _ options: ReloadOptions, for session: UnsafeMutablePointer<Session>
    ) throws(ErrorReply)
    /// A line in the log.
    func log(_ text: String)
}
