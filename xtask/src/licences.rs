//! Every dependency is under a licence that lets people ship Pombal (docs/LICENSING.md).

use std::fs;

use serde_json::Value;

use crate::command::{cargo, root, say};
use crate::npm;

/// Permissive licences, by SPDX id.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages of tests/baileys that may be under another licence. They run in a process of their
/// own, in tests alone, and nobody is given them with Pombal.
const TEST_ONLY: [(&str, &str); 1] = [("node_modules/libsignal", "GPL-3.0")];

/// Fails when a package of a lock file is under another licence.
pub(crate) fn check() -> Result<(), String> {
    say("$ check licences");
    let mut refused = refused_crates()?;
    for folder in npm::FOLDERS {
        refused.extend(refused_packages(folder)?);
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "licences that are not on the list:\n{}",
            refused.join("\n")
        ))
    }
}

fn refused_crates() -> Result<Vec<String>, String> {
    let output = cargo(&["metadata", "--format-version", "1", "--locked"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"]
        .as_array()
        .ok_or("cargo metadata names no packages")?;
    Ok(packages
        .iter()
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or_default()))
        .map(|package| {
            format!(
                "{} {}: {}",
                package["name"], package["version"], package["license"]
            )
        })
        .collect())
}

fn refused_packages(folder: &str) -> Result<Vec<String>, String> {
    let path = root().join(folder).join("package-lock.json");
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
    let lock: Value = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    let packages = lock["packages"]
        .as_object()
        .ok_or_else(|| failed(&"names no packages"))?;
    Ok(packages
        .iter()
        // The empty name is the folder itself.
        .filter(|(name, package)| !name.is_empty() && package["link"] != true)
        .map(|(name, package)| (name, package["license"].as_str().unwrap_or_default()))
        .filter(|(name, licence)| {
            !is_allowed(licence) && !TEST_ONLY.contains(&(name.as_str(), licence))
        })
        .map(|(name, licence)| format!("{name}: {licence}"))
        .collect())
}

/// Whether some alternative of the expression consists of allowed licences only.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    // `(A OR B) AND C`: each part in parentheses is an expression of its own.
    if let Some((group, rest)) = expression
        .strip_prefix('(')
        .and_then(|e| e.split_once(") AND "))
    {
        return is_allowed(group) && is_allowed(rest);
    }
    expression.split(" OR ").any(|all| {
        all.split(" AND ")
            .all(|licence| ALLOWED.contains(&licence.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_understood() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "Apache-2.0/MIT",
            "Apache-2.0 AND ISC",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "AGPL-3.0-only",
            "MIT AND GPL-2.0",
            "(GPL-2.0 OR AGPL-3.0) AND MIT",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
