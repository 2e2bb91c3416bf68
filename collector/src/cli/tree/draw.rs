//! The tree as text: one line per thing.

use orchestrix_common::time::Timestamp;

use super::super::text::{Paint, UNKNOWN, ago, bytes, plain};
use crate::query::{
    Capability, Coverage, EnvironmentBadge, Port, Workload,
    tree::{CloudBranch, ComputeBranch, DatacenterBranch, PartnerBranch, RegionBranch, Summary, Tree, ZoneBranch},
};

const NAME: usize = 48;
const IMAGE: usize = 48;
const REASON: usize = 120;
const PORTS: usize = 6;

/// A line and what is under it.
struct Line {
    text: String,
    under: Vec<Self>,
}

impl Line {
    const fn leaf(text: String) -> Self {
        Self { text, under: Vec::new() }
    }
}

struct Pen {
    part: Part,
    now: Timestamp,
    paint: Paint,
}

/// How much of the inventory a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All that there is now.
    Whole,
    /// What fits some flags.
    Some,
    /// What there was at an earlier time. Signs of life are not kept: who was connected then, nobody knows.
    Past,
}

/// Draws a tree.
pub(super) fn draw(tree: &Tree, part: Part, now: Timestamp, paint: Paint) -> String {
    let pen = Pen { part, now, paint };
    let mut lines: Vec<Line> = tree.partners.iter().map(|branch| pen.partner(branch)).collect();
    lines.extend(tree.datacenters.iter().map(|branch| pen.datacenter(branch)));
    lines.extend(tree.computes.iter().map(|branch| pen.compute(branch)));
    let mut out = String::new();
    if lines.is_empty() {
        out.push_str(match part {
            Part::Whole => {
                "The inventory is empty. Make a join token (token create) and run the command it prints on a host.\n"
            }
            Part::Some | Part::Past => "Nothing fits these flags.\n",
        });
    }
    for line in &lines {
        out.push_str(&line.text);
        out.push('\n');
        hang(&line.under, "", &mut out);
    }
    out.push('\n');
    out.push_str(&pen.summary(&tree.summary, tree.sequence));
    out.push('\n');
    out
}

fn hang(lines: &[Line], before: &str, out: &mut String) {
    for (index, line) in lines.iter().enumerate() {
        let last = index + 1 == lines.len();
        out.push_str(before);
        out.push_str(if last { "└─ " } else { "├─ " });
        out.push_str(line.text.trim_end());
        out.push('\n');
        hang(&line.under, &format!("{before}{}", if last { "   " } else { "│  " }), out);
    }
}

impl Pen {
    fn place(&self, name: &str, kind: &str, status: Option<&str>, badges: &[EnvironmentBadge]) -> String {
        let name = self.paint.strong(&plain(name, NAME));
        // Most places are active; the word would only be noise.
        let status = status.filter(|status| *status != "ACTIVE").map(|status| self.paint.state(&plain(status, 24)));
        join([name, self.paint.soft(kind)].into_iter().chain(status).chain([self.badges(badges)]), "  ")
    }

    /// What a thing is for, and by how much: its own in square brackets, what it inherits in round ones.
    fn badges(&self, badges: &[EnvironmentBadge]) -> String {
        let text = |badge: &EnvironmentBadge| {
            let code = plain(&badge.code, 24);
            badge.share.map_or_else(|| code.clone(), |share| format!("{code} {share:.0} %"))
        };
        let (inherited, own): (Vec<_>, Vec<_>) = badges.iter().partition(|badge| badge.inherited);
        let list = |badges: Vec<&EnvironmentBadge>| join(badges.into_iter().map(text), " · ");
        let own = if own.is_empty() { String::new() } else { self.paint.good(&format!("[{}]", list(own))) };
        // A share is that of the resource that it was given to.
        let codes = join(inherited.iter().map(|badge| plain(&badge.code, 24)), " · ");
        let inherited = if codes.is_empty() { codes } else { self.paint.soft(&format!("({codes})")) };
        join([own, inherited], " ")
    }

    fn partner(&self, branch: &PartnerBranch) -> Line {
        let PartnerBranch { partner, clouds, datacenters } = branch;
        let text = self.place(&partner.name, "partner", partner.status.as_deref(), &partner.environments);
        let clouds = clouds.iter().map(|branch| self.cloud(branch));
        Line { text, under: clouds.chain(datacenters.iter().map(|branch| self.datacenter(branch))).collect() }
    }

    fn cloud(&self, branch: &CloudBranch) -> Line {
        let CloudBranch { cloud, regions, datacenters, computes } = branch;
        let text = self.place(&cloud.name, "cloud", cloud.status.as_deref(), &cloud.environments);
        let mut under: Vec<_> = regions.iter().map(|branch| self.region(branch)).collect();
        under.extend(datacenters.iter().map(|branch| self.datacenter(branch)));
        under.extend(computes.iter().map(|branch| self.compute(branch)));
        Line { text, under }
    }

    fn region(&self, branch: &RegionBranch) -> Line {
        let RegionBranch { region, .. } = branch;
        let text = self.place(&region.name, "region", region.status.as_deref(), &region.environments);
        Line { text, under: branch.availability_zones.iter().map(|branch| self.zone(branch)).collect() }
    }

    fn zone(&self, branch: &ZoneBranch) -> Line {
        let ZoneBranch { zone, .. } = branch;
        let text = self.place(&zone.name, "zone", zone.status.as_deref(), &zone.environments);
        Line { text, under: branch.datacenters.iter().map(|branch| self.datacenter(branch)).collect() }
    }

    fn datacenter(&self, branch: &DatacenterBranch) -> Line {
        let DatacenterBranch { datacenter, .. } = branch;
        let text = self.place(&datacenter.name, "datacenter", datacenter.status.as_deref(), &datacenter.environments);
        Line { text, under: branch.computes.iter().map(|branch| self.compute(branch)).collect() }
    }

    fn compute(&self, branch: &ComputeBranch) -> Line {
        let ComputeBranch { compute, capabilities, workloads } = branch;
        let agent = match &compute.agent {
            None => "no agent".to_owned(),
            Some(agent) => {
                let state = if agent.state == "ACTIVE" { String::new() } else { format!(" {}", agent.state) };
                let version = plain(&agent.version, 24);
                match agent.last_seen_at {
                    Some(seen) => format!("agent {version}{state}, heard {} ago", ago(self.now, seen.0)),
                    None => format!("agent {version}{state}"),
                }
            }
        };
        let use_now = compute.usage.as_ref().map(|usage| {
            format!(
                "using {} CPU, {}",
                cores(usage.cpu_millicores),
                usage.memory_bytes.map_or(UNKNOWN.to_owned(), bytes)
            )
        });
        let facts = [
            compute.operating_system.as_deref().map_or(UNKNOWN.to_owned(), |name| plain(name, NAME)),
            format!("{} CPU", or_unknown(compute.cpu_cores)),
            format!("{} GiB", or_unknown(compute.memory_gb)),
            compute.ip_address.as_deref().map_or(UNKNOWN.to_owned(), |address| plain(address, 45)),
        ];
        let facts = join(facts.into_iter().chain(use_now).chain([agent]), " · ");
        let status = plain(compute.status.as_deref().unwrap_or(UNKNOWN), 24);
        let name = self.paint.strong(&plain(&compute.name, NAME));
        let badges = self.badges(&compute.environments);
        let text = join([name, self.paint.soft("compute"), self.paint.state(&status), badges, facts], "  ");
        let connected = compute.agent.as_ref().is_some_and(|agent| agent.connected);
        let mut under = self.coverage(&compute.coverage, connected);
        under.extend(self.capabilities(capabilities));
        under.extend(self.workloads(workloads));
        Line { text, under }
    }

    fn coverage(&self, sources: &[Coverage], connected: bool) -> Vec<Line> {
        let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let names = width(&mut sources.iter().map(|source| plain(&source.source, 24).chars().count()));
        // How well a silent host could be looked at says nothing of now.
        let health = |source: &Coverage| if connected { plain(&source.health, 16) } else { UNKNOWN.to_owned() };
        let states = width(&mut sources.iter().map(|source| health(source).chars().count()));
        let line = |source: &Coverage| {
            let health = health(source);
            let gap = " ".repeat(states.saturating_sub(health.chars().count()));
            let was = (!connected).then(|| format!("was {}", plain(&source.health, 16)));
            let partly = (source.completeness == "partial").then(|| self.paint.warn("partly seen"));
            let unread = (source.warnings > 0).then(|| format!("{} unreadable", source.warnings));
            let reason = source.reason.as_deref().map(|reason| plain(reason, REASON));
            let since = format!("since {}", ago(self.now, source.since.0));
            let facts = join([was, Some(since), partly, unread, reason].into_iter().flatten(), " · ");
            let name = format!("{:names$}", plain(&source.source, 24));
            let state = format!("{}{gap}", self.paint.state(&health));
            Line::leaf(join([self.paint.soft("source"), name, state, facts], "  "))
        };
        sources.iter().map(line).collect()
    }

    fn capabilities(&self, capabilities: &[Capability]) -> Option<Line> {
        let list = capabilities.iter().map(|capability| {
            let version = capability.capability_version.as_deref().unwrap_or(UNKNOWN);
            format!("{} {}", plain(&capability.capability_type, 24), plain(version, 24))
        });
        let list = join(list, " · ");
        (!list.is_empty()).then(|| Line::leaf(join([self.paint.soft("can"), list], "  ")))
    }

    fn workloads(&self, workloads: &[Workload]) -> Vec<Line> {
        let width = |texts: &mut dyn Iterator<Item = String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
        let kind =
            |workload: &Workload| plain(workload.isolation_method.as_deref().unwrap_or(&workload.workload_type), 16);
        let kinds = width(&mut workloads.iter().map(kind));
        let names = width(&mut workloads.iter().map(|workload| plain(&workload.workload_name, NAME))).min(32);
        let states = width(&mut workloads.iter().map(|workload| plain(&workload.status, 16)));
        let line = |workload: &Workload| {
            let name = plain(&workload.workload_name, NAME);
            let state = plain(&workload.status, 16);
            let gap = " ".repeat(states.saturating_sub(state.chars().count()));
            let head = format!(
                "{}  {}{}  {}{gap}",
                self.paint.soft(&format!("{:kinds$}", kind(workload))),
                self.paint.strong(&name),
                " ".repeat(names.saturating_sub(name.chars().count())),
                self.paint.state(&state),
            );
            // What a workload inherits stands at its compute.
            let own: Vec<_> = workload.environments.iter().filter(|badge| !badge.inherited).cloned().collect();
            Line::leaf(join([head, self.badges(&own), self.workload_facts(workload)], "  "))
        };
        workloads.iter().map(line).collect()
    }

    fn workload_facts(&self, workload: &Workload) -> String {
        let image = workload.image.as_deref().map(|image| plain(image, IMAGE));
        let ports = ports(&workload.ports);
        let usage = workload.usage.as_ref();
        let cpu = cores(usage.and_then(|usage| usage.cpu_millicores));
        let cpu = match workload.cpu_cores {
            Some(limit) => format!("cpu {cpu} of {limit:.2}"),
            None => format!("cpu {cpu}"),
        };
        let memory = usage.and_then(|usage| usage.memory_bytes).map_or(UNKNOWN.to_owned(), bytes);
        let memory = match workload.memory_mb {
            Some(limit) => format!("mem {memory} of {limit} MiB"),
            None => format!("mem {memory}"),
        };
        let since = match (workload.unknown_since, workload.finished_at, workload.started_at) {
            (Some(at), ..) => {
                let was = workload.last_known_status.as_deref().unwrap_or(UNKNOWN);
                self.paint.warn(&format!("not heard of for {}, was {}", ago(self.now, at.0), plain(was, 16)))
            }
            (None, Some(at), _) if workload.status != "running" => format!("finished {} ago", ago(self.now, at.0)),
            (None, _, Some(at)) => format!("up {}", ago(self.now, at.0)),
            (None, ..) => format!("up {UNKNOWN}"),
        };
        let stale = workload.stale.as_ref().map(|stale| {
            let reason = plain(&stale.reason, REASON);
            self.paint.warn(&format!("stale for {}: {reason}", ago(self.now, stale.since.0)))
        });
        join([image, ports, Some(cpu), Some(memory), Some(since), stale].into_iter().flatten(), "  ")
    }

    fn summary(&self, summary: &Summary, sequence: i64) -> String {
        let Summary { computes, connected, coverage_percent, troubled_sources, workloads, stale_workloads, .. } =
            summary;
        let past = self.part == Part::Past;
        let computes = count(*computes, "compute");
        let mut parts = vec![if past { computes } else { format!("{computes}, {connected} connected") }];
        if let Some(workloads) = workloads {
            let total: usize = workloads.values().sum();
            let each = join(workloads.iter().map(|(status, count)| format!("{count} {}", plain(status, 16))), ", ");
            let each = if each.is_empty() { each } else { format!(" ({each})") };
            parts.push(format!("{}{each}", count(total, "workload")));
        }
        if let Some(stale) = stale_workloads.filter(|stale| *stale > 0) {
            parts.push(self.paint.warn(&format!("{stale} stale")));
        }
        if past {
            parts.push(format!("sequence {sequence}"));
            return parts.join(" · ");
        }
        let percent = coverage_percent.map_or(UNKNOWN.to_owned(), |percent| percent.to_string());
        parts.push(format!("coverage {percent} %"));
        for (source, count) in troubled_sources {
            parts.push(self.paint.warn(&format!("{} unwell on {count}", plain(source, 24))));
        }
        parts.push(format!("sequence {sequence}"));
        parts.join(" · ")
    }
}

fn join(parts: impl IntoIterator<Item = String>, between: &str) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn or_unknown(number: Option<i64>) -> String {
    number.map_or(UNKNOWN.to_owned(), |number| number.to_string())
}

fn cores(millicores: Option<i64>) -> String {
    let text = |millicores: i64| format!("{}.{:02}", millicores / 1_000, millicores % 1_000 / 10);
    millicores.map_or(UNKNOWN.to_owned(), text)
}

/// Ports that something can reach: published or listened on. The same port on two addresses stands once.
fn ports(ports: &[Port]) -> Option<String> {
    let mut shown: Vec<String> = Vec::new();
    for port in ports.iter().filter(|port| port.published || port.listener.is_some()) {
        let outer = port.host_port.map(|number| match port.host_address.as_deref() {
            None | Some("0.0.0.0" | "::" | "") => format!(":{number}"),
            Some(address) if address.contains(':') => format!("[{}]:{number}", plain(address, 45)),
            Some(address) => format!("{}:{number}", plain(address, 45)),
        });
        let inner = port.container_port.map(|number| number.to_string());
        let text = format!("{}/{}", join([outer, inner].into_iter().flatten(), "→"), plain(&port.protocol, 8));
        if !shown.contains(&text) {
            shown.push(text);
        }
    }
    let more = shown.len().saturating_sub(PORTS);
    shown.truncate(PORTS);
    if more > 0 {
        shown.push(format!("+{more}"));
    }
    (!shown.is_empty()).then(|| shown.join(" "))
}
