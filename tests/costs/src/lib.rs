//! What Pombal asks of AWS, and what that costs.
//!
//! [`counts`] are asserted where the operations are, by tests that count at the wire. The same
//! constants, times [`price`]s, make the [`page`] for operators: a number there that no test
//! asserts is named as an assumption.

pub mod assumed;
pub mod bill;
pub mod counts;
pub mod page;
pub mod price;
