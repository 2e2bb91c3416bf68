use std::os::unix::fs::PermissionsExt as _;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, SerialNumber,
    SubjectPublicKeyInfo, string::Ia5String,
};

use orchestrix_common::pki::TokenId;

use super::*;

const AGENT: &str = "spiffe://orchestrix.local/agent/0193b3a4-7c1e-7d2f-9a3b-4c5d6e7f8091";

fn machine(id: &str) -> Machine {
    Machine { machine_id: Some(id.to_owned()), product_uuid: Some("11-22".to_owned()), ..Machine::default() }
}

/// A credential whose serial is made of `number`.
fn issued(number: u8) -> Credential {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_der = root.self_signed(&root_key).unwrap().der().clone();
    let key = Key::generate().unwrap();
    let pair = KeyPair::try_from(key.pkcs8()).unwrap();
    let mut leaf = CertificateParams::default();
    leaf.subject_alt_names = vec![SanType::URI(Ia5String::try_from(AGENT).unwrap())];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    leaf.serial_number = Some(SerialNumber::from_slice(&[number]));
    let public_key = SubjectPublicKeyInfo::from_der(&rcgen::PublicKeyData::subject_public_key_info(&pair)).unwrap();
    let leaf = leaf.signed_by(&public_key, &Issuer::new(root, root_key)).unwrap();
    Credential::new(key, vec![leaf.der().clone()], vec![root_der]).unwrap()
}

fn serial(keystore: &Keystore) -> u8 {
    keystore.load().unwrap().unwrap().serial.to_bytes()[15]
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_stored_identity_comes_back_and_only_its_owner_may_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let keystore = Keystore::at(dir.path(), &machine("aa"));
    assert!(keystore.load().unwrap().is_none());
    let credential = issued(7);
    keystore.save(&credential).unwrap();
    let loaded = keystore.load().unwrap().unwrap();
    assert_eq!(loaded.agent_id, credential.agent_id);
    assert_eq!(loaded.key.pkcs8(), credential.key.pkcs8());
    assert_eq!(loaded.chain, credential.chain);
    assert_eq!(mode(&dir.path().join("identity")), 0o700);
    assert_eq!(mode(&dir.path().join("identity/slot-0")), 0o600);
}

#[test]
fn a_crash_at_any_byte_leaves_a_credential_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let keystore = Keystore::at(dir.path(), &machine("aa"));
    keystore.save(&issued(1)).unwrap();
    keystore.save(&issued(2)).unwrap();
    assert_eq!(serial(&keystore), 2);
    let newest = dir.path().join("identity/slot-1");
    let whole = fs::read(&newest).unwrap();
    for length in 0..whole.len() {
        // Torn in the slot itself, as after a failing disk, and torn beside it, as after a crash while writing.
        fs::write(&newest, &whole[..length]).unwrap();
        assert_eq!(serial(&keystore), 1, "cut at byte {length}");
    }
    fs::write(&newest, &whole).unwrap();
    for length in [0, 1, whole.len() / 2, whole.len()] {
        fs::write(dir.path().join("identity/slot-0.new"), &whole[..length]).unwrap();
        assert_eq!(serial(&keystore), 2);
    }
    keystore.save(&issued(3)).unwrap();
    assert_eq!(serial(&keystore), 3);
    assert_eq!(fs::read(&newest).unwrap(), whole, "the slot before the newest stays");
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let keystore = Keystore::at(dir.path(), &machine("aa"));
    keystore.save(&issued(1)).unwrap();
    let path = dir.path().join("identity/slot-0");
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(keystore.load(), Err(IdentityError::Damaged(_))), "byte {at}");
    }
    keystore.save(&issued(2)).unwrap();
    assert_eq!(serial(&keystore), 2);
}

#[test]
fn an_identity_from_a_cloned_disk_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    Keystore::at(dir.path(), &machine("aa")).save(&issued(1)).unwrap();
    let error = Keystore::at(dir.path(), &machine("bb")).load().unwrap_err();
    assert!(matches!(error, IdentityError::OtherMachine("machine id")));
    assert!(error.is_permanent());
    assert!(error.to_string().contains("prepare-image"), "{error}");
}

#[test]
fn a_second_try_with_the_same_token_uses_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let keystore = Keystore::at(dir.path(), &machine("aa"));
    let (token, other) = (TokenId::from_random([1; 8]).to_string(), TokenId::from_random([2; 8]).to_string());
    let first = keystore.pending_key(&token).unwrap();
    assert_eq!(keystore.pending_key(&token).unwrap().pkcs8(), first.pkcs8());
    assert_ne!(keystore.pending_key(&other).unwrap().pkcs8(), first.pkcs8());
    let before = keystore.pending_key(&other).unwrap();
    let clone = Keystore::at(dir.path(), &machine("bb"));
    assert_ne!(clone.pending_key(&other).unwrap().pkcs8(), before.pkcs8(), "another machine makes its own key");
    keystore.save(&issued(1)).unwrap();
    assert!(!dir.path().join("identity/pending").exists());
}

#[test]
fn preparing_an_image_leaves_no_key_behind() {
    let dir = tempfile::tempdir().unwrap();
    let keystore = Keystore::at(dir.path(), &machine("aa"));
    wipe(dir.path()).unwrap();
    keystore.save(&issued(1)).unwrap();
    keystore.pending_key(&TokenId::from_random([1; 8]).to_string()).unwrap();
    wipe(dir.path()).unwrap();
    assert!(keystore.load().unwrap().is_none());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_state_folder_that_cannot_be_written_says_so() {
    let keystore = Keystore::at(Path::new("/proc/self"), &machine("aa"));
    let error = keystore.save(&issued(1)).unwrap_err();
    assert!(matches!(error, IdentityError::Storage { action: "write", .. }));
    assert!(error.to_string().contains("state folder"), "{error}");
}
