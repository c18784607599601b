"""The five calls on stored secrets: the vendor's Python SDK and our command line on the same room
server, each reading what the other wrote."""

import asyncio
import unittest

from meshagent.api import ParticipantToken, RoomClient, RoomException, WebSocketClientProtocol
from meshagent.api.client import Meshagent

from room_server import RoomServer

# At the edges of packets, and one that takes thousands of them.
SIZES = [0, 1, 1024, 1025, 5 << 20]


def value(length):
    return bytes((index + (index >> 8)) % 256 for index in range(length))


class Crud(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RoomServer()
        cls.addClassCleanup(cls.server.stop)

    async def asyncSetUp(self):
        # Debug mode, which the base class turns on, tells of every call that takes a moment.
        asyncio.get_running_loop().set_debug(False)

    def join(self, identity, room):
        url, token = self.server.room_url(room), self.server.token(identity, room)
        return RoomClient(protocol_factory=lambda: WebSocketClientProtocol(url=url, token=token), reconnect_timeout=0)

    def cli(self, identity, room, *arguments, stdin=b""):
        ran = self.server.secret(identity, room, *arguments, stdin=stdin)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout

    async def test_what_the_sdk_sets_the_command_line_gets(self):
        async with self.join("alice", "sdk-to-cli") as room:
            for size in SIZES:
                await room.secrets.set_secret(secret_id=f"s{size}", type="text/x", name="N", data=value(size))
                self.assertEqual(self.cli("alice", "sdk-to-cli", "get", f"s{size}"), value(size))

    async def test_what_the_command_line_sets_the_sdk_gets(self):
        async with self.join("alice", "cli-to-sdk") as room:
            for size in SIZES:
                flags = ["--type", "text/x", "--name", "N", "--allow-empty"]
                self.cli("alice", "cli-to-sdk", "set", f"s{size}", *flags, stdin=value(size))
                file = await room.secrets.get_secret(secret_id=f"s{size}")
                self.assertEqual((file.name, file.mime_type, file.data), ("N", "text/x", value(size)))

    async def test_delegation_existence_and_deletion(self):
        async with self.join("alice", "shared") as alice, self.join("bob", "shared") as bob:
            await alice.secrets.set_secret(secret_id="db", delegated_to="bob", data=b"for bob")
            self.assertEqual(self.cli("bob", "shared", "get", "db", "--delegated-to", "bob"), b"for bob")
            listed = await bob.secrets.list_secrets()
            self.assertEqual([(secret.id, secret.delegated_to) for secret in listed], [("db", "bob")])
            with self.assertRaises(RoomException) as refused:
                await bob.secrets.delete_secret(id="db", delegated_to="bob")
            self.assertEqual(refused.exception.code, 1003)
            self.assertTrue(await alice.secrets.exists(secret_id="db", delegated_to="bob"))
            await alice.secrets.delete_secret(id="db", delegated_to="bob")
            self.assertFalse(await alice.secrets.exists(secret_id="db", delegated_to="bob"))
            self.assertIsNone(await bob.secrets.get_secret(secret_id="db", delegated_to="bob"))

    async def test_the_sdk_finds_the_room_with_the_api_key(self):
        key, project = (self.server.client_env[f"MESHAGENT_{name}"] for name in ("API_KEY", "PROJECT_ID"))
        async with Meshagent(base_url=self.server.url, token=key) as account:
            found = await account.connect_room(project_id=project, room="found")
        # The SDK can read the token that it was given.
        self.assertEqual(ParticipantToken.from_jwt(found.jwt, validate=False).name, "owner")
        protocol = WebSocketClientProtocol(url=found.room_url, token=found.jwt)
        async with RoomClient(protocol_factory=lambda: protocol, reconnect_timeout=0) as room:
            await room.secrets.set_secret(secret_id="db", data=b"x")
            self.assertTrue(await room.secrets.exists(secret_id="db"))


if __name__ == "__main__":
    unittest.main()
