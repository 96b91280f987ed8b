//! A deployment on the emulator, for the function alone.

use std::ops::Range;
use std::time::Duration;

use fake_lambda::{Function, HttpCall};
use pombal_domain::event::pending_text;
use pombal_domain::time::UnixMs;
use pombal_domain::{Command, ConnectionState, Desired, Instance, Observed, Op, Reply, ShardId};
use pombal_store::Registry;
use pombal_store::aws::Aws;
use pombal_store::conformance::aws;
use pombal_store::queue::plan;
use pombal_store::queue::sqs::Queues;
use serde_json::json;
use tokio::task::JoinHandle;

/// The global key.
pub(super) const KEY: &str = "bench-key-0123456789abcdef";

pub(super) struct House {
    registry: Registry,
    queues: Queues,
    /// Of the function.
    env: Vec<(&'static str, String)>,
    program: String,
}

#[expect(clippy::unwrap_used, reason = "a failure here is a failed bench")]
impl House {
    pub(super) async fn new() -> Self {
        let program = std::env::var("POMBAL_API_BIN").unwrap_or_else(|_| {
            panic!("POMBAL_API_BIN is not set: run the bench by `cargo xtask bench api`")
        });
        let clients = aws::connect().await;
        let registry = aws::registry(&clients).await;
        let queues = aws::queues(&clients);
        let name = plan::commands(ShardId(0));
        let options = plan::commands_options();
        queues.create_if_missing(&name, &options).await.unwrap();
        let master = clients.kms().create_key().send().await.unwrap();
        let url = queues_url(&clients, &queues).await;
        let env = vec![
            ("POMBAL_TABLE", registry.table().to_owned()),
            ("POMBAL_QUEUES", url),
            ("POMBAL_SHARDS", "1".to_owned()),
            ("POMBAL_KMS_KEY", master.key_metadata.unwrap().key_id),
            ("POMBAL_MEDIA_BUCKET", "not-used".to_owned()),
            ("AUTHENTICATION_API_KEY", KEY.to_owned()),
            // As in production, where a line per request is written too.
            ("RUST_LOG", "info".to_owned()),
        ];
        Self {
            registry,
            queues,
            env,
            program,
        }
    }

    pub(super) async fn start(&self) -> Function {
        let env = self.env.iter().map(|(name, value)| (*name, value.as_str()));
        Function::start(&self.program, &env.collect::<Vec<_>>()).await
    }

    pub(super) async fn create(&self, function: &Function, name: &str) {
        let answer = function.call(&creation(name)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }

    /// Makes an instance connected, as far as the registry knows.
    pub(super) async fn connect(&self, name: &str) {
        let row = self.row(name).await;
        let registry = &self.registry;
        let row = registry.set_desired(&row.name, row.id, Desired::Connected, None);
        let row = row.await.unwrap();
        let observed = Observed {
            state: ConnectionState::Open,
            generation: row.generation,
            ..Observed::never()
        };
        let shown = registry.show(&row.name, row.id, &observed).await;
        assert!(shown.unwrap());
    }

    /// Adds instances called `b<number>`, each with a key and a token of its own.
    pub(super) async fn fill(&self, function: &Function, numbers: Range<usize>) {
        for n in numbers {
            self.create(function, &format!("b{n}")).await;
        }
    }

    /// Answers texts at once, as the owner of their instance would.
    pub(super) fn answer_texts(&self) -> JoinHandle<()> {
        let (queues, registry) = (self.queues.clone(), self.registry.clone());
        tokio::spawn(async move {
            let (name, options) = (plan::commands(ShardId(0)), plan::commands_options());
            let queue = queues.queue(&name, &options).await.unwrap();
            loop {
                let got = queue.receive(10, Duration::from_secs(20)).await.unwrap();
                for message in got {
                    let command: Command = serde_json::from_str(&message.body).unwrap();
                    if let Op::SendText(text) = &command.op {
                        let message = pending_text(command.instance, text, UnixMs::now());
                        let reply = Reply::Sent {
                            message: Box::new(message),
                        };
                        let minute = Duration::from_secs(60);
                        let put = registry.put_reply(command.id, &reply, minute);
                        put.await.unwrap();
                    }
                    queue.ack(&[message.receipt]).await.unwrap();
                }
            }
        })
    }

    async fn row(&self, name: &str) -> Instance {
        let row = self.registry.instance(&name.parse().unwrap()).await;
        row.unwrap().unwrap()
    }
}

/// A request for a new instance.
pub(super) fn creation(name: &str) -> HttpCall {
    let body = json!({ "instanceName": name, "integration": "WHATSAPP-BAILEYS" });
    HttpCall::new("POST", "/instance/create")
        .key(KEY)
        .json(&body)
}

/// The address of the queues up to their names.
#[expect(clippy::unwrap_used, reason = "a failure here is a failed bench")]
async fn queues_url(clients: &Aws, queues: &Queues) -> String {
    let name = format!("{}.fifo", plan::commands(ShardId(0)));
    let full_name = format!("{}{name}", queues.prefix());
    let found = clients.sqs().get_queue_url().queue_name(full_name);
    let url = found.send().await.unwrap().queue_url.unwrap();
    url.strip_suffix(&name).unwrap().to_owned()
}
