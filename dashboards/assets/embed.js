// Fits embedded charts to their columns. Paste it as often as you like: it listens once.
// It understands the height messages that Datawrapper's charts send too.
(() => {
  const me = document.currentScript;
  const fit = (event) => {
    const told = event.data && event.data["datawrapper-height"];
    if (!told || typeof told !== "object") return;
    for (const frame of document.querySelectorAll("iframe")) {
      if (frame.contentWindow !== event.source) continue;
      for (const height of Object.values(told)) if (height > 0 && height < 1e5) frame.style.height = frame.height = `${Math.ceil(height)}px`;
    }
  };
  if (!window.facetallyListens) {
    window.facetallyListens = true;
    addEventListener("message", fit);
  }
  if (!me || !me.dataset.src) return;
  const frame = document.createElement("iframe");
  frame.title = me.dataset.title || "Chart";
  frame.width = "100%";
  frame.setAttribute("frameborder", "0");
  frame.src = new URL(me.dataset.src, me.src).href;
  // The height that the chart will have, between the widths for which it is known: nothing jumps.
  const known = (me.dataset.heights || "").split(" ").map((pair) => pair.split(":").map(Number));
  const width = me.parentElement.getBoundingClientRect().width;
  let before = known[0], height = 0;
  for (const at of known) {
    if (at[0] >= width) {
      height = at[0] > before[0] ? before[1] + (at[1] - before[1]) * Math.max(0, (width - before[0]) / (at[0] - before[0])) : at[1];
      break;
    }
    before = at;
    height = at[1];
  }
  frame.height = Math.round(height) || 420;
  me.after(frame);
})();
