//! One question by itself, for whoever wants to know more of DNS than where mail goes.

use std::net::IpAddr;

use vrfy_proto::mx::{DnsAnswer, MxRecord};

use super::Lookup;
use super::answer::{Datum, Question, QuestionKind};

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The records, or why there are none.
    pub answer: DnsAnswer<Datum>,
    /// The names that CNAME records led to, in order.
    pub aliases: Vec<String>,
}

impl Records {
    /// The addresses among the records.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.pick(|datum| match datum {
            Datum::V4(address) => Some(IpAddr::V4(*address)),
            Datum::V6(address) => Some(IpAddr::V6(*address)),
            _ => None,
        })
    }

    /// The names of an address among the records.
    pub fn names(&self) -> Vec<&str> {
        self.pick(|datum| match datum {
            Datum::Ptr(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The texts among the records.
    pub fn texts(&self) -> Vec<&[u8]> {
        self.pick(|datum| match datum {
            Datum::Txt(text) => Some(text.as_slice()),
            _ => None,
        })
    }

    /// The exchanges among the records.
    pub fn exchanges(&self) -> Vec<&MxRecord> {
        self.pick(|datum| match datum {
            Datum::Mx(record) => Some(record),
            _ => None,
        })
    }

    fn pick<'a, T>(&'a self, pick: impl Fn(&'a Datum) -> Option<T>) -> Vec<T> {
        match &self.answer {
            DnsAnswer::Records(records) => records.iter().filter_map(pick).collect(),
            _ => Vec::new(),
        }
    }
}

impl QuestionKind {
    /// The name of the record type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mx => "MX",
            Self::V4 => "A",
            Self::V6 => "AAAA",
            Self::Ptr => "PTR",
            Self::Txt => "TXT",
        }
    }
}

impl Lookup {
    /// Asks one question. Aliases are followed; the name is absolute and without a trailing dot.
    pub async fn records(&self, name: &str, kind: QuestionKind) -> Records {
        let question = Question::new(&name.to_ascii_lowercase(), kind);
        let found = self.ask(question).await;
        Records {
            answer: found.answer.records.clone(),
            aliases: found.answer.aliases.clone(),
        }
    }
}
