//! Names of media.

use std::fmt;
use std::str::FromStr;

use object_store::path::Path;
use pombal_domain::InstanceId;

use super::Error;

/// Longest name in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// Where a medium is kept: `<instance id>/<name>`. An instance's media have their place, and no
/// name leads out of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MediaKey {
    instance: InstanceId,
    name: String,
}

impl MediaKey {
    /// The medium `name` of an instance. A name consists of ASCII letters, digits, `-`, `_` and
    /// `.`, and does not begin with a dot.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another name, or one longer than [`MAX_NAME_BYTES`].
    pub fn new(instance: InstanceId, name: &str) -> Result<Self, Error> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let first = name.bytes().next();
        if first.is_none_or(|b| b == b'.')
            || name.len() > MAX_NAME_BYTES
            || !name.bytes().all(allowed)
        {
            return Err(Error::Invalid("name"));
        }
        Ok(Self {
            instance,
            name: name.to_owned(),
        })
    }

    /// The instance.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.instance
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn path(&self, root: &str) -> Path {
        folder(root, self.instance).join(self.name.as_str())
    }
}

/// Where the media of an instance are.
pub(super) fn folder(root: &str, instance: InstanceId) -> Path {
    Path::from(root).join(instance.to_string())
}

impl fmt::Display for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.instance, self.name)
    }
}

impl FromStr for MediaKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (instance, name) = text.split_once('/').ok_or(Error::Invalid("key"))?;
        let instance = instance.parse().map_err(|_| Error::Invalid("instance"))?;
        Self::new(instance, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_place() {
        let instance = InstanceId::random();
        for good in ["a", "3EB0-1_2.jpeg", "a..b", &"x".repeat(MAX_NAME_BYTES)] {
            let key = MediaKey::new(instance, good).unwrap();
            assert_eq!(key.to_string().parse::<MediaKey>().unwrap(), key);
            assert_eq!(key.path("m").as_ref(), format!("m/{instance}/{good}"));
        }
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for bad in [
            "", ".", "..", ".hidden", "a/b", "../a", "a b", "ä", "a%2Fb", "a\0", &long,
        ] {
            assert!(MediaKey::new(instance, bad).is_err(), "{bad:?}");
            assert!(format!("{instance}/{bad}").parse::<MediaKey>().is_err());
        }
        assert!("a".parse::<MediaKey>().is_err());
        assert!("../a".parse::<MediaKey>().is_err());
    }
}
