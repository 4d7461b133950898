// The first paint is done: all of the page may be laid out, for pictures of it as well.
addEventListener("load", () => requestAnimationFrame(() => document.documentElement.classList.add("whole")));

// Finds agencies by name over a small index; without scripts the form leads to the full list.
for (const form of document.querySelectorAll("form[data-index]")) {
  const input = form.querySelector("input"), list = form.querySelector(".hits"), told = form.querySelector(".found");
  const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const others = [
    ["/gaps/", "Disclosure gaps", "what is not disclosed"],
    ["/coverage/", "Coverage", "what the ledger does not hold"],
    ["/corrections/", "Corrections and changes", "errors put right"],
    ["/method/", "Method", "from words to a figure"],
    ["/downloads/", "Downloads", "tables"],
  ];
  let index;
  const load = () => index ??= fetch(form.dataset.index).then(answer => answer.json()).then(rows => [...rows.map(([id, name, country]) => [`/agencies/${id}/`, name, country]), ...others].map(([address, name, more]) => ({address, name, more, text: plain(`${name} ${more}`)})));
  const show = async () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    if (!words.length) { list.hidden = true; told.textContent = ""; return; }
    let rows;
    try { rows = await load(); } catch { index = undefined; told.textContent = "The index could not be loaded; press Search for the full list."; return; }
    const starts = row => plain(row.name).split(/[\s(]+/).some(part => part.startsWith(words[0])) ? 0 : 1;
    const hits = rows.filter(row => words.every(word => row.text.includes(word))).sort((a, b) => starts(a) - starts(b));
    list.replaceChildren(...hits.slice(0, 12).map(row => {
      const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("small");
      link.href = row.address;
      link.textContent = row.name;
      where.textContent = ` ${row.more}`;
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

// Days and numbers in the reader's format. The words of the page stay English, as its language says;
// a day takes the order that the reader's region writes it in, a number its region's groups. A dot
// between groups would be read as a decimal point in an English page, so there it is a narrow space.
{
const inReadersFormat = where => {
  const grouping = new Intl.NumberFormat([...navigator.languages, "en"], {numberingSystem: "latn", useGrouping: "always"});
  const comma = grouping.formatToParts(12345).find(part => part.type === "group")?.value === ",";
  const grouped = number => comma ? grouping.format(number) : number.toLocaleString("en").replaceAll(",", "\u202f");
  const region = new Intl.Locale(navigator.language).maximize().region;
  const form = month => new Intl.DateTimeFormat(`en-${region}`, {day: "numeric", month, year: "numeric", timeZone: "UTC"});
  const short = form("short"), long = form("long");
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const at = (date, month, year) => new Date(Date.UTC(year, months.indexOf(month.slice(0, 3)), date));
  const written = (first, firstMonth, date, month, year) => {
    const style = month.length > 3 ? long : short, end = at(date, month, year);
    return first ? style.formatRange(at(first, firstMonth || month, year), end) : style.format(end);
  };
  // One day, or two of one year: "24–25 Aug 2025", "28 Nov – 6 Dec 2025".
  const month = "(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)";
  const days = new RegExp(`\\b(?:(\\d{1,2})(?: ${month} )?– ?)?(\\d{1,2}) ${month} (\\d{4})\\b`, "g");
  const numbers = /\b\d{1,3}(?:,\d{3})+\b/g;
  if (written(undefined, undefined, 28, "Feb", 2020) === "28 Feb 2020" && grouped(1234567) === "1,234,567") return;
  const walk = document.createTreeWalker(where, NodeFilter.SHOW_TEXT, node => node.parentElement.closest("q, code, pre, cite, script") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  while (walk.nextNode()) {
    const text = walk.currentNode.data;
    const told = text.replace(days, (_, ...parts) => written(...parts)).replace(numbers, found => grouped(Number(found.replaceAll(",", ""))));
    if (told !== text) walk.currentNode.data = told;
  }
};
try { inReadersFormat(document.querySelector("main")); } catch { /* The page stays as it was written. */ }
}
