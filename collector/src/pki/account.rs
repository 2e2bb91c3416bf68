//! Service accounts of Kubernetes clusters: the token of a pod stands for a join token.
//!
//! A cluster is registered with its public keys, so a token is judged here, without asking the cluster. It must be one
//! that a kubelet projected into a pod (it names the pod), for this collector alone (its audience), of the registered
//! namespace and service account. Where the cluster says on which node the pod runs (1.29 and later), the agent must be on
//! that node. It knows nothing of certificates and of the database.

use std::{fmt, path::PathBuf};

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, jwk::JwkSet};
use orchestrix_common::time::Timestamp;
use serde::Deserialize;

/// Algorithms that clusters sign with; none of them is symmetric.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Seconds by which the clocks of a cluster and a collector may differ.
const SKEW_SECS: i64 = 60;

/// A cluster whose agents may enrol by their service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredCluster {
    /// UID of its namespace kube-system.
    pub uid: String,
    /// Issuer of its tokens.
    pub issuer: String,
    /// Audience that a token must be for.
    pub audience: String,
    /// Its public keys: a JSON Web Key Set, or keys in PEM. Read anew for each token, since clusters change them.
    pub keys_file: PathBuf,
    /// Namespace of the agents.
    pub namespace: String,
    /// Service account of the agents.
    pub service_account: String,
}

/// What a cluster vouched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attested {
    /// UID of the cluster's namespace kube-system.
    pub(super) cluster_uid: String,
    /// UID of the pod.
    pub(super) pod_uid: String,
    /// Node that the pod runs on; `None` when the cluster does not say.
    pub(super) node: Option<String>,
}

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AccountError {
    /// No cluster is registered.
    NoCluster,
    /// No key of a registered cluster signed it.
    NotSigned,
    /// A registered cluster signed it, but it is not for this.
    Refused(String),
    /// The keys of no registered cluster can be read.
    NoKeys,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCluster => f.write_str("no cluster is registered with this collector"),
            Self::NotSigned => f.write_str("no registered cluster signed the token of the service account"),
            Self::Refused(reason) => write!(f, "the token of the service account {reason}"),
            Self::NoKeys => f.write_str("the collector cannot read the keys of its registered clusters"),
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(default)]
    nbf: i64,
    #[serde(rename = "kubernetes.io")]
    kubernetes: KubernetesClaims,
}

#[derive(Deserialize)]
struct KubernetesClaims {
    namespace: String,
    serviceaccount: Named,
    pod: Option<Named>,
    node: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    uid: String,
}

/// Judges a token by the registered clusters.
pub(super) async fn attest(
    clusters: &[RegisteredCluster],
    token: &str,
    now: Timestamp,
) -> Result<Attested, AccountError> {
    if clusters.is_empty() {
        return Err(AccountError::NoCluster);
    }
    let header = decode_header(token).map_err(|_| AccountError::Refused("is no signed token".to_owned()))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(AccountError::Refused("is signed in a way that clusters do not use".to_owned()));
    }
    let mut unreadable = 0;
    for cluster in clusters {
        let keys = match tokio::fs::read(&cluster.keys_file).await {
            Ok(content) => keys(&content, &header),
            Err(error) => {
                tracing::warn!(file = %cluster.keys_file.display(), %error, "keys of a cluster cannot be read");
                unreadable += 1;
                continue;
            }
        };
        for key in keys {
            if let Ok(claims) = signed(token, &header, &key) {
                return judged(cluster, token, &header, &key, claims, now);
            }
        }
    }
    Err(if unreadable == clusters.len() { AccountError::NoKeys } else { AccountError::NotSigned })
}

/// The keys that may have signed a token with this header.
fn keys(content: &[u8], header: &Header) -> Vec<DecodingKey> {
    if let Ok(set) = serde_json::from_slice::<JwkSet>(content) {
        let named = |id: &Option<String>| header.kid.is_none() || id.is_none() || *id == header.kid;
        let fitting = set.keys.iter().filter(|key| named(&key.common.key_id));
        return fitting.filter_map(|key| DecodingKey::from_jwk(key).ok()).collect();
    }
    let text = String::from_utf8_lossy(content);
    let blocks = text.split_inclusive("-----END PUBLIC KEY-----").filter(|block| block.contains("-----BEGIN"));
    let read = |block: &str| match header.alg {
        Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(block.trim().as_bytes()),
        Algorithm::EdDSA => DecodingKey::from_ed_pem(block.trim().as_bytes()),
        _ => DecodingKey::from_rsa_pem(block.trim().as_bytes()),
    };
    blocks.filter_map(|block| read(block).ok()).collect()
}

/// Checks the signature alone; what the token says is judged apart, so that the reason can be told.
fn signed(token: &str, header: &Header, key: &DecodingKey) -> Result<Claims, jsonwebtoken::errors::Error> {
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    decode(token, key, &validation).map(|token| token.claims)
}

fn judged(
    cluster: &RegisteredCluster,
    token: &str,
    header: &Header,
    key: &DecodingKey,
    claims: Claims,
    now: Timestamp,
) -> Result<Attested, AccountError> {
    let refused = |reason: &str| Err(AccountError::Refused(reason.to_owned()));
    let now = now.as_micros() / 1_000_000;
    if claims.exp + SKEW_SECS < now {
        return refused("has expired");
    }
    if claims.nbf - SKEW_SECS > now {
        return refused("is not valid yet");
    }
    let mut validation = Validation::new(header.alg);
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    validation.set_issuer(&[&cluster.issuer]);
    validation.set_audience(&[&cluster.audience]);
    validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    if decode::<Claims>(token, key, &validation).is_err() {
        return refused("is of another issuer or for another audience");
    }
    let KubernetesClaims { namespace, serviceaccount, pod, node } = claims.kubernetes;
    let subject = format!("system:serviceaccount:{}:{}", cluster.namespace, cluster.service_account);
    if claims.sub != subject || namespace != cluster.namespace || serviceaccount.name != cluster.service_account {
        return refused("is of another service account");
    }
    match pod {
        Some(pod) if !pod.uid.is_empty() => Ok(Attested {
            cluster_uid: cluster.uid.clone(),
            pod_uid: pod.uid,
            node: node.map(|node| node.name).filter(|name| !name.is_empty()),
        }),
        _ => refused("is bound to no pod"),
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
