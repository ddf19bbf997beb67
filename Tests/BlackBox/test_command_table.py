# SPDX-License-Identifier: BSD-3-Clause
"""COMMAND and COMMAND DOCS: what machines read of them equals the oracle's.

Compared: arity, flags and ACL categories as sets, first and last key and step, key specifications,
arguments, since, group, subcommands. Not compared: prose (summary, complexity, history, notes) and
`display_text`, which 7.2 added. Where a later Redis than the oracle changed a fact, the table
`ALLOWED` says what is right for us, and why.
"""

import unittest

from support import Case, Map, SetReply, SharedServerCase, Status, error, needs_oracle, ours_only

FIRST_COMMANDS = """
    ping echo hello select quit get set mget mset incr decr incrby decrby append strlen del
    unlink exists type keys scan dbsize flushdb flushall expire pexpire expireat pexpireat ttl
    pttl expiretime pexpiretime persist info config config|get config|set config|resetstat
    command command|count command|info command|docs command|getkeys command|list save shutdown
    debug setnx setex psetex getset getdel getex msetnx incrbyfloat getrange substr setrange lcs
    randomkey rename renamenx copy move touch object object|encoding object|refcount
    object|idletime object|freq object|help swapdb time lastsave role lolwut
    command|getkeysandflags command|help config|help config|rewrite slowlog|get slowlog|len
    slowlog|reset latency|latest latency|history latency|reset latency|doctor latency|graph
    latency|histogram memory|usage memory|stats memory|doctor memory|purge memory|malloc-stats
    function|flush function|list function|stats function|dump script|flush script|exists
    script|kill eval evalsha eval_ro evalsha_ro fcall fcall_ro failover module|list module|load
""".split()

# (command, place): (what we may answer, why)
ALLOWED = {
    ("xadd", "docs/arguments/3/name"): ("id-selector", "7.2 names the choice"),
    ("xadd", "docs/arguments/3/arguments/0/name"): ("auto-id", "7.2 spells it so"),
    ("xadd", "docs/arguments/4/name"): ("data", "7.2 names the block"),
    ("xclaim", "docs/arguments/10/name"): ("lastid", "7.2 names the argument"),
    ("xgroup|create", "docs/arguments/1/name"): ("group", "7.2 names the argument"),
    ("xgroup|create", "docs/arguments/2/name"): ("id-selector", "7.2 names the choice"),
    ("xgroup|create", "docs/arguments/2/arguments/1/name"): ("new-id", "7.2 spells it so"),
    ("xgroup|create", "docs/arguments/4/name"): ("entriesread", "7.2 spells it so"),
    ("xgroup|createconsumer", "docs/arguments/1/name"): ("group", "7.2 names the argument"),
    ("xgroup|createconsumer", "docs/arguments/2/name"): ("consumer", "7.2 names the argument"),
    ("xgroup|delconsumer", "docs/arguments/1/name"): ("group", "7.2 names the argument"),
    ("xgroup|delconsumer", "docs/arguments/2/name"): ("consumer", "7.2 names the argument"),
    ("xgroup|destroy", "docs/arguments/1/name"): ("group", "7.2 names the argument"),
    ("xgroup|setid", "docs/arguments/1/name"): ("group", "7.2 names the argument"),
    ("xgroup|setid", "docs/arguments/2/name"): ("id-selector", "7.2 names the choice"),
    ("xgroup|setid", "docs/arguments/2/arguments/1/name"): ("new-id", "7.2 spells it so"),
    ("xgroup|setid", "docs/arguments/3/name"): ("entriesread", "7.2 spells it so"),
    ("xinfo|consumers", "docs/arguments/1/name"): ("group", "7.2 names the argument"),
    ("xinfo|stream", "docs/arguments/1/name"): ("full-block", "7.2 names the block"),
    ("xreadgroup", "docs/arguments/0/name"): ("group-block", "7.2 names the block"),
    ("xsetid", "docs/arguments/2/name"): ("entries-added", "7.2 spells it so"),
    ("xsetid", "docs/arguments/3/name"): ("max-deleted-id", "7.2 names the argument"),
    ("zrank", "arity"): (-3, "7.2 has WITHSCORE"),
    ("zrank", "docs/arguments/2/flags"): ({"optional"}, "7.2 has WITHSCORE"),
    ("zrank", "docs/arguments/2/name"): ("withscore", "7.2 has WITHSCORE"),
    ("zrank", "docs/arguments/2/since"): ("7.2.0", "7.2 has WITHSCORE"),
    ("zrank", "docs/arguments/2/token"): ("WITHSCORE", "7.2 has WITHSCORE"),
    ("zrank", "docs/arguments/2/type"): ("pure-token", "7.2 has WITHSCORE"),
    ("zrank", "docs/arguments/count"): (3, "7.2 has WITHSCORE"),
    ("zrevrank", "arity"): (-3, "7.2 has WITHSCORE"),
    ("zrevrank", "docs/arguments/2/flags"): ({"optional"}, "7.2 has WITHSCORE"),
    ("zrevrank", "docs/arguments/2/name"): ("withscore", "7.2 has WITHSCORE"),
    ("zrevrank", "docs/arguments/2/since"): ("7.2.0", "7.2 has WITHSCORE"),
    ("zrevrank", "docs/arguments/2/token"): ("WITHSCORE", "7.2 has WITHSCORE"),
    ("zrevrank", "docs/arguments/2/type"): ("pure-token", "7.2 has WITHSCORE"),
    ("zrevrank", "docs/arguments/count"): (3, "7.2 has WITHSCORE"),
    ("quit", "docs/deprecated_since"): ("7.2.0", "7.2 deprecates QUIT"),
    ("quit", "docs/doc_flags"): ({"deprecated"}, "7.2 deprecates QUIT"),
    ("quit", "docs/replaced_by"): ("just closing the connection", "7.2 deprecates QUIT"),
    ("flushall", "docs/arguments/0/name"): ("flush-type", "7.2 names the choice"),
    ("flushdb", "docs/arguments/0/name"): ("flush-type", "7.2 names the choice"),
    ("shutdown", "docs/arguments/0/name"): ("save-selector", "7.2 names the choice"),
    ("mset", "docs/arguments/0/name"): ("data", "7.2 names the block"),
    ("msetnx", "docs/arguments/0/name"): ("data", "7.2 names the block"),
    ("lcs", "docs/arguments/4/name"): ("min-match-len", "7.2 names the argument"),
    ("setnx", "docs/deprecated_since"): ("2.6.12", "7.2 deprecates it"),
    ("setnx", "docs/doc_flags"): ({"deprecated"}, "7.2 deprecates it"),
    ("setnx", "docs/replaced_by"): ("`SET` with the `NX` argument", "7.2 deprecates it"),
    ("setex", "docs/deprecated_since"): ("2.6.12", "7.2 deprecates it"),
    ("setex", "docs/doc_flags"): ({"deprecated"}, "7.2 deprecates it"),
    ("setex", "docs/replaced_by"): ("`SET` with the `EX` argument", "7.2 deprecates it"),
    ("psetex", "docs/deprecated_since"): ("2.6.12", "7.2 deprecates it"),
    ("psetex", "docs/doc_flags"): ({"deprecated"}, "7.2 deprecates it"),
    ("psetex", "docs/replaced_by"): ("`SET` with the `PX` argument", "7.2 deprecates it"),
    ("config|set", "docs/arguments/0/name"): ("data", "7.2 names the block"),
    ("command|getkeys", "arity"): (-3, "7.2 corrected it: one word is a command, too"),
    ("command|getkeys", "docs/arguments/count"): (2, "7.0 has no grammar of it"),
    ("command|getkeys", "docs/arguments/0/name"): ("command", "7.0 has no grammar of it"),
    ("command|getkeys", "docs/arguments/0/type"): ("string", "7.0 has no grammar of it"),
    ("command|getkeys", "docs/arguments/1/name"): ("arg", "7.0 has no grammar of it"),
    ("command|getkeys", "docs/arguments/1/type"): ("string", "7.0 has no grammar of it"),
    ("command|getkeys", "docs/arguments/1/flags"): (
        {"optional", "multiple"}, "7.0 has no grammar of it"),
    ("hello", "docs/arguments/0/arguments/1/name"): ("auth", "7.2 names the block"),
    ("function|flush", "docs/arguments/0/name"): ("flush-type", "7.2 names the choice"),
    ("script|flush", "docs/arguments/0/name"): ("flush-type", "7.2 names the choice"),
    ("hset", "docs/arguments/1/name"): ("data", "7.2 names the block"),
    ("hmset", "docs/arguments/1/name"): ("data", "7.2 names the block"),
    ("hscan", "docs/arguments/count"): (5, "7.4 leaves out values"),
    ("hscan", "docs/arguments/4/name"): ("novalues", "7.4 leaves out values"),
    ("hscan", "docs/arguments/4/type"): ("pure-token", "7.4 leaves out values"),
    ("hscan", "docs/arguments/4/token"): ("NOVALUES", "7.4 leaves out values"),
    ("hscan", "docs/arguments/4/since"): ("7.4.0", "7.4 leaves out values"),
    ("hscan", "docs/arguments/4/flags"): ({"optional"}, "7.4 leaves out values"),
    ("command|getkeysandflags", "arity"): (-3, "7.0 has no grammar of it"),
    ("command|getkeysandflags", "docs/arguments/count"): (2, "7.0 has no grammar of it"),
    ("command|getkeysandflags", "docs/arguments/0/name"): ("command", "7.0 has no grammar of it"),
    ("command|getkeysandflags", "docs/arguments/0/type"): ("string", "7.0 has no grammar of it"),
    ("command|getkeysandflags", "docs/arguments/1/name"): ("arg", "7.0 has no grammar of it"),
    ("command|getkeysandflags", "docs/arguments/1/type"): ("string", "7.0 has no grammar of it"),
    ("sort", "docs/arguments/1/name"): ("by-pattern", "7.2 names the pattern"),
    ("sort", "docs/arguments/2/name"): ("limit", "7.2 names the block"),
    ("sort", "docs/arguments/3/name"): ("get-pattern", "7.2 names the pattern"),
    ("sort_ro", "docs/arguments/1/name"): ("by-pattern", "7.2 names the pattern"),
    ("sort_ro", "docs/arguments/2/name"): ("limit", "7.2 names the block"),
    ("sort_ro", "docs/arguments/3/name"): ("get-pattern", "7.2 names the pattern"),
    ("command|getkeysandflags", "docs/arguments/1/flags"): (
        {"optional", "multiple"},
        "7.0 has no grammar of it",
    ),
    ("bitcount", "docs/arguments/1/name"): ("range", "7.2 names the argument"),
    ("bitcount", "docs/arguments/1/arguments/2/name"): ("unit", "7.2 names the argument"),
    ("bitpos", "docs/arguments/2/name"): ("range", "7.2 names the argument"),
    ("bitpos", "docs/arguments/2/arguments/1/name"): ("end-unit-block", "7.2 names the argument"),
    ("bitpos", "docs/arguments/2/arguments/1/arguments/1/name"): ("unit", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/type"): ("oneof", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/count"): (4, "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/0/name"): ("and", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/0/type"): ("pure-token", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/0/token"): ("AND", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/1/name"): ("or", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/1/type"): ("pure-token", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/1/token"): ("OR", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/2/name"): ("xor", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/2/type"): ("pure-token", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/2/token"): ("XOR", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/3/name"): ("not", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/3/type"): ("pure-token", "7.2 names the argument"),
    ("bitop", "docs/arguments/0/arguments/3/token"): ("NOT", "7.2 names the argument"),
    ("bitfield", "docs/arguments/1/arguments/0/name"): ("get-block", "7.2 names the argument"),
    ("bitfield", "docs/arguments/1/arguments/1/arguments/0/name"): ("overflow-block", "7.2 names the argument"),
    ("bitfield", "docs/arguments/1/arguments/1/arguments/1/name"): ("write-operation", "7.2 names the argument"),
    ("bitfield", "docs/arguments/1/arguments/1/arguments/1/arguments/0/name"): ("set-block", "7.2 names the argument"),
    ("bitfield", "docs/arguments/1/arguments/1/arguments/1/arguments/1/name"): ("incrby-block", "7.2 names the argument"),
    ("bitfield_ro", "docs/arguments/1/name"): ("get-block", "7.2 names the argument"),
    ("pfmerge", "docs/arguments/1/flags"): (
        {"optional", "multiple"}, "7.2: a source is optional, as the arity always said"),
}


def allow_names_of_places():
    """7.2 names blocks and keys of the commands on places, and says that STORE or STOREDIST will do."""
    for name in ("geopos", "geohash"):
        ALLOWED[name, "docs/arguments/1/flags"] = ({"optional", "multiple"}, "7.2: they may be none")
    ALLOWED["geoadd", "docs/arguments/3/name"] = ("data", "7.2 names the block")
    for name, place in (("geosearch", 1), ("geosearchstore", 2)):
        ALLOWED[name, f"docs/arguments/{place}/arguments/1/name"] = ("fromlonlat", "7.2 names it")
        ALLOWED[name, f"docs/arguments/{place + 3}/name"] = ("count-block", "7.2 names the block")
    for name, count in (("georadius", 8), ("georadiusbymember", 7)):
        ALLOWED[f"{name}_ro", f"docs/arguments/{count}/name"] = ("count-block", "7.2 names the block")
        ALLOWED[name, f"docs/arguments/{count}/name"] = ("count-block", "7.2 names the block")
        ALLOWED[name, "docs/arguments/count"] = (count + 3, "7.2: one of STORE and STOREDIST")
        at = f"docs/arguments/{count + 2}"
        facts = {"name": "store", "type": "oneof", "token": None, "key_spec_index": None}
        facts["arguments/count"] = 2
        for index, token in enumerate(("STORE", "STOREDIST")):
            key = {"name": f"{token.lower()}key", "type": "key", "token": token}
            key["key_spec_index"] = index + 1
            facts.update({f"arguments/{index}/{fact}": value for fact, value in key.items()})
        for fact, value in facts.items():
            ALLOWED[name, f"{at}/{fact}"] = (value, "7.2: one of STORE and STOREDIST")
        for fact in ("name", "type", "token", "key_spec_index", "flags"):
            ALLOWED[name, f"docs/arguments/{count + 3}/{fact}"] = (None, "see above")


allow_names_of_places()

# What came after the oracle.
NEWER = {
    "client|setinfo", "client|no-touch", "waitaof", "hexpire", "hpexpire", "hexpireat",
    "hpexpireat", "hpersist", "httl", "hpttl", "hexpiretime", "hpexpiretime",
}

# Places that hold prose, or what only a later version has.
IGNORED = {"summary", "complexity", "history", "notes", "display_text"}


def plain(reply):
    """Byte strings and statuses as text, maps as dictionaries, lists as they are."""
    if isinstance(reply, Status):
        return reply.text.decode()
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, dict):
        return {plain(k): plain(v) for k, v in reply.items()}
    if isinstance(reply, SetReply):  # of words, or of key specifications
        items = [plain(item) for item in reply]
        return set(items) if all(isinstance(item, str) for item in items) else items
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return reply


def as_sets(tree, names=("flags", "doc_flags")):
    """The same tree with the lists under these names as sets."""
    if isinstance(tree, dict):
        return {
            k: set(v) if k in names and isinstance(v, list) else as_sets(v) for k, v in tree.items()
        }
    if isinstance(tree, list):
        return [as_sets(item) for item in tree]
    return tree


def flat(tree, place=""):
    """A tree as {place: leaf}: places are names and indices joined by slashes."""
    if isinstance(tree, dict):
        leaves = {}
        for name, value in tree.items():
            if name not in IGNORED:
                leaves.update(flat(value, f"{place}/{name}" if place else name))
        return leaves
    if isinstance(tree, list):
        leaves = {f"{place}/count": len(tree)}
        for index, value in enumerate(tree):
            leaves.update(flat(value, f"{place}/{index}"))
        return leaves
    return {place: tree}


class Table:
    """The commands of a server by full name (`config|get`), and what it says of each."""

    def __init__(self, client):
        assert isinstance(client.call("HELLO", "3"), Map)
        self.entries = {}
        for entry in plain(client.call("COMMAND")):
            self._add(entry)
        for name, docs in plain(client.call("COMMAND", "DOCS")).items():
            self._document(name, docs)

    def _add(self, entry):
        name, arity, flags, first, last, step, categories, _tips, specifications, subcommands = (
            entry
        )
        self.entries[name] = {
            "arity": arity,
            "flags": set(flags),
            "first key": first,
            "last key": last,
            "step": step,
            "categories": set(categories),
            "key specifications": as_sets(specifications),
        }
        for subcommand in subcommands:
            self._add(subcommand)

    def _document(self, name, docs):
        subcommands = docs.pop("subcommands", {})
        self.entries[name]["docs"] = as_sets(docs)
        for subcommand, its_docs in subcommands.items():
            self._document(subcommand, its_docs)


def differences(ours, oracle):
    """One line for each fact that differs and is not allowed to."""
    lines = []
    for name in sorted(ours):
        if name not in oracle:
            if name not in NEWER:
                lines.append(f"{name}: the oracle has no such command")
            continue
        mine, theirs = flat(ours[name]), flat(oracle[name])
        for place in sorted(set(mine) | set(theirs)):
            got, expected = mine.get(place), theirs.get(place)
            allowed = ALLOWED.get((name, place))
            if got != expected and (allowed is None or got != allowed[0]):
                lines.append(f"{name}: {place}: ours {got!r}, the oracle's {expected!r}")
    return lines


@needs_oracle
class ComparedWithTheOracle(Case):
    def test_every_command_that_we_have(self):
        ours = Table(self.connect(self.start())).entries
        oracle = Table(self.connect(self.start_oracle())).entries
        found = differences(ours, oracle)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_get_keys(self):
        ours, oracle = self.connect(self.start()), self.connect(self.start_oracle())
        # No command of one word alone: 7.0 wants two of them, 7.2 one (COMMAND GETKEYS, arity -3).
        for words in (
            ("GET", "a"),
            ("SET", "a", "b"),
            ("set", "a", "b", "EX", "1"),
            ("MSET", "a", "1", "b", "2"),
            ("MGET", "a", "b", "c"),
            ("DEL", "x"),
            ("EXISTS", "a", "b"),
            ("NOSUCH", "a"),
            ("SCAN", "0"),
            ("KEYS", "*"),
            ("MSET", "a"),
            ("INCRBY", "n", "1"),
            ("MSETNX", "a", "1", "b", "2"),
            ("RENAME", "a", "b"),
            ("COPY", "a", "b", "DB", "1"),
            ("LMPOP", "2", "a", "b", "LEFT"),
            ("BLMPOP", "0", "2", "a", "b", "LEFT"),
            ("BLPOP", "a", "b", "0"),
            ("BLMOVE", "a", "b", "LEFT", "LEFT", "0"),
            ("SORT", "a", "BY", "w*", "STORE", "d", "GET", "#", "STORE", "e"),
            ("SORT_RO", "a", "BY", "w*"),
            ("LCS", "a", "b", "IDX"),
            ("OBJECT", "ENCODING", "a"),
            ("OBJECT", "HELP"),
            ("SWAPDB", "0", "1"),
            ("CONFIG", "GET", "x"),
            ("CONFIG", "NOSUCH"),
            ("COMMAND", "GETKEYS", "GET", "a"),
            ("DEBUG", "SLEEP", "0"),
            ("EXPIRE", "a", "1", "NX"),
            ("GET", "a", "b"),
            ("GEORADIUS", "a", "0", "0", "1", "km"),
            ("GEORADIUS", "a", "0", "0", "1", "km", "store", "x", "storedist", "y"),
            ("GEORADIUS", "a", "0", "0", "1", "km", "asc", "STORE"),
            ("GEORADIUSBYMEMBER", "a", "store", "1", "km", "Store", "x"),
            ("GEORADIUS_RO", "a", "0", "0", "1", "km", "STORE", "x"),
            ("GEOSEARCHSTORE", "d", "s", "FROMMEMBER", "m", "BYRADIUS", "1", "km"),
        ):
            with self.subTest(words=words):
                asked = ("COMMAND", "GETKEYS", *words)
                self.assertEqual(ours.call(*asked), oracle.call(*asked))
                asked = ("COMMAND", "GETKEYSANDFLAGS", *words)
                if (reply := ours.call(*asked)) != error(
                    "ERR unknown subcommand 'GETKEYSANDFLAGS'. Try COMMAND HELP."
                ):
                    self.assertEqual(
                        repr(as_sets(plain(reply))), repr(as_sets(plain(oracle.call(*asked))))
                    )


class Itself(SharedServerCase):
    """What COMMAND says of itself, without an oracle."""

    def names(self):
        return [entry[0].decode() for entry in self.client.call("COMMAND")]

    def test_count_list_info_and_docs_agree(self):
        names = self.names()
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(self.client.call("COMMAND", "COUNT"), len(names))
        listed = plain(self.client.call("COMMAND", "LIST"))  # with the subcommands
        self.assertEqual(sorted(n for n in listed if "|" not in n), sorted(names))
        docs = self.client.call("COMMAND", "DOCS")
        self.assertEqual(sorted(plain(docs[::2])), sorted(names))
        everything = self.client.call("COMMAND", "INFO")
        self.assertEqual(len(everything), len(names))

    def test_the_first_commands_are_there(self):
        replies = self.client.call("COMMAND", "INFO", *FIRST_COMMANDS)
        missing = [n for n, r in zip(FIRST_COMMANDS, replies) if not isinstance(r, list)]
        self.assertEqual(missing, [])
        self.assertEqual([r[0].decode() for r in replies], FIRST_COMMANDS)

    def test_info_and_docs_of_what_is_not_there(self):
        self.assertEqual(self.client.call("COMMAND", "INFO", "nosuch", "nosuch|get"), [None] * 2)
        self.assertEqual(self.client.call("COMMAND", "DOCS", "nosuch"), [])
        both = self.client.call("COMMAND", "INFO", "GeT", "nosuch")
        self.assertEqual((both[0][0], both[1]), (b"get", None))

    def test_lists_with_a_filter(self):
        call = self.client.call
        names = set(self.names())
        found = plain(call("COMMAND", "LIST", "FILTERBY", "PATTERN", "*expire*"))
        self.assertEqual(set(found), {n for n in names if "expire" in n})
        in_category = set(plain(call("COMMAND", "LIST", "FILTERBY", "ACLCAT", "string")))
        self.assertTrue({"get", "set", "append"} <= in_category)
        self.assertNotIn("del", in_category)
        self.assertEqual(call("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"), [])
        self.assertEqual(call("COMMAND", "LIST", "FILTERBY", "MODULE", "nosuch"), [])
        self.assertEqual(call("COMMAND", "LIST", "NOSUCH", "x", "y"), error("ERR syntax error"))

    @ours_only("the prose is ours")
    def test_every_command_has_a_summary_a_group_and_a_since(self):
        docs = Table(self.client).entries
        raw = plain(self.client.call("COMMAND", "DOCS"))
        for name, entry in raw.items():
            self.assertTrue(entry["summary"].endswith("."), f"{name}: a summary is a sentence")
            self.assertRegex(entry["since"], r"^\d+\.\d+\.\d+$")
            self.assertTrue(entry["group"], name)
        self.assertEqual([n for n, e in docs.items() if "docs" not in e], [])


if __name__ == "__main__":
    unittest.main()
