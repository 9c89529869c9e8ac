//! A network in memory: every address is a script, and every connection is remembered.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use vrfy::connect::{Connection, Network};
use vrfy_proto::evidence::ConnectFailure;

use super::script::{Script, serve};
use super::wire::{Meter, NearEnd, connection};

/// The network. Clones are the same one.
#[derive(Clone, Default)]
pub struct Memory {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    scripts: BTreeMap<IpAddr, Script>,
    visits: Vec<(IpAddr, Arc<Meter>)>,
    serving: Vec<JoinHandle<()>>,
}

impl Memory {
    /// Puts a server at an address.
    ///
    /// # Panics
    /// Where another holder of the lock has panicked.
    pub fn put(&self, address: IpAddr, script: Script) {
        let mut shared = self.shared.lock().expect("no holder panics");
        shared.scripts.insert(address, script);
    }

    /// The connections so far, in order: to whom, and what is known of them.
    ///
    /// # Panics
    /// Where another holder of the lock has panicked.
    #[must_use]
    pub fn visits(&self) -> Vec<(IpAddr, Arc<Meter>)> {
        let shared = self.shared.lock().expect("no holder panics");
        shared.visits.clone()
    }

    /// Ends all servers.
    ///
    /// # Panics
    /// Where one of them has panicked: then the test itself is wrong.
    pub async fn end(self) {
        let serving = {
            let mut shared = self.shared.lock().expect("no holder panics");
            std::mem::take(&mut shared.serving)
        };
        for task in serving {
            task.abort();
            if let Err(error) = task.await {
                assert!(error.is_cancelled(), "a server failed: {error}");
            }
        }
    }
}

impl Network for Memory {
    type Stream = NearEnd;

    async fn open(
        &self,
        target: SocketAddr,
        _source: Option<IpAddr>,
    ) -> Result<Connection<NearEnd>, ConnectFailure> {
        let mut shared = self.shared.lock().expect("no holder panics");
        let script = shared.scripts.get(&target.ip()).cloned();
        let script = script.ok_or(ConnectFailure::Refused)?;
        let (near, far, meter) = connection();
        shared.visits.push((target.ip(), meter));
        shared.serving.push(tokio::spawn(async move {
            // Its only error is that the client has left.
            let _ = serve(far, &script).await;
        }));
        Ok(Connection {
            stream: near,
            source: Some(SOURCE),
        })
    }
}

/// Where we seem to come from.
pub const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 200));
