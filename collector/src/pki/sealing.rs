//! Seals the CA's keys at rest.
//!
//! AES-256-GCM with a random nonce each time; what a sealed text is for is authenticated with it, so that one cannot be
//! put in the place of another. The key is a file of its own (`DIR/sealing.key`, mode 0600, 32 bytes in base64url),
//! made when the first collector of an installation starts for the first time. **Several collectors share it**: copy
//! the file to each before it starts. Whoever has the database and this file can issue certificates; a backup keeps
//! them apart.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use orchestrix_common::pki::base64url;
use zeroize::Zeroizing;

use super::PkiError;

/// Name of the key's file in the data folder.
pub const SEALING_KEY_FILE: &str = "sealing.key";

/// First byte of every sealed text.
const VERSION: u8 = 1;

/// The key that seals other keys.
pub struct SealingKey(LessSafeKey);

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl SealingKey {
    /// Reads the key; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read, others may read it, or it holds something else.
    pub fn load(path: &Path) -> Result<Option<Self>, PkiError> {
        let failed = |source| PkiError::SealingKeyFile { action: "read", path: path.to_owned(), source };
        let mode = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found.map_err(failed)?.permissions().mode(),
        };
        if mode & 0o077 != 0 {
            return Err(PkiError::SealingKeyMode(path.to_owned()));
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
        let bytes = base64url::decode(text.trim()).map(Zeroizing::new);
        let key = bytes.and_then(|bytes| Self::new(&bytes));
        key.map(Some).ok_or_else(|| PkiError::SealingKeyContent(path.to_owned()))
    }

    /// Reads the key, or makes it. Of several processes that make it at once, all end with the same one.
    ///
    /// # Errors
    /// When the file can be neither read nor made.
    pub fn load_or_create(path: &Path) -> Result<Self, PkiError> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        create(path).map_err(|source| PkiError::SealingKeyFile { action: "make", path: path.to_owned(), source })?;
        Self::load(path)?.ok_or_else(|| PkiError::SealingKeyMissing(path.to_owned()))
    }

    fn new(bytes: &[u8]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, bytes).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Seals a text for a purpose.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, PkiError> {
        let nonce = random::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(plain.to_vec());
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut text)
            .map_err(|_| PkiError::Crypto)?;
        Ok([&[VERSION], nonce.as_slice(), &text, tag.as_ref()].concat())
    }

    /// Opens a text that was sealed for the same purpose.
    ///
    /// # Errors
    /// When it was sealed with another key, for something else, or altered.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PkiError> {
        let (nonce, text) = match sealed.split_first() {
            Some((&VERSION, rest)) => rest.split_first_chunk::<NONCE_LEN>().ok_or(PkiError::Sealed)?,
            _ => return Err(PkiError::Sealed),
        };
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.0.open_in_place(nonce, Aad::from(purpose), &mut text).map_err(|_| PkiError::Sealed)?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// Writes a new key beside `path` and links it there, which fails when somebody else was first.
fn create(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let bytes = Zeroizing::new(random::<32>().map_err(io::Error::other)?);
    let text = Zeroizing::new(format!("{}\n", base64url::encode(bytes.as_slice())));
    let beside = path.with_extension(format!("{}.new", uuid::Uuid::new_v4().simple()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    });
    fs::remove_file(&beside)?;
    linked?;
    File::open(folder)?.sync_all()
}

/// Random bytes from the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], PkiError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| PkiError::Crypto)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_purpose_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sealing.key");
        let key = SealingKey::load_or_create(&path).unwrap();
        let sealed = key.seal("root", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        let again = SealingKey::load(&path).unwrap().unwrap();
        assert_eq!(again.open("root", &sealed).unwrap().as_slice(), b"secret");
        assert!(matches!(again.open("issuing", &sealed), Err(PkiError::Sealed)));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(again.open("root", &altered).is_err(), "byte {at}");
            assert!(again.open("root", &sealed[..at]).is_err());
        }
        let other = SealingKey::load_or_create(&dir.path().join("other.key")).unwrap();
        assert!(matches!(other.open("root", &sealed), Err(PkiError::Sealed)));
    }

    #[test]
    fn the_file_is_private_and_one_that_is_not_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sealing.key");
        SealingKey::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SealingKey::load(&path), Err(PkiError::SealingKeyMode(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short").unwrap();
        assert!(matches!(SealingKey::load(&path), Err(PkiError::SealingKeyContent(_))));
    }

    #[test]
    fn all_who_make_it_at_once_get_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sealing.key");
        let keys: Vec<SealingKey> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| SealingKey::load_or_create(&path).unwrap())).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        let sealed = keys[0].seal("x", b"y").unwrap();
        assert!(keys.iter().all(|key| key.open("x", &sealed).is_ok()));
    }
}
