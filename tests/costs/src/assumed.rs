//! What no test asserts: times of functions, and the size of a task. The page names them.

/// Memory of the functions in GB (`template.yaml`).
pub const FUNCTION_GB: f64 = 0.5;
/// Memory in GB for which a function has one virtual CPU; with less it has that part of one.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const GB_PER_CPU: f64 = 1769.0 / 1024.0;

/// How long a function is busy with a request.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// It waits so many milliseconds: assumed.
    pub waiting_ms: f64,
    /// It computes for so many milliseconds of a whole CPU: measured by `cargo xtask bench api`
    /// (`docs/BENCHMARKS.md`), on an x86-64 machine that had other work to do.
    pub cpu_ms: f64,
}

impl Time {
    /// What is billed, in milliseconds: computing takes longer on a part of a CPU.
    #[must_use]
    pub fn billed_ms(self) -> f64 {
        self.waiting_ms + self.cpu_ms * GB_PER_CPU / FUNCTION_GB
    }
}

/// The function `api` for connectionState: one read of the registry.
pub const CONNECTION_STATE_TIME: Time = Time {
    waiting_ms: 5.0,
    cpu_ms: 0.8,
};
/// For create: a data key and a transaction.
pub const CREATE_TIME: Time = Time {
    waiting_ms: 40.0,
    cpu_ms: 1.1,
};
/// For sendText: it waits until WhatsApp has acknowledged the message.
pub const SEND_TEXT_TIME: Time = Time {
    waiting_ms: 300.0,
    cpu_ms: 3.6,
};
/// Billed time of the function `delivery` for a batch: it waits for the webhook's answers. All of
/// it is assumed.
pub const DELIVERY_MS: f64 = 300.0;

/// Virtual CPUs of a connector's task.
pub const TASK_CPUS: f64 = 0.5;
/// Memory of a connector's task in GB.
pub const TASK_GB: f64 = 2.0;
/// Shards of a deployment.
pub const SHARDS: u16 = 16;
