"""A receiver of ringback's callbacks: Flask, SQLite, served by waitress.

A callback is answered `success` once it is on disk in inbox.db, and worked on afterwards, by a thread of its own. `process` is
the place for your code. Settings come from the environment; README.md in the folder above lists them.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sqlite3
import threading
import time
import traceback
from pathlib import Path

from flask import Flask, Response, request
from waitress import serve
from werkzeug.exceptions import HTTPException

BODY_MAX = 1024 * 1024
TOLERANCE_S = 5 * 60



def secrets(text):
    """Several while a secret is being rotated. An empty one would let everybody in."""
    for secret in text.split(","):
        key = re.fullmatch(r"\s*whsec_([A-Za-z0-9+/]+=*)\s*", secret)
        if key is None:
            raise SystemExit("RINGBACK_SECRET: must be one or more whsec_…, separated by commas")
        yield base64.b64decode(key[1])


SECRETS = list(secrets(os.environ.get("RINGBACK_SECRET", "")))
APP_KEY = os.environ.get("RINGBACK_APP_KEY")
APP_SECRET = os.environ.get("RINGBACK_APP_SECRET", "")
DATA_DIR = Path(os.environ.get("DATA_DIR", "data"))
PORT = int(os.environ.get("PORT", "8080"))


# --- where it comes from -------------------------------------------------------------------------------------------


def signature_fits(headers, body):
    """Standard Webhooks, over the raw body: parsed and written again, it would be other bytes."""
    event, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not event or not re.fullmatch("[0-9]{1,12}", sent) or abs(time.time() - int(sent)) > TOLERANCE_S:
        return False
    message = f"{event}.{sent}.".encode() + body
    given = [one.encode() for one in headers.get("webhook-signature", "").split(" ")]
    fits = False
    for secret in SECRETS:
        expected = b"v1," + base64.b64encode(hmac.digest(secret, message, "sha256"))
        for one in given:
            fits |= hmac.compare_digest(one, expected)
    return fits


def sign_fits(data):
    """The platform's own `sign`, which does not cover the body: a second check, never the only one. Version two has none."""
    if not APP_KEY or "callInstance" in data:
        return True
    message = f"{APP_KEY}\n{data.get('dateTime')}".encode()
    expected = base64.b64encode(hmac.digest(APP_SECRET.encode(), message, "sha1"))
    return hmac.compare_digest(str(data.get("sign")).encode(), expected)


# --- what it is ----------------------------------------------------------------------------------------------------


def kind_and_key(body):
    """What came, the key whose events have an order, and `data.data`. Raises for what is no callback.

    Only the fields that make a callback one are asked for: all others can be null, absent or new.
    """
    callback = json.loads(body)["data"]
    data = callback["data"]
    # The names of the first version, and of the second (`profile` v2).
    call = data.get("sceneInstance", data.get("callInstance"))
    match callback.get("dataType") or callback["callbackType"]:
        case "CALL_INSTANCE_RESULT" if call is not None:
            return "call", f"call/{call['companyId']}/{call['callInstanceId']}", data
        case "CALL_INSTANCE_RESULT":
            # A correction belongs to its call, so that the two have one key.
            entry = data["taskResult"][0]
            return "correction", f"call/{entry['companyId']}/{entry['sceneInstanceId']}", data
        case "INBOUND_CALL_INSTANCE_RESULT":
            return "inbound", f"inbound/{call['companyId']}/{call['inboundInstanceId']}", data
        case "JOB_INFO_RESULT":
            return "job", f"job/{data['companyId']}/{data['callJobId']}", data
        case _:
            # A kind of the future: kept, since a refusal would only bring it again.
            return "unknown", None, data


# --- the inbox -----------------------------------------------------------------------------------------------------

SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (
  webhook_id TEXT PRIMARY KEY,            -- the same on every send: a repetition makes no second row
  kind TEXT NOT NULL,
  key TEXT,
  apply TEXT NOT NULL,                    -- all; without-level; nothing
  body BLOB NOT NULL,                     -- the raw bytes
  processed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS inbox_key ON inbox (key, webhook_id);
CREATE INDEX IF NOT EXISTS inbox_open ON inbox (processed) WHERE processed = 0;
"""


def connect(synchronous):
    inbox = sqlite3.connect(DATA_DIR / "inbox.db", timeout=10, isolation_level=None, check_same_thread=False)
    inbox.execute("PRAGMA journal_mode = WAL")
    inbox.execute(f"PRAGMA synchronous = {synchronous}")
    return inbox


def store(inbox, webhook_id, kind, key, body):
    """On disk when it returns. What is known already stays as it is."""
    inbox.execute("BEGIN IMMEDIATE")
    try:
        apply = what_to_apply(inbox, webhook_id, kind, key)
        inbox.execute(
            "INSERT OR IGNORE INTO inbox (webhook_id, kind, key, apply, body) VALUES (?, ?, ?, ?, ?)",
            (webhook_id, kind, key, apply, body),
        )
        inbox.execute("COMMIT")
    except BaseException:
        inbox.execute("ROLLBACK")
        raise


def what_to_apply(inbox, webhook_id, kind, key):
    """A resend can bring an old event after a newer one of its key; a webhook-id sorts by age.

    An old event must not overwrite what is newer. But a call that comes after its own correction still brings all that the
    correction does not have: it is applied, save for the level.
    """
    newest, newest_call = inbox.execute(
        "SELECT max(webhook_id), max(CASE WHEN kind <> 'correction' THEN webhook_id END) FROM inbox WHERE key = ?", (key,)
    ).fetchone()
    if newest is None or webhook_id > newest:
        return "all"
    if kind == "call" and (newest_call is None or webhook_id > newest_call):
        return "without-level"
    return "nothing"


# --- HTTP ----------------------------------------------------------------------------------------------------------

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = BODY_MAX
DATA_DIR.mkdir(parents=True, exist_ok=True)
# FULL: a commit that returned is on disk.
inbox = connect("FULL")
inbox.executescript(SCHEMA)
inbox_lock = threading.Lock()
news = threading.Event()


@app.post("/callbacks")
def receive():
    body = request.get_data()
    if not signature_fits(request.headers, body):
        return answer(401, "fail")
    try:
        kind, key, data = kind_and_key(body)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return answer(400, "fail")
    if kind in ("call", "inbound") and not sign_fits(data):
        return answer(401, "fail")
    with inbox_lock:
        # If it cannot be stored, this raises, the answer is a 500, and the callback comes again.
        store(inbox, request.headers["webhook-id"], kind, key, body)
    news.set()
    return answer(200, "success")


@app.errorhandler(HTTPException)
def refuse(error):
    return answer(error.code, "fail")


def answer(status, text):
    return Response(text, status, content_type="text/plain;charset=utf-8")


if os.environ.get("RINGBACK_JOURNAL") == "1":

    @app.get("/journal")
    def journal():
        """What `process` was called with, for `ringback conformance`. Not for production: it asks for no credentials."""
        with inbox_lock:
            rows = inbox.execute(
                "SELECT webhook_id, kind FROM inbox WHERE processed = 1 AND apply <> 'nothing' ORDER BY rowid"
            ).fetchall()
        lines = (json.dumps({"webhookId": event, "kind": kind, "processed": True}) + "\n" for event, kind in rows)
        return Response("".join(lines), content_type="application/x-ndjson")


# --- the work ------------------------------------------------------------------------------------------------------


def process(kind, key, apply, body):
    """Your code. It may take its time. If the machine fails at the wrong moment it is called again with the same callback."""
    print(f"{kind} {key}: apply {apply}", flush=True)


def work():
    # NORMAL: to lose a mark of what is done costs a repetition, to wait for the disk each time would cost more.
    inbox = connect("NORMAL")
    while True:
        news.clear()
        rows = inbox.execute(
            "SELECT webhook_id, kind, key, apply, body FROM inbox WHERE processed = 0 ORDER BY rowid LIMIT 100"
        ).fetchall()
        try:
            for webhook_id, kind, key, apply, body in rows:
                if apply != "nothing":
                    process(kind, key, apply, body)
                inbox.execute("UPDATE inbox SET processed = 1 WHERE webhook_id = ?", (webhook_id,))
        except Exception:
            # The callback stays in the inbox and is tried again: it was acknowledged, and ringback will not repeat it.
            traceback.print_exc()
            time.sleep(5)
            continue
        if not rows:
            news.wait()


if __name__ == "__main__":
    threading.Thread(target=work, daemon=True).start()
    # 32 requests at once is what ringback sends by default.
    serve(app, host="127.0.0.1", port=PORT, threads=32, connection_limit=1000, max_request_body_size=BODY_MAX)
