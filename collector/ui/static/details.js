// Shows everything that is known of one thing.

import { make, bytes, cores, span, when, unknown } from "./dom.js";
import { inventory } from "./inventory.js";
import { portText, state } from "./tree.js";

const LIST = { partner: "partners", cloud: "clouds", region: "regions", zone: "zones", datacenter: "datacenters", compute: "computes", workload: "workloads" };

export function show(place, key) {
  if (key == null) {
    place.replaceChildren(make("p", { class: "empty" }, "Choose something in the tree to see all that is known of it."));
    return;
  }
  const [kind, id] = key.split("/");
  const item = inventory[LIST[kind]].get(Number(id));
  if (item == null) place.replaceChildren(make("p", { class: "empty" }, "This has ended. GET /api/v1/workloads?ended=true still tells of it."));
  else if (kind === "compute") place.replaceChildren(...compute(item));
  else if (kind === "workload") place.replaceChildren(...workload(item));
  else place.replaceChildren(...head(item.name, kind, item.status), pairs(Object.entries(item).map(([name, value]) => [name, typeof value === "object" && value != null ? JSON.stringify(value) : value])));
}

function head(name, kind, status) {
  return [make("h2", {}, name), make("p", {}, make("span", { class: "kind" }, kind), " ", status ? state(status) : null)];
}

function pairs(list) {
  return make("dl", {}, list.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value ?? unknown)]));
}

function table(title, names, rows) {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => make("tr", {}, row.map((cell) => make("td", {}, cell ?? unknown))));
  return [make("h3", {}, title), make("table", {}, make("thead", {}, make("tr", {}, names.map((name) => make("th", {}, name)))), make("tbody", {}, cells))];
}

function raw(title, content) {
  return content == null ? [] : [make("h3", {}, title), make("pre", {}, ...JSON.stringify(content, null, 2).split("\n").flatMap((line) => [line, make("br")]))];
}

function compute(item) {
  const capabilities = [...inventory.capabilities.values()].filter((capability) => capability.computeId === item.id);
  const agent = item.agent;
  return [
    ...head(item.name, "compute", item.status),
    pairs([
      ["Host name", item.hostname], ["Address", item.ipAddress], ["System", item.operatingSystem], ["Kernel", item.kernelVersion],
      ["Processors", item.cpuCores], ["Memory", item.memoryGb == null ? null : `${item.memoryGb} GiB`], ["Disk", item.diskGb == null ? null : `${item.diskGb} GB`],
      ["Virtualised by", item.virtualizationType],
      ["In use", item.usage ? `${cores(item.usage.cpuMillicores)} cores, ${bytes(item.usage.memoryBytes)}` : null],
    ]),
    make("h3", {}, "Agent"),
    agent == null
      ? make("p", {}, "None: people entered this compute, and no agent speaks for it.")
      : pairs([["State", state(agent.state)], ["Heard of", when(agent.lastSeenAt)], ["Connected", agent.connected ? "yes" : "no"], ["Version", agent.version], ["Identifier", make("code", {}, agent.id)]]),
    ...table("Coverage", ["Source", "Health", "Seen", "For", "Reason"], item.coverage.map((source) => [
      source.source, agent?.connected ? state(source.health) : `unknown, was ${source.health}`, source.completeness, span(source.since), `${source.reason ?? ""}${source.warnings ? ` (${source.warnings} unreadable)` : ""}`,
    ])),
    ...table("Capabilities", ["Capability", "Version"], capabilities.map((capability) => [capability.capabilityType, capability.capabilityVersion])),
    ...raw("Facts", item.facts),
  ];
}

function workload(item) {
  const labels = Object.entries(item.labels);
  return [
    ...head(item.workloadName, `${item.workloadType} on ${item.computeName ?? unknown}`, item.status),
    item.status === "unknown" ? make("p", { class: "warn" }, "Its compute has not been heard of since ", when(item.unknownSince), `; it was ${item.lastKnownStatus ?? unknown} then.`) : null,
    item.stale ? make("p", { class: "warn" }, "Not up to date since ", when(item.stale.since), `: ${item.stale.reason}`) : null,
    pairs([
      ["Image", item.image], ["Address", item.ipAddress], ["Isolation", item.isolationMethod],
      ["In use", item.usage ? `${cores(item.usage.cpuMillicores)} cores, ${bytes(item.usage.memoryBytes)}` : null],
      ["Limits", `${item.cpuCores ?? "no"} cores, ${item.memoryMb == null ? "no memory limit" : `${item.memoryMb} MiB`}`],
      ["First seen", when(item.firstSeenAt)], ["Changed", when(item.changedAt)], ["Started", when(item.startedAt)],
      ["Finished", item.finishedAt ? when(item.finishedAt) : "not yet"], ["Identifier", make("code", {}, item.workloadId)],
    ]),
    ...table("Ports", ["Port", "Opened by", "Listener"], item.ports.map((port) => [
      make("code", {}, portText(port)), port.published ? "published" : port.declared ? "declared only" : "listening",
      port.listener ? `${port.listener.process ?? unknown} on ${port.listener.address}` : "none seen",
    ])),
    ...table("Labels", ["Label", "Value"], labels),
    ...table("Seen by", ["Source", "Identifier"], item.seenBy.map((look) => [look.source, make("code", {}, look.nativeId)])),
    ...raw("Everything else", item.isolationDetails),
  ].filter((part) => part != null);
}
