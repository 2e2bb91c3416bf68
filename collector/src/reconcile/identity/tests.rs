//! What is decided, case by case, and what holds for every case.

use proptest::prelude::*;

use super::*;

const UUID_A: &str = "4c4c4544-0044-4a10-8052-b4c04f4e3132";
const UUID_B: &str = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";

fn machine() -> Machine {
    Machine {
        hostname: "web-1".into(),
        machine_id: Some("0af7651916cd43dd8448eb211c80319c".into()),
        product_uuid: Some(UUID_A.to_uppercase()),
        mac_addresses: vec!["52:54:00:6b:3c:58".into()],
        addresses: vec!["192.0.2.7".into()],
        ..Machine::default()
    }
}

fn candidate(compute_id: i64, machine: &Machine) -> Candidate {
    Candidate { compute_id, name: format!("compute-{compute_id}"), facts: facts(machine), agents: Vec::new() }
}

fn by_hand(compute_id: i64, entered_as: Entered<'_>) -> Candidate {
    Candidate { compute_id, name: entered_as.name.to_owned(), facts: entered(entered_as), agents: Vec::new() }
}

fn spoken_for(candidate: Candidate, holds_on: bool, answers: bool) -> Candidate {
    Candidate { agents: vec![Holder { agent_id: AgentId::generate(), holds_on, answers }], ..candidate }
}

fn decided(machine: &Machine, candidates: &[Candidate]) -> Decision {
    let junk = Junk::default();
    decide(&gather(machine, &junk), candidates, &junk)
}

fn codes(reasons: &[Reason]) -> Vec<(&str, &str)> {
    reasons.iter().map(|reason| (reason.code.as_str(), reason.evidence.as_str())).collect()
}

#[test]
fn a_host_that_shares_nothing_is_new_and_says_so() {
    let decision = decided(&machine(), &[]);
    assert_eq!(decision.outcome, Outcome::New);
    assert_eq!(decision.explanation.summary, "no compute shares anything with this host: it is new");
    let shown: Vec<&str> = decision.explanation.shown.iter().map(|shown| shown.evidence.as_str()).collect();
    assert_eq!(shown, ["product_uuid", "machine_id", "mac", "hostname", "address"]);
}

#[test]
fn a_reimaged_host_succeeds_its_silent_agent() {
    let reimaged = Machine { machine_id: Some("f".repeat(31) + "0"), hostname: "fresh".into(), ..machine() };
    let old = spoken_for(candidate(1, &machine()), false, false);
    let decision = decided(&reimaged, &[old]);
    assert_eq!(decision.outcome, Outcome::Existing(1));
    let [fit] = decision.explanation.candidates.as_slice() else { panic!("one candidate") };
    assert_eq!(fit.verdict, Verdict::Taken);
    assert_eq!(
        (&fit.agrees, &fit.differs),
        (&vec!["product_uuid".into(), "mac".into(), "address".into()], &vec!["machine_id".into()])
    );
    assert!(
        decision.explanation.summary.ends_with("; its silent agent is succeeded"),
        "{}",
        decision.explanation.summary
    );
}

#[test]
fn a_host_whose_agent_still_answers_is_left_to_a_person() {
    let living = spoken_for(candidate(1, &machine()), true, true);
    let decision = decided(&machine(), &[living]);
    assert_eq!(decision.outcome, Outcome::Undecided);
    let fit = &decision.explanation.candidates[0];
    assert_eq!((fit.verdict, fit.answering.len()), (Verdict::Possible, 1));
    assert!(codes(&fit.why_not).contains(&("answering", "")));
}

#[test]
fn a_copied_disk_is_vetoed_by_the_hardware() {
    let copy = Machine {
        product_uuid: Some(UUID_B.into()),
        hostname: "web-2".into(),
        addresses: vec!["192.0.2.8".into()],
        mac_addresses: vec![],
        ..machine()
    };
    let silent = decided(&copy, &[spoken_for(candidate(1, &machine()), false, false)]);
    assert_eq!(silent.outcome, Outcome::Undecided, "the disk may have moved");
    let why_not = codes(&silent.explanation.candidates[0].why_not);
    assert!(
        why_not.contains(&("differs", "product_uuid")) && why_not.contains(&("vetoed", "machine_id")),
        "{why_not:?}"
    );
    let living = decided(&copy, &[spoken_for(candidate(1, &machine()), true, true)]);
    assert_eq!(living.outcome, Outcome::New, "both are there, on different hardware");
    assert_eq!(living.explanation.candidates[0].verdict, Verdict::Rejected);
}

#[test]
fn a_vetoed_candidate_leaves_the_way_to_the_right_one() {
    let copy = Machine {
        product_uuid: Some(UUID_B.into()),
        hostname: "web-2".into(),
        addresses: vec!["192.0.2.8".into()],
        mac_addresses: vec![],
        ..machine()
    };
    let entered_as = Entered { name: "web-2", address: Some("192.0.2.8"), ..Entered::default() };
    let decision = decided(&copy, &[candidate(1, &machine()), by_hand(2, entered_as)]);
    assert_eq!(decision.outcome, Outcome::Existing(2));
}

#[test]
fn another_cloud_instance_vetoes_everything_below() {
    let first = Machine { cloud_instance_id: Some("i-0abc".into()), ..machine() };
    let second = Machine { cloud_instance_id: Some("i-0def".into()), ..machine() };
    let decision = decided(&second, &[candidate(1, &first)]);
    assert_eq!(decision.outcome, Outcome::Undecided);
    let vetoed = decision.explanation.candidates[0].why_not.iter().filter(|reason| reason.code == "vetoed").count();
    assert_eq!(vetoed, 5, "product UUID, machine id, hardware address, host name and address");
}

#[test]
fn a_virtual_machine_is_recognised_in_the_other_byte_order() {
    // As libvirt writes it and as the guest's firmware does.
    let seen_by_hypervisor =
        Machine { hostname: "guest-17".into(), product_uuid: swapped(UUID_A), ..Machine::default() };
    let decision = decided(&machine(), &[candidate(1, &seen_by_hypervisor)]);
    assert_eq!(decision.outcome, Outcome::Existing(1));
    assert_eq!(codes(&decision.explanation.candidates[0].why)[0], ("same-other-byte-order", "product_uuid"));
}

#[test]
fn an_interface_identifies_with_a_name_or_an_address_and_not_alone() {
    let bare = Machine { machine_id: None, product_uuid: None, ..machine() };
    let mac = Some("52:54:00:6B:3C:58");
    for (entered_as, outcome) in [
        (Entered { name: "web-1", mac, ..Entered::default() }, Outcome::Existing(1)),
        (Entered { name: "old name", mac, address: Some("192.0.2.7"), ..Entered::default() }, Outcome::Existing(1)),
        (Entered { name: "old name", mac, ..Entered::default() }, Outcome::Undecided),
    ] {
        assert_eq!(decided(&bare, &[by_hand(1, entered_as)]).outcome, outcome, "{entered_as:?}");
    }
    let elsewhere = Machine { hostname: "lab-9".into(), addresses: vec!["198.51.100.9".into()], ..bare.clone() };
    let other = spoken_for(candidate(1, &elsewhere), true, true);
    assert_eq!(decided(&bare, &[other]).outcome, Outcome::New, "interfaces are copied with virtual machines");
}

#[test]
fn a_row_made_by_hand_is_matched_by_name_and_address_or_serial_number() {
    let host = Machine { product_serial: Some("CZ3412ABCD".into()), ..machine() };
    for (entered_as, outcome) in [
        (Entered { name: "WEB-1", address: Some("192.0.2.7"), ..Entered::default() }, Outcome::Existing(1)),
        (
            Entered {
                name: "front",
                hostname: Some("web-1.example.net"),
                address: Some("192.0.2.7"),
                ..Entered::default()
            },
            Outcome::Existing(1),
        ),
        (Entered { name: "rack 4 slot 2", serial: Some("cz3412abcd"), ..Entered::default() }, Outcome::Existing(1)),
        (
            Entered { name: "web-1", serial: Some("CZ9999ZZZZ"), address: Some("192.0.2.7"), ..Entered::default() },
            Outcome::Undecided,
        ),
        (Entered { name: "web-1", ..Entered::default() }, Outcome::Undecided),
        (Entered { name: "web-1", address: Some("192.0.2.99"), ..Entered::default() }, Outcome::New),
        (Entered { name: "db-1", address: Some("192.0.2.7"), ..Entered::default() }, Outcome::New),
    ] {
        assert_eq!(decided(&host, &[by_hand(1, entered_as)]).outcome, outcome, "{entered_as:?}");
    }
    let address = Entered { name: "db-1", address: Some("192.0.2.7"), ..Entered::default() };
    let decision = decided(&host, &[by_hand(1, address)]);
    let why_not = codes(&decision.explanation.candidates[0].why_not);
    assert_eq!(why_not, [("differs", "hostname"), ("needs-more", "")]);
}

#[test]
fn a_common_name_without_an_address_asks_nobody() {
    let host = Machine { hostname: "debian".into(), ..Machine::default() };
    let row = by_hand(1, Entered { name: "debian", ..Entered::default() });
    assert_eq!(decided(&host, &[row]).outcome, Outcome::New);
}

#[test]
fn vendor_junk_merges_nobody_and_is_named() {
    let junky = |hostname: &str| Machine {
        hostname: hostname.into(),
        product_uuid: Some("03000200-0400-0500-0006-000700080009".into()),
        product_serial: Some("Default string".into()),
        ..Machine::default()
    };
    // As an older version may have stored it.
    let mut old = candidate(1, &junky("a"));
    old.facts.insert(("product_uuid".into(), "03000200-0400-0500-0006-000700080009".into()));
    let decision = decided(&junky("b"), &[old]);
    assert_eq!(decision.outcome, Outcome::New);
    assert_eq!(codes(&decision.explanation.ignored), [("junk", "product_uuid"), ("junk", "product_serial")]);
    assert!(codes(&decision.explanation.candidates[0].why_not).contains(&("junk", "product_uuid")));
}

#[test]
fn a_value_that_people_called_junk_stops_identifying() {
    let junk: Junk = [(("product_uuid".to_owned(), UUID_A.to_owned()), "bad batch".to_owned())].into_iter().collect();
    let other =
        Machine { hostname: "other".into(), machine_id: None, mac_addresses: vec![], addresses: vec![], ..machine() };
    let known = [candidate(1, &machine())];
    assert_eq!(decide(&gather(&other, &Junk::default()), &known, &Junk::default()).outcome, Outcome::Existing(1));
    let decision = decide(&gather(&other, &junk), &known, &junk);
    assert_eq!(decision.outcome, Outcome::New);
    assert!(decision.explanation.ignored[0].text.contains("bad batch"), "{:?}", decision.explanation.ignored);
}

#[test]
fn a_value_on_two_living_hosts_stops_identifying() {
    let clone = |compute_id, hostname: &str, living| {
        let machine = Machine { hostname: hostname.into(), mac_addresses: vec![], addresses: vec![], ..machine() };
        spoken_for(candidate(compute_id, &machine), living, living)
    };
    let third = Machine { hostname: "c".into(), mac_addresses: vec![], addresses: vec![], ..machine() };
    let decision = decided(&third, &[clone(1, "a", true), clone(2, "b", true)]);
    assert_eq!(decision.outcome, Outcome::New);
    let why_not = codes(&decision.explanation.candidates[0].why_not);
    assert!(
        why_not.contains(&("shared", "product_uuid")) && why_not.contains(&("shared", "machine_id")),
        "{why_not:?}"
    );
    assert_eq!(decided(&third, &[clone(1, "a", true), clone(2, "b", false)]).outcome, Outcome::Undecided);
}

#[test]
fn what_a_container_shows_of_the_hardware_is_its_hosts() {
    let inside = Machine {
        in_container: true,
        hostname: "lxc-1".into(),
        machine_id: None,
        mac_addresses: vec![],
        addresses: vec![],
        product_serial: Some("CZ3412ABCD".into()),
        ..machine()
    };
    let decision = decided(&inside, &[candidate(1, &machine())]);
    assert_eq!(decision.outcome, Outcome::New);
    let ignored = codes(&decision.explanation.ignored);
    assert_eq!(ignored, [("inside-container", "product_uuid"), ("inside-container", "product_serial")]);
}

#[test]
fn a_renamed_host_stays_the_same() {
    let renamed = Machine { hostname: "web-9".into(), addresses: vec!["198.51.100.4".into()], ..machine() };
    assert_eq!(decided(&renamed, &[candidate(1, &machine())]).outcome, Outcome::Existing(1));
}

/// Few values of each kind, so that hosts and candidates often share some.
fn some_machine() -> impl Strategy<Value = Machine> {
    let pick = |values: &'static [&'static str]| proptest::option::of(proptest::sample::select(values));
    (
        pick(&["i-1", "i-2"]),
        pick(&[UUID_A, UUID_B, "00000000-0000-0000-0000-000000000000"]),
        pick(&["s-11", "s-12", "Default string"]),
        pick(&["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"]),
        pick(&["52:54:00:6b:3c:58", "52:54:00:6b:3c:59"]),
        proptest::sample::select(&["web-1", "web-1.example.net", "web-2", "debian"][..]),
        pick(&["192.0.2.7", "192.0.2.8", "172.17.0.1"]),
        any::<bool>(),
    )
        .prop_map(|(cloud, uuid, serial, id, mac, hostname, address, in_container)| Machine {
            hostname: hostname.to_owned(),
            machine_id: id.map(str::to_owned),
            product_uuid: uuid.map(str::to_owned),
            product_serial: serial.map(str::to_owned),
            cloud_instance_id: cloud.map(str::to_owned),
            mac_addresses: mac.map(str::to_owned).into_iter().collect(),
            addresses: address.map(str::to_owned).into_iter().collect(),
            in_container,
        })
}

fn some_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (some_machine(), 0..4_u8);
    proptest::collection::vec(one, 0..5).prop_map(|machines| {
        let candidates = (1..).zip(machines).map(|(id, (machine, agents))| match agents {
            0 => candidate(id, &machine),
            1 => spoken_for(candidate(id, &machine), false, false),
            2 => spoken_for(candidate(id, &machine), true, false),
            _ => spoken_for(candidate(id, &machine), true, true),
        });
        candidates.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_order_of_candidates_does_not_matter(host in some_machine(), candidates in some_candidates(), turn in 0..5_usize) {
        let mut other = candidates.clone();
        other.reverse();
        let turn = turn % other.len().max(1);
        other.rotate_left(turn);
        prop_assert_eq!(decided(&host, &candidates), decided(&host, &other));
    }

    #[test]
    fn a_veto_always_wins_over_weaker_evidence(host in some_machine(), candidates in some_candidates()) {
        let decision = decided(&host, &candidates);
        for fit in &decision.explanation.candidates {
            let kinds = |words: &[String]| words.iter().filter_map(|word| Evidence::from_word(word)).collect::<Vec<_>>();
            let (agrees, differs) = (kinds(&fit.agrees), kinds(&fit.differs));
            let stands = agrees.iter().any(|kind| !kind.vetoed_by().iter().any(|other| differs.contains(other)));
            if fit.verdict == Verdict::Taken {
                prop_assert!(stands, "{:?} was taken though everything is vetoed", fit);
                let strongest_against = differs.iter().min();
                prop_assert!(agrees.iter().any(|kind| strongest_against.is_none_or(|other| kind < other || !kind.vetoed_by().contains(other))));
            }
        }
    }

    #[test]
    fn nobody_is_given_away_who_still_answers(host in some_machine(), candidates in some_candidates()) {
        if let Outcome::Existing(id) = decided(&host, &candidates).outcome {
            let taken = candidates.iter().find(|candidate| candidate.compute_id == id);
            prop_assert!(taken.is_some_and(|taken| taken.agents.iter().all(|agent| !agent.holds_on)));
        }
    }

    #[test]
    fn a_host_that_was_given_a_compute_is_given_the_same_one_again(host in some_machine(), candidates in some_candidates()) {
        let Outcome::Existing(id) = decided(&host, &candidates).outcome else { return Ok(()) };
        // Its facts are the compute's now, and its former agents are no more.
        let after: Vec<Candidate> = candidates
            .into_iter()
            .map(|one| if one.compute_id == id { Candidate { facts: facts(&host), agents: Vec::new(), ..one } } else { one })
            .collect();
        let again = decided(&host, &after).outcome;
        prop_assert!(again == Outcome::Existing(id) || again == Outcome::Undecided, "{again:?}");
    }

    #[test]
    fn everything_that_was_decided_says_why(host in some_machine(), candidates in some_candidates()) {
        let decision = decided(&host, &candidates);
        prop_assert!(!decision.explanation.summary.is_empty());
        prop_assert_eq!(decision.explanation.candidates.len(), candidates.len());
        for fit in &decision.explanation.candidates {
            prop_assert!(!fit.reason.is_empty(), "{fit:?}");
            prop_assert!(fit.verdict != Verdict::Taken || !fit.why.is_empty(), "{fit:?}");
        }
    }
}
