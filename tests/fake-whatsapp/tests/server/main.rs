//! Real clients against the fake server. One binary: each links a whole client.

mod announce;
mod app_state;
mod common;
mod control;
mod endings;
mod group_rules;
mod groups;
mod history;
mod http;
mod kinds;
mod load;
mod media;
mod messages;
mod pairing;
mod persistence;
mod pictures;
mod rules;
mod trouble;
mod violations;
mod watched;
