//! Every write of a session, and everything that can be read of it.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use pombal_domain::{EventId, InstanceId};
use pombal_sessions::{JournalRow, Session};
use wacore::appstate::hash::HashState;
use wacore::store::Device;
use wacore::store::traits::*;
use wacore_appstate::processor::AppStateMutationMAC;

pub(crate) type Done<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// A write: its name, and how it is made.
pub(crate) struct Change {
    pub(crate) name: &'static str,
    pub(crate) make: for<'a> fn(&'a Session) -> Done<'a>,
}

pub(crate) const A: &str = "5511900000001@s.whatsapp.net";
pub(crate) const B: &str = "5511900000002:3@s.whatsapp.net";
pub(crate) const C: &str = "100000000000007@lid";
pub(crate) const G: &str = "120363041234567890@g.us";
pub(crate) const M: &str = "3EB0A1B2C3D4";
/// In Unix seconds: after every test.
const FAR: i64 = 4_000_000_000;

pub(crate) static DEVICE: LazyLock<Device> = LazyLock::new(Device::new);

macro_rules! changes {
    ($($name:literal => |$s:ident| $body:expr;)*) => {
        &[$(Change {
            name: $name,
            make: |$s| Box::pin(async move {
                $body.await.map(drop).map_err(|error| format!("{error:?}"))
            }),
        }),*]
    };
}

fn blob(byte: u8) -> Bytes {
    Bytes::from(vec![byte; 30])
}

fn rows(byte: u8) -> [(Arc<str>, Bytes); 3] {
    [A, B, C].map(|address| (Arc::from(address), blob(byte)))
}

fn mac(index: u8, value: u8) -> AppStateMutationMAC {
    AppStateMutationMAC {
        index_mac: vec![index; 32],
        value_mac: vec![value; 32],
    }
}

fn mapping(lid: &str, phone: &str) -> LidPnMappingEntry {
    LidPnMappingEntry {
        lid: lid.to_owned(),
        phone_number: phone.to_owned(),
        created_at: 1,
        updated_at: 2,
        learning_source: "usync".to_owned(),
    }
}

fn devices(user: &str, device: u32) -> DeviceListRecord {
    DeviceListRecord {
        user: user.to_owned(),
        devices: vec![DeviceInfo::new(device, Some(3))],
        timestamp: 5,
        phash: None,
        raw_id: None,
    }
}

fn token(byte: u8) -> TcTokenEntry {
    TcTokenEntry {
        token: vec![byte; 8],
        token_timestamp: 20,
        sender_timestamp: Some(10),
    }
}

fn secret(msg_id: &str, byte: u8, expires_at: i64) -> MsgSecretEntry {
    MsgSecretEntry {
        chat: A.into(),
        sender: B.into(),
        msg_id: msg_id.into(),
        secret: [byte; 32],
        expires_at,
        message_ts: 9,
    }
}

pub(crate) fn event(instance: InstanceId, n: u64) -> EventId {
    EventId::derive(instance, &["writes", &n.to_string()])
}

fn event_row(instance: InstanceId, n: u64) -> JournalRow {
    JournalRow::new(event(instance, n), move |seq| {
        format!("{n} as {seq}").into_bytes()
    })
}

fn inbound<'a>(id: &'a str, message: &'a [u8]) -> PendingInboundRow<'a> {
    PendingInboundRow {
        chat: G,
        sender: A,
        id,
        message,
    }
}

/// Fills every kind with rows that the changes change or delete.
pub(crate) async fn seed(s: &Session) {
    s.save(&DEVICE).await.unwrap();
    s.put_identities_batch(&[(A.into(), [1; 32]), (B.into(), [1; 32])])
        .await
        .unwrap();
    s.put_sessions_batch(&rows(1)).await.unwrap();
    s.store_prekeys_batch(&[(1, blob(1)), (2, blob(1))], false)
        .await
        .unwrap();
    s.store_signed_prekey(1, &blob(1)).await.unwrap();
    s.put_sender_keys_batch(&rows(1)).await.unwrap();
    let key = AppStateSyncKey {
        key_data: vec![1; 32],
        fingerprint: vec![1],
        timestamp: 1,
    };
    s.set_sync_key(b"one", key).await.unwrap();
    s.set_version(
        "regular",
        HashState {
            version: 1,
            ..HashState::default()
        },
    )
    .await
    .unwrap();
    s.put_mutation_macs("regular", 1, &[mac(1, 1), mac(2, 1)])
        .await
        .unwrap();
    s.set_sender_key_status(G, &[(A, true), (B, true)])
        .await
        .unwrap();
    s.put_lid_mappings(&[mapping("100", "5511"), mapping("200", "5522")])
        .await
        .unwrap();
    s.save_base_key(A, M, b"one").await.unwrap();
    s.update_device_lists(vec![devices("5511", 1), devices("5522", 1)])
        .await
        .unwrap();
    s.put_group_metadata(G, b"one").await.unwrap();
    s.put_tc_token(A, &token(1)).await.unwrap();
    s.store_sent_message(G, M, b"one").await.unwrap();
    s.store_pending_inbound_batch(&[inbound("1", b"one"), inbound("2", b"one")])
        .await
        .unwrap();
    s.put_msg_secrets(vec![secret("1", 1, FAR), secret("2", 1, 0)])
        .await
        .unwrap();
    let id = s.instance();
    s.journal_append(vec![event_row(id, 1), event_row(id, 2)])
        .await
        .unwrap();
    s.put_meta("one", b"1", true).await.unwrap();
}

/// Every durable write of the storage traits, the journal and the connector's rows.
pub(crate) const CHANGES: &[Change] = changes! {
    "save" => |s| async { let mut device = DEVICE.clone(); device.push_name = "Ana".into(); s.save(&device).await };
    "create" => |s| s.create();
    "put_identity" => |s| s.put_identity(A, [2; 32]);
    "put_identities_batch" => |s| async { s.put_identities_batch(&[(A.into(), [2; 32]), (C.into(), [2; 32])]).await };
    "delete_identity" => |s| s.delete_identity(A);
    "put_session" => |s| async { s.put_session(A, &blob(2)).await };
    "put_sessions_batch" => |s| async { s.put_sessions_batch(&rows(2)).await };
    "delete_session" => |s| s.delete_session(A);
    "store_prekey" => |s| async { s.store_prekey(3, &blob(2), false).await };
    "store_prekeys_batch" => |s| async { s.store_prekeys_batch(&[(2, blob(2)), (3, blob(2)), (4, blob(2))], true).await };
    "mark_prekeys_uploaded" => |s| s.mark_prekeys_uploaded(&[1, 2]);
    "remove_prekey" => |s| s.remove_prekey(2);
    "store_signed_prekey" => |s| async { s.store_signed_prekey(2, &blob(2)).await };
    "remove_signed_prekey" => |s| s.remove_signed_prekey(1);
    "put_sender_key" => |s| async { s.put_sender_key(A, &blob(2)).await };
    "put_sender_keys_batch" => |s| async { s.put_sender_keys_batch(&rows(2)).await };
    "delete_sender_key" => |s| s.delete_sender_key(A);
    "set_sync_key" => |s| async {
        let key = AppStateSyncKey { key_data: vec![2; 32], fingerprint: vec![2], timestamp: 2 };
        s.set_sync_key(b"two", key).await
    };
    "set_version" => |s| s.set_version("regular", HashState { version: 2, ..HashState::default() });
    "put_mutation_macs" => |s| async { s.put_mutation_macs("regular", 2, &[mac(2, 2), mac(3, 2)]).await };
    "delete_mutation_macs" => |s| async { s.delete_mutation_macs("regular", &[vec![1; 32], vec![2; 32]]).await };
    "clear_mutation_macs" => |s| s.clear_mutation_macs("regular");
    "set_sender_key_status" => |s| s.set_sender_key_status(G, &[(B, false), (C, true)]);
    "clear_sender_key_devices" => |s| s.clear_sender_key_devices(G);
    "delete_sender_key_device_rows" => |s| s.delete_sender_key_device_rows(&[A, B]);
    "clear_all_sender_key_devices" => |s| s.clear_all_sender_key_devices();
    "put_lid_mapping" => |s| async { s.put_lid_mapping(&mapping("100", "5533")).await };
    "put_lid_mappings" => |s| async { s.put_lid_mappings(&[mapping("200", "5511"), mapping("300", "5522")]).await };
    "save_base_key" => |s| s.save_base_key(A, M, b"two");
    "delete_base_key" => |s| s.delete_base_key(A, M);
    "update_device_list" => |s| s.update_device_list(devices("5511", 2));
    "update_device_lists" => |s| s.update_device_lists(vec![devices("5511", 2), devices("5533", 2)]);
    "delete_devices" => |s| s.delete_devices("5511");
    "put_group_metadata" => |s| s.put_group_metadata(G, b"two");
    "delete_group_metadata" => |s| s.delete_group_metadata(G);
    "put_tc_token" => |s| async { s.put_tc_token(A, &token(2)).await };
    "delete_tc_token" => |s| s.delete_tc_token(A);
    "delete_expired_tc_tokens" => |s| s.delete_expired_tc_tokens(100, 100);
    "touch_tc_token_sender_timestamp" => |s| s.touch_tc_token_sender_timestamp(A, 77);
    "store_received_tc_token" => |s| s.store_received_tc_token(A, b"two", 88);
    "store_sent_message" => |s| s.store_sent_message(G, "3EB0", b"two");
    "take_sent_message" => |s| s.take_sent_message(G, M);
    "delete_expired_sent_messages" => |s| s.delete_expired_sent_messages(i64::MAX);
    "store_pending_inbound" => |s| s.store_pending_inbound(G, A, "3", b"two");
    "store_pending_inbound_batch" => |s| async { s.store_pending_inbound_batch(&[inbound("2", b"two"), inbound("3", b"two")]).await };
    "delete_pending_inbound" => |s| s.delete_pending_inbound(G, A, "1");
    "delete_pending_inbound_batch" => |s| async {
        let keys = ["1", "2"].map(|id| PendingInboundKey { chat: G, sender: A, id });
        s.delete_pending_inbound_batch(&keys).await
    };
    "delete_expired_pending_inbound" => |s| s.delete_expired_pending_inbound(i64::MAX);
    "put_msg_secrets" => |s| s.put_msg_secrets(vec![secret("2", 2, 0), secret("3", 2, 0)]);
    "delete_expired_msg_secrets" => |s| s.delete_expired_msg_secrets(FAR + 1);
    "journal_append" => |s| async {
        let id = s.instance();
        s.journal_append((2..=5).map(|n| event_row(id, n)).collect()).await
    };
    "put_meta" => |s| s.put_meta("one", b"2", true);
    "delete_meta" => |s| s.delete_meta("one");
    "wipe_session" => |s| s.wipe_session();
    "wipe_all" => |s| s.wipe_all();
};

/// Everything that the rows of [`seed`] and [`CHANGES`] show.
pub(crate) async fn dump(s: &Session) -> Result<String, StoreError> {
    let mut out = String::new();
    let mut note = |name: &str, value: &dyn std::fmt::Debug| {
        writeln!(out, "{name}: {value:?}").unwrap();
    };
    note(
        "device",
        &s.load()
            .await?
            .map(|device| serde_json::to_string(&device).unwrap()),
    );
    for address in [A, B, C] {
        note("identity", &s.load_identity(address).await?);
        note("session", &s.get_session(address).await?);
        note("sender key", &s.get_sender_key(address).await?);
    }
    note("prekeys", &s.load_prekeys_batch(&[1, 2, 3, 4]).await?);
    note("max prekey", &s.get_max_prekey_id().await?);
    let mut signed = s.load_all_signed_prekeys().await?;
    signed.sort();
    note("signed", &signed);
    for key in [&b"one"[..], b"two"] {
        note(
            "sync key",
            &s.get_sync_key(key).await?.map(|key| key.key_data),
        );
    }
    note("latest sync key", &s.get_latest_sync_key_id().await?);
    note("version", &s.get_version("regular").await?.version);
    for index in 1..=3 {
        note("mac", &s.get_mutation_mac("regular", &[index; 32]).await?);
    }
    let mut has_key = s.get_sender_key_devices(G).await?;
    has_key.sort();
    note("sender key devices", &has_key);
    for lid in ["100", "200", "300"] {
        note(
            "lid",
            &s.get_lid_mapping(lid).await?.map(|e| e.phone_number),
        );
    }
    for phone in ["5511", "5522", "5533"] {
        note("phone", &s.get_pn_mapping(phone).await?.map(|e| e.lid));
        let list = s.get_devices(phone).await?;
        note(
            "devices",
            &list.map(|list| serde_json::to_string(&list).unwrap()),
        );
    }
    for base_key in [&b"one"[..], b"two"] {
        note("base key", &s.has_same_base_key(A, M, base_key).await?);
    }
    note("group", &s.get_group_metadata(G).await?);
    let tokens = s.get_tc_token(A).await?;
    note(
        "token",
        &tokens.map(|t| (t.token, t.token_timestamp, t.sender_timestamp)),
    );
    for id in ["1", "2", "3"] {
        note("inbound", &s.get_pending_inbound(G, A, id).await?);
        note("secret", &s.get_msg_secret_with_ts(A, B, id).await?);
    }
    let unsent = s.journal_unsent().await.map_err(StoreError::from)?;
    note("journal", &unsent);
    note("meta", &s.get_meta("one").await.map_err(StoreError::from)?);
    Ok(out)
}

/// [`dump`], and whether the sent messages are there, which only a take can tell.
pub(crate) async fn dump_and_take(s: &Session) -> Result<String, StoreError> {
    let mut out = dump(s).await?;
    for id in [M, "3EB0"] {
        let taken = s.take_sent_message(G, id).await?;
        writeln!(out, "sent {id}: {taken:?}").unwrap();
    }
    Ok(out)
}

pub(crate) type StoreError = wacore::store::error::StoreError;

/// Much longer than every retry of a passing fault.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);
