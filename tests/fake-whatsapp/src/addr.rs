//! One device of one account, and how it looks as a JID.

use std::fmt;
use std::str::FromStr;

use wacore_binary::Jid;

/// A device. Device 0 is the phone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Addr {
    pub(crate) phone: String,
    pub(crate) device: u16,
}

impl Addr {
    pub(crate) fn new(phone: impl Into<String>, device: u16) -> Self {
        Self {
            phone: phone.into(),
            device,
        }
    }

    /// The phone of an account.
    pub(crate) fn phone(phone: impl Into<String>) -> Self {
        Self::new(phone, 0)
    }

    /// The JID in the phone number namespace.
    pub(crate) fn jid(&self) -> Jid {
        Jid::pn_device(self.phone.as_str(), self.device)
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.phone, self.device)
    }
}

impl FromStr for Addr {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (phone, device) = text.split_once(':').ok_or(())?;
        Ok(Self::new(phone, device.parse().map_err(|_| ())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let addr = Addr::new("5511", 3);
        assert_eq!(addr.to_string().parse(), Ok(addr));
        assert!("5511".parse::<Addr>().is_err());
    }

    #[test]
    fn the_phone_has_a_bare_jid() {
        assert_eq!(Addr::phone("5511").jid().to_string(), "5511@s.whatsapp.net");
        assert_eq!(
            Addr::new("5511", 2).jid().to_string(),
            "5511:2@s.whatsapp.net"
        );
    }
}
