// Applies the reader's theme before the page is painted, and turns the switch.
// A classic script in the head on purpose: a module would run after the first paint.
(() => {
  const order = ["auto", "light", "dark"];
  const signs = { auto: "◐", light: "☀", dark: "☾" };
  const root = document.documentElement;

  const stored = () => {
    try {
      const theme = localStorage.getItem("theme");
      return order.includes(theme) ? theme : "auto";
    } catch {
      return "auto"; // storage may be forbidden; the page works without it
    }
  };

  const apply = (theme) => {
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.dataset.theme = theme;
  };

  const label = (button, theme) => {
    button.textContent = signs[theme];
    button.title = button.dataset[theme];
    button.setAttribute("aria-label", button.dataset[theme]);
  };

  const turn = (button) => {
    const theme = order[(order.indexOf(stored()) + 1) % order.length];
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // the choice then lasts for this page only
    }
    apply(theme);
    label(button, theme);
  };

  apply(stored());
  addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      label(button, stored());
      button.hidden = false;
      button.addEventListener("click", () => turn(button));
    }
  });
})();
