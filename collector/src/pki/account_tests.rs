use jsonwebtoken::{EncodingKey, encode};
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::*;

struct Issuer {
    key: KeyPair,
    cluster: RegisteredCluster,
    _folder: tempfile::TempDir,
}

fn issuer() -> Issuer {
    let (folder, key) = (tempfile::tempdir().unwrap(), KeyPair::generate().unwrap());
    let keys_file = folder.path().join("keys.pem");
    // The key before it is still there.
    let earlier = KeyPair::generate().unwrap().public_key_pem();
    std::fs::write(&keys_file, format!("{earlier}{}", key.public_key_pem())).unwrap();
    let cluster = RegisteredCluster {
        uid: "cluster".into(),
        issuer: "https://kubernetes.default.svc".into(),
        audience: "orchestrix".into(),
        keys_file,
        namespace: "inventory".into(),
        service_account: "orchestrix-agent".into(),
    };
    Issuer { key, cluster, _folder: folder }
}

fn claims() -> Value {
    json!({
        "iss": "https://kubernetes.default.svc", "aud": ["orchestrix"], "exp": 2_000, "nbf": 1_000,
        "sub": "system:serviceaccount:inventory:orchestrix-agent",
        "kubernetes.io": {
            "namespace": "inventory", "serviceaccount": { "name": "orchestrix-agent", "uid": "s" },
            "pod": { "name": "orchestrix-agent-x", "uid": "pod-uid" }, "node": { "name": "node-a", "uid": "n" },
        },
    })
}

impl Issuer {
    async fn judge(&self, claims: &Value, secs: i64) -> Result<Attested, AccountError> {
        let key = EncodingKey::from_ec_pem(self.key.serialize_pem().as_bytes()).unwrap();
        let token = encode(&Header::new(Algorithm::ES256), claims, &key).unwrap();
        attest(std::slice::from_ref(&self.cluster), &token, Timestamp::from_secs(secs)).await
    }
}

#[tokio::test]
async fn a_projected_token_of_the_registered_account_is_accepted() {
    let attested = issuer().judge(&claims(), 1_500).await.unwrap();
    assert_eq!((attested.cluster_uid.as_str(), attested.pod_uid.as_str()), ("cluster", "pod-uid"));
    assert_eq!(attested.node.as_deref(), Some("node-a"));
}

#[tokio::test]
async fn anything_else_is_refused_with_its_reason() {
    let issuer = issuer();
    let change = |pointer: &str, value: Value| {
        let mut claims = claims();
        *claims.pointer_mut(pointer).unwrap() = value;
        claims
    };
    for (claims, secs, word) in [
        (claims(), 2_061, "expired"),
        (claims(), 900, "not valid yet"),
        (change("/aud", json!(["https://kubernetes.default.svc"])), 1_500, "audience"),
        (change("/iss", json!("https://elsewhere")), 1_500, "issuer"),
        (change("/sub", json!("system:serviceaccount:inventory:default")), 1_500, "another service account"),
        (change("/kubernetes.io/namespace", json!("default")), 1_500, "another service account"),
        (change("/kubernetes.io/pod", Value::Null), 1_500, "bound to no pod"),
    ] {
        let error = issuer.judge(&claims, secs).await.unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[tokio::test]
async fn a_token_that_no_registered_cluster_signed_is_refused() {
    let (one, other) = (issuer(), issuer());
    let foreign = Issuer { key: KeyPair::generate().unwrap(), cluster: one.cluster.clone(), _folder: other._folder };
    assert_eq!(foreign.judge(&claims(), 1_500).await, Err(AccountError::NotSigned));
    let unsigned = format!("{}.{}.", "eyJhbGciOiJub25lIn0", "e30");
    let judged = attest(&[one.cluster], &unsigned, Timestamp::from_secs(1_500)).await;
    assert!(matches!(judged, Err(AccountError::Refused(_))), "{judged:?}");
    assert_eq!(attest(&[], "x", Timestamp::from_secs(1)).await, Err(AccountError::NoCluster));
}

#[tokio::test]
async fn a_key_set_is_read_too() {
    let mut issuer = issuer();
    let point = issuer.key.public_key_raw();
    let encode = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    let set = json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k1",
        "x": encode(&point[1..33]), "y": encode(&point[33..65]),
    }] });
    issuer.cluster.keys_file = issuer._folder.path().join("keys.json");
    std::fs::write(&issuer.cluster.keys_file, set.to_string()).unwrap();
    assert!(issuer.judge(&claims(), 1_500).await.is_ok());
}
