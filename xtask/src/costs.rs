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
    use pombal_costs::assumed::{FUNCTION_GB, SHARDS, TASK_CPUS, TASK_GB};

    use super::*;

    /// The first value of `key` behind the line `section:` of the template.
    fn setting(section: &str, key: &str) -> f64 {
        let template = fs::read_to_string(root().join("template.yaml")).unwrap();
        let mut lines = template.lines().map(str::trim);
        lines
            .find(|line| line.strip_suffix(':') == Some(section))
            .unwrap_or_else(|| panic!("template.yaml has no {section}"));
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        value.unwrap().parse().unwrap()
    }

    #[test]
    fn the_page_takes_sizes_from_the_template() {
        assert_eq!(setting("ConnectorCpu", "Default"), TASK_CPUS * 1024.0);
        assert_eq!(setting("ConnectorMemoryMiB", "Default"), TASK_GB * 1024.0);
        assert_eq!(setting("Shards", "Default"), f64::from(SHARDS));
        assert_eq!(setting("Globals", "MemorySize"), FUNCTION_GB * 1024.0);
    }

    #[test]
    fn the_page_says_what_things_cost_now() {
        let (_, text, renewed) = pages().unwrap();
        assert!(
            text == renewed,
            "docs/OPERATIONS.md is not up to date: run `cargo xtask costs`"
        );
    }
}
