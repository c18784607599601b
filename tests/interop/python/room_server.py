"""A room server of this project in a process of its own, and our command line for it.

Expects the release binary in target/release, or what INTEROP_PROGRAM says.
"""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

PROGRAM = os.environ.get("INTEROP_PROGRAM", Path(__file__).resolve().parents[3] / "target" / "release" / "meshagent")


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
        self._serve("127.0.0.1:0")
        lines = (root / "data" / "client.env").read_text().splitlines()
        self.client_env = dict(line.split("=", 1) for line in lines)

    def _serve(self, address):
        self._child = subprocess.Popen(
            [PROGRAM, "room", "serve", "--listen", address],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        # The line that says where it listens.
        self.url = self._child.stdout.readline().decode().strip()
        assert self.url, Path(self._log.name).read_text()

    def restart(self, signal_number):
        """Ends the process with this signal, and starts it anew at the same address."""
        address = self.url.removeprefix("http://")
        self._child.send_signal(signal_number)
        self._child.communicate()
        self._serve(address)

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
