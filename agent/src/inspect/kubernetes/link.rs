//! The way to the API server: from inside a pod, or by a kubeconfig that the operator names. It knows nothing of what is
//! read over it.

use std::{fmt, path::PathBuf, time::Duration};

use kube::{
    Api, Client, Config, Resource,
    api::GetParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::objects::NamespaceObject;
use crate::inspect::InspectError;

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// The namespace whose UID names the cluster: it is made with the cluster and cannot be deleted.
const CLUSTER_NAMESPACE: &str = "kube-system";

/// Where the API server is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// By the service account of the pod that the agent runs in.
    Pod,
    /// As this file says.
    File(PathBuf),
    /// Nowhere.
    None,
}

/// The way to one API server. Shared by all inspectors of a cluster.
pub struct Link {
    place: Place,
    client: OnceCell<(Client, String)>,
    cluster: OnceCell<String>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Link {
    /// The way that `kubeconfig` describes; without one that of the pod that the agent runs in, if it does.
    #[must_use]
    pub fn new(kubeconfig: Option<PathBuf>) -> Self {
        let in_pod = || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some_and(|host| !host.is_empty());
        let place = match kubeconfig {
            Some(file) => Place::File(file),
            None if in_pod() => Place::Pod,
            None => Place::None,
        };
        Self { place, client: OnceCell::new(), cluster: OnceCell::new() }
    }

    /// Whether there is a cluster to look at.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.place != Place::None
    }

    /// The client. Nothing is sent before it is used; the files it needs are read when it is first asked for.
    pub(super) async fn client(&self) -> Result<Client, InspectError> {
        Ok(self.connected().await?.0.clone())
    }

    /// The namespace of the agent's pod, or that of the kubeconfig's context.
    pub(super) async fn own_namespace(&self) -> Result<String, InspectError> {
        Ok(self.connected().await?.1.clone())
    }

    /// The cluster's identifier.
    pub(super) async fn cluster_uid(&self) -> Result<String, InspectError> {
        let asked = self.cluster.get_or_try_init(|| async {
            let namespace: NamespaceObject = get(self.client().await?, None, CLUSTER_NAMESPACE).await?;
            let uid = namespace.metadata.uid.filter(|uid| !uid.is_empty());
            uid.ok_or_else(|| InspectError::Unavailable(format!("namespace {CLUSTER_NAMESPACE} has no UID")))
        });
        asked.await.cloned()
    }

    async fn connected(&self) -> Result<&(Client, String), InspectError> {
        let unusable = |what: &str, error: &dyn fmt::Display| InspectError::Unavailable(format!("{what}: {error}"));
        self.client
            .get_or_try_init(|| async {
                let mut config = match &self.place {
                    Place::Pod => {
                        Config::incluster().map_err(|error| unusable("service account of the pod", &error))?
                    }
                    Place::File(file) => {
                        let what = file.display().to_string();
                        let read = Kubeconfig::read_from(file).map_err(|error| unusable(&what, &error))?;
                        let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
                        config.map_err(|error| unusable(&what, &error))?
                    }
                    Place::None => return Err(InspectError::Unavailable("there is no cluster here".to_owned())),
                };
                config.connect_timeout = Some(CONNECT);
                let namespace = config.default_namespace.clone();
                let client = Client::try_from(config).map_err(|error| unusable("client", &error))?;
                Ok((client, namespace))
            })
            .await
    }
}

/// Reads one object, as new as the server has it at hand.
pub(super) async fn get<K>(client: Client, namespace: Option<&str>, name: &str) -> Result<K, InspectError>
where
    K: Resource<DynamicType = ()> + Clone + fmt::Debug + DeserializeOwned,
{
    let url = K::url_path(&(), namespace);
    let request = kube::core::Request::new(url).get(name, &GetParams::any());
    let request = request.map_err(|error| InspectError::Unavailable(error.to_string()))?;
    client.request::<K>(request).await.map_err(|error| problem(&K::plural(&()), &error))
}

/// What an error of the client means for the source.
pub(super) fn problem(what: &str, error: &kube::Error) -> InspectError {
    match error {
        kube::Error::Api(status) if status.code == 401 => {
            InspectError::NotPermitted(format!("{what}: the API server does not know this agent (401)"))
        }
        kube::Error::Api(status) if status.code == 403 => {
            InspectError::NotPermitted(format!("{what}: the agent's role does not allow it (403)"))
        }
        kube::Error::Api(status) => InspectError::Unavailable(format!("{what}: {} ({})", status.reason, status.code)),
        // The text of others may hold addresses that change with each try; a reason is told only when it changes.
        kube::Error::HyperError(_) | kube::Error::Service(_) => {
            InspectError::Unavailable(format!("{what}: the API server does not answer"))
        }
        other => InspectError::Unavailable(format!("{what}: {}", kind_of(other))),
    }
}

fn kind_of(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => "the answer cannot be read",
        kube::Error::ReadEvents(_) => "the connection broke off",
        _ => "the request failed",
    }
}

/// A typed view of a resource in all namespaces.
pub(super) fn all<K>(client: Client) -> Api<K>
where
    K: Resource<DynamicType = ()>,
{
    Api::all(client)
}
