//! Seeds of tests.

/// The first seed: to run a failure again.
const SEED: &str = "POMBAL_FAULT_SEED";
/// How many seeds a test runs.
const ROUNDS: &str = "POMBAL_FAULT_ROUNDS";
/// Two seeds are so far apart: the golden ratio of 2^64, odd.
const APART: u64 = 0x9E37_79B9_7F4A_7C15;

/// The seeds of one run: one by itself, as many as `POMBAL_FAULT_ROUNDS` says, the first of
/// them `first` or what `POMBAL_FAULT_SEED` says.
///
/// # Panics
/// When a variable is no number.
pub fn seeds(first: u64) -> impl Iterator<Item = u64> {
    let first = from_env(SEED, first);
    (0..from_env(ROUNDS, 1)).map(move |n| first.wrapping_add(n.wrapping_mul(APART)))
}

fn from_env(name: &str, default: u64) -> u64 {
    let Ok(value) = std::env::var(name) else {
        return default;
    };
    let parsed = match value.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => value.parse(),
    };
    parsed.unwrap_or_else(|error| panic!("{name}={value}: {error}"))
}

/// Tells the seed when the test fails.
#[derive(Debug)]
pub struct Told(pub u64);

impl Drop for Told {
    #[expect(
        clippy::print_stderr,
        reason = "a failed test says how to run it again"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it had the seed {SEED}={:#x}", self.0);
        }
    }
}
