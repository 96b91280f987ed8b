//! How long devices are without a socket, as WhatsApp sees it.

use std::collections::HashMap;
use std::time::Duration;

use crate::world::World;

/// The gaps from a moment on.
pub struct Gaps {
    after: u64,
}

impl Gaps {
    /// Those that begin after now.
    pub async fn from_now(world: &World) -> Self {
        let after = world.whatsapp.seen(None, None, 0).await.next;
        Self { after }
    }

    /// Those that are over: from the end of a device's socket to its next login.
    pub async fn all(&self, world: &World) -> Vec<Duration> {
        let mut ended = HashMap::new();
        let mut gaps = Vec::new();
        let seen = world.whatsapp.seen(None, None, self.after).await;
        for item in seen.items {
            let device = (item.phone, item.device);
            match item.kind {
                "close" => {
                    ended.insert(device, item.at_ms);
                }
                "login" => {
                    if let Some(at_ms) = ended.remove(&device) {
                        let gap_ms = item.at_ms.saturating_sub(at_ms);
                        gaps.push(Duration::from_millis(gap_ms));
                    }
                }
                _ => {}
            }
        }
        gaps
    }
}
