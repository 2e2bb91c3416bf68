//! Hosts with made-up programs, and the real one.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use super::*;

fn fixture() -> (tempfile::TempDir, HostRoot) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let root =
        HostRoot { proc: at.join("proc"), sys: at.join("sys"), etc: at.join("etc"), own: at.to_owned(), node: None };
    (folder, root)
}

fn write(path: &Path, content: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A file that is being written cannot be run: make it aside.
    let aside = path.with_extension("new");
    fs::write(&aside, content).unwrap();
    fs::set_permissions(&aside, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(aside, path).unwrap();
}

async fn look(inspector: &CapabilityInspector) -> BTreeMap<String, Capability> {
    let observed = inspector.inspect(Duration::from_secs(20)).await.unwrap();
    let Observation::Complete(entities) = observed else { panic!("{observed:?}") };
    let capability = |entity: Entity| match entity.body {
        Body::Capability(capability) => (entity.native_id, capability),
        other => panic!("{other:?}"),
    };
    entities.into_iter().map(capability).collect()
}

#[test]
fn versions_are_found_in_what_programs_write() {
    for (output, version) in [
        ("Docker version 28.2.2, build e6534b4\n", Some("28.2.2")),
        ("podman version 4.3.1\n", Some("4.3.1")),
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\n", Some("1.6.20~ds1")),
        ("Kubernetes v1.28.2\n", Some("1.28.2")),
        ("k3s version v1.27.1+k3s1 (bc5b42c2)\ngo version go1.20.3\n", Some("1.27.1+k3s1")),
        ("systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT\n", Some("252")),
        ("libvirtd (libvirt) 9.0.0\n", Some("9.0.0")),
        ("5.0.2\n", Some("5.0.2")),
        ("ansible [core 2.14.18]\n  config file = None\n", Some("2.14.18")),
        ("Python 3.11.2\n", Some("3.11.2")),
        ("sshd: illegal option -- V\nOpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL 3.0.15 3 Sep 2024\n", Some("9.2p1")),
        ("command not found\n", None),
        ("", None),
    ] {
        assert_eq!(version::parse(output).as_deref(), version, "{output}");
    }
}

#[tokio::test]
async fn a_program_is_asked_again_only_when_its_file_changed() {
    let (folder, root) = fixture();
    let (program, calls) = (folder.path().join("usr/bin/podman"), folder.path().join("calls"));
    let script = |version: &str| format!("#!/bin/sh\necho x >> {}\necho podman version {version}\n", calls.display());
    write(&program, &script("4.3.1"), 0o755);
    let inspector = CapabilityInspector::new(root);
    for _ in 0..3 {
        assert_eq!(look(&inspector).await["podman"].version.as_deref(), Some("4.3.1"));
    }
    assert_eq!(fs::read_to_string(&calls).unwrap(), "x\n");
    write(&program, &script("4.3.10"), 0o755);
    assert_eq!(look(&inspector).await["podman"].version.as_deref(), Some("4.3.10"));
    fs::remove_file(&program).unwrap();
    assert!(look(&inspector).await.is_empty(), "a missing program is no capability");
}

#[tokio::test]
async fn a_program_gets_a_clean_environment_and_little_time() {
    let (folder, root) = fixture();
    write(&folder.path().join("usr/bin/python3"), "#!/bin/sh\nenv\nyes 9 | head -c 999999\nexec sleep 60\n", 0o755);
    let inspector = CapabilityInspector::new(root);
    let began = std::time::Instant::now();
    let path = folder.path().join("usr/bin/python3");
    let output = version::ask(&path, &[], Duration::from_secs(2)).await;
    // It still holds the other stream open, so the cap alone does not end it.
    assert!(matches!(output, Err(version::VersionError::TimedOut(_))), "{output:?}");
    let observed = inspector.inspect(Duration::from_secs(1)).await.unwrap();
    let Observation::Complete(entities) = observed else { panic!("{observed:?}") };
    let Body::Capability(python) = &entities[0].body else { panic!() };
    assert_eq!((python.name.as_str(), python.version.as_deref()), ("python", None));
    assert!(began.elapsed() < Duration::from_secs(20));

    write(&path, "#!/bin/sh\nenv\n", 0o755);
    let output = version::ask(&path, &[], Duration::from_secs(5)).await.unwrap();
    let mut names: Vec<&str> = output.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| !matches!(*name, "PWD" | "_" | "SHLVL" | "OLDPWD"));
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LC_ALL", "PATH"]);
}

#[tokio::test]
async fn what_files_tell_is_kept_and_nothing_else() {
    let (folder, root) = fixture();
    let at = folder.path();
    write(&at.join("usr/sbin/dockerd"), "#!/bin/sh\necho Docker version 20.10.24+dfsg1, build 297e128\n", 0o755);
    let settings = r#"{"exec-opts":["native.cgroupdriver=systemd"],"storage-driver":"overlay2","proxies":{"http-proxy":"http://me:pw@p"}}"#;
    write(&at.join("etc/docker/daemon.json"), settings, 0o644);
    write(&at.join("usr/sbin/sshd"), "#!/bin/sh\necho OpenSSH_9.2p1 >&2\n", 0o755);
    write(&at.join("etc/ssh/sshd_config"), "#Port 22\nPort 2222\nport=2200\n", 0o644);
    write(&at.join("usr/bin/docker"), "", 0o644);
    // Scripts that would install something, and a program without a service manager.
    write(&at.join("usr/sbin/lxd"), "#!/bin/sh\necho 5.0\n", 0o755);
    write(&at.join("usr/bin/systemctl"), "#!/bin/sh\necho systemd 252\n", 0o755);
    write(&at.join("proc/1/comm"), "init\n", 0o644);
    let found = look(&CapabilityInspector::new(root)).await;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["docker", "ssh"]);
    let docker = &found["docker"];
    assert_eq!(docker.version.as_deref(), Some("20.10.24+dfsg1"));
    let facts: Vec<_> = docker.configuration.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(facts, [("cgroup_driver", "systemd"), ("storage_driver", "overlay2")]);
    assert_eq!(found["ssh"].version.as_deref(), Some("9.2p1"));
    assert_eq!(found["ssh"].configuration["ports"], "2200,2222");
}

#[tokio::test]
async fn this_machine_tells_the_same_twice() {
    let inspector = CapabilityInspector::new(HostRoot::default());
    let first = look(&inspector).await;
    assert_eq!(first, look(&inspector).await);
    for name in first.keys() {
        assert!(orchestrix_common::model::KNOWN_CAPABILITIES.contains(&name.as_str()), "{name}");
    }
}
