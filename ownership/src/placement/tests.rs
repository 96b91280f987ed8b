mod convergence;
mod fleet;
mod mine;
mod others;
