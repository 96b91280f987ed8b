//! Every kind of message, both ways.

use crate::common::{TestClient, eventually, paired, server};
use crate::groups::{contacts, created_by};
use crate::messages::settled;
use fake_whatsapp::{Draft, DraftKind, FakeWhatsApp, InboxItem, Kind};
use wacore::proto_helpers::{MessageExt as _, build_quote_context};
use wacore::types::events::Event;
use whatsapp_rust::buffa::MessageField;
use whatsapp_rust::features::PollVoteCiphertext;
use whatsapp_rust::waproto::whatsapp as wa;
use whatsapp_rust::waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use whatsapp_rust::{Jid, RevokeType};

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";
const CAIO: &str = "5511888880001";

/// Waits for the message with this id, and for what `found` finds in it.
async fn got<T>(client: &TestClient, id: &str, found: impl Fn(&wa::Message) -> Option<T>) -> T {
    client
        .wait_for(id, |event| match event {
            Event::Messages(batch) => {
                let mut messages = batch.messages.iter();
                let message = messages.find(|message| message.info.id == id)?;
                let found = found(message.message.get_base_message());
                Some(found.expect("another message than was sent"))
            }
            _ => None,
        })
        .await
}

/// Waits until a phone holds a message that `done` accepts.
async fn holds(
    server: &FakeWhatsApp,
    phone: &str,
    what: &str,
    done: impl Fn(&InboxItem) -> bool,
) -> InboxItem {
    eventually(what, || async {
        let inbox = server.inbox(phone).await.expect("inbox");
        inbox.iter().any(&done)
    })
    .await;
    let inbox = server.inbox(phone).await.expect("inbox");
    inbox.into_iter().find(done).expect("item")
}

async fn draft(server: &FakeWhatsApp, from: &str, to: &str, draft: impl Into<Draft>) -> String {
    let sent = server.send_draft(from, to, &draft.into(), None).await;
    sent.expect("send")
}

fn text(text: &str) -> wa::Message {
    wa::Message {
        conversation: Some(text.to_owned()),
        ..Default::default()
    }
}

fn words(text: &str) -> DraftKind {
    DraftKind::Text {
        text: text.to_owned(),
    }
}

/// Sends any message of a client. Returns its id.
async fn send(client: &TestClient, to: &Jid, message: wa::Message) -> String {
    let sent = client.client.send_message(to, message).await;
    sent.expect("send").message_id
}

/// The chats of the tests: with a person, and in a group.
async fn chats(ana: &TestClient) -> [Jid; 2] {
    [Jid::pn(CAIO), created_by(ana, &[CAIO, BIA]).await]
}

/// The chat as a phone names it. `other` is the other side of a chat between two.
fn named(chat: &Jid, other: &str) -> String {
    if chat.server == whatsapp_rust::Server::Group {
        chat.to_string()
    } else {
        other.to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_edit_take_back_and_react() {
    let server = server().await;
    contacts(&server, &[CAIO, BIA]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    for chat in chats(&ana).await {
        let to = named(&chat, ANA);
        let id = draft(&server, CAIO, &to, words("frist")).await;
        let target = || id.clone();
        got(&ana, &id, |message| {
            (message.text_content() == Some("frist")).then_some(())
        })
        .await;
        let edit = DraftKind::Edit {
            target: target(),
            text: "first".to_owned(),
        };
        let edit = draft(&server, CAIO, &to, edit).await;
        let edited = got(&ana, &edit, |message| {
            let protocol = message.protocol_message.as_option()?;
            let about = protocol.key.as_option()?.id.clone()?;
            (protocol.r#type == Some(ProtocolType::MESSAGE_EDIT) && about == id)
                .then(|| protocol.edited_message.as_option()?.conversation.clone())
                .flatten()
        })
        .await;
        assert_eq!(edited, "first");
        for emoji in ["👍", ""] {
            let reaction = DraftKind::Reaction {
                target: target(),
                text: emoji.to_owned(),
            };
            let reaction = draft(&server, CAIO, &to, reaction).await;
            got(&ana, &reaction, |message| {
                let reaction = message.reaction_message.as_option()?;
                (reaction.key.as_option()?.id.as_deref() == Some(id.as_str())
                    && reaction.text.as_deref() == Some(emoji))
                .then_some(())
            })
            .await;
        }
        let revoke = DraftKind::Revoke { target: target() };
        let revoke = draft(&server, CAIO, &to, revoke).await;
        got(&ana, &revoke, |message| {
            let protocol = message.protocol_message.as_option()?;
            (protocol.r#type == Some(ProtocolType::REVOKE)
                && protocol.key.as_option()?.id.as_deref() == Some(id.as_str()))
            .then_some(())
        })
        .await;
        // The other phones did the same to what they hold.
        let item = holds(&server, ANA, "the message", |item| item.id == id).await;
        assert!(item.edited && item.revoked && item.reactions.is_empty());
        let other = server
            .send_draft(ANA, &named(&chat, CAIO), &words("mine").into(), None)
            .await
            .expect("send");
        let theirs = DraftKind::Edit {
            target: other.clone(),
            text: "not mine".to_owned(),
        };
        draft(&server, CAIO, &to, theirs).await;
        let item = holds(&server, CAIO, "the message", |item| item.id == other).await;
        assert_eq!(item.text, "mine", "nobody edits what others wrote");
    }
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_edit_take_back_and_react() {
    let server = server().await;
    contacts(&server, &[CAIO, BIA]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    for chat in chats(&ana).await {
        let in_chat = named(&chat, ANA);
        let id = send(&ana, &chat, text("frist")).await;
        let found = |item: &InboxItem| item.id == id && item.chat == in_chat;
        holds(&server, CAIO, "the text", found).await;
        ana.client
            .edit_message(&chat, id.clone(), text("first"))
            .await
            .expect("edit");
        let item = holds(&server, CAIO, "the edit", |item| found(item) && item.edited).await;
        assert_eq!(item.text, "first");
        let from_caio = draft(&server, CAIO, &in_chat, words("react to me")).await;
        let (author, in_group) = ana
            .wait_for("the message", |event| match event {
                Event::Messages(batch) => batch
                    .messages
                    .iter()
                    .find(|message| message.info.id == from_caio)
                    .map(|message| {
                        let source = &message.info.source;
                        (source.sender.to_non_ad(), source.is_group)
                    }),
                _ => None,
            })
            .await;
        let key = wa::MessageKey {
            remote_jid: Some(chat.to_string()),
            from_me: Some(false),
            id: Some(from_caio.clone()),
            participant: in_group.then(|| author.to_string()),
        };
        for emoji in ["❤️", ""] {
            let sent = ana.client.send_reaction(&chat, key.clone(), emoji).await;
            sent.expect("react");
            let item = holds(&server, CAIO, "the reaction", |item| {
                item.id == from_caio && item.reactions.contains_key(ANA) != emoji.is_empty()
            })
            .await;
            assert_eq!(item.text, "react to me");
        }
        ana.client
            .revoke_message(&chat, id.clone(), RevokeType::Sender)
            .await
            .expect("revoke");
        let item = holds(&server, CAIO, "the revoke", |item| {
            found(item) && item.revoked
        })
        .await;
        assert!(item.text.is_empty());
        // The person at the client is an admin of the group, and nothing elsewhere.
        if in_group {
            let admin = RevokeType::Admin {
                original_sender: author,
            };
            let sent = ana.client.revoke_message(&chat, from_caio.clone(), admin);
            sent.await.expect("revoke");
            holds(&server, BIA, "an admin's revoke", |item| {
                item.id == from_caio && item.revoked
            })
            .await;
        }
    }
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_are_sealed_both_ways() {
    let server = server().await;
    contacts(&server, &[CAIO, BIA]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let options = ["red".to_owned(), "green".to_owned(), "blue".to_owned()];
    for chat in chats(&ana).await {
        let in_chat = named(&chat, ANA);
        let polls = ana.client.polls();
        // A client asks, a phone answers.
        let (sent, secret) = polls
            .create(&chat, "Colour?", &options, 1)
            .await
            .expect("poll");
        let poll = sent.message_id;
        let item = holds(&server, CAIO, "the poll", |item| item.id == poll).await;
        assert_eq!((item.kind, item.options.len()), (Kind::Poll, 3));
        let vote = DraftKind::Vote {
            target: poll.clone(),
            options: vec!["green".to_owned()],
        };
        let vote_id = draft(&server, CAIO, &in_chat, vote).await;
        let (sealed, voter) = ana
            .wait_for("the vote", |event| match event {
                Event::Messages(batch) => batch.messages.iter().find_map(|message| {
                    let update = message.message.poll_update_message.as_option()?;
                    (message.info.id == vote_id).then(|| {
                        let vote = update.vote.as_option().expect("vote").clone();
                        (vote, message.info.source.sender.clone())
                    })
                }),
                _ => None,
            })
            .await;
        let in_group = chat.server == whatsapp_rust::Server::Group;
        let creator = if in_group {
            ana.client.lid().expect("lid")
        } else {
            ana.client.pn().expect("number")
        };
        let ciphertext = PollVoteCiphertext {
            enc_payload: &sealed.enc_payload.expect("payload"),
            enc_iv: &sealed.enc_iv.expect("iv"),
        };
        let hashes = polls
            .decrypt_vote(ciphertext, &secret, &poll, &creator, &voter)
            .await
            .expect("open");
        assert_eq!(
            hashes,
            [wacore::poll::compute_option_hash("green").to_vec()]
        );
        // A phone asks, the client answers.
        let ask = DraftKind::Poll {
            name: "When?".to_owned(),
            options: options.to_vec(),
            selectable: 0,
        };
        let poll = draft(&server, CAIO, &in_chat, ask).await;
        let (secret, creator) = ana
            .wait_for("the poll", |event| match event {
                Event::Messages(batch) => batch.messages.iter().find_map(|message| {
                    let context = message.message.message_context_info.as_option()?;
                    let secret = context.message_secret.clone()?;
                    (message.info.id == poll)
                        .then(|| (secret, message.info.source.sender.to_non_ad()))
                }),
                _ => None,
            })
            .await;
        polls
            .vote(&chat, &poll, &creator, &secret, &options[1..])
            .await
            .expect("vote");
        let item = holds(&server, CAIO, "the client's vote", |item| {
            item.id == poll && item.votes.contains_key(ANA)
        })
        .await;
        assert_eq!(item.votes[ANA], options[1..]);
        let mine = holds(&server, ANA, "its own phone", |item| {
            item.id == poll && item.votes.contains_key(ANA)
        })
        .await;
        assert_eq!(mine.votes[ANA], options[1..]);
    }
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_mentions_and_lifetimes_travel() {
    let server = server().await;
    contacts(&server, &[CAIO, BIA]).await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    for chat in chats(&ana).await {
        let in_chat = named(&chat, ANA);
        let in_group = chat.server == whatsapp_rust::Server::Group;
        let id = send(&ana, &chat, text("quote me")).await;
        holds(&server, CAIO, "the text", |item| item.id == id).await;
        let reply = Draft {
            quoted: Some(id.clone()),
            mentions: vec![ANA.to_owned()],
            expiration: Some(86_400),
            ..words("quoting").into()
        };
        let reply = draft(&server, CAIO, &in_chat, reply).await;
        let context = got(&ana, &reply, |message| {
            let text = message.extended_text_message.as_option()?;
            (text.text.as_deref() == Some("quoting"))
                .then(|| text.context_info.as_option().cloned())
                .flatten()
        })
        .await;
        let lid: Jid = of_ana.lid.parse().expect("lid");
        let me = if in_group {
            lid.to_non_ad()
        } else {
            Jid::pn(ANA)
        };
        assert_eq!(context.stanza_id.as_deref(), Some(id.as_str()));
        assert_eq!(context.participant, Some(me.to_string()));
        assert_eq!(context.mentioned_jid, [me.to_string()]);
        assert_eq!(context.expiration, Some(86_400));
        let quoted = context.quoted_message.as_option().expect("quoted");
        assert_eq!(quoted.text_content(), Some("quote me"));
        // And the other way.
        let mut answer = wa::Message {
            extended_text_message: MessageField::some(wa::message::ExtendedTextMessage {
                text: Some("answering".to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut context = build_quote_context(id.clone(), me.to_string(), &text("quote me"));
        context.mentioned_jid = vec![format!("{CAIO}@s.whatsapp.net")];
        context.expiration = Some(604_800);
        assert!(answer.set_context_info(context));
        let answer = send(&ana, &chat, answer).await;
        let item = holds(&server, CAIO, "the answer", |item| item.id == answer).await;
        assert_eq!(item.quoted.as_deref(), Some(id.as_str()));
        assert_eq!(item.mentions, [format!("{CAIO}@s.whatsapp.net")]);
        assert_eq!(item.expiration, Some(604_800));
    }
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_cards_and_view_once_travel() {
    let server = server().await;
    contacts(&server, &[CAIO, BIA]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    for chat in chats(&ana).await {
        let in_chat = named(&chat, ANA);
        let place = DraftKind::Location {
            latitude: -23.5,
            longitude: -46.6,
            name: Some("Home".to_owned()),
        };
        let place = draft(&server, CAIO, &in_chat, place).await;
        let place = got(&ana, &place, |message| {
            message.location_message.as_option().cloned()
        })
        .await;
        assert_eq!(place.degrees_latitude, Some(-23.5));
        let card = DraftKind::Contact {
            name: "Bia".to_owned(),
            phone: BIA.to_owned(),
        };
        let card = draft(&server, CAIO, &in_chat, card).await;
        let card = got(&ana, &card, |message| {
            message.contact_message.as_option().cloned()
        })
        .await;
        assert!(card.vcard.clone().expect("vcard").contains(BIA));
        let once = Draft {
            view_once: true,
            ..words("look once").into()
        };
        let once = draft(&server, CAIO, &in_chat, once).await;
        ana.wait_for("the view-once message", |event| match event {
            Event::Messages(batch) => batch
                .messages
                .iter()
                .find(|message| message.info.id == once)
                .map(|message| assert!(message.message.is_view_once())),
            _ => None,
        })
        .await;
        let location = wa::Message {
            location_message: MessageField::some(place),
            ..Default::default()
        };
        let contact = wa::Message {
            contact_message: MessageField::some(card),
            ..Default::default()
        };
        for (message, kind, words) in [
            (location, Kind::Location, "-23.5,-46.6"),
            (contact, Kind::Contact, "Bia"),
        ] {
            let id = send(&ana, &chat, message).await;
            let item = holds(&server, CAIO, "it", |item| item.id == id).await;
            assert_eq!((item.kind, item.text.as_str()), (kind, words));
        }
    }
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_to_messages_survives() {
    let dir = tempfile::tempdir().expect("dir");
    let start = async || {
        let options = fake_whatsapp::Options {
            state_dir: Some(dir.path().to_owned()),
            ..Default::default()
        };
        fake_whatsapp::Watched::start(options)
            .await
            .expect("server")
    };
    let server = start().await;
    contacts(&server, &[CAIO, BIA]).await;
    let id = draft(&server, CAIO, BIA, words("old")).await;
    let edit = DraftKind::Edit {
        target: id.clone(),
        text: "new".to_owned(),
    };
    draft(&server, CAIO, BIA, edit).await;
    let ask = DraftKind::Poll {
        name: "When?".to_owned(),
        options: vec!["now".to_owned(), "later".to_owned()],
        selectable: 1,
    };
    let poll = draft(&server, CAIO, BIA, ask).await;
    let unknown = DraftKind::Vote {
        target: poll.clone(),
        options: vec!["never".to_owned()],
    };
    let refused = server.send_draft(BIA, CAIO, &unknown.into(), None).await;
    assert!(refused.is_err(), "never is not an option");
    server.shutdown().await;
    drop(server);
    let server = start().await;
    let vote = DraftKind::Vote {
        target: poll.clone(),
        options: vec!["later".to_owned()],
    };
    draft(&server, BIA, CAIO, vote).await;
    let item = holds(&server, BIA, "the edit", |item| item.id == id).await;
    assert_eq!((item.text.as_str(), item.edited), ("new", true));
    let item = holds(&server, CAIO, "the poll", |item| item.id == poll).await;
    assert_eq!(item.votes[BIA], ["later"]);
    server.shutdown().await;
}
