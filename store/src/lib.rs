//! The seams to the outside world, each with its adapters.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod egress;
pub mod env;
pub mod keys;
#[cfg(feature = "logs")]
pub mod logs;
pub mod media;
pub mod proxy;
pub mod queue;
pub mod registry;

#[cfg(test)]
mod kill;

pub use egress::Egress;
pub use keys::{DataKey, Keys};
pub use media::Media;
pub use proxy::Proxy;
pub use queue::Queue;
pub use registry::Registry;
