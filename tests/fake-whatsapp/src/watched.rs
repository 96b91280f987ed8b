//! A server that fails its test when a client broke a rule that nobody expected.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::options::Options;
use crate::server::FakeWhatsApp;

/// A [`FakeWhatsApp`] for tests. When it is dropped, the kinds of its violations must be
/// exactly those that the test announced, or the drop panics: the test fails.
///
/// Clones of the server inside go on working after that.
pub struct Watched {
    server: FakeWhatsApp,
    expected: Mutex<BTreeSet<String>>,
}

impl Watched {
    /// Starts a server whose clients are expected to break no rule.
    ///
    /// # Errors
    /// See [`FakeWhatsApp::start`].
    pub async fn start(options: Options) -> Result<Self, Error> {
        Ok(Self {
            server: FakeWhatsApp::start(options).await?,
            expected: Mutex::default(),
        })
    }

    /// The test provokes these kinds of violations, each at least once.
    pub fn expects_violations<'k>(&self, kinds: impl IntoIterator<Item = &'k str>) {
        self.expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(kinds.into_iter().map(str::to_owned));
    }
}

impl Deref for Watched {
    type Target = FakeWhatsApp;

    fn deref(&self) -> &FakeWhatsApp {
        &self.server
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A test that fails for another reason says so itself.
        if std::thread::panicking() {
            return;
        }
        let violations = self.server.broken_rules();
        let kinds: BTreeSet<String> = violations.iter().map(|it| it.kind.clone()).collect();
        let expected = std::mem::take(
            self.expected
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        );
        assert!(
            kinds == expected,
            "expected violations {expected:?}, but the clients did this: {violations:#?}"
        );
    }
}
