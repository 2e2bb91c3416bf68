//! Writes manual pages and shell completions from the description that reads the command line.

use std::{fs, io, path::Path};

use clap::Command;
use clap_complete::{Shell, generate_to};

/// Shells, and the folder and name under which each looks for completions of a program (Debian policy and the manuals of
/// the shells); the name is what `clap_complete` gives the file but for Bash.
const SHELLS: [(Shell, &str); 3] = [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")];

/// Writes `man/PROGRAM.1`, `man/PROGRAM-SUBCOMMAND.1`, … and `completions/{bash,zsh,fish}/…` below a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write(mut command: Command, folder: &Path) -> io::Result<()> {
    let name = command.get_name().to_owned();
    for (shell, of_shell) in SHELLS {
        let folder = folder.join("completions").join(of_shell);
        fs::create_dir_all(&folder)?;
        let written = generate_to(shell, &mut command, &name, &folder)?;
        if shell == Shell::Bash {
            // Loaded on demand by the name of the program.
            fs::rename(written, folder.join(&name))?;
        }
    }
    let pages = folder.join("man");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(command, &pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        let command = Command::new("prog")
            .about("Does it.")
            .subcommand(Command::new("run").about("Runs."))
            .subcommand(Command::new("secret").hide(true));
        write(command, folder.path()).unwrap();
        for file in [
            "man/prog.1",
            "man/prog-run.1",
            "completions/bash/prog",
            "completions/zsh/_prog",
            "completions/fish/prog.fish",
        ] {
            assert!(fs::metadata(folder.path().join(file)).is_ok_and(|file| file.len() > 0), "{file}");
        }
        assert!(!folder.path().join("man/prog-secret.1").exists(), "hidden ones are for programs");
    }
}
