// Dark or light: as the system says, or as was chosen in this browser. Loaded before the first paint, so that nothing flashes.
(() => {
  const KEY = "passerby-scheme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem(KEY) ?? "system";

  function show() {
    const dark = chosen() === "system" ? system.matches : chosen() === "dark";
    document.documentElement.dataset.scheme = dark ? "dark" : "light";
    window.setDark?.(dark); // Quasar's own parts, where NiceGUI has loaded them
    document.querySelectorAll("[data-scheme-switch]").forEach((choice) => (choice.value = chosen()));
    document.dispatchEvent(new CustomEvent("scheme"));
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-scheme-switch]")) return;
    if (event.target.value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, event.target.value);
    show();
  });
  system.addEventListener("change", show);
  window.addEventListener("load", show);
  show();
})();
