"use strict";
// Keeps an open page live. Without it the page is whole, only as old as its last load.
(() => {
  const body = document.body;
  const page = body.dataset.page;
  if (!page) return;
  const QUIET_S = 15; // three beats
  const DAYS = body.dataset.day;
  const byId = (id) => document.getElementById(id);
  let heardMs = performance.now();
  let ahead = Number(body.dataset.now) - Date.now() / 1000; // the collector's clock less ours
  let updated = Number(body.dataset.updated);
  let reason = body.classList.contains("blind") ? byId("banner").textContent : "";

  const ageText = (s) => {
    s = Math.max(0, Math.floor(s));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 172800) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}`;
    return `${Math.floor(s / 86400)} ${DAYS}`;
  };
  const put = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  const tick = () => {
    const now = Date.now() / 1000 + ahead;
    for (const each of document.querySelectorAll("[data-age]")) put(each, ageText(now - Number(each.dataset.age)));
    if (updated) put(byId("age"), ageText(now - updated));
    const deaf = performance.now() - heardMs > QUIET_S * 1000;
    const why = deaf ? body.dataset.blind : reason;
    body.classList.toggle("blind", Boolean(why));
    const banner = byId("banner");
    if (banner) {
      put(banner, why);
      banner.hidden = !why;
    }
  };

  // Told from others by where it stands: what people opened stays open.
  const keyOf = (details) => {
    const item = details.closest("li");
    if (item) return `${item.dataset.kind} ${item.querySelector("time")?.dateTime}`;
    return details.closest("section")?.getAttribute("aria-labelledby");
  };
  const fill = (id, html) => {
    const element = byId(id);
    if (!element || html === undefined) return;
    const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const open = [...element.querySelectorAll("details[open]")].map((each) => keyOf(each));
    element.innerHTML = html; // rendered and escaped by the collector
    for (const each of element.querySelectorAll("details")) each.open = open.includes(keyOf(each));
    if (focused) element.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  };

  const showTile = ([id, state, label]) => {
    const tile = document.querySelector(`[data-branch="${CSS.escape(id)}"]`);
    if (!tile) return;
    if (tile.dataset.state !== state) {
      tile.dataset.state = state;
      tile.querySelector("use").setAttribute("href", `#m-${state}`);
      tile.classList.remove("news");
      if (state !== "OK") tile.classList.add("news");
    }
    tile.setAttribute("aria-label", label);
  };

  const showCounts = (counts) => {
    for (const [state, count] of Object.entries(counts)) {
      const element = document.querySelector(`[data-count="${state}"]`);
      if (!element) continue;
      put(element, String(count));
      element.parentElement.classList.toggle("none", count === 0);
    }
  };

  // Screen readers hear the counts, at most every 15 s, however much changes.
  let said = "";
  let waiting = 0;
  const announce = () => {
    if (waiting) return;
    waiting = setTimeout(() => {
      waiting = 0;
      const text = [...document.querySelectorAll(".counts li:not(.none)")].map((e) => e.textContent.trim()).join(", ");
      if (text !== said) put(byId("status"), (said = text));
    }, said ? 15000 : 1000);
  };

  // Parts of this page fetched anew from the collector: at once, but never more often than every two seconds.
  let due = 0;
  let last = -1e9;
  const refetch = () => {
    if (due) return;
    due = setTimeout(async () => {
      due = 0;
      last = performance.now();
      try {
        const answer = await fetch(body.dataset.part || location.href, { headers: { accept: "text/html" } });
        if (answer.redirected && new URL(answer.url).pathname === "/login") location.reload();
        if (!answer.ok) return;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const id = page === "wall" ? "tiles" : "now";
        fill(id, body.dataset.part ? fresh.body.innerHTML : fresh.getElementById(id)?.innerHTML);
        tick();
      } catch {
        // the stream notices that the collector is gone, and says so
      }
    }, Math.max(0, 2000 - (performance.now() - last)));
  };

  const change = (news) => {
    if (news.blind !== undefined) reason = news.blind;
    (news.tiles || []).forEach(showTile);
    if (news.counts) {
      showCounts(news.counts);
      announce();
    }
    fill("incidents", news.incidents);
    fill("carriers", news.carriers);
    if (page === "wall" && news.layout) refetch();
    if (page === "branch" && (news.branches || []).includes(body.dataset.key)) refetch();
    if (page === "incident" && (news.changed_incidents || []).includes(body.dataset.key)) refetch();
    if (page === "incidents" && news.changed_incidents) refetch();
  };

  const hear = (event, take) => {
    heardMs = performance.now();
    const news = JSON.parse(event.data);
    ahead = news.now - Date.now() / 1000;
    updated = news.updated;
    if (take) take(news);
    tick();
  };
  let source = null;
  const connect = () => {
    source = new EventSource(`/events?after=${encodeURIComponent(body.dataset.after)}`);
    source.addEventListener("change", (event) => hear(event, change));
    source.addEventListener("beat", (event) => hear(event, null));
    source.addEventListener("error", () => {
      // CLOSED: refused, and the browser has given up; we have not.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(connect, 5000);
      refetch(); // notices that one has to log in again
    });
  };
  connect();
  tick();
  setInterval(tick, 1000);
  if (page === "branch") setInterval(refetch, 10000);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) connect();
  });
})();
