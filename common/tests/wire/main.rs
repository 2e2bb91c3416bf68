//! The model survives the wire: model → message → bytes → message → model.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing step fails the test")]

mod kubernetes;

use std::collections::BTreeMap;

use orchestrix_common::{
    hash::EntityHash,
    model::{
        Body, Capability, Change, ChangeKind, Command, Completeness, Container, ContainerNetwork, Disk, Entity,
        Evidence, Health, Host, Listener, Machine, Mount, NetworkInterface, Process, PublishedPort, Report, Source,
        SourceReport, SourceStatus, Usage,
    },
    time::Timestamp,
    wire::{self, WireError},
};
use orchestrix_proto::v1 as pb;
use proptest::{collection::vec, option, prelude::*};
use prost::Message as _;

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9/_.: é-]{1,12}"
}

fn opt_word() -> impl Strategy<Value = Option<String>> {
    option::of(word())
}

fn words() -> impl Strategy<Value = Vec<String>> {
    vec(word(), 0..3)
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(word(), word(), 0..4)
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-1_000_000_i64..i64::MAX).prop_map(Timestamp::from_micros)
}

fn opt_time() -> impl Strategy<Value = Option<Timestamp>> {
    option::of(time())
}

fn listeners() -> impl Strategy<Value = Vec<Listener>> {
    let listener = (word(), any::<u16>(), word(), opt_word(), any::<Option<u64>>()).prop_map(
        |(protocol, port, address, process, network_namespace)| Listener {
            protocol: protocol.into(),
            port,
            address,
            process,
            network_namespace,
        },
    );
    vec(listener, 0..3)
}

fn command() -> impl Strategy<Value = Option<Command>> {
    option::of((word(), any::<u32>(), words()).prop_map(|(program, argument_count, arguments)| Command {
        program,
        argument_count,
        arguments,
    }))
}

fn machine() -> impl Strategy<Value = Machine> {
    (word(), opt_word(), opt_word(), opt_word(), opt_word(), words(), words(), any::<bool>()).prop_map(
        |(hostname, machine_id, product_uuid, product_serial, cloud_instance_id, mac_addresses, addresses, inside)| {
            Machine {
                hostname,
                machine_id,
                product_uuid,
                product_serial,
                cloud_instance_id,
                mac_addresses,
                addresses,
                in_container: inside,
            }
        },
    )
}

fn host() -> impl Strategy<Value = Body> {
    let software = (opt_word(), opt_word(), opt_word(), opt_word(), opt_word(), opt_word(), opt_word());
    let hardware = (opt_word(), any::<(Option<u32>, Option<u32>)>(), any::<(Option<u64>, Option<u64>)>());
    let disk = (word(), word(), opt_word(), any::<Option<u64>>()).prop_map(
        |(mount_point, device, file_system, size_bytes)| Disk { mount_point, device, file_system, size_bytes },
    );
    let interface = (word(), opt_word(), words()).prop_map(|(name, mac_address, addresses)| NetworkInterface {
        name,
        mac_address,
        addresses,
    });
    let parts = (vec(disk, 0..3), vec(interface, 0..3));
    (machine(), software, hardware, parts, (opt_word(), opt_word()), opt_time()).prop_map(
        |(machine, software, hardware, (disks, interfaces), (vendor, model), booted_at)| {
            let (boot_id, os_name, os_id, os_version, kernel_release, architecture, cpu_model) = software;
            let (virtualization, (cpu_cores, cpu_threads), (memory_bytes, swap_bytes)) = hardware;
            Body::Host(Box::new(Host {
                machine,
                boot_id,
                os_name,
                os_id,
                os_version,
                kernel_release,
                architecture,
                cpu_model,
                cpu_cores,
                cpu_threads,
                memory_bytes,
                swap_bytes,
                disks,
                interfaces,
                virtualization,
                vendor,
                model,
                booted_at,
            }))
        },
    )
}

fn ports() -> impl Strategy<Value = Vec<PublishedPort>> {
    let port = (any::<u16>(), word(), opt_word(), any::<Option<u16>>()).prop_map(
        |(container_port, protocol, host_address, host_port)| PublishedPort {
            container_port,
            protocol: protocol.into(),
            host_address,
            host_port,
        },
    );
    vec(port, 0..3)
}

fn attachments() -> impl Strategy<Value = (Vec<ContainerNetwork>, Vec<Mount>)> {
    let network = (word(), opt_word(), opt_word(), opt_word()).prop_map(|(name, address, address_v6, mac_address)| {
        ContainerNetwork { name, address, address_v6, mac_address }
    });
    let mount = (word(), word(), word(), any::<bool>()).prop_map(|(target, kind, source, read_only)| Mount {
        target,
        kind,
        source,
        read_only,
    });
    (vec(network, 0..3), vec(mount, 0..3))
}

fn container() -> impl Strategy<Value = Body> {
    let names = (word(), word(), word(), opt_word(), word(), word(), opt_word(), opt_word(), opt_word(), opt_word());
    let numbers = any::<(Option<i32>, Option<bool>, Option<u32>, Option<u32>, Option<u64>, Option<bool>, u32)>();
    let times = (opt_time(), opt_time(), opt_time());
    (names, numbers, times, command(), words(), labels(), ports(), attachments(), listeners()).prop_map(
        |(names, numbers, times, command, environment_names, labels, ports, (networks, mounts), listeners)| {
            let (id, name, image, image_id, runtime, state, health, restart_policy, network_mode, user) = names;
            let (exit_code, killed, restart_count, cpu_limit_millicores, memory_limit_bytes, privileged, cut) = numbers;
            let (created_at, started_at, finished_at) = times;
            Body::Container(Box::new(Container {
                id,
                name,
                image,
                image_id,
                runtime,
                state: state.into(),
                health,
                exit_code,
                out_of_memory_killed: killed,
                created_at,
                started_at,
                finished_at,
                restart_count,
                restart_policy,
                cpu_limit_millicores,
                memory_limit_bytes,
                command,
                environment_names,
                labels,
                labels_truncated: cut,
                ports,
                networks,
                mounts,
                network_mode,
                privileged,
                user,
                listeners,
            }))
        },
    )
}

fn process() -> impl Strategy<Value = Body> {
    let names = (word(), opt_word(), opt_word(), opt_word(), opt_word(), opt_word());
    let numbers = any::<(Option<u32>, u32, Option<u32>, Option<u64>)>();
    (names, numbers, command(), opt_time(), listeners()).prop_map(|(names, numbers, command, started_at, listeners)| {
        let (name, executable, user, unit, control_group, container_id) = names;
        let (user_id, process_count, cpu_limit_millicores, memory_limit_bytes) = numbers;
        Body::Process(Box::new(Process {
            name,
            executable,
            command,
            user,
            user_id,
            unit,
            started_at,
            process_count,
            listeners,
            control_group,
            container_id,
            cpu_limit_millicores,
            memory_limit_bytes,
        }))
    })
}

fn capability() -> impl Strategy<Value = Body> {
    (word(), opt_word(), labels())
        .prop_map(|(name, version, configuration)| Body::Capability(Capability { name, version, configuration }))
}

fn entity() -> impl Strategy<Value = Entity> {
    let evidence =
        (word(), word()).prop_map(|(source, native_id)| Evidence { source: Source::from(source), native_id });
    (word(), vec(evidence, 0..3), prop_oneof![host(), container(), process(), capability(), kubernetes::body()].boxed())
        .prop_map(|(native_id, evidence, body)| Entity { native_id, evidence, body })
}

fn change() -> impl Strategy<Value = Change> {
    let upsert = entity().prop_map(|entity| {
        let hash = wire::hash(&entity);
        ChangeKind::Upsert { entity, hash }
    });
    let removal =
        (word(), word()).prop_map(|(native_id, reason)| ChangeKind::Removal { native_id, reason: reason.into() });
    (time(), prop_oneof![upsert, removal]).prop_map(|(observed_at, kind)| Change { observed_at, kind })
}

fn status() -> impl Strategy<Value = SourceStatus> {
    let health = prop::sample::select(vec![Health::Healthy, Health::Degraded, Health::Failing, Health::Absent]);
    let completeness = prop::sample::select(vec![Completeness::Complete, Completeness::Partial, Completeness::None]);
    (health, completeness, "[a-z ]{0,20}", time(), any::<u32>()).prop_map(
        |(health, completeness, reason, since, warnings)| SourceStatus {
            health,
            completeness,
            reason,
            since,
            warnings,
        },
    )
}

fn report() -> impl Strategy<Value = Report> {
    let source = (word(), option::of(status()), vec(change(), 0..4))
        .prop_map(|(source, status, changes)| SourceReport { source: Source::from(source), status, changes });
    (1_u64..u64::MAX, 0_u64..1, time(), vec(source, 0..3)).prop_map(|(sequence, base, recorded_at, sources)| Report {
        sequence,
        base,
        recorded_at,
        sources,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_report_survives_the_wire(report in report()) {
        let bytes = pb::Report::from(report.clone()).encode_to_vec();
        let message = pb::Report::decode(bytes.as_slice()).expect("what was encoded decodes");
        prop_assert_eq!(Report::try_from(message), Ok(report));
    }

    #[test]
    fn the_json_form_of_an_entity_reads_back(entity in entity()) {
        let text = serde_json::to_string(&entity).expect("an entity serialises");
        prop_assert_eq!(serde_json::from_str::<Entity>(&text).expect("and reads back"), entity);
    }

    #[test]
    fn a_measurement_survives_the_wire(
        source in word(), native_id in word(), cpu in any::<Option<u32>>(), memory in any::<Option<u64>>(),
    ) {
        let usage = Usage { source: source.into(), native_id, cpu_millicores: cpu, memory_bytes: memory };
        prop_assert_eq!(Usage::try_from(pb::Usage::from(usage.clone())), Ok(usage));
    }

    #[test]
    fn an_equal_entity_hashes_equally_and_another_name_differently(entity in entity()) {
        let other = Entity { native_id: format!("{}!", entity.native_id), ..entity.clone() };
        prop_assert_eq!(wire::hash(&entity), wire::hash(&entity.clone()));
        prop_assert_ne!(wire::hash(&entity), wire::hash(&other));
    }
}

fn sample() -> pb::Report {
    let entity = Entity {
        native_id: "python".to_owned(),
        evidence: Vec::new(),
        body: Body::Capability(Capability {
            name: "python".to_owned(),
            version: Some("3.11.2".to_owned()),
            configuration: BTreeMap::new(),
        }),
    };
    let hash = wire::hash(&entity);
    let kind = ChangeKind::Upsert { entity, hash };
    let changes = vec![Change { observed_at: Timestamp::EPOCH, kind }];
    let source = SourceReport { source: Source::Capability, status: None, changes };
    Report { sequence: 1, base: 0, recorded_at: Timestamp::EPOCH, sources: vec![source] }.into()
}

fn refusal(spoil: impl FnOnce(&mut pb::Entity)) -> (String, &'static str) {
    let mut message = sample();
    let Some(pb::change::Change::Upsert(entity)) = &mut message.sources[0].changes[0].change else {
        panic!("the sample is an upsert");
    };
    spoil(entity);
    let WireError { field, code, .. } = Report::try_from(message).expect_err("a spoiled report is refused");
    (field, code)
}

#[test]
fn a_refusal_names_the_place_of_the_value() {
    let place = "sources[0].changes[0].upsert";
    assert_eq!(refusal(|entity| entity.hash = vec![1, 2]), (format!("{place}.hash"), "malformed"));
    assert_eq!(refusal(|entity| entity.native_id.clear()), (format!("{place}.native_id"), "missing"));
    let long = |entity: &mut pb::Entity| entity.native_id = "x".repeat(256);
    assert_eq!(refusal(long), (format!("{place}.native_id"), "string-too-long"));
    let nameless = |entity: &mut pb::Entity| {
        if let Some(pb::entity::Body::Capability(capability)) = &mut entity.body {
            capability.name.clear();
        }
    };
    assert_eq!(refusal(nameless), (format!("{place}.capability.name"), "missing"));
}

#[test]
fn an_entity_of_a_kind_that_only_a_newer_agent_knows_is_counted_and_passed_over() {
    let mut message = sample();
    let mut strange = message.sources[0].changes[0].clone();
    if let Some(pb::change::Change::Upsert(entity)) = &mut strange.change {
        entity.body = None;
    }
    message.sources[0].changes.insert(0, strange);

    assert_eq!(wire::unknown_changes(&message), 1);
    assert_eq!(Report::try_from(message), Report::try_from(sample()));
}

#[test]
fn a_report_must_be_numbered_above_its_base() {
    for (sequence, base) in [(0, 0), (3, 3), (3, 4)] {
        let message = pb::Report { sequence, base, ..sample() };
        assert_eq!(Report::try_from(message).map_err(|error| error.field), Err("sequence".to_owned()));
    }
}

#[test]
fn a_hash_of_another_length_is_no_hash() {
    assert!(EntityHash::try_from([0_u8; 15].as_slice()).is_err());
}
