"""Measures the release build beside other programs and prints a table in Markdown. See `run`."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from servers import CLIENT, PROGRAM, Nginx, Provider, Redis, RoomServer

SMOKE = "--smoke" in sys.argv[1:]
LARGE_BYTES = 16 << 20
GET = [PROGRAM, "room", "secret", "get"]
SET = [PROGRAM, "room", "secret", "set"]
NOWHERE = os.open(os.devnull, os.O_RDWR)


def runs(count):
    """How often something is run: in a smoke test, enough to see that it works."""
    return 3 if SMOKE else count


def seconds(command, env):
    """Wall time of a whole process, from its start to its end."""
    actions = [(os.POSIX_SPAWN_DUP2, NOWHERE, fd) for fd in (0, 1, 2)]
    path = shutil.which(command[0])
    started = time.perf_counter()
    pid = os.posix_spawn(path, command, env, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"{command} ended with status {status}")
    return took


def beside(count, ours, theirs):
    """Milliseconds of two commands, run in turn: (minimum, median) of each, and the ratio of the medians."""
    taken = ([], [])
    for number in range(count + 2):
        for times, (command, env) in zip(taken, (ours, theirs)):
            took = seconds(command, env)
            # The first two warm up.
            if number >= 2:
                times.append(took * 1000)
    figures = [(min(times), statistics.median(times)) for times in taken]
    return *figures, figures[0][1] / figures[1][1]


def peak_kilobytes(command, env):
    """Peak memory of a process. What is started from here would count this program's memory as its own, so another
    program starts it."""
    with tempfile.NamedTemporaryFile() as report:
        subprocess.run(
            ["time", "--format", "%M", "--output", report.name, *command],
            env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        return int(report.read())


def rate(command, env=os.environ):
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout


def redis_rate(port, connections, calls, *flags):
    output = rate(
        ["redis-benchmark", "-p", port, "-t", "get", "-d", "1024", "-c", connections, "-n", str(calls), "--csv", *flags]
    )
    return float(output.splitlines()[-1].split(",")[1].strip('"'))


def row(what, ours, beside_what="", theirs="", ratio="", aim=""):
    print(f"| {what} | {ours} | {beside_what} | {theirs} | {ratio} | {aim} |", flush=True)


def times_row(what, name, aim, count, ours, theirs):
    (our_min, our_median), (their_min, their_median), ratio = beside(count, ours, theirs)
    shown = [f"{median:.2f} ms (min {least:.2f})" for least, median in ((our_min, our_median), (their_min, their_median))]
    row(what, shown[0], name, shown[1], f"{ratio:.2f}", aim)
    return our_median - their_median


def small(room, redis):
    get = (GET + ["bench/small"], room.client)
    for env in (room.client, room.local):
        subprocess.run(SET + ["bench/small", "--text", "x" * 32, "--quiet"], env=env, check=True)
    if redis:
        subprocess.run(["redis-cli", "-p", redis.port, "SET", "small", "x" * 32], check=True, stdout=NOWHERE)
        theirs = (["redis-cli", "-p", redis.port, "GET", "small"], dict(os.environ))
        times_row("`room secret get`, 32 bytes", "`redis-cli GET`", "≤ 1.5", runs(300), get, theirs)
    local = (GET + ["bench/small"], room.local)
    times_row("`room secret get --local`", "`room secret get` by socket", "≤ 1", runs(300), local, get)
    if shutil.which("time"):
        peaks = [peak_kilobytes(*get) for _ in range(runs(5))]
        row("peak memory of `room secret get`", f"{max(peaks) / 1024:.1f} MiB", aim="< 16 MB")
    difference = times_row(
        "`--version`", "`/bin/true`", "", runs(500), ([PROGRAM, "--version"], room.client), (["/bin/true"], {})
    )
    row("`--version` less `/bin/true`", f"{difference:.2f} ms", aim="≤ 1 ms")


def exchange(room, directory):
    """A request that a rule of another process answers, beside a plain get; each for another URL, because the
    server keeps answers."""
    (directory / "answer").write_text("x" * 32)
    (directory / "rules.toml").write_text('[[rule]]\nurl = "**"\ngive = "answer"\n')
    provider = Provider(room, directory / "rules.toml")
    request = [PROGRAM, "room", "secret", "request", "--quiet", "--from-participant-id", provider.participant]
    get = [*GET, "bench/small"]
    ours, theirs = [], []
    try:
        for number in range(runs(200)):
            ours.append(seconds([*request, "--url", f"bench:{number}"], room.client) * 1000)
            theirs.append(seconds(get, room.client) * 1000)
    finally:
        provider.stop()
    shown = [f"{statistics.median(times):.2f} ms (min {min(times):.2f})" for times in (ours, theirs)]
    ratio = statistics.median(ours) / statistics.median(theirs)
    row("`room secret request`, answered by a rule", shown[0], "`room secret get`", shown[1], f"{ratio:.2f}")


def many(room, directory):
    """Storing many secrets of 32 bytes: all with one import, beside a command for each. All of them are new."""
    count, singly = (1_000, 20) if SMOKE else (10_000, 300)
    file = directory / "many.env"
    ours, theirs = [], []
    for number in range(runs(5)):
        file.write_text("".join(f"BENCH_{number}_{index}={'x' * 32}\n" for index in range(count)))
        imported = seconds([PROGRAM, "room", "secret", "import", str(file), "--quiet"], room.client)
        ours.append(count / imported)
        each = [SET + [f"bench/{number}/{index}", "--text", "x" * 32, "--quiet"] for index in range(singly)]
        theirs.append(singly / sum(seconds(command, room.client) for command in each))
    median, other = statistics.median(ours), statistics.median(theirs)
    name = "`room secret set`, one after another"
    row(f"`room secret import`, {count:,} secrets", f"{median:,.0f}/s", name, f"{other:,.0f}/s", f"{median / other:.2f}")


def large(room, nginx, directory):
    source = directory / "large"
    source.write_bytes(os.urandom(LARGE_BYTES))
    put = (SET + ["bench/large", "--in", str(source), "--quiet"], room.client)
    get = (GET + ["bench/large"], room.client)
    seconds(*put)
    target = f"{nginx.url}/large"
    curl = ["curl", "--silent", "--show-error", "--fail"]
    environment = {"PATH": os.environ["PATH"]}
    uploads = (curl + ["--upload-file", str(source), target], environment)
    times_row("`room secret set`, 16 MiB", "`curl --upload-file` to nginx", "≤ 4", runs(40), put, uploads)
    times_row("`room secret get`, 16 MiB", "`curl` from nginx", "≤ 4", runs(40), get, (curl + [target], environment))


def in_flight(room, redis):
    for number, count, what in ((1, 20_000, "one after another"), (64, 40_000, "64 in flight")):
        ours, theirs = [], []
        for _ in range(runs(5)):
            calls = count // 20 if SMOKE else count
            ours.append(float(rate([CLIENT, "calls", str(calls), str(number)], room.client)))
            if redis:
                theirs.append(redis_rate(redis.port, str(number), calls))
        median = statistics.median(ours)
        if redis:
            other = statistics.median(theirs)
            name = f"`redis-benchmark -t get -d 1024 -c {number}`"
            row(f"gets of 1 KiB, {what}", f"{median:,.0f}/s", name, f"{other:,.0f}/s", f"{median / other:.2f}")
        else:
            row(f"gets of 1 KiB, {what}", f"{median:,.0f}/s")


def audited(directory):
    """Gets of 1 KiB over many connections, with the audit log synced before each answer, beside a server without it."""
    many = ("--max-connections-per-identity", "1024", "--max-connections-per-address", "1024")
    rooms = [RoomServer(directory, *many, "--audit", audit, name=f"audit-{audit}") for audit in ("on", "off")]
    try:
        for connections, number in ((16, 16), (500, 1)):
            rates = ([], [])
            for _ in range(runs(5)):
                calls = 4_000 if SMOKE else 100_000
                for found, room in zip(rates, rooms):
                    command = [CLIENT, "calls", str(calls), str(number), str(connections)]
                    found.append(float(rate(command, room.client)))
            ours, theirs = map(statistics.median, rates)
            what = f"gets of 1 KiB, {connections} connections, {number} in flight on each, audited"
            row(what, f"{ours:,.0f}/s", "`--audit off`", f"{theirs:,.0f}/s", f"{ours / theirs:.2f}", "≥ 0.7")
    finally:
        for room in rooms:
            room.stop()


def main():
    with tempfile.TemporaryDirectory(prefix="meshagent-bench-") as name:
        directory = Path(name)
        servers = []
        try:
            for kind in (RoomServer, Redis, Nginx):
                servers.append(kind(directory) if kind is RoomServer or kind.is_here() else None)
            room, redis, nginx = servers
            print("| what | meshagent | beside | its figure | ratio | aim |")
            print("|---|---|---|---|---|---|")
            small(room, redis)
            exchange(room, directory)
            if nginx:
                large(room, nginx, directory)
            in_flight(room, redis)
            audited(directory)
            # Last, for the room is full then.
            many(room, directory)
            row("release binary", f"{os.path.getsize(PROGRAM) / 1e6:.1f} MB", aim="< 12 MB")
        finally:
            for server in filter(None, servers):
                server.stop()


main()
