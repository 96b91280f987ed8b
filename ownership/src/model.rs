//! A model of the protocol: connectors, their registry, and the arbiters behind them, one step
//! of anybody at a time.
//!
//! The decisions are those of this crate: [`crate::Observer`], [`crate::decide`],
//! [`crate::Lease`]. What is modelled is the rest: the writes and their answers, clocks, sockets,
//! session databases, and what goes wrong.
//!
//! - [`safety`]: a model checker walks through every order of steps of a small fleet. A process
//!   that is stopped and a partition are orders in which it takes no steps.
//! - [`fair`]: everybody takes its turns, in rounds, but for some faults: does the fleet come to
//!   rest?
//! - [`random`]: larger fleets, long walks, by a seed.
//! - [`late`]: why renewals have to be written in order.

mod canonical;
mod config;
mod fair;
mod late;
mod peer;
mod random;
mod registry;
mod rounds;
mod safety;
mod steps;
mod world;
