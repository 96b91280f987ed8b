//! Baileys is linked, and comes back from its saved state.

use fake_whatsapp::{FakeWhatsApp, Options, Watched};
use pombal_scenarios::Baileys;

/// Right after pairing, WhatsApp asks the client to connect once more.
const RESTART_REQUIRED: u64 = 515;

/// How often the account's device has logged in, and how it is known.
async fn device(whatsapp: &FakeWhatsApp, phone: &str) -> (u64, String) {
    let devices = whatsapp.devices().await;
    let mut own = devices.into_iter().filter(|device| device.phone == phone);
    let device = own.next().expect("the phone lists a device");
    assert!(own.next().is_none(), "and no other");
    (device.logins, device.jid)
}

async fn assert_paired_and_comes_back(whatsapp: &FakeWhatsApp, mut baileys: Baileys) {
    assert_eq!(baileys.closes(), [RESTART_REQUIRED]);
    let phone = baileys.phone.clone();
    let (logins, jid) = device(whatsapp, &phone).await;
    assert_eq!(logins, 1);
    let me = baileys.me().await;
    assert_eq!(me["id"], jid.as_str(), "{me}");
    assert!(me["lid"].as_str().is_some_and(|lid| lid.ends_with("@lid")));
    baileys.assert_understood(whatsapp).await;

    baileys.stop(whatsapp).await;
    baileys.start_again().await;
    assert!(baileys.events("pairing-code").is_empty());
    let updates = baileys.events("connection.update");
    assert!(updates.iter().all(|update| update["qr"].is_null()));
    assert_eq!(device(whatsapp, &phone).await, (2, jid));
    baileys.assert_understood(whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_pairs_by_qr_code_and_logs_in_again() {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    let baileys = Baileys::pair(&whatsapp, "5511999990301", "Bia").await;
    assert_paired_and_comes_back(&whatsapp, baileys).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_pairs_by_pairing_code_and_logs_in_again() {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    let baileys = Baileys::pair_by_code(&whatsapp, "5511999990302", "Bia").await;
    assert_paired_and_comes_back(&whatsapp, baileys).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_rejects_a_server_of_another_root() {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    let refused = Baileys::distrusting(&whatsapp, "5511999990303").await;
    assert_eq!(refused.next_close(0).await, 400);
    let failed = whatsapp.seen(None, Some("handshake-failed"), 0).await;
    assert_eq!(failed.items.len(), 1, "the handshake ends half way");
    assert!(whatsapp.pairings().await.is_empty());
}
