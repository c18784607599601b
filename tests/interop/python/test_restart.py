"""A server that is restarted or killed: the vendor's Python SDK is back in the room afterwards. A bad token is final."""

import asyncio
import signal
import unittest

from meshagent.api import RoomClient, RoomException, WebSocketClientProtocol

from room_server import RoomServer


class Restart(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.server = RoomServer()
        self.addCleanup(self.server.stop)

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)

    def join(self, token, **options):
        url = self.server.room_url("restart")
        return RoomClient(protocol_factory=lambda: WebSocketClientProtocol(url=url, token=token), **options)

    async def test_the_sdk_is_back_after_a_restart(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                async with self.join(self.server.token("alice", "restart")) as room:
                    await room.secrets.set_secret(secret_id="kept", data=b"value")
                    back = asyncio.Event()
                    room.on("reconnected", back.set)
                    await asyncio.to_thread(self.server.restart, number)
                    await asyncio.wait_for(back.wait(), 60)
                    file = await room.secrets.get_secret(secret_id="kept")
                    self.assertEqual(file.data, b"value")

    async def test_a_bad_token_is_final(self):
        header, claims, _ = self.server.token("alice", "restart").split(".")
        with self.assertRaises(RoomException) as refused:
            async with asyncio.timeout(30):
                async with self.join(f"{header}.{claims}.AAAA"):
                    pass
        self.assertNotIsInstance(refused.exception, TimeoutError)


if __name__ == "__main__":
    unittest.main()
