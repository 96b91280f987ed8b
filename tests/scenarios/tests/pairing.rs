//! Pairing by QR code and by pairing code.

use base64::Engine;
use pombal_scenarios::{Build, PATIENCE, World, eventually};
use serde_json::Value;

/// The webhook saw the instance come up, in order and without gaps.
async fn assert_came_up(world: &World, name: &str, phone: &str) {
    let seen = eventually("the webhook of the open connection", PATIENCE, async || {
        let hooks = world.hooks.hooks(name);
        let open = hooks
            .iter()
            .any(|hook| hook.body["data"]["state"] == "open");
        open.then_some(hooks)
    })
    .await;
    let seqs: Vec<u64> = seen
        .iter()
        .map(|hook| hook.body["seq"].as_u64().unwrap())
        .collect();
    // That it was created is 0.
    let expected: Vec<u64> = (0..seqs.len() as u64).collect();
    assert_eq!(seqs, expected, "seq has gaps or is out of order");

    let story: Vec<String> = seen
        .iter()
        .map(|hook| match hook.event() {
            "connection.update" => format!(
                "connection {}",
                hook.body["data"]["state"].as_str().unwrap()
            ),
            other => other.to_owned(),
        })
        .collect();
    let at = |what: &str| {
        story
            .iter()
            .position(|event| event == what)
            .unwrap_or_else(|| panic!("no {what} in {story:?}"))
    };
    assert!(
        at("connection connecting") < at("qrcode.updated"),
        "{story:?}"
    );
    assert!(at("qrcode.updated") < at("connection open"), "{story:?}");

    let open = &seen[at("connection open")].body;
    let jid = format!("{phone}@s.whatsapp.net");
    assert_eq!(open["instance"], name);
    assert_eq!(open["sender"], jid.as_str());
    assert_eq!(open["data"]["wuid"], jid.as_str());
    assert_eq!(open["data"]["statusReason"], 200);

    let row = world.row(name).await;
    assert_eq!(row["connectionStatus"], "open");
    assert_eq!(row["ownerJid"], jid.as_str());
    assert_eq!(row["profileName"], format!("Owner of {name}"));
    assert_eq!(row["instanceName"], name);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_paired_by_qr_code() {
    let world = World::start().await;
    world.create("qr").await;
    let connect = world.api().get("/instance/connect/qr").await.ok();
    let code = connect["code"].as_str().unwrap();
    assert!(code.split(',').count() >= 4, "{code}");
    assert_eq!(connect["count"], 1);
    assert_eq!(connect["pairingCode"], Value::Null);
    let png = connect["base64"]
        .as_str()
        .unwrap()
        .strip_prefix("data:image/png;base64,")
        .unwrap();
    let png = base64::engine::general_purpose::STANDARD
        .decode(png)
        .unwrap();
    let image = image::load_from_memory(&png).unwrap();
    assert!(image.width() > 100 && image.width() == image.height());

    // Looking again changes nothing.
    let again = world.api().get("/instance/connect/qr").await.ok();
    assert_eq!(again["code"], connect["code"]);

    world
        .whatsapp
        .scan(code, Some("5511999990001"), Some("Owner of qr"))
        .await
        .unwrap();
    world.wait_for_state("qr", "open").await;
    assert_came_up(&world, "qr", "5511999990001").await;
    let open = world.api().get("/instance/connect/qr").await.ok();
    assert_eq!(open["instance"]["state"], "open");
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_paired_by_pairing_code() {
    let world = World::start().await;
    world.create("code").await;
    let phone = "5511999990002";
    let connect = world
        .api()
        .get(&format!("/instance/connect/code?number={phone}"))
        .await
        .ok();
    let code = connect["pairingCode"].as_str().unwrap();
    assert_eq!(code.replace('-', "").len(), 8, "{code}");
    world
        .whatsapp
        .enter_code(phone, code, Some("Owner of code"))
        .await
        .unwrap();
    world.wait_for_state("code", "open").await;
    assert_came_up(&world, "code", phone).await;
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_shows_the_code_until_it_is_scanned() {
    let world = World::start().await;
    world.create("t").await;
    let connect = world.api().get("/instance/connect/t").await.ok();
    let code = connect["code"].as_str().unwrap().to_owned();
    let whatsapp = world.whatsapp.clone();
    let runtime = tokio::runtime::Handle::current();
    let printed = tokio::task::block_in_place(|| {
        world.pombal().command(Build::Demo, &["qr", "t"], || {
            runtime
                .block_on(whatsapp.scan(&code, Some("5511999990071"), None))
                .unwrap();
        })
    });
    let blocks = printed
        .lines()
        .filter(|line| line.contains('▀') || line.contains('▄'));
    assert!(blocks.count() > 10, "{printed}");
    assert!(printed.contains("t is open."), "{printed}");
}
