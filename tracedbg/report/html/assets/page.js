// Where the reader is, in the list of contents; and all of it on paper.
(() => {
  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const sections = [...links.keys()].map((slug) => document.getElementById(slug)).filter(Boolean);
  const mark = () => {
    const line = innerHeight * 0.3;
    const here = sections.filter((one) => one.getBoundingClientRect().top <= line).pop() || sections[0];
    for (const [slug, link] of links) {
      if (here && slug === here.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  let isAsked = false;
  addEventListener("scroll", () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => { isAsked = false; mark(); });
  }, { passive: true });
  mark();
  // A link to what stands in a closed part opens it.
  const open = () => {
    const part = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const closed = part && part.closest("details:not([open])");
    if (closed) { closed.open = true; part.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
  // What need not be scrolled is no stop for the Tab key.
  const settle = () => {
    for (const part of document.querySelectorAll(".scroll")) {
      const isWhole = part.scrollWidth <= part.clientWidth && part.scrollHeight <= part.clientHeight;
      if (isWhole) part.removeAttribute("tabindex");
      else part.tabIndex = 0;
    }
  };
  addEventListener("resize", settle);
  addEventListener("toggle", settle, true);
  settle();
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")].filter((one) => !one.closest(".flame"));
    opened.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => { opened.forEach((one) => { one.open = false; }); });
})();
