//! Counts times prices.

use crate::assumed::{FUNCTION_GB, TASK_CPUS, TASK_GB, Time};
use crate::counts::{
    BEATS_PER_HOUR, COMMAND_TAKEN, COMMIT, CONNECTION_STATE, CREATE, DELIVERY, EVENT_BATCH,
    EVENTS_PER_BATCH, FLEET, IDLE_SHARD_HOUR, POLLS_PER_HOUR, RECONCILE, RECONCILES_PER_HOUR,
    RENEWAL, REPLY, SEND_TEXT, Usage,
};
use crate::price::{
    FARGATE_CPU_HOUR, FARGATE_GB_HOUR, HOURS_PER_MONTH, HTTP_API, IPV4_HOUR, KMS, LAMBDA_GB_SECOND,
    LAMBDA_REQUEST, READ_UNIT, S3_READ, S3_WRITE, SQS_FIFO, WRITE_UNIT,
};
use crate::{assumed, counts};

/// Dollars for what an operation uses once.
#[must_use]
pub fn of(usage: &Usage) -> f64 {
    let s3_writes = usage.of("s3 PUT") + usage.of("s3 POST") + usage.of("s3 LIST");
    let s3_reads = usage.of("s3 GET") + usage.of("s3 HEAD");
    usage.read_units * READ_UNIT.dollars
        + usage.write_units * WRITE_UNIT.dollars
        + times(usage.of("sqs"), SQS_FIFO.dollars)
        + times(usage.of("kms"), KMS.dollars)
        + times(s3_writes, S3_WRITE.dollars)
        + times(s3_reads, S3_READ.dollars)
}

/// A call of the API that uses `usage` and keeps the function busy for `time`.
fn call(usage: &Usage, time: Time) -> f64 {
    HTTP_API.dollars + function(time.billed_ms()) + of(usage)
}

fn function(ms: f64) -> f64 {
    LAMBDA_REQUEST.dollars + ms / 1000.0 * FUNCTION_GB * LAMBDA_GB_SECOND.dollars
}

/// One `GET /instance/connectionState`.
#[must_use]
pub fn connection_state() -> f64 {
    call(&CONNECTION_STATE, assumed::CONNECTION_STATE_TIME)
}

/// One `POST /instance/create`.
#[must_use]
pub fn create() -> f64 {
    call(&CREATE, assumed::CREATE_TIME)
}

/// One `POST /message/sendText`, with the connector's part. Its events come on top.
#[must_use]
pub fn send_text() -> f64 {
    call(&SEND_TEXT, assumed::SEND_TEXT_TIME) + of(&COMMAND_TAKEN) + of(&REPLY)
}

/// One event, from the connector to a webhook that takes it.
#[must_use]
pub fn event() -> f64 {
    let batch = of(&EVENT_BATCH) + function(assumed::DELIVERY_MS);
    batch / EVENTS_PER_BATCH as f64 + of(&DELIVERY)
}

/// A quiet shard for a month: its queue is polled, its wishes are looked at, its database
/// looks at its manifest.
#[must_use]
pub fn shard_month() -> f64 {
    let hour = times(POLLS_PER_HOUR, SQS_FIFO.dollars)
        + times(RECONCILES_PER_HOUR, of(&RECONCILE))
        + of(&IDLE_SHARD_HOUR);
    hour * HOURS_PER_MONTH
}

/// A connector's task for a month, with nothing to do and without shards.
#[must_use]
pub fn task_month() -> f64 {
    let hour = TASK_CPUS * FARGATE_CPU_HOUR.dollars
        + TASK_GB * FARGATE_GB_HOUR.dollars
        + IPV4_HOUR.dollars
        + times(BEATS_PER_HOUR, of(&RENEWAL) + of(&FLEET));
    hour * HOURS_PER_MONTH + times(counts::IDLE_WRITES, WRITE_UNIT.dollars)
}

/// A shard that has something to write all the time, for an hour, at a commit interval.
#[must_use]
pub fn busy_hour(interval_ms: u32) -> f64 {
    let commits = 3_600_000.0 / f64::from(interval_ms);
    commits * of(&COMMIT)
}

fn times(count: u64, dollars: f64) -> f64 {
    count as f64 * dollars
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reckoned by hand from the price lists.
    #[test]
    fn sums_are_right() {
        let million = |dollars: f64| (dollars * 1e6 * 100.0).round() / 100.0;
        // 1.00 + 0.20 + (5 + 0.8 * 3.455) ms * 0.5 GB * 13.33 + 0.125
        assert_eq!(million(connection_state()), 1.38);
        // (6 * 0.50 + 0.20 + 0.15 GB-s * 13.33) / 4 + 0.125
        assert_eq!(million(event()), 1.43);
        // 36,000 and 14,400 PUTs at $5 per million
        assert_eq!((busy_hour(100) * 1e4).round(), 1800.0);
        assert_eq!((busy_hour(250) * 1e4).round(), 720.0);
    }
}
