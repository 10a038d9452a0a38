"""Runs the commands of docs/guides, as a reader would type them, one page after the other.

    check.py PROGRAMS

PROGRAMS is the folder with the program `ringback`. The pages' shell blocks run in an empty folder, those that stay in a
terminal of their own beside the others. What a page says comes out of its commands has to come out. Both languages have to
have the same blocks.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "guides"

# Each page with what its commands print, in this order.
PAGES = {
    "first-callback": [
        *["acknowledged (acknowledged, ack rule success)"] * 4,
        "NOT acknowledged (refused, ack rule success)",
        "exit code 1",
        "the receiver acknowledged",
        '"replayed":false',
        "delivered  1      acknowledged",
        "deliveries are due now",
    ],
    "verify": [
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "exit code 1",
        "D9OEuveeKNwwHfXKEFjcN9cpYrk=",
    ],
    "de-duplicate": ["delivered  1      acknowledged", "delivered  1      acknowledged"],
    "reconcile": [
        '"state":"pending"',
        '"code":200,"data":{"pageNum":1,"pageSize":100,"total":1',
        '"callInstanceId":9007199254740993',
        '"state":"pending"',
        "connection refused",
        "deliveries  call  crm",
        "1 deliveries are due now",
    ],
    "go-live": ["receivers see", "the receiver acknowledged", "the receiver acknowledged"],
}
# What the receiver prints meanwhile, and how often. One call comes from `trigger` and from the service, as two events; the
# service's resend of it and its tests of the endpoint do nothing.
PROCESSED = {
    "call call/1/1: apply all": 2,
    "correction call/241/2016: apply all": 1,
    "call call/1/9007199254740993: apply all": 1,
}
# Blocks that begin a terminal of their own, by their last command, and the port on which each listens in the pages.
STAYS = {"java Receiver.java": 8080, "ringback serve": 7700}
# What a reader does once and the check has done already.
PASSED_OVER = re.compile(r"^(cargo build .*|export PATH=.*)\n", re.MULTILINE)
START_S = 60


def blocks(page):
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Terminals:
    """The shells of a reader."""

    def __init__(self, programs, folder):
        self.folder = folder
        self.ports = {port: free_port() for port in STAYS.values()}
        self.staying = []
        own = f"http://127.0.0.1:{self.ports[7700]}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")},
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "PORT": str(self.ports[8080]),
            "RINGBACK_LISTEN": own.removeprefix("http://"),
            "RINGBACK_SERVER": own,
            "RINGBACK_LOG": "error",
        }
        # The pages name files of the repository, and write none there.
        for name in ("crates", "examples"):
            (folder / name).symlink_to(ROOT / name)

    def run(self, block):
        """What a block prints; nothing where it stays."""
        for port, own in self.ports.items():
            block = block.replace(f"127.0.0.1:{port}", f"127.0.0.1:{own}")
        last = block.strip().splitlines()[-1]
        port = next((self.ports[port] for command, port in STAYS.items() if last.endswith(command)), None)
        if port is not None:
            self.stay(block, port)
            return ""
        shell = ["bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(
            shell, env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"a block ended with {done.returncode}:\n{block}\nIt printed:\n{done.stdout}")
        return done.stdout

    def stay(self, block, port):
        log = (self.folder / f"log-{len(self.staying)}").open("w")
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", block],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.staying.append(process)
        until = time.monotonic() + START_S
        while time.monotonic() < until and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                # Nothing tells when a foreign program is ready, but that it answers.
                time.sleep(0.05)
        raise SystemExit(f"does not start:\n{block}\n{pathlib.Path(log.name).read_text()}")

    def close(self):
        for process in self.staying:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def read(terminals, name):
    ours, theirs = blocks(GUIDES / f"{name}.md"), blocks(GUIDES / f"{name}.zh-CN.md")
    if ours != theirs:
        raise SystemExit(f"{name}.md and {name}.zh-CN.md have different commands")
    typed, printed = "", ""
    for block in ours:
        block = PASSED_OVER.sub("", block)
        if not block.strip():
            continue
        if any(block.strip().endswith(command) for command in STAYS):
            printed += terminals.run(typed) if typed else ""
            typed = variables(typed)
            terminals.run(block)
        else:
            typed += block
    printed += terminals.run(typed)
    rest = printed
    for expected in PAGES[name]:
        # Sentences begin with a capital or not, as their place has it.
        at = rest.lower().find(expected.lower())
        if at < 0:
            raise SystemExit(f"{name}.md: `{expected}` is not printed, where it should be. All that is:\n{printed}")
        rest = rest[at + len(expected) :]


def variables(block):
    """What a terminal still knows when its next block is typed."""
    return "".join(line for line in block.splitlines(keepends=True) if line.startswith("export "))


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: check.py PROGRAMS")
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        terminals = Terminals(pathlib.Path(sys.argv[1]).resolve(), folder)
        try:
            for name in PAGES:
                started = time.monotonic()
                read(terminals, name)
                print(f"{name:<15} {time.monotonic() - started:5.1f} s  ok", flush=True)
        finally:
            terminals.close()
        processed = (folder / "log-0").read_text().splitlines()
        for line, times in PROCESSED.items():
            if processed.count(line) != times:
                raise SystemExit(f"the receiver printed `{line}` {processed.count(line)} times, not {times}")


if __name__ == "__main__":
    main()
