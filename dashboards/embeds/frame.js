(() => {
  const doc = document, root = doc.documentElement, asked = new URLSearchParams(location.search);
  const theme = asked.get("theme"), pinned = asked.get("release");
  // A server of plain files reads no query: there a pinned chart has an address of its own.
  if ("latest" in root.dataset && pinned && pinned !== "latest") {
    asked.delete("release");
    const path = location.pathname.replace("/embed/", `/embed/${encodeURIComponent(pinned)}/`);
    location.replace(`${path}${asked.size ? "?" : ""}${asked}`);
    return;
  }
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  const id = root.dataset.embed;
  const height = () => Math.ceil(doc.body.getBoundingClientRect().height);
  // The host's script may start later than this page: repeat, ever more rarely, until it has answered.
  let pause = 100, timer = 0;
  const tell = () => {
    clearTimeout(timer);
    const wanted = height();
    root.style.overflowY = innerHeight >= wanted ? "hidden" : "";
    if (parent === window || innerHeight === wanted) return;
    parent.postMessage({ "datawrapper-height": { [id]: wanted } }, "*");
    parent.postMessage({ sentinel: "amp", type: "embed-size", height: wanted }, "*");
    parent.postMessage(JSON.stringify({ src: location.href, context: "iframe.resize", height: wanted }), "*");
    if (pause < 60000) timer = setTimeout(tell, pause *= 2);
  };
  const again = () => { pause = 100; tell(); };
  new ResizeObserver(again).observe(doc.body);
  addEventListener("resize", tell);
  tell();
  const live = doc.getElementById("live");
  if (!live) return;
  live.hidden = false;
  const load = (src) => new Promise((done, failed) => {
    const tag = doc.createElement("script");
    tag.src = src; tag.onload = done; tag.onerror = failed;
    doc.head.append(tag);
  });
  live.addEventListener("click", async () => {
    live.disabled = true;
    live.textContent = "Loading …";
    try {
      for (const src of live.dataset.scripts.split(" ")) await load(src);
      const place = doc.createElement("div"), drawn = doc.querySelector(".drawing");
      place.style.width = "100%";
      drawn.after(place);
      await vegaEmbed(place, live.dataset.spec, { actions: false, renderer: "svg", ast: true });
      drawn.hidden = true;
      live.remove();
    } catch {
      live.textContent = "The interactive chart could not be loaded";
    }
  });
})();
