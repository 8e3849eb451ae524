// Keeps the page as things are: looks again every few seconds, and follows operations step by step.
// Without it every page and form works, and shows how things were when it was loaded.
"use strict";

(() => {
  const EVERY = 3000; // milliseconds between looks
  const STREAMS = 4; // operations that are followed at once: a browser has six connections to a host
  const STATES = {
    started: "running", progress: "running", retrying: "retrying", done: "done",
    failed: "failed", undone: "undone", undo_failed: "not undone",
  };
  const EXPLAINED = ["progress", "retrying", "failed", "undo_failed"];

  const main = document.querySelector("main");
  const live = document.body.hasAttribute("data-live");
  const lost = document.getElementById("lost");
  const said = document.getElementById("said");
  const streams = new Map();
  const states = new Map();
  let tag = "";
  let since = new Date();
  let timer = 0;
  let looking = null;

  // --- what is shown becomes what was just read; focus, open details and what was typed stay ---

  function become(old, fresh) {
    if (old.nodeType === Node.TEXT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE || old.hasAttribute("data-keep")) return;
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !["open", "hidden", "aria-busy"].includes(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    becomeInside(old, fresh);
  }

  function becomeInside(old, fresh) {
    let place = old.firstChild;
    for (const wanted of fresh.childNodes) {
      const found = counterpart(old, place, wanted);
      if (!found) {
        old.insertBefore(document.importNode(wanted, true), place);
        continue;
      }
      if (found === place) place = place.nextSibling;
      else old.insertBefore(found, place);
      become(found, wanted);
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  }

  function counterpart(old, place, wanted) {
    const key = keyOf(wanted);
    if (!key) return place && place.nodeName === wanted.nodeName && !keyOf(place) ? place : null;
    for (let each = place; each; each = each.nextSibling) {
      if (keyOf(each) === key && each.nodeName === wanted.nodeName) return each;
    }
    return null;
  }

  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.getAttribute("data-key") || "" : "");

  function show(fresh) {
    const log = document.getElementById("lines");
    const atEnd = log && log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    document.title = fresh.title;
    becomeInside(main, fresh.querySelector("main"));
    if (atEnd) log.scrollTop = log.scrollHeight;
    arrange();
  }

  // --- looking again ---

  function load(method, url, body) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      looking = method === "GET" ? request : looking;
      request.open(method, url);
      request.responseType = "document";
      request.timeout = 20000;
      if (method === "GET" && tag) request.setRequestHeader("If-None-Match", tag);
      request.onload = () => resolve(request);
      request.onerror = request.ontimeout = reject;
      request.onabort = () => resolve(null);
      request.send(body);
    });
  }

  async function look() {
    clearTimeout(timer);
    if (looking || !live) return;
    if (document.visibilityState === "visible") {
      try {
        const answer = await load("GET", location.href);
        if (answer) take(answer);
      } catch {
        lose();
      }
      looking = null;
    }
    timer = setTimeout(look, EVERY);
  }

  function take(answer) {
    if (answer.responseURL && new URL(answer.responseURL).pathname !== location.pathname) {
      location.reload(); // the session has ended
      return;
    }
    if (answer.status >= 500 || (answer.status !== 304 && !answer.response?.querySelector("main"))) {
      lose();
      return;
    }
    lost.hidden = true;
    document.body.classList.remove("stale");
    since = new Date();
    if (answer.status === 304) return;
    tag = answer.status === 200 ? answer.getResponseHeader("ETag") || "" : "";
    show(answer.response);
  }

  function lose() {
    const text = `No answer since ${since.toLocaleTimeString()}. What is shown may be old; the page tries again.`;
    if (lost.hidden || lost.textContent !== text) lost.textContent = text;
    lost.hidden = false;
    document.body.classList.add("stale");
  }

  // --- operations, step by step ---

  function follow(operation) {
    const id = operation.dataset.operation;
    if (streams.has(id) || streams.size >= STREAMS) return;
    const source = new EventSource(`/operations/${encodeURIComponent(id)}/events`); // resumes by itself
    streams.set(id, source);
    source.addEventListener("step", (event) => step(id, JSON.parse(event.data)));
    source.addEventListener("operation", () => {
      source.close();
      streams.delete(id);
      tag = "";
      look();
    });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) streams.delete(id);
    });
  }

  function step(id, event) {
    const list = document.getElementById(`steps-${id}`);
    const state = STATES[event.kind];
    if (!list || !event.step || !state) return;
    const key = `${event.saga}/${event.step}`;
    let item = [...list.children].find((each) => each.dataset.key === key);
    const isNew = !item;
    if (isNew) {
      item = document.createElement("li");
      item.dataset.key = key;
      item.append(document.createElement("i"), part("title"), " ", part("word"), part("note"));
      item.firstChild.setAttribute("aria-hidden", "true");
      list.append(item);
    }
    item.className = `step ${state.replace(" ", "-")}`;
    if (isNew || event.kind === "started") item.querySelector(".title").textContent = event.message;
    item.querySelector(".word").textContent = state;
    item.querySelector(".note").textContent = EXPLAINED.includes(event.kind) ? event.message : "";
  }

  function part(name) {
    const found = document.createElement("span");
    found.className = name;
    return found;
  }

  // --- after everything that was read ---

  function arrange() {
    for (const each of main.querySelectorAll("[data-operation]")) {
      const { operation, state, name } = each.dataset;
      if (state === "running") follow(each);
      if (states.get(operation) === "running" && state !== "running") said.textContent = `${name} ${state}`;
      states.set(operation, state);
    }
    filter();
    tell();
  }

  function filter() {
    const field = document.getElementById("filter");
    const nothing = document.getElementById("nothing");
    if (!field) return;
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of main.querySelectorAll("tr[data-words]")) {
      row.hidden = !words.every((word) => row.dataset.words.toLowerCase().includes(word));
      shown += row.hidden ? 0 : 1;
    }
    nothing.hidden = shown > 0;
  }

  function tell() {
    for (const each of main.querySelectorAll("time:not([data-fixed])")) {
      const text = ago((Date.now() - Date.parse(each.dateTime)) / 1000);
      if (each.textContent !== text) each.textContent = text;
    }
  }

  function ago(seconds) {
    if (seconds < 60) return "just now";
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86400)} days ago`;
  }

  // --- forms ---

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const button = form.querySelector("button");
    if (button.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    button.setAttribute("aria-busy", "true");
    if (!form.hasAttribute("data-inline") || !live) return;
    event.preventDefault(); // the page stays, and so does the focus
    if (looking) looking.abort();
    looking = null;
    try {
      const answer = await load("POST", form.action, new URLSearchParams(new FormData(form)));
      const arrived = new URL(answer.responseURL).pathname;
      if (answer.status < 400 && arrived !== location.pathname) {
        location.assign(arrived);
        return;
      }
      tag = "";
      if (answer.response?.querySelector("main")) show(answer.response);
    } catch {
      lose();
    }
    button.removeAttribute("aria-busy");
    look();
  });

  for (const field of document.querySelectorAll("input[data-confirm]")) {
    const button = field.form.querySelector("button");
    const check = () => { button.disabled = field.value.trim() !== field.dataset.confirm; };
    field.addEventListener("input", check);
    check();
  }

  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  main.addEventListener("input", (event) => { if (event.target.id === "filter") filter(); });
  document.addEventListener("visibilitychange", look);
  setInterval(tell, 15000);
  const log = document.getElementById("lines");
  if (log) log.scrollTop = log.scrollHeight;
  arrange();
  if (live) timer = setTimeout(look, EVERY);
})();
