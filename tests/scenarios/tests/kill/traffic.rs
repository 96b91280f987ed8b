//! Traffic that does not care who dies meanwhile, and what must come of it.

use std::sync::Arc;
use std::time::Duration;

use fake_whatsapp::{Change, FakeWhatsApp};
use pombal_scenarios::Api;
use reqwest::Method;
use serde_json::json;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// Pause of a caller whose request was not answered.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// How often a person writes, by itself.
const WRITING_PAUSE: Duration = Duration::from_millis(50);
/// How often a phone changes a setting that its devices share.
const CHANGE_PAUSE: Duration = Duration::from_millis(400);

/// The API, while there is one. Everybody stops when there is none and the sender is gone.
pub(crate) type Alive = watch::Receiver<Option<Api>>;

/// Messages that must arrive at one instance: somebody was told that they are on their way.
#[derive(Clone, Default)]
pub(crate) struct Promised(Arc<Mutex<Vec<String>>>);

impl Promised {
    /// The ids, in the order of the promises.
    pub(crate) async fn ids(&self) -> Vec<String> {
        self.0.lock().await.clone()
    }

    async fn note(&self, id: String) {
        self.0.lock().await.push(id);
    }
}

/// Everybody who talks.
pub(crate) struct Traffic {
    whatsapp: FakeWhatsApp,
    alive: Alive,
    calling_pause: Duration,
    writing_pause: Duration,
    tasks: JoinSet<()>,
}

impl Traffic {
    pub(crate) fn new(whatsapp: &FakeWhatsApp, alive: &Alive) -> Self {
        Self {
            whatsapp: whatsapp.clone(),
            alive: alive.clone(),
            calling_pause: Duration::ZERO,
            writing_pause: WRITING_PAUSE,
            tasks: JoinSet::new(),
        }
    }

    /// The same, of people and callers who all make such a pause between two texts.
    pub(crate) fn unhurried(whatsapp: &FakeWhatsApp, alive: &Alive, pause: Duration) -> Self {
        Self {
            calling_pause: pause,
            writing_pause: pause,
            ..Self::new(whatsapp, alive)
        }
    }

    /// A caller of the API sends texts from the instance `from` to `to`, a number or a group,
    /// without a pause by itself. Each text that was accepted is promised to all of `receivers`; one that
    /// got no answer may arrive or not.
    pub(crate) fn calls(&mut self, from: &str, to: &str, receivers: &[&Promised]) {
        let receivers: Vec<_> = receivers.iter().map(|to| (*to).clone()).collect();
        let (from, to, mut alive) = (from.to_owned(), to.to_owned(), self.alive.clone());
        let pause = self.calling_pause;
        self.tasks.spawn(async move {
            for n in 0u32.. {
                let body = json!({ "number": to, "text": format!("{from} {n}") }).to_string();
                loop {
                    let Ok(Some(api)) =
                        alive.wait_for(Option::is_some).await.map(|api| api.clone())
                    else {
                        return;
                    };
                    let path = format!("/message/sendText/{from}");
                    match api.call(Method::POST, &path, Some(body.clone())).await {
                        Ok(answer) if answer.status == 201 => {
                            let id = answer.body["key"]["id"].as_str().unwrap();
                            for receiver in &receivers {
                                receiver.note(id.to_owned()).await;
                            }
                            break;
                        }
                        // Not up yet, or dead: the caller tries again, and then the same text
                        // may arrive under two message ids.
                        _ => tokio::time::sleep(RETRY_PAUSE).await,
                    }
                }
                tokio::time::sleep(pause).await;
            }
        });
    }

    /// A person writes on a phone. WhatsApp has what was written: it must arrive.
    pub(crate) fn writes(&mut self, phone: &str, to: &str, receivers: &[&Promised]) {
        let receivers: Vec<_> = receivers.iter().map(|to| (*to).clone()).collect();
        let (whatsapp, alive) = (self.whatsapp.clone(), self.alive.clone());
        let (phone, to, pause) = (phone.to_owned(), to.to_owned(), self.writing_pause);
        self.tasks.spawn(async move {
            for n in 0u32.. {
                if alive.has_changed().is_err() {
                    return;
                }
                let text = format!("{phone} {n}");
                let sent = whatsapp.send_from_phone(&phone, &to, &text, None).await;
                let id = sent.unwrap();
                for receiver in &receivers {
                    receiver.note(id.clone()).await;
                }
                tokio::time::sleep(pause).await;
            }
        });
    }

    /// The owner of an instance's phone mutes and unmutes a chat: app state, which every
    /// device of the account has to follow without a gap.
    pub(crate) fn mutes(&mut self, phone: &str, chat: &str) {
        let (whatsapp, phone, alive) =
            (self.whatsapp.clone(), phone.to_owned(), self.alive.clone());
        let chat = format!("{chat}@s.whatsapp.net");
        self.tasks.spawn(async move {
            for n in 0u32.. {
                if alive.has_changed().is_err() {
                    return;
                }
                let change = Change::Mute {
                    chat: chat.clone(),
                    on: n % 2 == 0,
                    until_ms: None,
                };
                whatsapp.change_on_phone(&phone, &change).await.unwrap();
                tokio::time::sleep(CHANGE_PAUSE).await;
            }
        });
    }

    /// Waits until everybody has noticed that it is over.
    pub(crate) async fn ends(self) {
        self.tasks.join_all().await;
    }
}
