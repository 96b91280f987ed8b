//! End-to-end benches: `pombal-bench <name> <result file>`, run by `cargo xtask bench`.

#[cfg(feature = "api")]
mod api;
mod failover;
mod pair;
mod result;
mod sessions;
mod text;

use std::alloc::System;
use std::process::ExitCode;

use cap::Cap;

/// Counts live heap bytes, for `sessions`.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, file] = args.as_slice() else {
        return usage();
    };
    let rows = match name.as_str() {
        "pair" => pair::run().await,
        "text" => text::run().await,
        "failover" => failover::run().await,
        "sessions" => sessions::run().await,
        #[cfg(feature = "api")]
        "api" => api::run().await,
        _ => return usage(),
    };
    match result::write(file, &rows) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => result::fail(&error.to_string()),
    }
}

fn usage() -> ExitCode {
    result::fail("pombal-bench pair|text|failover|sessions|api <result file>")
}
