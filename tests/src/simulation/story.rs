//! A world told to people: what was to be asked, everything that was said, and what came of it.

use std::fmt::Write as _;

use super::log::Observed;

impl Observed {
    /// Everything that was seen, in the order of time.
    pub fn story(&self) -> String {
        let mut events = Vec::new();
        for permit in &self.seen.permits {
            let asks: Vec<String> = permit
                .asks
                .iter()
                .map(|ask| format!("{} round {} decoy {:?}", ask.mailbox, ask.round, ask.decoy))
                .collect();
            let until = permit.reported_at;
            let text = format!(
                "permit for {} until {until:?}: {}",
                permit.lane,
                asks.join("; ")
            );
            events.push((permit.granted_at, text));
        }
        for (id, connection) in self.seen.connections.iter().enumerate() {
            let target = connection.target;
            let (opened, closed) = (connection.opened, connection.closed_at);
            let text = format!(
                "connection {id} of permit {:?} to {target:?}, open {opened:?}, closed {closed:?}\n\
                 --- read\n{}\n--- written\n{}\n--- about whom, lied: {}\n{:?}\n--- sins {:?}",
                connection.permit,
                cut(&connection.delivered),
                cut(&connection.heard),
                connection.lied,
                connection.answers,
                connection.sins,
            );
            events.push((connection.asked_at, text));
        }
        for decision in &self.seen.decisions {
            events.push((decision.at, format!("{decision:?}")));
        }
        for (at, settled) in &self.settled {
            let record = serde_json::to_string(&settled.record).unwrap_or_default();
            events.push((*at, format!("record {}: {record}", settled.index)));
        }
        events.sort_by_key(|(at, _)| *at);
        let mut story = format!("{:#?}\n", self.world);
        for (at, text) in events {
            let _ = writeln!(story, "{at:?} {text}");
        }
        let _ = writeln!(
            story,
            "stopped {:?}, ended {:?}",
            self.seen.stopped_at, self.end
        );
        story
    }
}

fn cut(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    text.chars().take(STORY_MAX).collect()
}

/// Characters of one side of a dialogue that are told.
const STORY_MAX: usize = 4_000;
