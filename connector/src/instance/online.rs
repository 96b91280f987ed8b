//! Whether the account appears online while it is connected (the setting `alwaysOnline`).

use std::sync::Arc;

use pombal_domain::{InstanceId, Settings};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use whatsapp_rust::Client;

/// Shows the account as the settings say, until the handle is dropped. An account that appears
/// online for no reason gets no notifications on its phone.
pub(super) fn keep(
    instance: InstanceId,
    client: Arc<Client>,
    mut settings: watch::Receiver<Settings>,
) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        // The client announces itself as available before it says that it is connected.
        let mut shown = true;
        loop {
            let wanted = settings.borrow_and_update().always_online;
            if wanted != shown {
                let presence = client.presence();
                let set = if wanted {
                    presence.set_available().await
                } else {
                    presence.set_unavailable().await
                };
                match set {
                    Ok(()) => shown = wanted,
                    Err(error) => {
                        tracing::warn!(instance.id = %instance, %error, "presence not set");
                    }
                }
            }
            if settings.changed().await.is_err() {
                return;
            }
        }
    }))
}
