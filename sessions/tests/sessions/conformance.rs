//! The same random operations on `Session` and on the reference backend of `wacore`.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use pombal_domain::InstanceId;
use serde::Serialize;
use wacore::appstate::hash::HashState;
use wacore::store::Device;
use wacore::store::in_memory::InMemoryBackend;
use wacore::store::traits::*;
use wacore_appstate::processor::AppStateMutationMAC;

use crate::support::{Rng, open, session};

const STEPS: u64 = 1500;
const STEPS_PER_REOPEN: u64 = 250;
/// Number of arms in `step`.
const OPERATIONS: u64 = 66;

/// One random device per run; the same for both backends.
static DEVICE: std::sync::LazyLock<Device> = std::sync::LazyLock::new(Device::new);

#[tokio::test]
async fn random_operations_give_the_same_results_as_the_reference() {
    for seed in [1, 0xDEAD_BEEF, 0x5EED] {
        random_operations(Arc::new(InMemory::new()), seed, STEPS).await;
    }
}

/// Runs `steps` operations on both, with a close and a reopening now and then.
pub(crate) async fn random_operations(store: Arc<dyn ObjectStore>, seed: u64, steps: u64) {
    let instance = InstanceId::random();
    let reference = InMemoryBackend::new();
    let mut rng = Rng(seed);
    let mut db = open(store.clone()).await;
    // As the client does: it makes the device before anything else.
    session(&db, instance).save(&DEVICE).await.unwrap();
    reference.save(&DEVICE).await.unwrap();
    for number in 0..steps {
        if number % STEPS_PER_REOPEN == STEPS_PER_REOPEN - 1 {
            db.close().await.unwrap();
            db = open(store.clone()).await;
        }
        let mut again = rng.clone();
        let ours = step(&session(&db, instance), &mut rng).await;
        let theirs = step(&reference, &mut again).await;
        assert_eq!(ours, theirs, "seed {seed:#x}, step {number}");
    }
}

fn address(rng: &mut Rng) -> String {
    let user = rng.below(5);
    match rng.below(3) {
        0 => format!("55119{user}@s.whatsapp.net"),
        1 => format!("55119{user}:{}@s.whatsapp.net", rng.below(3)),
        _ => format!("10{user}@lid"),
    }
}

fn group(rng: &mut Rng) -> String {
    format!("12036{}@g.us", rng.below(4))
}

fn id(rng: &mut Rng) -> u32 {
    rng.below(12) as u32
}

fn message_id(rng: &mut Rng) -> String {
    format!("3EB0{}", rng.below(6))
}

fn collection(rng: &mut Rng) -> &'static str {
    ["regular", "regular_high", "critical_block"][rng.below(3) as usize]
}

fn index_mac(rng: &mut Rng) -> [u8; 32] {
    [rng.below(8) as u8; 32]
}

fn some<T>(rng: &mut Rng, mut make: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..rng.below(5)).map(|_| make(rng)).collect()
}

/// Phones of one LID are its own: the reference forgets a phone's newer LID otherwise
/// (see `updates::a_phone_that_moved_on_keeps_its_newer_lid`).
fn mapping(rng: &mut Rng) -> LidPnMappingEntry {
    let lid = rng.below(6);
    LidPnMappingEntry {
        lid: format!("100{lid}"),
        phone_number: format!("5511{}", lid * 2 + rng.below(2)),
        created_at: rng.below(100) as i64,
        updated_at: rng.below(100) as i64,
        learning_source: "usync".to_owned(),
    }
}

fn device_list(rng: &mut Rng) -> DeviceListRecord {
    DeviceListRecord {
        user: format!("5511{}", rng.below(5)),
        devices: some(rng, |rng| DeviceInfo::new(id(rng), Some(3))),
        timestamp: rng.below(1000) as i64,
        phash: rng.coin().then(|| "2:abc".to_owned()),
        raw_id: rng.coin().then_some(9),
    }
}

fn now() -> i64 {
    // A constant of the test run: both backends must see the same cutoffs.
    static NOW: std::sync::OnceLock<i64> = std::sync::OnceLock::new();
    *NOW.get_or_init(|| pombal_domain::time::UnixMs::now().seconds() as i64)
}

fn secret(rng: &mut Rng) -> MsgSecretEntry {
    MsgSecretEntry {
        chat: address(rng).into(),
        sender: address(rng).into(),
        msg_id: message_id(rng).into(),
        secret: [rng.next() as u8; 32],
        expires_at: [0, now() + 1000, now() + 2000, now() + 3000][rng.below(4) as usize],
        message_ts: rng.below(3) as i64,
    }
}

/// A cutoff that is clearly before or after the rows of this run.
fn cutoff(rng: &mut Rng) -> i64 {
    now() + if rng.coin() { -10_000 } else { 10_000 }
}

fn json(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap()
}

fn sorted<T: Ord + Debug>(mut list: Vec<T>) -> String {
    list.sort();
    format!("{list:?}")
}

fn shared(rows: Vec<(String, Vec<u8>)>) -> Vec<(Arc<str>, Bytes)> {
    rows.into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

async fn step(b: &dyn Backend, r: &mut Rng) -> String {
    let operation = r.below(OPERATIONS);
    let result = match operation {
        0 | 1 => show(b.put_identity(&address(r), [r.next() as u8; 32]).await),
        2 => {
            let rows = some(r, |r| (Arc::from(address(r)), [r.next() as u8; 32]));
            show(b.put_identities_batch(&rows).await)
        }
        3 => show(b.load_identity(&address(r)).await),
        4 => show(b.delete_identity(&address(r)).await),
        5 => show(b.get_session(&address(r)).await),
        6 => show(b.put_session(&address(r), &r.bytes()).await),
        7 => {
            let rows = some(r, |r| (address(r), r.bytes()));
            show(b.put_sessions_batch(&shared(rows)).await)
        }
        8 => show(b.delete_session(&address(r)).await),
        9 => show(b.has_session(&address(r)).await),
        10 => show(
            b.has_signal_state_for_user(&format!("55119{}", r.below(6)))
                .await,
        ),
        11 => show(b.store_prekey(id(r), &r.bytes(), r.coin()).await),
        12 => {
            let rows = some(r, |r| (id(r), Bytes::from(r.bytes())));
            show(b.store_prekeys_batch(&rows, r.coin()).await)
        }
        13 => show(b.load_prekey(id(r)).await),
        14 => show(b.load_prekeys_batch(&some(r, id)).await),
        15 => show(b.mark_prekeys_uploaded(&some(r, id)).await),
        16 => show(b.remove_prekey(id(r)).await),
        17 => show(b.get_max_prekey_id().await),
        18 => show(b.store_signed_prekey(id(r), &r.bytes()).await),
        19 => show(b.load_signed_prekey(id(r)).await),
        20 => sorted(b.load_all_signed_prekeys().await.unwrap()),
        21 => show(b.remove_signed_prekey(id(r)).await),
        22 => show(b.put_sender_key(&address(r), &r.bytes()).await),
        23 => {
            let rows = some(r, |r| (address(r), r.bytes()));
            show(b.put_sender_keys_batch(&shared(rows)).await)
        }
        24 => show(b.get_sender_key(&address(r)).await),
        25 => show(b.delete_sender_key(&address(r)).await),
        26 => json(b.get_sync_key(&[id(r) as u8]).await.unwrap()),
        27 => {
            let key_id = [id(r) as u8];
            let key = AppStateSyncKey {
                key_data: r.bytes(),
                fingerprint: r.bytes(),
                timestamp: 5,
            };
            show(b.set_sync_key(&key_id, key).await)
        }
        28 => json(b.get_version(collection(r)).await.unwrap()),
        29 => {
            let mut state = HashState {
                version: r.below(9),
                ..HashState::default()
            };
            state.hash[3] = r.next() as u8;
            show(b.set_version(collection(r), state).await)
        }
        30 | 31 => {
            let macs = some(r, |r| AppStateMutationMAC {
                index_mac: index_mac(r).to_vec(),
                value_mac: r.bytes(),
            });
            show(b.put_mutation_macs(collection(r), 1, &macs).await)
        }
        32 => show(b.get_mutation_mac(collection(r), &index_mac(r)).await),
        33 => {
            let macs = b
                .get_mutation_macs(collection(r), &some(r, index_mac))
                .await
                .unwrap();
            sorted(macs.into_iter().collect())
        }
        34 => {
            let macs = some(r, |r| index_mac(r).to_vec());
            show(b.delete_mutation_macs(collection(r), &macs).await)
        }
        35 => show(b.clear_mutation_macs(collection(r)).await),
        36 => show(b.get_latest_sync_key_id().await),
        37 => sorted(b.get_sender_key_devices(&group(r)).await.unwrap()),
        38 | 39 => {
            let group = group(r);
            let rows = some(r, |r| (address(r), r.coin()));
            let rows: Vec<(&str, bool)> = rows.iter().map(|(d, has)| (d.as_str(), *has)).collect();
            show(b.set_sender_key_status(&group, &rows).await)
        }
        40 => show(b.clear_sender_key_devices(&group(r)).await),
        41 => {
            let gone = some(r, address);
            let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
            show(b.delete_sender_key_device_rows(&gone).await)
        }
        42 if r.below(5) == 0 => show(b.clear_all_sender_key_devices().await),
        43 => json(
            b.get_lid_mapping(&format!("100{}", r.below(6)))
                .await
                .unwrap(),
        ),
        44 => json(
            b.get_pn_mapping(&format!("5511{}", r.below(12)))
                .await
                .unwrap(),
        ),
        45 => show(b.put_lid_mapping(&mapping(r)).await),
        46 => show(b.put_lid_mappings(&some(r, mapping)).await),
        47 => sorted(
            b.get_all_lid_mappings()
                .await
                .unwrap()
                .iter()
                .map(json)
                .collect(),
        ),
        48 => show(
            b.save_base_key(&address(r), &message_id(r), &[r.below(2) as u8])
                .await,
        ),
        49 => show(
            b.has_same_base_key(&address(r), &message_id(r), &[r.below(2) as u8])
                .await,
        ),
        50 => show(b.delete_base_key(&address(r), &message_id(r)).await),
        51 => show(b.update_device_list(device_list(r)).await),
        52 => show(b.update_device_lists(some(r, device_list)).await),
        53 => json(b.get_devices(&format!("5511{}", r.below(5))).await.unwrap()),
        54 => show(b.delete_devices(&format!("5511{}", r.below(5))).await),
        55 => match r.below(3) {
            0 => show(b.put_group_metadata(&group(r), &r.bytes()).await),
            1 => show(b.delete_group_metadata(&group(r)).await),
            _ => show(b.get_group_metadata(&group(r)).await),
        },
        56 => json(b.get_tc_token(&address(r)).await.unwrap()),
        57 => {
            let entry = TcTokenEntry {
                token: r.bytes(),
                token_timestamp: r.below(100) as i64,
                sender_timestamp: r.coin().then_some(50),
            };
            show(b.put_tc_token(&address(r), &entry).await)
        }
        58 => match r.below(3) {
            0 => show(b.delete_tc_token(&address(r)).await),
            1 => sorted(b.get_all_tc_token_jids().await.unwrap()),
            _ => {
                let (token, sender) = (r.below(120) as i64, r.below(120) as i64);
                show(b.delete_expired_tc_tokens(token, sender).await)
            }
        },
        59 => show(
            b.touch_tc_token_sender_timestamp(&address(r), r.below(100) as i64)
                .await,
        ),
        60 => {
            let (jid, token, secs) = (address(r), r.bytes(), r.below(100) as i64);
            show(b.store_received_tc_token(&jid, &token, secs).await)
        }
        61 => match r.below(4) {
            0 | 1 => show(
                b.store_sent_message(&group(r), &message_id(r), &r.bytes())
                    .await,
            ),
            2 => show(b.take_sent_message(&group(r), &message_id(r)).await),
            _ => show(b.delete_expired_sent_messages(cutoff(r)).await),
        },
        62 => pending(b, r).await,
        63 => show(b.put_msg_secrets(some(r, secret)).await),
        64 => {
            let (chat, sender, id) = (address(r), address(r), message_id(r));
            match r.below(4) {
                0 => show(
                    b.put_msg_secret(&chat, &sender, &id, &[r.next() as u8; 32])
                        .await,
                ),
                1 => show(b.get_msg_secret(&chat, &sender, &id).await),
                2 => show(b.get_msg_secret_with_ts(&chat, &sender, &id).await),
                _ => {
                    let cutoff = now() + [500, 1000, 1500, 2500][r.below(4) as usize];
                    show(b.delete_expired_msg_secrets(cutoff).await)
                }
            }
        }
        65 => device(b, r).await,
        _ => String::new(),
    };
    format!("{operation}: {result}")
}

async fn pending(b: &dyn Backend, r: &mut Rng) -> String {
    let (chat, sender, id) = (group(r), address(r), message_id(r));
    match r.below(6) {
        0 => show(
            b.store_pending_inbound(&chat, &sender, &id, &r.bytes())
                .await,
        ),
        1 | 2 => show(b.get_pending_inbound(&chat, &sender, &id).await),
        3 => show(b.delete_pending_inbound(&chat, &sender, &id).await),
        4 => show(b.delete_expired_pending_inbound(cutoff(r)).await),
        _ => {
            let rows = some(r, |r| (group(r), address(r), message_id(r), r.bytes()));
            let keys: Vec<_> = rows
                .iter()
                .map(|(chat, sender, id, _)| PendingInboundKey { chat, sender, id })
                .collect();
            if r.coin() {
                return show(b.delete_pending_inbound_batch(&keys).await);
            }
            let rows: Vec<_> = rows
                .iter()
                .map(|(chat, sender, id, message)| PendingInboundRow {
                    chat,
                    sender,
                    id,
                    message,
                })
                .collect();
            show(b.store_pending_inbound_batch(&rows).await)
        }
    }
}

async fn device(b: &dyn Backend, r: &mut Rng) -> String {
    if r.coin() {
        let mut device = DEVICE.clone();
        device.push_name = format!("Maria {}", r.below(100));
        device.login_counter = r.below(100) as i32;
        return show(b.save(&device).await);
    }
    let loaded = b.load().await.unwrap();
    assert_eq!(b.exists().await.unwrap(), loaded.is_some());
    if let Some(device) = &loaded {
        assert_eq!(device.device_props, DEVICE.device_props);
    }
    json(loaded)
}

fn show<T: Debug>(result: wacore::store::error::Result<T>) -> String {
    format!("{:?}", result.unwrap())
}
