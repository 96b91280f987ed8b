//! Writes what Pombal costs on AWS into `docs/OPERATIONS.md`.

use std::fs;
use std::path::PathBuf;

use pombal_costs::page;

use crate::command::root;

/// Makes the generated part of the page anew.
pub(crate) fn write_page() -> Result<(), String> {
    let (path, _, renewed) = pages()?;
    fs::write(&path, renewed).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where the page is, what it says, and what it should say.
fn pages() -> Result<(PathBuf, String, String), String> {
    let path = root().join("docs").join("OPERATIONS.md");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let renewed = page::renew(&text)
        .ok_or_else(|| format!("{} has no line {:?}", path.display(), page::BEGIN))?;
    Ok((path, text, renewed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_things_cost_now() {
        let (_, text, renewed) = pages().unwrap();
        assert!(
            text == renewed,
            "docs/OPERATIONS.md is not up to date: run `cargo xtask costs`"
        );
    }
}
