//! The table of docs/MIGRATING.md, which says what becomes of each variable. The page is part
//! of the program: what people read is what it does.

/// What becomes of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It means the same here.
    Honoured,
    /// Something else takes its place, or will.
    Replaced,
    /// There is no such thing here.
    Dropped,
    /// It will mean the same.
    Later,
}

const PAGE: &str = include_str!("../../../docs/MIGRATING.md");

/// What becomes of `name`. None: it is not one of Evolution's.
pub(super) fn fate(name: &str) -> Option<Fate> {
    rows().find_map(|(names, fate)| {
        patterns(names)
            .any(|pattern| matches(pattern, name))
            .then_some(fate)
    })
}

/// The rows of tables whose second column is a fate: names, and what becomes of them.
fn rows() -> impl Iterator<Item = (&'static str, Fate)> {
    PAGE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let names = cells.next()?;
        let fate = match cells.next()?.trim() {
            "honoured" => Fate::Honoured,
            "replaced" => Fate::Replaced,
            "dropped" => Fate::Dropped,
            "later" => Fate::Later,
            _ => return None,
        };
        Some((names, fate))
    })
}

/// The names in a cell; each stands between backticks. A `*` stands for any ending.
fn patterns(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Every file of the crates that read the environment.
    fn sources() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut folders: Vec<_> = ["control-plane", "connector", "standalone", "store"]
            .map(|crate_| root.join(crate_).join("src"))
            .into();
        let mut all = String::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path != Path::new(file!()) {
                    all.push_str(&fs::read_to_string(path).unwrap());
                }
            }
        }
        all
    }

    #[test]
    fn what_is_honoured_is_read() {
        let sources = sources();
        let honoured = rows().filter(|(_, fate)| *fate == Fate::Honoured);
        let mut count = 0;
        for pattern in honoured.flat_map(|(names, _)| patterns(names)) {
            let literal = match pattern.strip_suffix('*') {
                Some(beginning) => format!("\"{beginning}"),
                None => format!("\"{pattern}\""),
            };
            assert!(sources.contains(&literal), "nobody reads {pattern}");
            count += 1;
        }
        assert!(count > 10, "{count} rows were understood");
    }

    #[test]
    fn no_variable_stands_there_twice() {
        let mut seen = BTreeSet::new();
        for pattern in rows().flat_map(|(names, _)| patterns(names)) {
            assert!(seen.insert(pattern), "{pattern}");
        }
    }

    #[test]
    fn names_find_their_row() {
        for (name, wanted) in [
            ("AUTHENTICATION_API_KEY", Some(Fate::Honoured)),
            ("DATABASE_PROVIDER", Some(Fate::Replaced)),
            ("WEBHOOK_RETRY_JITTER_FACTOR", Some(Fate::Honoured)),
            ("WEBHOOK_EVENTS_MESSAGES_UPSERT", Some(Fate::Honoured)),
            ("WEBHOOK_EVENTS_GROUPS_UPDATE", Some(Fate::Honoured)),
            ("WEBHOOK_EVENTS_LOGOUT_INSTANCE", Some(Fate::Dropped)),
            ("WEBHOOK_EVENTS_ERRORS_WEBHOOK", Some(Fate::Dropped)),
            ("WEBHOOK_EVENTS_NEW_JWT_TOKEN", Some(Fate::Dropped)),
            ("TELEMETRY_URL", Some(Fate::Dropped)),
            ("HOME", None),
        ] {
            assert_eq!(fate(name), wanted, "{name}");
        }
    }
}
