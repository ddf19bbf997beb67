# SPDX-License-Identifier: BSD-3-Clause
"""Publish and subscribe: who hears what, in which order, and what it may cost. Notifications."""

import time
import unittest

from support import OK, PONG, Push, SharedServerCase, better_than_redis, encode, error

MIB = 1024 * 1024


class Subscriptions(SharedServerCase):
    def setUp(self):
        super().setUp()
        self.listener = self.new_client()

    def test_channels_and_patterns(self):
        self.listener.send("SUBSCRIBE", "a", "b")
        self.assertEqual(self.listener.read(), [b"subscribe", b"a", 1])
        self.assertEqual(self.listener.read(), [b"subscribe", b"b", 2])
        self.assertEqual(self.listener.call("PSUBSCRIBE", "a*"), [b"psubscribe", b"a*", 3])
        self.assertEqual(self.client.call("PUBLISH", "a", "text"), 2)
        self.assertEqual(self.listener.read(), [b"message", b"a", b"text"])
        self.assertEqual(self.listener.read(), [b"pmessage", b"a*", b"a", b"text"])
        self.assertEqual(self.client.call("PUBLISH", "nobody", "text"), 0)
        self.assertEqual(sorted(self.client.call("PUBSUB", "CHANNELS")), [b"a", b"b"])
        self.assertEqual(self.client.call("PUBSUB", "NUMSUB", "a", "x"), [b"a", 1, b"x", 0])
        self.assertEqual(self.client.call("PUBSUB", "NUMPAT"), 1)
        self.assertEqual(self.listener.call("UNSUBSCRIBE", "a"), [b"unsubscribe", b"a", 2])
        self.assertEqual(self.listener.call("PUNSUBSCRIBE"), [b"punsubscribe", b"a*", 1])
        self.assertEqual(self.listener.call("UNSUBSCRIBE"), [b"unsubscribe", b"b", 0])
        self.assertEqual(self.listener.call("UNSUBSCRIBE"), [b"unsubscribe", None, 0])
        self.assertEqual(self.client.call("PUBSUB", "CHANNELS"), [])

    def test_shard_channels_are_channels_of_their_own(self):
        self.assertEqual(self.listener.call("SSUBSCRIBE", "s"), [b"ssubscribe", b"s", 1])
        self.assertEqual(self.client.call("PUBLISH", "s", "no"), 0)
        self.assertEqual(self.client.call("SPUBLISH", "s", "yes"), 1)
        self.assertEqual(self.listener.read(), [b"smessage", b"s", b"yes"])
        self.assertEqual(self.client.call("PUBSUB", "SHARDCHANNELS"), [b"s"])
        self.assertEqual(self.client.call("PUBSUB", "SHARDNUMSUB", "s"), [b"s", 1])
        self.assertEqual(self.listener.call("SUNSUBSCRIBE", "s"), [b"sunsubscribe", b"s", 0])

    def test_f23_what_a_subscriber_may_do(self):
        self.listener.call("SUBSCRIBE", "c")
        text = (
            "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
            "RESET are allowed in this context"
        )
        self.assertEqual(self.listener.call("GET", "k"), error(text % "get"))
        self.assertEqual(self.listener.call("CLIENT", "ID"), error(text % "client|id"))
        self.assertEqual(self.listener.call("PING"), [b"pong", b""])
        self.assertEqual(self.listener.call("PING", "x"), [b"pong", b"x"])
        self.assertEqual(self.listener.call("RESET").text, b"RESET")
        self.assertIsNone(self.listener.call("GET", "k"))
        self.listener.call("HELLO", "3")
        self.assertEqual(self.listener.call("SUBSCRIBE", "c"), Push([b"subscribe", b"c", 1]))
        self.assertIsNone(self.listener.call("GET", "k"))
        self.assertEqual(self.listener.call("PING"), PONG)
        self.client.call("PUBLISH", "c", "text")
        self.assertEqual(self.listener.read(), Push([b"message", b"c", b"text"]))

    def test_own_messages_come_after_the_reply(self):
        self.client.call("HELLO", "3")
        self.client.call("SUBSCRIBE", "c")
        self.assertEqual(self.client.call("PUBLISH", "c", "text"), 1)
        self.assertEqual(self.client.read(), Push([b"message", b"c", b"text"]))

    def test_confirmations_come_although_replies_are_off(self):
        self.listener.send("CLIENT", "REPLY", "OFF")
        self.assertEqual(self.listener.call("SUBSCRIBE", "c"), [b"subscribe", b"c", 1])
        self.client.call("PUBLISH", "c", "text")
        self.assertEqual(self.listener.read(), [b"message", b"c", b"text"])

    def test_a_long_message_reaches_all(self):
        listeners = [self.new_client() for _ in range(5)]
        listeners[0].call("HELLO", "3")
        for listener in listeners:
            listener.call("SUBSCRIBE", "c")
        text = b"t" * MIB
        self.assertEqual(self.client.call("PUBLISH", "c", text), 5)
        for listener in listeners:
            self.assertEqual(list(listener.read()), [b"message", b"c", text])

    def test_f30_a_subscriber_that_does_not_read_is_closed(self):
        self.listener.call("SUBSCRIBE", "c")
        other = self.new_client()
        other.call("SUBSCRIBE", "d")
        text = b"t" * MIB
        for _ in range(60):
            self.client.call("PUBLISH", "c", text)
        self.assertEqual(self.client.call("PUBLISH", "c", "x"), 0)
        self.assertEqual(
            self.client.info("stats")["client_output_buffer_limit_disconnections"], "1"
        )
        self.assertEqual(self.client.call("PUBLISH", "d", "x"), 1)
        self.assertEqual(other.read(), [b"message", b"d", b"x"])

    def test_what_is_counted(self):
        self.listener.call("SUBSCRIBE", "a")
        self.listener.call("PSUBSCRIBE", "p")
        self.listener.call("SSUBSCRIBE", "s")
        stats = self.client.info("stats")
        for name in ("pubsub_channels", "pubsub_patterns", "pubsubshard_channels"):
            self.assertEqual(stats[name], "1")
        self.assertEqual(self.client.info("clients")["pubsub_clients"], "1")
        line = self.client.call("CLIENT", "LIST", "TYPE", "pubsub").decode()
        fields = dict(word.split("=", 1) for word in line.split())
        self.assertEqual([fields[n] for n in ("sub", "psub", "ssub", "flags")], ["1", "1", "1", "P"])
        self.assertEqual(self.client.call("CLIENT", "KILL", "TYPE", "pubsub"), 1)
        self.eventually(lambda: self.client.info("clients")["pubsub_clients"] == "0")


class Notifications(SharedServerCase):
    def setUp(self):
        super().setUp()
        self.listener = self.new_client()
        self.listener.call("PSUBSCRIBE", "__key*")

    def events(self, count):
        """The next messages, as (what is in the channel's name, the text)."""
        found = []
        for _ in range(count):
            _, _, channel, text = self.listener.read()
            found.append((channel.decode(), text.decode()))
        return found

    def notify(self, classes):
        self.assertEqual(self.client.call("CONFIG", "SET", "notify-keyspace-events", classes), OK)

    def test_key_and_event_in_order(self):
        self.notify("KEA")
        self.client.call("SET", "k", "1", "EX", "100")
        self.client.call("DEL", "k")
        expected = []
        for event in ("set", "expire", "del"):
            expected.append(("__keyspace@0__:k", event))
            expected.append((f"__keyevent@0__:{event}", "k"))
        self.assertEqual(self.events(6), expected)

    def test_only_what_is_asked_for(self):
        self.notify("Eg")
        self.client.call("SET", "k", "1")
        self.client.call("GET", "nothing")
        self.client.call("DEL", "k")
        self.assertEqual(self.events(1), [("__keyevent@0__:del", "k")])
        self.notify("Enm")
        self.client.call("SET", "k", "1")
        self.client.call("GET", "nothing")
        self.assertEqual(
            self.events(2), [("__keyevent@0__:new", "k"), ("__keyevent@0__:keymiss", "nothing")]
        )
        self.notify("")
        self.client.call("SET", "k", "1")
        self.assertTrue(self.listener.is_quiet(0.05))

    @better_than_redis("there a key expires when somebody happens to look")
    def test_expired_on_time(self):
        self.notify("Ex")
        self.client.call("SELECT", "3")
        start = time.monotonic()
        self.client.call("SET", "k", "1", "PX", "50")
        self.assertEqual(self.events(1), [("__keyevent@3__:expired", "k")])
        self.assertLess(time.monotonic() - start, 0.5)

    def test_rename_tells_in_redis_order(self):
        self.notify("KA")
        self.client.call("SET", "a", "1")
        self.client.call("RENAME", "a", "b")
        self.assertEqual(
            self.events(3),
            [
                ("__keyspace@0__:a", "set"),
                ("__keyspace@0__:a", "rename_from"),
                ("__keyspace@0__:b", "rename_to"),
            ],
        )

    def test_within_exec_own_events_come_after_it(self):
        self.notify("Eg$")
        self.client.call("HELLO", "3")
        self.client.call("SUBSCRIBE", "__keyevent@0__:set")
        self.client.send_raw(encode("MULTI") + encode("SET", "k", "1") + encode("EXEC"))
        self.assertEqual(self.client.read(), OK)
        self.client.read()
        self.assertEqual(self.client.read(), [OK])
        self.assertEqual(self.client.read(), Push([b"message", b"__keyevent@0__:set", b"k"]))


if __name__ == "__main__":
    unittest.main()
