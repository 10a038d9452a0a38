// A receiver of ringback's callbacks: Express, and a file that only grows.
//
// A callback is answered `success` once it is on disk in inbox.ndjson, and worked on afterwards. `work` is the place for your
// code. Settings come from the environment; README.md in the folder above lists them.

import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";
import { parse } from "lossless-json";
import { Inbox } from "./inbox.js";

const TOLERANCE_S = 5 * 60;

// Several while a secret is being rotated.
const secrets = (process.env.RINGBACK_SECRET ?? "").split(",").map((secret) => {
  if (!/^whsec_[A-Za-z0-9+/]+=*$/.test(secret.trim())) {
    throw new Error("RINGBACK_SECRET: must be one or more whsec_…, separated by commas");
  }
  return Buffer.from(secret.trim().slice("whsec_".length), "base64");
});
const { RINGBACK_APP_KEY: appKey, RINGBACK_APP_SECRET: appSecret = "" } = process.env;

// --- where it comes from ---

// Standard Webhooks, over the raw body: parsed and written again, it would be other bytes.
function signatureFits(headers, body) {
  const { "webhook-id": id = "", "webhook-timestamp": sent = "", "webhook-signature": signatures = "" } = headers;
  if (!id || !/^[0-9]{1,12}$/.test(sent) || Math.abs(Date.now() / 1000 - Number(sent)) > TOLERANCE_S) return false;
  let fits = false;
  for (const secret of secrets) {
    const expected = `v1,${createHmac("sha256", secret).update(`${id}.${sent}.`).update(body).digest("base64")}`;
    for (const given of signatures.split(" ")) fits = same(given, expected) || fits;
  }
  return fits;
}

// The platform's own `sign`, which does not cover the body: a second check, never the only one. Version two has none.
function signFits(data) {
  if (!appKey || data.callInstance) return true;
  const expected = createHmac("sha1", appSecret).update(`${appKey}\n${data.dateTime}`).digest("base64");
  return same(String(data.sign), expected);
}

// In constant time.
function same(given, expected) {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

// --- what it is ---

// JSON.parse rounds integers over 2^53, and two ids become one. Here such numbers become strings.
const decoder = new TextDecoder("utf-8", { fatal: true });
function parseExactly(body) {
  const isExact = (text) => !/^-?[0-9]+$/.test(text) || Number.isSafeInteger(Number(text));
  return parse(decoder.decode(body), null, (text) => (isExact(text) ? Number(text) : text));
}

// What came, the key whose events have an order, and `data.data`. Throws for what is no callback. Only the fields that make a
// callback one are asked for: all others can be null, absent or new.
function read(body) {
  // The names of the first version, and of the second (`profile` v2).
  const { dataType, callbackType, data } = parseExactly(body).data;
  const call = data.sceneInstance ?? data.callInstance ?? null;
  switch (dataType ?? callbackType) {
    case "CALL_INSTANCE_RESULT":
      if (call) return { kind: "call", key: key("call", call.companyId, call.callInstanceId), data };
      // A correction belongs to its call, so that the two have one key.
      const [entry] = data.taskResult;
      return { kind: "correction", key: key("call", entry.companyId, entry.sceneInstanceId), data };
    case "INBOUND_CALL_INSTANCE_RESULT":
      return { kind: "inbound", key: key("inbound", call.companyId, call.inboundInstanceId), data };
    case "JOB_INFO_RESULT":
      return { kind: "job", key: key("job", data.companyId, data.callJobId), data };
    case undefined:
    case null:
      throw new TypeError("data.dataType is missing");
    default:
      // A kind of the future: kept, since a refusal would only bring it again.
      return { kind: "unknown", key: null, data };
  }
}

function key(name, companyId, id) {
  if (companyId == null || id == null) throw new TypeError("an id is missing");
  return `${name}/${companyId}/${id}`;
}

// --- the work ---

// Your code. It may take its time. If the machine fails at the wrong moment it is called again with the same callback.
async function work({ kind, key, apply, body }) {
  console.log(`${kind} ${key}: apply ${apply}`);
}

// --- HTTP ---

const inbox = await Inbox.open(process.env.DATA_DIR ?? "data", work);
const app = express().disable("x-powered-by");
const answer = (response, status, text) => response.status(status).type("text/plain").send(text);

// Not express.json(): it would throw the raw bytes away. Whatever the content type is, the body is JSON.
const rawBody = express.raw({ type: () => true, limit: "1mb", inflate: false });

app.post("/callbacks", rawBody, async (request, response) => {
  const body = request.body ?? Buffer.alloc(0);
  if (!signatureFits(request.headers, body)) return answer(response, 401, "fail");
  let callback;
  try {
    callback = read(body);
  } catch {
    return answer(response, 400, "fail");
  }
  const { kind, key, data } = callback;
  if (["call", "inbound"].includes(kind) && !signFits(data)) return answer(response, 401, "fail");
  await inbox.store({ webhookId: request.headers["webhook-id"], kind, key, body: body.toString() });
  answer(response, 200, "success");
});

if (process.env.RINGBACK_JOURNAL === "1") {
  // What `work` was called with, for `ringback conformance`. Not for production: it asks for no credentials.
  app.get("/journal", async (_, response) => {
    response.type("application/x-ndjson");
    for await (const { webhookId, kind } of inbox.processed()) {
      response.write(`${JSON.stringify({ webhookId, kind, processed: true })}\n`);
    }
    response.end();
  });
}

// Express knows it by its four parameters. What is too large is a 413, what is compressed a 415.
app.use((error, _request, response, _next) => answer(response, error.status ?? 500, "fail"));

app.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
