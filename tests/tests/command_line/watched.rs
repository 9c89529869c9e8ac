//! The program in a lab that lives in the test, so that the test sees what the lab saw.

use vrfy_lab::{Lab, Report, Scenario};
use vrfy_tests::program::{Outcome, Run};

/// Runs the program inside the lab of this scenario, and tells what both saw.
pub(crate) fn run_watched(scenario: &str, change: impl FnOnce(Run) -> Run) -> (Outcome, Report) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let scenario = Scenario::parse(scenario).unwrap();
    let lab = runtime.block_on(Lab::start(scenario)).unwrap();
    let run = Run::plain()
        .env("VRFY_RESOLVER", &lab.resolver().to_string())
        .env("VRFY_PORT", &lab.port().to_string())
        .env("VRFY_ALLOW_SPECIAL", &lab.special_ranges().join(","))
        .env("VRFY_HELO", "probe.lab.test");
    let outcome = change(run).run();
    (outcome, runtime.block_on(lab.stop()))
}
