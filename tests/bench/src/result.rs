//! Results as DESIGN § 14 wants them.

use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use serde_json::json;

/// One measured number.
pub(crate) struct Row {
    pub(crate) metric: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) target: Option<f64>,
    pub(crate) runs: usize,
    /// What holds a missed target back, say.
    pub(crate) note: Option<&'static str>,
}

impl Row {
    /// A percentile of durations, in milliseconds.
    pub(crate) fn percentile(metric: &str, p: f64, samples: &mut [Duration]) -> Self {
        samples.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index"
        )]
        let at = ((samples.len() - 1) as f64 * p).round() as usize;
        Self {
            metric: format!("{metric} p{}", p * 100.0),
            value: (samples[at].as_secs_f64() * 10_000.0).round() / 10.0,
            unit: "ms",
            target: None,
            runs: samples.len(),
            note: None,
        }
    }
}

/// Writes and prints the rows.
#[expect(clippy::print_stdout, reason = "for the person at the terminal")]
pub(crate) fn write(file: &str, rows: &[Row]) -> io::Result<()> {
    let mut list = Vec::with_capacity(rows.len());
    for row in rows {
        println!("{:48} {:>10} {}", row.metric, row.value, row.unit);
        list.push(json!({
            "metric": row.metric,
            "value": row.value,
            "unit": row.unit,
            "target": row.target,
            "runs": row.runs,
            "note": row.note,
        }));
    }
    fs::write(file, format!("{:#}\n", json!(list)))
}

/// Says what is wrong.
#[expect(clippy::print_stderr, reason = "for the person at the terminal")]
pub(crate) fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
