//! Real clients against the fake server. One binary: each links a whole client.

mod announce;
mod common;
mod control;
mod endings;
mod load;
mod messages;
mod pairing;
mod persistence;
mod rules;
mod trouble;
mod violations;
mod watched;
