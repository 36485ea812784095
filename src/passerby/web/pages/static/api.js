// Questions to the server, as the pages ask them. Addresses are on this server only.

export const cameraPath = (name, what = "") => `/api/v1/cameras/${encodeURIComponent(name)}${what}`;

/** The answer as JSON; without a session the page goes to where one signs in. */
export async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", ...options });
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  if (!answer.ok) throw new Error(await reason(answer));
  return answer.json();
}

async function reason(answer) {
  const told = await answer.json().catch(() => null);
  return told?.error?.message ?? `the server answered ${answer.status}`;
}

/** What the page was told about itself: a JSON value in an attribute of an element. */
export const given = (element, name) => JSON.parse(element.dataset[name]);

/** The element, as soon as NiceGUI has put it on the page. */
export function present(selector) {
  return new Promise((resolve) => {
    const look = () => {
      const found = document.querySelector(selector);
      if (found === null) return false;
      watcher.disconnect();
      resolve(found);
      return true;
    };
    const watcher = new MutationObserver(look);
    if (!look()) watcher.observe(document.documentElement, { childList: true, subtree: true });
  });
}

/** An element with attributes and children; text is always text, never markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const percent = (share) => {
  const value = 100 * share;
  return value === 0 ? "0 %" : value < 1 ? "< 1 %" : `${Math.round(value)} %`;
};

/** Lay out so many tiles, about as many beside as below each other. */
export function arrange(wall, count) {
  const columns = Math.ceil(Math.sqrt(count));
  wall.style.setProperty("--columns", columns);
  wall.style.setProperty("--rows", Math.ceil(count / columns));
}
