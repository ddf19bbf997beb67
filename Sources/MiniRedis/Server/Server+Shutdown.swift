// SPDX-License-Identifier: BSD-3-Clause
//
// The end of the server: what SHUTDOWN and the signals lead to.

extension Server {
    func shutDown(
        _ mode: ShutdownMode, for session: UnsafeMutablePointer<Session>, force: Bool
    ) {
        let saves =
            mode == .save || mode == .byConfiguration && !configuration.settings.savePoints.isEmpty
        log.write(.warning, "User requested shutdown...")
        answerLater(session) { [unowned self] done in
            end(saving: saves, force: force) {
                done { $0.error(.shutdownFailed, command: "shutdown") }
            }
        }
    }

    /// Saves if asked to, and stops the loop; if the save fails the server goes on and `failed` is
    /// called.
    func end(saving: Bool, force: Bool, failed: @escaping () -> Void) {
        guard finishAppendOnly(force: force) else { return failed() }
        process.supervision.tell("STOPPING=1")
        // What is loaded in part is not to take the place of the dump.
        guard saving && loading == nil else { return stop() }
        afterFailedEnd.append(failed)
        isEndForced = isEndForced || force
        guard !isEnding else { return }
        isEnding = true
        if persistence.runningSince == nil { return saveAndStop() }
        // The state at the running save's start is not the last one.
        afterSave = { [unowned self] in saveAndStop() }
        log.write(.warning, "There is a save in progress. Giving it up.")
        abandonSave(.shutdown)
    }

    /// Nothing is written any more that would be missing in the save, and no key dies.
    private func saveAndStop() {
        pauseClients(.writes, until: .max)
        log.write(.notice, "Saving the final RDB snapshot before exiting.")
        process.supervision.tell("STATUS=Saving the final RDB snapshot")
        beginSave(isForeground: true) { [unowned self] error in
            if error == nil || isEndForced { return stop() }
            isEnding = false
            unpauseClients()
            log.write(.warning, "Error trying to save the DB, can't exit.")
            log.write(
                .warning,
                "Errors trying to shut down the server. Check the logs for more information.")
            let waiting = afterFailedEnd
            afterFailedEnd = []
            for failed in waiting { failed() }
        }
    }

    private func stop() {
        if persistence.runningSince != nil {
            // Nobody wants the running save any more; its thread goes on until the process ends.
            SnapshotFile.removeOwn(directory: configuration.settings.directory)
        }
        log.write(.warning, "Mini-Redis is now ready to exit, bye bye...")
        exitStatus = 0
        loop.stop()
    }
}
