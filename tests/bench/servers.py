"""The servers that are measured, and those beside them: each on a port and a directory of its own."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(ROOT / "target/release/meshagent")
CLIENT = str(ROOT / "target/release/examples/bench-client")

# The longest that a server may take to accept connections, in seconds.
START_TIME = 20


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A process that serves until it is stopped."""

    def start(self, *command, env=None, stdout=subprocess.DEVNULL):
        self.child = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL
        )

    def wait_for(self, port):
        deadline = time.monotonic() + START_TIME
        while not listens(port):
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.child.args[0]} did not start")
            time.sleep(0.01)

    def stop(self):
        self.child.terminate()
        self.child.wait()


class RoomServer(Server):
    """`meshagent room serve`, and the environment of a client with a participant token for it."""

    def __init__(self, directory, *flags, name="data"):
        base = {"PATH": os.environ["PATH"], "HOME": str(directory), "USER": "bench"}
        data = directory / name
        self.start(
            PROGRAM, "room", "serve", "--listen", "127.0.0.1:0", "--data-dir", data, "--max-secrets", "100000", *flags,
            env=base, stdout=subprocess.PIPE,
        )
        self.url = self.child.stdout.readline().decode().strip()
        key = dict(line.split("=", 1) for line in (data / "client.env").read_text().splitlines())
        self.base, self.key = base, key
        self.client = self.participant("bench")
        # A store of its own, so that no server runs on it.
        self.local = base | {
            "MESHAGENT_DATA_DIR": str(directory / "local"),
            "MESHAGENT_LOCAL": "1",
            "MESHAGENT_ROOM": "bench",
        }


    def participant(self, identity):
        """The environment of a participant with a token of its own."""
        token = subprocess.run(
            [PROGRAM, "token", "generate", "--identity", identity, "--room", "bench"],
            env=self.base | self.key, check=True, capture_output=True, text=True,
        ).stdout.strip()
        return self.base | {
            "MESHAGENT_API_URL": self.url,
            "MESHAGENT_TOKEN": token,
            "MESHAGENT_ROOM": "bench",
            "MESHAGENT_BENCH_URL": self.url.replace("http", "ws", 1) + "/rooms/bench",
        }


class Provider(Server):
    """`meshagent room secret provide` with a file of rules, in the room of a server."""

    BEFORE_ID = "--from-participant-id "

    def __init__(self, room, rules):
        self.child = subprocess.Popen(
            [PROGRAM, "room", "secret", "provide", "--rules", rules],
            env=room.participant("provider"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )
        line = next(line for line in self.child.stderr if self.BEFORE_ID in line)
        self.participant = line.split(self.BEFORE_ID)[1].split()[0]
        # It says a line of every request, which somebody has to read.
        Thread(target=self.child.stderr.read, daemon=True).start()


class Redis(Server):
    """Debian's redis, in memory alone."""

    def __init__(self, directory):
        self.port = str(free_port())
        self.start(
            "redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", directory,
            "--save", "", "--appendonly", "no",
        )
        self.wait_for(int(self.port))

    @staticmethod
    def is_here():
        return all(map(shutil.which, ("redis-server", "redis-cli", "redis-benchmark")))


class Nginx(Server):
    """Debian's nginx, which takes files by PUT into a directory and gives them by GET."""

    CONFIG = """
        daemon off; master_process off; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
        events {{}}
        http {{
            access_log off; sendfile on; client_max_body_size 1g;
            client_body_temp_path {directory}/body; proxy_temp_path {directory}/t1; fastcgi_temp_path {directory}/t2;
            uwsgi_temp_path {directory}/t3; scgi_temp_path {directory}/t4;
            server {{ listen 127.0.0.1:{port}; root {directory}/files; location / {{ dav_methods PUT; }} }}
        }}
    """

    def __init__(self, directory):
        port = free_port()
        (directory / "files").mkdir()
        config = directory / "nginx.conf"
        config.write_text(self.CONFIG.format(directory=directory, port=port))
        self.url = f"http://127.0.0.1:{port}"
        self.start("nginx", "-c", config, "-p", directory)
        self.wait_for(port)

    @staticmethod
    def is_here():
        return all(map(shutil.which, ("nginx", "curl")))
