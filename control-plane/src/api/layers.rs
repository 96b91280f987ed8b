//! What is true of every route, around the handlers: browsers of other origins, compression,
//! and answers that have not changed.

mod compression;
mod cors;
mod etag;

pub(super) use compression::compression;
pub(super) use cors::{cors, options};
pub(super) use etag::etag;
