//! Scenarios on the deployed template: functions as they ship, in an emulator.

mod bad_day;
mod fleet;
mod stack;
