// Flame graphs, drawn from the tables of calls that are on the page without us.
(() => {
  const HEIGHT = 24;
  const LEAST = 0.0008;
  const read = (figure) => {
    const root = { depth: -1, seconds: Number(figure.dataset.seconds), inner: [], name: "all", where: "", fill: "" };
    const path = [root];
    for (const row of figure.querySelectorAll("tbody tr")) {
      const node = {
        depth: Number(row.dataset.depth), seconds: Number(row.dataset.seconds),
        name: row.dataset.name, where: row.dataset.where, fill: row.dataset.fill || "", inner: [],
      };
      path.length = node.depth + 1;
      node.outer = path[node.depth];
      node.outer.inner.push(node);
      path.push(node);
    }
    return root;
  };
  const place = (node, start) => {
    node.start = start;
    let at = start;
    for (const one of node.inner) { place(one, at); at += one.seconds; }
  };
  const every = (node) => node.inner.flatMap((one) => [one, ...every(one)]);
  const time = (seconds) => (seconds < 10 ? seconds.toFixed(3) : seconds.toFixed(1)) + " s";

  const make = (figure) => {
    const root = read(figure);
    place(root, 0);
    const nodes = every(root);
    if (!nodes.length || !root.seconds) return;
    const deepest = Math.max(...nodes.map((one) => one.depth));
    let zoomed = root;

    const tools = document.createElement("div");
    tools.className = "tools";
    const search = document.createElement("input");
    search.type = "search";
    search.placeholder = "Find a function or file";
    search.setAttribute("aria-label", "Find a function or file in the flame graph");
    const back = document.createElement("button");
    back.type = "button";
    back.textContent = "Show all";
    back.disabled = true;
    const matched = document.createElement("output");
    tools.append(search, back, matched);

    const graph = document.createElement("div");
    graph.className = "graph";
    graph.setAttribute("role", "tree");
    graph.setAttribute("aria-label", "Calls by time: arrow keys move, Enter zooms in, Escape shows all");
    graph.style.height = `${(deepest + 1) * HEIGHT}px`;
    const told = document.createElement("p");
    told.className = "told";
    told.setAttribute("aria-live", "polite");

    const words = (node) => `${node.name}${node.where ? `  ${node.where}` : ""}: ${time(node.seconds)}, ${(100 * node.seconds / root.seconds).toFixed(1)}% of all`;
    for (const node of nodes) {
      const call = document.createElement("div");
      call.className = node.fill ? `call fill-${node.fill}` : "call";
      call.textContent = node.name;
      if (node.where) {
        const where = document.createElement("i");
        where.textContent = node.where.split("/").pop();
        call.append(where);
      }
      call.title = words(node);
      call.setAttribute("role", "treeitem");
      call.setAttribute("aria-level", node.depth + 1);
      call.setAttribute("aria-label", words(node));
      call.style.top = `${node.depth * HEIGHT}px`;
      call.tabIndex = -1;
      call.addEventListener("click", () => { zoom(node); focus(node); });
      call.addEventListener("focus", () => { told.textContent = words(node); });
      call.addEventListener("mouseenter", () => { told.textContent = words(node); });
      node.call = call;
      graph.append(call);
    }
    const isInside = (node) => node.start >= zoomed.start - 1e-12 && node.start + node.seconds <= zoomed.start + zoomed.seconds + 1e-9;
    const isAround = (node) => node.depth < zoomed.depth && node.start <= zoomed.start + 1e-12 && node.start + node.seconds >= zoomed.start + zoomed.seconds - 1e-9;
    const draw = () => {
      for (const node of nodes) {
        const isOuter = isAround(node);
        const share = node.seconds / zoomed.seconds;
        const isShown = isOuter || (isInside(node) && share >= LEAST);
        node.call.hidden = !isShown;
        node.isShown = isShown;
        node.call.classList.toggle("outer", isOuter);
        node.call.style.left = isOuter ? "0" : `${100 * (node.start - zoomed.start) / zoomed.seconds}%`;
        node.call.style.width = isOuter ? "100%" : `${100 * share}%`;
      }
      back.disabled = zoomed === root;
    };
    const zoom = (node) => { zoomed = node.inner.length ? node : node.outer; draw(); };
    const focus = (node) => {
      if (!node || node === root || !node.isShown) return;
      for (const one of nodes) one.call.tabIndex = -1;
      node.call.tabIndex = 0;
      node.call.focus();
    };
    const beside = (node, step) => {
      const shown = node.outer.inner.filter((one) => one.isShown);
      return shown[shown.indexOf(node) + step];
    };
    graph.addEventListener("keydown", (event) => {
      const node = nodes.find((one) => one.call === document.activeElement);
      if (!node) return;
      const go = {
        ArrowDown: () => focus(node.inner.find((one) => one.isShown)),
        ArrowUp: () => focus(node.outer),
        ArrowRight: () => focus(beside(node, 1)),
        ArrowLeft: () => focus(beside(node, -1)),
        Home: () => focus(nodes.find((one) => one.isShown)),
        Enter: () => { zoom(node); focus(node); },
        " ": () => { zoom(node); focus(node); },
        Escape: () => { zoom(root); focus(node); },
      }[event.key];
      if (go) { event.preventDefault(); go(); }
    });
    back.addEventListener("click", () => { zoom(root); focus(nodes[0]); });
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLowerCase();
      let seconds = 0;
      let number = 0;
      let end = -1;
      for (const node of nodes) {
        const is = wanted !== "" && `${node.name} ${node.where}`.toLowerCase().includes(wanted);
        node.call.classList.toggle("found", is);
        if (is) {
          number += 1;
          if (node.start >= end - 1e-12) { seconds += node.seconds; end = node.start + node.seconds; }
        }
      }
      matched.textContent = wanted === "" ? "" : `${number} found: ${time(seconds)}, ${(100 * seconds / root.seconds).toFixed(1)}%`;
    });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { const first = nodes.find((one) => one.call.classList.contains("found")); if (first) { zoom(root); focus(first); } }
    });
    draw();
    nodes[0].call.tabIndex = 0;
    const details = figure.querySelector("details");
    details.open = false;
    details.before(tools, graph, told);
  };
  for (const figure of document.querySelectorAll("figure.flame")) make(figure);
})();
