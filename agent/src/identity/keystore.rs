//! Keeps the identity on disk, in `STATE_DIR/identity` (mode 0700, files 0600).
//!
//! Two slots hold the newest credential and the one before. A save replaces the slot that is not the newest: written
//! beside it, synced, renamed, and the folder synced. Each file carries a checksum and a generation; loading takes the
//! newest whole one. So a crash at any byte, or a damaged file, leaves a credential that works.
//!
//! A third file holds the key of an enrolment under way: without it, a crash after the collector answered would burn
//! the token.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use orchestrix_common::{model::Machine, pki::base64url};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    IdentityError,
    credential::{Credential, Key},
    fingerprint::Fingerprint,
};

const FOLDER: &str = "identity";
const SLOTS: [&str; 2] = ["slot-0", "slot-1"];
const PENDING: &str = "pending";
/// First word of every file; another one is another format.
const MAGIC: &str = "orchestrix-identity-1";

/// The folder of one agent, and the machine that may use what is in it.
#[derive(Clone, Debug)]
pub(super) struct Keystore {
    folder: PathBuf,
    machine: Fingerprint,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Slot {
    generation: u64,
    machine: Fingerprint,
    private_key: String,
    chain: Vec<String>,
    roots: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    token: String,
    machine: Fingerprint,
    private_key: String,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.private_key.zeroize();
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.private_key.zeroize();
    }
}

impl Keystore {
    pub(super) fn at(state_dir: &Path, machine: &Machine) -> Self {
        Self { folder: state_dir.join(FOLDER), machine: Fingerprint::of(machine) }
    }

    /// Loads the newest credential; `None` when there never was one.
    ///
    /// # Errors
    /// When the files cannot be read, when none is whole though one is there, or when it belongs to another machine.
    pub(super) fn load(&self) -> Result<Option<Credential>, IdentityError> {
        let Some((_, slot)) = self.newest()? else { return Ok(None) };
        if let Some(fact) = slot.machine.difference(&self.machine) {
            return Err(IdentityError::OtherMachine(fact));
        }
        // Whole by its checksum but not a credential: nothing that a torn write leaves behind.
        credential(&slot).map(Some).map_err(|_| IdentityError::Damaged(self.folder.clone()))
    }

    /// Stores a credential as the newest, and drops the key of the enrolment that led to it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save(&self, credential: &Credential) -> Result<(), IdentityError> {
        let newest = match self.newest() {
            // Both slots are beyond use: nothing is lost by writing over one.
            Err(IdentityError::Damaged(_)) => None,
            other => other?,
        };
        let (target, generation) = match newest {
            Some((index, slot)) => (1 - index, slot.generation.saturating_add(1)),
            None => (0, 1),
        };
        let encoded = |certificates: &[CertificateDer<'_>]| certificates.iter().map(base64url::encode).collect();
        let slot = Slot {
            generation,
            machine: self.machine.clone(),
            private_key: base64url::encode(credential.key.pkcs8()),
            chain: encoded(&credential.chain),
            roots: encoded(&credential.roots),
        };
        self.write(SLOTS[target], &slot)?;
        self.remove(PENDING)
    }

    /// The key to enrol with: the one that an earlier try with this token left, or a new one, which is stored first.
    ///
    /// # Errors
    /// When a key cannot be made or stored.
    pub(super) fn pending_key(&self, token: &str) -> Result<Key, IdentityError> {
        let earlier = self.read::<Pending>(PENDING)?.whole();
        if let Some(pending) = earlier
            && pending.token == token
            && pending.machine.difference(&self.machine).is_none()
            && let Some(key) = key(&pending.private_key)
        {
            return Ok(key);
        }
        let key = Key::generate()?;
        let private_key = base64url::encode(key.pkcs8());
        let pending = Pending { token: token.to_owned(), machine: self.machine.clone(), private_key };
        self.write(PENDING, &pending)?;
        Ok(key)
    }

    fn newest(&self) -> Result<Option<(usize, Slot)>, IdentityError> {
        let (mut newest, mut damaged) = (None::<(usize, Slot)>, false);
        for (index, name) in SLOTS.into_iter().enumerate() {
            match self.read::<Slot>(name)? {
                Content::Whole(slot) if newest.as_ref().is_none_or(|(_, old)| old.generation < slot.generation) => {
                    newest = Some((index, slot));
                }
                Content::Whole(_) | Content::Missing => {}
                Content::Damaged => {
                    damaged = true;
                    tracing::warn!(slot = name, "a slot of the key store is damaged");
                }
            }
        }
        if newest.is_none() && damaged { Err(IdentityError::Damaged(self.folder.clone())) } else { Ok(newest) }
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Content<T>, IdentityError> {
        let path = self.folder.join(name);
        match fs::read(&path).map(Zeroizing::new) {
            Ok(bytes) => Ok(unsealed(&bytes).map_or(Content::Damaged, Content::Whole)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Content::Missing),
            Err(source) => Err(IdentityError::Storage { action: "read", path, source }),
        }
    }

    fn write<T: Serialize>(&self, name: &str, content: &T) -> Result<(), IdentityError> {
        let path = self.folder.join(name);
        let bytes = sealed(content);
        bytes.and_then(|bytes| self.replace(&path, &bytes)).map_err(|source| IdentityError::Storage {
            action: "write",
            path,
            source,
        })
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let beside = path.with_extension("new");
        // A leftover may have another mode; a new file has the one asked for.
        remove_file(&beside)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(&self.folder)?.sync_all()
    }

    fn remove(&self, name: &str) -> Result<(), IdentityError> {
        let path = self.folder.join(name);
        remove_file(&path).map_err(|source| IdentityError::Storage { action: "remove", path, source })
    }
}

/// Removes the folder. Its files are overwritten first, as a disk image may be made of the disk right after.
pub(super) fn wipe(state_dir: &Path) -> io::Result<()> {
    let folder = state_dir.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if fs::symlink_metadata(&path)?.is_file() {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
            file.write_all(&vec![0; length])?;
            file.sync_all()?;
        }
        fs::remove_file(&path)?;
    }
    fs::remove_dir(&folder)?;
    File::open(state_dir)?.sync_all()
}

enum Content<T> {
    Missing,
    Damaged,
    Whole(T),
}

impl<T> Content<T> {
    fn whole(self) -> Option<T> {
        match self {
            Self::Whole(content) => Some(content),
            Self::Missing | Self::Damaged => None,
        }
    }
}

/// `MAGIC CHECKSUM\nJSON`.
fn sealed<T: Serialize>(content: &T) -> io::Result<Zeroizing<Vec<u8>>> {
    let json = Zeroizing::new(serde_json::to_vec(content)?);
    let mut bytes = Zeroizing::new(format!("{MAGIC} {}\n", blake3::hash(&json).to_hex()).into_bytes());
    bytes.extend_from_slice(&json);
    Ok(bytes)
}

fn unsealed<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let line = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, json) = (std::str::from_utf8(bytes.get(..line)?).ok()?, bytes.get(line + 1..)?);
    let checksum = head.strip_prefix(MAGIC)?.strip_prefix(' ')?;
    if blake3::hash(json).to_hex().as_str() != checksum {
        return None;
    }
    serde_json::from_slice(json).ok()
}

fn credential(slot: &Slot) -> Result<Credential, IdentityError> {
    let certificates = |texts: &[String]| -> Vec<CertificateDer<'static>> {
        texts.iter().filter_map(|text| base64url::decode(text)).map(CertificateDer::from).collect()
    };
    let key = key(&slot.private_key).ok_or(IdentityError::Answer("the key cannot be read"))?;
    Credential::stored(key, certificates(&slot.chain), certificates(&slot.roots))
}

fn key(text: &str) -> Option<Key> {
    Key::from_pkcs8(Zeroizing::new(base64url::decode(text)?)).ok()
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests;
