//! Compiles the contract with `protox`, so that no `protoc` is needed.

use std::{env, error::Error, path::PathBuf};

use prost::Message as _;

const ROOT: &str = "orchestrix/discovery/v1";
const FILES: [&str; 7] = ["enrollment", "entity", "host", "kubernetes", "report", "session", "socket"];

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = FILES.iter().map(|name| format!("{ROOT}/{name}.proto")).collect();
    for file in &files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(&files, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    std::fs::write(out.join("discovery.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // A fixed order of labels makes the encoding, and with it the hash of an entity, deterministic.
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
