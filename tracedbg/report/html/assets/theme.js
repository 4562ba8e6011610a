"use strict";
// The reader's choice of light or dark; without one, the system's. Kept where the browser lets us.
(() => {
  const root = document.documentElement;
  const kept = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("tracedbg-theme");
      localStorage.setItem("tracedbg-theme", value);
    } catch { /* a file of its own origin may keep nothing */ }
    return null;
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const chosen = kept();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "theme";
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`); };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    kept(root.dataset.theme);
    label();
  });
  dark.addEventListener("change", label);
  label();
  document.querySelector("header.top")?.append(button);
})();
