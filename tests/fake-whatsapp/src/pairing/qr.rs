//! The text inside a QR code, and what a phone does with it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use wacore::pair::PairUtils;

use crate::error::Error;
use crate::keys::Key32;
use crate::pairing::link::LinkWaiter;
use crate::world::World;
use crate::world::conns::{ConnId, Role};

/// `ref,noise,identity,advSecret,clientType` (`wacore/src/pair.rs`, `make_qr_data`).
struct QrText {
    reference: String,
    noise: Key32,
    identity: Key32,
    adv_secret: Vec<u8>,
}

impl QrText {
    fn parse(text: &str) -> Result<Self, Error> {
        let bad = |why: &str| Error::BadRequest(format!("not a WhatsApp QR text: {why}"));
        let (reference, noise, identity) =
            PairUtils::parse_qr_code(text.trim()).map_err(|error| bad(&error.to_string()))?;
        let secret = text
            .trim()
            .split(',')
            .nth(3)
            .ok_or_else(|| bad("no ADV secret"))?;
        let adv_secret = BASE64_STANDARD
            .decode(secret)
            .map_err(|_| bad("ADV secret"))?;
        Ok(Self {
            reference,
            noise: Key32(noise),
            identity: Key32(identity),
            adv_secret,
        })
    }
}

impl World {
    /// A phone scans a QR code.
    pub(crate) fn scan(
        &mut self,
        text: &str,
        phone: Option<&str>,
        name: Option<&str>,
    ) -> Result<LinkWaiter, Error> {
        let qr = QrText::parse(text)?;
        let conn = self.waiting_with(&qr)?;
        self.start_link(conn, phone, name, &qr.adv_secret)
    }

    /// Somebody who sees a client's screen says what its QR code is.
    pub(crate) fn announce(&mut self, text: &str, label: Option<&str>) -> Result<(), Error> {
        let conn = self.waiting_with(&QrText::parse(text)?)?;
        if let Some(pending) = self.pending(conn) {
            pending.announced = Some(text.trim().to_owned());
            pending.label = label.map(str::to_owned);
        }
        Ok(())
    }

    fn waiting_with(&self, qr: &QrText) -> Result<ConnId, Error> {
        self.conns
            .iter()
            .find(|(_, conn)| match &conn.role {
                Role::Pairing(pending) => {
                    pending.link.is_none()
                        && pending.refs.contains(&qr.reference)
                        && pending.registration.noise == qr.noise
                        && pending.registration.identity == qr.identity
                }
                _ => false,
            })
            .map(|(id, _)| *id)
            .ok_or_else(|| Error::missing("no socket waits with this QR code"))
    }
}
