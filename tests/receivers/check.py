"""Runs the receivers of examples/receivers through `ringback conformance`, and kills each of them once.

    check.py PROGRAMS TARGET [NAME…]

PROGRAMS is the folder with the programs `ringback` and `ringback-receiver-example`; what a receiver needs beside them is put
into the folder TARGET, and nothing into the checkout. With names, only those receivers run.

Each is started on a free port and an empty folder. It takes in one callback, goes through `conformance --quick` with its
journal, is killed by SIGKILL, started again, and gets the same callback once more: it has to know all that it knew, and not
to process it again. A line is printed for each; where one fails, all that was said is.
"""

import base64
import dataclasses
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
RECEIVERS = HERE.parents[1] / "examples" / "receivers"
SAMPLES = HERE.parents[1] / "crates" / "contract" / "samples"
# The receivers know two, as while a secret is rotated.
SECRET = "whsec_" + base64.b64encode(b"the secret that is used here").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the secret that was used before").decode()
# For `sign`, which the report's callbacks have as well.
APP_KEY, APP_SECRET = "demoAppKey0000001", "demoAppSecret00000000000000001"
# Two events, with ids that sort before those of the report. One is of the second version, which the report leaves out.
CALL = ("evt_0000000000001", "v2/call.json")
JOB = ("evt_0000000000002", "job.json")
START_S = 60
REPORT_S = 120


class Failed(Exception):
    """What is wrong with a receiver."""


@dataclasses.dataclass
class Receiver:
    name: str
    # What makes it ready to run, given the folder for it.
    prepare: object
    # The command that runs it, given that folder and a port.
    command: object
    settings: dict = dataclasses.field(default_factory=dict)


def receivers(programs, target):
    def nothing(_):
        pass

    def python(name):
        venv = target / "python"

        def prepare(_):
            wanted = "".join((RECEIVERS / one / "requirements.txt").read_text() for one in ("python-flask", "python-fastapi"))
            if up_to_date(venv / "requirements.txt", wanted):
                return
            shutil.rmtree(venv, ignore_errors=True)
            run([sys.executable, "-m", "venv", venv])
            requirements = [f"--requirement={RECEIVERS / one / 'requirements.txt'}" for one in ("python-flask", "python-fastapi")]
            run([venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
            (venv / "requirements.txt").write_text(wanted)

        return Receiver(name, prepare, lambda *_: [venv / "bin" / "python", "-B", RECEIVERS / name / "receiver.py"])

    def node(folder):
        # Node looks for modules beside the program, so that the program is copied to where they are.
        lock = "package-lock.json"
        wanted = (RECEIVERS / "node-express" / lock).read_text()
        installed = up_to_date(folder / lock, wanted) and (folder / "node_modules").is_dir()
        folder.mkdir(parents=True, exist_ok=True)
        for file in (RECEIVERS / "node-express").iterdir():
            if file.name != lock:
                shutil.copy(file, folder)
        if not installed:
            (folder / lock).write_text(wanted)
            run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", f"--cache={target / 'npm-cache'}"], cwd=folder)

    def go(folder):
        environment = {**os.environ, "GOCACHE": str(target / "go-cache")}
        run(["go", "build", "-o", folder / "receiver", "."], cwd=RECEIVERS / "go", env=environment)

    def java(folder):
        run(["javac", "-d", folder, RECEIVERS / "java" / "Receiver.java"])

    def php(_, port):
        return ["php", "-S", f"127.0.0.1:{port}", RECEIVERS / "php" / "index.php"]

    return [
        python("python-flask"),
        python("python-fastapi"),
        Receiver("node-express", node, lambda folder, _: ["node", folder / "receiver.js"]),
        # Four processes, as php-fpm would have some.
        Receiver("php", nothing, php, {"PHP_CLI_SERVER_WORKERS": "4"}),
        Receiver("go", go, lambda folder, _: [folder / "receiver"]),
        Receiver("java", java, lambda folder, _: ["java", "-cp", folder, "Receiver"]),
        Receiver("rust-axum", nothing, lambda *_: [programs / "ringback-receiver-example"]),
    ]


def up_to_date(path, wanted):
    return path.is_file() and path.read_text() == wanted


def run(command, **how):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **how)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Running:
    """A receiver that runs, in a session of its own: PHP's server has processes beneath it."""

    def __init__(self, receiver, folder, directory):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = directory / "log"
        settings = {
            "PORT": str(self.port),
            "DATA_DIR": str(directory / "data"),
            "RINGBACK_SECRET": f"{SECRET},{OLD_SECRET}",
            "RINGBACK_APP_KEY": APP_KEY,
            "RINGBACK_APP_SECRET": APP_SECRET,
            "RINGBACK_JOURNAL": "1",
            **receiver.settings,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in receiver.command(folder, self.port)],
                env={**os.environ, **settings},
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self):
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.request("GET", "/journal")
                return self
            except OSError:
                # Nothing tells when a foreign program is ready, but that it answers.
                time.sleep(0.05)
        self.kill()
        raise Failed("it does not start")

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def send(self, event):
        (webhook_id, sample), sent = event, str(int(time.time()))
        body = (SAMPLES / sample).read_bytes()
        key = base64.b64decode(OLD_SECRET.removeprefix("whsec_"))
        mac = hmac.digest(key, f"{webhook_id}.{sent}.".encode() + body, "sha256")
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": sent,
            "webhook-signature": "v1," + base64.b64encode(mac).decode(),
            "content-type": "application/json;charset=utf-8",
        }
        answer = self.request("POST", "/callbacks", body, headers)
        if answer != (200, "success"):
            raise Failed(f"{sample} is answered {answer}")

    def processed(self):
        """The ids of what was processed."""
        _, lines = self.request("GET", "/journal")
        return [json.loads(line)["webhookId"] for line in lines.splitlines()]

    def wait_until_processed(self, event):
        until = time.monotonic() + START_S
        while event[0] not in self.processed():
            if time.monotonic() > until:
                raise Failed(f"{event[1]} is not processed")
            time.sleep(0.05)


def check(receiver, ringback, folder, directory):
    """Says in a few words how it went."""
    with Running(receiver, folder, directory) as running:
        running.send(CALL)
        running.wait_until_processed(CALL)
        url = f"http://127.0.0.1:{running.port}"
        known = [f"--secret={SECRET}", f"--app={APP_KEY}:{APP_SECRET}", f"--journal={url}/journal"]
        report = run([ringback, "conformance", f"{url}/callbacks", "--quick", *known], timeout=REPORT_S)
        before = running.processed()
    with Running(receiver, folder, directory) as running:
        running.send(CALL)
        # What it took for new by mistake, it would process first.
        running.send(JOB)
        running.wait_until_processed(JOB)
        after = running.processed()
    lost = set(before) - set(after)
    if lost:
        raise Failed(f"after SIGKILL and a new start {len(lost)} of {len(before)} events are gone")
    if len(after) != len(set(after)):
        raise Failed("an event is processed twice")
    # What a receiver prints of it; the journal of one that has forgotten it would have it once.
    if (directory / "log").read_text().count("call call/1/1: apply all\n") != 1:
        raise Failed("after SIGKILL and a new start it processes a callback again")
    return report.strip().splitlines()[-1]


def main():
    if len(sys.argv) < 3:
        raise SystemExit("usage: check.py PROGRAMS TARGET [NAME…]")
    programs, target, names = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
    failed = []
    for receiver in receivers(programs, target):
        if names and receiver.name not in names:
            continue
        started = time.monotonic()
        folder = target / receiver.name
        with tempfile.TemporaryDirectory() as directory:
            directory = pathlib.Path(directory)
            try:
                receiver.prepare(folder)
                said = check(receiver, programs / "ringback", folder, directory)
            except (Failed, OSError, subprocess.TimeoutExpired) as error:
                failed.append(receiver.name)
                log = directory / "log"
                said = f"FAILED: {error}\nIts log ends in:\n{log.read_text()[-2000:] if log.exists() else ''}"
            print(f"{receiver.name:<15} {time.monotonic() - started:5.1f} s  {said}", flush=True)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
