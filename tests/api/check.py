"""Checks the HTTP API from outside, against the OpenAPI document that it gives of itself.

    check.py RINGBACK

Starts the program RINGBACK as a service on a free port and an empty store, then

1. asks it by schemathesis: what the document allows and what it forbids, at random. No answer may be a 5xx, have a status,
   a content type or a shape that the document does not tell, or take what the document forbids;
2. makes a client from the document by openapi-python-client and uses it: a company, an endpoint, a call, its event.

It runs in the Python in which requirements.txt is installed.
"""

import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
TOKEN = "a-token-for-the-check-of-the-api"
COMPANY = 151
# One number for every machine: a check that fails here fails there.
SEED = 20260101
EXAMPLES = 40


class Service:
    """`ringback serve` on an empty store."""

    def __init__(self, program, directory):
        settings = {
            "RINGBACK_LISTEN": "127.0.0.1:0",
            "RINGBACK_STORE": f"sqlite:{directory}/store",
            "RINGBACK_OPERATOR_TOKEN": TOKEN,
            # Callbacks to the endpoints that are made up go nowhere.
            "RINGBACK_LOG": "error",
        }
        self.process = subprocess.Popen(
            [program, "serve"],
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._address()

    def _address(self):
        for line in self.process.stdout:
            found = re.search(r"listening on (http://[0-9.:]+)", line)
            if found:
                # What else it says must not fill the pipe.
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return found.group(1)
        raise SystemExit("the service did not start")

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=30)
        if code not in (0, 143, -15):
            raise SystemExit(f"the service ended with {code}")


def fuzz(service):
    import httpx

    settings = {"name": "Example"}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    made = httpx.put(f"{service.url}/v1/companies/{COMPANY}", json=settings, headers=headers)
    made.raise_for_status()
    command = [
        str(pathlib.Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{service.url}/v1/openapi.json",
        f"--header=Authorization: Bearer {TOKEN}",
        f"--seed={SEED}",
        f"--max-examples={EXAMPLES}",
        # A schema cannot tell all that is allowed: what it lets through may still be a 422.
        # DELETE of a replay cancels it: what it did stays to be seen.
        "--exclude-checks=positive_data_acceptance,use_after_free",
        "--warnings=off",
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    # It leaves its notes in the directory in which it runs.
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(command, env=environment, cwd=directory, check=False)
    if done.returncode != 0:
        raise SystemExit(f"schemathesis found something; again with: {' '.join(command)}")


def generated_client(service, directory):
    import httpx

    document = pathlib.Path(directory, "openapi.json")
    document.write_bytes(httpx.get(f"{service.url}/v1/openapi.json").content)
    package = pathlib.Path(directory, "ringback_client")
    # The generator tidies what it has made by ruff, which is beside this Python.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    made = subprocess.run(
        [
            str(pathlib.Path(sys.executable).with_name("openapi-python-client")),
            "generate",
            f"--path={document}",
            "--meta=none",
            f"--output-path={package}",
        ],
        env={**os.environ, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
    )
    # What it cannot generate (batches are no JSON) it warns of and leaves out.
    if made.returncode != 0:
        raise SystemExit(f"no client could be made: {made.stdout}{made.stderr}")
    sys.path.insert(0, directory)
    use(service.url)


def use(url):
    """What an integrator would write with the generated client."""

    def api(name):
        return importlib.import_module(f"ringback_client.api.{name}")

    models = importlib.import_module("ringback_client.models")
    client = importlib.import_module("ringback_client").AuthenticatedClient(base_url=url, token=TOKEN)

    company = api("companies.put_company").sync(
        COMPANY, client=client, body=models.CompanySettings(name="Example")
    )
    expect(company.company_id == COMPANY, company)

    settings = models.EndpointSettings(url="https://crm.example.com/callback", enabled=False)
    endpoint = api("endpoints.put_endpoint").sync(COMPANY, "erp", client=client, body=settings)
    expect(endpoint.secret.startswith("whsec_"), endpoint)

    sample = {"sceneInstance": {"companyId": COMPANY, "callInstanceId": 2_147_483_648}}
    raw = client.get_httpx_client().post("/v1/calls", json=sample)
    expect(raw.status_code == 202, raw.text)
    event_id = raw.json()["eventId"]

    event = api("events_and_deliveries.get_event").sync(event_id, client=client)
    expect(event.call_instance_id == 2_147_483_648, event)
    delivery = event.deliveries[0]
    expect((delivery.endpoint, str(delivery.state)) == ("erp", "parked"), delivery)

    page = api("events_and_deliveries.list_events").sync(client=client, company_id=COMPANY, limit=500)
    expect(event_id in [item.event_id for item in page.items], page)

    missing = api("events_and_deliveries.get_event").sync_detailed("evt_0000000000000", client=client)
    expect(missing.status_code == 404 and missing.parsed.type_.endswith("no-event"), missing)


def expect(holds, found):
    if not holds:
        raise SystemExit(f"the generated client got: {json.dumps(found, default=str)}")


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: check.py RINGBACK")
    for work in (lambda service, _: fuzz(service), generated_client):
        with tempfile.TemporaryDirectory() as directory:
            service = Service(sys.argv[1], directory)
            try:
                work(service, directory)
            finally:
                service.stop()


if __name__ == "__main__":
    main()
