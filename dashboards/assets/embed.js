// Fits embedded charts to their columns. Paste it as often as you like: it listens once.
// It understands the height messages that Datawrapper's charts send too.
(() => {
  const me = document.currentScript;
  const set = (frame, height) => { frame.style.height = frame.height = `${Math.ceil(height)}px`; };
  const fit = (event) => {
    const told = event.data && event.data["datawrapper-height"];
    if (!told || typeof told !== "object") return;
    for (const frame of document.querySelectorAll("iframe")) {
      if (frame.contentWindow !== event.source) continue;
      frame.facetallyFitted = true;
      for (const height of Object.values(told)) if (height > 0 && height < 1e5) set(frame, height);
    }
  };
  // The height that a chart will have, between the widths for which it is known: little jumps then.
  const expected = (text, width) => {
    const known = text.split(" ").map((pair) => pair.split(":").map(Number));
    let [from, height] = known[0];
    for (const [to, next] of known) {
      if (to >= width) return to > from ? height + (next - height) * Math.max(0, (width - from) / (to - from)) : next;
      [from, height] = [to, next];
    }
    return height;
  };
  if (!window.facetallyListens) {
    window.facetallyListens = true;
    addEventListener("message", fit);
  }
  for (const frame of document.querySelectorAll("iframe[data-heights]")) {
    frame.style.maxWidth = "100%";
    if (!frame.facetallyFitted) set(frame, expected(frame.dataset.heights, frame.getBoundingClientRect().width));
  }
  if (!me || !me.dataset.src) return;
  const frame = document.createElement("iframe");
  frame.title = me.dataset.title || "Chart";
  frame.width = me.dataset.width || "100%";
  frame.setAttribute("frameborder", "0");
  frame.style.maxWidth = "100%";
  frame.src = new URL(me.dataset.src, me.src).href;
  set(frame, expected(me.dataset.heights || "0:420", Number(me.dataset.width) || me.parentElement.getBoundingClientRect().width));
  me.after(frame);
})();
