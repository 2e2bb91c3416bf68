//! The certificate of the API's port: a chain and its key in two PEM files, read at the start and again at each reload.

use std::{io, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use orchestrix_common::pki::provider;
use rustls::{
    ServerConfig,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject as _},
    },
    version::TLS13,
};

use crate::config::CertificateFiles;

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or something else than PEM is in it.
    #[error("{key} {} cannot be used", .file.display())]
    File {
        /// The configuration key.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate in the file.
    #[error("api.certificate_file {} holds no certificate, expected PEM with the leaf first", .0.display())]
    Empty(PathBuf),
    /// The key is another one's.
    #[error("the key in {} does not fit the certificate in {}", .key.display(), .certificate.display())]
    Unfit {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What the library says.
        source: rustls::Error,
    },
}

/// The TLS settings of the API's port, with where they come from.
#[derive(Clone, Debug)]
pub(super) struct ApiCertificate {
    files: CertificateFiles,
    config: Arc<ArcSwap<ServerConfig>>,
}

impl ApiCertificate {
    /// Reads both files.
    ///
    /// # Errors
    /// When one of them cannot be used, or they do not fit together.
    pub(super) fn open(files: CertificateFiles) -> Result<Self, CertificateError> {
        let config = Arc::new(ArcSwap::from_pointee(read(&files)?));
        Ok(Self { files, config })
    }

    /// What connections use that begin from now on.
    pub(super) fn config(&self) -> Arc<ArcSwap<ServerConfig>> {
        Arc::clone(&self.config)
    }

    /// Reads the files again; what was served stays when they cannot be used.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub(super) fn reload(&self) -> Result<(), CertificateError> {
        self.config.store(Arc::new(read(&self.files)?));
        Ok(())
    }
}

/// TLS 1.3, HTTP/2 and HTTP/1.1: what browsers speak.
fn read(files: &CertificateFiles) -> Result<ServerConfig, CertificateError> {
    let CertificateFiles { certificate, key } = files;
    let unusable = |name: &'static str, file: &PathBuf, error: PemError| CertificateError::File {
        key: name,
        file: file.clone(),
        source: match error {
            PemError::Io(error) => error,
            other => io::Error::other(other),
        },
    };
    let in_file = |error| unusable("api.certificate_file", certificate, error);
    let chain = CertificateDer::pem_file_iter(certificate).map_err(in_file)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(in_file)?;
    if chain.is_empty() {
        return Err(CertificateError::Empty(certificate.clone()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable("api.key_file", key, error))?;
    let unfit = |source| CertificateError::Unfit { certificate: certificate.clone(), key: key.clone(), source };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, fs, path::Path};

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn write(folder: &Path) -> CertificateFiles {
        let files = CertificateFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["inventory.example".to_owned()]).unwrap();
        fs::write(&files.certificate, cert.pem()).unwrap();
        fs::write(&files.key, signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn a_certificate_is_followed_by_another_one_that_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path());
        let served = ApiCertificate::open(files.clone()).unwrap();
        let first = served.config().load_full();
        fs::write(&files.key, "nothing").unwrap();
        let error = served.reload().unwrap_err();
        assert!(error.to_string().starts_with("api.key_file "), "{error}");
        assert!(error.source().is_some());
        assert!(Arc::ptr_eq(&served.config().load_full(), &first), "what is served stays");
        write(folder.path());
        served.reload().unwrap();
        assert!(!Arc::ptr_eq(&served.config().load_full(), &first));
    }

    #[test]
    fn what_cannot_be_served_is_said() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (files, others) = (write(folder.path()), write(other.path()));
        let open = |certificate: &Path, key: &Path| {
            let files = CertificateFiles { certificate: certificate.to_owned(), key: key.to_owned() };
            ApiCertificate::open(files).unwrap_err().to_string()
        };
        let text = open(&files.certificate, &others.key);
        assert!(text.starts_with("the key in ") && text.contains(" does not fit the certificate in "), "{text}");
        let missing = folder.path().join("missing.pem");
        assert_eq!(open(&missing, &files.key), format!("api.certificate_file {} cannot be used", missing.display()));
        let text = open(&files.key, &files.key);
        assert!(text.ends_with("holds no certificate, expected PEM with the leaf first"), "{text}");
    }
}
