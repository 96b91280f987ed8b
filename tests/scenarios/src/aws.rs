//! The deployment on AWS, or on what `AWS_ENDPOINT_URL` names.

mod cloudformation;
mod stack;

pub use stack::Stack;
