// The page of `ringback listen --data`. What came in is foreign: it is put on the page by textContent only.
"use strict";

const WORDS = {
  en: {
    other: "中文", listens: "Callbacks come in at", answers: "Wrong answers on purpose", plan: "Each event", next: "The next",
    answered: "callbacks are answered", set: "Set", takeBack: "Take back", find: "Find", search: "webhook-id, call, job or number",
    all: "all", pending: "on the way", "given-up": "given up", stale: "stale", refused: "refused",
    nothing: "Nothing here.", more: "Older ones", pick: "Pick a callback to see what it says.",
    verified: "verified", notChecked: "not checked", failed: "not verified", again: "came {n} times more", differing: "{n} of them with another body",
    noCallback: "no known callback", waiting: "{n} on the way", gaveUp: "{n} given up", held: "waits: {why}",
    confirmed: "confirmed", dropped: "dropped as stale", "let-go": "let go", pendingState: "next try {at}", waits: "waits for an earlier one of its key",
    outlet: "Outlet", state: "State", tries: "Tries", why: "Last failure", redrive: "Hand on again", redriveAll: "Hand on to all again",
    letGo: "Let go", redriveGivenUp: "Hand on what {outlet} gave up", done: "Done.", redriven: "{n} will be handed on again.",
    conversation: "Conversation", decoded: "Decoded", raw: "Raw body", headers: "Headers", unwrapped: "taken out of what came around it",
    received: "came in", path: "path", key: "order key", shape: "shape", contentType: "content type", verification: "verification",
    answerEvent: "Answer its next sends", times: "times", lines: "{n} × {answer}", inForceNext: "next {n}: {answer}", inForceEvent: "{event}: {n} × {answer}",
    status: "answered", bytes: "bytes", unknown: "the robot did not know", gone: "The inbox does not answer.", noOutlet: "No outlet is in use: callbacks are kept, and handed on to nobody.",
  },
  zh: {
    other: "English", listens: "回调接收地址", answers: "故意答错", plan: "每个事件", next: "接下来",
    answered: "个回调的回答", set: "设置", takeBack: "撤销", find: "查找", search: "webhook-id、通话、任务或序号",
    all: "全部", pending: "转交中", "given-up": "已放弃", stale: "过时", refused: "被拒绝",
    nothing: "这里没有内容。", more: "更早的", pick: "选择一个回调以查看内容。",
    verified: "验证通过", notChecked: "未验证", failed: "验证失败", again: "又收到 {n} 次", differing: "其中 {n} 次内容不同",
    noCallback: "不是已知的回调", waiting: "转交中 {n}", gaveUp: "已放弃 {n}", held: "等待：{why}",
    confirmed: "已确认", dropped: "过时，未转交", "let-go": "已作废", pendingState: "下次尝试 {at}", waits: "等待同一通话或任务的前一个回调",
    outlet: "去向", state: "状态", tries: "次数", why: "最近的失败", redrive: "重新转交", redriveAll: "重新转交到所有去向",
    letGo: "作废", redriveGivenUp: "重新转交 {outlet} 放弃的", done: "完成。", redriven: "{n} 个回调将重新转交。",
    conversation: "对话", decoded: "解读", raw: "原始内容", headers: "请求头", unwrapped: "已从外层中取出",
    received: "收到时间", path: "路径", key: "排序键", shape: "版本", contentType: "内容类型", verification: "验证",
    answerEvent: "它接下来的发送回答", times: "次", lines: "{n} × {answer}", inForceNext: "接下来 {n} 个：{answer}", inForceEvent: "{event}：{n} × {answer}",
    status: "回答", bytes: "字节", unknown: "机器人未能应答", gone: "收件箱没有响应。", noOutlet: "没有设置去向：回调只保存，不转交。",
  },
};
const FILTERS = ["all", "pending", "given-up", "stale", "refused"];
const EVERY_MS = 2000;

let language = stored("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
let filter = "all";
let sought = "";
let items = [];
let picked = null;
let state = null;
let shownDetail = "";
let atEnd = false;

function stored(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

function word(name, values = {}) {
  const text = WORDS[language][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

// A state is written small within a line; alone, as the label of a tab, it begins with a capital.
function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function named(value) {
  return value && typeof value === "object" ? value[language] : value;
}

function byId(id) {
  return document.getElementById(id);
}

// An element with its properties and children; texts become text nodes, never markup.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function time(text) {
  const moment = new Date(text);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { "ringback-page": "1" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

function say(text, bad = false) {
  byId("said").textContent = text;
  byId("said").className = bad ? "bad" : "";
}

// Does something, says how it went, and shows the outcome.
async function act(work, words) {
  try {
    const result = await work();
    say(words ? words(result) : word("done"));
    shownDetail = "";
    await refresh();
  } catch (error) {
    say(error.message, true);
  }
}

function path(before) {
  const query = new URLSearchParams();
  if (before) query.set("before", before);
  if (filter === "refused") return `/api/refused?${query}`;
  query.set("filter", sought || filter);
  return `/api/events?${query}`;
}

async function refresh() {
  try {
    [state] = await Promise.all([ask("GET", "/api/state"), loadList()]);
    byId("fault").hidden = !state.fault;
    byId("fault").textContent = state.fault ?? "";
    showState();
    await showDetail();
  } catch (error) {
    byId("fault").hidden = false;
    byId("fault").textContent = error instanceof TypeError ? word("gone") : error.message;
  }
}

// The first page anew; what was loaded behind it stays.
async function loadList() {
  const fresh = (await ask("GET", path())).items;
  const last = fresh.length ? fresh[fresh.length - 1].number : 0;
  const older = fresh.length ? items.filter((item) => item.number < last) : [];
  const before = JSON.stringify(items);
  items = [...fresh, ...older];
  if (JSON.stringify(items) !== before || !byId("list").firstChild) showList();
}

function showTexts() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  byId("language").textContent = word("other");
  byId("search").placeholder = word("search");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = word(element.dataset.text);
  byId("filters").replaceChildren(...FILTERS.map((name) => make("button", {
    type: "button", role: "tab", textContent: capitalised(word(name)), "aria-selected": String(name === filter && !sought),
    onclick: () => pickFilter(name, ""),
  })));
}

function pickFilter(name, text) {
  [filter, sought, items, atEnd] = [name, text, [], false];
  byId("search").value = text;
  byId("list").replaceChildren();
  pick(null);
  showTexts();
  refresh();
}

function showState() {
  byId("listens").textContent = `${word("listens")} ${state.listens}`;
  const outlets = state.outlets.map((outlet) => {
    const parts = [outlet.name, word("waiting", { n: outlet.pending })];
    if (outlet.givenUp) parts.push(word("gaveUp", { n: outlet.givenUp }));
    if (outlet.held) parts.push(word("held", { why: outlet.held.why }));
    const again = outlet.givenUp ? make("button", {
      type: "button", textContent: word("redriveGivenUp", { outlet: outlet.name }),
      onclick: () => act(() => ask("POST", "/api/redrive", { outlet: outlet.name }), (done) => word("redriven", { n: done.redriven })),
    }) : null;
    return make("li", { class: outlet.held ? "held" : "" }, parts.join(" · "), again ? " " : null, again);
  });
  byId("outlets").replaceChildren(...(outlets.length ? outlets : [make("li", { class: "held", textContent: word("noOutlet") })]));
  if (document.activeElement !== byId("plan")) byId("plan").value = state.answers.plan;
  const { next, events } = state.answers;
  const lines = events.slice(0, 5).map(({ event, answer, times }) => word("inForceEvent", { event, answer, n: times }));
  if (next) lines.unshift(word("inForceNext", { n: next.times, answer: next.answer }));
  byId("in-force").textContent = lines.join("; ");
  byId("next-clear").hidden = !next;
}

function verdict(item) {
  const failed = ["webhook", "sign"].map((name) => item.verification?.[name]).find((check) => check?.result === "failed");
  if (failed) return make("span", { class: "bad", textContent: word("failed"), title: failed.why });
  return item.verified
    ? make("span", { class: "good", textContent: word("verified") })
    : make("span", { class: "quiet", textContent: word("notChecked") });
}

function handover(found) {
  const class_of = { confirmed: "good", "given-up": "bad", pending: "warn" };
  return make("span", {
    class: class_of[found.state] ?? "quiet",
    textContent: `${found.outlet}: ${found.state === "pending" ? word("pending") : word(found.state)}`,
  });
}

function row(item) {
  const isRefused = "why" in item;
  const title = isRefused ? `${item.status} ${item.why}` : named(item.kind) ?? word("noCallback");
  const first = make("div", {},
    make("strong", { class: isRefused ? "bad" : "", textContent: title }),
    make("span", { textContent: isRefused ? item.path : [item.companyId, item.entityId].filter(Boolean).join(" / ") }),
    make("span", { class: "grow" }),
    make("span", { class: "quiet", textContent: `#${item.number}` }));
  const second = make("div", { class: "quiet" },
    make("span", { textContent: time(item.at) }),
    ...(isRefused ? [make("span", { textContent: `${item.bytes} ${word("bytes")}` })] : [
      make("span", { textContent: [item.phone, named(item.status), item.intent].filter(Boolean).join(" · ") }),
      verdict(item),
      item.stale ? make("span", { class: "warn", textContent: word("stale") }) : null,
      item.repeats ? make("span", { textContent: word("again", { n: item.repeats }) }) : null,
      ...item.handovers.map(handover),
    ]));
  return make("button", {
    type: "button", class: "row", onclick: () => pick(item.number), "aria-current": String(picked === item.number),
  }, first, second);
}

function showList() {
  const list = byId("list");
  const more = items.length && items[items.length - 1].number > 1 && !atEnd
    ? [make("button", { type: "button", class: "more", textContent: word("more"), onclick: loadOlder })]
    : [];
  list.replaceChildren(...(items.length ? items.map(row) : [make("p", { class: "empty", textContent: word("nothing") })]), ...more);
}

async function loadOlder() {
  const older = (await ask("GET", path(items[items.length - 1].number))).items;
  items = [...items, ...older];
  atEnd = !older.length;
  showList();
}

function pick(number) {
  [picked, shownDetail] = [number, ""];
  for (const [place, element] of [...byId("list").querySelectorAll(".row")].entries()) {
    element.setAttribute("aria-current", String(items[place]?.number === number));
  }
  showDetail();
}

async function showDetail() {
  const detail = byId("detail");
  if (picked === null) {
    detail.replaceChildren(make("p", { class: "quiet", textContent: word("pick") }));
    return;
  }
  const number = picked;
  const found = filter === "refused"
    ? items.find((item) => item.number === number)
    : await ask("GET", `/api/events/${number}`);
  const text = JSON.stringify([found, language, state?.outlets.map((outlet) => outlet.name)]);
  // What is being read stays where it is while nothing changes.
  if (!found || number !== picked || text === shownDetail) return;
  shownDetail = text;
  detail.replaceChildren(...(filter === "refused" ? refusedDetail(found) : eventDetail(found)));
}

function facts(pairs) {
  return make("dl", {}, ...pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", {}, value)]));
}

function folded(name, open, ...children) {
  return make("details", { open }, make("summary", { textContent: name }), ...children);
}

function headerTable(headers) {
  return make("table", {}, make("tbody", {}, ...(headers ?? []).map(([name, value]) => make("tr", {},
    make("th", { textContent: name }), make("td", { textContent: value })))));
}

function checks(verification) {
  return ["webhook", "sign"].map((name) => {
    const check = verification?.[name];
    return `${name}: ${check?.why ?? (check?.result === "verified" ? word("verified") : word("notChecked"))}`;
  }).join("; ");
}

function refusedDetail(found) {
  return [
    make("h2", { class: "bad", textContent: `${found.status} ${found.why}` }),
    facts([
      [word("received"), time(found.at)], ["webhook-id", found.eventId], [word("path"), found.path],
      [word("verification"), checks(found.verification)], [word("bytes"), String(found.bytes)],
    ]),
    folded(word("raw"), true, make("pre", { textContent: found.raw })),
    folded(word("headers"), false, headerTable(found.headers)),
  ];
}

function eventDetail(found) {
  const title = make("h2", { textContent: `#${found.number} ${named(found.kind) ?? word("noCallback")}` });
  const repeats = found.repeats
    ? [word("again", { n: found.repeats }), found.differing ? word("differing", { n: found.differing }) : ""].filter(Boolean).join(", ")
    : null;
  const parts = [
    title,
    facts([
      ...found.facts.map((fact) => [fact[language], named(fact.value)]),
      [word("received"), time(found.at)], ["webhook-id", found.eventId], [word("key"), found.key], [word("shape"), found.shape],
      [word("path"), found.path], [word("contentType"), found.contentType],
      [word("verification"), checks(found.verification)], ["", repeats],
      ["", found.stale ? make("span", { class: "warn", textContent: word("stale") }) : null],
    ]),
    ...handovers(found),
    prepareForm(found),
  ];
  if (found.conversation?.length) parts.push(make("h3", { textContent: word("conversation") }), talk(found.conversation));
  parts.push(
    folded(`${word("decoded")}${found.unwrapped ? ` (${word("unwrapped")})` : ""}`, !found.conversation?.length, make("pre", { textContent: found.pretty })),
    folded(`${word("raw")}, ${found.bytes} ${word("bytes")}`, false, make("pre", { textContent: found.raw })),
    folded(word("headers"), false, headerTable(found.headers)),
  );
  return parts;
}

function handovers(found) {
  const names = state?.outlets.map((outlet) => outlet.name) ?? [];
  const redrive = (outlet) => act(
    () => ask("POST", `/api/events/${found.number}/redrive`, { outlet }), (done) => word("redriven", { n: done.redriven }));
  const lines = found.handovers.map((way) => make("tr", {},
    make("td", { textContent: way.outlet }),
    make("td", {}, way.state === "pending"
      ? (way.waits ? word("waits") : word("pendingState", { at: time(way.due) }))
      : `${word(way.state)}${way.settled ? ` ${time(way.settled)}` : ""}`),
    make("td", { textContent: String(way.tries) }),
    make("td", { class: "bad", textContent: way.failure ?? "" }),
    make("td", {},
      names.includes(way.outlet) ? make("button", { type: "button", textContent: word("redrive"), onclick: () => redrive(way.outlet) }) : null,
      " ",
      names.includes(way.outlet) && ["pending", "given-up"].includes(way.state) ? make("button", {
        type: "button", textContent: word("letGo"),
        onclick: () => act(() => ask("POST", `/api/events/${found.number}/let-go`, { outlet: way.outlet })),
      }) : null)));
  const missing = names.filter((name) => !found.handovers.some((way) => way.outlet === name));
  return [
    lines.length ? make("table", {},
      make("thead", {}, make("tr", {}, ...["outlet", "state", "tries", "why", ""].map((name) => make("th", { textContent: name && word(name) })))),
      make("tbody", {}, ...lines)) : null,
    missing.length ? make("p", {}, make("button", { type: "button", textContent: word("redriveAll"), onclick: () => redrive(null) })) : null,
  ].filter(Boolean);
}

function prepareForm(found) {
  if (!found.eventId) return "";
  const answer = make("input", { value: "fail", size: 14 });
  answer.setAttribute("list", "known-answers");
  const times = make("input", { type: "number", min: 0, max: 1000000, value: 1 });
  const form = make("form", {
    onsubmit: (submitted) => {
      submitted.preventDefault();
      act(() => ask("PUT", "/api/answers", { event: found.eventId, answer: answer.value, times: Number(times.value) }));
    },
  }, make("span", { class: "quiet", textContent: word("answerEvent") }), answer, times, make("span", { textContent: word("times") }),
  make("button", { textContent: word("set") }));
  return make("div", {}, make("h3", { textContent: word("answers") }), form);
}

function talk(turns) {
  return make("ol", { class: "talk" }, ...turns.map((turn) => {
    const at = turn.startMs === null ? "" : ` ${Math.floor(turn.startMs / 60000)}:${String(Math.floor(turn.startMs / 1000) % 60).padStart(2, "0")}`;
    const notes = [`${named(turn.speaker)}${at}`, turn.meaning, turn.unknown ? word("unknown") : ""].filter(Boolean).join(" · ");
    return make("li", { class: turn.robot ? "robot" : "person" }, make("small", { textContent: notes }), turn.text);
  }));
}

function submits(id, work) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    work();
  });
}

byId("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem("language", language); } catch { /* It is asked again next time. */ }
  shownDetail = "";
  showTexts();
  showList();
  if (state) showState();
  showDetail();
});
submits("plan-form", () => {
  byId("plan").blur();
  act(() => ask("PUT", "/api/answers", { plan: byId("plan").value }));
});
submits("next-form", () => act(() => ask("PUT", "/api/answers", {
  next: { answer: byId("next-answer").value, times: Number(byId("next-times").value) },
})));
byId("next-clear").addEventListener("click", () => act(() => ask("PUT", "/api/answers", { next: { answer: "success", times: 0 } })));
submits("search-form", () => pickFilter("all", byId("search").value.trim()));

showTexts();
showDetail();
refresh();
setInterval(refresh, EVERY_MS);
