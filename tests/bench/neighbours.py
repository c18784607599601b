"""Measures what one participant notices of others that keep the server busy, and prints a table in Markdown. See `run`.

The others do all of it at the same time: lists of 9,000 secrets that nobody reads, values of 60 MiB read and written,
answers that are asked for and not read, uploads that stop halfway, 1,000 requests to one participant, and connections
that say nothing. The same work against another server on the machine shows what the machine alone adds."""

import subprocess
import sys
import tempfile
from pathlib import Path

from servers import CLIENT, Provider, RoomServer

SMOKE = "--smoke" in sys.argv[1:]
CALM, BUSY, AFTER = (1, 2, 2) if SMOKE else (20, 60, 20)
RULE = '[[rule]]\nurl = "**"\ncommand = ["sleep", "600"]\n'


def memory(server):
    """Resident memory of a server, in MiB."""
    for line in Path(f"/proc/{server.child.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the server has ended")


def measure(room, seconds):
    """The figures of the participant, and the largest memory of the server meanwhile."""
    child = subprocess.Popen([CLIENT, "measure", str(seconds)], env=room.client, stdout=subprocess.PIPE, text=True)
    peak = 0
    while child.poll() is None:
        peak = max(peak, memory(room))
        try:
            child.wait(0.1)
        except subprocess.TimeoutExpired:
            pass
    figures = child.stdout.read().split()
    if child.returncode != 0 or len(figures) != 4:
        raise SystemExit("the participant's calls failed")
    return [float(figure) for figure in figures], peak


def attack(room, provider, seconds):
    """Starts the others, and returns when their secrets are stored."""
    env = room.participant("mallory") | {"MESHAGENT_BENCH_PROVIDER": provider.participant}
    child = subprocess.Popen([CLIENT, "attack", str(seconds)], env=env, stdout=subprocess.PIPE, text=True)
    if child.stdout.readline() != "ready\n":
        raise SystemExit("the others could not begin")
    return child


def main():
    with tempfile.TemporaryDirectory(prefix="meshagent-bench-") as name:
        servers, others = [], []
        try:
            rooms = []
            for number in range(2):
                directory = Path(name) / str(number)
                directory.mkdir()
                (directory / "rules.toml").write_text(RULE)
                room = RoomServer(directory)
                servers.append(room)
                provider = Provider(room, directory / "rules.toml")
                servers.insert(0, provider)
                rooms.append((room, provider))
            (room, provider), elsewhere = rooms
            print("| | get p50 | get p99 | set p50 | set p99 | most memory of the server |")
            print("|---|---|---|---|---|---|")

            def row(what, seconds, is_over=False):
                figures, peak = measure(room, seconds)
                if is_over:
                    peak = memory(room)
                times = " | ".join(f"{figure:.2f} ms" for figure in figures)
                print(f"| {what} | {times} | {peak:.0f} MiB |", flush=True)

            row("alone", CALM)
            for what, (target, its_provider) in (
                ("others busy with another server", elsewhere),
                ("others busy with this server", (room, provider)),
            ):
                other = attack(target, its_provider, BUSY + 2)
                others.append(other)
                row(what, BUSY)
                other.terminate()
                other.wait()
            row("when they have left, memory at the end", AFTER, is_over=True)
        finally:
            for child in others + [server.child for server in servers]:
                if child.poll() is None:
                    child.terminate()
                    child.wait()


main()
