//! What no test asserts: times of functions, and the size of a task. The page names them.

/// Memory of the functions in GB (`template.yaml`).
pub const FUNCTION_GB: f64 = 0.5;

/// Billed time of the function `api` for connectionState: one read of the registry.
pub const CONNECTION_STATE_MS: f64 = 10.0;
/// For create: a data key and a transaction.
pub const CREATE_MS: f64 = 50.0;
/// For sendText: it waits until WhatsApp has acknowledged the message.
pub const SEND_TEXT_MS: f64 = 300.0;
/// Billed time of the function `delivery` for a batch: it waits for the webhook's answers.
pub const DELIVERY_MS: f64 = 300.0;

/// Virtual CPUs of a connector's task.
pub const TASK_CPUS: f64 = 0.5;
/// Memory of a connector's task in GB.
pub const TASK_GB: f64 = 2.0;
/// Shards of a deployment.
pub const SHARDS: u16 = 16;
