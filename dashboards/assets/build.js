// The builder: copying, and choices shown at once, on a server of plain files too.
const asked = new URLSearchParams(location.search);
const older = asked.has("chart") && asked.has("key");
if (older && (asked.get("release") || "latest") === "latest") {
  // Each chart has a builder of its own; the query of older links leads there.
  const [chart, key] = ["chart", "key"].map((name) => encodeURIComponent(asked.get(name)));
  asked.delete("chart"); asked.delete("key");
  location.replace(`/embed/build/${chart}/${key.replace(/%3D/g, "=").replace(/%2C/g, ",").replace(/%40/g, "@")}/?${asked}`);
}
const find = document.querySelector("form.find");
if (find) {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const offers = [...document.querySelectorAll(".offers section")].map((section) => (
    { section, charts: [...section.querySelectorAll("li")].map((item) => [item, plain(item.textContent)]) }));
  const input = find.querySelector("input"), told = find.querySelector("[role=status]");
  const show = () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let all = 0;
    for (const { section, charts } of offers) {
      let hits = 0;
      for (const [item, text] of charts) {
        item.hidden = !words.every((word) => text.includes(word));
        if (!item.hidden) hits += 1;
      }
      section.hidden = !hits;
      const fold = section.querySelector("details");
      if (fold) fold.open = words.length > 0;
      all += hits;
    }
    document.querySelector(".offers").classList.toggle("finding", words.length > 0);
    told.textContent = words.length ? (all ? `${all} chart${all === 1 ? "" : "s"} found` : "No chart is about that. Try a shorter name.") : "";
  };
  find.hidden = false;
  find.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", show);
  if (input.value) show();
}
for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    text.select();
    try { await navigator.clipboard.writeText(text.value); } catch { document.execCommand("copy"); }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
const form = document.querySelector("form.build");
// Between the widths for which the height is known.
const heightAt = (width) => {
  const known = form.dataset.heights.split(" ").map((pair) => pair.split(":").map(Number));
  let before = known[0];
  for (const [at, tall] of known) {
    if (at >= width) return Math.round(at > before[0] ? before[1] + (tall - before[1]) * (width - before[0]) / (at - before[0]) : tall);
    before = [at, tall];
  }
  return before[1];
};
if (form && !older) {
  const chosen = form.elements, frame = document.querySelector(".preview iframe");
  const { latest, pinned } = form.dataset, stem = (address) => address.replace(/html$/, "");
  const pastes = [...document.querySelectorAll("textarea.paste")].map((area) => [area, area.value]);
  const links = [...document.querySelectorAll(".pictures a")].map((link) => [link, link.href]);
  const show = () => {
    const moves = chosen.release.value === "latest", size = Number(chosen.size.value);
    const theme = chosen.theme.value === "auto" ? "" : `?theme=${chosen.theme.value}`;
    const from = stem(latest), to = moves ? from : stem(pinned);
    for (const [area, plain] of pastes) {
      let text = plain.replaceAll(`${from}html`, `${to}html${theme}`).replaceAll(`${from}2x.png`, `${to}2x.png`);
      if (size) text = text.replace(/width="100%" height="\d+"/, `width="${size}" height="${heightAt(size)}"`).replace("<script async", (tag) => text.includes("data-src") ? `${tag} data-width="${size}"` : tag);
      area.value = text;
    }
    for (const [link, plain] of links) link.href = plain.replace(new URL(from).pathname, new URL(to).pathname);
    const src = `${new URL(to).pathname}html${theme}`;
    if (frame.getAttribute("src") !== src) frame.src = src;
    frame.parentElement.className = `w${size || chosen.width.value}`;
  };
  for (const [name, value] of asked) {
    const field = chosen.namedItem(name);
    if (field && field.tagName === "SELECT" && [...field.options].some((option) => option.value === value)) field.value = value;
  }
  show();
  form.addEventListener("change", () => {
    show();
    const kept = [...new FormData(form)].filter(([name, value]) => name !== "chart" && name !== "key" && value);
    history.replaceState(null, "", `?${new URLSearchParams(kept)}`);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("button[type=submit]").hidden = true;
}
