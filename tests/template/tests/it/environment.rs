//! Roles are given the variables that the code reads, by the names that it reads.

use std::collections::BTreeSet;
use std::fs;

use pombal_domain::EventName;
use pombal_template::Templates;
use serde_json::Value;

use crate::sources;

/// How the names of our variables begin.
const OURS: &[&str] = &[
    "AUTHENTICATION_",
    "CONFIG_",
    "CORS_",
    "DEL_",
    "FLEET_",
    "LEASE_",
    "LOGINS_",
    "MAX_",
    "META_",
    "METRICS_",
    "POMBAL_",
    "PROMETHEUS_",
    "PROXY_",
    "QRCODE_",
    "RATE_",
    "RUST_",
    "SEND_",
    "SERVER_",
    "SESSION_",
    "WA_",
    "WEBHOOK_",
];

/// What the code reads and no template sets, and why. A `*` stands for any ending.
const NOT_SET: &[(&str, &str)] = &[
    ("AUTHENTICATION_API_KEY", "the secret has the key"),
    (
        "AUTHENTICATION_EXPOSE_IN_FETCH_INSTANCES",
        "Evolution's name for WEBHOOK_INCLUDE_APIKEY",
    ),
    ("META_APP_SECRET", "the secret of POMBAL_META_SECRET has it"),
    ("METRICS_AUTH_REQUIRED", "the global key is a login enough"),
    ("METRICS_PASSWORD", "so no other secret is kept"),
    ("METRICS_USER", "and nobody has it"),
    ("POMBAL_WHATSAPP_URL", "for relays and demos"),
    ("WA_BUSINESS_TOKEN_WEBHOOK", "so has it this"),
    (
        "WEBHOOK_EVENTS_*",
        "Evolution's switches: WEBHOOK_GLOBAL_EVENTS lists what they are for",
    ),
];

/// Of the variables about proxies, the one for who checks them.
const PROXY_REACH: &str = "PROXY_ALLOW_PRIVATE";

#[test]
fn functions_are_given_what_the_code_reads() {
    let templates = Templates::read();
    let main = templates.get("template.yaml");
    let mut given = names(&main["Globals"]["Function"]["Environment"]["Variables"]);
    for function in templates.of_type("AWS::Serverless::Function") {
        given.extend(names(&function.property("Environment")["Variables"]));
    }
    let mut read = read_by("control-plane/src");
    read.extend(read_by("store/src/aws"));
    read.extend(read_by("store/src/logs.rs"));
    read.insert(PROXY_REACH.to_owned());
    // Sessions are the connectors'.
    read.remove("POMBAL_SESSIONS_BUCKET");
    compare(&given, &read);
}

#[test]
fn connectors_are_given_what_the_code_reads() {
    let templates = Templates::read();
    let task = &templates.get("infra/connector.yaml")["Resources"]["Task"]["Properties"];
    let container = &task["ContainerDefinitions"][0];
    let [plain, secret] = ["Environment", "Secrets"].map(|list| chosen(&container[list]));
    let given = [plain, secret].into_iter().flat_map(|list| {
        let list = list.as_array().unwrap().iter();
        list.map(|variable| chosen(variable)["Name"].as_str().unwrap().to_owned())
    });
    let mut read = read_by("connector/src");
    read.extend(read_by("store/src/proxy.rs"));
    read.extend(read_by("store/src/aws"));
    read.extend(read_by("store/src/logs.rs"));
    // The global key and Meta are the API's.
    read.remove("POMBAL_API_KEY_SECRET");
    read.remove("POMBAL_META_SECRET");
    compare(&given.collect(), &read);
}

/// A value, or the first choice of `!If [condition, first, second]`.
fn chosen(value: &Value) -> &Value {
    value.get("Fn::If").map_or(value, |choice| &choice[1])
}

/// A name that the code does not know would stop every delivery.
#[test]
fn the_operators_webhook_takes_the_events_that_the_code_knows() {
    let templates = Templates::read();
    let parameter = &templates.get("template.yaml")["Parameters"]["WebhookGlobalEvents"];
    let pattern = parameter["AllowedPattern"].as_str().unwrap();
    let names = pattern
        .strip_prefix(r"^(\*|((")
        .and_then(|rest| rest.strip_suffix(")(,|$))+)$"));
    let taken: BTreeSet<EventName> = names
        .unwrap()
        .split('|')
        .map(|name| name.parse().unwrap())
        .collect();
    let all = EventName::ALL.iter().copied();
    let known = all.filter(|event| !EventName::NEVER_GLOBAL.contains(event));
    assert_eq!(taken, known.collect());
}

fn compare(given: &BTreeSet<String>, read: &BTreeSet<String>) {
    let unread: Vec<_> = given.difference(read).collect();
    assert!(unread.is_empty(), "nothing reads {unread:?}");
    let excused = |name: &&String| {
        let mut excuses = NOT_SET.iter();
        excuses.any(|(excused, _)| match excused.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => excused == name,
        })
    };
    let missing: Vec<_> = read
        .difference(given)
        .filter(|name| !excused(name))
        .collect();
    assert!(missing.is_empty(), "nobody sets {missing:?}");
}

fn names(variables: &Value) -> BTreeSet<String> {
    let variables = variables.as_object().into_iter().flatten();
    variables.map(|(name, _)| name.clone()).collect()
}

/// The names of variables among the string literals of a file, or of a folder's files.
fn read_by(path: &str) -> BTreeSet<String> {
    let names = sources::files(path).into_iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        // Every second part is between quotes.
        let literals = text.split('"').skip(1).step_by(2);
        literals
            .filter(|text| is_variable(text))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    names.collect()
}

fn is_variable(text: &str) -> bool {
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let test = text.starts_with("POMBAL_TEST_");
    OURS.iter().any(|prefix| text.starts_with(prefix)) && text.chars().all(capital) && !test
}
