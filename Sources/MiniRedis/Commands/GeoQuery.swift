// SPDX-License-Identifier: BSD-3-Clause
//
// What a search for places is asked for, as the six commands that search say it: where, how far, in
// which order, how many, and what is to be done with what is found.

/// The arguments of a search.
struct GeoQuery {
    /// The command's way to say where.
    enum Form {
        /// GEORADIUS, GEORADIUSBYMEMBER; the read-only ones store nothing.
        case aroundPoint(mayStore: Bool)
        case aroundMember(mayStore: Bool)
        case search, searchStore
    }

    private(set) var area = GeoArea(
        center: GeoPoint(longitude: 0, latitude: 0), shape: .circle(radius: 0))
    private(set) var unit = GeoUnit.metres
    private(set) var order = GeoMatches.Order.asFound
    /// 0: all.
    private(set) var count = 0
    private(set) var takesAny = false
    private(set) var showsDistance = false
    private(set) var showsHash = false
    private(set) var showsPlace = false
    /// The argument that is the key to store under.
    private(set) var destination: Int?
    private(set) var storesDistance = false

    private let form: Form
    private let source: SortedSetView?
    private enum From {
        case nothing, member, point
    }
    private enum By {
        case nothing, circle, box
    }
    private var from = From.nothing
    private var by = By.nothing

    /// Reads all arguments. `source` is the set to be searched, nil if there is none: then a member
    /// to search around is not looked for.
    init(_ context: DataContext, _ form: Form, in source: SortedSetView?) throws(ErrorReply) {
        self.form = form
        self.source = source
        var at: Int
        switch form {
        case .aroundPoint:
            area.center = try Geo.point(context, 2)
            try readCircle(context, 4)
            at = 6
        case .aroundMember:
            if source != nil {
                try readMember(context[2])
                try readCircle(context, 3)
            }
            at = 5
        case .search:
            at = 2
        case .searchStore:
            destination = 1
            at = 3
        }
        while at < context.count {
            at += try readFlag(context[at]) ? 1 : readOption(context, at)
        }
        try check(context)
        if count > 0 && order == .asFound && !takesAny { order = .nearestFirst }
    }

    /// Whether the word is an option without arguments, which is noted then.
    private mutating func readFlag(_ word: ByteView) -> Bool {
        if word.equalsFolded("withdist") {
            showsDistance = true
        } else if word.equalsFolded("withhash") {
            showsHash = true
        } else if word.equalsFolded("withcoord") {
            showsPlace = true
        } else if word.equalsFolded("any") {
            takesAny = true
        } else if word.equalsFolded("asc") {
            order = .nearestFirst
        } else if word.equalsFolded("desc") {
            order = .farthestFirst
        } else if case .searchStore = form, word.equalsFolded("storedist") {
            storesDistance = true
        } else {
            return false
        }
        return true
    }

    /// Reads the option at argument `at`, which has arguments; returns how many words it takes.
    private mutating func readOption(
        _ context: DataContext, _ at: Int
    ) throws(ErrorReply) -> Int {
        let (word, following) = (context[at], context.count - at - 1)
        guard following > 0 else { throw .syntax }
        if word.equalsFolded("count") {
            let number = try context.integer(at + 1)
            guard number > 0 else { throw .geoCountNotPositive }
            count = Int(number)
            return 2
        }
        switch form {
        case .aroundPoint(let mayStore), .aroundMember(let mayStore):
            let isDistance = word.equalsFolded("storedist")
            guard mayStore, isDistance || word.equalsFolded("store") else { throw .syntax }
            (destination, storesDistance) = (at + 1, isDistance)
            return 2
        case .search, .searchStore:
            return try readWhere(context, at, following)
        }
    }

    private mutating func readWhere(
        _ context: DataContext, _ at: Int, _ following: Int
    ) throws(ErrorReply) -> Int {
        let word = context[at]
        if word.equalsFolded("frommember"), from != .point {
            if source != nil { try readMember(context[at + 1]) }
            from = .member
            return 2
        }
        if word.equalsFolded("fromlonlat"), from != .member, following >= 2 {
            area.center = try Geo.point(context, at + 1)
            from = .point
            return 3
        }
        if word.equalsFolded("byradius"), by != .box, following >= 2 {
            try readCircle(context, at + 1)
            by = .circle
            return 3
        }
        if word.equalsFolded("bybox"), by != .circle, following >= 3 {
            try readBox(context, at + 1)
            by = .box
            return 4
        }
        throw .syntax
    }

    private mutating func readMember(_ member: ByteView) throws(ErrorReply) {
        guard let score = source?.score(of: member) else { throw .memberWithoutPlace }
        area.center = Geohash.point(score)
    }

    private mutating func readUnit(_ word: ByteView) throws(ErrorReply) {
        guard let other = GeoUnit(word) else { throw .unsupportedUnit }
        unit = other
    }

    private mutating func readCircle(_ context: DataContext, _ at: Int) throws(ErrorReply) {
        guard let radius = FloatingPointText.parse(context[at]) else { throw .radiusNotNumeric }
        guard radius >= 0 else { throw .radiusNegative }
        try readUnit(context[at + 1])
        area.shape = .circle(radius: radius * unit.metres)
    }

    private mutating func readBox(_ context: DataContext, _ at: Int) throws(ErrorReply) {
        guard let width = FloatingPointText.parse(context[at]) else { throw .widthNotNumeric }
        guard let height = FloatingPointText.parse(context[at + 1]) else { throw .heightNotNumeric }
        guard width >= 0 && height >= 0 else { throw .boxNegative }
        try readUnit(context[at + 2])
        area.shape = .box(width: width * unit.metres, height: height * unit.metres)
    }

    /// Checks what goes together only when all is read.
    private func check(_ context: DataContext) throws(ErrorReply) {
        let isSearch: Bool
        switch form {
        case .aroundPoint, .aroundMember: isSearch = false
        case .search, .searchStore: isSearch = true
        }
        if destination != nil && (showsDistance || showsHash || showsPlace) {
            throw isSearch ? .searchStoreWithDetails : .radiusStoreWithDetails
        }
        if isSearch && from == .nothing {
            try refuse(context, "FROMMEMBER or FROMLONLAT")
        }
        if isSearch && by == .nothing {
            try refuse(context, "BYRADIUS and BYBOX")
        }
        if takesAny && count == 0 { throw .anyWithoutCount }
    }

    private func refuse(_ context: DataContext, _ words: String) throws(ErrorReply) {
        let name = context[0].string
        context.reply.error("ERR exactly one of \(words) can be specified for \(name)")
        throw .written
    }
}
