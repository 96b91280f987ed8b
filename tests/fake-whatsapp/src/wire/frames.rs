//! Framing: an optional edge-routing pre-intro, the `WA` header, then length-prefixed frames.
//!
//! Layout: `wacore-noise/src/edge_routing.rs` and `wacore-noise/src/framing.rs`.

use bytes::{Buf, BytesMut};
use wacore_noise::framing::FrameDecoder;

use crate::error::Error;

const HEADER_LEN: usize = 4;
const ROUTING_MAGIC: &[u8] = &[b'E', b'D', 0, 1];
/// Nothing in a handshake is near this size. More is a client that only fills memory.
const MAX_HANDSHAKE_BYTES: usize = 1 << 20;

/// Splits what the client sends into the header and whole frames.
pub(crate) struct Frames {
    intro: BytesMut,
    header: Option<[u8; HEADER_LEN]>,
    decoder: FrameDecoder,
}

impl Frames {
    /// Starts before the header.
    pub(crate) fn new() -> Self {
        Self {
            intro: BytesMut::new(),
            header: None,
            decoder: FrameDecoder::new(),
        }
    }

    /// The four header bytes. They are the prologue of the Noise handshake.
    pub(crate) fn header(&self) -> Option<[u8; HEADER_LEN]> {
        self.header
    }

    /// Adds bytes from the socket.
    pub(crate) fn feed(&mut self, data: &[u8]) -> Result<(), Error> {
        if self.header.is_some() {
            self.decoder.feed(data);
            return Ok(());
        }
        self.intro.extend_from_slice(data);
        if self.intro.len() > MAX_HANDSHAKE_BYTES {
            return Err(Error::Wire("too many bytes before the first frame"));
        }
        self.take_header()
    }

    /// The next whole frame, if one has arrived.
    pub(crate) fn next(&mut self) -> Option<BytesMut> {
        self.decoder.decode_frame()
    }

    /// Bytes that wait for the rest of their frame.
    pub(crate) fn check_handshake_size(&self) -> Result<(), Error> {
        if self.decoder.buffered_len() > MAX_HANDSHAKE_BYTES {
            return Err(Error::Wire("handshake frame too large"));
        }
        Ok(())
    }

    fn take_header(&mut self) -> Result<(), Error> {
        if self.intro.len() < HEADER_LEN {
            return Ok(());
        }
        if self.intro.starts_with(ROUTING_MAGIC) {
            let Some(length) = self.intro.get(HEADER_LEN..HEADER_LEN + 3) else {
                return Ok(());
            };
            let length = length
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            let total = HEADER_LEN + 3 + length;
            if self.intro.len() < total + HEADER_LEN {
                return Ok(());
            }
            self.intro.advance(total);
        }
        let header = self.intro.split_to(HEADER_LEN);
        if !header.starts_with(b"WA") {
            return Err(Error::Wire("no WA header"));
        }
        let mut bytes = [0; HEADER_LEN];
        bytes.copy_from_slice(&header);
        self.header = Some(bytes);
        self.decoder.feed(&self.intro);
        self.intro = BytesMut::new();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_then_frame() {
        let mut frames = Frames::new();
        frames.feed(b"WA").expect("short");
        assert!(frames.header().is_none());
        frames.feed(&[6, 3, 0, 0, 2, 7]).expect("header");
        assert_eq!(frames.header(), Some([b'W', b'A', 6, 3]));
        assert!(frames.next().is_none());
        frames.feed(&[8]).expect("rest");
        assert_eq!(frames.next().expect("frame").as_ref(), &[7, 8]);
    }

    #[test]
    fn routing_pre_intro_is_skipped() {
        let mut frames = Frames::new();
        frames
            .feed(&[b'E', b'D', 0, 1, 0, 0, 2, 9, 9])
            .expect("routing");
        assert!(frames.header().is_none());
        frames
            .feed(&[b'W', b'A', 6, 3, 0, 0, 1, 5])
            .expect("header");
        assert_eq!(frames.next().expect("frame").as_ref(), &[5]);
    }

    #[test]
    fn garbage_is_an_error() {
        assert!(Frames::new().feed(b"GET / HTTP/1.1").is_err());
    }
}
