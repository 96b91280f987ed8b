//! The function `api`: the REST API on AWS Lambda.

use std::process::ExitCode;

use pombal_control_plane::lambda::{self, api};

// Invocations come one at a time, and wait for the network most of it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Its start asks for many things: too much for the stack of a caller.
    lambda::start(Box::pin(api::run())).await
}
