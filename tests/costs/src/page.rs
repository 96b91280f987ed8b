//! The section "What it costs" of `docs/OPERATIONS.md`.

use std::fmt::Write;

use crate::assumed::{
    CONNECTION_STATE_TIME, CREATE_TIME, DELIVERY_MS, FUNCTION_GB, SEND_TEXT_TIME, SHARDS,
    TASK_CPUS, TASK_GB,
};
use crate::bill;
use crate::counts::{
    BEATS_PER_HOUR, COMMAND_TAKEN, COMMIT, CONNECTION_STATE, CREATE, DELIVERY, EVENT_BATCH,
    EVENTS_PER_BATCH, FLEET, IDLE_SHARD_HOUR, POLLS_PER_HOUR, RECONCILE, RECONCILES_PER_HOUR,
    RENEWAL, REPLY, SEND_TEXT, Usage,
};
use crate::price::ALL;

/// What stands before the generated part of the page.
pub const BEGIN: &str = "<!-- costs: made by `cargo xtask costs`, do not edit -->";
/// What stands behind it.
pub const END: &str = "<!-- costs: end -->";

/// The page with its generated part made anew. None: the page has no place for it.
#[must_use]
pub fn renew(page: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}{END}{after}", section()))
}

/// The generated part.
#[must_use]
pub fn section() -> String {
    [operations(), standing(), assumptions(), prices()].concat()
}

fn operations() -> String {
    let rows = [
        (
            "`GET /instance/connectionState`",
            told(&CONNECTION_STATE),
            bill::connection_state(),
        ),
        (
            "`POST /message/sendText`",
            format!(
                "{}; the connector {}, {}",
                told(&SEND_TEXT),
                told(&COMMAND_TAKEN),
                told(&REPLY)
            ),
            bill::send_text(),
        ),
        ("`POST /instance/create`", told(&CREATE), bill::create()),
        (
            "an event, from the connector to a webhook",
            format!(
                "{EVENTS_PER_BATCH} that come one by one together {}; each of them {}",
                told(&EVENT_BATCH),
                told(&DELIVERY)
            ),
            bill::event(),
        ),
        (
            "a commit of a shard's session database",
            told(&COMMIT),
            bill::of(&COMMIT),
        ),
    ];
    let mut text = String::from(
        "\n| operation | what it asks for, as tests count it | dollars per million |\n\
         |---|---|---:|\n",
    );
    for (name, asks, dollars) in rows {
        line(&mut text, &[name, &asks, &format!("{:.2}", dollars * 1e6)]);
    }
    text.push_str(
        "\nCalls include the HTTP API and the function. A message that comes in is one event, and \
         so is each news of a message that was sent: three or four until it is read. Events and keys are committed before anything leaves; \
         what a shard writes within one interval shares a commit, and the bench `sessions` measures \
         how many a message takes. A reply that \
         is not there at the first look costs a read more at each further one. Transfer, logs and \
         media are not in here.\n",
    );
    text
}

fn standing() -> String {
    let mut text = String::from("\n| standing | what it asks for | dollars |\n|---|---|---:|\n");
    let shard = format!(
        "per hour {POLLS_PER_HOUR} long polls, {RECONCILES_PER_HOUR} times ({}), at most {}",
        told(&RECONCILE),
        told(&IDLE_SHARD_HOUR)
    );
    let month = |dollars: f64| format!("{dollars:.2} a month");
    let all = bill::task_month() + f64::from(SHARDS) * bill::shard_month();
    line(
        &mut text,
        &["an idle shard", &shard, &month(bill::shard_month())],
    );
    let task = format!(
        "{TASK_CPUS} vCPU, {TASK_GB} GB, one public address, per hour {BEATS_PER_HOUR} times \
         ({}; {})",
        told(&RENEWAL),
        told(&FLEET)
    );
    line(
        &mut text,
        &[
            "a connector without shards",
            &task,
            &month(bill::task_month()),
        ],
    );
    let name = format!("an idle connector with {SHARDS} shards");
    line(&mut text, &[&name, "the sum of these", &month(all)]);
    for interval in [100, 250] {
        let name = format!("a shard that writes all the time, at {interval} ms");
        let hour = format!("{:.3} an hour", bill::busy_hour(interval));
        line(
            &mut text,
            &[&name, "one PUT per commit, however much is in it", &hour],
        );
    }
    text.push_str(
        "\nThe interval is `SESSION_COMMIT_INTERVAL_MS`. A shard writes no more often than that, \
         whatever its traffic, and not at all when nothing happens.\n",
    );
    text
}

fn assumptions() -> String {
    let calls = [
        ("connectionState", CONNECTION_STATE_TIME),
        ("create", CREATE_TIME),
        ("sendText", SEND_TEXT_TIME),
    ];
    let waits = calls.map(|(name, time)| format!("{} ms for {name}", time.waiting_ms));
    let computes = calls.map(|(name, time)| format!("{} ms for {name}", time.cpu_ms));
    format!(
        "\nMeasured, not on AWS: a call keeps a CPU busy for {}, as the bench `api` found on an \
         x86-64 machine that had other work to do ([BENCHMARKS.md](BENCHMARKS.md)); functions of \
         {FUNCTION_GB} GB have 0.29 of a CPU, so it takes them 3.5 times as long. Assumed, not \
         counted: the function waits {}, and a batch of the delivery takes {DELIVERY_MS} ms, most \
         of it waiting.\n",
        computes.join(", "),
        waits.join(", "),
    )
}

fn prices() -> String {
    let mut text = String::from(
        "\nList prices of us-east-1, August 2026, without free tiers:\n\n\
         | what | price | AWS |\n|---|---|---|\n",
    );
    for price in ALL {
        line(&mut text, &[price.what, price.listed, price.source]);
    }
    text.push('\n');
    text
}

/// Requests in words.
fn told(usage: &Usage) -> String {
    let mut words: Vec<String> = usage
        .requests
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {}", proper(name)))
        .collect();
    for (units, kind) in [
        (usage.read_units, "read unit"),
        (usage.write_units, "write unit"),
    ] {
        let plural = if units == 1.0 { "" } else { "s" };
        if units > 0.0 {
            words.push(format!("{units} {kind}{plural}"));
        }
    }
    words.join(", ")
}

/// A request under its service's proper name.
fn proper(request: &str) -> String {
    let names = [
        ("dynamodb ", "DynamoDB "),
        ("kms ", "KMS "),
        ("s3 ", "S3 "),
        ("sqs ", "SQS "),
    ];
    let found = names.iter().find_map(|(ours, proper)| {
        let operation = request.strip_prefix(ours)?;
        Some(format!("{proper}{operation}"))
    });
    found.unwrap_or_else(|| request.to_owned())
}

fn line(text: &mut String, cells: &[&str]) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_generated_part_changes() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let renewed = renew(&page).unwrap();
        assert!(renewed.starts_with("a\n") && renewed.ends_with("\nb\n"));
        assert!(!renewed.contains("old") && renewed.contains("sendText"));
        assert_eq!(renew(&renewed).unwrap(), renewed);
        assert_eq!(renew("no place"), None);
    }
}
