// Finds agencies by name over a small index; without scripts the form leads to the full list.
for (const form of document.querySelectorAll("form[data-index]")) {
  const input = form.querySelector("input"), list = form.querySelector(".hits"), told = form.querySelector(".found");
  const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  let index;
  const load = () => index ??= fetch(form.dataset.index).then(answer => answer.json()).then(rows => rows.map(([id, name, country]) => ({id, name, country, text: plain(`${name} ${country}`)})));
  const show = async () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    if (!words.length) { list.hidden = true; told.textContent = ""; return; }
    let rows;
    try { rows = await load(); } catch { index = undefined; told.textContent = "The index could not be loaded; press Search for the full list."; return; }
    const starts = row => plain(row.name).split(/[\s(]+/).some(part => part.startsWith(words[0])) ? 0 : 1;
    const hits = rows.filter(row => words.every(word => row.text.includes(word))).sort((a, b) => starts(a) - starts(b));
    list.replaceChildren(...hits.slice(0, 12).map(row => {
      const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("small");
      link.href = `/agencies/${row.id}/`;
      link.textContent = row.name;
      where.textContent = ` ${row.country}`;
      item.append(link, where);
      return item;
    }));
    list.hidden = !hits.length;
    told.textContent = hits.length ? `${hits.length} found${hits.length > 12 ? ", the first 12 shown" : ""}` : "Nothing on record under that name.";
  };
  input.addEventListener("focus", load, {once: true});
  input.addEventListener("input", show);
  form.addEventListener("submit", event => {
    const first = list.querySelector("a");
    if (!list.hidden && first) { event.preventDefault(); location.href = first.href; }
  });
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) { input.value = asked; show(); }
}
