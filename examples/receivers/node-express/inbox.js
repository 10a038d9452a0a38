// The inbox: a file that only grows, and what has to be known of it in memory: about 200 bytes for each event. Where that gets
// too much, take a database with a unique column.
//
// A line is an event, {webhookId, kind, key, apply, body}, or {done: webhookId}: that event has been processed.

import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export class Inbox {
  #file;
  #end = 0; // where the next line begins
  #known = new Map(); // webhookId: a promise that is kept once the event is on disk
  #newest = new Map(); // key: the largest ids of all its events, and of those that are no corrections
  #done = new Set();
  #unwritten = [];
  #writing = false;
  #todo = [];
  #wake = () => {};

  static async open(directory, work) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const inbox = new Inbox();
    inbox.#file = await open(join(directory, "inbox.ndjson"), "a+", 0o600);
    const stored = Promise.resolve();
    for await (const { line, position, length } of inbox.#lines()) {
      inbox.#end = position + length;
      if (line.done) {
        inbox.#done.add(line.done);
      } else {
        inbox.#known.set(line.webhookId, stored);
        inbox.#remember(line);
        inbox.#todo.push({ webhookId: line.webhookId, position, length });
      }
    }
    inbox.#todo = inbox.#todo.filter(({ webhookId }) => !inbox.#done.has(webhookId));
    // A crash can leave half a line at the end. Nobody was told that it is stored.
    await inbox.#file.truncate(inbox.#end);
    // The name of a new file has to be on disk, too.
    const folder = await open(directory);
    await folder.sync();
    await folder.close();
    inbox.#processAll(work);
    return inbox;
  }

  // Kept when the event is on disk. What is known already stays as it is.
  store(event) {
    const { webhookId } = event;
    if (!this.#known.has(webhookId)) {
      const line = { ...event, apply: this.#apply(event) };
      this.#remember(event);
      this.#known.set(webhookId, this.#append(line, webhookId));
    }
    return this.#known.get(webhookId);
  }

  // A resend can bring an old event after a newer one of its key; a webhook-id sorts by age. An old event must not overwrite
  // what is newer. But a call that comes after its own correction still brings all that the correction does not have: it is
  // applied, save for the level.
  #apply({ webhookId, kind, key }) {
    const newest = this.#newest.get(key);
    if (key === null || !newest || webhookId > newest.any) return "all";
    return kind === "call" && webhookId > newest.call ? "without-level" : "nothing";
  }

  #remember({ webhookId, kind, key }) {
    if (key === null) return;
    const { any, call } = this.#newest.get(key) ?? { any: "", call: "" };
    const larger = (a, b) => (a > b ? a : b);
    this.#newest.set(key, { any: larger(any, webhookId), call: kind === "correction" ? call : larger(call, webhookId) });
  }

  // What gathers while the disk is busy goes into one write and one sync.
  #append(line, webhookId) {
    return new Promise((stored) => {
      this.#unwritten.push({ bytes: Buffer.from(`${JSON.stringify(line)}\n`), webhookId, stored });
      if (!this.#writing) this.#write();
    });
  }

  async #write() {
    this.#writing = true;
    while (this.#unwritten.length > 0) {
      const group = this.#unwritten.splice(0);
      try {
        await this.#file.appendFile(Buffer.concat(group.map(({ bytes }) => bytes)));
        await this.#file.datasync();
      } catch (error) {
        // After a failed write nobody knows what the file holds. The next start reads what is there, and ringback sends again
        // what was not answered.
        console.error(`the inbox cannot be written: ${error.message}`);
        process.exit(1);
      }
      for (const { bytes, webhookId, stored } of group) {
        if (webhookId) this.#todo.push({ webhookId, position: this.#end, length: bytes.length });
        this.#end += bytes.length;
        stored();
      }
      this.#wake();
    }
    this.#writing = false;
  }

  // One after the other, in the order in which they came.
  async #processAll(work) {
    for (;;) {
      const next = this.#todo.shift();
      if (!next) {
        await new Promise((wake) => (this.#wake = wake));
        continue;
      }
      const { buffer } = await this.#file.read(Buffer.alloc(next.length), 0, next.length, next.position);
      const event = JSON.parse(buffer.toString());
      while (event.apply !== "nothing") {
        try {
          await work(event);
          break;
        } catch (error) {
          // It was acknowledged, and ringback will not repeat it.
          console.error(`${event.webhookId}: ${error.stack}`);
          await pause(5000);
        }
      }
      // Not awaited: to lose the note costs a repetition of the work.
      this.#append({ done: event.webhookId });
      this.#done.add(event.webhookId);
    }
  }

  async *processed() {
    for await (const { line } of this.#lines()) {
      if (this.#done.has(line.webhookId) && line.apply !== "nothing") yield line;
    }
  }

  async *#lines() {
    let [rest, position] = [Buffer.alloc(0), 0];
    for await (const part of this.#file.createReadStream({ start: 0, autoClose: false })) {
      rest = Buffer.concat([rest, part]);
      for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
        yield { line: JSON.parse(rest.subarray(0, at).toString()), position, length: at + 1 };
        position += at + 1;
        rest = rest.subarray(at + 1);
      }
    }
  }
}
