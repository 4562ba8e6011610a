// Tables that are sorted by a click, or Enter, on the head of a column.
(() => {
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const value = cell.dataset.value ?? cell.textContent.trim();
    const number = value === "" ? NaN : Number(value);
    return Number.isNaN(number) ? value : number;
  };
  const compare = (one, other) => {
    if (typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0;
    return typeof one === "number" ? -1 : 1;
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (!head.textContent) return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const isNumber = head.classList.contains("num");
        const was = head.getAttribute("aria-sort");
        const order = was ? (was === "descending" ? "ascending" : "descending") : isNumber ? "descending" : "ascending";
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const rows = [...table.tBodies[0].rows].map((row) => [keyOf(row, column), row]);
        rows.sort((one, other) => sign * compare(one[0], other[0]));
        table.tBodies[0].append(...rows.map((one) => one[1]));
      });
    });
  }
})();
