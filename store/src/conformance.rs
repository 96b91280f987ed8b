//! What every adapter of a seam must do, as suites that run against any of them.
//!
//! A suite takes a factory that makes the thing under test, fresh and empty. `run_all` runs
//! its cases one after another; a case that fails panics with what it saw. The embedded
//! adapters run every case as a test of its own.

// A suite's job is to panic.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

pub mod keys;
pub mod queue;
pub mod registry;

/// Makes `run_all` of a suite from the names of its cases and, in this crate's own tests, one
/// test per case against the embedded adapter, which `$embedded` makes.
macro_rules! suite {
    ($factory:path, $embedded:expr; $($module:ident: $($case:ident)*;)*) => {
        /// Runs every case.
        pub async fn run_all(factory: &impl $factory) {
            $($(Box::pin($module::$case(factory)).await;)*)*
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
