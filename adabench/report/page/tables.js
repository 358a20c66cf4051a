// Tables that are in the page: sorted by a click or a key on a column's name, filtered by words.

const FEWEST_TO_FILTER = 4;

function sortButtons(table, sort) {
  table.tHead.querySelectorAll("th").forEach((header, column) => {
    const button = element("button", { type: "button" }, ...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const up = header.getAttribute("aria-sort") === "descending";
      table.tHead.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", up ? "ascending" : "descending");
      sort(column, up);
    });
  });
}

// Numbers by size, the rest by name; what has no value stands last either way.
function ordered(one, other, up) {
  if (one === null || other === null) return (one === null) - (other === null);
  const apart = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });
  return up ? apart : -apart;
}

function makeSortable(table) {
  const body = table.tBodies[0];
  sortButtons(table, (column, up) => {
    const rows = [...body.rows];
    const numeric = rows.some((row) => row.cells[column].dataset.value !== undefined);
    const key = (row) => {
      const cell = row.cells[column];
      if (!numeric) return cell.textContent;
      return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    };
    body.append(...rows.sort((one, other) => ordered(key(one), key(other), up)));
  });
  if (body.rows.length >= FEWEST_TO_FILTER && !table.closest("#paper")) addFilter(table, body);
}

function addFilter(table, body) {
  const input = element("input", { type: "search", placeholder: "Filter rows", "aria-label": "Filter rows" });
  input.addEventListener("input", () => {
    for (const row of body.rows) row.hidden = !holds(row.textContent, input.value);
  });
  table.closest(".wide").before(element("div", { class: "tools" }, input));
}

// Whether a text holds every word that was typed.
function holds(text, words) {
  const lower = text.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => lower.includes(word));
}
