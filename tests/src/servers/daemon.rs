//! One running daemon and everything that it starts.
//!
//! A daemon never outlives its guard, not even when the test process is killed: it runs below a
//! small shell that waits on a pipe which only the guard holds open, and that ends the whole
//! process group.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::root::{Root, as_root, run_folder};

/// How long a daemon may take to its first greeting. Postfix needs one second of its own will.
const START_MAX: Duration = Duration::from_secs(20);
/// How long one question about readiness may take.
const PROBE_MAX: Duration = Duration::from_millis(500);
/// How long the shell below may take to end a daemon: the two seconds in it and a margin.
const STOP_MAX: Duration = Duration::from_secs(5);
/// How often a daemon is looked at while it starts or stops.
const PERIOD: Duration = Duration::from_millis(20);

/// Ends the daemon when its standard input ends: politely, after two seconds by force.
const SUPERVISOR: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- &
daemon=$!
{
    read -r _ <&3
    kill -TERM "$daemon"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        sleep 0.1
        kill -0 "$daemon" || break
    done
    kill -KILL 0
} 2>/dev/null &
exec 3<&-
wait "$daemon"
kill -KILL 0
"#;

/// How one can tell that a daemon has started.
#[derive(Clone, Copy, Debug)]
pub enum Ready {
    /// It accepts a connection.
    Connects(SocketAddr),
    /// It accepts a connection and greets.
    Greets(SocketAddr),
    /// It answers a DNS query.
    Resolver(SocketAddr),
}

/// A daemon that runs; it is ended when this is dropped.
pub struct Daemon {
    server: &'static str,
    name: &'static str,
    supervisor: Child,
    ready: Ready,
    started: Instant,
    log: PathBuf,
    folder: PathBuf,
}

impl Daemon {
    /// Starts `command` inside the root folder and returns at once. Its log files are in the folder
    /// of `server` in this run.
    pub fn start(
        root: &Root,
        server: &'static str,
        name: &'static str,
        command: &[&str],
        ready: Ready,
    ) -> Result<Self> {
        let folder = root.outside(&run_folder(server));
        let log = folder.with_file_name(format!("{name}.output"));
        let output =
            File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        // A session of its own, so that one signal reaches all that the daemon starts.
        let supervisor = as_root("setsid")
            .args(["-w", "sh", "-c", SUPERVISOR, "supervisor"])
            .args(root.words(command))
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            server,
            name,
            supervisor,
            ready,
            started: Instant::now(),
            log,
            folder,
        })
    }

    /// The server that this is a part of.
    pub fn server(&self) -> &'static str {
        self.server
    }

    /// Waits until the daemon answers. An early end or a late start is an error with the log.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        while !self.ready.holds() {
            if let Some(status) = self.supervisor.try_wait()? {
                bail!("{} ended at once ({status}):\n{}", self.name, self.log());
            }
            if self.started.elapsed() > START_MAX {
                bail!(
                    "{} did not answer within {START_MAX:?}:\n{}",
                    self.name,
                    self.log()
                );
            }
            std::thread::sleep(PERIOD);
        }
        Ok(())
    }

    /// What the daemon wrote to its output and to the log files in its folder.
    pub fn log(&self) -> String {
        let mut text = fs::read_to_string(&self.log).unwrap_or_default();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.to_string_lossy().ends_with("log") {
                text += &fs::read_to_string(path).unwrap_or_default();
            }
        }
        text
    }

    /// Tells the daemon to end and does not wait for it.
    pub fn ask_to_stop(&mut self) {
        self.supervisor.stdin = None;
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.ask_to_stop();
        let deadline = Instant::now() + STOP_MAX;
        while matches!(self.supervisor.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                eprintln!("{} does not end", self.name);
                let _ = self.supervisor.kill();
                let _ = self.supervisor.wait();
                return;
            }
            std::thread::sleep(PERIOD);
        }
    }
}

impl Ready {
    fn holds(self) -> bool {
        match self {
            Self::Connects(address) => TcpStream::connect_timeout(&address, PROBE_MAX).is_ok(),
            Self::Greets(address) => greets(address).unwrap_or(false),
            Self::Resolver(address) => answers(address).unwrap_or(false),
        }
    }
}

fn greets(address: SocketAddr) -> std::io::Result<bool> {
    let stream = TcpStream::connect_timeout(&address, PROBE_MAX)?;
    stream.set_read_timeout(Some(PROBE_MAX))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.starts_with("220"))
}

/// Asks for the SOA record of `test`, which the zone has.
fn answers(address: SocketAddr) -> std::io::Result<bool> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(PROBE_MAX))?;
    let query = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04test\x00\x00\x06\x00\x01";
    socket.send_to(query, address)?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    // Response code "no error" and one answer: RFC 1035, section 4.1.1.
    Ok(length > 12 && answer[3] & 0x0f == 0 && answer[7] == 1)
}
