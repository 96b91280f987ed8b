//! The function `janitor`: the housekeeping on AWS Lambda.

use std::process::ExitCode;

use pombal_control_plane::lambda::{self, janitor};

// Invocations come one at a time, and wait for the network most of it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Large: it is all of its clients.
    lambda::start(Box::pin(janitor::run())).await
}
