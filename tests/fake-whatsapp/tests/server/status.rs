//! Status updates: who gets them, and who is told that they were seen.

use crate::common::{eventually, paired, server};
use crate::messages::settled;
use fake_whatsapp::FakeWhatsApp;
use whatsapp_rust::Jid;

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";
const CAIO: &str = "5511888880001";

/// Whom a phone shows as having seen an update.
async fn seen_by(server: &FakeWhatsApp, phone: &str, id: &str) -> Vec<String> {
    let notices = server.notices(phone).await.expect("notices");
    let of_it = notices.into_iter().filter(|it| {
        it.kind == "receipt" && it.state == "read" && it.ids.iter().any(|known| known == id)
    });
    of_it.map(|it| it.from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_update_is_read_by_its_viewers_who_say_so() {
    let server = server().await;
    let added = server.add_contact(CAIO, "Caio", false).await;
    added.expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let first = server.post_status(CAIO, &[ANA, BIA], "one").await;
    let first = first.expect("post");
    let second = server.post_status(CAIO, &[ANA], "two").await;
    let second = second.expect("post");
    // The key comes with the first one only.
    assert_eq!(ana.texts(2, |_| true).await, ["one", "two"]);
    assert_eq!(bia.texts(1, |_| true).await, ["one"]);
    assert!(seen_by(&server, CAIO, &first).await.is_empty());

    let (chat, author) = (Jid::status_broadcast(), Jid::pn(CAIO));
    let ids = [first.as_str()];
    let read = bia.client.mark_as_read(&chat, Some(&author), &ids);
    read.await.expect("read");
    eventually("Caio sees that Bia has seen it", || async {
        seen_by(&server, CAIO, &first).await == [BIA]
    })
    .await;
    assert!(seen_by(&server, CAIO, &second).await.is_empty());
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}
