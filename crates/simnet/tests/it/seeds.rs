//! Simulations for many seeds. `CAPECRYPTO_SEEDS` says how many are tried; a failure names its seed, and `CAPECRYPTO_SEED` repeats it.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The seeds to try: as many as this, if the environment says nothing else.
pub(crate) fn seeds(most: u64) -> impl Iterator<Item = u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("CAPECRYPTO_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CAPECRYPTO_SEEDS").unwrap_or(most),
    }
}

/// Runs a simulation on a paused clock and one thread.
pub(crate) fn simulate<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(future)
}

/// Runs a simulation, and names the seed if it fails.
pub(crate) fn with_seed<F: Future>(seed: u64, run: impl Fn(u64) -> F) -> F::Output {
    let result = catch_unwind(AssertUnwindSafe(|| simulate(run(seed))));
    result.unwrap_or_else(|_| panic!("repeat it with CAPECRYPTO_SEED={seed}"))
}
