//! History sync: the chats of a phone, for a companion that has just been linked.
//!
//! After the first login the phone sends notifications, one per chunk. Each names a file on
//! the media host: a compressed `HistorySync` (`whatsapp-rust/src/history_sync.rs`). Clients
//! answer with a receipt of type `hist_sync`; Baileys holds back new messages until the first
//! chunk has come.

use std::io::Write as _;

use buffa::{Message as _, MessageField};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::json;
use wacore::download::MediaType;
use waproto::whatsapp as wa;
use waproto::whatsapp::history_sync::HistorySyncType;
use waproto::whatsapp::message::HistorySyncType as NotificationType;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use waproto::whatsapp::message::{HistorySyncNotification, ProtocolMessage};

use super::chats::Chats;
use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::message_id;
use crate::store::Bucket;
use crate::world::World;
use crate::world::account::{PhoneContent, PhoneSent};

/// Messages of each chat in the first chunk.
const BOOTSTRAP_PER_CHAT: usize = 20;
/// Messages in each later chunk.
const RECENT_PER_CHUNK: usize = 500;
const DONE: u32 = 100;

impl World {
    /// A companion has got all that waited for it. If that is the first time, the phone sends
    /// its history.
    pub(crate) fn first_sync(&mut self, companion: &Addr) {
        let Some(device) = self.device_mut(companion) else {
            return;
        };
        if std::mem::replace(&mut device.history_sent, true) {
            return;
        }
        let full = device.row.full_history;
        let row = (Bucket::Synced, companion.to_string());
        self.store.put_bytes(row.0, row.1, b"");
        if self.config.without_history {
            return;
        }
        match self.history(&companion.phone, full) {
            Ok(chunks) => {
                for (n, chunk) in chunks.into_iter().enumerate() {
                    if let Err(error) = self.send_history(companion, n, &chunk) {
                        tracing::error!(%error, %companion, "history not sent");
                    }
                }
            }
            Err(error) => tracing::error!(%error, %companion, "no history"),
        }
    }

    /// The chunks, in the order in which a phone sends them. Who wants the `full` history gets
    /// what is old as such; the others are told that it is recent.
    fn history(&self, phone: &str, full: bool) -> Result<Vec<wa::HistorySync>, Error> {
        let chats = Chats::of(self.account(phone)?);
        let mut chunks = vec![
            wa::HistorySync {
                sync_type: HistorySyncType::INITIAL_BOOTSTRAP,
                conversations: chats.newest(BOOTSTRAP_PER_CHAT),
                phone_number_to_lid_mappings: self.lid_mappings(phone, &chats),
                ..Default::default()
            },
            wa::HistorySync {
                sync_type: HistorySyncType::PUSH_NAME,
                pushnames: self.push_names(phone, &chats),
                ..Default::default()
            },
        ];
        let rest = chats.older(BOOTSTRAP_PER_CHAT, RECENT_PER_CHUNK);
        // The last one says that it is the last, even if nothing is left for it.
        let count = rest.len().max(1);
        let mut rest = rest.into_iter();
        for n in 1..=count {
            let progress = u32::try_from(n * 100 / count).unwrap_or(DONE);
            chunks.push(wa::HistorySync {
                sync_type: if full {
                    HistorySyncType::FULL
                } else {
                    HistorySyncType::RECENT
                },
                conversations: rest.next().unwrap_or_default(),
                progress: Some(progress),
                ..Default::default()
            });
        }
        for (n, chunk) in (1..).zip(&mut chunks) {
            chunk.chunk_order = Some(n);
        }
        Ok(chunks)
    }

    fn lid_mappings(&self, phone: &str, chats: &Chats) -> Vec<wa::PhoneNumberToLIDMapping> {
        self.people(phone, chats)
            .map(|account| wa::PhoneNumberToLIDMapping {
                pn_jid: Some(account.jid(0).to_string()),
                lid_jid: Some(account.lid(0).to_string()),
            })
            .collect()
    }

    fn push_names(&self, phone: &str, chats: &Chats) -> Vec<wa::Pushname> {
        self.people(phone, chats)
            .map(|account| wa::Pushname {
                id: Some(account.jid(0).to_string()),
                pushname: Some(account.row.name.clone()),
            })
            .collect()
    }

    /// The account itself, and those it has chats with.
    fn people<'w>(
        &'w self,
        phone: &'w str,
        chats: &'w Chats,
    ) -> impl Iterator<Item = &'w crate::world::account::Account> {
        std::iter::once(phone)
            .chain(chats.people().filter(move |other| *other != phone))
            .filter_map(|phone| self.accounts.get(phone))
    }

    fn send_history(
        &mut self,
        companion: &Addr,
        n: usize,
        chunk: &wa::HistorySync,
    ) -> Result<(), Error> {
        let compressed = compress(&chunk.encode_to_vec())?;
        let mut notification = HistorySyncNotification {
            sync_type: Some(notification_type(chunk.sync_type)),
            chunk_order: chunk.chunk_order,
            progress: chunk.progress,
            ..Default::default()
        };
        if n == 0 && self.config.history_inline {
            notification.initial_hist_bootstrap_inline_payload = Some(compressed);
        } else {
            let uploaded = self.phone_uploads(MediaType::History, &compressed)?;
            let secrets = uploaded.secrets;
            notification.media_key = Some(secrets.media_key.to_vec());
            notification.file_sha256 = Some(secrets.file_sha256.to_vec());
            notification.file_enc_sha256 = Some(secrets.file_enc_sha256.to_vec());
            notification.file_length = Some(uploaded.length);
            notification.direct_path = Some(uploaded.stored.direct_path);
        }
        let message = wa::Message {
            protocol_message: MessageField::some(ProtocolMessage {
                r#type: Some(ProtocolType::HISTORY_SYNC_NOTIFICATION),
                history_sync_notification: MessageField::some(notification),
                ..Default::default()
            }),
            ..Default::default()
        };
        let sent = PhoneSent {
            to: companion.phone.clone(),
            content: PhoneContent::Peer(message.encode_to_vec()),
        };
        let id = message_id();
        let details = json!({
            "id": id, "chunk": chunk.chunk_order, "chats": chunk.conversations.len(),
            "progress": chunk.progress, "full": chunk.sync_type == HistorySyncType::FULL,
        });
        self.seen.add("history", Some(companion), details);
        self.phone_sends_to(companion, &Addr::phone(&companion.phone), &id, &sent, None);
        self.remember_outgoing(&companion.phone, &id, sent);
        Ok(())
    }
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn notification_type(kind: HistorySyncType) -> NotificationType {
    match kind {
        HistorySyncType::PUSH_NAME => NotificationType::PUSH_NAME,
        HistorySyncType::RECENT => NotificationType::RECENT,
        HistorySyncType::FULL => NotificationType::FULL,
        _ => NotificationType::INITIAL_BOOTSTRAP,
    }
}
