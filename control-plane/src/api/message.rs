//! The message controller (contract § 2.5).

mod audio;
mod buttons;
mod cloud;
mod contact;
mod describe;
mod emoji;
mod list;
mod location;
mod media;
mod medium;
mod reaction;
mod send_text;
mod send_text_request;
mod template;
mod unsupported;

pub(super) use audio::send_audio;
pub(super) use buttons::send_buttons;
pub(super) use cloud::webhook_url;
pub(super) use contact::send_contact;
pub(super) use describe::{describe, describe_cloud};
pub(super) use list::send_list;
pub(super) use location::send_location;
pub(super) use media::send_media;
pub(super) use reaction::send_reaction;
pub(super) use send_text::send_text;
pub(super) use template::send_template;
pub(super) use unsupported::unsupported;
