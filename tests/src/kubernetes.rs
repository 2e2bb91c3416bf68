//! A real Kubernetes API server with etcd and the controllers that need no kubelet, of the test's own.
//!
//! There is no kubelet: nodes and pods are made through the API, and a story plays the kubelet by setting their status.
//! Requests go through `kubectl proxy`, so that the small HTTP client of this harness can make them.

mod certificates;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    daemon::Daemon,
    http, part,
    programs::{self, Ran},
    wait,
};
use certificates::Certificates;

/// How long each part may take to be ready.
const READY: Duration = Duration::from_secs(90);
/// Time for one `kubectl`.
const KUBECTL: Duration = Duration::from_secs(60);
/// Controllers that work without kubelets.
const CONTROLLERS: &str = "namespace,serviceaccount,serviceaccount-token,garbagecollector,resourcequota,\
                           clusterrole-aggregation,root-ca-cert-publisher";

/// A cluster without kubelets. Its API server can be killed and started again.
#[derive(Debug)]
pub struct RealKubernetes {
    // The order in which they end: what needs another one goes first.
    proxy: Option<Daemon>,
    controllers: Option<Daemon>,
    apiserver: Option<Daemon>,
    _etcd: Daemon,
    folder: TempDir,
    assets: PathBuf,
    certificates: Certificates,
    etcd_address: SocketAddr,
    /// Further flags of the API server.
    flags: Vec<String>,
    address: SocketAddr,
    proxy_address: SocketAddr,
}

impl RealKubernetes {
    /// Starts a cluster; `None` after telling that its parts cannot be had.
    ///
    /// # Panics
    /// When the parts are there but do not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same, with further flags of the API server.
    ///
    /// # Panics
    /// When the parts are there but do not start.
    #[must_use]
    pub fn start_with(flags: &[&str]) -> Option<Self> {
        let assets = match assets() {
            Ok(assets) => assets,
            Err(reason) => {
                part::skip("kubernetes", &reason);
                return None;
            }
        };
        let folder = tempfile::tempdir().expect("a folder for temporary files can be made");
        let certificates = Certificates::make(folder.path());
        let (etcd_address, peers) = (programs::free_address(), programs::free_address());
        let mut etcd = Command::new(assets.join("etcd"));
        etcd.arg("--data-dir").arg(folder.path().join("etcd"));
        for (name, address) in [("client", etcd_address), ("peer", peers)] {
            etcd.arg(format!("--listen-{name}-urls=http://{address}"));
        }
        etcd.arg(format!("--advertise-client-urls=http://{etcd_address}"));
        etcd.arg(format!("--initial-advertise-peer-urls=http://{peers}"));
        etcd.arg(format!("--initial-cluster=default=http://{peers}"));
        let etcd = Daemon::start(etcd, &folder.path().join("etcd.out"));
        let mut cluster = Self {
            proxy: None,
            controllers: None,
            apiserver: None,
            _etcd: etcd,
            assets,
            certificates,
            etcd_address,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            address: programs::free_address(),
            proxy_address: programs::free_address(),
            folder,
        };
        cluster.certificates.write_kubeconfig(&cluster.admin_kubeconfig(), cluster.address, "admin");
        cluster.start_apiserver();
        cluster.start_controllers();
        Some(cluster)
    }

    /// Starts the API server, and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub fn start_apiserver(&mut self) {
        let file = |name: &str| self.certificates.file(name).to_string_lossy().into_owned();
        let mut command = Command::new(self.assets.join("kube-apiserver"));
        command.args([
            format!("--etcd-servers=http://{}", self.etcd_address),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.address.port()),
            format!("--tls-cert-file={}", file("server.crt")),
            format!("--tls-private-key-file={}", file("server.key")),
            format!("--client-ca-file={}", file("ca.crt")),
            format!("--service-account-key-file={}", file("accounts.pub")),
            format!("--service-account-signing-key-file={}", file("accounts.key")),
            format!("--service-account-issuer={}", Self::ISSUER),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--allow-privileged=true".to_owned(),
        ]);
        command.args(&self.flags);
        if !self.assets.join("kube-controller-manager").is_file() {
            // Nobody makes the accounts that pods would have to wait for.
            command.arg("--disable-admission-plugins=ServiceAccount");
        }
        self.apiserver = Some(Daemon::start(command, &self.folder.path().join("apiserver.out")));
        if self.proxy.is_none() {
            let mut proxy = self.kubectl_command();
            proxy.args(["proxy", "--address=127.0.0.1", &format!("--port={}", self.proxy_address.port())]);
            self.proxy = Some(Daemon::start(proxy, &self.folder.path().join("proxy.out")));
        }
        let proxy = self.proxy_address;
        let apiserver = self.apiserver.as_mut().expect("it was just started");
        wait::until("the API server to be ready", READY, || {
            if let Some(status) = apiserver.has_ended() {
                panic!("the API server ended with {status}:\n{}", apiserver.log_tail());
            }
            match http::request(proxy, "GET", "/readyz", None, None) {
                Ok(answer) if answer.status == 200 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }

    fn start_controllers(&mut self) {
        let mut command = Command::new(self.assets.join("kube-controller-manager"));
        if !Path::new(command.get_program()).is_file() {
            // envtest brings none; what needs it says so.
            return;
        }
        let file = |name: &str| self.certificates.file(name).to_string_lossy().into_owned();
        command.args([
            format!("--kubeconfig={}", self.admin_kubeconfig().display()),
            format!("--controllers={CONTROLLERS}"),
            format!("--service-account-private-key-file={}", file("accounts.key")),
            format!("--root-ca-file={}", file("ca.crt")),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            "--port=0".to_owned(),
        ]);
        self.controllers = Some(Daemon::start(command, &self.folder.path().join("controllers.out")));
        self.wait_for_account("default", "default");
    }

    /// Issuer of the tokens of service accounts.
    pub const ISSUER: &'static str = "https://kubernetes.default.svc";

    /// Whether controllers run: without them no namespace ever goes and no quota counts.
    #[must_use]
    pub fn has_controllers(&self) -> bool {
        self.controllers.is_some()
    }

    /// Ends the API server as `kill -9` does.
    pub fn kill_apiserver(&mut self) {
        if let Some(mut apiserver) = self.apiserver.take() {
            apiserver.kill();
        }
    }

    /// Where the API server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// File with the certificate of its authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.certificates.file("ca.crt")
    }

    /// File with the public key of service accounts.
    #[must_use]
    pub fn accounts_key(&self) -> PathBuf {
        self.certificates.file("accounts.pub")
    }

    /// Kubeconfig of somebody who may do everything.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.folder.path().join("admin.kubeconfig")
    }

    /// The same, for somebody who reaches the API server through a proxy at `address`.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn admin_kubeconfig_through(&self, address: SocketAddr) -> PathBuf {
        let text = fs::read_to_string(self.admin_kubeconfig()).expect("the kubeconfig can be read");
        let file = self.folder.path().join(format!("admin-{}.kubeconfig", address.port()));
        let text = text.replace(&self.address.to_string(), &address.to_string());
        fs::write(&file, text).expect("the kubeconfig can be written");
        file
    }

    /// Makes the store forget what happened up to now, as it does by itself every few minutes.
    ///
    /// # Panics
    /// When it refuses.
    pub fn forget_the_past(&self) {
        let list = self.done("GET", "/api/v1/namespaces?limit=1", None);
        let revision = list["metadata"]["resourceVersion"].clone();
        let body = json!({ "revision": revision, "physical": true });
        let answer = http::request(self.etcd_address, "POST", "/v3/kv/compaction", None, Some(&body));
        let answer = answer.expect("etcd answers");
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Kubeconfig with a fresh token of a service account.
    #[must_use]
    pub fn account_kubeconfig(&self, namespace: &str, account: &str) -> PathBuf {
        let token = self.account_token(namespace, account, &[], None);
        let file = self.folder.path().join(format!("{namespace}-{account}.kubeconfig"));
        self.certificates.write_token_kubeconfig(&file, self.address, namespace, &token);
        file
    }

    /// A token of a service account as a kubelet would project it: for these audiences, bound to a pod.
    ///
    /// # Panics
    /// When none is issued.
    #[must_use]
    pub fn account_token(&self, namespace: &str, account: &str, audiences: &[&str], pod: Option<&Value>) -> String {
        let bound = pod.map(|pod| {
            let metadata = &pod["metadata"];
            json!({ "apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"] })
        });
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {},
            "spec": { "audiences": audiences, "expirationSeconds": 3600, "boundObjectRef": bound },
        });
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let answer = self.request("POST", &path, Some(&request)).expect("the API server answers");
        let token = answer.json()["status"]["token"].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("no token: {}", answer.body))
    }

    /// Sends a request as somebody who may do everything.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<http::Answer> {
        http::request(self.proxy_address, method, path, None, body)
    }

    /// Sends a request that must succeed.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.request(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
        answer.json()
    }

    /// Makes an object in the list at `path`.
    #[track_caller]
    pub fn create(&self, path: &str, object: &Value) -> Value {
        self.done("POST", path, Some(object))
    }

    /// Sets the status of an object, as its controller or kubelet would.
    #[track_caller]
    pub fn set_status(&self, path: &str, status: &Value) -> Value {
        let mut object = self.done("GET", path, None);
        object["status"] = status.clone();
        self.done("PUT", &format!("{path}/status"), Some(&object))
    }

    /// Makes a namespace, and waits until pods can be made in it.
    #[track_caller]
    pub fn create_namespace(&self, name: &str, labels: &Value) {
        let object = json!({ "metadata": { "name": name, "labels": labels } });
        self.create("/api/v1/namespaces", &object);
        self.wait_for_account(name, "default");
    }

    /// Makes a node with the identity of a machine of its own.
    #[track_caller]
    pub fn create_node(&self, name: &str, labels: &Value) {
        let object = json!({
            "metadata": { "name": name, "labels": labels },
            "spec": { "providerID": format!("test:///{name}") },
        });
        self.create("/api/v1/nodes", &object);
        self.set_status(&format!("/api/v1/nodes/{name}"), &node_status(name, true));
    }

    /// Makes a pod on a node and lets it run, as its kubelet would. `container_id` is that of its one container.
    #[track_caller]
    pub fn run_pod(&self, namespace: &str, name: &str, node: &str, container_id: &str) -> Value {
        let pod = self.create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod(name, node));
        let status = pod_status("Running", container_id, 0);
        self.set_status(&format!("/api/v1/namespaces/{namespace}/pods/{name}"), &status);
        pod
    }

    /// Deletes a pod at once, as a kubelet does when its containers have ended.
    #[track_caller]
    pub fn delete_pod(&self, namespace: &str, name: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        self.done("DELETE", &path, Some(&json!({ "gracePeriodSeconds": 0 })));
    }

    /// Runs `kubectl` as somebody who may do everything.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> Ran {
        let mut command = self.kubectl_command();
        command.args(arguments);
        programs::run_command(command, KUBECTL)
    }

    /// Runs `kubectl` as the identity of another kubeconfig.
    #[must_use]
    pub fn kubectl_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Ran {
        let mut command = Command::new(self.assets.join("kubectl"));
        command.env("KUBECONFIG", kubeconfig).args(arguments);
        programs::run_command(command, KUBECTL)
    }

    fn kubectl_command(&self) -> Command {
        let mut command = Command::new(self.assets.join("kubectl"));
        command.env("KUBECONFIG", self.admin_kubeconfig());
        command.env("HOME", self.folder.path());
        command
    }

    /// Waits until pods can be made that act as a service account. Without controllers they always can.
    ///
    /// # Panics
    /// When that takes too long.
    #[track_caller]
    pub fn wait_for_account(&self, namespace: &str, account: &str) {
        if self.controllers.is_none() {
            return;
        }
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}");
        wait::until(&format!("service account {account} of namespace {namespace}"), READY, || {
            let answer = self.request("GET", &path, None).map_err(|error| error.to_string())?;
            let has_token = answer.json()["secrets"].is_array() || !self.needs_secrets();
            wait::check(answer.status == 200 && has_token, || answer.body)
        });
    }

    /// Up to 1.23 a service account is ready once it has a secret.
    fn needs_secrets(&self) -> bool {
        let version = self.request("GET", "/version", None).map(|answer| answer.json()).unwrap_or_default();
        let minor = version["minor"].as_str().and_then(|minor| minor.trim_end_matches('+').parse::<u32>().ok());
        minor.is_some_and(|minor| minor < 24)
    }
}

/// Status of a node.
#[must_use]
pub fn node_status(name: &str, ready: bool) -> Value {
    let word = if ready { "True" } else { "False" };
    // Another name, another machine.
    let number = name.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    json!({
        "capacity": { "cpu": "4", "memory": "8388608Ki", "pods": "110" },
        "allocatable": { "cpu": "3900m", "memory": "7864320Ki", "pods": "110" },
        "conditions": [{
            "type": "Ready", "status": word, "reason": "KubeletReady", "message": "posted by a story",
            "lastHeartbeatTime": "2024-05-01T10:00:00Z", "lastTransitionTime": "2024-05-01T10:00:00Z",
        }],
        "addresses": [
            { "type": "InternalIP", "address": format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255) },
            { "type": "Hostname", "address": name },
        ],
        "nodeInfo": {
            "machineID": format!("{number:08x}8f3a4b5c6d7e8f90a1b2c3d4"),
            "systemUUID": format!("{number:08x}-3a4b-4c5d-8e7f-90a1b2c3d4e5"),
            "bootID": "", "kernelVersion": "6.1.0", "osImage": "Debian GNU/Linux 12 (bookworm)",
            "containerRuntimeVersion": "containerd://1.6.20", "kubeletVersion": "v1.20.2",
            "kubeProxyVersion": "v1.20.2", "operatingSystem": "linux", "architecture": "amd64",
        },
    })
}

/// A pod with one container, a secret in its environment and a limit.
#[must_use]
pub fn pod(name: &str, node: &str) -> Value {
    json!({
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": {
            "nodeName": node, "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "main", "image": "web:1", "env": [{ "name": "TOKEN", "value": "planted-secret" }],
                "ports": [{ "containerPort": 8080 }],
                "resources": {
                    "requests": { "cpu": "100m", "memory": "64Mi" }, "limits": { "cpu": "200m", "memory": "128Mi" },
                },
            }],
        },
    })
}

/// Status of such a pod.
#[must_use]
pub fn pod_status(phase: &str, container_id: &str, restarts: u32) -> Value {
    let ready = phase == "Running";
    let state = match phase {
        "Running" => json!({ "running": { "startedAt": "2024-05-01T10:00:02Z" } }),
        "Succeeded" | "Failed" => json!({ "terminated": {
            "exitCode": i32::from(phase == "Failed"),
            "reason": if phase == "Failed" { "Error" } else { "Completed" },
            "startedAt": "2024-05-01T10:00:02Z", "finishedAt": "2024-05-01T10:05:00Z",
        } }),
        _ => json!({ "waiting": { "reason": "ContainerCreating" } }),
    };
    json!({
        "phase": phase, "qosClass": "Burstable", "podIP": "10.1.2.3", "podIPs": [{ "ip": "10.1.2.3" }],
        "startTime": "2024-05-01T10:00:00Z",
        "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }],
        "containerStatuses": [{
            "name": "main", "image": "web:1", "imageID": "web@sha256:00", "ready": ready, "restartCount": restarts,
            "containerID": format!("containerd://{container_id}"), "state": state,
        }],
    })
}

/// The folder with the parts: what `tests/run` found, what envtest's variable names, or what an earlier run built.
fn assets() -> Result<PathBuf, String> {
    let named = ["ORCHESTRIX_TEST_KUBERNETES_ASSETS", "KUBEBUILDER_ASSETS"];
    let named = named.iter().find_map(std::env::var_os).filter(|folder| !folder.is_empty());
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let built = cache.map(|cache| cache.join("orchestrix-tests/kubernetes"));
    let folder = named.map(PathBuf::from).or(built).ok_or("there is no home folder")?;
    for program in ["etcd", "kube-apiserver", "kubectl"] {
        if !folder.join(program).is_file() {
            return Err(format!("{program} is not in {}; tests/run builds it", folder.display()));
        }
    }
    fs::canonicalize(&folder).map_err(|error| format!("{}: {error}", folder.display()))
}
