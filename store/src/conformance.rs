//! What every adapter of a seam must do, as suites that run against any of them.
//!
//! A suite takes a factory that makes the thing under test, fresh and empty. A case that fails
//! panics with what it saw. The embedded adapters run every case as a test of its own; for
//! others `run_all` runs all cases, several at once, and names those that failed.

// A suite's job is to panic, and to tell what it does.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, clippy::print_stdout)]

#[cfg(feature = "aws")]
pub mod aws;
pub mod keys;
pub mod media;
pub mod queue;
pub mod registry;

use std::panic::AssertUnwindSafe;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};

/// How many cases `run_all` runs at once: most of them wait most of the time.
const AT_ONCE: usize = 6;

/// The name of a case, and how it is begun.
type Case<F> = (&'static str, fn(&F) -> BoxFuture<'_, ()>);

/// Runs cases, and panics with the names of those that panicked.
async fn run(cases: Vec<(&'static str, BoxFuture<'_, ()>)>) {
    let failed: Vec<&str> = futures::stream::iter(cases)
        .map(|(name, case)| async move {
            let result = AssertUnwindSafe(case).catch_unwind().await;
            println!("{name}: {}", if result.is_ok() { "ok" } else { "FAILED" });
            result.is_err().then_some(name)
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(failed.is_empty(), "cases that failed: {failed:?}");
}

/// Makes `run_all` of a suite from the names of its cases and, in this crate's own tests, one
/// test per case against the embedded adapter, which `$embedded` makes.
macro_rules! suite {
    ($factory:path, $embedded:expr; $($module:ident: $($case:ident)*;)*) => {
        /// Runs every case. Panics with the names of those that fail.
        pub async fn run_all<F: $factory>(factory: &F) {
            // Functions that box, so that no frame has all the cases in it.
            let cases: &[super::Case<F>] = &[
                $($((stringify!($case), |factory| Box::pin($module::$case(factory))),)*)*
            ];
            super::run(cases.iter().map(|(name, case)| (*name, case(factory))).collect()).await;
        }

        #[cfg(test)]
        mod embedded {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    super::$module::$case(&$embedded).await;
                }
            )*)*
        }
    };
}
pub(crate) use suite;
