//! What Baileys and the fake server have to say against each other.

use fake_whatsapp::FakeWhatsApp;

use super::Baileys;

/// Events by which Baileys' own code says that something went wrong.
const COMPLAINTS: [&str; 2] = ["crash", "error-log"];
/// Baileys logs the end that a server asks for as an error. It is how each connection ends.
const ORDERED_END: &str = "stream errored out";

impl Baileys {
    /// Asserts that Baileys had nothing to say against the server, and the server knew every
    /// word of Baileys.
    ///
    /// # Panics
    /// When one of them did not understand the other.
    pub async fn assert_understood(&self, whatsapp: &FakeWhatsApp) {
        for kind in ["iq-unhandled", "stanza-unhandled"] {
            let page = whatsapp.seen(Some(&self.phone), Some(kind), 0).await;
            assert!(page.items.is_empty(), "{kind}: {:#?}", page.items);
        }
        self.assert_read_everything(whatsapp).await;
        for complaint in COMPLAINTS {
            let mut said = self.events(complaint);
            said.retain(|data| !data.to_string().contains(ORDERED_END));
            assert!(said.is_empty(), "Baileys says {complaint}: {said:#?}");
        }
        let violations = whatsapp.violations().await;
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// No stanza was refused, and no message had to be sent a second time.
    async fn assert_read_everything(&self, whatsapp: &FakeWhatsApp) {
        let acks = whatsapp.seen(Some(&self.phone), Some("ack"), 0).await;
        let receipts = whatsapp.seen(Some(&self.phone), Some("receipt"), 0).await;
        let mut refused: Vec<_> = acks.items;
        refused.retain(|ack| !ack.details["error"].is_null());
        let mut unread: Vec<_> = receipts.items;
        unread.retain(|receipt| receipt.details["type"] == "retry");
        assert!(refused.is_empty(), "Baileys refuses {refused:#?}");
        assert!(unread.is_empty(), "Baileys can't read {unread:#?}");
    }
}
