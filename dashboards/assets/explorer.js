// The address is the state. A changed filter becomes a new address; the session answers a new
// address with the parts of the page and the charts. Without a session the browser just goes there.
"use strict";
(() => {
  const form = document.querySelector("form.filters");
  const pick = document.getElementById("pick");
  let synced = null; // the session's shared state, while there is one

  const queryOf = (fields) => {
    const now = fields.elements.known.max;
    const pairs = [...new FormData(fields)].filter(([name, value]) => value !== "" && !(name === "known" && value === now));
    return new URLSearchParams(pairs).toString().replaceAll("%2C", ",");
  };

  const addressOf = (query) => (query ? `${location.pathname}?${query}` : location.pathname);
  const go = (query, replacing = false) => {
    const address = addressOf(query);
    if (!synced) { location.assign(address); return; }
    if (address !== location.pathname + location.search) history[replacing ? "replaceState" : "pushState"](null, "", address);
    ask();
  };

  // One question at a time: while an answer is drawn, only the last of those asked meanwhile waits.
  let asked = null, waiting = false, toDraw = Infinity, drawnSince = 0;
  let settled = [];
  const ask = () => {
    fill(location.search);
    if (asked !== null) { waiting = true; return; }
    const query = location.search.slice(1);
    if (synced.query === query) { finished(); return; }
    asked = query;
    toDraw = Infinity;
    drawnSince = 0;
    document.documentElement.dataset.asked = performance.now();
    synced.setv({ query });
  };
  const finished = () => {
    asked = null;
    document.documentElement.dataset.settled = synced?.shown ?? "";
    if (waiting && synced) { waiting = false; ask(); if (asked !== null) return; }
    for (const tell of settled.splice(0)) tell();
  };
  const untilSettled = () => (asked === null ? Promise.resolve() : new Promise((done) => settled.push(done)));
  const countDrawings = () => {
    const embed = window.vegaEmbed;
    window.vegaEmbed = (...all) => embed(...all).finally(() => {
      drawnSince += 1;
      if (asked !== null && drawnSince >= toDraw) finished();
    });
  };

  const fill = (search) => {
    const given = new URLSearchParams(search);
    for (const field of form.elements) {
      if (!field.name) continue;
      const value = given.get(field.name) ?? ({ metric: "searches", known: field.max }[field.name] ?? "");
      if (field.type === "radio") { field.checked = field.value === value; continue; }
      if (field === pick) { field.value = ""; continue; }
      field.value = value;
      if (field.tagName === "SELECT" && field.selectedIndex < 0) field.value = field.options[0].value;
    }
    narrow();
  };

  // Only the agencies of the chosen country are offered.
  const narrow = () => {
    const country = form.elements.country.value;
    for (const group of form.querySelectorAll("optgroup[data-country]")) {
      group.hidden = group.disabled = country !== "" && group.dataset.country !== country;
    }
  };

  const entries = (dict) => (dict instanceof Map ? [...dict] : Object.entries(dict));

  const show = () => {
    for (const [name, html] of entries(synced.parts)) {
      const part = document.querySelector(`[data-part="${name}"]`);
      if (part && part.dataset.html !== html) { part.innerHTML = html; part.dataset.html = html; }
      const chart = name.endsWith("-head") && name.slice(0, -5);
      if (chart) document.querySelector(`[data-card="${chart}"]`).hidden = html === "";
    }
  };

  // The painted chart stays until the live one is drawn.
  const drawn = () => {
    let waiting = false;
    for (const chart of document.querySelectorAll("[data-chart]:not(.drawn)")) {
      const host = chart.querySelector(".live").firstElementChild;
      if (host?.shadowRoot?.querySelector("svg.marks")) chart.classList.add("drawn");
      else if (!chart.closest("[hidden]")) waiting = true;
    }
    if (waiting) requestAnimationFrame(drawn);
  };

  form.addEventListener("change", (event) => {
    pause();
    if (event.target.name === "country") {
      narrow();
      if (form.elements.agency.selectedOptions[0]?.parentElement.disabled) form.elements.agency.value = "";
    }
    if (synced) go(queryOf(form));
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); pause(); go(queryOf(form)); });
  // A name taken from the list needs no button.
  pick.addEventListener("input", (event) => {
    if (synced && event.inputType !== "insertText" && [...pick.list.options].some((one) => one.value === pick.value)) go(queryOf(form));
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-query]");
    if (!link || !synced || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if ("open" in link.dataset) { unfold(link.dataset.query); return; }
    pause();
    go(link.dataset.query);
    if ("stay" in link.dataset) {
      (link.closest("#compare") ? pick : link.closest("article")).focus({ preventScroll: true });
      return;
    }
    document.querySelector("h1").scrollIntoView({ block: "start" });
  });

  // Without leave to use the clipboard the link goes to the address bar.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-copy]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(link.href);
      link.textContent = "Link copied";
    } catch {
      history.replaceState(null, "", link.href);
      link.textContent = "The link is in the address bar";
    }
    setTimeout(() => { link.textContent = "Copy link"; }, 3000);
  });

  // A gap or a duty opens in place; its evidence gets the focus, and gives it back when closed.
  let openedBy = "";
  let toFocus = false;
  const unfold = (query) => {
    const given = new URLSearchParams(query);
    if (given.has("gap") || given.has("duty")) openedBy = query;
    toFocus = true;
    if (location.search.slice(1) === query) focusOpened(); else go(query);
  };
  const focusOpened = () => {
    if (!toFocus) return;
    toFocus = false;
    const opened = document.getElementById("opened");
    const opener = [...document.querySelectorAll("a[data-open]")].find((a) => a.dataset.query === openedBy && a.checkVisibility());
    const there = opened ?? opener ?? document.querySelector("[data-chart=gap-matrix]");
    there.focus({ preventScroll: true });
    there.scrollIntoView({ block: opened ? "start" : "nearest" });
  };
  // Vega keeps what a mark stands for with its element.
  document.querySelector("[data-chart=gap-matrix] .live").addEventListener("click", (event) => {
    const gap = event.composedPath().map((node) => node.__data__?.datum?.gap).find(Boolean);
    if (!gap || !synced) return;
    const asked = new URLSearchParams(queryOf(form));
    asked.set("gap", gap);
    unfold(asked.toString());
  });
  addEventListener("popstate", () => { pause(); if (synced) ask(); });

  // Replay: the slider's steps are the days on which the answer of the view changed.
  const slider = document.getElementById("replay-at");
  const play = document.querySelector("[data-replay=play]");
  const steps = document.querySelectorAll("[data-replay]:not([data-replay=play])");
  const replay = () => {
    const { days, at } = document.getElementById("replay-days").dataset;
    return { days: days ? days.split(" ") : [], at: Number(at) };
  };
  const compared = (query) => new URLSearchParams(query).getAll("compare").join();
  const inWords = (day) => new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  const place = () => {
    const { days, at } = replay();
    slider.max = Math.max(days.length - 1, 1);
    slider.value = days.length > 1 ? Math.max(at, 0) : 1;
    for (const control of [slider, play, ...steps]) control.disabled = days.length < 2;
    name(days, at);
  };
  const name = (days, at) => slider.setAttribute("aria-valuetext", at < 0 || !days[at] ? "before the first" : `${inWords(days[at])}, ${at + 1} of ${days.length}`);
  const step = (at, replacing) => {
    const { days } = replay();
    const to = Math.min(Math.max(at, 0), days.length - 1);
    if (!synced || !days.length) return;
    form.elements.known.value = to === days.length - 1 ? form.elements.known.max : days[to];
    go(queryOf(form), replacing);
    slider.value = to;
    name(days, to);
  };
  let playing = null;
  const pause = () => {
    playing = null;
    play.textContent = "Play";
    document.documentElement.classList.remove("replaying");
  };
  const startPlaying = async () => {
    const mine = playing = {};
    play.textContent = "Pause";
    document.documentElement.classList.add("replaying");
    let { days, at } = replay();
    if (at >= days.length - 1) at = -1;
    for (let first = true; at < days.length - 1; first = false) {
      at += 1;
      step(at, !first);
      await untilSettled();
      await new Promise((done) => setTimeout(done, 1000));
      if (playing !== mine || !synced) return;
    }
    pause();
  };
  play.addEventListener("click", () => { if (playing) pause(); else startPlaying(); });
  for (const button of steps) {
    button.addEventListener("click", () => { pause(); step(replay().at + Number(button.dataset.replay), false); });
  }
  let dragging = false;
  slider.addEventListener("input", () => { pause(); step(Number(slider.value), dragging); dragging = true; });
  slider.addEventListener("change", () => { dragging = false; });

  // Nothing of this is needed to read the page, so all of it waits until the page is painted.
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const bundles = () => Promise.all([...document.getElementById("bundles").content.querySelectorAll("script")].map(
    ({ src }) => new Promise((done, failed) => {
      document.head.append(Object.assign(document.createElement("script"), { src, async: false, onload: done, onerror: failed }));
    })));
  const newSession = async () => {
    const answer = await fetch(`/explore/session${location.search}`);
    if (!answer.ok) throw new Error(`no session (${answer.status})`);
    const opened = await answer.json();
    if (opened.release === document.querySelector("[data-release]").dataset.release) return opened;
    // A release came between page and session: their figures must not be mixed.
    if (sessionStorage.getItem("reloaded") === opened.release) throw new Error("the page is of another release");
    sessionStorage.setItem("reloaded", opened.release);
    location.reload();
    return new Promise(() => {});
  };

  // A session waits only so long for its websocket; whoever comes too late asks for another.
  const connect = async (opened) => {
    for (let tries = 1; ; tries += 1) {
      for (const [name, id] of Object.entries(opened.places)) document.querySelector(`[data-root="${name}"]`).id = id;
      // Bokeh keeps the failure to itself; only a session that was reached gives a document.
      await Bokeh.embed.embed_items({}, [opened.item]);
      if (Bokeh.documents.length) return;
      if (tries > 3) throw new Error("no session could be reached");
      await new Promise((done) => setTimeout(done, 1000 * tries * (0.5 + Math.random())));
      opened = await newSession();
    }
  };

  const start = async () => {
    narrow();
    await painted();
    const [opened] = await Promise.all([newSession(), bundles()]);
    countDrawings();
    Bokeh.set_log_level("warn");
    await connect(opened);
    const session = Bokeh.documents[0];
    synced = session.get_model_by_name("synced");
    synced.properties.parts.change.connect(show);
    synced.properties.shown.change.connect(() => {
      requestAnimationFrame(drawn);
      document.documentElement.dataset.shown = synced.shown;
      // What was typed becomes what was found.
      if (location.search.slice(1) === synced.shown && compared(synced.shown) !== compared(synced.canonical)) {
        history.replaceState(null, "", addressOf(synced.canonical));
        fill(location.search);
      }
      place();
      focusOpened();
      toDraw = synced.redrawn;
      if (drawnSince >= toDraw) finished();
    });
    session.on_event("connection_lost", () => {
      synced = null;
      pause();
      document.documentElement.classList.remove("running");
    });
    document.documentElement.classList.add("running");
    place();
    drawn();
    // The address may have changed while the session was being set up.
    if (new URLSearchParams(synced.query).toString() !== new URLSearchParams(location.search).toString()) ask();
  };
  start().catch((error) => console.warn("The explorer runs without live charts:", error));
})();
