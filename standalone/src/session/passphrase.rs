//! Where a passphrase comes from. Never from an argument: everybody on the machine sees those.

use std::error::Error;
use std::io::{IsTerminal, stdin};
use std::path::Path;

use pombal_sessions::Passphrase;
use pombal_store::env;
use zeroize::Zeroizing;

/// The variable that may hold it.
const VARIABLE: &str = "POMBAL_PASSPHRASE";
/// Shortest passphrase that seals a file. The file holds an account's keys.
const MIN_CHARS: usize = 12;

/// The passphrase of a file that exists.
pub(super) fn of_existing(file: Option<&Path>) -> Result<Passphrase, Box<dyn Error>> {
    match given(file)? {
        Some(passphrase) => Ok(passphrase),
        None => prompt("Passphrase: "),
    }
}

/// A passphrase for a new file. Typed ones are asked for twice.
pub(super) fn of_new(file: Option<&Path>) -> Result<Passphrase, Box<dyn Error>> {
    let passphrase = match given(file)? {
        Some(passphrase) => passphrase,
        None => {
            let first = prompt("Passphrase for the file: ")?;
            if !prompt("The same again: ")?.is(&first) {
                return Err("the two passphrases differ".into());
            }
            first
        }
    };
    if passphrase.chars() < MIN_CHARS {
        return Err(format!("the passphrase needs at least {MIN_CHARS} characters").into());
    }
    Ok(passphrase)
}

/// From the file, else from the environment.
fn given(file: Option<&Path>) -> Result<Option<Passphrase>, Box<dyn Error>> {
    let Some(file) = file else {
        return Ok(env::text(VARIABLE)?.map(Passphrase::new));
    };
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| format!("the passphrase file {}: {error}", file.display()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Some(Passphrase::new(line))),
        _ => Err(format!("the passphrase file {} starts empty", file.display()).into()),
    }
}

fn prompt(question: &str) -> Result<Passphrase, Box<dyn Error>> {
    if !stdin().is_terminal() {
        return Err(format!(
            "no passphrase: give --passphrase-file or {VARIABLE}, or run this in a terminal"
        )
        .into());
    }
    Ok(Passphrase::new(rpassword::prompt_password(question)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_file_is_the_passphrase() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passphrase");
        for text in ["twelve chars", "twelve chars\n", "twelve chars\r\nmore\n"] {
            std::fs::write(&path, text).unwrap();
            let passphrase = of_new(Some(&path)).unwrap();
            assert!(passphrase.is(&Passphrase::new("twelve chars")), "{text:?}");
        }
        for text in ["", "\nsecond line"] {
            std::fs::write(&path, text).unwrap();
            assert!(of_existing(Some(&path)).is_err(), "{text:?}");
        }
        std::fs::write(&path, "eleven char").unwrap();
        let error = of_new(Some(&path)).unwrap_err().to_string();
        assert!(!error.contains("eleven char"), "{error}");
        assert!(of_existing(Some(&path)).is_ok());
    }
}
