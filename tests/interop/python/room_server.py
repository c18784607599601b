"""A room server of this project in a process of its own, and our command line for it.

Expects the release binary in target/release.
"""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[3] / "target" / "release" / "meshagent"


class RoomServer:
    """A running `room serve`, on a data directory and with a home that nothing else uses."""

    def __init__(self):
        self._root = tempfile.TemporaryDirectory(prefix="meshagent-interop-")
        root = Path(self._root.name)
        (root / "home").mkdir()
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "USER": "owner",
            "MESHAGENT_DATA_DIR": str(root / "data"),
        }
        self._log = open(root / "server.log", "wb")
        self._child = subprocess.Popen(
            [PROGRAM, "room", "serve", "--listen", "127.0.0.1:0"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        # The line that says where it listens.
        self.url = self._child.stdout.readline().decode().strip()
        assert self.url, (root / "server.log").read_text()
        lines = (root / "data" / "client.env").read_text().splitlines()
        self.client_env = dict(line.split("=", 1) for line in lines)

    def room_url(self, room):
        """Where a client joins `room`."""
        return f"{self.url.replace('http:', 'ws:', 1)}/rooms/{room}"

    def run(self, *arguments, env, stdin=b""):
        """Runs our command line to its end."""
        return subprocess.run([PROGRAM, *arguments], env=self._environment | env, input=stdin, capture_output=True)

    def token(self, identity, room):
        """A participant token, made by our command line."""
        ran = self.run("token", "generate", "--identity", identity, "--room", room, env=self.client_env)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.decode().strip()

    def secret(self, identity, room, *arguments, stdin=b""):
        """`meshagent room secret …` as `identity` in `room`, by the three variables of a CI job."""
        variables = {
            "MESHAGENT_API_URL": self.url,
            "MESHAGENT_TOKEN": self.token(identity, room),
            "MESHAGENT_ROOM": room,
        }
        return self.run("room", "secret", *arguments, env=variables, stdin=stdin)

    def stop(self):
        """Ends the server and removes what it stored."""
        self._child.send_signal(signal.SIGTERM)
        self._child.communicate()
        self._log.close()
        self._root.cleanup()
        assert self._child.returncode == 0, self._child.returncode
