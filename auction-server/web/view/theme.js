// Runs before the first paint, so that no page flashes in the wrong colours.
"use strict";
(() => {
  const KEY = "auction.theme";
  const all = ["system", "light", "dark"];
  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const apply = (theme) => document.documentElement.setAttribute("data-theme", theme);
  const now = () => document.documentElement.getAttribute("data-theme");
  apply(all.includes(read()) ? read() : "system");
  window.nextTheme = () => {
    const next = all[(all.indexOf(now()) + 1) % all.length];
    apply(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // It holds for this page alone.
    }
    return next;
  };
})();
