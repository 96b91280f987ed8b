//! What is not there, described: clients of the contract ask for it.

use pombal_domain::EventName;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod;

use super::{BOTS, SINKS};
use crate::api::openapi::{Delete, Document, Get, Post, Put, instance};

macro_rules! bodies {
    ($($body:ident { $sink:ident: $shape:ident })*) => {
        $(
            /// The sink under its name.
            #[derive(ToSchema)]
            #[expect(dead_code, reason = "only its schema is used")]
            struct $body {
                $sink: $shape,
            }
        )*
    };
}

bodies! {
    RabbitmqBody { rabbitmq: AbsentSink }
    NatsBody { nats: AbsentSink }
    KafkaBody { kafka: AbsentSink }
    PusherBody { pusher: AbsentPusher }
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct AbsentSink {
    enabled: bool,
    events: Option<Vec<EventName>>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct AbsentPusher {
    enabled: bool,
    app_id: String,
    key: String,
    secret: String,
    cluster: String,
    #[schema(rename = "useTLS")]
    use_tls: bool,
    events: Option<Vec<EventName>>,
}

#[derive(ToSchema)]
struct NoBot {}

pub(in crate::api) fn describe(document: &mut Document) {
    document.chapter(
        "Not there",
        "Sinks and chatbots of Evolution API that Pombal does not have. It answers as Evolution \
         does where an operator has switched them off.",
    );
    sinks(document);
    bots(document);
    others(document);
}

fn sinks(document: &mut Document) {
    let plain = json!({ "enabled": true, "events": ["CALL"] });
    let pusher = json!({
        "enabled": true,
        "appId": "1",
        "key": "k",
        "secret": "s",
        "cluster": "sa1",
        "useTLS": true,
        "events": ["CALL"],
    });
    for sink in SINKS {
        let set = instance("Checked, and forgotten");
        let example = |inner| [("under its name", json!({ sink: inner }))];
        let set = match sink {
            "rabbitmq" => set.body::<RabbitmqBody>(&example(&plain)),
            "nats" => set.body::<NatsBody>(&example(&plain)),
            "kafka" => set.body::<KafkaBody>(&example(&plain)),
            _ => set.body::<PusherBody>(&example(&pusher)),
        };
        let set = set.answers_nothing(201, "Nothing was set.");
        document.at([Post, Put], &format!("/{sink}/set/{{name}}"), set);
        let find = instance("Nothing is found").answers_nothing(200, "There is nothing.");
        document.at([Get], &format!("/{sink}/find/{{name}}"), find);
    }
}

fn bots(document: &mut Document) {
    for (bot, name) in BOTS {
        let routes: [(&[HttpMethod], &str); 10] = [
            (&[Post], "create/{name}"),
            (&[Get], "find/{id}/{name}"),
            (&[Get], "fetch/{id}/{name}"),
            (&[Post, Put], "update/{id}/{name}"),
            (&[Delete], "delete/{id}/{name}"),
            (&[Post], "settings/{name}"),
            (&[Get], "fetchSettings/{name}"),
            (&[Post], "changeStatus/{name}"),
            (&[Get], "fetchSessions/{id}/{name}"),
            (&[Post], "ignoreJid/{name}"),
        ];
        for (methods, path) in routes {
            refused(document, methods, &format!("/{bot}/{path}"), name);
        }
        let find = format!("/{bot}/find/{{name}}");
        if bot == "evolutionBot" {
            let none = instance("There is none");
            document.at(
                [Get],
                &find,
                none.with_unread_body()
                    .answers_list::<NoBot>(200, "An empty list."),
            );
        } else {
            refused(document, &[Get], &find, name);
        }
    }
}

fn others(document: &mut Document) {
    let routes: [(&[HttpMethod], &str, &str); 6] = [
        (&[Post], "/typebot/start/{name}", "Typebot"),
        (&[Post, Get], "/openai/creds/{name}", "Openai"),
        (&[Delete], "/openai/creds/{id}/{name}", "Openai"),
        (&[Get], "/openai/getModels/{name}", "Openai"),
        (&[Post], "/chatwoot/set/{name}", "Chatwoot"),
        (&[Get], "/chatwoot/find/{name}", "Chatwoot"),
    ];
    for (methods, path, name) in routes {
        refused(document, methods, path, name);
    }
}

fn refused(document: &mut Document, methods: &[HttpMethod], path: &str, name: &str) {
    for method in methods {
        let message = json!([format!("{name} is disabled")]);
        let no = instance("Refused").with_unread_body();
        let no = no.refuses_as(&format!("{name}Disabled"), 400, "It is not there.", message);
        document.at([method.clone()], path, no);
    }
}
