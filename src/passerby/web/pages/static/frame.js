// What every page has: logging out.

import { present } from "./api.js";

const button = await present("[data-log-out]");
button.addEventListener("click", async () => {
  const token = document.querySelector('meta[name="form-token"]').content;
  await fetch("/api/v1/logout", { method: "POST", credentials: "same-origin", headers: { "X-CSRF-Token": token } });
  location.assign("/login");
});
