//! Decides what the collector shows in a browser: the web UI in `ui/dist`, or the page in `ui/fallback` that says how to
//! build it.
//!
//! A build needs no npm. It never embeds a UI that was built from other sources than those in the tree: `npm run build`
//! leaves a fingerprint of its sources in `ui/dist`, which is compared here (`ui/scripts/stamp.mjs` is its other half).

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// What the UI is made of, besides `src`.
const SOURCES: [&str; 4] = ["index.html", "package-lock.json", "tsconfig.json", "vite.config.ts"];

/// Tells `src/web.rs` to show the page in `ui/fallback`.
const FALLBACK: &str = "fallback";

fn main() -> io::Result<()> {
    let ui = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("ui");
    let dist = ui.join("dist");
    let wanted = fingerprint(&ui)?;
    let built = fs::read_to_string(dist.join("sources.txt")).ok().map(|text| text.trim().to_owned());
    if built.is_some() {
        for watched in SOURCES.iter().chain(&["src", "public", "fallback", "dist"]) {
            println!("cargo:rerun-if-changed={}", ui.join(watched).display());
        }
    } else {
        // A path that is missing would run this again each time.
        println!("cargo:rerun-if-changed={}", ui.display());
    }
    let stamp = match built {
        Some(built) if built == wanted => built,
        Some(_) => {
            println!(
                "cargo:warning=the web UI in collector/ui/dist is older than its sources and is left out: deploy/build-ui builds it"
            );
            FALLBACK.to_owned()
        }
        None => FALLBACK.to_owned(),
    };
    println!("cargo:rustc-env=ORCHESTRIX_UI_STAMP={stamp}");
    Ok(())
}

/// FNV-1a over the path and content of each source, by path.
fn fingerprint(ui: &Path) -> io::Result<String> {
    let mut files: Vec<PathBuf> = SOURCES.iter().map(|name| ui.join(name)).filter(|file| file.is_file()).collect();
    for folder in ["src", "public"] {
        collect(&ui.join(folder), &mut files)?;
    }
    let mut named: Vec<(String, PathBuf)> = files
        .into_iter()
        .map(|file| (file.strip_prefix(ui).unwrap_or(&file).to_string_lossy().replace('\\', "/"), file))
        .filter(|(name, _)| !name.ends_with(".test.ts") && !name.ends_with(".test.tsx") && !is_generated(name))
        .collect();
    named.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (name, file) in named {
        let content = fs::read(file)?;
        for byte in name.bytes().chain([0]).chain(content).chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(format!("{hash:016x}"))
}

/// Types generated from the description of the API: they leave no trace in what is built.
fn is_generated(name: &str) -> bool {
    name == "src/api/schema.d.ts"
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
