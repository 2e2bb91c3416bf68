// Draws the tree. Branches are filled when they are opened, so that a large inventory stays quick.

import { make, bytes, cores, ago } from "./dom.js";
import { inventory, tree } from "./inventory.js";

const closed = new Set();
const opened = new Set();

export function draw(place, query, chosen, choose) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const branches = tree().map((branch) => narrow(branch, words)).filter(Boolean);
  const scroll = place.scrollTop;
  if (inventory.computes.size === 0 && words.length === 0) place.replaceChildren(...branches.map((branch) => node(branch, words, chosen, choose)), nobody());
  else if (branches.length === 0) place.replaceChildren(make("p", { class: "empty" }, `Nothing matches “${query}”.`));
  else place.replaceChildren(...branches.map((branch) => node(branch, words, chosen, choose)));
  place.scrollTop = scroll;
}

function nobody() {
  return make("div", { class: "empty" },
    make("p", {}, "No host reports yet. Make a join token on the collector:"),
    make("pre", {}, "orchestrix-collector token create"),
    make("p", {}, "and run the command it prints on the host. It appears here by itself."));
}

// Keeps what matches with everything above it, and everything under it.
function narrow(branch, words) {
  if (words.length === 0) return branch;
  const left = words.filter((word) => !text(branch).includes(word));
  if (left.length === 0) return branch;
  const children = branch.children.map((child) => narrow(child, left)).filter(Boolean);
  return children.length > 0 ? { ...branch, children } : null;
}

function text({ kind, name, item }) {
  const labels = Object.entries(item.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [kind, name, item.status, item.image, item.hostname, item.ipAddress, item.workloadType, item.source, item.isolationDetails?.unit, ...labels]
    .filter(Boolean).join("\n").toLowerCase();
}

function node(branch, words, chosen, choose) {
  const mark = branch.key === chosen ? " chosen" : "";
  if (branch.kind === "workload") {
    return make("button", { type: "button", class: `row${mark}`, "data-key": branch.key, onclick: () => choose(branch.key) }, ...workload(branch.item));
  }
  const many = inventory.computes.size > 20 && branch.kind === "compute";
  const open = words.length > 0 || (many ? opened.has(branch.key) : !closed.has(branch.key));
  const under = make("div", { class: "under" });
  const fill = () => under.replaceChildren(...branch.children.map((child) => node(child, words, chosen, choose)));
  const summary = make("summary", { class: mark, "data-key": branch.key, onclick: () => choose(branch.key) },
    make("span", { class: "name" }, branch.name), make("span", { class: "kind" }, branch.kind), ...facts(branch));
  const element = make("details", { open }, summary, under);
  element.addEventListener("toggle", () => {
    (element.open ? opened : closed).add(branch.key);
    (element.open ? closed : opened).delete(branch.key);
    if (element.open && !under.hasChildNodes()) fill();
  });
  if (open) fill();
  return element;
}

function facts({ kind, item, children }) {
  if (kind !== "compute") return item.status && item.status !== "ACTIVE" ? [state(item.status)] : [];
  const trouble = item.coverage.filter((source) => item.agent?.connected && (source.health === "failing" || source.health === "degraded"));
  const note = [item.operatingSystem, item.cpuCores == null ? null : `${item.cpuCores} CPU`, item.memoryGb == null ? null : `${item.memoryGb} GiB`, item.ipAddress, `${children.length} workloads`];
  return [
    state(item.status ?? "?"),
    ...trouble.map((source) => make("span", { class: "state warn", title: source.reason ?? "" }, `${source.source} ${source.health}`)),
    make("span", { class: "note" }, note.filter(Boolean).join(" · ")),
  ];
}

function workload(item) {
  const ports = item.ports.filter((port) => port.published || port.listener).map(portText);
  const use = item.usage ? `${cores(item.usage.cpuMillicores)} CPU, ${bytes(item.usage.memoryBytes)}` : null;
  const since = item.status === "unknown" ? `since ${ago(item.unknownSince)}` : item.startedAt ? `up ${ago(item.startedAt)}` : null;
  return [
    state(item.status),
    item.stale ? make("span", { class: "state warn", title: item.stale.reason }, "stale") : null,
    make("span", { class: "name" }, item.workloadName),
    make("span", { class: "kind" }, item.isolationMethod ?? item.workloadType),
    make("span", { class: "note" }, [item.image, ports.join(" "), use, since].filter(Boolean).join(" · ")),
  ];
}

export function portText(port) {
  const inner = port.containerPort == null ? "" : `${port.containerPort}`;
  const outer = port.hostPort == null ? "" : `${port.hostAddress ? `${port.hostAddress}:` : ""}${port.hostPort}`;
  return `${[outer, inner].filter(Boolean).join("→")}/${port.protocol}`;
}

export function state(word) {
  const good = ["running", "ACTIVE", "healthy"];
  const bad = ["UNREACHABLE", "dead", "failing", "REVOKED", "QUARANTINED"];
  const warn = ["unknown", "degraded", "restarting", "paused", "HELD"];
  const tone = good.includes(word) ? "good" : bad.includes(word) ? "bad" : warn.includes(word) ? "warn" : "idle";
  return make("span", { class: `state ${tone}` }, word);
}
