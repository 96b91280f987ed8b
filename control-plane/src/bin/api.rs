//! The function `api`: the REST API on AWS Lambda.

use std::process::ExitCode;

use pombal_control_plane::lambda::{self, api};

// Invocations come one at a time, and wait for the network most of it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda::start(api::run()).await
}
