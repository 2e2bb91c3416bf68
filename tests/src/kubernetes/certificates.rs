//! The keys and certificates of a cluster: its authority, its server, its administrator, and its service accounts' key.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};

/// Files in one folder.
#[derive(Debug)]
pub(super) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes all of them.
    pub(super) fn make(folder: &Path) -> Self {
        let files = Self { folder: folder.join("pki") };
        fs::create_dir(&files.folder).expect("a folder can be made");
        let mut params = named("cluster authority", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key can be made");
        let authority = params.self_signed(&key).expect("a certificate can be made");
        files.write("ca.crt", &authority.pem());
        let issuer = Issuer::new(params, key);

        let mut server = named("kube-apiserver", None);
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
        server.subject_alt_names = CertificateParams::new(names).expect("names are valid").subject_alt_names;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        files.sign("server", &server, &issuer);
        let mut admin = named("admin", Some("system:masters"));
        admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        files.sign("admin", &admin, &issuer);

        let accounts = KeyPair::generate().expect("a key can be made");
        files.write("accounts.key", &accounts.serialize_pem());
        files.write("accounts.pub", &accounts.public_key_pem());
        files
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a kubeconfig for the holder of a client certificate.
    pub(super) fn write_kubeconfig(&self, file: &Path, server: SocketAddr, name: &str) {
        let of = |kind: &str| self.file(&format!("{name}.{kind}"));
        let user = json!({ "client-certificate": of("crt"), "client-key": of("key") });
        self.write_config(file, server, "default", &user);
    }

    /// Writes a kubeconfig for the holder of a token.
    pub(super) fn write_token_kubeconfig(&self, file: &Path, server: SocketAddr, namespace: &str, token: &str) {
        self.write_config(file, server, namespace, &json!({ "token": token }));
    }

    fn write_config(&self, file: &Path, server: SocketAddr, namespace: &str, user: &Value) {
        let cluster = json!({ "server": format!("https://{server}"), "certificate-authority": self.file("ca.crt") });
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "test", "cluster": cluster }],
            "users": [{ "name": "test", "user": user }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test", "namespace": namespace } }],
        });
        fs::write(file, config.to_string()).expect("a kubeconfig can be written");
    }

    fn sign(&self, name: &str, params: &CertificateParams, issuer: &Issuer<'_, KeyPair>) {
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.clone().signed_by(&key, issuer).expect("a certificate can be signed");
        self.write(&format!("{name}.crt"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.file(name), content).expect("a file can be written");
    }
}

fn named(name: &str, organization: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params
}
