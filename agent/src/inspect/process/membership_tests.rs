//! Recorded lines of real hosts, and whom they belong to.

use rstest::rstest;

use super::*;

const ID: &str = "c6f1ab64d8b0c0d2f0a9f4c27d6e1f0ba1d2c3e4f5061728394a5b6c7d8e9f00";
const OTHER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn container() -> Owner {
    Owner::Container(ID.into())
}

fn service(unit: &str) -> Owner {
    Owner::Service(unit.into())
}

#[rstest]
#[case::docker_cgroupfs_v1("12:memory:/docker/{id}\n1:name=systemd:/docker/{id}\n0::/docker/{id}", container())]
#[case::docker_without_systemd("9:name=systemd:/\n4:memory:/docker/{id}\n2:cpuacct:/docker/{id}\n0::/", container())]
#[case::docker_systemd_v1(
    "9:memory:/system.slice/docker-{id}.scope\n1:name=systemd:/system.slice/docker-{id}.scope",
    container()
)]
#[case::docker_systemd_v2("0::/system.slice/docker-{id}.scope", container())]
#[case::docker_systemd_inside("1:name=systemd:/docker/{id}/system.slice/nginx.service\n0::/docker/{id}", container())]
#[case::docker_in_docker("0::/system.slice/docker-{id}.scope/docker/{other}", container())]
#[case::rootless_docker("0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{id}.scope", container())]
#[case::podman_v2("0::/machine.slice/libpod-{id}.scope/container", container())]
#[case::podman_cgroupfs("0::/libpod_parent/libpod-{id}", container())]
#[case::podman_split("0::/system.slice/web.service/libpod-payload-{id}", container())]
#[case::podman_monitor("0::/machine.slice/libpod-conmon-{id}.scope", Owner::Nobody)]
#[case::kubepods_cgroupfs("11:memory:/kubepods/burstable/pod2f7b3b0e-6b0e-4b7e-9d0e-0c0c0c0c0c0c/{id}", container())]
#[case::kubepods_systemd(
    "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/cri-containerd-{id}.scope",
    container()
)]
#[case::kubepods_crio("0::/kubepods.slice/kubepods-pod1_2.slice/crio-{id}.scope", container())]
#[case::kubepods_crio_monitor("0::/kubepods.slice/kubepods-pod1_2.slice/crio-conmon-{id}.scope", Owner::Nobody)]
#[case::colons("0::/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:{id}", container())]
#[case::nerdctl("0::/system.slice/nerdctl-{id}.scope", container())]
#[case::service_v2("0::/system.slice/nginx.service", service("nginx.service"))]
#[case::service_hybrid(
    "3:memory:/system.slice/nginx.service\n1:name=systemd:/system.slice/nginx.service\n0::/system.slice/nginx.service",
    service("nginx.service")
)]
#[case::service_delegating("0::/system.slice/foo.service/worker/1", service("foo.service"))]
#[case::service_template("0::/system.slice/system-getty.slice/getty@tty1.service", service("getty@tty1.service"))]
#[case::service_escaped(
    "0::/system.slice/system-postgresql.slice/postgresql@15-main.service",
    service("postgresql@15-main.service")
)]
#[case::own_slice("0::/machine.slice/backup.service", service("backup.service"))]
#[case::user_service("0::/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service", Owner::UserService("user@1000.service".into(), "syncthing.service".into()))]
#[case::user_manager("0::/user.slice/user-1000.slice/user@1000.service/init.scope", Owner::Nobody)]
#[case::user_app("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-12.scope", Owner::Nobody)]
#[case::session("0::/user.slice/user-0.slice/session-3.scope", Owner::Nobody)]
#[case::init("0::/init.scope", Owner::Nobody)]
#[case::lxc("0::/lxc.payload.web/system.slice/nginx.service", Owner::Nobody)]
#[case::virtual_machine("0::/machine.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt/emulator", Owner::Nobody)]
#[case::bare_v1("9:name=systemd:/\n4:memory:/\n0::/", Owner::Nobody)]
#[case::garbage("nonsense\n:\n::\n1:2", Owner::Nobody)]
#[case::empty("", Owner::Nobody)]
fn the_owner_is_read_from_the_path(#[case] text: &str, #[case] expected: Owner) {
    let text = text.replace("{id}", ID).replace("{other}", OTHER);
    assert_eq!(parse(&text, None).owner, expected);
}

#[test]
fn the_container_of_the_agent_itself_says_nothing() {
    let parse = |rest: &str| parse(&format!("1:name=systemd:/docker/{ID}{rest}\n0::/"), Some(ID)).owner;
    assert_eq!(parse(""), Owner::Nobody);
    assert_eq!(parse("/system.slice/nginx.service"), service("nginx.service"));
    assert_eq!(parse(&format!("/docker/{OTHER}")), Owner::Container(OTHER.into()));
    assert_eq!(container_of(&format!("0::/docker/{ID}/init.scope")).as_deref(), Some(ID));
}

#[test]
fn the_groups_own_path_ends_with_its_name() {
    let text = format!("4:memory:/docker/{ID}/init.scope\n3:cpu,cpuacct:/docker/{ID}\n1:name=systemd:/\n0::/");
    let membership = parse(&text, None);
    let own = format!("/docker/{ID}");
    assert_eq!(membership.own_path("memory"), Some(own.as_str()));
    assert_eq!(membership.own_path("cpuacct"), Some(own.as_str()));
    assert_eq!(membership.own_path("pids"), None);
    assert_eq!(membership.own_unified_path(), None);
    assert_eq!(membership.control_group, Some(own));

    let service = parse("4:memory:/\n1:name=systemd:/system.slice/a.service/sub\n0::/system.slice/a.service", None);
    assert_eq!(service.own_path("memory"), None);
    assert_eq!(service.own_unified_path(), Some("/system.slice/a.service"));
    assert_eq!(service.control_group.as_deref(), Some("/system.slice/a.service"));
}
