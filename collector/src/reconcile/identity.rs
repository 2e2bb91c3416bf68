//! Which compute a host is. Pure: the caller loads the candidates.
//!
//! Match before create, and never guess: agent id first (the caller has that already), then the identifiers of the
//! machine, the hardware and the cloud, then host name together with an address. What fits several computes, fits one in
//! one respect and contradicts it in another, or fits one whose agent still answers, is left to a person.
//!
//! None of these facts is a key. Cloned disks share a machine id, vendors ship boards with the same UUID, a container
//! sees its host's SMBIOS, and half of all hosts are called `debian`.

use std::collections::BTreeSet;

use orchestrix_common::{id::AgentId, model::Machine};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::store::rows::identity::Fact;

const MACHINE_ID: &str = "machine_id";
const PRODUCT_UUID: &str = "product_uuid";
const CLOUD_INSTANCE_ID: &str = "cloud_instance_id";
const HOSTNAME: &str = "hostname";
const ADDRESS: &str = "address";
const MAC: &str = "mac";

/// What vendors leave in SMBIOS fields that nobody filled in. Also uniform digits, see [`is_uniform`].
const JUNK: [&str; 9] = [
    "03000200-0400-0500-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
    "fefefefe-fefe-fefe-fefe-fefefefefefe",
    "default string",
    "not specified",
    "not applicable",
    "not settable",
    "to be filled by o.e.m.",
    "system serial number",
];
/// Names that images come with: alone they say nothing.
const JUNK_NAMES: [&str; 8] =
    ["localhost", "localhost.localdomain", "debian", "ubuntu", "raspberrypi", "centos", "linux", "buildroot"];
/// Addresses that every host with the same engine has: default bridges of Docker, libvirt, Podman and LXC.
const JUNK_ADDRESSES: [&str; 4] = ["172.17.0.1", "192.168.122.1", "10.88.0.1", "10.0.3.1"];

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
}

/// What was decided about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is this compute; agents that spoke for it are succeeded.
    Existing(Fit),
    /// A person must decide.
    Undecided(Vec<Fit>),
    /// It is new.
    New,
}

/// How well a candidate fits, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fit {
    /// The compute.
    pub compute_id: i64,
    /// Its name.
    pub name: String,
    /// Kinds of facts that agree, for example `machine_id`.
    pub agrees: Vec<String>,
    /// Kinds of facts that contradict.
    pub differs: Vec<String>,
    /// Agents that speak for it and still answer.
    pub answering: Vec<String>,
    /// One sentence: why it was not taken.
    pub reason: String,
}

/// What identifies a machine, in the form in which it is stored and compared; junk is left out.
#[must_use]
pub fn facts(machine: &Machine) -> BTreeSet<Fact> {
    let mut facts = BTreeSet::new();
    let mut add = |kind: &str, content: String| {
        if !content.is_empty() {
            facts.insert((kind.to_owned(), content));
        }
    };
    let hostname = machine.hostname.trim().to_lowercase();
    add(HOSTNAME, hostname);
    if let Some(id) = machine.machine_id.as_deref().and_then(usable) {
        add(MACHINE_ID, id);
    }
    if let Some(id) = machine.cloud_instance_id.as_deref().and_then(usable) {
        add(CLOUD_INSTANCE_ID, id);
    }
    // Inside a container it would be the host's.
    if let Some(id) = machine.product_uuid.as_deref().and_then(usable)
        && !machine.in_container
        && let Ok(uuid) = Uuid::parse_str(&id)
    {
        add(PRODUCT_UUID, uuid.as_hyphenated().to_string());
    }
    for address in machine.addresses.iter().filter(|address| !JUNK_ADDRESSES.contains(&address.as_str())) {
        add(ADDRESS, address.to_lowercase());
    }
    // Docker makes up addresses from 02:42.
    for mac in machine.mac_addresses.iter().filter(|mac| !mac.starts_with("02:42:") && !is_uniform(mac)) {
        add(MAC, mac.to_lowercase());
    }
    facts
}

/// The facts to look candidates up by: those of the machine, with its UUID in the other byte order too.
#[must_use]
pub fn lookup(facts: &BTreeSet<Fact>) -> BTreeSet<Fact> {
    let strong =
        facts.iter().filter(|(kind, _)| [MACHINE_ID, PRODUCT_UUID, CLOUD_INSTANCE_ID].contains(&kind.as_str()));
    let mut wanted: BTreeSet<Fact> = strong.cloned().collect();
    wanted.extend(contents(facts, PRODUCT_UUID).filter_map(swapped).map(|uuid| (PRODUCT_UUID.to_owned(), uuid)));
    // A host name or an address identifies only together with the other.
    wanted.extend(facts.iter().filter(|(kind, _)| kind == HOSTNAME).cloned());
    wanted
}

/// What people entered about a compute, in the same form.
#[must_use]
pub fn entered(name: &str, hostname: Option<&str>, address: Option<&str>, mac: Option<&str>) -> BTreeSet<Fact> {
    let names = [Some(name), hostname].into_iter().flatten().map(|name| (HOSTNAME, name));
    let addresses = address.into_iter().map(|address| (ADDRESS, address)).chain(mac.into_iter().map(|mac| (MAC, mac)));
    names
        .chain(addresses)
        .map(|(kind, content)| (kind.to_owned(), content.trim().to_lowercase()))
        .filter(|(_, content)| !content.is_empty())
        .collect()
}

/// Host names to look a compute up by: whole and without the domain.
#[must_use]
pub fn names(facts: &BTreeSet<Fact>) -> Vec<String> {
    let mut names: Vec<String> =
        contents(facts, HOSTNAME).flat_map(|name| [name.to_owned(), short(name).to_owned()]).collect();
    names.sort();
    names.dedup();
    names
}

/// Addresses to look a compute up by.
#[must_use]
pub fn addresses(facts: &BTreeSet<Fact>) -> Vec<String> {
    contents(facts, ADDRESS).map(str::to_owned).collect()
}

/// Decides which compute a host is.
#[must_use]
pub fn decide(facts: &BTreeSet<Fact>, candidates: &[Candidate]) -> Decision {
    let fits: Vec<(Fit, &Candidate)> =
        candidates.iter().map(|candidate| (fit(facts, candidate, candidates), candidate)).collect();
    let is_strong = |fit: &Fit| {
        fit.agrees.iter().any(|kind| [MACHINE_ID, PRODUCT_UUID, CLOUD_INSTANCE_ID].contains(&kind.as_str()))
    };
    let is_weak = |fit: &Fit| agrees(fit, HOSTNAME) && (agrees(fit, ADDRESS) || agrees(fit, MAC));
    let mut chosen: Vec<(Fit, &Candidate)> = fits.iter().filter(|(fit, _)| is_strong(fit)).cloned().collect();
    if chosen.is_empty() {
        chosen = fits.iter().filter(|(fit, _)| is_weak(fit)).cloned().collect();
    }
    if chosen.is_empty() {
        return bare_names(facts, fits);
    }
    let why = match chosen.as_slice() {
        [(fit, candidate)] => {
            if candidate.agents.iter().any(|agent| agent.holds_on) {
                Some("another agent speaks for it and still answers")
            } else if contradicts(fit) {
                Some("what identifies the host agrees in part and differs in part")
            } else {
                None
            }
        }
        _ => Some("the host fits several computes"),
    };
    let mut fits: Vec<Fit> = chosen.into_iter().map(|(fit, _)| fit).collect();
    match (why, fits.pop()) {
        (None, Some(fit)) => Decision::Existing(fit),
        (why, last) => {
            fits.extend(last);
            Decision::Undecided(
                fits.into_iter().map(|fit| Fit { reason: why.unwrap_or_default().into(), ..fit }).collect(),
            )
        }
    }
}

/// A compute that was entered with a host name and without an address may be this host; nothing says that it is.
fn bare_names(facts: &BTreeSet<Fact>, fits: Vec<(Fit, &Candidate)>) -> Decision {
    let telling = contents(facts, HOSTNAME).any(|name| !JUNK_NAMES.contains(&name));
    let bare: Vec<Fit> = fits
        .into_iter()
        .filter(|(fit, candidate)| {
            let unplaced = contents(&candidate.facts, ADDRESS).next().is_none();
            telling && unplaced && candidate.agents.is_empty() && agrees(fit, HOSTNAME) && fit.differs.is_empty()
        })
        .map(|(fit, _)| Fit { reason: "only the host name agrees, and no address is known of it".into(), ..fit })
        .collect();
    if bare.is_empty() { Decision::New } else { Decision::Undecided(bare) }
}

fn fit(facts: &BTreeSet<Fact>, candidate: &Candidate, all: &[Candidate]) -> Fit {
    let mut fit = Fit {
        compute_id: candidate.compute_id,
        name: candidate.name.clone(),
        answering: candidate
            .agents
            .iter()
            .filter(|agent| agent.holds_on)
            .map(|agent| agent.agent_id.to_string())
            .collect(),
        ..Fit::default()
    };
    for kind in [MACHINE_ID, PRODUCT_UUID, CLOUD_INSTANCE_ID] {
        let (ours, theirs) = (contents(facts, kind).next(), contents(&candidate.facts, kind).next());
        let Some((ours, theirs)) = ours.zip(theirs) else { continue };
        if ours == theirs || (kind == PRODUCT_UUID && swapped(ours).as_deref() == Some(theirs)) {
            // A value that is seen on two live identities no longer identifies.
            let living = all.iter().filter(|other| {
                other.agents.iter().any(|agent| agent.holds_on)
                    && contents(&other.facts, kind).any(|value| value == theirs)
            });
            if living.count() < 2 {
                fit.agrees.push(kind.to_owned());
            }
        } else {
            fit.differs.push(kind.to_owned());
        }
    }
    let same_name = contents(facts, HOSTNAME)
        .any(|ours| contents(&candidate.facts, HOSTNAME).any(|theirs| names_agree(ours, theirs)));
    let shares = |kind| contents(facts, kind).any(|ours| contents(&candidate.facts, kind).any(|theirs| ours == theirs));
    for (kind, same) in [(HOSTNAME, same_name), (ADDRESS, shares(ADDRESS)), (MAC, shares(MAC))] {
        if same {
            fit.agrees.push(kind.to_owned());
        }
    }
    fit
}

/// A re-imaged host has a new machine id on the same hardware; the same machine id on other hardware is a copied disk.
fn contradicts(fit: &Fit) -> bool {
    let differs = |kind| fit.differs.iter().any(|differing| differing == kind);
    if agrees(fit, CLOUD_INSTANCE_ID) {
        false
    } else if agrees(fit, PRODUCT_UUID) {
        differs(CLOUD_INSTANCE_ID)
    } else {
        !fit.differs.is_empty()
    }
}

fn agrees(fit: &Fit, kind: &str) -> bool {
    fit.agrees.iter().any(|agreeing| agreeing == kind)
}

fn contents<'a>(facts: &'a BTreeSet<Fact>, kind: &'a str) -> impl Iterator<Item = &'a str> {
    facts.iter().filter(move |(other, _)| other == kind).map(|(_, content)| content.as_str())
}

/// Equal, or one is the other with a domain.
fn names_agree(one: &str, other: &str) -> bool {
    one == other || (one.contains('.') != other.contains('.') && short(one) == short(other))
}

fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

fn usable(value: &str) -> Option<String> {
    let value = value.trim().to_lowercase();
    (!value.is_empty() && !JUNK.contains(&value.as_str()) && !is_uniform(&value)).then_some(value)
}

/// One character over and over: all zeros, all `f`, `xxxx`.
fn is_uniform(value: &str) -> bool {
    let mut characters = value.chars().filter(|character| character.is_alphanumeric());
    characters.next().is_none_or(|first| characters.all(|character| character == first))
}

/// The UUID with its first three fields in the other byte order: firmware and hypervisors disagree about them
/// (SMBIOS 2.6, section 7.2.1).
fn swapped(uuid: &str) -> Option<String> {
    let fields = Uuid::parse_str(uuid).ok()?;
    Some(Uuid::from_bytes_le(*fields.as_bytes()).as_hyphenated().to_string())
}
