//! A small Internet on loopback: DNS and scripted SMTP exchanges.
//!
//! For newcomers and policy authors (`vrfy lab SCENARIO -- COMMAND`, no port 25 needed) and for the
//! tests. A scenario file says which domains there are, who takes their mail, and how these
//! exchanges behave: well, or in one of the many ways that are met outside.
//!
//! ```text
//! scenario file -> schema -> world -> Scenario -> Lab::start
//!                                                  |-- zone, dns            127.0.0.1, UDP and TCP
//!                                                  |-- exchange, session    127.77.x.y, one port
//!                                                  `-- ledger -> Report     what the client did
//! ```
//!
//! It promises to be a correct server where the scenario does not say otherwise, to behave the
//! same on every run (no clock but for waiting, no randomness but a seeded one), and to share no
//! parser and no session with the host: a mistake in one cannot hide behind the same in the other.
//! It never takes a message and never listens outside of loopback.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use vrfy_lab::{Lab, Scenario};
//!
//! let scenario = Scenario::parse(
//!     r#"
//!     [[domain]]
//!     name = "shop.test"
//!     mailboxes = [{ name = "ana", expect = "deliverable" }]
//!     "#,
//! )?;
//! let lab = Lab::start(scenario).await?;
//! println!("--resolver {} --port {}", lab.resolver(), lab.port());
//! let report = lab.stop().await;
//! assert!(report.sins.is_empty());
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
#![forbid(unsafe_code)]

mod answer;
mod certificates;
mod command;
mod dns;
mod exchange;
mod lab;
mod ledger;
mod memory;
mod report;
mod run;
mod scenario;
mod schema;
mod session;
mod wire;
mod world;
mod zone;

pub use certificates::CertificateError;
pub use lab::{Lab, LabError};
pub use report::{DnsQuestion, Ending, ExchangeReport, Report, SessionReport, Sin, SinKind};
pub use run::run;
pub use scenario::{KnownAddress, Scenario, ScenarioError};
pub use schema::Expectation;
