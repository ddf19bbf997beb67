// SPDX-License-Identifier: BSD-3-Clause
//
// The errors of what concerns the server and its clients, and of a server that lacks what it is
// asked for.

extension ErrorReply {
    // MARK: - Clients

    static let noProtocol = ErrorReply("NOPROTO unsupported protocol version")
    static let invalidProtocol = ErrorReply(
        """
        ERR Protocol version is not an integer or out of range
        """)
    static let wrongPassword = ErrorReply(
        """
        WRONGPASS invalid username-password pair or user is disabled.
        """)
    static let noPasswordSet = ErrorReply(
        """
        ERR AUTH <password> called without any password configured for the default user. Are \
        you sure your configuration is correct?
        """)
    static let loading = ErrorReply("LOADING Redis is loading the dataset in memory")
    static let noAuthentication = ErrorReply("NOAUTH Authentication required.")
    static let helloNeedsAuthentication = ErrorReply(
        """
        NOAUTH HELLO must be called with the client already authenticated, otherwise the \
        HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
        select the RESP protocol version at the same time
        """)
    static let invalidClientName = ErrorReply(
        """
        ERR Client names cannot contain spaces, newlines or special characters.
        """)
    static let noSuchClient = ErrorReply("ERR No such client")
    static let invalidClientID = ErrorReply("ERR Invalid client ID")
    static let clientIDNotPositive = ErrorReply("ERR client-id should be greater than 0")
    static let timeoutNotFloat = ErrorReply("ERR timeout is not a float or out of range")
    static let timeoutNotInteger = ErrorReply("ERR timeout is not an integer or out of range")
    static let timeoutNegative = ErrorReply("ERR timeout is negative")
    static let timeoutOutOfRange = ErrorReply("ERR timeout is out of range")
    static let invalidPauseMode = ErrorReply("ERR CLIENT PAUSE mode must be WRITE or ALL")
    static let invalidUnblockReason = ErrorReply(
        """
        ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
        """)
    static let notTracking = ErrorReply(
        """
        ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN \
        or OPTOUT mode enabled
        """)
    static let trackingUnsupported = ErrorReply(
        """
        ERR client tracking is not supported by this server
        """)
    static let maximumAgeNotInteger = ErrorReply("ERR maxage is not an integer or out of range")
    static let maximumAgeNotPositive = ErrorReply("ERR maxage should be greater than 0")

    // MARK: - The server

    static let debugDisabled = ErrorReply(
        """
        ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", \
        you can run it from a local connection, otherwise you need to set this option in the \
        configuration file, and then restart the server.
        """)
    static let saveFailed = ErrorReply("ERR")
    static let shutdownFailed = ErrorReply("ERR Errors trying to SHUTDOWN. Check logs.")
    static let alreadySaving = ErrorReply("ERR Background save already in progress")
    static let notSaving = ErrorReply(
        """
        ERR Background saving is currently not in progress or scheduled
        """)
    static let savePastCancelling = ErrorReply(
        """
        ERR Background saving is complete and takes the old dump's place just now
        """)
    static let noShutdownInProgress = ErrorReply("ERR No shutdown in progress.")
    static let invalidCommandSpecified = ErrorReply("ERR Invalid command specified")
    static let commandHasNoKeys = ErrorReply("ERR The command has no key arguments")
    static let invalidNumberOfArguments = ErrorReply(
        """
        ERR Invalid number of arguments specified for command
        """)
    static let idleTimeNotTracked = ErrorReply(
        """
        ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that \
        when switching between policies at runtime LRU and LFU data will take some time to \
        adjust.
        """)
    static let frequencyNotTracked = ErrorReply(
        """
        ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
        note that when switching between policies at runtime LRU and LFU data will take some \
        time to adjust.
        """)
    static let slowLogCount = ErrorReply("ERR count should be greater than or equal to -1")
    static let noConfigurationFile = ErrorReply("ERR The server is running without a config file")
    static let notBusy = ErrorReply("NOTBUSY No scripts in execution right now.")
    static let libraryNotFound = ErrorReply("ERR Library not found")
    static let noScripts = ErrorReply("ERR This server runs no scripts: '%c' is not supported")
    static let noFunctions = ErrorReply("ERR This server runs no functions: '%c' is not supported")
    static let modulesDisabled = ErrorReply(
        """
        ERR MODULE command not allowed. If the enable-module-command option is set to \
        "local", you can run it from a local connection, otherwise you need to set this \
        option in the configuration file, and then restart the server.
        """)
    static let noModules = ErrorReply("ERR This server loads no modules: '%c' is not supported")
    static let functionFlushMode = ErrorReply("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    static let scriptFlushMode = ErrorReply("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
}
