//! What a client and its connector ask of the store, call by call.
//!
//! The order of calls is that of whatsapp-rust (`prekeys.rs`, `message/commit_batch.rs`,
//! `client/sender_keys.rs`, `msg_secret_buffer.rs`) and of our publisher. The sizes of
//! records are those of a one-to-one chat; sealed rows don't compress, so only length counts.

use bytes::Bytes;
use pombal_domain::EventId;
use pombal_sessions::{JournalRow, Session};
use wacore::appstate::hash::HashState;
use wacore::store::Device;
use wacore::store::error::Result;
use wacore::store::traits::{
    AppStateSyncKey, AppSyncStore, DeviceStore, LidPnMappingEntry, MsgSecretEntry, MsgSecretStore,
    ProtocolStore, SignalStore,
};

/// Prekeys that a client makes when it is paired: `DEFAULT_WANTED_PRE_KEY_COUNT`.
pub(super) const PREKEYS: u32 = 812;
/// A prekey's record: id, public and private key as protobuf.
const PREKEY_BYTES: usize = 74;
/// A Signal session with a chain in each direction.
const SESSION_BYTES: usize = 1024;
/// A text as protobuf.
const MESSAGE_BYTES: usize = 256;
/// An event as JSON.
const EVENT_BYTES: usize = 900;
/// How many times the device is saved while it is paired and logs in for the first time.
const DEVICE_SAVES: usize = 10;
/// App state collections.
const COLLECTIONS: [&str; 5] = [
    "critical_block",
    "critical_unblock_low",
    "regular_high",
    "regular",
    "regular_low",
];

/// Pairs: identity, prekeys, app state, own number.
pub(super) async fn pair(session: &Session) -> Result<()> {
    session.create().await?;
    let device = Device::new();
    for _ in 0..DEVICE_SAVES {
        session.save(&device).await?;
    }
    session.store_signed_prekey(1, &[1; PREKEY_BYTES]).await?;
    let prekeys: Vec<(u32, Bytes)> = (1..=PREKEYS)
        .map(|id| (id, Bytes::from_static(&[2; PREKEY_BYTES])))
        .collect();
    session.store_prekeys_batch(&prekeys, false).await?;
    let ids: Vec<u32> = (1..=PREKEYS).collect();
    session.mark_prekeys_uploaded(&ids).await?;
    let own = mapping(0);
    session.put_lid_mapping(&own).await?;
    let key = AppStateSyncKey {
        key_data: vec![3; 32],
        ..AppStateSyncKey::default()
    };
    session.set_sync_key(&[1; 6], key).await?;
    for name in COLLECTIONS {
        session.set_version(name, HashState::default()).await?;
    }
    // The phone writes first: key share and history.
    session.put_identity("0@lid.0", [4; 32]).await?;
    session.put_session("0@lid.0", &[5; SESSION_BYTES]).await?;
    publish(session, "open").await
}

/// Receives a text of contact `who`: buffered, decrypted, published, confirmed.
pub(super) async fn receive(session: &Session, who: usize, n: usize) -> Result<()> {
    let (chat, id) = (format!("{who}@lid"), format!("3EB0{n:016}"));
    session
        .store_pending_inbound(&chat, &chat, &id, &[6; MESSAGE_BYTES])
        .await?;
    session.put_session(&chat, &[7; SESSION_BYTES]).await?;
    let secret = MsgSecretEntry {
        chat: chat.as_str().into(),
        sender: chat.as_str().into(),
        msg_id: id.as_str().into(),
        secret: [8; 32],
        expires_at: i64::MAX / 4,
        message_ts: 1,
    };
    session.put_msg_secrets(vec![secret]).await?;
    publish(session, &id).await?;
    session.delete_pending_inbound(&chat, &chat, &id).await
}

/// Sends a text to contact `who`, and hears that it arrived and was read.
pub(super) async fn send(session: &Session, who: usize, n: usize) -> Result<()> {
    let (chat, id) = (format!("{who}@lid"), format!("3EB1{n:016}"));
    session
        .store_sent_message(&chat, &id, &[9; MESSAGE_BYTES])
        .await?;
    session.put_session(&chat, &[7; SESSION_BYTES]).await?;
    for fact in ["sent", "server-ack", "delivered", "read"] {
        publish(session, &format!("{id}/{fact}")).await?;
    }
    Ok(())
}

/// What a connected client does on each keepalive when nothing happens.
pub(super) async fn keepalive(session: &Session) -> Result<()> {
    session.delete_expired_sent_messages(1000).await?;
    session.delete_expired_pending_inbound(1000).await?;
    session.delete_expired_msg_secrets(1000).await?;
    Ok(())
}

/// What a client reads when it starts on a session.
pub(super) async fn start(session: &Session) -> Result<()> {
    session.load().await?;
    session.get_max_prekey_id().await?;
    session.journal_unsent().await?;
    keepalive(session).await
}

async fn publish(session: &Session, fact: &str) -> Result<()> {
    let id = EventId::derive(session.instance(), &[fact]);
    let row = JournalRow::new(id, |_| vec![b'x'; EVENT_BYTES]);
    session.journal_append(vec![row]).await?;
    session.journal_sent(&[id]).await?;
    Ok(())
}

fn mapping(n: u64) -> LidPnMappingEntry {
    LidPnMappingEntry {
        lid: format!("1000000{n:08}"),
        phone_number: format!("55119{n:08}"),
        created_at: 1,
        updated_at: 1,
        learning_source: "bench".to_owned(),
    }
}
