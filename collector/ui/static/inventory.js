// The inventory as this page holds it, and what a change makes it read again.

import { all, one } from "./api.js";

const LISTS = {
  partners: "partners", clouds: "clouds", regions: "regions", zones: "availability-zones", datacenters: "datacenters",
  computes: "computes", capabilities: "capabilities", workloads: "workloads",
};

export const inventory = Object.fromEntries(Object.keys(LISTS).map((name) => [name, new Map()]));

const keyOf = (item) => item.id ?? `${item.computeId}/${item.capabilityType}`;

// Reads everything; returns the number that the change feed continues from.
export async function load() {
  let sequence = null;
  for (const [name, path] of Object.entries(LISTS)) {
    const list = await all(path);
    sequence = sequence == null ? list.sequence : Math.min(sequence, list.sequence);
    inventory[name] = new Map(list.items.map((item) => [keyOf(item), item]));
  }
  return sequence;
}

// Reads again what changed; returns false when that is too much and everything should be read again.
export async function refresh(changes) {
  const computes = new Set();
  const workloads = new Set();
  for (const change of changes) {
    if (change.resourceType === "workload") workloads.add(change.resourceId);
    else if (change.computeId != null) computes.add(change.computeId);
    else if (change.resourceType === "compute") computes.add(change.resourceId);
    else return false;
  }
  if (computes.size > 10 || workloads.size > 40) return false;
  for (const id of workloads) {
    const workload = await one(`workloads/${id}`);
    if (workload == null || workload.endedAt != null) inventory.workloads.delete(id);
    else inventory.workloads.set(id, workload);
  }
  for (const id of computes) {
    const compute = await one(`computes/${id}`);
    if (compute == null) return false;
    inventory.computes.set(id, compute);
    for (const name of ["capabilities", "workloads"]) {
      const list = await all(`${name}?computeId=${id}`);
      for (const [key, item] of inventory[name]) if (item.computeId === id) inventory[name].delete(key);
      for (const item of list.items) inventory[name].set(keyOf(item), item);
    }
  }
  return true;
}

const of = (list, field, id) => [...inventory[list].values()].filter((item) => item[field] === id);

// The tree: what has no parent that exists stands at the top, so that nothing is hidden.
export function tree() {
  const workloads = Map.groupBy ? Map.groupBy(inventory.workloads.values(), (item) => item.computeId) : null;
  const onCompute = (id) => (workloads ? workloads.get(id) ?? [] : of("workloads", "computeId", id));
  const byName = (a, b) => (a.source + a.workloadName).localeCompare(b.source + b.workloadName);
  const compute = (item) => ({
    kind: "compute", key: `compute/${item.id}`, item, name: item.name,
    children: onCompute(item.id).sort(byName).map((workload) => ({
      kind: "workload", key: `workload/${workload.id}`, item: workload, name: workload.workloadName, children: [],
    })),
  });
  const datacenter = (item) => ({ kind: "datacenter", key: `datacenter/${item.id}`, item, name: item.name, children: of("computes", "datacenterId", item.id).map(compute) });
  const zone = (item) => ({ kind: "zone", key: `zone/${item.id}`, item, name: item.name, children: of("datacenters", "availabilityZoneId", item.id).map(datacenter) });
  const region = (item) => ({ kind: "region", key: `region/${item.id}`, item, name: item.name, children: of("zones", "regionId", item.id).map(zone) });
  const zoneless = (item) => !inventory.zones.has(item.availabilityZoneId);
  const placeless = (item) => item.datacenterId == null || !inventory.datacenters.has(item.datacenterId);
  const cloud = (item) => ({
    kind: "cloud", key: `cloud/${item.id}`, item, name: item.name,
    children: [
      ...of("regions", "cloudId", item.id).map(region),
      ...of("datacenters", "cloudId", item.id).filter(zoneless).map(datacenter),
      ...of("computes", "cloudId", item.id).filter(placeless).map(compute),
    ],
  });
  const cloudless = (item) => zoneless(item) && !inventory.clouds.has(item.cloudId);
  const partner = (item) => ({
    kind: "partner", key: `partner/${item.id}`, item, name: item.displayName || item.name,
    children: [
      ...of("clouds", "partnerId", item.id).map(cloud),
      ...of("datacenters", "partnerId", item.id).filter(cloudless).map(datacenter),
    ],
  });
  return [
    ...[...inventory.partners.values()].map(partner),
    ...[...inventory.datacenters.values()].filter((item) => cloudless(item) && !inventory.partners.has(item.partnerId)).map(datacenter),
    ...[...inventory.computes.values()].filter((item) => placeless(item) && !inventory.clouds.has(item.cloudId)).map(compute),
  ];
}
