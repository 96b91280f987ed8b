//! What the kernel says about a process.

use std::fs;
use std::time::Duration;

/// `USER_HZ`, the unit of CPU times in `/proc`: 100 a second on every Linux that has kept it
/// stable for programs. <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time so far, the kernel's for the process included.
pub(super) fn cpu(pid: u32) -> Duration {
    let stat = read(pid, "stat");
    // The second field is the program's name in parentheses, which may hold anything.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // `utime` and `stime`, the 14th and 15th field.
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Duration::from_secs_f64((user + system) / TICKS_PER_SECOND),
        _ => panic!("no CPU time in {stat:?}"),
    }
}

/// The most memory that the process ever had, in MiB.
pub(super) fn peak_mib(pid: u32) -> f64 {
    let status = read(pid, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    match kib {
        Some(kib) => (kib / 1024.0 * 10.0).round() / 10.0,
        None => panic!("no VmHWM in {status:?}"),
    }
}

fn read(pid: u32, name: &str) -> String {
    let path = format!("/proc/{pid}/{name}");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
