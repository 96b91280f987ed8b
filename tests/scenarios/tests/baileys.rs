//! An independent client against the fake server: Baileys, from npm.
//!
//! Where Baileys and `whatsapp-rust` disagree with the fake server, the fake server is wrong.

mod endings;
mod groups;
mod kinds;
mod media;
mod pairing;
mod texts;
