//! Weighs each candidate by itself, then decides among them. The order of the candidates does not matter.

use std::collections::BTreeSet;

use super::{
    Candidate, Evidence, Explanation, Fact, Fit, Gathered, Junk, Reason, Shown, Verdict, contents,
    junk::is_common_name, short, swapped,
};

/// A value that this many living identities show identifies none of them any more. The host in question comes on top.
const SHARED: usize = 2;

/// What was decided about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is this compute; agents that spoke for it are succeeded.
    Existing(i64),
    /// A person must decide.
    Undecided,
    /// It is new.
    New,
}

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub outcome: Outcome,
    /// Why.
    pub explanation: Explanation,
}

/// A candidate that was weighed.
struct Weighed<'a> {
    candidate: &'a Candidate,
    fit: Fit,
    /// A strong kind agrees and nothing vetoes it.
    strong: bool,
    /// Two weak kinds agree and nothing vetoes them.
    weak: bool,
    /// It would fit, but something vetoes all that agrees.
    vetoed: bool,
    /// People entered it, and the little that they entered agrees.
    bare: bool,
}

/// Decides which compute a host is.
#[must_use]
pub fn decide(host: &Gathered, candidates: &[Candidate], junk: &Junk) -> Decision {
    let mut weighed: Vec<Weighed<'_>> =
        candidates.iter().map(|candidate| weigh(host, candidate, candidates, junk)).collect();
    weighed.sort_by_key(|one| one.candidate.compute_id);
    let (outcome, summary) = choose(&mut weighed);
    let shown = Evidence::ORDER.into_iter().flat_map(|kind| {
        let shown = |content: &str| Shown { evidence: kind.word().to_owned(), content: content.to_owned() };
        contents(&host.facts, kind).map(shown).collect::<Vec<_>>()
    });
    let explanation = Explanation {
        summary,
        shown: shown.collect(),
        ignored: host.ignored.clone(),
        candidates: weighed.into_iter().map(|one| one.fit).collect(),
    };
    Decision { outcome, explanation }
}

/// Chooses among weighed candidates and gives each its verdict.
fn choose(weighed: &mut [Weighed<'_>]) -> (Outcome, String) {
    let any = |weighed: &[Weighed<'_>], test: fn(&Weighed<'_>) -> bool| weighed.iter().any(test);
    let pool: fn(&Weighed<'_>) -> bool = if any(weighed, |one| one.strong) {
        |one| one.strong
    } else if any(weighed, |one| one.weak) {
        |one| one.weak
    } else if any(weighed, |one| one.vetoed) {
        return undecided(weighed, |one| one.vetoed, "what identifies the host agrees in part and differs in part");
    } else if any(weighed, |one| one.bare) {
        return undecided(weighed, |one| one.bare, "too little is known of the compute to say that it is this host");
    } else {
        let summary = if weighed.is_empty() {
            "no compute shares anything with this host: it is new"
        } else {
            "no compute shares enough with this host: it is new"
        };
        return (Outcome::New, summary.to_owned());
    };
    for one in weighed.iter_mut().filter(|one| one.weak && !pool(one)) {
        one.fit.why_not.push(Reason::new("stronger-elsewhere", "another compute agrees in something stronger"));
    }
    if weighed.iter().filter(|one| pool(one)).count() > 1 {
        return undecided(weighed, pool, "the host fits several computes");
    }
    let Some(one) = weighed.iter_mut().find(|one| pool(one)) else { return (Outcome::New, String::new()) };
    if !one.fit.answering.is_empty() {
        return undecided(weighed, pool, "another agent speaks for it and still answers");
    }
    one.fit.verdict = Verdict::Taken;
    let agreeing: Vec<&str> =
        one.fit.agrees.iter().filter_map(|word| Evidence::from_word(word)).map(Evidence::prose).collect();
    one.fit.reason = format!("the same {}", agreeing.join(", "));
    let succeeds = if one.candidate.agents.is_empty() { "" } else { "; its silent agent is succeeded" };
    let summary =
        format!("it is compute {} {:?}: {}{succeeds}", one.candidate.compute_id, one.candidate.name, one.fit.reason);
    (Outcome::Existing(one.candidate.compute_id), summary)
}

fn undecided(weighed: &mut [Weighed<'_>], possible: fn(&Weighed<'_>) -> bool, why: &str) -> (Outcome, String) {
    let several = weighed.iter().filter(|one| possible(one)).count() > 1;
    for one in weighed.iter_mut().filter(|one| possible(one)) {
        one.fit.verdict = Verdict::Possible;
        why.clone_into(&mut one.fit.reason);
        if several {
            one.fit.why_not.push(Reason::new("several", "another compute is as likely"));
        }
    }
    (Outcome::Undecided, format!("a person must decide: {why}"))
}

fn weigh<'a>(host: &Gathered, candidate: &'a Candidate, all: &[Candidate], junk: &Junk) -> Weighed<'a> {
    let answering = candidate.agents.iter().filter(|agent| agent.holds_on).map(|agent| agent.agent_id.to_string());
    let mut fit = Fit {
        compute_id: candidate.compute_id,
        name: candidate.name.clone(),
        answering: answering.collect(),
        ..Fit::default()
    };
    let (mut agrees, mut differs) = (BTreeSet::new(), BTreeSet::new());
    for kind in Evidence::ORDER {
        match compare(kind, host, candidate, all, junk) {
            Compared::Unknown => {}
            Compared::Agrees(reason) => {
                agrees.insert(kind);
                fit.why.push(reason);
            }
            Compared::Differs(reason) => {
                if kind.is_strong() {
                    differs.insert(kind);
                }
                fit.why_not.push(reason);
            }
            Compared::Worthless(reason) => fit.why_not.push(reason),
        }
    }
    let standing: BTreeSet<Evidence> = agrees
        .iter()
        .filter(|kind| match kind.vetoed_by().iter().find(|other| differs.contains(other)) {
            Some(other) => {
                let text = format!("the same {} says nothing: the {} differs", kind.prose(), other.prose());
                fit.why_not.push(Reason::new("vetoed", text).about(**kind, None, None));
                false
            }
            None => true,
        })
        .copied()
        .collect();
    let words = |kinds: &BTreeSet<Evidence>| kinds.iter().map(|kind| kind.word().to_owned()).collect();
    (fit.agrees, fit.differs) = (words(&agrees), words(&differs));
    let strong = standing.iter().any(|kind| kind.is_strong());
    let weak = decides_together(&standing);
    let mut vetoed = !strong && !weak && (agrees.iter().any(|kind| kind.is_strong()) || decides_together(&agrees));
    if vetoed && candidate.agents.iter().any(|agent| agent.answers) {
        // Both are there at this moment, on different hardware: certainly two, whatever was copied.
        vetoed = false;
        let text = "its own host answers at this moment and shows other hardware: this one is a copy of its disk";
        fit.why_not.push(Reason::new("answering", text));
    }
    let bare = !strong && !weak && !vetoed && is_bare(host, candidate, &standing, &differs);
    if !fit.answering.is_empty() && (strong || weak) {
        let text = format!("agent {} speaks for it and was heard of lately", fit.answering.join(", "));
        fit.why_not.push(Reason::new("answering", text));
    }
    if !strong && !weak && !vetoed && !standing.is_empty() {
        let kinds: Vec<&str> = standing.iter().map(|kind| kind.prose()).collect();
        let text = format!("the same {} alone decides nothing", kinds.join(", "));
        fit.why_not.push(Reason::new("needs-more", text));
    }
    if fit.reason.is_empty() {
        fit.reason = fit.why_not.last().map_or_else(|| "nothing agrees".to_owned(), |reason| reason.text.clone());
    }
    Weighed { candidate, fit, strong, weak, vetoed, bare }
}

/// Kinds that decide nothing each by itself do so together: the same interface with the same name or address, or the
/// same name at the same address.
fn decides_together(kinds: &BTreeSet<Evidence>) -> bool {
    let has = |kind| kinds.contains(&kind);
    let pairs = [
        (Evidence::Mac, Evidence::Hostname),
        (Evidence::Mac, Evidence::Address),
        (Evidence::Hostname, Evidence::Address),
    ];
    pairs.into_iter().any(|(one, other)| has(one) && has(other))
}

/// Whether people entered only one thing about a compute, and it agrees: nothing says that it is this host, and nothing
/// that it is not.
fn is_bare(
    host: &Gathered,
    candidate: &Candidate,
    standing: &BTreeSet<Evidence>,
    differs: &BTreeSet<Evidence>,
) -> bool {
    if !candidate.agents.is_empty() || !differs.is_empty() {
        return false;
    }
    let unknown = |kind| contents(&candidate.facts, kind).next().is_none();
    let telling = contents(&host.facts, Evidence::Hostname).any(|name| !is_common_name(name));
    let name_only = standing.contains(&Evidence::Hostname) && telling && unknown(Evidence::Address);
    let interface_only = standing.contains(&Evidence::Mac);
    name_only || interface_only
}

/// What one kind of evidence says of a candidate.
enum Compared {
    /// One of both is not known.
    Unknown,
    Agrees(Reason),
    Differs(Reason),
    /// They agree in something that identifies nothing.
    Worthless(Reason),
}

fn compare(kind: Evidence, host: &Gathered, candidate: &Candidate, all: &[Candidate], junk: &Junk) -> Compared {
    let prose = kind.prose();
    let worthless = host.ignored.iter().filter(|reason| reason.evidence == kind.word());
    let mut shared_junk = worthless.filter_map(|reason| reason.ours.as_deref());
    let shared_junk = shared_junk.find(|ours| contents(&candidate.facts, kind).any(|theirs| theirs == *ours));
    let ours: Vec<&str> = contents(&host.facts, kind).collect();
    let theirs: Vec<&str> =
        contents(&candidate.facts, kind).filter(|content| junk.why(kind, content).is_none()).collect();
    let pairs = ours.iter().flat_map(|ours| theirs.iter().map(move |theirs| (*ours, *theirs)));
    let agreeing = pairs.filter_map(|(ours, theirs)| Some((same(kind, ours, theirs)?, ours, theirs))).min();
    if let Some((how, ours, theirs)) = agreeing {
        let living = if kind.is_strong() { living_with(kind, theirs, all) } else { 0 };
        if living >= SHARED {
            let text = format!("the same {prose} {ours:?} says nothing: {living} living hosts show it");
            return Compared::Worthless(Reason::new("shared", text).about(kind, Some(ours), Some(theirs)));
        }
        let (code, text) = match how {
            Same::Exactly => ("same", format!("the same {prose} {ours:?}")),
            Same::OtherByteOrder => {
                ("same-other-byte-order", format!("the same {prose} {ours:?}, written in the other byte order"))
            }
            Same::WithoutDomain => {
                ("same-without-domain", format!("the same {prose} {ours:?}, one without the domain"))
            }
        };
        return Compared::Agrees(Reason::new(code, text).about(kind, Some(ours), Some(theirs)));
    }
    if let Some(ours) = shared_junk {
        let text = format!("the same {prose} {ours:?} says nothing: it is junk");
        return Compared::Worthless(Reason::new("junk", text).about(kind, Some(ours), Some(ours)));
    }
    match (ours.as_slice(), theirs.as_slice()) {
        ([], _) | (_, []) => Compared::Unknown,
        ([ours, ..], [theirs, ..]) => {
            let text = format!("the {prose} differs: the host has {ours:?}, the compute {theirs:?}");
            Compared::Differs(Reason::new("differs", text).about(kind, Some(ours), Some(theirs)))
        }
    }
}

/// In which way two values are the same, the plainest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Same {
    Exactly,
    OtherByteOrder,
    WithoutDomain,
}

fn same(kind: Evidence, ours: &str, theirs: &str) -> Option<Same> {
    if ours == theirs {
        return Some(Same::Exactly);
    }
    match kind {
        Evidence::ProductUuid if swapped(ours).as_deref() == Some(theirs) => Some(Same::OtherByteOrder),
        Evidence::Hostname if ours.contains('.') != theirs.contains('.') && short(ours) == short(theirs) => {
            Some(Same::WithoutDomain)
        }
        _ => None,
    }
}

/// How many computes with a living agent show this value.
fn living_with(kind: Evidence, content: &str, all: &[Candidate]) -> usize {
    let fact: Fact = (kind.word().to_owned(), content.to_owned());
    all.iter().filter(|other| other.agents.iter().any(|agent| agent.holds_on) && other.facts.contains(&fact)).count()
}
