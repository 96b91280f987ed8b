//! What is true of every route, around the handlers: browsers of other origins, compression,
//! answers that have not changed, and bodies that nobody has read.

mod compression;
mod cors;
mod etag;
mod leftover;

pub(super) use compression::compression;
pub(super) use cors::{cors, options};
pub(super) use etag::etag;
pub(super) use leftover::leftover;
