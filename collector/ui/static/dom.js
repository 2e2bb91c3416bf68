// Makes elements. What comes from the inventory becomes text nodes only, never markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false).map(plain));
  return element;
}

// Control and direction characters could make one name look like another.
function plain(child) {
  if (child instanceof Node) return child;
  return document.createTextNode(String(child).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "\ufffd"));
}

export const unknown = "?";

export function bytes(count) {
  if (count == null) return unknown;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
  return `${count >= 10 || unit === 0 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

export function cores(millicores) {
  return millicores == null ? unknown : (millicores / 1000).toFixed(2);
}

export function ago(time) {
  if (time == null) return unknown;
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  const steps = [[86400, "d"], [3600, "h"], [60, "min"]];
  for (const [size, name] of steps) if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${name}`;
  return `${seconds} s`;
}

export function when(time) {
  return time == null ? unknown : make("time", { datetime: time, title: time }, `${new Date(time).toLocaleString()} (${ago(time)} ago)`);
}

// The same for a narrow place.
export function span(time) {
  return time == null ? unknown : make("time", { datetime: time, title: time }, ago(time));
}
