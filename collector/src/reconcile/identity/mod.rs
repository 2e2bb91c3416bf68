//! Which compute a host is. Pure: the caller loads the candidates.
//!
//! Match before create, and never guess. Evidence has an order ([`Evidence`]): the agent's certificate first (the caller
//! has that already), then what the provider, the hardware and the disk say, then names with addresses. A stronger kind
//! that contradicts vetoes every weaker one that agrees. What fits several computes, what is vetoed in part, and what
//! fits one whose agent still answers, is left to a person. Each decision carries its reasons ([`Explanation`]).
//!
//! None of these facts is a key. Cloned disks share a machine id, vendors ship boards with the same UUID, a container
//! sees its host's SMBIOS, and half of all hosts are called `debian`.

mod decide;
mod evidence;
mod explain;
mod junk;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use orchestrix_common::{id::AgentId, model::Machine};
use uuid::Uuid;

pub use crate::store::rows::identity::Fact;
pub use decide::{Decision, Outcome, decide};
pub use evidence::Evidence;
pub use explain::{Explanation, Fit, Reason, Shown, Verdict};
pub use junk::Junk;

/// A compute that shares something with a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Its key.
    pub compute_id: i64,
    /// Its name.
    pub name: String,
    /// What is known to identify it, from its agents and from what people entered.
    pub facts: BTreeSet<Fact>,
    /// Agents that speak for it now, other than the one in question.
    pub agents: Vec<Holder>,
}

/// An agent that speaks for a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The agent.
    pub agent_id: AgentId,
    /// It was seen lately, or a person must decide about it: its compute is not given away.
    pub holds_on: bool,
    /// It answers at this moment: a host that shows other hardware is certainly another one.
    pub answers: bool,
}

/// What a host showed, and what of it identifies nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// What can identify it.
    pub facts: BTreeSet<Fact>,
    /// What cannot, with the reason.
    pub ignored: Vec<Reason>,
}

/// What identifies a machine, in the form in which it is stored and compared; known junk is left out.
#[must_use]
pub fn facts(machine: &Machine) -> BTreeSet<Fact> {
    gather(machine, &Junk::default()).facts
}

/// What identifies a machine, and what of it is junk.
#[must_use]
pub fn gather(machine: &Machine, junk: &Junk) -> Gathered {
    let mut gathered = Gathered::default();
    for (kind, content) in shown(machine) {
        let hardware = matches!(kind, Evidence::ProductUuid | Evidence::ProductSerial);
        let ignored = if hardware && machine.in_container {
            Some(("inside-container", "is that of the host around the container in which the agent runs".to_owned()))
        } else {
            junk.why(kind, &content).map(|why| ("junk", why))
        };
        match ignored {
            Some((code, why)) => {
                let text = format!("{} {content:?} {why}", kind.prose());
                gathered.ignored.push(Reason::new(code, text).about(kind, Some(&content), None));
            }
            None => drop(gathered.facts.insert((kind.word().to_owned(), content))),
        }
    }
    gathered
}

fn shown(machine: &Machine) -> Vec<(Evidence, String)> {
    let one = |kind, value: Option<&str>| value.map(|value| (kind, value.trim().to_lowercase()));
    let uuid = machine.product_uuid.as_deref().map(str::trim);
    // What is no UUID is shown as it is, to be found on the list of junk.
    let uuid =
        uuid.map(|text| Uuid::parse_str(text).map_or(text.to_lowercase(), |uuid| uuid.as_hyphenated().to_string()));
    let singles = [
        one(Evidence::CloudInstanceId, machine.cloud_instance_id.as_deref()),
        one(Evidence::ProductUuid, uuid.as_deref()),
        one(Evidence::ProductSerial, machine.product_serial.as_deref()),
        one(Evidence::MachineId, machine.machine_id.as_deref()),
        one(Evidence::Hostname, Some(&machine.hostname)),
    ];
    let many = |kind, values: &[String]| values.iter().map(|value| (kind, value.to_lowercase())).collect::<Vec<_>>();
    let shown = singles.into_iter().flatten();
    let shown = shown.chain(many(Evidence::Mac, &machine.mac_addresses));
    shown.chain(many(Evidence::Address, &machine.addresses)).filter(|(_, content)| !content.is_empty()).collect()
}

/// The facts to look candidates up by: those of the machine, with its UUID in the other byte order too.
#[must_use]
pub fn lookup(facts: &BTreeSet<Fact>) -> BTreeSet<Fact> {
    // An address identifies only together with another kind, by which the candidate is found as well.
    let mut wanted: BTreeSet<Fact> =
        facts.iter().filter(|(kind, _)| kind != Evidence::Address.word()).cloned().collect();
    let other_order = contents(facts, Evidence::ProductUuid).filter_map(swapped);
    wanted.extend(other_order.map(|uuid| (Evidence::ProductUuid.word().to_owned(), uuid)));
    wanted
}

/// What people entered about a compute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entered<'a> {
    /// Its name in the inventory.
    pub name: &'a str,
    /// Its host name.
    pub hostname: Option<&'a str>,
    /// Its main address.
    pub address: Option<&'a str>,
    /// Hardware address of its main interface.
    pub mac: Option<&'a str>,
    /// The maker's number.
    pub serial: Option<&'a str>,
}

/// What people entered about a compute, in the form in which it is compared.
#[must_use]
pub fn entered(entered: Entered<'_>) -> BTreeSet<Fact> {
    let Entered { name, hostname, address, mac, serial } = entered;
    [
        (Evidence::Hostname, Some(name)),
        (Evidence::Hostname, hostname),
        (Evidence::Address, address),
        (Evidence::Mac, mac),
        (Evidence::ProductSerial, serial),
    ]
    .into_iter()
    .filter_map(|(kind, content)| Some((kind.word().to_owned(), content?.trim().to_lowercase())))
    .filter(|(_, content)| !content.is_empty())
    .collect()
}

/// Host names to look a compute up by: whole and without the domain.
#[must_use]
pub fn names(facts: &BTreeSet<Fact>) -> Vec<String> {
    let mut names: Vec<String> =
        contents(facts, Evidence::Hostname).flat_map(|name| [name.to_owned(), short(name).to_owned()]).collect();
    names.sort();
    names.dedup();
    names
}

/// Values of one kind to look a compute up by.
#[must_use]
pub fn values(facts: &BTreeSet<Fact>, kind: Evidence) -> Vec<String> {
    contents(facts, kind).map(str::to_owned).collect()
}

fn contents(facts: &BTreeSet<Fact>, kind: Evidence) -> impl Iterator<Item = &str> {
    facts.iter().filter(move |(other, _)| other == kind.word()).map(|(_, content)| content.as_str())
}

fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The UUID with its first three fields in the other byte order: firmware and hypervisors disagree about them
/// (SMBIOS 2.6, section 7.2.1).
fn swapped(uuid: &str) -> Option<String> {
    let fields = Uuid::parse_str(uuid).ok()?;
    Some(Uuid::from_bytes_le(*fields.as_bytes()).as_hyphenated().to_string())
}
