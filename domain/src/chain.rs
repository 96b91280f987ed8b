//! Errors as logs show them.

use std::error::Error;
use std::fmt;

/// An error with its sources, on one line. Log errors through it: a log line in JSON shows of an
/// error only what it says itself.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the shard is down")]
    struct Outer(#[source] fmt::Error);

    #[test]
    fn every_source_is_shown_once() {
        let error = Outer(fmt::Error);
        let source = fmt::Error.to_string();
        assert_eq!(
            Chain(&error).to_string(),
            format!("the shard is down: {source}")
        );
    }
}
