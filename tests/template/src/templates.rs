//! The templates of the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cloudformation;
use crate::resource::Resource;

/// All templates, by their paths from the root.
#[derive(Clone)]
pub struct Templates(BTreeMap<String, Value>);

impl Templates {
    /// Reads `template.yaml` and `infra/*.yaml`.
    ///
    /// # Panics
    /// When one can't be read.
    #[must_use]
    pub fn read() -> Self {
        let nested = fs::read_dir(root().join("infra")).unwrap();
        let names = nested
            .map(|entry| format!("infra/{}", entry.unwrap().file_name().to_str().unwrap()))
            .filter(|name| name.ends_with(".yaml"))
            .chain(["template.yaml".to_owned()]);
        let read = |name: String| {
            let text = fs::read_to_string(root().join(&name)).unwrap();
            (name, cloudformation::parse(&text))
        };
        Self(names.map(read).collect())
    }

    /// One of them.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn get(&self, file: &str) -> &Value {
        &self.0[file]
    }

    /// One of them, to be changed.
    ///
    /// # Panics
    /// When it is not there.
    pub fn get_mut(&mut self, file: &str) -> &mut Value {
        self.0.get_mut(file).unwrap()
    }

    /// Every resource of every template.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        self.0.iter().flat_map(|(file, template)| {
            let resources = template["Resources"].as_object().unwrap();
            resources
                .iter()
                .map(|(name, value)| Resource { file, name, value })
        })
    }

    /// Every resource of a type.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = Resource<'a>> {
        self.resources()
            .filter(move |resource| resource.kind() == kind)
    }
}

/// The repository's root.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}
